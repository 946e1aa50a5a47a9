/* write.c - the report as files: tables, figures, summary.json. load.c reads them back, so what
 * changes here changes there. */
#include "facts.h"

#include "base/error.h"
#include "base/file.h"
#include "escape.h"

#include <string.h>

/* ---- tables --------------------------------------------------------------- */

static void put_cells(struct text *t, const double *v, int n)
{
    for (int i = 0; i < n; i++) {
        text_add(t, ",");
        number_csv(t, v[i]);
    }
}

/* Further metrics: their names as "fit_top3,val_top3" (row NULL), or their values in an epoch. */
static void put_measured(struct text *t, const struct rn_report *r, const struct rn_epoch *row)
{
    static const char *const splits[] = {"fit", "val"};

    for (int64_t i = 0; i < 2 * r->n_measures; i++) {
        const char *split = splits[i % 2], *name = r->measures[i / 2].name;
        if (!rn_measure_is_new(r, i / 2))
            continue;
        if (row)
            put_cells(t, (double[]){rn_measured(r, split, name, row->epoch)}, 1);
        else
            text_add(t, ",%s_%s", split, name);
    }
}

static void put_epochs(struct text *t, const struct rn_report *r)
{
    text_add(t, "epoch,step,train_loss,train_accuracy,fit_loss,fit_accuracy,val_loss,val_accuracy,"
                "lr,train_s,samples_per_s,val_s");
    put_measured(t, r, NULL);
    text_add(t, "\n");
    for (int64_t i = 0; i < r->n_epochs; i++) {
        const struct rn_epoch *e = &r->epochs[i];
        const double v[] = {e->train_loss,    e->train_accuracy, e->fit_loss, e->fit_accuracy,
                            e->val_loss,      e->val_accuracy,   e->lr,       e->train_s,
                            e->samples_per_s, e->val_s};
        text_add(t, "%lld,%lld", (long long)e->epoch, (long long)e->step);
        put_cells(t, v, sizeof v / sizeof *v);
        put_measured(t, r, e);
        text_add(t, "\n");
    }
}

static void put_predictions(struct text *t, const struct report *report)
{
    const struct rn_test *test = report->view.test;

    text_add(t, "index,true,predicted,p_true,p_predicted,loss%s\n",
             test->classes ? ",second,p_second,third,p_third" : "");
    for (int64_t i = 0; i < test->n; i++) {
        const struct rn_sample *s = &test->samples[i];
        const double v[] = {s->p_true, s->p_predicted, s->loss};
        if (test->classes)
            text_add(t, "%lld,%lld,%lld", (long long)s->index, (long long)s->truth,
                     (long long)s->predicted);
        else
            text_add(t, "%lld", (long long)s->index);
        if (!test->classes && report->predicted)
            put_cells(t, (double[]){report->wanted[i], report->predicted[i]}, 2);
        else if (!test->classes)
            text_add(t, ",,");
        put_cells(t, v, 3);
        for (int k = 1; test->classes && k < 3; k++) {
            text_add(t, ",%lld", (long long)s->top[k]);
            put_cells(t, &s->p_top[k], 1);
        }
        text_add(t, "\n");
    }
}

static void put_steps(struct text *t, const struct rn_report *r)
{
    text_add(t, "step,epoch,loss,lr\n");
    for (int64_t i = 0; i < r->n_steps; i++) {
        const struct rn_step_fact *s = &r->steps[i];
        text_add(t, "%lld,%lld", (long long)s->step, (long long)s->epoch);
        put_cells(t, (double[]){s->loss, s->lr}, 2);
        text_add(t, "\n");
    }
}

static void put_params(struct text *t, const struct rn_report *r)
{
    text_add(t, "epoch,parameter,n,grad_norm,weight_norm,update_norm,least,most\n");
    for (int64_t i = 0; i < r->n_params; i++) {
        const struct rn_param_fact *p = &r->params[i];
        text_add(t, "%lld,", (long long)p->epoch);
        escape_csv(t, p->name);
        text_add(t, ",%lld", (long long)p->n);
        put_cells(t, (double[]){p->grad_norm, p->weight_norm, p->update_norm, p->least, p->most},
                  5);
        text_add(t, "\n");
    }
}

static void put_histograms(struct text *t, const struct rn_report *r)
{
    text_add(t, "epoch,parameter");
    for (int b = 0; b < RN_BINS; b++)
        text_add(t, ",bin%d", b + 1);
    text_add(t, "\n");
    for (int64_t i = 0; i < r->n_params; i++) {
        const struct rn_param_fact *p = &r->params[i];
        if (!p->bins)
            continue;
        text_add(t, "%lld,", (long long)p->epoch);
        escape_csv(t, p->name);
        for (int b = 0; b < RN_BINS; b++)
            text_add(t, ",%lld", (long long)p->bins[b]);
        text_add(t, "\n");
    }
}

