/* predict.c - scores become probabilities, the likeliest classes, and lines. */
#include "predict.h"

#include "base/error.h"
#include "base/json.h"
#include "tested.h"
#include "train/infer.h"

#include <stdio.h>
#include <string.h>

/* The best `tops` of p, of equal ones the first. */
static void pick(const double *p, int64_t classes, int tops, int *out)
{
    for (int i = 0; i < tops; i++) {
        int best = -1;
        for (int c = 0; c < classes; c++) {
            bool taken = false;
            for (int k = 0; k < i; k++)
                taken |= out[k] == c;
            if (!taken && (best < 0 || p[c] > p[best]))
                best = c;
        }
        out[i] = best;
    }
}

static int classify(const struct trained *t, struct predictions *p)
{
    p->p = tested_probabilities(t->session.experiment, p->scores, p->n, p->width);
    p->top = mem_array((size_t)(p->n * p->tops), sizeof *p->top);
    if (!p->p || !p->top)
        return RN_ENOMEM;
    for (int64_t i = 0; i < p->n; i++) {
        p->at[i].p = p->p + i * p->width;
        p->at[i].top = p->top + i * p->tops;
        pick(p->at[i].p, p->width, p->tops, p->top + i * p->tops);
    }
    return RN_OK;
}

int predict(const struct trained *t, const struct samples *s, int tops, struct predictions *out)
{
    const struct model *m = t->session.model;

    *out = (struct predictions){.n = s->n, .width = rn_count(model_shape(m, m->n_layers))};
    out->classes = t->info.classes ? (int)out->width : 0;
    out->tops = tops < out->classes ? tops : out->classes;
    out->scores = mem_array((size_t)(out->n * out->width), sizeof *out->scores);
    out->at = mem_array((size_t)out->n, sizeof *out->at);
    if (!out->scores || !out->at)
        return RN_ENOMEM;
    TRY(infer(t->session.experiment, m, s->dtype, s->values, s->n, out->scores));
    for (int f = 0; f < s->n_files; f++)
        for (int64_t i = 0; i < s->files[f].n; i++)
            out->at[s->files[f].first + i] =
                (struct prediction){.file = s->files[f].name,
                                    .index = i,
                                    .out = out->scores + (s->files[f].first + i) * out->width};
    return out->classes ? classify(t, out) : RN_OK;
}

void predictions_free(struct predictions *p)
{
    mem_free(p->scores);
    mem_free(p->at);
    mem_free(p->p);
    mem_free(p->top);
    *p = (struct predictions){0};
}

/* ---- for people
 * ---------------------------------------------------------------------------------- */

/* A file of one sample is that sample. */
static bool is_alone(const struct predictions *p, int64_t i)
{
    return !p->at[i].index && (i + 1 == p->n || !p->at[i + 1].index);
}

static void name_sample(const struct predictions *p, int64_t i, struct text *out)
{
    text_add(out, "%s", p->at[i].file);
    if (!is_alone(p, i))
        text_add(out, "[%lld]", (long long)p->at[i].index);
}

static int name_width(const struct predictions *p)
{
    int width = 0;

    for (int64_t i = 0; i < p->n; i++) {
        struct text t = {0};
        name_sample(p, i, &t);
        width = (int)t.n > width ? (int)t.n : width;
        text_free(&t);
    }
    return width;
}

int predict_table(const struct trained *t, const struct predictions *p, struct text *out)
{
    int width = name_width(p), names = 0;

    for (int c = 0; c < p->classes; c++) {
        int n = (int)strlen(t->class_names[c]);
        names = n > names ? n : names;
    }
    for (int64_t i = 0; i < p->n; i++) {
        size_t from = out->n;
        name_sample(p, i, out);
        text_add(out, "%*s", width - (int)(out->n - from), "");
        for (int64_t k = 0; k < p->width && !p->classes; k++)
            text_add(out, "  %.6g", (double)p->at[i].out[k]);
        for (int k = 0; k < p->tops; k++) {
            int c = p->at[i].top[k];
            double share = 100 * p->at[i].p[c];
            if (k)
                text_add(out, "%s%s %.1f %%", k > 1 ? ", " : "   then ", t->class_names[c], share);
            else
                text_add(out, "  %-*s  %5.1f %%", names, t->class_names[c], share);
        }
        text_add(out, "\n");
    }
    return out->status;
}

/* ---- for programs
 * -------------------------------------------------------------------------------- */

/* RFC 4180. */
static void csv_text(struct text *out, const char *s)
{
    if (!s[strcspn(s, ",\"\r\n")]) {
        text_add(out, "%s", s);
        return;
    }
    text_add(out, "\"");
    for (; *s; s++)
        text_add(out, *s == '"' ? "\"\"" : "%c", *s);
    text_add(out, "\"");
}

int predict_csv(const struct trained *t, const struct predictions *p, struct text *out)
{
    text_add(out, "file,index");
    for (int k = 0; k < p->tops; k++)
        text_add(out, ",class%d,p%d", k + 1, k + 1);
    for (int64_t k = 0; k < p->width && !p->classes; k++)
        text_add(out, ",value%lld", (long long)k + 1);
    text_add(out, "\n");
    for (int64_t i = 0; i < p->n; i++) {
        const struct prediction *at = &p->at[i];
        csv_text(out, at->file);
        text_add(out, ",%lld", (long long)at->index);
        for (int k = 0; k < p->tops; k++) {
            text_add(out, ",");
            csv_text(out, t->class_names[at->top[k]]);
            text_add(out, ",%.6g", at->p[at->top[k]]);
        }
        for (int64_t k = 0; k < p->width && !p->classes; k++)
            text_add(out, ",%.9g", (double)at->out[k]);
        text_add(out, "\n");
    }
    return out->status;
}

static void one_json(const struct trained *t, const struct predictions *p, int64_t i,
                     struct text *out)
{
    const struct prediction *at = &p->at[i];

    text_add(out, i ? ",\n  {" : "\n  {");
    json_text(out, "file", at->file);
    json_whole(out, "index", at->index);
    if (p->classes) {
        json_text(out, "class", t->class_names[at->top[0]]);
        json_whole(out, "label", at->top[0]);
        json_real(out, "probability", at->p[at->top[0]]);
    }
    json_key(out, p->classes ? "top" : "values");
    text_add(out, "[");
    for (int k = 0; k < p->tops; k++) {
        text_add(out, k ? ", {" : "{");
        json_text(out, "class", t->class_names[at->top[k]]);
        json_whole(out, "label", at->top[k]);
        json_real(out, "probability", at->p[at->top[k]]);
        text_add(out, "}");
    }
    for (int64_t k = 0; k < p->width && !p->classes; k++) {
        text_add(out, k ? ", " : "");
        json_number(out, (double)at->out[k]);
    }
    text_add(out, "]}");
}

int predict_json(const struct trained *t, const struct predictions *p, struct text *out)
{
    text_add(out, "{");
    json_text(out, "run", t->run.dir);
    json_text(out, "weights", t->weights);
    json_key(out, "predictions");
    text_add(out, "[");
    for (int64_t i = 0; i < p->n; i++)
        one_json(t, p, i, out);
    text_add(out, "\n]}\n");
    return out->status;
}
