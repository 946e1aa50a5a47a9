/* html.c - report.html: one file that needs nothing else. No script, no request to anywhere; every
 * text is escaped by emit(), the only way into the page. */
#include <runner/reporter.h>

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REWRITE_NS  2000000000u /* while it runs */
#define ROWS_FOLDED 20          /* longer tables are folded */

struct html {
    uint64_t written_ns; /* 0: never */
};

/* ---- the page: text that grows, and one way to add to it ------------------ */

struct page {
    char *s;
    size_t n, cap;
    int status;
};

static void put(struct page *p, const char *s, size_t n)
{
    if (p->status)
        return;
    if (p->cap - p->n < n) {
        size_t cap = (p->n + n) * 2 + 4096;
        char *bigger = rn_host->alloc(cap);
        if (!bigger) {
            p->status = RN_FAIL(RN_ENOMEM, "out of memory: html: a page of %zu bytes", cap);
            return;
        }
        if (p->n)
            memcpy(bigger, p->s, p->n);
        rn_host->free(p->s);
        p->s = bigger;
        p->cap = cap;
    }
    memcpy(p->s + p->n, s, n);
    p->n += n;
}

/* Bytes of the UTF-8 character at s that may stand in a page; 0: broken, a control character, or
 * one that turns the direction of writing. */
static size_t good_char(const unsigned char *s)
{
    size_t n = *s < 0x80 ? 1 : *s >= 0xC2 && *s < 0xE0 ? 2 : *s >= 0xE0 && *s < 0xF0 ? 3 : 4;

    if (n == 1)
        return (*s >= 0x20 && *s != 0x7F) || *s == '\n' || *s == '\t';
    if (*s < 0xC2 || *s > 0xF4 || (*s == 0xC2 && s[1] < 0xA0))
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((*s == 0xE0 && s[1] < 0xA0) || (*s == 0xED && s[1] > 0x9F) || (*s == 0xF0 && s[1] < 0x90) ||
        (*s == 0xF4 && s[1] > 0x8F))
        return 0; /* too long, surrogates, beyond Unicode */
    if (*s == 0xE2 && ((s[1] == 0x80 && s[2] >= 0xAA && s[2] <= 0xAE) ||
                       (s[1] == 0x81 && s[2] >= 0xA6 && s[2] <= 0xA9)))
        return 0;
    return n;
}

/* For elements and for attributes in quotes. */
static void put_escaped(struct page *p, const char *s)
{
    for (const unsigned char *c = (const unsigned char *)s; *c;) {
        size_t n = good_char(c);
        const char *named = *c == '&'    ? "&amp;"
                            : *c == '<'  ? "&lt;"
                            : *c == '>'  ? "&gt;"
                            : *c == '"'  ? "&quot;"
                            : *c == '\'' ? "&#39;"
                            : !n         ? "\xEF\xBF\xBD"
                                         : NULL;
        if (named)
            put(p, named, strlen(named));
        else
            put(p, (const char *)c, n);
        c += n ? n : 1;
    }
}

static void put_grouped(struct page *p, int64_t v) /* 1,234,567 */
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)v);

    for (int i = 0; i < n; i++) {
        put(p, digits + i, 1);
        if ((n - i - 1) % 3 == 0 && i + 1 < n && digits[i] != '-')
            put(p, ",", 1);
    }
}

static void put_number(struct page *p, double v, char form)
{
    char b[64];

    if (!isfinite(v))
        snprintf(b, sizeof b, "%s",
                 isnan(v) ? "\xE2\x80\x93"
                 : v > 0  ? "\xE2\x88\x9E"
                          : "-\xE2\x88\x9E");
    else if (form == 'g')
        snprintf(b, sizeof b, "%.4g", v);
    else
        snprintf(b, sizeof b, "%.*f", form - '0', v);
    put(p, b, strlen(b));
}

/* %s text, escaped; %r a drawing of the core, as it is; %i int64_t; %u uint64_t; %0 to %4 double
 * with so many decimals; %g double; %% a percent sign. */
