/* scores.c - what the model of a run says of samples. */
#include "scores.h"

#include "base/error.h"
#include "base/mem.h"
#include "run/trained.h"
#include "train/infer.h"

int scores_of(const char *root, const char *word, const void *samples, uint64_t bytes,
              float **scores, int64_t *n, int64_t *width)
{
    const struct trained_args args = {.root = root, .word = word};
    struct trained t;

    *scores = NULL;
    int status = trained_told(&t, trained_open(&args, &t));
    if (status >= 0) {
        const struct model *m = t.session.model;
        uint64_t one = (uint64_t)rn_count(&m->input) * (t.info.dtype == RN_U8 ? 1 : sizeof(float));
        *n = (int64_t)(bytes / one);
        *width = rn_count(model_shape(m, m->n_layers));
        *scores = mem_array((size_t)(*n * *width), sizeof **scores);
        status = *scores ? infer(t.session.experiment, m, t.info.dtype, samples, *n, *scores)
                         : RN_ENOMEM;
    }
    trained_close(&t);
    return status;
}
