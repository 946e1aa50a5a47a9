/* run.c - the page of one run: verdict, numbers, curves, overfitting; and the order of all
 * sections. */
#include "run.h"

#define REFRESH_S 2

void run_figure(struct run *run, const char *name, bool wide)
{
    const struct rn_report *r = run->r;

    for (int64_t i = 0; i < r->n_figures && i < RUN_FIGURES; i++)
        if (!strcmp(r->figures[i].name, name)) {
            run->placed[i] = true;
            page_figure(&run->page.body, &r->figures[i], run->files, wide);
        }
}

void run_figures(struct run *run, const char *const *names, bool wide)
{
    struct rn_text *t = &run->page.body;
    size_t before = t->n;

    emit(t, "<div class=\"pair\">\n");
    size_t inside = t->n;
    for (; *names; names++)
        run_figure(run, *names, wide);
    if (t->n > inside)
        emit(t, "</div>\n");
    else if (t->s)
        t->s[t->n = before] = '\0';
}

void run_place(struct run *run, const char *name)
{
    for (int64_t i = 0; i < run->r->n_figures && i < RUN_FIGURES; i++)
        run->placed[i] = run->placed[i] || !strcmp(run->r->figures[i].name, name);
}

/* ---- verdict -------------------------------------------------------------- */

static void put_title(struct rn_text *t, const struct rn_report *r)
{
    emit(t, "<header>\n<h1>%s ", r->name);
    page_badge(t, r->status, page_missed(r));
    emit(t, "</h1>\n");
    if (r->description[0])
        emit(t, "<p class=\"about\">%s</p>\n", r->description);
    emit(t, "<p class=\"soft\">%s \xC2\xB7 started <time>%s</time> \xC2\xB7 on %s", r->id,
         r->started, r->device);
    if (r->resumed_step)
        emit(t, " \xC2\xB7 resumed behind step %I (attempt %I)", r->resumed_step, r->attempt);
    if (r->reason[0])
        emit(t, " \xC2\xB7 %s", r->reason);
    emit(t, "</p>\n</header>\n\n");
}

static void put_tile(struct rn_text *t, const char *label)
{
    emit(t, "<div><dt>%s</dt><dd>", label);
}

static void put_test_tiles(struct rn_text *t, const struct rn_report *r)
{
    if (r->test->classes) {
        put_tile(t, "test accuracy");
        emit(t, "<b>%2 %%</b> <small>%2 to %2</small></dd></div>\n", 100 * r->test->accuracy,
             100 * r->test->low, 100 * r->test->high);
    }
    put_tile(t, "test loss");
    emit(t, "<b>%g</b></dd></div>\n", r->test->loss);
    for (int64_t i = 0; i < r->n_measures && !r->test->classes; i++)
        if (!strcmp(r->measures[i].split, "test"))
            emit(t, "<div><dt>test %s</dt><dd><b>%g</b></dd></div>\n", r->measures[i].name,
                 r->measures[i].value);
}

static void put_tiles(struct rn_text *t, const struct rn_report *r)
{
    const struct rn_epoch *last = r->n_epochs ? &r->epochs[r->n_epochs - 1] : NULL;

    emit(t, "<dl class=\"tiles\">\n");
    if (r->test)
        put_test_tiles(t, r);
    if (last && !r->test && isfinite(last->val_accuracy)) {
        put_tile(t, "validation accuracy");
        emit(t, "<b>%2 %%</b></dd></div>\n", 100 * last->val_accuracy);
    }
    if (last && !r->test && isfinite(last->val_loss)) {
        put_tile(t, "validation loss");
        emit(t, "<b>%g</b></dd></div>\n", last->val_loss);
    }
    if (r->epochs_planned) { /* else it was tested alone */
        put_tile(t, "epochs");
        emit(t, "<b>%I</b> <small>of %I</small></dd></div>\n", r->n_epochs, r->epochs_planned);
    }
    put_tile(t, "parameters");
    emit(t, "<b>%I</b></dd></div>\n", r->parameters);
    if (r->train_s > 0) {
        put_tile(t, "training");
        emit(t, "<b>");
        page_duration(t, r->train_s);
        emit(t, "</b> <small>of ");
        page_duration(t, r->seconds);
        emit(t, "</small></dd></div>\n");
    }
    if (last && isfinite(last->samples_per_s)) {
        put_tile(t, "samples a second");
        emit(t, "<b>%I</b></dd></div>\n", (int64_t)llround(last->samples_per_s));
    }
    emit(t, "</dl>\n");
}

