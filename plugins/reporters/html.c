/* html.c - report.html: one file that needs nothing else. No script, no request to anywhere; every
 * text is escaped by emit(), the only way into the page. */
#include <runner/reporter.h>
#include <runner/text.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define REWRITE_NS  2000000000u /* while it runs */
#define ROWS_FOLDED 20          /* longer tables are folded */

struct html {
    uint64_t written_ns; /* 0: never */
};

/* ---- the page ------------------------------------------------------------- */

/* For elements and for attributes in quotes. */
static void put_escaped(struct rn_text *p, const char *s)
{
    for (int n; *s; s += n ? n : 1) {
        n = rn_utf8_shown(s);
        const char *named = *s == '&'    ? "&amp;"
                            : *s == '<'  ? "&lt;"
                            : *s == '>'  ? "&gt;"
                            : *s == '"'  ? "&quot;"
                            : *s == '\'' ? "&#39;"
                            : !n         ? "\xEF\xBF\xBD"
                                         : NULL;
        if (named)
            rn_text_str(p, named);
        else
            rn_text_put(p, s, (size_t)n);
    }
}

#define emit(p, ...) rn_text_form(p, put_escaped, __VA_ARGS__)

/* ---- head ----------------------------------------------------------------- */

static const char page_style[] =
    ":root{color-scheme:light dark;--paper:#fff;--card:#f6f8fa;--ink:#1f2328;--soft:#59636e;"
    "--line:#e1e5ea;--link:#0b5cad;--good:#00765a;--bad:#b34700}"
    "@media(prefers-color-scheme:dark){:root{--paper:#14171b;--card:#1c2126;--ink:#e4e8ec;"
    "--soft:#9aa5b1;--line:#2d343b;--link:#6cb6ff;--good:#3fc79a;--bad:#ff9a57}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,"
    "'DejaVu Sans',sans-serif;-webkit-text-size-adjust:100%}"
    "main{max-width:1120px;margin:0 auto;padding:40px 24px 64px}"
    "h1{font-size:26px;line-height:1.25;margin:0;overflow-wrap:anywhere}"
    "h2{font-size:18px;margin:48px 0 12px;padding-bottom:6px;border-bottom:1px solid var(--line)}"
    "h3{font-size:16px;margin:8px 0}p{margin:8px "
    "0;max-width:76ch;overflow-wrap:anywhere}a{color:var(--link)}"
    ".soft,figcaption,dt{color:var(--soft)}.soft,figcaption{font-size:14px;max-width:none}"
    ".badge{display:inline-block;font-size:13px;font-weight:600;padding:1px 10px;"
    "border-radius:99px;border:1px solid currentColor;vertical-align:4px;margin-left:10px}"
    ".good{color:var(--good)}.bad{color:var(--bad)}"
    ".verdict{font-size:21px;line-height:1.4;font-weight:600;margin:24px 0 16px}"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;"
    "margin:20px 0}.tiles div{background:var(--card);border-radius:8px;padding:12px 16px}"
    ".tiles b{display:block;font-size:22px;line-height:1.3;font-variant-numeric:tabular-nums}"
    ".tiles span{font-size:13px;color:var(--soft)}"
    "ul{list-style:none;margin:0;padding:0}li{position:relative;padding:4px 0 4px 26px;"
    "max-width:88ch;overflow-wrap:anywhere}li:before{content:'\\2022';position:absolute;left:6px;"
    "color:var(--soft)}li.good,li.bad{color:inherit}li.good:before{content:'\\2713';left:3px;"
    "color:var(--good)}li.bad:before{content:'!';font-weight:700;left:7px;color:var(--bad)}"
    "li.miss:before{content:'\\2717';left:3px;color:var(--bad)}"
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));"
    "gap:16px 32px}figure{margin:0;min-width:0}figure svg{display:block;height:auto;"
    "width:calc(100% + 28px);max-width:668px;margin:0 -14px;font-family:inherit}"
    "figcaption{margin:2px 0 8px}"
    ".table{overflow-x:auto;margin:8px 0}table{border-collapse:collapse;font-size:14.5px;"
    "font-variant-numeric:tabular-nums}th,td{padding:5px 14px 5px 0;text-align:right;"
    "border-bottom:1px solid var(--line);white-space:nowrap}th{font-weight:600;"
    "color:var(--soft)}td:first-child,th:first-child,.left{text-align:left}"
    "td.wrap{white-space:normal;overflow-wrap:anywhere;min-width:24ch}tfoot td{font-weight:600}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 20px;margin:8px 0;"
    "font-size:14.5px}dd{margin:0;overflow-wrap:anywhere;min-width:0}"
    "pre,code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',"
    "monospace}pre{background:var(--card);border-radius:8px;padding:14px 16px;overflow-x:auto;"
    "margin:8px 0}summary{cursor:pointer;color:var(--link);margin:8px 0}"
    "@media(max-width:600px){main{padding:20px 16px 40px}h1{font-size:22px}"
    ".verdict{font-size:18px}.wide{overflow-x:auto;padding-left:14px;"
    "margin-left:-14px}.wide "
    "svg{width:500px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}"
    ".tiles{grid-template-columns:1fr 1fr}td:first-child{white-space:normal;min-width:9ch}}"
    "@media print{body{font-size:11pt}main{max-width:none;padding:0}h2{break-after:avoid}"
    "figure,tr,li{break-inside:avoid}a{color:inherit}.tiles div,pre{border:1px solid "
    "var(--line)}.pair{grid-template-columns:1fr 1fr}pre{white-space:pre-wrap}}"
    ".paper{fill:none}";

