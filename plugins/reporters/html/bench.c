/* bench.c - the page of a benchmark: what can be said, speed by batch size and device, whether the
 * devices agree, and where it was measured. */
#include "index.h"
#include "page.h"

#include "html_files.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DASH "\xE2\x80\x93"

enum { REFRESH_S = 10 };

struct benching {
    const struct rn_bench *b;
    struct page page;
};

/* ---- head ----------------------------------------------------------------- */

static void put_header(struct benching *k)
{
    const struct rn_bench *b = k->b;
    struct rn_text *t = &k->page.body;

    emit(t, "<header><h1>%s</h1>\n", b->name);
    if (*b->description)
        emit(t, "<p class=\"about\">%s</p>\n", b->description);
    emit(t,
         "<p class=\"soft\">Training speed on %I variant%r of one experiment, %I samples an "
         "epoch</p>\n",
         b->n_variants, b->n_variants == 1 ? "" : "s", b->samples);
    if (*b->command)
        emit(t, "<pre class=\"command\"><code>%s</code></pre>\n", b->command);
    emit(t, "</header>\n\n");
    page_section(&k->page, "findings", "What can be said");
    emit(t, "%r", b->n_findings ? "<ul class=\"findings\">\n" : "");
    for (int64_t i = 0; i < b->n_findings; i++)
        page_finding(t, &b->findings[i]);
    emit(t, "%r", b->n_findings ? "</ul>\n" : "");
    page_section_end(&k->page);
}

/* ---- speed ---------------------------------------------------------------- */

static void put_seconds(struct rn_text *t, const struct rn_bench_time *x)
{
    if (isnan(x->median)) {
        emit(t, "<td>%r</td>", DASH);
        return;
    }
    emit(t, "<td data-v=\"%9\">%g s", x->median, x->median);
    if (!isnan(x->low))
        emit(t, "<br><small>%g to %g</small>", x->low, x->high);
    emit(t, "</td>");
}

static void put_bytes(struct rn_text *t, double bytes)
{
    emit(t, "<td data-v=\"%9\">", isnan(bytes) ? -1.0 : bytes);
    if (isnan(bytes))
        emit(t, "%r", DASH);
    else
        page_bytes(t, bytes);
    emit(t, "</td>");
}

static void put_factor(struct rn_text *t, const struct rn_bench_time *x)
{
    bool differs = x->speedup_low > 1 || x->speedup_high < 1;

    emit(t, "<td%r data-v=\"%9\">%g", differs ? " class=\"shown\"" : "", x->speedup, x->speedup);
    if (!isnan(x->speedup_low))
        emit(t, "<br><small>%g to %g</small>", x->speedup_low, x->speedup_high);
    emit(t, "</td>");
}

static void put_speedup(struct rn_text *t, const struct rn_bench *b, const struct rn_bench_time *x)
{
    if (x->variant == b->reference)
        emit(t, "<td><small>reference</small></td>");
    else if (isnan(x->speedup))
        emit(t, "<td>%r</td>", DASH);
    else
        put_factor(t, x);
}

static void put_time(struct rn_text *t, const struct rn_bench *b, const struct rn_bench_time *x)
{
    const struct rn_bench_variant *v = &b->variants[x->variant];
    const char *note = v->unusable ? "cannot be used" : x->why ? x->why : "";

    emit(t, "<tr><td>%I</td><th scope=\"row\"><span class=\"wrap\">", x->batch);
    emit_short(t, "%s</span></th>", v->name);
    if (isnan(x->samples_per_s))
        emit(t, "<td>%r</td>", DASH);
    else
        emit(t, "<td data-v=\"%9\">%I</td>", x->samples_per_s, (int64_t)llround(x->samples_per_s));
    put_speedup(t, b, x);
    put_seconds(t, x);
    emit(t, "<td>%I<br><small>of %I</small></td>", x->n, x->planned);
    put_bytes(t, x->host_bytes);
    put_bytes(t, x->device_bytes);
    emit(t, "<td class=\"left\"><span class=\"wrap why\">%s</span></td></tr>\n", note);
}

static void put_known(struct rn_text *t, const struct rn_bench *b, const struct rn_bench_known *k)
{
    emit(t, "<p>For comparison, from elsewhere: %s, %2 s for an epoch", k->name, k->epoch_s);
    if (k->samples)
        emit(t, " of %I samples.</p>\n", k->samples);
    else
        emit(t, "; its samples are not known, the figure takes as many as here, %I.</p>\n",
             b->samples);
}