static void put_expectations(struct rn_text *t, const struct rn_report *r)
{
    if (!r->n_expectations)
        return;
    emit(t, "<ul class=\"findings\">\n");
    for (int64_t i = 0; i < r->n_expectations; i++) {
        const struct rn_expectation *e = &r->expectations[i];
        emit(t, "<li class=\"%s\">Expected %s %s: it is %g, which %s.</li>\n",
             e->holds   ? "good"
             : e->warns ? "bad"
                        : "miss",
             e->metric, e->wanted, e->value,
             e->holds   ? "holds"
             : e->warns ? "does not hold (a warning)"
                        : "does not hold");
    }
    emit(t, "</ul>\n");
}

static void put_warnings(struct rn_text *t, const struct rn_report *r)
{
    if (!r->n_warnings)
        return;
    emit(t, "<h3>Warnings</h3>\n<ul class=\"findings\">\n");
    for (int64_t i = 0; i < r->n_warnings; i++)
        emit(t, "<li class=\"bad\">%s</li>\n", r->warnings[i]);
    emit(t, "</ul>\n");
}

/* "97.40 % (97.10 to 97.70)" */
static void put_previous_score(struct rn_text *t, const struct rn_report *r)
{
    const struct rn_previous *b = r->previous;

    if (isfinite(b->accuracy))
        emit(t, ": test accuracy %2 %% (%2 to %2)", 100 * b->accuracy, 100 * b->low, 100 * b->high);
    else if (isfinite(b->loss))
        emit(t, ": test loss %g", b->loss);
    if (r->test && isfinite(b->accuracy) && r->test->classes) {
        double d = 100 * (r->test->accuracy - b->accuracy);
        emit(t, ", now %2 %%, %s%2 points", 100 * r->test->accuracy, d < 0 ? "\xE2\x88\x92" : "+",
             fabs(d));
    } else if (r->test && isfinite(b->loss)) {
        emit(t, ", now %g", r->test->loss);
    }
}

static void put_previous(struct rn_text *t, const struct rn_report *r)
{
    const struct rn_previous *b = r->previous;
    char path[512];

    if (!b)
        return;
    snprintf(path, sizeof path, "../%s/report.html", b->id);
    emit(t, "<h3>Against the run before</h3>\n<p><a href=\"");
    page_href(t, path);
    emit(t, "\">%s</a> (%s)", b->id, b->status);
    put_previous_score(t, r);
    emit(t, ".%s</p>\n", b->n_changes ? "" : " No parameter was changed since.");
    if (!b->n_changes)
        return;
    page_table(t, false, "What was changed since");
    emit(t, "<thead><tr>");
    page_th(t, "parameter", true);
    page_th(t, "before", true);
    page_th(t, "now", true);
    emit(t, "</tr></thead>\n<tbody>\n");
    for (int64_t i = 0; i < b->n_changes; i++) {
        const struct rn_change *c = &b->changes[i];
        emit(t,
             "<tr><th scope=\"row\"><code>%s</code></th><td class=\"wrap\">%s</td>"
             "<td class=\"wrap\">%s</td></tr>\n",
             c->key, c->before ? c->before : "\xE2\x80\x93", c->now ? c->now : "\xE2\x80\x93");
    }
    emit(t, "</tbody>");
    page_table_end(t);
}

/* What rules speak of; those that are in no group of the last. */
static const struct {
    const char *title, *rules[6];
} groups[] = {{"Result", {"diverged", "quality", "previous", "validation_against_test"}},
              {"Fit", {"overfitting", "longer"}},
              {"Classes", {"weakest_classes", "confused_pairs", "imbalance", "never_predicted"}},
              {"Confidence", {"confidence", "coverage", "labels"}},
              {"Training", {NULL}}};
enum { GROUPS = sizeof groups / sizeof *groups };

static int group_of(const char *rule)
{
    for (int g = 0; g < GROUPS; g++)
        for (int i = 0; groups[g].rules[i]; i++)
            if (!strcmp(groups[g].rules[i], rule))
                return g;
    return GROUPS - 1;
}