/* The drawings are made for a light page. */
static const char dark_style[] =
    "@media(prefers-color-scheme:dark){svg text.ink{fill:#e4e8ec}svg text.soft{fill:#9aa5b1}"
    "line.soft{stroke:#9aa5b1}line.axis{stroke:#6b7580}line.grid{stroke:#2a3037}"
    "text.good{fill:#3fc79a}text.bad{fill:#ff9a57}rect.good{stroke:#3fc79a}"
    "rect.bad{stroke:#ff9a57}.s0{stroke:#4aa3e0}.s0-dot,.s0-band{fill:#4aa3e0}"
    ".s1{stroke:#ff8a3d}.s1-dot,.s1-band{fill:#ff8a3d}.h-none{fill:#1a1e23}.h-mute{fill:#353c44}"
    ".h0{fill:#1f3a5f}.h1{fill:#23527a}.h2{fill:#266b8c}.h3{fill:#2a8790}.h4{fill:#3fa488}"
    ".h5{fill:#72c06f}.h6{fill:#b5d55a}.h7{fill:#fbe54e}"
    "svg text.t0,svg text.t1,svg text.t2,svg text.t3{fill:#fff}"
    "svg text.t4,svg text.t5,svg text.t6,svg text.t7{fill:#101316}}";

static bool is_running(const struct rn_report *r) { return !strcmp(r->status, "running"); }

static const char *status_class(const char *status)
{
    if (!strcmp(status, "finished"))
        return "good";
    return !strcmp(status, "diverged") || !strcmp(status, "failed") ? "bad" : "soft";
}

