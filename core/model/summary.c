/* summary.c - the layer table: names, shapes, parameters, arithmetic, memory. */
#include "model.h"

#include "base/json.h"
#include "step.h"

#include <stdio.h>
#include <string.h>

static int64_t layer_params(const struct model *m, int i)
{
    int64_t n = 0;

    for (int k = 0; k < m->layers[i].n_params; k++)
        n += rn_count(&m->params[m->layers[i].first_param + k].shape);
    return n;
}

/* 1234567 as "1,234,567" */
static const char *grouped(int64_t n, char out[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n), at = 0;

    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

/* Training: parameters, gradients, slots, and the arena of one batch. */
static int64_t training_bytes(const struct model *m, int64_t *arena)
{
    struct step_layout l;
    int n_slots = (int)m->experiment->optimizer.plugin->ops.optimizer.n_slots;

    *arena = 0;
    if (!step_layout(m->pool, m, true, m->experiment->train.batch_size, &l))
        *arena = l.bytes;
    return *arena + m->flat * (int64_t)sizeof(rn_real) * (2 + n_slots);
}

/* Names and types are as long as they are: the columns are made to fit. */
static void widths(const struct model *m, int *name, int *type)
{
    *name = *type = 12;
    for (int i = 0; i < m->n_layers; i++) {
        int n = (int)strlen(m->layers[i].name), t = (int)strlen(m->layers[i].part->plugin->name);
        *name = n > *name ? n : *name;
        *type = t > *type ? t : *type;
    }
}

static void as_text(const struct model *m, struct text *out)
{
    char shape[SHAPE_TEXT], params[32];
    int64_t arena, bytes = training_bytes(m, &arena);
    int name, type;

    widths(m, &name, &type);

    text_add(out, "%-3s %-*s %-*s %-14s %12s %10s\n", "#", name, "name", type, "type", "output",
             "params", "MFLOP");
    text_add(out, "%-3d %-*s %-*s %-14s %12s %10s\n", 0, name, "data", type,
             m->experiment->data.plugin->name, shape_text(&m->input, shape), "-", "-");
    for (int i = 0; i < m->n_layers; i++) {
        const struct model_layer *l = &m->layers[i];
        int64_t n = layer_params(m, i);

        text_add(out, "%-3d %-*s %-*s %-14s %12s ", i + 1, name, l->name, type,
                 l->part->plugin->name, shape_text(&l->out, shape), n ? grouped(n, params) : "-");
        if (l->flops > 0)
            text_add(out, "%10.3f\n", l->flops * 1e-6);
        else
            text_add(out, "%10s\n", "-");
    }
    text_add(out, "%-3s %-*s %-*s %-14s %12s %10.3f\n", "", name, "total", type, "", "",
             grouped(m->parameters, params), m->flops * 1e-6);
    text_add(
        out,
        "loss %s \xC2\xB7 %s \xC2\xB7 weights %.2f MB \xC2\xB7 training at batch %lld %.1f MB, "
        "of it activations %.1f MB\n",
        m->experiment->loss.plugin->name, m->experiment->optimizer.plugin->name,
        (double)m->parameters * sizeof(rn_real) * 1e-6, (long long)m->experiment->train.batch_size,
        (double)bytes * 1e-6, (double)arena * 1e-6);
}

static void as_json(const struct model *m, const char *more, struct text *out)
{
    char shape[SHAPE_TEXT];
    int64_t arena, bytes = training_bytes(m, &arena);

    text_add(out, "{\n  \"layers\": [");
    for (int i = 0; i < m->n_layers; i++) {
        text_add(out, "%s\n    {\"name\": ", i ? "," : "");
        json_string(out, m->layers[i].name);
        text_add(out, ", \"type\": ");
        json_string(out, m->layers[i].part->plugin->name);
        text_add(out, ", \"output\": \"%s\", \"params\": %lld, \"flops\": ",
                 shape_text(&m->layers[i].out, shape), (long long)layer_params(m, i));
        json_number(out, m->layers[i].flops);
        text_add(out, "}");
    }
    text_add(out, "\n  ],\n  \"input\": \"%s\",\n  \"params\": %lld,\n  \"flops\": ",
             shape_text(&m->input, shape), (long long)m->parameters);
    json_number(out, m->flops);
    text_add(out, ",\n  \"training_bytes\": %lld%s%s\n}\n", (long long)bytes, *more ? ",\n  " : "",
             more);
}

void model_summary(const struct model *m, bool json, const char *more, struct text *out)
{
    if (json)
        as_json(m, more, out);
    else
        as_text(m, out);
    if (!json)
        text_add(out, "%s", more);
}
