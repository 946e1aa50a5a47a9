/* pairs.c - two runs sample by sample: pictures that only one of them got right. */
#include "pairs.h"

#include "run.h"

/* Of a sample, in the sprite; -1: it has none. */
static int64_t picture_of(const struct rn_test *test, int64_t sample)
{
    for (int64_t i = 0; run_has_pictures(test) && i < test->n_pictures; i++)
        if (test->pictures[i].sample == sample)
            return i;
    return -1;
}

static void put_tile(struct rn_text *t, int64_t run, const struct rn_test *test, int64_t sample)
{
    int64_t i = picture_of(test, sample);

    if (i >= 0)
        emit(t,
             "<span class=\"t t%i\" role=\"img\" aria-label=\"sample %i\" "
             "style=\"--x:%i;--y:%i\"></span>",
             run, sample, i % test->sprite_columns, i / test->sprite_columns);
}

/* Samples that x got right and y did not. */
static void put_only(struct rn_text *t, struct pair_side x, struct pair_side y,
                     const int64_t *samples, int64_t n, int64_t all, bool open)
{
    const struct rn_test *right = x.test, *wrong = y.test;

    if (!all)
        return;
    emit(t, "<details%r><summary>Only %s got right: %I%r</summary>\n<ul class=\"gallery\">\n",
         open ? " open" : "", x.label, all, n < all ? ", some of them" : "");
    for (int64_t i = 0; i < n; i++) {
        const struct rn_sample *s = &wrong->samples[samples[i]];
        bool other = picture_of(wrong, samples[i]) >= 0;
        emit(t, "<li>");
        put_tile(t, other ? y.run : x.run, other ? wrong : right, samples[i]);
        emit_short(
            t,
            "<div><p>%s</p><small>taken for %s by %s, %1 %% sure; sample %i</small></div></li>\n",
            run_class_name(wrong, s->truth), run_class_name(wrong, s->predicted), y.label,
            100 * s->p_predicted, s->index);
    }
    emit(t, "</ul></details>\n");
}

void pairs_gallery(struct rn_text *t, const struct rn_pair *p, struct pair_side a,
                   struct pair_side b, bool open)
{
    put_only(t, a, b, p->samples_a, p->n_samples_a, p->only_a, open);
    put_only(t, b, a, p->samples_b, p->n_samples_b, p->only_b, open);
}

/* As sentences say it; whole for those who sort. */
void pairs_p(struct rn_text *t, double p)
{
    emit(t, "<td data-v=\"%9\">", p);
    if (p < 0.001)
        emit(t, "&lt; 0.001</td>");
    else
        emit(t, "%3</td>", p);
}