static void put_head(struct rn_text *p, const struct rn_report *r)
{
    emit(p, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
            "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    if (is_running(r))
        emit(p, "<meta http-equiv=\"refresh\" content=\"3\">\n");
    emit(p, "<title>%s \xC2\xB7 %s</title>\n<style>%r%r</style>\n</head>\n<body>\n<main>\n",
         r->name, r->status, page_style, dark_style);
    emit(p, "<h1>%s<span class=\"badge %s\">%s</span></h1>\n", r->name, status_class(r->status),
         r->status);
    if (r->description[0])
        emit(p, "<p>%s</p>\n", r->description);
    emit(p, "<p class=\"soft\">%s \xC2\xB7 started %s \xC2\xB7 on %s", r->id, r->started,
         r->device);
    if (r->reason[0])
        emit(p, " \xC2\xB7 %s", r->reason);
    emit(p, "</p>\n");
}

/* ---- verdict, numbers ----------------------------------------------------- */

static void put_time(struct rn_text *p, double s)
{
    if (s < 60)
        emit(p, "%1 s", s);
    else if (s < 3600)
        emit(p, "%0 min %0 s", floor(s / 60), floor(fmod(s, 60)));
    else
        emit(p, "%0 h %0 min", floor(s / 3600), floor(fmod(s, 3600) / 60));
}

static void put_tiles(struct rn_text *p, const struct rn_report *r)
{
    const struct rn_epoch *last = r->n_epochs ? &r->epochs[r->n_epochs - 1] : NULL;

    emit(p, "<div class=\"tiles\">\n");
    if (r->test && r->test->classes)
        emit(p, "<div><b>%2 %%</b><span>test accuracy (%2 to %2)</span></div>\n",
             100 * r->test->accuracy, 100 * r->test->low, 100 * r->test->high);
    if (r->test)
        emit(p, "<div><b>%g</b><span>test loss</span></div>\n", r->test->loss);
    for (int64_t i = 0; i < r->n_measures; i++)
        if (!strcmp(r->measures[i].split, "test"))
            emit(p, "<div><b>%g</b><span>test %s</span></div>\n", r->measures[i].value,
                 r->measures[i].name);
    if (last && !r->test && isfinite(last->val_accuracy))
        emit(p, "<div><b>%2 %%</b><span>validation accuracy</span></div>\n",
             100 * last->val_accuracy);
    emit(p, "<div><b>%I <small>of %I</small></b><span>epochs</span></div>\n", r->n_epochs,
         r->epochs_planned);
    emit(p, "<div><b>%I</b><span>parameters</span></div>\n", r->parameters);
    if (r->train_s > 0) {
        emit(p, "<div><b>");
        put_time(p, r->train_s);
        emit(p, "</b><span>training, of ");
        put_time(p, r->seconds);
        emit(p, " in all</span></div>\n");
    }
    if (last && isfinite(last->samples_per_s))
        emit(p, "<div><b>%I</b><span>samples a second</span></div>\n",
             (int64_t)llround(last->samples_per_s));
    emit(p, "</div>\n");
}

static void put_verdict(struct rn_text *p, const struct rn_report *r)
{
    static const char *const tones[] = {"", "good", "", "bad"};

    if (is_running(r))
        emit(p,
             "<p class=\"verdict\">Running: epoch %I of %I is done. This page refreshes "
             "itself.</p>\n",
             r->n_epochs, r->epochs_planned);
    else if (r->n_findings)
        emit(p, "<p class=\"verdict\">%s</p>\n", r->findings[0].text);
    if (r->n_expectations && !is_running(r)) {
        emit(p, "<ul>\n");
        for (int64_t i = 0; i < r->n_expectations; i++) {
            const struct rn_expectation *e = &r->expectations[i];
            emit(p, "<li class=\"%s\">Expected %s %s: it is %g, which %s.</li>\n",
                 e->holds ? "good" : "miss", e->metric, e->wanted, e->value,
                 e->holds ? "holds" : "does not hold");
        }
        emit(p, "</ul>\n");
    }
    put_tiles(p, r);
    if (r->n_findings < 2)
        return;
    emit(p, "<h2>Findings</h2>\n<ul>\n");
    for (int64_t i = 1; i < r->n_findings; i++)
        emit(p, "<li class=\"%s\">%s</li>\n", tones[r->findings[i].tone & 3], r->findings[i].text);
    emit(p, "</ul>\n");
}

static void put_number(struct rn_text *p, const struct rn_report *r, const struct rn_number *m)
{
    emit(p, "<tr><td>%s</td><td>%I</td><td>%g</td>", m->what, m->n, m->loss);
    if (isfinite(m->accuracy))
        emit(p, "<td>%2 %%</td>", 100 * m->accuracy);
    else if (rn_has_accuracy(r))
        emit(p, "<td>\xE2\x80\x93</td>");
    for (int64_t i = 0; i < r->n_measures; i++) {
        double v = m->split ? rn_measured(r, m->split, r->measures[i].name, m->epoch) : NAN;
        if (!rn_measure_is_new(r, i))
            continue;
        if (isnan(v))
            emit(p, "<td>\xE2\x80\x93</td>");
        else
            emit(p, "<td>%g</td>", v);
    }
    emit(p, "</tr>\n");
}

static void put_numbers(struct rn_text *p, const struct rn_report *r)
{
    struct rn_number rows[RN_NUMBERS];

    if (!r->n_epochs)
        return;
    int n = rn_numbers(r, rows);
    emit(p,
         "<h2>Numbers</h2>\n<div class=\"table\"><table>\n<thead><tr><th></th><th>samples</th>"
         "<th>loss</th>%r",
         rn_has_accuracy(r) ? "<th>accuracy</th>" : "");
    for (int64_t i = 0; i < r->n_measures; i++)
        if (rn_measure_is_new(r, i))
            emit(p, "<th>%s</th>", r->measures[i].name);
    emit(p, "</tr></thead>\n<tbody>\n");
    for (int i = 0; i < n; i++)
        put_number(p, r, &rows[i]);
    emit(p, "</tbody></table></div>\n");
    if (r->test && r->test->classes)
        emit(p,
             "<p class=\"soft\">Macro F1 on the test set %4; 95 %% interval of the accuracy "
             "%2 to %2 %% (Wilson).</p>\n",
             r->test->macro_f1, 100 * r->test->low, 100 * r->test->high);
}

/* ---- figures -------------------------------------------------------------- */

static void put_figure(struct rn_text *p, const struct rn_report *r, const char *name, bool wide)
{
    for (int64_t i = 0; i < r->n_figures; i++) {
        const struct rn_figure *f = &r->figures[i];
        if (strcmp(f->name, name))
            continue;
        emit(p, "<figure><div class=\"%s\">%r</div>", wide ? "wide" : "", f->svg);
        if (!is_running(r))
            emit(p,
                 "<figcaption><a href=\"figures/%s.csv\">data</a> \xC2\xB7 "
                 "<a href=\"figures/%s.svg\">SVG</a></figcaption>",
                 f->name, f->name);
        emit(p, "</figure>\n");
    }
}

static void put_curves(struct rn_text *p, const struct rn_report *r)
{
    if (!r->n_figures)
        return;
    emit(p, "<h2>Learning curves</h2>\n<div class=\"pair\">\n");
    put_figure(p, r, "loss_train_val", false);
    put_figure(p, r, "accuracy", false);
    put_figure(p, r, "predicted_true", false);
    emit(p, "</div>\n");
}

static void put_confusion(struct rn_text *p, const struct rn_report *r)
{
    emit(p, "<h2>Confusion</h2>\n<div class=\"pair\">\n");
    put_figure(p, r, "confusion_matrix_counts", true);
    put_figure(p, r, "confusion_matrix_normalized", true);
    emit(p, "</div>\n");
}

/* The class that samples of class c are most often taken for; NULL: none was mistaken. */
static const char *mistaken_for(const struct rn_test *t, int64_t c)
{
    int64_t best = -1;

    for (int64_t k = 0; k < t->classes; k++) {
        int64_t count = k == c ? 0 : t->confusion[c * t->classes + k];
        if (count && (best < 0 || count > t->confusion[c * t->classes + best]))
            best = k;
    }
    return best < 0 ? NULL : t->per_class[best].name;
}

static void put_classes(struct rn_text *p, const struct rn_report *r)
{
    const struct rn_test *t = r->test;
    bool folded = t->classes > ROWS_FOLDED;

    emit(p, "<h2>Classes</h2>\n<div class=\"pair\">\n<div>");
    if (folded)
        emit(p, "<details><summary>Scores of all %I classes</summary>\n", t->classes);
    emit(p, "<div class=\"table\"><table>\n<thead><tr><th>class</th><th>precision</th><th>recall"
            "</th><th>F1</th><th>samples</th><th class=\"left\">mostly taken for</th></tr></thead>"
            "\n<tbody>\n");
    for (int64_t c = 0; c < t->classes; c++) {
        const struct rn_class_fact *f = &t->per_class[c];
        const char *other = mistaken_for(t, c);
        emit(p,
             "<tr><td>%s</td><td>%3</td><td>%3</td><td>%3</td><td>%I</td>"
             "<td class=\"left\">%s</td></tr>\n",
             f->name, f->precision, f->recall, f->f1, f->support, other ? other : "\xE2\x80\x93");
    }
    emit(p, "</tbody></table></div>%r</div>\n", folded ? "</details>" : "");
    put_figure(p, r, "class_errors", false);
    emit(p, "</div>\n");
}

static void put_pairs(struct rn_text *p, const struct rn_test *t)
{
    emit(p, "<div class=\"table\"><table>\n<thead><tr><th>true</th><th class=\"left\">taken for"
            "</th><th>times</th></tr></thead>\n<tbody>\n");
    for (int64_t i = 0; i < t->n_pairs && i < 10; i++)
        emit(p, "<tr><td>%s</td><td class=\"left\">%s</td><td>%I</td></tr>\n",
             t->per_class[t->pairs[i].truth].name, t->per_class[t->pairs[i].predicted].name,
             t->pairs[i].count);
    emit(p, "</tbody></table></div>\n");
}

static void put_mistakes(struct rn_text *p, const struct rn_report *r)
{
    emit(p, "<h2>Mistakes and samples</h2>\n<div class=\"pair\">\n");
    put_figure(p, r, "sample_predictions", true);
    if (r->test->n_pairs) {
        emit(p, "<div><h3>Most frequent mistakes</h3>\n");
        put_pairs(p, r->test);
        emit(p, "</div>\n");
    } else {
        emit(p, "<p>Not one test sample was mistaken.</p>\n");
    }
    emit(p, "</div>\n");
}

/* ---- model, configuration, environment ------------------------------------ */

static void put_model(struct rn_text *p, const struct rn_report *r)
{
    emit(p, "<h2>Model</h2>\n<div class=\"table\"><table>\n<thead><tr><th>layer</th>"
            "<th class=\"left\">type</th><th class=\"left\">output</th><th>parameters</th>"
            "<th>MFLOP</th></tr></thead>\n<tbody>\n");
    for (int64_t i = 0; i < r->n_layers; i++) {
        const struct rn_layer_fact *l = &r->layers[i];
        emit(p,
             "<tr><td>%s</td><td class=\"left\">%s</td><td class=\"left\">%s</td><td>%I</td>"
             "<td>%3</td></tr>\n",
             l->name, l->type, l->output, l->params, l->flops / 1e6);
    }
    emit(p,
         "</tbody>\n<tfoot><tr><td>total</td><td></td><td></td><td>%I</td><td>%3</td></tr>"
         "</tfoot></table></div>\n<p class=\"soft\">MFLOP: millions of operations for one sample, "
         "forward.</p>\n",
         r->parameters, r->flops / 1e6);
}

static void put_origin(struct rn_text *p, const struct rn_report *r)
{
    emit(p, "<h2>To repeat it</h2>\n<pre>%s</pre>\n<dl>\n", r->command);
    emit(p,
         "<dt>data</dt><dd>%s</dd>\n<dt>samples</dt><dd>%I train, %I validation, %I test</dd>\n"
         "<dt>training</dt><dd>%I epochs of %I steps of %I samples</dd>\n"
         "<dt>device</dt><dd>%s</dd>\n<dt>seed</dt><dd>%u</dd>\n",
         r->data, r->train_samples, r->val_samples, r->test_samples, r->epochs_planned,
         r->steps_per_epoch, r->batch_size, r->device, r->seed);
    if (r->peak_bytes > 0)
        emit(p, "<dt>memory, at most</dt><dd>%0 MiB</dd>\n", r->peak_bytes / 1048576);
    emit(p,
         "</dl>\n<details><summary>Configuration, with every default filled in</summary>\n"
         "<pre>%s</pre></details>\n",
         r->config_yaml);
    if (r->n_environment)
        emit(p, "<details><summary>Environment</summary>\n<dl>\n");
    for (int64_t i = 0; i < r->n_environment; i++)
        emit(p, "<dt>%s</dt><dd>%s</dd>\n", r->environment[i].key, r->environment[i].value);
    if (r->n_environment)
        emit(p, "</dl></details>\n");
    emit(p, "<p class=\"soft\">Files: <a href=\"summary.json\">summary.json</a>, "
            "<a href=\"epochs.csv\">epochs.csv</a>");
    if (r->test)
        emit(p, ", <a href=\"predictions.csv\">predictions.csv</a>");
    emit(p, ".</p>\n");
}

static int write_page(struct html *h, const struct rn_report *r)
{
    struct rn_text p = {0};
    char path[4096];

    if (snprintf(path, sizeof path, "%s/report.html", r->dir) >= (int)sizeof path)
        return RN_FAIL(RN_EIO, "html: the path %s is too long", r->dir);
    put_head(&p, r);
    put_verdict(&p, r);
    put_curves(&p, r);
    put_numbers(&p, r);
    if (r->test && r->test->classes) {
        put_classes(&p, r);
        put_confusion(&p, r);
        put_mistakes(&p, r);
    }
    put_model(&p, r);
    put_origin(&p, r);
    emit(&p, "</main>\n</body>\n</html>\n");
    int status = p.status ? p.status : rn_host->write_file(path, p.s, p.n);
    rn_host->free(p.s);
    h->written_ns = rn_host->clock_ns();
    return status;
}

/* ---- the reporter --------------------------------------------------------- */

static int html_open(const void *opts, const struct rn_report *r, void **out)
{
    (void)opts, (void)r;
    *out = rn_host->alloc(sizeof(struct html));
    return *out ? RN_OK : RN_FAIL(RN_ENOMEM, "out of memory: html");
}

static int html_epoch(void *rep, const struct rn_report *r)
{
    struct html *h = rep;

    if (h->written_ns && rn_host->clock_ns() - h->written_ns < REWRITE_NS)
        return RN_OK;
    return write_page(h, r);
}

static int html_end(void *rep, const struct rn_report *r) { return write_page(rep, r); }

static void html_close(void *rep) { rn_host->free(rep); }

static const struct rn_plugin html = {
    RN_PLUGIN_PLAIN(RN_KIND_REPORTER),
    .traits = RN_TRAIT_DEFAULT,
    .priority = 10,
    .name = "html",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "report.html: the whole run on one page that needs nothing else",
    .doc = "Writes report.html into the run folder, at the end and, while it runs, after an epoch\n"
           "at most every 2 s. The page has its figures inside, no script, and loads nothing.",
    .ops = &(const struct rn_reporter_ops){.size = sizeof(struct rn_reporter_ops),
                                           .open = html_open,
                                           .epoch = html_epoch,
                                           .end = html_end,
                                           .close = html_close},
};

RN_PLUGINS(&html);