static void put_times(struct benching *k)
{
    static const char *const heads[] = {"samples/s", "times as fast", "epoch",
                                        "epochs",    "memory",        "on the device"};
    const struct rn_bench *b = k->b;
    struct rn_text *t = &k->page.body;

    page_section(&k->page, "speed", "Speed");
    for (int64_t i = 0; i < b->n_figures; i++)
        page_figure(t, &b->figures[i], "figures/", false);
    emit(t,
         "<p class=\"soft\">Time of the training steps of an epoch, without validation and files; "
         "median, in small type the quartiles. %I epoch%r of each process %r thrown away. Bold: "
         "the quartiles of both do not overlap. Memory: largest resident set of the process.</p>\n",
         b->warmup, b->warmup == 1 ? "" : "s", b->warmup == 1 ? "is" : "are");
    page_table(t, true, "By batch size and variant");
    emit(t, "<thead><tr>");
    page_th(t, "batch", false);
    page_th(t, "variant", true);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        page_th(t, heads[i], false);
    page_th(t, "note", true);
    emit(t, "</tr></thead>\n<tbody>\n");
    for (int64_t i = 0; i < b->n_times; i++)
        put_time(t, b, &b->times[i]);
    emit(t, "</tbody>");
    page_table_end(t);
    for (int64_t i = 0; i < b->n_known; i++)
        put_known(t, b, &b->known[i]);
    page_section_end(&k->page);
}

/* ---- devices -------------------------------------------------------------- */

static void put_devices(struct benching *k)
{
    const struct rn_bench *b = k->b;
    struct rn_text *t = &k->page.body;

    page_section(&k->page, "devices", "Devices");
    page_table(t, false, "As they call themselves, or why they cannot be used");
    emit(t, "<thead><tr>");
    page_th(t, "variant", true);
    page_th(t, "device", true);
    emit(t, "</tr></thead>\n<tbody>\n");
    for (int64_t i = 0; i < b->n_variants; i++) {
        const struct rn_bench_variant *v = &b->variants[i];
        emit(t, "<tr><th scope=\"row\"><span class=\"wrap\">");
        emit_short(t, "%s</span></th><td class=\"left\"><span class=\"wrap why\">", v->name);
        if (v->unusable)
            emit(t, "cannot be used: %s", v->unusable);
        else
            emit(t, "%s", v->device);
        emit(t, "</span></td></tr>\n");
    }
    emit(t, "</tbody>");
    page_table_end(t);
    page_section_end(&k->page);
}

/* ---- layers --------------------------------------------------------------- */

/* The times of layers with the largest batch that has any; NULL: none has. */
static const struct rn_bench_time *layer_times(const struct rn_bench *b, int64_t variant)
{
    for (int64_t i = b->n_times; i-- > 0;)
        if (b->times[i].variant == variant && b->times[i].layer_us)
            return &b->times[i];
    return NULL;
}

static void put_layer(struct rn_text *t, const struct rn_bench *b, int64_t layer)
{
    emit(t, "<tr><th scope=\"row\"><span class=\"wrap\">");
    emit_short(t, "%s</span></th><td class=\"left\">%s</td>", b->layers[layer].name,
               b->layers[layer].type);
    for (int64_t v = 0; v < b->n_variants; v++) {
        const struct rn_bench_time *x = layer_times(b, v);
        if (!x)
            continue;
        if (isfinite(x->layer_us[layer]))
            emit(t, "<td data-v=\"%9\">%1</td>", x->layer_us[layer], x->layer_us[layer]);
        else
            emit(t, "<td data-v=\"-1\">%r</td>", DASH);
    }
    emit(t, "</tr>\n");
}

