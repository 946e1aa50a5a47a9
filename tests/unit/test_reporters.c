/* test_reporters.c - report.html and report.md, made by the plugins themselves: nothing that a
 * user wrote gets out of its place, every figure is well-formed XML (librsvg refuses others). */
#define _GNU_SOURCE
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "plugin/registry.h"
#include "support/made_facts.h"
#include "support/made_run.h"
#include "support/made_runs.h"
#include "support/suite.h"

#include <check.h>
#include <dlfcn.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64];
static struct report *made;

static const struct rn_plugin *loaded(const char *name)
{
    char path[512];
    const char *plugins = getenv("RN_PLUGIN_PATH");
    rn_plugin_query_fn *query;

    ck_assert_msg(plugins != NULL, "RN_PLUGIN_PATH is not set; run it with meson test");
    snprintf(path, sizeof path, "%s/reporters/%s.so", plugins, name);
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(so != NULL, "%s", dlerror());
    memcpy(&query, &(void *){dlsym(so, RN_QUERY_SYMBOL)}, sizeof query);
    ck_assert(query != NULL);
    return query(host_table())[0];
}

static char *content(const char *name)
{
    char path[256];
    void *data;
    uint64_t n;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_msg(!file_read(path, 1 << 24, &data, &n), "%s", error_text());
    ck_assert_uint_eq(strlen(data), n);
    return data;
}

static bool is_there(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return file_exists(path);
}