static void put_findings(struct rn_text *t, const struct rn_finding *f, int64_t n)
{
    size_t before = t->n;

    emit(t, "<div class=\"groups\">\n");
    size_t inside = t->n;
    for (int g = 0; g < GROUPS; g++) {
        bool open = false;
        for (int64_t i = 0; i < n; i++) {
            if (f[i].override || group_of(f[i].rule) != g)
                continue;
            if (!open)
                emit(t, "<h3>%s</h3>\n<ul class=\"findings\">\n", groups[g].title);
            open = true;
            page_finding(t, &f[i]);
        }
        emit(t, "%r", open ? "</ul>\n" : "");
    }
    if (t->n > inside)
        emit(t, "</div>\n");
    else if (t->s)
        t->s[t->n = before] = '\0';
}

static void put_advice(struct rn_text *t, const struct rn_report *r)
{
    bool any = false;

    for (int64_t i = 0; i < r->n_findings; i++)
        any = any || r->findings[i].override;
    if (!any)
        return;
    emit(t, "<h3>What to try next</h3>\n");
    page_advice(t, r->findings, r->n_findings, r->command);
}

static void put_verdict(struct run *run)
{
    const struct rn_report *r = run->r;
    struct rn_text *t = &run->page.body;
    bool verdict = r->n_findings && !run_goes_on(run);

    page_section(&run->page, "verdict", "Verdict");
    if (run_goes_on(run))
        emit(t,
             "<p class=\"verdict\">Running: epoch %I of %I is done. This page refreshes "
             "itself.</p>\n<progress max=\"%I\" value=\"%I\" aria-label=\"epochs done\">"
             "</progress>\n",
             r->n_epochs, r->epochs_planned, r->epochs_planned > 0 ? r->epochs_planned : 1,
             r->n_epochs);
    else if (verdict)
        emit(t, "<p class=\"verdict\">%s</p>\n", r->findings[0].text);
    put_tiles(t, r);
    if (!run_goes_on(run))
        put_expectations(t, r);
    put_findings(t, r->findings + verdict, r->n_findings - verdict);
    put_advice(t, r);
    put_warnings(t, r);
    put_previous(t, r);
    page_section_end(&run->page);
}

/* ---- numbers -------------------------------------------------------------- */

/* Of the test alone, unless they were measured as further metrics. */
static const struct {
    const char *name, *shown;
} test_scores[] = {{"macro_f1", "macro F1"}, {"top3", "top 3"}, {"ece", "calibration error"}};
enum { TEST_SCORES = sizeof test_scores / sizeof *test_scores };

static double test_score(const struct rn_test *t, int i)
{
    return i == 0 ? t->macro_f1 : i == 1 ? t->top3 : t->ece;
}

static bool is_column(const struct rn_report *r, int score)
{
    if (!r->test || !r->test->classes || !isfinite(test_score(r->test, score)) ||
        (score == 1 && r->test->classes <= 3))
        return false;
    for (int64_t i = 0; i < r->n_measures; i++)
        if (!strcmp(r->measures[i].name, test_scores[score].name))
            return false;
    return true;
}

static void put_cell(struct rn_text *t, double v)
{
    if (isnan(v))
        emit(t, "<td>\xE2\x80\x93</td>");
    else
        emit(t, "<td>%g</td>", v);
}

static void put_number(struct rn_text *t, const struct rn_report *r, const struct rn_number *m)
{
    bool test = r->test && m->split && !strcmp(m->split, "test");

    emit(t, "<tr><th scope=\"row\">%s</th><td>%I</td><td>%g</td>", m->what, m->n, m->loss);
    if (isfinite(m->accuracy))
        emit(t, "<td>%2 %%</td>", 100 * m->accuracy);
    else if (rn_has_accuracy(r))
        emit(t, "<td>\xE2\x80\x93</td>");
    for (int64_t i = 0; i < r->n_measures; i++)
        if (rn_measure_is_new(r, i))
            put_cell(t, m->split ? rn_measured(r, m->split, r->measures[i].name, m->epoch) : NAN);
    for (int i = 0; i < TEST_SCORES; i++)
        if (is_column(r, i))
            put_cell(t, test ? test_score(r->test, i) : NAN);
    emit(t, "</tr>\n");
}

