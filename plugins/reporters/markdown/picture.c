/* picture.c - figures as PNG. librsvg turns the drawings into pictures. Loading it takes longer (7
 * to 28 ms) than checking a whole experiment may, so that it is opened when a run begins and not
 * linked. */
#include "picture.h"

#include <runner/text.h>

#include <png.h>
#include <setjmp.h>

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define LIBRSVG     "librsvg-2.so.2"
#define PNG_MESSAGE 128
#define SCALE       2.0     /* pixels of the PNG for one of the drawing: sharp on dense screens */
#define PIXELS      1200000 /* but no more than so many, about: they cost time and space */

int rsvg_open(struct rsvg *f)
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
    png_set_compression_level(png, 2);
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
    double scale = w * h * SCALE * SCALE <= PIXELS ? SCALE : 1; /* whole: sharp edges pack well */
    cairo_surface_t *surface =
        f->cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(w * scale), (int)(h * scale));
    cairo_t *cr = f->cairo_create(surface);
    f->cairo_scale(cr, scale, scale);
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

/* ---- all of them, by two threads ------------------------------------------- */

struct pictures {
    const struct rsvg *f;
    const char *dir;
    const struct rn_figure *figures;
    int64_t n;
    atomic_llong next, failed; /* failed: one of those that did; -1: none */
};

static void *write_some(void *ctx)
{
    struct pictures *p = ctx;

    for (int64_t i; (i = atomic_fetch_add(&p->next, 1)) < p->n;)
        if (write_png(p->f, p->dir, &p->figures[i]) < 0)
            atomic_store(&p->failed, i);
    return NULL;
}

int write_pngs(const struct rsvg *f, const char *dir, const struct rn_figure *figures, int64_t n)
{
    struct pictures p = {.f = f, .dir = dir, .figures = figures, .n = n, .failed = -1};
    pthread_t other;
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the thread that trains */
    bool two = n > 1 && !pthread_create(&other, NULL, write_some, &p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    write_some(&p);
    if (two)
        pthread_join(other, NULL);
    /* once more, so that this thread knows why */
    return p.failed < 0 ? RN_OK : write_png(f, dir, &figures[p.failed]);
}