static void make(const struct made_run *m)
{
    snprintf(dir, sizeof dir, "/tmp/test_reporters_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_msg(!made_run(m, dir, &made), "%s", error_text());
    ck_assert_int_eq(report_write(made), 0);
}

static void unmake(void)
{
    report_close(made);
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}

static void end_with(const char *name, const void *options)
{
    const struct rn_reporter_ops *ops = loaded(name)->ops;
    void *rep;

    ck_assert_msg(!ops->open(options, report_view(made), &rep), "%s", error_text());
    ck_assert_msg(!ops->end(rep, report_view(made)), "%s", error_text());
    ops->close(rep);
}

static void has_no_tag(const char *page, const char *tag) { ck_assert_ptr_null(strstr(page, tag)); }

static int count(const char *s, const char *what)
{
    int n = 0;

    for (; (s = strstr(s, what)); s++)
        n++;
    return n;
}

START_TEST(the_default_order_is_by_priority)
{
    ck_assert_int_eq(loaded("markdown")->priority, 20);
    ck_assert_int_eq(loaded("html")->priority, 10);
    ck_assert_uint_eq(loaded("html")->traits & RN_TRAIT_DEFAULT, RN_TRAIT_DEFAULT);
    ck_assert_uint_eq(loaded("markdown")->traits & RN_TRAIT_DEFAULT, RN_TRAIT_DEFAULT);
}
END_TEST

START_TEST(the_page_needs_nothing_and_runs_nothing)
{
    make(&(struct made_run){5, 3, 200, NULL, true, false});
    end_with("html", NULL);
    char *page = content("report.html");
    ck_assert_ptr_nonnull(strstr(page, "content=\"default-src 'none'; script-src 'sha256-"));
    ck_assert_ptr_nonnull(strstr(page, "'; style-src 'unsafe-inline'; img-src data:; "
                                       "base-uri 'none'; form-action 'none'\""));
    ck_assert_int_eq(count(page, "<script>"), 1);
    ck_assert_int_eq(count(page, "<script type=\"application/json\""), 1);
    ck_assert_int_eq(count(page, "<script"), 2);
    has_no_tag(page, "<link");
    has_no_tag(page, "http-equiv=\"refresh\"");
    ck_assert_int_ge(count(page, "<svg "), 5);
    ck_assert_int_eq(count(page, "<svg "), count(page, "</svg>"));
    /* http-equiv; the namespace of each SVG */
    ck_assert_int_eq(count(page, "http"), 2 + count(page, "<svg "));
    ck_assert_int_eq(count(page, "<details"), count(page, "</details>"));
    ck_assert_ptr_nonnull(strstr(page, report_view(made)->findings[0].text));
    ck_assert_ptr_nonnull(strstr(page, "test.accuracy &gt;= 0.5: it is 0.86"));
    mem_free(page);
    unmake();
}
END_TEST

START_TEST(what_a_user_wrote_stays_text)
{
    make(&(struct made_run){5, 3, 200, HOSTILE, true, false});
    end_with("html", NULL);
    end_with("markdown", &(bool){true}); /* librsvg parses each of the figures */
    char *page = content("report.html"), *md = content("report.md");
    has_no_tag(page, "<img");
    ck_assert_int_eq(count(page, "<script"), 2); /* ours, at the end, and its numbers */
    ck_assert_int_eq(count(page, "</script"), 2);
    ck_assert_ptr_nonnull(strstr(page, "\"classes\":[\"\\\"\\u003e\\u003cimg src=x"));
    has_no_tag(page, "=x onerror=alert(1)>");
    ck_assert_ptr_null(strchr(page, '\x01'));
    ck_assert_ptr_null(strstr(page, "\xE2\x80\xAE"));
    ck_assert_int_ge(count(page, "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;&#39;"), 20);
    ck_assert_ptr_nonnull(strstr(page, "&amp;\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD|"));
    ck_assert_ptr_nonnull(strstr(md, "&#38;\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\\|"));
    /* outside of the two fenced blocks */
    ck_assert_int_eq(count(md, "<img"), 2);
    ck_assert_int_ge(count(md, "&#60;img src=x onerror=alert(1)&#62;"), 10);
    ck_assert_int_eq(count(md, "\xE2\x80\xAE"), 2);
    ck_assert_int_ge(count(md, "\xEF\xBF\xBD\\|\\`\\*\\_"), 10); /* a bar would end a cell */
    mem_free(page);
    mem_free(md);
    unmake();
}
END_TEST

START_TEST(markdown_has_its_pictures)
{
    make(&(struct made_run){5, 3, 200, NULL, true, false});
    end_with("markdown", &(bool){true});
    char *md = content("report.md");
    for (int64_t i = 0; i < report_view(made)->n_figures; i++) {
        char png[128];
        snprintf(png, sizeof png, "figures/%s.png", report_view(made)->figures[i].name);
        ck_assert_msg(strstr(md, png), "%s is not in report.md", png);
        ck_assert_msg(is_there(png), "%s is missing", png);
    }
    ck_assert(is_there("figures/loss_train_val.png"));
    ck_assert(is_there("figures/confusion_matrix_counts.png"));
    ck_assert_ptr_nonnull(strstr(md, "| logits | dense | 10 | 100 | 0.000 |"));
    ck_assert_ptr_nonnull(strstr(md, "```yaml\nname: run\n```"));
    mem_free(md);
    unmake();
}
END_TEST

/* The policy lets only this very script run. */
START_TEST(the_policy_names_the_script_that_is_there)
{
    char hex[HASH_TEXT], wanted[128], digest[BASE64_ENCODE_RAW_LENGTH(32) + 1] = "";
    uint8_t bytes[32];

    make(&(struct made_run){5, 1, 0, NULL, false, false});
    end_with("html", NULL);
    char *page = content("report.html");
    const char *from = strstr(page, "<script>") + strlen("<script>");
    hash_sha256(from, (uint64_t)(strstr(from, "</script>") - from), hex);
    for (int i = 0; i < 32; i++) {
        char two[] = {hex[7 + 2 * i], hex[8 + 2 * i], '\0'};
        bytes[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    base64_encode_raw(digest, sizeof bytes, bytes);
    snprintf(wanted, sizeof wanted, "script-src 'sha256-%s';", digest);
    ck_assert_ptr_nonnull(strstr(page, wanted));
    mem_free(page);
    unmake();
}
END_TEST

static void end_filled(const char *name, const void *options, const char *text)
{
    const struct rn_reporter_ops *ops = loaded(name)->ops;
    struct rn_report r = *report_view(made);
    void *rep;

    made_facts(&r, text);
    ck_assert_int_eq(ops->open(options, &r, &rep), 0);
    ck_assert_msg(!ops->end(rep, &r), "%s", error_text());
    ops->close(rep);
}

START_TEST(advice_is_a_command_to_type)
{
    make(&(struct made_run){5, 2, 20, NULL, false, false});
    end_filled("html", NULL, NULL);
    end_filled("markdown", &(bool){false}, NULL);
    char *page = content("report.html"), *md = content("report.md");
    ck_assert_ptr_nonnull(strstr(page, "<code>runner x.yaml train.epochs=10</code>"));
    ck_assert_ptr_nonnull(strstr(page, "<code>runner x.yaml &#39;+callbacks={type: stops, "
                                       "patience: 3}&#39;</code>"));
    ck_assert_ptr_nonnull(strstr(md, "```sh\nrunner x.yaml train.epochs=10\n```"));
    ck_assert_ptr_nonnull(strstr(md, "\nrunner x.yaml '+callbacks={type: stops, patience: 3}'\n"));
    mem_free(page);
    mem_free(md);
    unmake();
}
END_TEST

START_TEST(sections_are_there_when_their_facts_are)
{
    static const char *const all[] = {"verdict", "numbers", "curves", "classes",   "confusion",
                                      "samples", "worst",   "model",  "reproduce", "files"};
    make(&(struct made_run){5, 2, 40, NULL, true, false});
    end_filled("html", NULL, NULL);
    char *page = content("report.html"), wanted[64];
    const char *at = page;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) { /* in this order */
        snprintf(wanted, sizeof wanted, "<section id=\"%s\"", all[i]);
        ck_assert_msg((at = strstr(at, wanted)) != NULL, "%s", all[i]);
        snprintf(wanted, sizeof wanted, "<a href=\"#%s\">", all[i]);
        ck_assert_ptr_nonnull(strstr(page, wanted));
    }
    ck_assert_int_eq(count(page, "<section"), count(page, "</section>"));
    ck_assert_ptr_nonnull(strstr(page, "<a href=\"../20251231-120000-fedcba/report.html\">"));
    ck_assert_int_eq(count(page, "data:image/png"), 1);         /* all pictures are in one */
    ck_assert_ptr_nonnull(strstr(page, "data-v=\"40\">40 B<")); /* sorts by bytes */
    mem_free(page);
    unmake();

    make(&(struct made_run){5, 0, 0, NULL, false, false});
    end_with("html", NULL);
    page = content("report.html");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bool there =
            !strcmp(all[i], "verdict") || !strcmp(all[i], "model") || !strcmp(all[i], "reproduce");
        snprintf(wanted, sizeof wanted, "<section id=\"%s\"", all[i]);
        if (strcmp(all[i], "curves") != 0 && strcmp(all[i], "files") != 0) /* may be there */
            ck_assert_msg((strstr(page, wanted) != NULL) == there, "%s", all[i]);
    }
    ck_assert_int_eq(count(page, "<section"), count(page, "<li><a href=\"#"));
    mem_free(page);
    unmake();
}
END_TEST

/* A file or a run may have any name: it stays a path. */
START_TEST(addresses_stay_within_the_folder)
{
    make(&(struct made_run){5, 1, 20, NULL, false, false});
    end_filled("html", NULL, "javascript:alert(1)");
    char *page = content("report.html");
    ck_assert_ptr_null(strstr(page, "href=\"javascript"));
    ck_assert_ptr_nonnull(strstr(page, "<a href=\"./javascript%3Aalert%281%29\">"));
    mem_free(page);
    unmake();
}
END_TEST

START_TEST(markdown_works_without_pictures)
{
    make(&(struct made_run){5, 1, 0, NULL, true, false});
    end_with("markdown", &(bool){false});
    char *md = content("report.md");
    ck_assert_ptr_nonnull(strstr(md, "](figures/loss_train_val.svg)"));
    ck_assert(!is_there("figures/loss_train_val.png"));
    mem_free(md);
    unmake();
}
END_TEST

START_TEST(a_running_page_refreshes_itself_and_is_not_written_all_the_time)
{
    const struct rn_reporter_ops *ops = loaded("html")->ops;
    char path[128];
    void *rep;

    make(&(struct made_run){5, 3, 0, NULL, false, false});
    struct rn_report now = *report_view(made);
    now.status = "running";
    ck_assert_int_eq(ops->open(NULL, &now, &rep), 0);
    ck_assert_int_eq(ops->epoch(rep, &now), 0);
    char *page = content("report.html");
    ck_assert_ptr_nonnull(strstr(page, "http-equiv=\"refresh\""));
    ck_assert_ptr_nonnull(strstr(page, "Running: epoch 3 of 3"));
    mem_free(page);
    snprintf(path, sizeof path, "%s/report.html", dir);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(ops->epoch(rep, &now), 0); /* too soon */
    ck_assert(!is_there("report.html"));
    ck_assert_int_eq(ops->end(rep, report_view(made)), 0);
    ck_assert(is_there("report.html"));
    ops->close(rep);
    unmake();
}
END_TEST

START_TEST(a_folder_that_is_gone_is_an_error)
{
    const struct rn_reporter_ops *ops = loaded("html")->ops;
    void *rep;

    make(&(struct made_run){5, 1, 0, NULL, false, false});
    file_remove_tree(dir);
    ops->open(NULL, report_view(made), &rep);
    ck_assert_int_eq(ops->end(rep, report_view(made)), RN_EIO);
    ck_assert_ptr_nonnull(strstr(error_text(), "report.html"));
    ops->close(rep);
    unmake();
}
END_TEST

START_TEST(further_metrics_are_columns)
{
    make(&(struct made_run){5, 2, 20, NULL, false, true});
    end_with("html", NULL);
    end_with("markdown", &(bool){false});
    char *page = content("report.html"), *md = content("report.md");
    ck_assert_ptr_nonnull(strstr(md, "| | loss | accuracy | top3 | macro\\_f1 |\n"
                                     "|---|---:|---:|---:|---:|\n"));
    ck_assert_ptr_nonnull(strstr(md, " | – | – |\n| train, weights of the end | 0.35 | 88.33 % | "
                                     "0.82 | 0.72 |\n"));
    ck_assert_ptr_nonnull(strstr(md, " % | 0.72 | 0.62 |\n"));
    ck_assert_ptr_nonnull(strstr(md, "| test | 0.4 | 90.00 % | 0.88 | 0.78 |\n"));
    ck_assert_ptr_nonnull(strstr(page, ">accuracy</th><th scope=\"col\">top3</th>"
                                       "<th scope=\"col\">macro_f1</th>"
                                       "<th scope=\"col\">calibration error</th></tr>"));
    ck_assert_ptr_nonnull(strstr(page, "<td>0.4</td><td>90.00 %</td><td>0.88</td><td>0.78</td>"));
    mem_free(page);
    mem_free(md);
    unmake();
}
END_TEST

START_TEST(regression_has_no_accuracy)
{
    make(&(struct made_run){0, 4, 20, NULL, false, true});
    end_with("html", NULL);
    end_with("markdown", &(bool){false});
    char *page = content("report.html"), *md = content("report.md");
    ck_assert_ptr_nonnull(strstr(md, "| | loss | mse | mae |\n|---|---:|---:|---:|\n"));
    ck_assert_ptr_nonnull(strstr(md, "| test | 0.4 | 0.88 | 0.78 |\n"));
    ck_assert_ptr_nonnull(strstr(page, ">loss</th><th scope=\"col\">mse</th>"
                                       "<th scope=\"col\">mae</th></tr>"));
    ck_assert_ptr_nonnull(strstr(page, "<dt>test mse</dt><dd><b>0.88</b>"));
    /* but for the expectation that made_run() has */
    ck_assert_int_eq(count(md, "ccuracy"), 1);
    ck_assert_ptr_null(strstr(page, ">accuracy</th>"));
    ck_assert_ptr_null(strstr(page, ">test accuracy<"));
    ck_assert_ptr_null(strstr(page, ">nan"));
    ck_assert_ptr_null(strstr(page, "onfusion"));
    ck_assert_ptr_null(strstr(md, "## Classes"));
    mem_free(page);
    mem_free(md);
    unmake();
}
END_TEST

/* Names of a thousand letters: whole once, and short everywhere else. */
START_TEST(long_names_of_classes_are_shortened)
{
    char text[2001];

    memset(text, 'n', 2000);
    text[2000] = '\0';
    make(&(struct made_run){30, 3, 400, text, true, false});
    struct rn_report r = *report_view(made);
    const struct rn_reporter_ops *ops = loaded("html")->ops;
    void *rep;
    r.n_figures = r.n_findings = 0;
    ck_assert_int_eq(ops->open(NULL, &r, &rep), 0);
    ck_assert_int_eq(ops->end(rep, &r), 0);
    ops->close(rep);
    char *page = content("report.html");
    ck_assert_int_eq(count(page, " title=\"nnnnn"), 30);
    ck_assert_uint_lt(strlen(page), 350000);
    mem_free(page);
    unmake();
}
END_TEST

START_TEST(an_expectation_that_failed_is_in_the_title)
{
    const struct rn_reporter_ops *ops = loaded("html")->ops;
    struct rn_expectation e = {.metric = "test.accuracy", .wanted = ">= 2", .value = 1};
    void *rep;

    make(&(struct made_run){5, 3, 40, NULL, false, false});
    struct rn_report r = *report_view(made);
    r.status = "finished";
    r.expectations = &e;
    r.n_expectations = 1;
    for (int i = 0; i < 2; i++) {
        e.holds = i == 1;
        ck_assert_int_eq(ops->open(NULL, &r, &rep), 0);
        ck_assert_int_eq(ops->end(rep, &r), 0);
        ops->close(rep);
        char *page = content("report.html");
        ck_assert_ptr_nonnull(strstr(page, i ? "badge good\">finished<"
                                             : "badge bad\">finished, expectation failed<"));
        mem_free(page);
    }
    unmake();
}
END_TEST

START_TEST(a_comparison_says_what_its_numbers_are)
{
    static const char sha[] =
        "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const char *const values[] = {sha, "sha256:none"};
    const struct rn_row around = {"data, test set", values};
    char path[128];
    struct rn_comparison c;
    struct rn_run runs[2];

    make(&(struct made_run){5, 3, 40, NULL, true, false});
    made_comparison(&c, (const struct rn_report *[]){report_view(made), report_view(made)}, 2,
                    NULL);
    struct rn_pair pair = *c.pairs;
    pair.p = pair.p_corrected = 1e-9;
    runs[0] = runs[1] = c.runs[0];
    c.pairs = &pair;
    c.runs = runs;
    c.environment = &around;
    c.n_environment = 1;
    snprintf(path, sizeof path, "%s/compare.html", dir);
    ck_assert_int_eq(((const struct rn_reporter_ops *)loaded("html")->ops)->compare(NULL, &c, path),
                     0);
    char *page = content("compare.html");
    ck_assert_int_eq(count(page, ">&lt; 0.001</td>"), 2);
    ck_assert_ptr_nonnull(strstr(page, ">sha256:0123456789ab\xE2\x80\xA6<"));
    ck_assert_int_eq(count(page, sha), 1); /* in its title */
    ck_assert_ptr_nonnull(strstr(page, ">test accuracy</span>"));
    ck_assert_ptr_nonnull(strstr(page, "the same run as number 1"));
    ck_assert_ptr_nonnull(strstr(page, "All others are the same"));
    mem_free(page);
    struct rn_fact name = {"name", "another"};
    runs[1].config = &name;
    runs[1].n_config = 1;
    ck_assert_int_eq(((const struct rn_reporter_ops *)loaded("html")->ops)->compare(NULL, &c, path),
                     0);
    page = content("compare.html");
    ck_assert_ptr_null(strstr(page, "All others are the same"));
    mem_free(page);
    unmake();
}
END_TEST

static const struct rn_reporter_ops *ops_of(const char *name) { return loaded(name)->ops; }

START_TEST(a_sweep_says_what_its_numbers_are)
{
    struct rn_sweep s;

    make(&(struct made_run){5, 3, 40, NULL, true, false});
    made_sweep(&s, (const struct rn_report *[]){report_view(made), report_view(made)}, NULL);
    ck_assert_int_eq(ops_of("html")->sweep(NULL, &s, dir), 0);
    ck_assert_int_eq(ops_of("markdown")->sweep(&(bool){false}, &s, dir), 0);
    char *page = content("report.html"), *md = content("report.md");
    ck_assert_int_eq(count(page, "<script>"), 1);
    ck_assert_ptr_nonnull(strstr(page, "<meta http-equiv=\"refresh\" content=\"10\">"));
    ck_assert_ptr_nonnull(strstr(page, "90.00 %<br><small>81.00 to 99.00</small>"));
    ck_assert_int_eq(count(page, "<td class=\"shown\""), 3); /* groups 1, 4 and 7 differ */
    ck_assert_int_eq(count(page, "<small>reference</small>"), 0);
    ck_assert_ptr_nonnull(strstr(page, "test, by sample"));
    ck_assert_ptr_nonnull(strstr(page, "href=\"./runs/x/report.html\""));
    ck_assert_ptr_nonnull(strstr(page, ">out of memory</span>"));
    ck_assert_ptr_nonnull(strstr(md, "| 2 | group1-s0-0123abcd | 89.00 % (80.00 to 98.00) | 2 | "
                                     "**+1.00** (−1.00 to +3.00) |"));
    ck_assert_ptr_nonnull(strstr(md, "| group3-s0-0123abcd | failed | 0 | out of memory |"));
    ck_assert_int_eq(count(md, "| running |"), 0);
    mem_free(page);
    mem_free(md);
    s.reference = 0;
    ck_assert_int_eq(ops_of("html")->sweep(NULL, &s, dir), 0);
    page = content("report.html");
    ck_assert_int_eq(count(page, "<small>reference</small>"), 1);
    mem_free(page);
    unmake();
}
END_TEST

START_TEST(what_strangers_wrote_into_a_sweep_stays_text)
{
    const char *texts[MADE_RUNS];
    struct rn_sweep s;

    for (int i = 0; i < MADE_RUNS; i++)
        texts[i] = HOSTILE;
    make(&(struct made_run){5, 3, 40, HOSTILE, true, false});
    made_sweep(&s, (const struct rn_report *[]){report_view(made), report_view(made)}, texts);
    ck_assert_int_eq(ops_of("html")->sweep(NULL, &s, dir), 0);
    ck_assert_int_eq(ops_of("markdown")->sweep(&(bool){false}, &s, dir), 0);
    char *page = content("report.html"), *md = content("report.md");
    has_no_tag(page, "<img");
    has_no_tag(page, "=x onerror=alert(1)>");
    ck_assert_int_eq(count(page, "<script"), 1);
    ck_assert_ptr_null(strstr(page, "\xE2\x80\xAE"));
    has_no_tag(md, "<img");
    ck_assert_ptr_null(strstr(md, "\xE2\x80\xAE"));
    ck_assert_int_ge(count(md, "&#60;img src=x onerror=alert(1)&#62;"), 10);
    mem_free(page);
    mem_free(md);
    unmake();
}
END_TEST

START_TEST(a_benchmark_shows_what_was_not_measured_as_such)
{
    struct rn_comparison c;
    struct rn_bench b;

    make(&(struct made_run){5, 3, 40, NULL, true, false});
    made_comparison(&c, (const struct rn_report *[]){report_view(made), report_view(made)}, 2,
                    NULL);
    made_bench(&b, &c, NULL);
    ck_assert_int_eq(ops_of("html")->bench(NULL, &b, dir), 0);
    ck_assert_int_eq(ops_of("markdown")->bench(&(bool){false}, &b, dir), 0);
    char *page = content("report.html"), *md = content("report.md");
    ck_assert_int_eq(count(page, "<script>"), 1);
    ck_assert_ptr_nonnull(strstr(page, ">cannot be used: one</span>"));
    ck_assert_int_eq(count(page, "<td>0<br><small>of 3</small></td>"), 1);
    ck_assert_int_eq(count(page, "<small>reference</small>"), 3);
    ck_assert_int_eq(count(page, "<td class=\"shown\""), 2); /* one is faster, one apart */
    ck_assert_ptr_nonnull(strstr(page, "one, 26.24 s for an epoch of 60,000 samples"));
    ck_assert_ptr_nonnull(strstr(page, "Not compared: two."));
    ck_assert_ptr_nonnull(strstr(md, "| 256 | two | – | – | – | – | – | cannot be used |"));
    ck_assert_ptr_nonnull(
        strstr(md, "| 64 | one | 108,000 | reference | 0.5 (0.375 to 0.75) | 100 | – |"));
    /* of a single epoch there are no quartiles */
    ck_assert_ptr_nonnull(strstr(md, "| 1,024 | two | 108,000 | 1.5 | 0.5 | 100 | 200 |"));
    ck_assert_ptr_nonnull(strstr(page, ">1.5</td>"));
    ck_assert_ptr_nonnull(strstr(page, ">0.5 s</td>"));
    ck_assert_ptr_nonnull(strstr(md, "| one | two | 1e-06 | ∞ | 0.5 | – |"));
    mem_free(page);
    mem_free(md);
    const char *texts[] = {HOSTILE, HOSTILE};
    made_bench(&b, &c, texts);
    const struct rn_bench_known known = {"afar", 2, 0}; /* how many samples is not known */
    b.known = &known;
    ck_assert_int_eq(ops_of("html")->bench(NULL, &b, dir), 0);
    ck_assert_int_eq(ops_of("markdown")->bench(&(bool){false}, &b, dir), 0);
    page = content("report.html"), md = content("report.md");
    has_no_tag(page, "<img");
    ck_assert_int_eq(count(page, "<script"), 1);
    has_no_tag(md, "<img");
    ck_assert_ptr_nonnull(strstr(page, "afar, 2.00 s for an epoch; its samples are not known"));
    ck_assert_ptr_nonnull(strstr(md, "takes as many as here, 54,000."));
    mem_free(page);
    mem_free(md);
    unmake();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("reporters");
    TCase *c = tcase_create("reporters");

    tcase_add_test(c, the_default_order_is_by_priority);
    tcase_add_test(c, the_page_needs_nothing_and_runs_nothing);
    tcase_add_test(c, what_a_user_wrote_stays_text);
    tcase_add_test(c, markdown_has_its_pictures);
    tcase_add_test(c, the_policy_names_the_script_that_is_there);
    tcase_add_test(c, advice_is_a_command_to_type);
    tcase_add_test(c, sections_are_there_when_their_facts_are);
    tcase_add_test(c, addresses_stay_within_the_folder);
    tcase_add_test(c, markdown_works_without_pictures);
    tcase_add_test(c, a_running_page_refreshes_itself_and_is_not_written_all_the_time);
    tcase_add_test(c, a_folder_that_is_gone_is_an_error);
    tcase_add_test(c, further_metrics_are_columns);
    tcase_add_test(c, regression_has_no_accuracy);
    tcase_add_test(c, long_names_of_classes_are_shortened);
    tcase_add_test(c, an_expectation_that_failed_is_in_the_title);
    tcase_add_test(c, a_comparison_says_what_its_numbers_are);
    tcase_add_test(c, a_sweep_says_what_its_numbers_are);
    tcase_add_test(c, what_strangers_wrote_into_a_sweep_stays_text);
    tcase_add_test(c, a_benchmark_shows_what_was_not_measured_as_such);
    suite_add_tcase(s, c);
    return suite_run(s);
}
