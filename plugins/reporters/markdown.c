/* markdown.c - report.md, which shows on code hosts and in comments, with the figures as PNG.
 * librsvg turns the drawings into pictures. Loading it takes longer (7 to 28 ms) than checking a
 * whole experiment may, so that it is opened when a run begins and not linked. */
#include <runner/reporter.h>
#include <runner/text.h>

#include <librsvg/rsvg.h>
#include <png.h>
#include <setjmp.h>

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LIBRSVG     "librsvg-2.so.2"
#define PNG_MESSAGE 128
#define SCALE       2.0 /* pixels of the PNG for one of the drawing: sharp on dense screens */

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
    X(cairo_surface_flush) \
    X(cairo_image_surface_get_data) \
    X(cairo_image_surface_get_width) \
    X(cairo_image_surface_get_height) \
    X(cairo_image_surface_get_stride) \
    X(cairo_status_to_string)

#define RSVG_MEMBER(name) __typeof__(&name) name;
struct rsvg {
    RSVG_FUNCTIONS(RSVG_MEMBER)
};

struct markdown {
    bool png;
    struct rsvg rsvg;
};

/* ---- the page ------------------------------------------------------------- */

/* So that it shows as it is, in a line or a cell of a table: no mark-up, no HTML, no link, nobody
 * is notified. */
static void put_escaped(struct rn_text *p, const char *s)
{
    for (int n; *s; s += n ? n : 1) {
        n = rn_utf8_shown(s);
        if (!n)
            rn_text_str(p, "\xEF\xBF\xBD");
        else if (strchr("\n\r\t", *s))
            rn_text_put(p, " ", 1);
        else if (strchr("<>&@\"", *s) || (*s == ':' && s[1] == '/'))
            rn_text_add(p, "&#%d;", *s);
        else if (strchr("\\`*_[]#|~$", *s))
            rn_text_add(p, "\\%c", *s);
        else
            rn_text_put(p, s, (size_t)n);
    }
}

#define emit(p, ...) rn_text_form(p, put_escaped, __VA_ARGS__)

