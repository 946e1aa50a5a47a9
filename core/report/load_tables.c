/* load_tables.c - the tables and pictures of a report read back: epochs, steps, the inside of the
 * model, predictions, samples. */
#include "load.h"

#include "base/error.h"
#include "base/file.h"
#include "picture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define STEP_MAX    (1LL << 53)
#define CLASSES_MAX 4096 /* a matrix of them is made */
#define SPRITE_MAX  (64u << 20)

static int open_table(struct loading *l, struct rows *t, const char *name, const char *columns)
{
    const char *path = load_path(l, name);

    *t = (struct rows){0};
    return path ? rows_open(t, path, columns) : RN_ENOMEM;
}

/* At most, before the first is read. */
static int64_t count_rows(const struct rows *t)
{
    int64_t rows = 0;

    for (const char *at = t->next; at && (at = strchr(at, '\n')); at++)
        rows++;
    return rows;
}

static void *room(struct loading *l, const struct rows *t, size_t size)
{
    return pool_alloc(l->p, (size_t)count_rows(t) * size + 1);
}

/* ---- epochs --------------------------------------------------------------- */

#define EPOCH_CELLS 12 /* what follows are further metrics: "val_top3" */

/* A column without any number was not measured. */
static int read_measures(struct loading *l, struct rows *t, int64_t epoch, bool *measured)
{
    static const char *const splits[] = {"fit", "val"};

    for (int split = 0; split < 2; split++)
        for (int i = EPOCH_CELLS; i < t->n; i++) {
            const char *head = t->head[i];
            double v = rows_real(t, i);
            measured[i] |= !isnan(v);
            if (measured[i] && !strncmp(head, splits[split], 3) && head[3] == '_')
                TRY(report_measures(l->r, splits[split], epoch, &(struct rn_metric){head + 4, v},
                                    1));
        }
    return t->status;
}

static int read_epoch(struct loading *l, struct rows *t, int64_t *last, bool *measured)
{
    struct rn_epoch e = {.epoch = rows_whole(t, 0, *last + 1, STEP_MAX),
                         .step = rows_whole(t, 1, 0, STEP_MAX),
                         .train_loss = rows_real(t, 2),
                         .train_accuracy = rows_share(t, 3),
                         .fit_loss = rows_real(t, 4),
                         .fit_accuracy = rows_share(t, 5),
                         .val_loss = rows_real(t, 6),
                         .val_accuracy = rows_share(t, 7),
                         .lr = rows_real(t, 8),
                         .train_s = rows_real(t, 9),
                         .samples_per_s = rows_real(t, 10),
                         .val_s = rows_real(t, 11)};

    TRY(t->status);
    *last = e.epoch;
    if (e.epoch > l->last_epoch)
        return RN_OK;
    TRY(report_epoch(l->r, &e));
    return read_measures(l, t, e.epoch, measured);
}

int load_epochs(struct loading *l)
{
    bool measured[ROW_CELLS] = {false};
    int64_t last = 0;
    struct rows t;

    int status = open_table(l, &t, "epochs.csv",
                            "epoch,step,train_loss,train_accuracy,fit_loss,fit_accuracy,val_loss,"
                            "val_accuracy,lr,train_s,samples_per_s,val_s");
    while (!status && (status = rows_next(&t)) > 0)
        status = read_epoch(l, &t, &last, measured);
    rows_close(&t);
    return status;
}

int load_steps(struct loading *l)
{
    struct rows t;
    int64_t last = -1;

    int status = open_table(l, &t, "steps.csv", "step,epoch,loss,lr");
    while (!status && (status = rows_next(&t)) > 0) {
        struct rn_step_fact s = {rows_whole(&t, 0, last + 1, STEP_MAX),
                                 rows_whole(&t, 1, 0, STEP_MAX), rows_real(&t, 2),
                                 rows_real(&t, 3)};
        last = s.step;
        status = t.status ? t.status : report_step(l->r, &s);
    }
    rows_close(&t);
    return status;
}

