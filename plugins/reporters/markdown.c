/* markdown.c - report.md, which shows on code hosts and in comments, with the figures as PNG.
 * librsvg turns the drawings into pictures. Loading it takes longer (7 to 28 ms) than checking a
 * whole experiment may, so that it is opened when a run begins and not linked. */
#include <runner/reporter.h>

#include <librsvg/rsvg.h>

#include <dlfcn.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LIBRSVG "librsvg-2.so.2"
#define SCALE   2.0 /* pixels of the PNG for one of the drawing: sharp on dense screens */

struct options {
    bool png;
};

static const struct rn_option options[] = {
    RN_BOOL(struct options, png, "true",
            "render the figures as PNG; false: report.md shows the SVG files"),
    RN_END,
};

/* The functions that are used, by their own names. */
#define RSVG_FUNCTIONS(X) \
    X(rsvg_handle_new_from_data) \
    X(rsvg_handle_get_intrinsic_size_in_pixels) \
    X(rsvg_handle_render_document) \
    X(g_object_unref) \
    X(g_error_free) \
    X(cairo_image_surface_create) \
    X(cairo_create) \
    X(cairo_destroy) \
    X(cairo_scale) \
    X(cairo_surface_status) \
    X(cairo_surface_destroy) \
    X(cairo_surface_write_to_png_stream) \
    X(cairo_status_to_string)

#define RSVG_MEMBER(name) __typeof__(&name) name;
struct rsvg {
    RSVG_FUNCTIONS(RSVG_MEMBER)
};

struct markdown {
    bool png;
    struct rsvg rsvg;
};

/* ---- text that grows ------------------------------------------------------ */

struct page {
    char *s;
    size_t n, cap;
    int status;
};

