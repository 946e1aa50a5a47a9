/* index.c - the page over all runs: a table to sort and to filter, small curves, and what the
 * script needs to show two of them side by side. */
#include "index.h"
#include "page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "html_files.h"

enum { SPARK_W = 160, SPARK_H = 40, SPARK_EDGE = 3 };

/* ---- cells ---------------------------------------------------------------- */

/* "2026-09-14 15:30" of "2026-09-14T15:30:12Z", to be sorted as a number; what is of another form
 * stays as it is. */
static void put_when(struct rn_text *t, const char *started)
{
    if (strlen(started) < 16 || started[10] != 'T') {
        emit(t, "<td class=\"left when\">%s", started);
        return;
    }
    char out[17];
    snprintf(out, sizeof out, "%.10s %.5s", started, started + 11);
    emit(t, "<td class=\"left when\" data-v=\"");
    for (const char *s = started; *s; s++)
        if (*s >= '0' && *s <= '9')
            rn_text_put(t, s, 1);
    emit(t, "\">%s", out);
}

static void put_spark(struct rn_text *t, const struct rn_run *r)
{
    double low = INFINITY, high = -INFINITY, first = NAN, last = NAN;

    for (int64_t i = 0; i < r->n_curve; i++) {
        double y = r->curve[i];
        if (!isfinite(y))
            continue;
        low = fmin(low, y);
        high = fmax(high, y);
        first = isnan(first) ? y : first;
        last = y;
    }
    if (isnan(first) || r->n_curve < 2)
        return;
    emit(t,
         "<svg class=\"spark\" viewBox=\"0 0 %i %i\" role=\"img\" aria-label=\"loss from %g to "
         "%g\"><polyline points=\"",
         (int64_t)SPARK_W, (int64_t)SPARK_H, first, last);
    for (int64_t i = 0; i < r->n_curve; i++) {
        double share = high > low ? (r->curve[i] - low) / (high - low) : 0.5;
        if (isfinite(r->curve[i]))
            emit(t, "%0,%0 ",
                 SPARK_EDGE + (SPARK_W - 2 * SPARK_EDGE) * (double)i / (double)(r->n_curve - 1),
                 SPARK_H - SPARK_EDGE - (SPARK_H - 2 * SPARK_EDGE) * share);
    }
    emit(t, "\"/></svg>");
}

/* With a value to sort by, where what stands there does not sort as it reads. */
static void put_cell(struct rn_text *t, const char *class, double v)
{
    char number[RN_JSON_NUMBER];

    emit(t, "</td><td class=\"%r\" data-v=\"%r\">", class,
         isfinite(v) ? rn_json_number(v, number) : "");
}

static void put_name(struct rn_text *t, const struct rn_run *r, bool has_page)
{
    emit(t, "<td class=\"left name\">");
    if (has_page) {
        emit(t, "<a href=\"");
        page_href(t, r->dir);
        emit(t, "/report.html\">%s</a>", r->name);
    } else {
        emit(t, "%s", r->name);
    }
    emit(t, "<small>%s</small></td>", r->id);
}

static void put_row(struct rn_text *t, const struct rn_run *r, int64_t i, bool has_page)
{
    const char *colon = strchr(r->device, ':');

    emit(t,
         "<tr data-run=\"%i\"><td class=\"pick\"><input type=\"checkbox\" aria-label=\"compare %s "
         "%s\"></td>",
         i, r->name, r->id);
    put_name(t, r, has_page);
    emit(t, "<td class=\"left status\" title=\"%s\">", r->reason);
    page_badge(t, r->status, r->expected == 2);
    emit(t, "</td>");
    put_when(t, r->started);
    put_cell(t, "accuracy", r->accuracy);
    if (isfinite(r->accuracy))
        emit(t, "%2 %%<small>%2 to %2</small>", 100 * r->accuracy, 100 * r->low, 100 * r->high);
    put_cell(t, "loss", r->loss);
    if (!isnan(r->loss))
        emit(t, "%g", r->loss);
    put_cell(t, "time", r->seconds);
    if (isfinite(r->seconds))
        page_duration(t, r->seconds);
    char device[24];
    snprintf(device, sizeof device, "%.*s", colon ? (int)(colon - r->device) : 20, r->device);
    emit(t,
         "</td><td class=\"left device\" title=\"%s\">%s</td><td class=\"left differs\" "
         "title=\"%s\"><div>%s</div></td><td class=\"curve\">",
         r->device, device, r->differs, r->differs);
    put_spark(t, r);
    emit(t, "</td></tr>\n");
}

/* ---- for the script ------------------------------------------------------- */

/* The value of a key that most runs have is not repeated: here that of the newest run. */
static const char *value_of(const struct rn_run *r, const char *key)
{
    int64_t low = 0, high = r->n_config;

    while (low < high) {
        int64_t mid = low + (high - low) / 2;
        int order = strcmp(r->config[mid].key, key);
        if (!order)
            return r->config[mid].value;
        low = order < 0 ? mid + 1 : low;
        high = order < 0 ? high : mid;
    }
    return NULL;
}

static void put_pair(struct rn_text *t, bool *first, const char *key, const char *value)
{
    emit(t, "%r", *first ? "" : ",");
    *first = false;
    page_json(t, key);
    emit(t, ":");
    if (value)
        page_json(t, value);
    else
        emit(t, "null");
}