static void put_numbers(struct run *run)
{
    const struct rn_report *r = run->r;
    struct rn_text *t = &run->page.body;
    struct rn_number rows[RN_NUMBERS];

    if (!r->n_epochs)
        return;
    int n = rn_numbers(r, rows);
    page_section(&run->page, "numbers", "Numbers");
    page_table(t, false, "Losses and metrics of each part of the data");
    emit(t, "<thead><tr><td></td>");
    page_th(t, "samples", false);
    page_th(t, "loss", false);
    if (rn_has_accuracy(r))
        page_th(t, "accuracy", false);
    for (int64_t i = 0; i < r->n_measures; i++)
        if (rn_measure_is_new(r, i))
            page_th(t, r->measures[i].name, false);
    for (int i = 0; i < TEST_SCORES; i++)
        if (is_column(r, i))
            page_th(t, test_scores[i].shown, false);
    emit(t, "</tr></thead>\n<tbody>\n");
    for (int i = 0; i < n; i++)
        put_number(t, r, &rows[i]);
    emit(t, "</tbody>");
    page_table_end(t);
    if (r->test && r->test->classes)
        emit(t,
             "<p class=\"soft\">95 %% interval of the test accuracy: %2 to %2 %% (Wilson, %I "
             "samples).</p>\n",
             100 * r->test->low, 100 * r->test->high, r->test->n);
    page_section_end(&run->page);
}

/* ---- curves --------------------------------------------------------------- */

static bool has_any(const struct rn_report *r, const char *const *names)
{
    for (; *names; names++)
        for (int64_t i = 0; i < r->n_figures; i++)
            if (!strcmp(r->figures[i].name, *names))
                return true;
    return false;
}

static void put_curves(struct run *run)
{
    static const char *const figures[] = {"loss_train_val", "accuracy",       "error",
                                          "learning_rate",  "predicted_true", NULL};

    if (!has_any(run->r, figures))
        return;
    page_section(&run->page, "curves", "Learning curves");
    run_figures(run, figures, false);
    page_section_end(&run->page);
}

static void put_overfitting(struct run *run)
{
    const struct rn_report *r = run->r;
    struct rn_text *t = &run->page.body;

    page_section(&run->page, "overfitting", "Overfitting");
    for (int64_t i = 1; i < r->n_findings; i++)
        if (!strcmp(r->findings[i].rule, "overfitting") && !r->findings[i].override)
            emit(t, "<p>%s</p>\n", r->findings[i].text);
    run_figures(run, (const char *const[]){"generalization_gap", NULL}, false);
    page_section_end(&run->page);
}

/* What no other section knows. */
static void put_further(struct run *run)
{
    page_section(&run->page, "further", "Further figures");
    for (int64_t i = 0; i < run->r->n_figures && i < RUN_FIGURES; i++)
        if (!run->placed[i])
            run_figure(run, run->r->figures[i].name, false);
    page_section_end(&run->page);
}

/* ---- the whole ------------------------------------------------------------ */

int run_write(const struct rn_report *r, const char *path)
{
    struct run run = {.r = r};
    struct rn_text title = {0}, style = {0};

    run.files = run_goes_on(&run) ? NULL : "figures/";
    put_title(&run.page.body, r);
    put_verdict(&run);
    put_numbers(&run);
    put_curves(&run);
    put_overfitting(&run);
    run_classes(&run);
    run_confusion(&run);
    run_confidence(&run);
    run_samples(&run);
    run_worst(&run);
    run_model(&run);
    run_inside(&run);
    run_time(&run);
    put_further(&run);
    run_reproduce(&run);
    run_files(&run);
    rn_text_add(&title, "%s \xC2\xB7 %s", r->name, r->status);
    run_sprite_style(&style, ".t", r->test);
    int status = title.status ? title.status : style.status;
    run.page.body.status = run.page.body.status ? run.page.body.status : status;
    status = page_write(&run.page, path, title.s ? title.s : "", run_goes_on(&run) ? REFRESH_S : 0,
                        style.s ? style.s : "");
    rn_host->free(title.s);
    rn_host->free(style.s);
    return status;
}