static void emit(struct page *p, const char *form, ...)
{
    va_list args;

    va_start(args, form);
    for (const char *at; (at = strchr(form, '%')); form = at + 2) {
        put(p, form, (size_t)(at - form));
        char b[32];
        switch (at[1]) {
        case 's': put_escaped(p, va_arg(args, const char *)); break;
        case 'r': {
            const char *svg = va_arg(args, const char *);
            put(p, svg, strlen(svg));
            break;
        }
        case 'i': put_grouped(p, va_arg(args, int64_t)); break;
        case 'u':
            snprintf(b, sizeof b, "%llu", (unsigned long long)va_arg(args, uint64_t));
            put(p, b, strlen(b));
            break;
        case '%': put(p, "%", 1); break;
        default: put_number(p, va_arg(args, double), at[1]);
        }
    }
    put(p, form, strlen(form));
    va_end(args);
}

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

static void put_head(struct page *p, const struct rn_report *r)
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

static void put_time(struct page *p, double s)
{
    if (s < 60)
        emit(p, "%1 s", s);
    else if (s < 3600)
        emit(p, "%0 min %0 s", floor(s / 60), floor(fmod(s, 60)));
    else
        emit(p, "%0 h %0 min", floor(s / 3600), floor(fmod(s, 3600) / 60));
}

static void put_tiles(struct page *p, const struct rn_report *r)
{
    const struct rn_epoch *last = r->n_epochs ? &r->epochs[r->n_epochs - 1] : NULL;

    emit(p, "<div class=\"tiles\">\n");
    if (r->test && r->test->classes)
        emit(p, "<div><b>%2 %%</b><span>test accuracy (%2 to %2)</span></div>\n",
             100 * r->test->accuracy, 100 * r->test->low, 100 * r->test->high);
    if (r->test)
        emit(p, "<div><b>%g</b><span>test loss</span></div>\n", r->test->loss);
    if (last && !r->test && isfinite(last->val_accuracy))
        emit(p, "<div><b>%2 %%</b><span>validation accuracy</span></div>\n",
             100 * last->val_accuracy);
    emit(p, "<div><b>%i <small>of %i</small></b><span>epochs</span></div>\n", r->n_epochs,
         r->epochs_planned);
    emit(p, "<div><b>%i</b><span>parameters</span></div>\n", r->parameters);
    if (r->train_s > 0) {
        emit(p, "<div><b>");
        put_time(p, r->train_s);
        emit(p, "</b><span>training, of ");
        put_time(p, r->seconds);
        emit(p, " in all</span></div>\n");
    }
    if (last && isfinite(last->samples_per_s))
        emit(p, "<div><b>%i</b><span>samples a second</span></div>\n",
             (int64_t)llround(last->samples_per_s));
    emit(p, "</div>\n");
}