/* ---- the inside of the model ----------------------------------------------- */

struct insides {
    struct rn_param_fact *params;
    struct rn_units_fact *units;
    int64_t n_params, n_units;
};

static int read_params(struct loading *l, struct insides *in)
{
    struct rows t;
    int64_t last = 1;

    int status = open_table(l, &t, "params.csv",
                            "epoch,parameter,n,grad_norm,weight_norm,update_norm,least,most");
    in->params = room(l, &t, sizeof *in->params);
    status = status ? status : in->params ? RN_OK : RN_ENOMEM;
    while (!status && (status = rows_next(&t)) > 0) {
        struct rn_param_fact p = {.epoch = last = rows_whole(&t, 0, last, STEP_MAX),
                                  .name = pool_strdup(l->p, rows_words(&t, 1)),
                                  .n = rows_whole(&t, 2, 0, STEP_MAX),
                                  .grad_norm = rows_real(&t, 3),
                                  .weight_norm = rows_real(&t, 4),
                                  .update_norm = rows_real(&t, 5),
                                  .least = rows_real(&t, 6),
                                  .most = rows_real(&t, 7)};
        in->params[in->n_params++] = p;
        status = t.status ? t.status : p.name ? RN_OK : RN_ENOMEM;
    }
    rows_close(&t);
    return status;
}

/* In the order of the parameters, for some of them. */
static int read_histograms(struct loading *l, struct insides *in)
{
    struct rows t;
    int64_t at = 0;

    int status = open_table(l, &t, "histograms.csv", "epoch,parameter,bin1");
    if (!status && t.text && t.n != RN_BINS + 2)
        status = rows_bad(&t, "another number of bins");
    while (!status && (status = rows_next(&t)) > 0) {
        int64_t epoch = rows_whole(&t, 0, 1, STEP_MAX);
        int64_t *bins = pool_alloc(l->p, RN_BINS * sizeof *bins);
        for (int b = 0; bins && b < RN_BINS; b++)
            bins[b] = rows_whole(&t, b + 2, 0, STEP_MAX);
        int64_t row = at;
        while (row < in->n_params && (in->params[row].epoch != epoch ||
                                      strcmp(in->params[row].name, rows_words(&t, 1)) != 0))
            row++;
        if (row < in->n_params)
            in->params[row].bins = bins;
        else if (!l->running) /* otherwise one of the two files is newer */
            rows_bad(&t, "params.csv has no such row");
        at = row < in->n_params ? row + 1 : at;
        status = t.status ? t.status : bins ? RN_OK : RN_ENOMEM;
    }
    rows_close(&t);
    return status;
}

static int read_units(struct loading *l, struct insides *in)
{
    struct rows t;
    int64_t last = 1;

    int status = open_table(l, &t, "units.csv", "epoch,layer,n,silent");
    in->units = room(l, &t, sizeof *in->units);
    status = status ? status : in->units ? RN_OK : RN_ENOMEM;
    while (!status && (status = rows_next(&t)) > 0) {
        struct rn_units_fact u = {.epoch = last = rows_whole(&t, 0, last, STEP_MAX),
                                  .layer = pool_strdup(l->p, rows_words(&t, 1)),
                                  .n = rows_whole(&t, 2, 0, STEP_MAX),
                                  .silent = rows_whole(&t, 3, 0, STEP_MAX)};
        in->units[in->n_units++] = u;
        status = t.status ? t.status : u.layer ? RN_OK : RN_ENOMEM;
    }
    rows_close(&t);
    return status;
}

int load_insides(struct loading *l)
{
    struct insides in = {0};
    int64_t unit = 0;

    TRY(read_params(l, &in));
    TRY(read_histograms(l, &in));
    TRY(read_units(l, &in));
    for (int64_t from = 0, to; from < in.n_params && in.params[from].epoch <= l->last_epoch;
         from = to) {
        int64_t epoch = in.params[from].epoch, first;
        for (to = from; to < in.n_params && in.params[to].epoch == epoch; to++)
            ;
        for (; unit < in.n_units && in.units[unit].epoch < epoch; unit++)
            ;
        for (first = unit; unit < in.n_units && in.units[unit].epoch == epoch; unit++)
            ;
        TRY(report_inside(l->r, in.params + from, to - from, in.units + first, unit - first));
    }
    return RN_OK;
}