static void put(struct page *p, const void *s, size_t n)
{
    if (p->status)
        return;
    if (p->cap - p->n < n) {
        size_t cap = (p->n + n) * 2 + 4096;
        char *bigger = rn_host->alloc(cap);
        if (!bigger) {
            p->status = RN_FAIL(RN_ENOMEM, "out of memory: markdown: %zu bytes", cap);
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

/* Bytes of the UTF-8 character at s that may stand in the text; 0: broken, a control character, or
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

/* So that it shows as it is, in a line or a cell of a table: no mark-up, no HTML, no link, nobody
 * is notified. */
static void put_escaped(struct page *p, const char *s)
{
    for (size_t n; *s; s += n) {
        char b[8];
        n = good_char((const unsigned char *)s);
        if (!n)
            put(p, "\xEF\xBF\xBD", 3);
        else if (*s == '\n' || *s == '\t')
            put(p, " ", 1);
        else if (strchr("<>&@\"", *s) || (*s == ':' && s[1] == '/'))
            put(p, b, (size_t)snprintf(b, sizeof b, "&#%d;", *s));
        else if (strchr("\\`*_[]#|~$", *s))
            put(p, b, (size_t)snprintf(b, sizeof b, "\\%c", *s));
        else
            put(p, s, n);
        n = n ? n : 1;
    }
}

static void put_number(struct page *p, double v, char form)
{
    char b[64];

    if (!isfinite(v))
        snprintf(b, sizeof b, "%s", isnan(v) ? "–" : v > 0 ? "∞" : "-∞");
    else if (form == 'g')
        snprintf(b, sizeof b, "%.4g", v);
    else
        snprintf(b, sizeof b, "%.*f", form - '0', v);
    put(p, b, strlen(b));
}

/* %s text, escaped; %i int64_t; %u uint64_t; %0 to %4 double with so many decimals; %g double; %%
 * a percent sign. */
static void emit(struct page *p, const char *form, ...)
{
    va_list args;

    va_start(args, form);
    for (const char *at; (at = strchr(form, '%')); form = at + 2) {
        put(p, form, (size_t)(at - form));
        char b[32];
        switch (at[1]) {
        case 's': put_escaped(p, va_arg(args, const char *)); break;
        case 'i':
            snprintf(b, sizeof b, "%lld", (long long)va_arg(args, int64_t));
            put(p, b, strlen(b));
            break;
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

/* A fenced block; the fence is longer than any run of backticks in it. */
static void put_block(struct page *p, const char *language, const char *s)
{
    size_t longest = 2, run = 0, n = strlen(s);

    for (size_t i = 0; i < n; i++) {
        run = s[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (size_t i = 0; i <= longest; i++)
        put(p, "`", 1);
    emit(p, "%s\n", language);
    put(p, s, n);
    if (n && s[n - 1] != '\n')
        put(p, "\n", 1);
    for (size_t i = 0; i <= longest; i++)
        put(p, "`", 1);
    put(p, "\n\n", 2);
}

/* ---- sections ------------------------------------------------------------- */

static void put_head(struct page *p, const struct rn_report *r)
{
    emit(p, "# %s\n\n", r->name);
    if (r->description[0])
        emit(p, "%s\n\n", r->description);
    if (r->n_findings)
        emit(p, "**%s**\n\n", r->findings[0].text);
    emit(p, "%s, %s: %i of %i epochs in %1 s (training %1 s) on %s.\n\n", r->id, r->status,
         r->n_epochs, r->epochs_planned, r->seconds, r->train_s, r->device);
    if (r->reason[0])
        emit(p, "Why it ended: %s\n\n", r->reason);
    for (int64_t i = 0; i < r->n_expectations; i++) {
        const struct rn_expectation *e = &r->expectations[i];
        emit(p, "- %s expected %s %s: it is %g, which %s\n", e->holds ? "✓" : "✗", e->metric,
             e->wanted, e->value, e->holds ? "holds" : "does not hold");
    }
    if (r->n_expectations)
        emit(p, "\n");
    if (r->n_findings > 1)
        emit(p, "## Findings\n\n");
    for (int64_t i = 1; i < r->n_findings; i++)
        emit(p, "- %s\n", r->findings[i].text);
    emit(p, "\n");
}

static void put_measure(struct page *p, const char *what, double loss, double accuracy)
{
    emit(p, "| %s | %g | ", what, loss);
    if (isfinite(accuracy))
        emit(p, "%2 %% |\n", 100 * accuracy);
    else
        emit(p, "– |\n");
}

static void put_numbers(struct page *p, const struct rn_report *r)
{
    if (!r->n_epochs)
        return;
    const struct rn_epoch *e = &r->epochs[r->n_epochs - 1];
    emit(p, "## Numbers\n\n| | loss | accuracy |\n|---|---:|---:|\n");
    put_measure(p, "train, running mean of the last epoch", e->train_loss, e->train_accuracy);
    put_measure(p, "train, weights of the end", e->fit_loss, e->fit_accuracy);
    put_measure(p, "validation, last epoch", e->val_loss, e->val_accuracy);
    for (int64_t i = 0; i < r->n_epochs; i++)
        if (r->epochs[i].epoch == r->best_epoch)
            put_measure(p, "validation, best epoch", r->epochs[i].val_loss,
                        r->epochs[i].val_accuracy);
    if (r->test)
        put_measure(p, "test", r->test->loss, r->test->accuracy);
    if (r->test && r->test->classes)
        emit(p,
             "\n%i test samples; 95 %% interval of the accuracy %2 to %2 %% (Wilson); macro F1 "
             "%4.\n",
             r->test->n, 100 * r->test->low, 100 * r->test->high, r->test->macro_f1);
    emit(p, "\n");
}

static void put_figures(struct page *p, const struct markdown *m, const struct rn_report *r)
{
    if (r->n_figures)
        emit(p, "## Figures\n\n");
    for (int64_t i = 0; i < r->n_figures; i++) {
        const struct rn_figure *f = &r->figures[i];
        emit(p, "### %s\n\n![%s](figures/", f->title, f->alt);
        put(p, f->name, strlen(f->name));
        emit(p, m->png ? ".png)\n\n" : ".svg)\n\n");
    }
}

static void put_classes(struct page *p, const struct rn_test *t)
{
    emit(p, "## Classes\n\n| class | precision | recall | F1 | samples |\n"
            "|---|---:|---:|---:|---:|\n");
    for (int64_t c = 0; c < t->classes; c++) {
        const struct rn_class_fact *f = &t->per_class[c];
        emit(p, "| %s | %3 | %3 | %3 | %i |\n", f->name, f->precision, f->recall, f->f1,
             f->support);
    }
    emit(p, "\n");
}

static void put_model(struct page *p, const struct rn_report *r)
{
    emit(p,
         "## Model\n\n| layer | type | output | parameters | MFLOP |\n|---|---|---|---:|---:|\n");
    for (int64_t i = 0; i < r->n_layers; i++) {
        const struct rn_layer_fact *l = &r->layers[i];
        emit(p, "| %s | %s | %s | %i | %3 |\n", l->name, l->type, l->output, l->params,
             l->flops / 1e6);
    }
    emit(p, "| **total** | | | **%i** | **%3** |\n\n", r->parameters, r->flops / 1e6);
}

static void put_origin(struct page *p, const struct rn_report *r)
{
    emit(p, "## To repeat it\n\n");
    put_block(p, "sh", r->command);
    emit(p,
         "Data: %s. Samples: %i train, %i validation, %i test. Batches of %i, seed %u. Started %s."
         "\n\n<details><summary>Configuration</summary>\n\n",
         r->data, r->train_samples, r->val_samples, r->test_samples, r->batch_size, r->seed,
         r->started);
    put_block(p, "yaml", r->config_yaml);
    emit(p, "</details>\n\n<details><summary>Environment</summary>\n\n| | |\n|---|---|\n");
    for (int64_t i = 0; i < r->n_environment; i++)
        emit(p, "| %s | %s |\n", r->environment[i].key, r->environment[i].value);
    emit(p, "\n</details>\n");
}

/* ---- pictures ------------------------------------------------------------- */

static int rsvg_open(struct rsvg *f)
{
    void *so = dlopen(LIBRSVG, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const char *missing = NULL;

    if (!so)
        return RN_FAIL(RN_EPLUGIN,
                       "markdown: PNG figures need librsvg: %s; install it (Debian: librsvg2-2) or "
                       "set `png: false`",
                       dlerror());
#define RSVG_LOOK_UP(name) \
    memcpy(&f->name, &(void *){dlsym(so, #name)}, sizeof f->name); \
    if (!f->name) \
        missing = #name;
    RSVG_FUNCTIONS(RSVG_LOOK_UP)
    return missing ? RN_FAIL(RN_EPLUGIN,
                             "markdown: " LIBRSVG " has no %s: version 2.52 or newer is needed; "
                             "or set `png: false`",
                             missing)
                   : RN_OK;
}

static cairo_status_t put_png(void *page, const unsigned char *data, unsigned int n)
{
    put(page, data, n);
    return ((struct page *)page)->status ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

static int render_into(const struct rsvg *f, RsvgHandle *svg, const char *name, struct page *out)
{
    double w = 0, h = 0;
    GError *error = NULL;

    if (!f->rsvg_handle_get_intrinsic_size_in_pixels(svg, &w, &h))
        return RN_FAIL(RN_EBUG, "markdown: the figure %s has no size", name);
    cairo_surface_t *surface = f->cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, (int)ceil(w * SCALE), (int)ceil(h * SCALE));
    cairo_t *cr = f->cairo_create(surface);
    f->cairo_scale(cr, SCALE, SCALE);
    RsvgRectangle area = {0, 0, w, h};
    bool drawn = f->rsvg_handle_render_document(svg, cr, &area, &error);
    cairo_status_t status = f->cairo_surface_status(surface);
    if (drawn && status == CAIRO_STATUS_SUCCESS)
        status = f->cairo_surface_write_to_png_stream(surface, put_png, out);
    f->cairo_destroy(cr);
    f->cairo_surface_destroy(surface);
    int result = RN_OK;
    if (!drawn)
        result = RN_FAIL(RN_EBUG, "markdown: the figure %s cannot be rendered: %s", name,
                         error ? error->message : "librsvg does not say why");
    else if (status != CAIRO_STATUS_SUCCESS)
        result = RN_FAIL(status == CAIRO_STATUS_NO_MEMORY ? RN_ENOMEM : RN_EBUG,
                         "markdown: the figure %s cannot be packed as PNG: %s", name,
                         f->cairo_status_to_string(status));
    if (error)
        f->g_error_free(error);
    return result;
}

static int write_png(const struct rsvg *f, const char *dir, const struct rn_figure *figure)
{
    struct page png = {0};
    GError *error = NULL;
    char path[4096];

    if (snprintf(path, sizeof path, "%s/figures/%s.png", dir, figure->name) >= (int)sizeof path)
        return RN_FAIL(RN_EIO, "markdown: the path %s is too long", dir);
    RsvgHandle *svg =
        f->rsvg_handle_new_from_data((const guint8 *)figure->svg, strlen(figure->svg), &error);
    if (!svg) {
        int status = RN_FAIL(RN_EBUG, "markdown: the figure %s is no SVG: %s", figure->name,
                             error ? error->message : "librsvg does not say why");
        if (error)
            f->g_error_free(error);
        return status;
    }
    int status = render_into(f, svg, figure->name, &png);
    f->g_object_unref(svg);
    if (!status)
        status = rn_host->write_file(path, png.s, png.n);
    rn_host->free(png.s);
    return status;
}

/* ---- the reporter --------------------------------------------------------- */

static int markdown_open(const void *opts, const struct rn_report *r, void **out)
{
    struct markdown *m = rn_host->alloc(sizeof *m);

    (void)r;
    *out = m;
    if (!m)
        return RN_FAIL(RN_ENOMEM, "out of memory: markdown");
    m->png = ((const struct options *)opts)->png;
    return m->png ? rsvg_open(&m->rsvg) : RN_OK;
}

static int markdown_end(void *rep, const struct rn_report *r)
{
    const struct markdown *m = rep;
    struct page p = {0};
    char path[4096];

    if (snprintf(path, sizeof path, "%s/report.md", r->dir) >= (int)sizeof path)
        return RN_FAIL(RN_EIO, "markdown: the path %s is too long", r->dir);
    for (int64_t i = 0; m->png && i < r->n_figures; i++)
        RN_TRY(write_png(&m->rsvg, r->dir, &r->figures[i]));
    put_head(&p, r);
    put_numbers(&p, r);
    put_figures(&p, m, r);
    if (r->test && r->test->classes)
        put_classes(&p, r->test);
    put_model(&p, r);
    put_origin(&p, r);
    int status = p.status ? p.status : rn_host->write_file(path, p.s, p.n);
    rn_host->free(p.s);
    return status;
}

static void markdown_close(void *rep) { rn_host->free(rep); }

static const struct rn_plugin markdown = {
    RN_PLUGIN_HEAD(RN_KIND_REPORTER, struct options),
    .traits = RN_TRAIT_DEFAULT,
    .priority = 20,
    .name = "markdown",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "report.md with the figures as PNG, for code hosts and comments",
    .doc =
        "Writes report.md and figures/*.png into the run folder when the run ends. The PNGs are\n"
        "made from the SVG figures by librsvg, at twice their size.",
    .options = options,
    .ops = &(const struct rn_reporter_ops){.size = sizeof(struct rn_reporter_ops),
                                           .open = markdown_open,
                                           .end = markdown_end,
                                           .close = markdown_close},
};

RN_PLUGINS(&markdown);
