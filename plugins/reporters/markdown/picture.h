/* picture.h - figures as PNG, by librsvg, which is opened when a run begins. */
#ifndef MARKDOWN_PICTURE_H
#define MARKDOWN_PICTURE_H

#include <runner/reporter.h>

#include <librsvg/rsvg.h>

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

int rsvg_open(struct rsvg *f);
/* dir/figures/<name>.png from the SVG of each figure. */
int write_pngs(const struct rsvg *f, const char *dir, const struct rn_figure *figures, int64_t n);

#endif
