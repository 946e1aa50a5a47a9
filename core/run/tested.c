/* tested.c - what the test set showed, for the report: scores as probabilities, losses, pictures.
 */
#include "tested.h"

#include "base/error.h"
#include "report/report.h"

#include <math.h>

double *tested_probabilities(const struct experiment *e, const rn_real *scores, int64_t n,
                             int64_t width)
{
    double *p = mem_array((size_t)(n * width), sizeof *p);
    bool logits = e->loss.plugin->traits & RN_TRAIT_WANTS_LOGITS;

    for (int64_t i = 0; p && i < n; i++) {
        const rn_real *x = scores + i * width;
        double *y = p + i * width, top = (double)x[0], sum = 0;

        for (int64_t c = 0; c < width; c++)
            top = (double)x[c] > top ? (double)x[c] : top;
        for (int64_t c = 0; c < width; c++)
            sum += y[c] = logits ? exp((double)x[c] - top) : (double)x[c];
        for (int64_t c = 0; logits && c < width; c++)
            y[c] /= sum;
    }
    return p;
}

int tested_report(const struct session *s, struct report *report, const struct evaluation *ev,
                  int64_t epoch)
{
    const struct data *d = &s->data;
    const struct rn_shape *in = &d->info.input;
    bool classifies = !isnan(ev->accuracy), image = in->channels && in->rank == 3;
    bool numbers = !d->info.classes && d->info.target_width == 1 && ev->width == 1;
    double *scores =
        classifies ? tested_probabilities(s->experiment, ev->scores, ev->n, ev->width) : NULL;
    double *loss = mem_array((size_t)ev->n, sizeof *loss);
    int64_t *truth = mem_array((size_t)ev->n, sizeof *truth);
    uint8_t *pixels = NULL;
    int status = loss && truth && (scores || !classifies) ? RN_OK : RN_ENOMEM;

    for (int64_t i = 0; !status && i < ev->n; i++) {
        loss[i] = (double)ev->row_loss[i];
        truth[i] = (int64_t)d->split[RN_TEST].host_target[i];
    }
    if (!status && image)
        status = data_test_bytes(d, ev->n, &pixels);
    if (!status)
        status = report_test(
            report, &(struct report_test){.n = ev->n,
                                          .classes = classifies ? ev->width : 0,
                                          .scores = scores,
                                          .truth = classifies ? truth : NULL,
                                          .loss = loss,
                                          .predicted = numbers ? ev->scores : NULL,
                                          .wanted = numbers ? d->split[RN_TEST].host_target : NULL,
                                          .mean_loss = ev->loss,
                                          .epoch = epoch,
                                          .pixels = pixels,
                                          .h = image ? in->dim[0] : 0,
                                          .w = image ? in->dim[1] : 0,
                                          .channels = in->channels});
    mem_free(pixels);
    mem_free(truth);
    mem_free(loss);
    mem_free(scores);
    return status;
}
