/* gallery.c - which test samples a report shows as pictures, and why: some that are the same in
 * every run, the worst, those that may be labelled wrong, and those behind the confusion matrix. */
#include "facts.h"

#include "base/error.h"
#include "picture.h"

#include <runner/random.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIXED_SHOWN 40
#define WORST_SHOWN 40
#define SURE_SHOWN  20
#define RIGHT_SHOWN 4      /* of each class */
#define BUDGET      400000 /* bytes of pixels, which pictures behind cells may fill up */

/* ---- choosing ------------------------------------------------------------- */

/* The same ones for every run on a test set of this size. */
static void mark_fixed(int64_t n, uint8_t *why)
{
    int64_t want = n < FIXED_SHOWN ? n : FIXED_SHOWN;

    for (uint64_t draw = 0; want > 0; draw++) {
        int64_t i = n <= FIXED_SHOWN ? (int64_t)draw : (int64_t)(rn_philox(0, 0, draw).v[0] % n);
        want -= !(why[i] & RN_FIXED);
        why[i] |= RN_FIXED;
    }
}

/* Both leave out a sample by a rank of -1, so what is right. */
static double rank_of_loss(const struct rn_sample *s)
{
    return s->truth == s->predicted ? -1 : isnan(s->loss) ? INFINITY : s->loss;
}

static double rank_of_mistake(const struct rn_sample *s)
{
    return s->truth != s->predicted && !isnan(s->p_predicted) ? s->p_predicted : -1;
}

/* Those of highest rank, of equal ones the first. */
static void mark_highest(const struct rn_sample *s, int64_t n, int64_t most,
                         double (*rank)(const struct rn_sample *s), uint32_t flag, uint8_t *why)
{
    int64_t best[WORST_SHOWN], count = 0;

    for (int64_t i = 0; i < n; i++) {
        double mine = rank(&s[i]);
        int64_t at = count;
        if (mine < 0 || (count == most && mine <= rank(&s[best[count - 1]])))
            continue;
        if (count < most)
            count++;
        else
            at--;
        for (; at > 0 && rank(&s[best[at - 1]]) < mine; at--)
            best[at] = best[at - 1];
        best[at] = i;
    }
    for (int64_t i = 0; i < count; i++)
        why[best[i]] |= (uint8_t)flag;
}

struct turn {
    int64_t sample, round; /* round: how many of its cell come before it */
};

static int by_round(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;

    if (x->round != y->round)
        return x->round < y->round ? -1 : 1;
    return (x->sample > y->sample) - (x->sample < y->sample);
}

/* The first of each cell, then the second of each, ..., as long as there is room. */
static int mark_cells(const struct rn_sample *s, int64_t n, int64_t classes, int64_t room,
                      uint8_t *why)
{
    struct turn *turns = mem_array((size_t)n + 1, sizeof *turns);
    int64_t *count = mem_array((size_t)(classes * classes), sizeof *count), n_turns = 0;
    int status = turns && count ? RN_OK : RN_ENOMEM;

    for (int64_t i = 0; i < n; i++)
        room -= why[i] != 0;
    for (int64_t i = 0; !status && i < n; i++) {
        int64_t round = count[s[i].truth * classes + s[i].predicted]++;
        if (s[i].truth != s[i].predicted || round < RIGHT_SHOWN)
            turns[n_turns++] = (struct turn){i, round};
    }
    if (!status)
        qsort(turns, (size_t)n_turns, sizeof *turns, by_round);
    for (int64_t i = 0; !status && i < n_turns; i++) {
        uint8_t *flags = &why[turns[i].sample];
        room -= !*flags;
        if (room < 0)
            break;
        *flags |= RN_CELL;
    }
    mem_free(turns);
    mem_free(count);
    return status;
}

/* ---- keeping -------------------------------------------------------------- */

/* Copies the pictures of the samples that are marked. */
static int copy_pictures(struct report *r, const struct report_test *t, const uint8_t *why,
                         struct rn_test *to)
{
    int64_t from = t->h * t->w * t->channels, bytes = to->picture_h * to->picture_w * t->channels;
    int64_t n = 0;

    for (int64_t i = 0; i < t->n; i++)
        n += why[i] != 0;
    struct rn_picture *pictures = pool_alloc(r->pool, (size_t)n * sizeof *pictures + 1);
    uint8_t *pixels = pool_alloc(r->pool, (size_t)(n * bytes) + 1);
    if (!pictures || !pixels)
        return RN_ENOMEM;
    to->pictures = pictures;
    to->n_pictures = n;
    for (int64_t i = 0; i < t->n; i++) {
        if (!why[i])
            continue;
        picture_shrink(pixels, t->pixels + i * from, t->w, t->h, t->channels);
        *pictures++ = (struct rn_picture){.sample = i, .why = why[i], .pixels = pixels};
        pixels += bytes;
    }
    return RN_OK;
}

static int make_sprite(struct report *r, struct rn_test *to)
{
    int64_t columns = (int64_t)fmax(1, ceil(sqrt((double)to->n_pictures)));
    int64_t rows = (to->n_pictures + columns - 1) / columns;
    int64_t row = to->picture_w * to->picture_channels, line = row * columns;
    uint8_t *pixels = mem_array((size_t)(rows * to->picture_h), (size_t)line);
    bool ok = true;
    size_t bytes;

    if (!pixels)
        return RN_ENOMEM;
    for (int64_t i = 0; i < to->n_pictures; i++)
        for (int64_t y = 0; y < to->picture_h; y++)
            memcpy(pixels + (i / columns * to->picture_h + y) * line + i % columns * row,
                   to->pictures[i].pixels + y * row, (size_t)row);
    uint8_t *png = picture_png(&(struct picture){to->picture_w * columns, to->picture_h * rows,
                                                 to->picture_channels, pixels},
                               &bytes);
    mem_free(pixels);
    if (!png)
        return RN_ENOMEM;
    to->sprite = copy_array(r->pool, png, (int64_t)bytes, 1, &ok);
    to->sprite_bytes = (int64_t)bytes;
    to->sprite_columns = columns;
    mem_free(png);
    return ok ? RN_OK : RN_ENOMEM;
}

int keep_pictures(struct report *r, const struct report_test *t, struct rn_test *to)
{
    const struct rn_sample *s = to->samples;

    if (!t->pixels || !t->classes || t->n < 1 || (t->channels != 1 && t->channels != 3))
        return RN_OK;
    uint8_t *why = mem_alloc((size_t)t->n);
    if (!why)
        return RN_ENOMEM;
    to->picture_channels = t->channels;
    picture_size(t->w, t->h, &to->picture_w, &to->picture_h);
    int64_t room = BUDGET / (to->picture_h * to->picture_w * t->channels);
    mark_fixed(t->n, why);
    mark_highest(s, t->n, WORST_SHOWN, rank_of_loss, RN_WORST, why);
    mark_highest(s, t->n, SURE_SHOWN, rank_of_mistake, RN_SURE, why);
    int status = mark_cells(s, t->n, t->classes, room < PICTURES_MAX ? room : PICTURES_MAX, why);
    status = status ? status : copy_pictures(r, t, why, to);
    mem_free(why);
    return status ? status : make_sprite(r, to);
}