static void put_number(struct rn_text *t, bool first, double v)
{
    if (isfinite(v))
        emit(t, "%r%g", first ? "" : ",", v);
    else
        emit(t, "%rnull", first ? "" : ",");
}

static void put_data(struct rn_text *t, const struct rn_run *r, const struct rn_run *base)
{
    bool first = true;

    emit(t, "{\"dir\":");
    page_json(t, r->dir);
    emit(t, ",\"n\":[%i,%i,%i,%i],\"v\":[", r->epochs, r->epochs_planned, r->parameters, r->n_test);
    const double v[] = {100 * r->low, 100 * r->high, 100 * r->val_accuracy, r->val_loss,
                        r->train_s};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        put_number(t, !i, v[i]);
    emit(t, "],\"y\":[");
    for (int64_t i = 0; i < r->n_curve; i++)
        put_number(t, !i, r->curve[i]);
    emit(t, "],\"c\":{");
    for (int64_t i = 0; i < r->n_config; i++) {
        const char *usual = value_of(base, r->config[i].key);
        if (!usual || strcmp(usual, r->config[i].value) != 0)
            put_pair(t, &first, r->config[i].key, r->config[i].value);
    }
    for (int64_t i = 0; i < base->n_config; i++)
        if (!value_of(r, base->config[i].key))
            put_pair(t, &first, base->config[i].key, NULL);
    emit(t, "}}");
}

static void put_block(struct rn_text *t, const struct rn_runs *all)
{
    bool first = true;

    emit(t, "<script type=\"application/json\" id=\"runs-data\">{\"root\":");
    page_json(t, all->root);
    emit(t, ",\"base\":{");
    for (int64_t i = 0; i < all->runs[0].n_config; i++)
        put_pair(t, &first, all->runs[0].config[i].key, all->runs[0].config[i].value);
    emit(t, "},\"runs\":[");
    for (int64_t i = 0; i < all->n; i++) {
        emit(t, "%r\n", i ? "," : "");
        put_data(t, &all->runs[i], &all->runs[0]);
    }
    emit(t, "]}</script>\n");
}

/* ---- the page ------------------------------------------------------------- */

static void put_tools(struct rn_text *t, const struct rn_runs *all)
{
    static const char *const words[] = {"finished", "running", "interrupted",
                                        "diverged", "failed",  "lost"};

    emit(t, "<div class=\"tools\" hidden><label>Filter <input type=\"search\" id=\"words\" "
            "placeholder=\"words, all of them\" autocomplete=\"off\"></label>\n"
            "<label>Status <select id=\"status\"><option value=\"\">any</option>");
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        bool used = false;
        for (int64_t i = 0; i < all->n && !used; i++)
            used = !strcmp(all->runs[i].status, words[k]);
        if (used)
            emit(t, "<option>%s</option>", words[k]);
    }
    for (int64_t i = 0; i < all->n; i++)
        if (all->runs[i].expected == 2) {
            emit(t, "<option>expectation failed</option>");
            break;
        }
    emit(t, "</select></label>\n<span id=\"count\" class=\"soft\" role=\"status\"></span>\n"
            "<span class=\"soft\">Tick two to see them side by side.</span></div>\n"
            "<section id=\"pair\" aria-label=\"Two runs side by side\" hidden></section>\n");
}

static void put_table(struct rn_text *t, const struct rn_runs *all)
{
    static const char *const heads[] = {"run",  "status", "started (UTC)", "accuracy", "loss",
                                        "time", "device", "what differs",  "curve"};

    emit(t, "<div id=\"runs\">\n");
    page_table(t, true,
               "All runs, newest first. Accuracy and loss are those of the test set, the "
               "curve is the validation loss by epoch.");
    emit(t, "<thead><tr><td class=\"pick\"></td>");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        page_th(t, heads[i], i < 3 || i == 6 || i == 7);
    emit(t, "</tr></thead>\n<tbody>\n");
    for (int64_t i = 0; i < all->n; i++) {
        char path[4096];
        int n = snprintf(path, sizeof path, "%s/%s/report.html", all->root, all->runs[i].dir);
        put_row(t, &all->runs[i], i, n < (int)sizeof path && !access(path, R_OK));
    }
    emit(t, "</tbody>\n");
    page_table_end(t);
    emit(t, "</div>\n");
}

int index_write(const struct rn_runs *all, const char *path)
{
    struct page p = {.script = runs_js, .script_sha256 = RUNS_JS_SHA256};
    struct rn_text *t = &p.body;
    int64_t names = 0;

    for (int64_t i = 0; i < all->n; i++) {
        int64_t k = 0;
        while (k < i && strcmp(all->runs[k].name, all->runs[i].name) != 0)
            k++;
        names += k == i;
    }
    emit(
        t,
        "<header><h1>Runs</h1>\n<p class=\"soft\">%I run%r of %I experiment%r in %s</p></header>\n",
        all->n, all->n == 1 ? "" : "s", names, names == 1 ? "" : "s", all->root);
    if (all->n) {
        put_tools(t, all);
        put_table(t, all);
        put_block(t, all);
    } else {
        emit(t, "<p>No runs yet. <code>runner FILE</code> makes one.</p>\n");
    }
    return page_write(&p, path, "Runs", 0, runs_css);
}