static void put_units(struct text *t, const struct rn_report *r)
{
    text_add(t, "epoch,layer,n,silent\n");
    for (int64_t i = 0; i < r->n_units; i++) {
        text_add(t, "%lld,", (long long)r->units[i].epoch);
        escape_csv(t, r->units[i].layer);
        text_add(t, ",%lld,%lld\n", (long long)r->units[i].n, (long long)r->units[i].silent);
    }
}

/* Where each picture stands in samples.png. */
static void put_samples(struct text *t, const struct rn_test *test)
{
    int64_t w = test->picture_w, h = test->picture_h, columns = test->sprite_columns;

    text_add(t, "x,y,width,height,index,fixed,worst,cell,sure\n");
    for (int64_t i = 0; i < test->n_pictures; i++) {
        const struct rn_picture *p = &test->pictures[i];
        int64_t x = i % columns * w, y = i / columns * h;
        text_add(t, "%lld,%lld,%lld,%lld,%lld", (long long)x, (long long)y, (long long)w,
                 (long long)h, (long long)p->sample);
        for (int bit = 0; bit < 4; bit++)
            text_add(t, ",%d", p->why >> bit & 1);
        text_add(t, "\n");
    }
}

/* ---- files ---------------------------------------------------------------- */

typedef int write_fn(const char *path, const void *data, uint64_t bytes);

static int write_one(write_fn *put, const char *dir, const char *name, const char *ending,
                     const void *data, size_t n)
{
    struct text path = {0};

    text_add(&path, "%s/%s%s", dir, name, ending);
    int status = path.status ? path.status : put(text_str(&path), data, n);
    text_free(&path);
    return status;
}

/* Writes the text and frees it. */
static int write_text(write_fn *put, const char *dir, const char *name, struct text *t)
{
    int status = t->status ? t->status : write_one(put, dir, name, "", text_str(t), t->n);

    text_free(t);
    return status;
}

int figures_write(const char *folder, const struct rn_figure *figures, int64_t n)
{
    struct text dir = {0};

    text_add(&dir, "%s/figures", folder);
    int status = dir.status ? dir.status : file_mkdirs(text_str(&dir));
    for (int64_t i = 0; !status && i < n; i++) {
        const struct rn_figure *f = &figures[i];
        status =
            write_one(file_write_soon, text_str(&dir), f->name, ".svg", f->svg, strlen(f->svg));
        if (!status)
            status =
                write_one(file_write_soon, text_str(&dir), f->name, ".csv", f->csv, strlen(f->csv));
    }
    text_free(&dir);
    return status;
}

int report_figures(struct report *r)
{
    return figures_write(r->view.dir, r->view.figures, r->view.n_figures);
}

/* Tables without a row are left out. */
static int write_tables(write_fn *put, const struct rn_report *r)
{
    const struct {
        const char *name;
        void (*put)(struct text *t, const struct rn_report *r);
        bool there;
    } tables[] = {{"epochs.csv", put_epochs, true},
                  {"steps.csv", put_steps, r->n_steps > 0},
                  {"params.csv", put_params, r->n_params > 0},
                  {"histograms.csv", put_histograms, r->n_params > 0},
                  {"units.csv", put_units, r->n_units > 0}};
    struct text t = {0};

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (tables[i].there) {
            tables[i].put(&t, r);
            TRY(write_text(put, r->dir, tables[i].name, &t));
        }
    return RN_OK;
}

static int write_test(write_fn *put, const struct report *report)
{
    const struct rn_test *test = report->view.test;
    const char *dir = report->view.dir;
    struct text t = {0};

    put_predictions(&t, report);
    TRY(write_text(put, dir, "predictions.csv", &t));
    if (!test->n_pictures)
        return RN_OK;
    put_samples(&t, test);
    TRY(write_text(put, dir, "samples.csv", &t));
    return write_one(put, dir, "samples.png", "", test->sprite, (size_t)test->sprite_bytes);
}

int report_store(struct report *report, bool lasting)
{
    const struct rn_report *r = &report->view;
    write_fn *put = lasting ? file_write : file_write_soon;
    struct text t = {0};

    TRY(write_tables(put, r));
    if (r->test)
        TRY(write_test(put, report));
    report_summary_json(report, &t);
    return write_text(put, r->dir, "summary.json", &t);
}

int report_write(struct report *report)
{
    TRY(report_figures(report));
    TRY(report_store(report, true));
    return report_list_files(report);
}