/* ---- the test -------------------------------------------------------------- */

static int read_sample(struct rows *t, int64_t classes, bool with_top, struct rn_sample *s)
{
    *s = (struct rn_sample){.index = rows_whole(t, 0, 0, STEP_MAX),
                            .truth = -1,
                            .predicted = -1,
                            .p_true = rows_share(t, 3),
                            .p_predicted = rows_share(t, 4),
                            .loss = rows_real(t, 5),
                            .top = {-1, -1, -1},
                            .p_top = {NAN, NAN, NAN}};
    if (!classes)
        return t->status;
    s->truth = rows_whole(t, 1, 0, classes - 1);
    s->predicted = s->top[0] = rows_whole(t, 2, 0, classes - 1);
    s->p_top[0] = s->p_predicted;
    for (int k = 1; with_top && k < 3; k++) {
        s->top[k] = rows_whole(t, 4 + 2 * k, -1, classes - 1);
        s->p_top[k] = rows_share(t, 5 + 2 * k);
    }
    return t->status;
}

static int read_predictions(struct loading *l, struct rows *t, struct rn_test *to)
{
    struct report *r = l->r;
    bool with_top = t->n >= 10;

    if (count_rows(t) != to->n)
        return rows_bad(t, "another number of rows than summary.json has test samples");
    struct rn_sample *samples = pool_alloc(r->pool, (size_t)to->n * sizeof *samples + 1);
    double *wanted = pool_alloc(r->pool, (size_t)to->n * sizeof *wanted + 1);
    double *predicted = pool_alloc(r->pool, (size_t)to->n * sizeof *predicted + 1);
    int64_t i = 0, numbers = 0;
    int status = samples && wanted && predicted ? RN_OK : RN_ENOMEM;

    while (!status && (status = rows_next(t)) > 0) {
        status = read_sample(t, to->classes, with_top, &samples[i]);
        if (!status && samples[i].index != i)
            status = rows_bad(t, "samples are not in their order");
        if (!status && !to->classes && *t->cell[1] && *t->cell[2]) {
            wanted[i] = rows_real(t, 1);
            predicted[i] = rows_real(t, 2);
            numbers++;
            status = t->status;
        }
        i++;
    }
    to->samples = samples;
    if (!status && numbers == to->n) {
        r->wanted = wanted;
        r->predicted = predicted;
    }
    return status;
}

/* ---- its pictures ----------------------------------------------------------- */

/* Cuts the picture of a row out of the sprite. */
static int read_picture(struct loading *l, struct rows *t, const struct picture *sprite,
                        struct rn_test *to, struct rn_picture *out)
{
    int64_t x = rows_whole(t, 0, 0, sprite->w), y = rows_whole(t, 1, 0, sprite->h);
    int64_t w = rows_whole(t, 2, 1, PICTURE_SIDE), h = rows_whole(t, 3, 1, PICTURE_SIDE);
    int64_t after = to->n_pictures ? out[-1].sample : -1, row = w * sprite->channels;

    *out = (struct rn_picture){.sample = rows_whole(t, 4, after + 1, to->n - 1)};
    for (uint32_t bit = 0; bit < 4; bit++)
        out->why |= (uint32_t)rows_whole(t, 5 + (int)bit, 0, 1) << bit;
    TRY(t->status);
    if (x + w > sprite->w || y + h > sprite->h ||
        (to->n_pictures && (w != to->picture_w || h != to->picture_h)))
        return rows_bad(t, "a picture lies outside of samples.png, or has another size");
    uint8_t *pixels = pool_alloc(l->r->pool, (size_t)(h * row));
    if (!pixels)
        return RN_ENOMEM;
    for (int64_t i = 0; i < h; i++)
        memcpy(pixels + i * row, sprite->pixels + ((y + i) * sprite->w + x) * sprite->channels,
               (size_t)row);
    out->pixels = pixels;
    to->picture_w = w;
    to->picture_h = h;
    to->n_pictures++;
    return RN_OK;
}

