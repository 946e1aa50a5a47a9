/* first_layer.c - finds the weights that see the pixels of an image, which a report shows as
 * pictures: of what was measured, or in the weights of a run folder. */
#include "facts.h"

#include "base/error.h"
#include "base/file.h"
#include "train/safetensors.h"

#include <string.h>

#define UNITS_SHOWN 64
#define BLOCK_MOST  64 /* pictures are kept in a size that many times less at most */

/* How large the images are that a unit of so many inputs sees; they are kept smaller than they are.
 */
static bool image_of(const struct rn_test *t, int64_t inputs, struct first_layer *f)
{
    for (int64_t k = 1; k <= BLOCK_MOST; k++) {
        f->h = t->picture_h * k;
        f->w = t->picture_w * k;
        if (f->h * f->w * t->picture_channels == inputs)
            return true;
    }
    return false;
}

int report_first_layer(struct report *r, const char *name, const float *values, int rank,
                       const int64_t *dim)
{
    const struct rn_test *t = r->view.test;
    struct first_layer f = {0};
    bool ok = true;

    r->first_layer = f;
    if (!t || !t->n_pictures)
        return RN_OK;
    f.channels = t->picture_channels;
    if (rank == 4 && dim[1] == f.channels) {
        f.h = dim[2];
        f.w = dim[3];
    } else if (rank != 2 || !image_of(t, dim[1], &f)) {
        return RN_OK;
    }
    if (f.h * f.w < 4) /* a point is no picture */
        return RN_OK;
    f.units = dim[0];
    f.shown = f.units < UNITS_SHOWN ? f.units : UNITS_SHOWN;
    f.name = pool_strdup(r->pool, name);
    f.values = copy_array(r->pool, values, f.shown * f.h * f.w * f.channels, sizeof *f.values, &ok);
    if (!ok || !f.name)
        return RN_ENOMEM;
    r->first_layer = f;
    return RN_OK;
}

int report_read_first_layer(struct report *r)
{
    const char *path = pool_printf(r->pool, "%s/weights/last.safetensors", r->view.dir);
    struct safetensors st;
    int status = RN_OK;

    if (!path)
        return RN_ENOMEM;
    if (!file_exists(path))
        return RN_OK;
    TRY(safetensors_read(path, &st));
    for (int i = 0; i < st.n; i++) {
        if (st.tensors[i].rank < 2) /* a bias, a scale */
            continue;
        status = report_first_layer(r, st.tensors[i].name, st.tensors[i].data, st.tensors[i].rank,
                                    st.tensors[i].dim);
        break;
    }
    safetensors_free(&st);
    return status;
}
