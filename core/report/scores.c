/* scores.c - the final pass over the test set: predictions, confusion matrix, the scores of each
 * class, the accuracy's interval, and the samples whose pictures are kept. */
#include "facts.h"

#include "base/error.h"
#include "train/metrics.h"

#include <runner/random.h>

#include <math.h>
#include <stdlib.h>

#define PAIRS_MAX 20

/* ---- scores --------------------------------------------------------------- */

/* E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927
 */
void wilson_interval(int64_t k, int64_t n, double *low, double *high)
{
    const double z = 1.959963984540054;

    *low = 0;
    *high = 1;
    if (n <= 0)
        return;
    double m = (double)n, p = (double)k / m, denominator = 1 + z * z / m;
    double centre = (p + z * z / (2 * m)) / denominator;
    double half = z * sqrt(p * (1 - p) / m + z * z / (4 * m * m)) / denominator;
    *low = k == 0 ? 0 : fmax(0, centre - half);
    *high = k == n ? 1 : fmin(1, centre + half);
}

static void score_classes(const struct rn_report *v, const int64_t *confusion, int64_t n,
                          struct rn_class_fact *out)
{
    for (int64_t c = 0; c < n; c++) {
        struct rn_class_fact *f = &out[c];
        f->correct = confusion[c * n + c];
        for (int64_t k = 0; k < n; k++) {
            f->support += confusion[c * n + k];
            f->predicted += confusion[k * n + c];
        }
        metric_class(f);
        f->name = v->class_names && c < v->classes ? v->class_names[c] : NULL;
    }
}

static int by_count(const void *a, const void *b)
{
    const struct rn_confusion *x = a, *y = b;

    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    if (x->truth != y->truth)
        return x->truth > y->truth ? 1 : -1;
    return x->predicted > y->predicted ? 1 : x->predicted < y->predicted ? -1 : 0;
}

static int find_pairs(struct report *r, struct rn_test *t)
{
    int64_t n = t->classes, count = 0;
    struct rn_confusion *all = mem_array((size_t)(n * n), sizeof *all);

    if (!all)
        return RN_ENOMEM;
    for (int64_t i = 0; i < n * n; i++)
        if (i / n != i % n && t->confusion[i])
            all[count++] = (struct rn_confusion){i / n, i % n, t->confusion[i]};
    qsort(all, (size_t)count, sizeof *all, by_count);
    t->n_pairs = count < PAIRS_MAX ? count : PAIRS_MAX;
    bool ok = true;
    t->pairs = copy_array(r->pool, all, t->n_pairs, sizeof *all, &ok);
    mem_free(all);
    return ok ? RN_OK : RN_ENOMEM;
}

static int64_t argmax(const double *x, int64_t n)
{
    int64_t best = 0;

    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[best] || (isnan(x[best]) && !isnan(x[i])))
            best = i;
    return best;
}

static int read_samples(const struct report_test *t, struct rn_sample *out, int64_t *confusion)
{
    for (int64_t i = 0; i < t->n; i++) {
        out[i] = (struct rn_sample){.index = i,
                                    .truth = -1,
                                    .predicted = -1,
                                    .p_true = NAN,
                                    .p_predicted = NAN,
                                    .loss = t->loss ? t->loss[i] : NAN,
                                    .top = {-1, -1, -1},
                                    .p_top = {NAN, NAN, NAN}};
        if (!t->classes)
            continue;
        const double *scores = t->scores + i * t->classes;
        int64_t truth = t->truth[i], predicted = argmax(scores, t->classes);
        if (truth < 0 || truth >= t->classes)
            return FAIL(RN_EDATA, "test sample %lld has the class %lld, expected 0 to %lld",
                        (long long)i, (long long)truth, (long long)t->classes - 1);
        out[i].truth = truth;
        out[i].predicted = predicted;
        out[i].p_true = scores[truth];
        out[i].p_predicted = scores[predicted];
        confusion[truth * t->classes + predicted]++;
    }
    return RN_OK;
}

/* ---- which pictures are kept ---------------------------------------------- */

static int keep_picture(struct report *r, const struct report_test *t, int64_t i, struct shown *out)
{
    int64_t bytes = t->h * t->w * t->channels;
    bool ok = true;

    out->sample = i;
    out->pixels = copy_array(r->pool, t->pixels + i * bytes, bytes, 1, &ok);
    return ok ? RN_OK : RN_ENOMEM;
}

static double loss_rank(const struct rn_sample *s) { return isnan(s->loss) ? INFINITY : s->loss; }