static int read_pictures(struct loading *l, struct rows *t, struct rn_test *to)
{
    const char *path = load_path(l, "samples.png");
    struct rn_picture *pictures = room(l, t, sizeof *pictures);
    struct picture sprite = {0};
    uint64_t bytes;
    bool ok = true;
    void *png;

    if (!path || !pictures)
        return RN_ENOMEM;
    if (count_rows(t) > PICTURES_MAX)
        return rows_bad(t, "too many pictures");
    TRY(file_read(path, SPRITE_MAX, &png, &bytes));
    uint8_t *pixels = NULL;
    int status = picture_read(png, bytes, path, &sprite, &pixels);
    to->picture_channels = sprite.channels;
    while (!status && (status = rows_next(t)) > 0)
        status = read_picture(l, t, &sprite, to, pictures + to->n_pictures);
    mem_free(pixels);
    to->pictures = copy_array(l->r->pool, pictures, to->n_pictures, sizeof *pictures, &ok);
    to->sprite = copy_array(l->r->pool, png, (int64_t)bytes, 1, &ok);
    to->sprite_bytes = (int64_t)bytes;
    to->sprite_columns = to->picture_w ? sprite.w / to->picture_w : 0;
    mem_free(png);
    return status ? status : ok ? RN_OK : RN_ENOMEM;
}

/* The experiment's own metrics, which stand among the others. */
static int read_test_measures(struct loading *l, const cJSON *test)
{
    const cJSON *names = load_part(l, l->summary, "metrics", cJSON_Array), *v;

    cJSON_ArrayForEach(v, names)
    {
        const char *name = cJSON_GetStringValue(v);
        if (name && cJSON_GetObjectItemCaseSensitive(test, name))
            TRY(report_measures(l->r, "test", 0,
                                &(struct rn_metric){name, load_real(l, test, name)}, 1));
    }
    return l->status;
}

int load_test(struct loading *l)
{
    const cJSON *o = load_part(l, l->summary, "test", cJSON_Object);
    const cJSON *classes = load_part(l, l->summary, "per_class", cJSON_Array);
    struct rn_test to = {.n = load_whole(l, o, "n", STEP_MAX),
                         .loss = load_real(l, o, "loss"),
                         .epoch = load_whole(l, o, "epoch", STEP_MAX),
                         .classes = classes ? cJSON_GetArraySize(classes) : 0};
    struct rows t;

    if (!o || l->status)
        return l->status;
    if (to.classes > CLASSES_MAX)
        return FAIL(RN_EDATA, "%s: %lld classes, more than the %d that are read back", l->dir,
                    (long long)to.classes, CLASSES_MAX);
    int status =
        open_table(l, &t, "predictions.csv", "index,true,predicted,p_true,p_predicted,loss");
    if (!status && !t.text)
        status = FAIL(RN_EDATA,
                      "%s/predictions.csv is not there, and summary.json has a test; "
                      "restore it",
                      l->dir);
    status = status ? status : read_predictions(l, &t, &to);
    rows_close(&t);
    TRY(status);
    status = open_table(l, &t, "samples.csv", "x,y,width,height,index,fixed,worst,cell,sure");
    const char *sprite = load_path(l, "samples.png");
    status = status || sprite ? status : RN_ENOMEM;
    if (!status && t.text && to.classes && file_exists(sprite)) /* one of the two says nothing */
        status = read_pictures(l, &t, &to);
    rows_close(&t);
    TRY(status);
    TRY(take_test(l->r, &to));
    return read_test_measures(l, o);
}
