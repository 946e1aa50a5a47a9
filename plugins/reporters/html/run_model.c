/* run_model.c - the model layer by layer, what went on inside of it, and where the time went. */
#include "run.h"

#define CHAIN_MAX 40 /* layers of the drawing */

/* ---- layers --------------------------------------------------------------- */

static double all_us(const struct rn_report *r)
{
    double us = 0;

    for (int64_t i = 0; i < r->n_layers; i++)
        us += rn_layer_us(&r->layers[i]);
    return us;
}

static void put_chain(struct rn_text *t, const struct rn_report *r)
{
    emit(t, "<ol class=\"chain\" aria-label=\"The layers in order\">\n");
    for (int64_t i = 0; i < r->n_layers && i < CHAIN_MAX; i++)
        emit(t, "<li><b>%s</b><span>%s</span></li>\n", r->layers[i].type, r->layers[i].output);
    if (r->n_layers > CHAIN_MAX)
        emit(t, "<li><span>and %I more</span></li>\n", r->n_layers - CHAIN_MAX);
    emit(t, "</ol>\n");
}

static void put_layer(struct rn_text *t, const struct rn_layer_fact *l, double us)
{
    emit(t,
         "<tr><th scope=\"row\">%s</th><td class=\"left\">%s</td><td class=\"left\">%s</td>"
         "<td>%I</td><td>%3</td><td data-v=\"%0\">",
         l->name, l->type, l->output, l->params, l->flops / 1e6, l->bytes);
    page_bytes(t, l->bytes);
    emit(t, "</td>");
    if (us > 0)
        emit(t, "<td class=\"bar\" style=\"--v:%1%%\">%1 %%</td>", 100 * rn_layer_us(l) / us,
             100 * rn_layer_us(l) / us);
    emit(t, "</tr>\n");
}

void run_model(struct run *run)
{
    const struct rn_report *r = run->r;
    struct rn_text *t = &run->page.body;
    double us = all_us(r);

    if (!r->n_layers)
        return;
    page_section(&run->page, "model", "Model");
    put_chain(t, r);
    page_table(t, true, "Layers: operations and memory are those of one sample, forward");
    emit(t, "<thead><tr>");
    page_th(t, "layer", true);
    page_th(t, "type", true);
    page_th(t, "output", true);
    page_th(t, "parameters", false);
    page_th(t, "MFLOP", false);
    page_th(t, "memory", false);
    if (us > 0)
        page_th(t, "time", false);
    emit(t, "</tr></thead>\n<tbody>\n");
    for (int64_t i = 0; i < r->n_layers; i++)
        put_layer(t, &r->layers[i], us);
    emit(t,
         "</tbody>\n<tfoot><tr><th scope=\"row\">total</th><td></td><td></td><td>%I</td><td>%3</td>"
         "<td></td>%r</tr></tfoot>",
         r->parameters, r->flops / 1e6, us > 0 ? "<td></td>" : "");
    page_table_end(t);
    page_section_end(&run->page);
}

/* ---- inside --------------------------------------------------------------- */

static void put_params(struct rn_text *t, const struct rn_report *r)
{
    int64_t last = r->n_params ? r->params[r->n_params - 1].epoch : 0;

    if (!r->n_params)
        return;
    emit(t, "<details><summary>Parameters in the last step of epoch %I</summary>\n", last);
    page_table(t, true, "Norms are L2; update: how far the step moved them");
    emit(t, "<thead><tr>");
    page_th(t, "parameter", true);
    page_th(t, "values", false);
    page_th(t, "norm", false);
    page_th(t, "gradient", false);
    page_th(t, "update / norm", false);
    page_th(t, "least", false);
    page_th(t, "most", false);
    emit(t, "</tr></thead>\n<tbody>\n");
    for (int64_t i = 0; i < r->n_params; i++) {
        const struct rn_param_fact *f = &r->params[i];
        if (f->epoch == last)
            emit(t,
                 "<tr><th scope=\"row\">%s</th><td>%I</td><td>%g</td><td>%g</td><td>%g</td>"
                 "<td>%g</td><td>%g</td></tr>\n",
                 f->name, f->n, f->weight_norm, f->grad_norm,
                 f->weight_norm > 0 ? f->update_norm / f->weight_norm : NAN, f->least, f->most);
    }
    emit(t, "</tbody>");
    page_table_end(t);
    emit(t, "</details>\n");
}

void run_inside(struct run *run)
{
    page_section(&run->page, "inside", "Inside");
    run_figures(run,
                (const char *const[]){"gradient_norms", "update_ratios", "silent_units",
                                      "weight_histograms", "first_layer_weights", NULL},
                false);
    put_params(&run->page.body, run->r);
    page_section_end(&run->page);
}

/* ---- time ----------------------------------------------------------------- */

static void put_times(struct rn_text *t, const struct rn_report *r)
{
    double all = 0;

    for (int64_t i = 0; i < r->n_times; i++)
        all += r->times[i].seconds;
    if (!(all > 0))
        return;
    page_table(t, false, "Where the time of the run went");
    emit(t, "<tbody>\n");
    for (int64_t i = 0; i < r->n_times; i++) {
        double s = r->times[i].seconds;
        emit(t, "<tr><th scope=\"row\">%s</th><td>", r->times[i].name);
        page_duration(t, s);
        emit(t, "</td><td class=\"bar long\" style=\"--v:%1%%\">%1 %%</td></tr>\n", 100 * s / all,
             100 * s / all);
    }
    emit(t, "</tbody>");
    page_table_end(t);
}

void run_time(struct run *run)
{
    const struct rn_report *r = run->r;
    struct rn_text *t = &run->page.body;
    int64_t samples = r->n_epochs * r->train_samples;

    page_section(&run->page, "time", "Time");
    put_times(t, r);
    run_figures(run, (const char *const[]){"time_by_layer", "throughput", NULL}, false);
    if (r->train_s > 0 && samples > 0) {
        emit(t, "<p class=\"soft\">Training: ");
        page_duration(t, r->train_s);
        emit(t, ", %I samples a second", (int64_t)llround((double)samples / r->train_s));
        if (r->flops > 0)
            emit(t, ", about %1 GFLOP a second (a step counted as three times the forward pass)",
                 3 * r->flops * (double)samples / r->train_s / 1e9);
        emit(t, ".");
        if (r->peak_bytes > 0) {
            emit(t, " Memory at most: ");
            page_bytes(t, r->peak_bytes);
            emit(t, ".");
        }
        emit(t, "</p>\n");
    }
    page_section_end(&run->page);
}