static void put_layers(struct benching *k)
{
    const struct rn_bench *b = k->b;
    struct rn_text *t = &k->page.body;
    char head[96];

    page_section(&k->page, "layers", "Layer by layer");
    if (b->n_layers) {
        page_table(t, true,
                   "Microseconds that a step spends on each layer: forward, backward, "
                   "update");
        emit(t, "<thead><tr>");
        page_th(t, "layer", true);
        page_th(t, "type", true);
        for (int64_t v = 0; v < b->n_variants; v++) {
            const struct rn_bench_time *x = layer_times(b, v);
            if (!x)
                continue;
            snprintf(head, sizeof head, "%.60s, batch %lld", b->variants[v].name,
                     (long long)x->batch);
            page_th(t, head, false);
        }
        emit(t, "</tr></thead>\n<tbody>\n");
        for (int64_t i = 0; i < b->n_layers; i++)
            put_layer(t, b, i);
        emit(t, "</tbody>");
        page_table_end(t);
    }
    page_section_end(&k->page);
}

/* ---- agreement ------------------------------------------------------------ */

static void put_difference(struct rn_text *t, double v, double rel)
{
    if (isnan(v))
        emit(t, "<td data-v=\"-1\">%r</td>", DASH);
    else
        emit(t, "<td%r data-v=\"%9\">%g</td>", v > rel ? " class=\"shown\"" : "", fmin(v, 1e99), v);
}

static void put_agreed(struct rn_text *t, const struct rn_agreement *a)
{
    static const char *const heads[] = {"output, step 1", "gradient, step 1", "output, last step",
                                        "gradient, last step"};

    page_table(t, true, "Largest difference as a share of the largest value");
    emit(t, "<thead><tr>");
    page_th(t, "layer", true);
    page_th(t, "type", true);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        page_th(t, heads[i], false);
    emit(t, "</tr></thead>\n<tbody>\n");
    for (int64_t i = 0; i < a->n_layers; i++) {
        const struct rn_agreed *l = &a->layers[i];
        emit(t, "<tr><th scope=\"row\"><span class=\"wrap\">");
        emit_short(t, "%s</span></th><td class=\"left\">%s</td>", l->name, l->type);
        for (int at = 0; at < 2; at++) {
            put_difference(t, l->output[at], at ? INFINITY : a->rel);
            put_difference(t, l->gradient[at], at ? INFINITY : a->rel);
        }
        emit(t, "</tr>\n");
    }
    emit(t, "</tbody>");
    page_table_end(t);
}

static void put_agreements(struct benching *k)
{
    const struct rn_bench *b = k->b;
    struct rn_text *t = &k->page.body;

    page_section(&k->page, "agreement", "Do they compute the same?");
    for (int64_t i = 0; i < b->n_agreements; i++) {
        const struct rn_agreement *a = &b->agreements[i];
        emit(t, "<h3>");
        emit_short(t, "%s against ", b->variants[a->variant].name);
        emit_short(t, "%s</h3>\n", b->variants[b->reference].name);
        if (a->why) {
            emit(t, "<p>Not compared: %s.</p>\n", a->why);
            continue;
        }
        emit(t,
             "<p>The same %I steps from the same first weights. In the first step differences up "
             "to %g are taken for rounding (bold: beyond it); what grows from them later is "
             "training. The losses are at most %g apart.</p>\n",
             a->steps, a->rel, a->loss_gap);
        put_agreed(t, a);
    }
    page_section_end(&k->page);
}

/* ---- the page ------------------------------------------------------------- */

static void put_conditions(struct benching *k)
{
    const struct rn_bench *b = k->b;
    struct rn_text *t = &k->page.body;

    page_section(&k->page, "conditions", "Where it was measured");
    page_table(t, false, "Times from different machines are no comparison");
    emit(t, "<tbody>\n");
    for (int64_t i = 0; i < b->n_conditions; i++)
        emit(t, "<tr><th scope=\"row\">%s</th><td class=\"left\">%s</td></tr>\n",
             b->conditions[i].key, b->conditions[i].value);
    emit(t, "</tbody>");
    page_table_end(t);
    page_section_end(&k->page);
}

int bench_page(const struct rn_bench *b, const char *dir)
{
    struct benching k = {.b = b};
    char path[4096];

    if (snprintf(path, sizeof path, "%s/report.html", dir) >= (int)sizeof path)
        return RN_FAIL(RN_EIO, "html: the path %s is too long", dir);
    put_header(&k);
    put_times(&k);
    put_devices(&k);
    put_layers(&k);
    put_agreements(&k);
    put_conditions(&k);
    return page_write(&k.page, path, b->name, strcmp(b->status, "running") ? 0 : REFRESH_S,
                      compare_css);
}