/* The wrong ones with the largest loss, worst first. */
static int64_t worst_mistakes(const struct rn_sample *s, int64_t n, int64_t out[SHOWN_WRONG])
{
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++) {
        if (s[i].truth == s[i].predicted)
            continue;
        int64_t at = count < SHOWN_WRONG ? count++ : SHOWN_WRONG;
        for (; at > 0 && loss_rank(&s[out[at - 1]]) < loss_rank(&s[i]); at--)
            if (at < SHOWN_WRONG)
                out[at] = out[at - 1];
        if (at < SHOWN_WRONG)
            out[at] = i;
    }
    return count;
}

/* The same ones for every run on a test set of this size. */
static int64_t drawn_samples(int64_t n, int64_t out[SHOWN_RANDOM])
{
    int64_t count = 0;

    for (uint64_t draw = 0; count < SHOWN_RANDOM && count < n; draw++) {
        int64_t i = n <= SHOWN_RANDOM ? count : (int64_t)(rn_philox(0, 0, draw).v[0] % n);
        bool known = false;
        for (int64_t k = 0; k < count; k++)
            known = known || out[k] == i;
        if (!known)
            out[count++] = i;
    }
    return count;
}

static int keep_pictures(struct report *r, const struct report_test *t, const struct rn_sample *s)
{
    int64_t wrong[SHOWN_WRONG], drawn[SHOWN_RANDOM];

    r->n_wrong = r->n_random = 0;
    if (!t->pixels || !t->classes || (t->channels != 1 && t->channels != 3))
        return RN_OK;
    r->picture_h = t->h;
    r->picture_w = t->w;
    r->picture_channels = t->channels;
    int64_t n_wrong = worst_mistakes(s, t->n, wrong), n_drawn = drawn_samples(t->n, drawn);
    for (; r->n_wrong < n_wrong; r->n_wrong++)
        TRY(keep_picture(r, t, wrong[r->n_wrong], &r->wrong[r->n_wrong]));
    for (; r->n_random < n_drawn; r->n_random++)
        TRY(keep_picture(r, t, drawn[r->n_random], &r->random[r->n_random]));
    return RN_OK;
}

static int score_test(struct report *r, struct rn_test *to, const int64_t *confusion)
{
    int64_t n = to->classes, correct = 0;
    struct rn_class_fact *classes = pool_alloc(r->pool, (size_t)n * sizeof *classes);

    if (!classes)
        return RN_ENOMEM;
    score_classes(&r->view, confusion, n, classes);
    to->macro_f1 = metric_macro_f1(classes, n);
    for (int64_t c = 0; c < n; c++) {
        correct += classes[c].correct;
        if (!classes[c].name)
            classes[c].name = pool_printf(r->pool, "%lld", (long long)c);
        if (!classes[c].name)
            return RN_ENOMEM;
    }
    to->per_class = classes;
    to->accuracy = to->n ? (double)correct / (double)to->n : 0;
    wilson_interval(correct, to->n, &to->low, &to->high);
    return find_pairs(r, to);
}

static int keep_values(struct report *r, const struct report_test *t)
{
    r->wanted = r->predicted = NULL;
    if (!t->predicted || !t->wanted)
        return RN_OK;
    double *wanted = pool_alloc(r->pool, (size_t)t->n * sizeof *wanted + 1);
    double *predicted = pool_alloc(r->pool, (size_t)t->n * sizeof *predicted + 1);
    if (!wanted || !predicted)
        return RN_ENOMEM;
    for (int64_t i = 0; i < t->n; i++) {
        wanted[i] = (double)t->wanted[i];
        predicted[i] = (double)t->predicted[i];
    }
    r->wanted = wanted;
    r->predicted = predicted;
    return RN_OK;
}

int report_test(struct report *r, const struct report_test *t)
{
    struct rn_test to = {.n = t->n, .loss = t->mean_loss, .classes = t->classes, .epoch = t->epoch};
    struct rn_sample *samples = pool_alloc(r->pool, (size_t)t->n * sizeof *samples + 1);
    int64_t *confusion = pool_alloc(r->pool, (size_t)(t->classes * t->classes) * 8 + 1);

    if (!samples || !confusion)
        return RN_ENOMEM;
    TRY(read_samples(t, samples, confusion));
    to.samples = samples;
    to.confusion = confusion;
    to.accuracy = to.low = to.high = to.macro_f1 = to.top3 = to.ece = NAN;
    if (t->classes)
        TRY(score_test(r, &to, confusion));
    TRY(keep_pictures(r, t, samples));
    TRY(keep_values(r, t));
    r->test = to;
    r->view.test = &r->test;
    judge_expectations(r);
    return RN_OK;
}