/* A fenced block; the fence is longer than any run of backticks in it. */
static void put_block(struct rn_text *p, const char *language, const char *s)
{
    size_t longest = 2, run = 0, n = strlen(s);

    for (size_t i = 0; i < n; i++) {
        run = s[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (size_t i = 0; i <= longest; i++)
        rn_text_put(p, "`", 1);
    emit(p, "%s\n", language);
    rn_text_put(p, s, n);
    if (n && s[n - 1] != '\n')
        rn_text_put(p, "\n", 1);
    for (size_t i = 0; i <= longest; i++)
        rn_text_put(p, "`", 1);
    rn_text_put(p, "\n\n", 2);
}

/* ---- sections ------------------------------------------------------------- */

static void put_head(struct rn_text *p, const struct rn_report *r)
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

static void put_number(struct rn_text *p, const struct rn_report *r, const struct rn_number *m)
{
    emit(p, "| %s | %g |", m->what, m->loss);
    if (isfinite(m->accuracy))
        emit(p, " %2 %% |", 100 * m->accuracy);
    else if (rn_has_accuracy(r))
        emit(p, " – |");
    for (int64_t i = 0; i < r->n_measures; i++) {
        double v = m->split ? rn_measured(r, m->split, r->measures[i].name, m->epoch) : NAN;
        if (!rn_measure_is_new(r, i))
            continue;
        if (isnan(v))
            emit(p, " – |");
        else
            emit(p, " %g |", v);
    }
    emit(p, "\n");
}

static void put_numbers(struct rn_text *p, const struct rn_report *r)
{
    struct rn_number rows[RN_NUMBERS];

    if (!r->n_epochs)
        return;
    int n = rn_numbers(r, rows);
    emit(p, "## Numbers\n\n| | loss |%r", rn_has_accuracy(r) ? " accuracy |" : "");
    for (int64_t i = 0; i < r->n_measures; i++)
        if (rn_measure_is_new(r, i))
            emit(p, " %s |", r->measures[i].name);
    emit(p, "\n|---|---:|%r", rn_has_accuracy(r) ? "---:|" : "");
    for (int64_t i = 0; i < r->n_measures; i++)
        if (rn_measure_is_new(r, i))
            emit(p, "---:|");
    emit(p, "\n");
    for (int i = 0; i < n; i++)
        put_number(p, r, &rows[i]);
    if (r->test && r->test->classes)
        emit(p,
             "\n%i test samples; 95 %% interval of the accuracy %2 to %2 %% (Wilson); macro F1 "
             "%4.\n",
             r->test->n, 100 * r->test->low, 100 * r->test->high, r->test->macro_f1);
    emit(p, "\n");
}

static void put_figures(struct rn_text *p, const struct markdown *m, const struct rn_report *r)
{
    if (r->n_figures)
        emit(p, "## Figures\n\n");
    for (int64_t i = 0; i < r->n_figures; i++) {
        const struct rn_figure *f = &r->figures[i];
        emit(p, "### %s\n\n![%s](figures/%r.%r)\n\n", f->title, f->alt, f->name,
             m->png ? "png" : "svg");
    }
}

static void put_classes(struct rn_text *p, const struct rn_test *t)
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

static void put_model(struct rn_text *p, const struct rn_report *r)
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

static void put_origin(struct rn_text *p, const struct rn_report *r)
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

static void put_bytes(png_structp png, png_bytep data, size_t n)
{
    rn_text_put(png_get_io_ptr(png), data, n);
}

static void put_nothing(png_structp png) { (void)png; }

static void on_error(png_structp png, const char *message)
{
    snprintf(png_get_error_ptr(png), PNG_MESSAGE, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, const char *message) { (void)png, (void)message; }

/* Cairo's own writer tries all filters, for which drawings are not the better and a report took
 * twice as long. Pixels are xRGB in words of this machine. */
static int pack(const struct rsvg *f, cairo_surface_t *surface, struct rn_text *out)
{
    char why[PNG_MESSAGE] = "out of memory";
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, why, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    const unsigned char *row = f->cairo_image_surface_get_data(surface);
    int w = f->cairo_image_surface_get_width(surface);
    int h = f->cairo_image_surface_get_height(surface);

    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return RN_FAIL(RN_ENOMEM, "markdown: a picture of %d x %d cannot be packed: %s", w, h, why);
    }
    png_set_write_fn(png, out, put_bytes, put_nothing);
    png_set_IHDR(png, info, (png_uint_32)w, (png_uint_32)h, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_filter(png, 0, PNG_FILTER_NONE);
    png_set_compression_level(png, 3);
    png_write_info(png, info);
    png_set_filler(png, 0, PNG_FILLER_AFTER);
    png_set_bgr(png);
    for (int y = 0; y < h; y++, row += f->cairo_image_surface_get_stride(surface))
        png_write_row(png, row);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return out->status;
}

static int render_into(const struct rsvg *f, RsvgHandle *svg, const char *name, struct rn_text *out)
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
    int result = RN_OK;
    f->cairo_surface_flush(surface);
    if (drawn && status == CAIRO_STATUS_SUCCESS)
        result = pack(f, surface, out);
    f->cairo_destroy(cr);
    f->cairo_surface_destroy(surface);
    if (!drawn)
        result = RN_FAIL(RN_EBUG, "markdown: the figure %s cannot be rendered: %s", name,
                         error ? error->message : "librsvg does not say why");
    else if (status != CAIRO_STATUS_SUCCESS)
        result = RN_FAIL(status == CAIRO_STATUS_NO_MEMORY ? RN_ENOMEM : RN_EBUG,
                         "markdown: the figure %s cannot be drawn: %s", name,
                         f->cairo_status_to_string(status));
    if (error)
        f->g_error_free(error);
    return result;
}

static int write_png(const struct rsvg *f, const char *dir, const struct rn_figure *figure)
{
    struct rn_text png = {0};
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
    struct rn_text p = {0};
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
    .traits = RN_TRAIT_DEFAULT | RN_TRAIT_FROM_FILES,
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