static void put_verdict(struct page *p, const struct rn_report *r)
{
    static const char *const tones[] = {"", "good", "", "bad"};

    if (is_running(r))
        emit(p,
             "<p class=\"verdict\">Running: epoch %i of %i is done. This page refreshes "
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

static void put_measure(struct page *p, const char *what, int64_t n, double loss, double accuracy)
{
    emit(p, "<tr><td>%s</td><td>%i</td><td>%g</td>", what, n, loss);
    if (isfinite(accuracy))
        emit(p, "<td>%2 %%</td></tr>\n", 100 * accuracy);
    else
        emit(p, "<td>\xE2\x80\x93</td></tr>\n");
}

static void put_numbers(struct page *p, const struct rn_report *r)
{
    if (!r->n_epochs)
        return;
    const struct rn_epoch *e = &r->epochs[r->n_epochs - 1];
    emit(p, "<h2>Numbers</h2>\n<div class=\"table\"><table>\n<thead><tr><th></th><th>samples</th>"
            "<th>loss</th><th>accuracy</th></tr></thead>\n<tbody>\n");
    put_measure(p, "train, running mean of the last epoch", r->train_samples, e->train_loss,
                e->train_accuracy);
    if (isfinite(e->fit_loss))
        emit(p,
             "<tr><td>train, weights of the end</td><td>sample</td><td>%g</td><td>%2 %%</td>"
             "</tr>\n",
             e->fit_loss, 100 * e->fit_accuracy);
    put_measure(p, "validation, last epoch", r->val_samples, e->val_loss, e->val_accuracy);
    for (int64_t i = 0; i < r->n_epochs; i++)
        if (r->epochs[i].epoch == r->best_epoch)
            put_measure(p, "validation, best epoch", r->val_samples, r->epochs[i].val_loss,
                        r->epochs[i].val_accuracy);
    if (r->test)
        put_measure(p, "test", r->test->n, r->test->loss, r->test->accuracy);
    emit(p, "</tbody></table></div>\n");
    if (r->test && r->test->classes)
        emit(p,
             "<p class=\"soft\">Macro F1 on the test set %4; 95 %% interval of the accuracy "
             "%2 to %2 %% (Wilson).</p>\n",
             r->test->macro_f1, 100 * r->test->low, 100 * r->test->high);
}

/* ---- figures -------------------------------------------------------------- */

static void put_figure(struct page *p, const struct rn_report *r, const char *name, bool wide)
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

static void put_curves(struct page *p, const struct rn_report *r)
{
    if (!r->n_figures)
        return;
    emit(p, "<h2>Learning curves</h2>\n<div class=\"pair\">\n");
    put_figure(p, r, "loss_train_val", false);
    put_figure(p, r, "accuracy", false);
    emit(p, "</div>\n");
}

static void put_confusion(struct page *p, const struct rn_report *r)
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

static void put_classes(struct page *p, const struct rn_report *r)
{
    const struct rn_test *t = r->test;
    bool folded = t->classes > ROWS_FOLDED;

    emit(p, "<h2>Classes</h2>\n<div class=\"pair\">\n<div>");
    if (folded)
        emit(p, "<details><summary>Scores of all %i classes</summary>\n", t->classes);
    emit(p, "<div class=\"table\"><table>\n<thead><tr><th>class</th><th>precision</th><th>recall"
            "</th><th>F1</th><th>samples</th><th class=\"left\">mostly taken for</th></tr></thead>"
            "\n<tbody>\n");
    for (int64_t c = 0; c < t->classes; c++) {
        const struct rn_class_fact *f = &t->per_class[c];
        const char *other = mistaken_for(t, c);
        emit(p,
             "<tr><td>%s</td><td>%3</td><td>%3</td><td>%3</td><td>%i</td>"
             "<td class=\"left\">%s</td></tr>\n",
             f->name, f->precision, f->recall, f->f1, f->support, other ? other : "\xE2\x80\x93");
    }
    emit(p, "</tbody></table></div>%r</div>\n", folded ? "</details>" : "");
    put_figure(p, r, "class_errors", false);
    emit(p, "</div>\n");
}

static void put_pairs(struct page *p, const struct rn_test *t)
{
    emit(p, "<div class=\"table\"><table>\n<thead><tr><th>true</th><th class=\"left\">taken for"
            "</th><th>times</th></tr></thead>\n<tbody>\n");
    for (int64_t i = 0; i < t->n_pairs && i < 10; i++)
        emit(p, "<tr><td>%s</td><td class=\"left\">%s</td><td>%i</td></tr>\n",
             t->per_class[t->pairs[i].truth].name, t->per_class[t->pairs[i].predicted].name,
             t->pairs[i].count);
    emit(p, "</tbody></table></div>\n");
}

static void put_mistakes(struct page *p, const struct rn_report *r)
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

static void put_model(struct page *p, const struct rn_report *r)
{
    emit(p, "<h2>Model</h2>\n<div class=\"table\"><table>\n<thead><tr><th>layer</th>"
            "<th class=\"left\">type</th><th class=\"left\">output</th><th>parameters</th>"
            "<th>MFLOP</th></tr></thead>\n<tbody>\n");
    for (int64_t i = 0; i < r->n_layers; i++) {
        const struct rn_layer_fact *l = &r->layers[i];
        emit(p,
             "<tr><td>%s</td><td class=\"left\">%s</td><td class=\"left\">%s</td><td>%i</td>"
             "<td>%3</td></tr>\n",
             l->name, l->type, l->output, l->params, l->flops / 1e6);
    }
    emit(p,
         "</tbody>\n<tfoot><tr><td>total</td><td></td><td></td><td>%i</td><td>%3</td></tr>"
         "</tfoot></table></div>\n<p class=\"soft\">MFLOP: millions of operations for one sample, "
         "forward.</p>\n",
         r->parameters, r->flops / 1e6);
}

static void put_origin(struct page *p, const struct rn_report *r)
{
    emit(p, "<h2>To repeat it</h2>\n<pre>%s</pre>\n<dl>\n", r->command);
    emit(p,
         "<dt>data</dt><dd>%s</dd>\n<dt>samples</dt><dd>%i train, %i validation, %i test</dd>\n"
         "<dt>training</dt><dd>%i epochs of %i steps of %i samples</dd>\n"
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
    struct page p = {0};
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
