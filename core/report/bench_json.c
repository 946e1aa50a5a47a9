/* bench_json.c - all numbers of a benchmark as bench.json; docs/bench.schema.json says what each
 * key means. */
#include "bench.h"

#include "base/json.h"

static void line(struct text *t, const char *name)
{
    text_add(t, ",\n  ");
    json_string(t, name);
    text_add(t, ": ");
}

/* A list of objects, a line each; put() writes the members of item i. */
static void put_list(struct text *t, const char *name, int64_t n, const struct rn_bench *b,
                     void (*put)(struct text *t, const struct rn_bench *b, int64_t i))
{
    line(t, name);
    text_add(t, "[");
    for (int64_t i = 0; i < n; i++) {
        text_add(t, "%s\n    {", i ? "," : "");
        put(t, b, i);
        text_add(t, "}");
    }
    text_add(t, "]");
}

static void put_numbers(struct text *t, const char *name, const double *v, int64_t n)
{
    json_key(t, name);
    text_add(t, "[");
    for (int64_t i = 0; i < n; i++) {
        text_add(t, i ? ", " : "");
        json_number(t, v[i]);
    }
    text_add(t, "]");
}

static void put_variant(struct text *t, const struct rn_bench *b, int64_t i)
{
    json_text(t, "name", b->variants[i].name);
    json_text(t, "device", b->variants[i].device);
    json_bool(t, "required", b->variants[i].required);
    json_text(t, "unusable", b->variants[i].unusable);
}

static void put_time(struct text *t, const struct rn_bench *b, int64_t i)
{
    const struct rn_bench_time *x = &b->times[i];

    json_text(t, "variant", b->variants[x->variant].name);
    json_whole(t, "batch", x->batch);
    json_whole(t, "samples", x->samples);
    put_numbers(t, "epochs_s", x->epochs, x->n);
    json_whole(t, "planned", x->planned);
    json_real(t, "median_s", x->median);
    json_real(t, "low_s", x->low);
    json_real(t, "high_s", x->high);
    json_real(t, "samples_per_s", x->samples_per_s);
    json_real(t, "speedup", x->speedup);
    json_real(t, "speedup_low", x->speedup_low);
    json_real(t, "speedup_high", x->speedup_high);
    json_real(t, "host_bytes", x->host_bytes);
    json_real(t, "device_bytes", x->device_bytes);
    if (x->layer_us)
        put_numbers(t, "layer_us", x->layer_us, b->n_layers);
    json_text(t, "why", x->why);
}

static void put_layer(struct text *t, const struct rn_bench *b, int64_t i)
{
    json_text(t, "name", b->layers[i].name);
    json_text(t, "type", b->layers[i].type);
}

static void put_agreed(struct text *t, const struct rn_agreed *l)
{
    text_add(t, "{");
    json_text(t, "name", l->name);
    json_text(t, "type", l->type);
    put_numbers(t, "output", l->output, 2);
    put_numbers(t, "gradient", l->gradient, 2);
    text_add(t, "}");
}

static void put_agreement(struct text *t, const struct rn_bench *b, int64_t i)
{
    const struct rn_agreement *a = &b->agreements[i];

    json_text(t, "variant", b->variants[a->variant].name);
    json_text(t, "why", a->why);
    json_whole(t, "steps", a->steps);
    json_real(t, "rel", a->rel);
    json_text(t, "beyond", a->beyond);
    json_real(t, "loss_gap", a->loss_gap);
    json_key(t, "layers");
    text_add(t, "[");
    for (int64_t k = 0; k < a->n_layers; k++) {
        text_add(t, "%s\n      ", k ? "," : "");
        put_agreed(t, &a->layers[k]);
    }
    text_add(t, "]");
}

static void put_known(struct text *t, const struct rn_bench *b, int64_t i)
{
    json_text(t, "name", b->known[i].name);
    json_real(t, "epoch_s", b->known[i].epoch_s);
    json_whole(t, "samples", b->known[i].samples);
}

static void put_finding(struct text *t, const struct rn_bench *b, int64_t i)
{
    static const char *const tones[] = {"", "good", "neutral", "bad"};

    json_text(t, "rule", b->findings[i].rule);
    json_text(t, "tone", tones[b->findings[i].tone]);
    json_text(t, "text", b->findings[i].text);
}

void bench_json(const struct bench *bench, struct text *t)
{
    const struct rn_bench *b = &bench->view;
    const char *const texts[][2] = {
        {"name", b->name},     {"description", b->description},
        {"file", b->file},     {"command", b->command},
        {"status", b->status}, {"reference", b->variants[b->reference].name}};

    text_add(t, "{\n  \"format\": 1");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        line(t, texts[i][0]);
        json_string(t, texts[i][1]);
    }
    line(t, "samples");
    text_add(t, "%lld", (long long)b->samples);
    line(t, "warmup");
    text_add(t, "%lld", (long long)b->warmup);
    put_list(t, "variants", b->n_variants, b, put_variant);
    put_list(t, "times", b->n_times, b, put_time);
    put_list(t, "layers", b->n_layers, b, put_layer);
    put_list(t, "agreements", b->n_agreements, b, put_agreement);
    put_list(t, "known", b->n_known, b, put_known);
    line(t, "conditions");
    json_facts(t, b->conditions, b->n_conditions);
    put_list(t, "findings", b->n_findings, b, put_finding);
    text_add(t, "\n}\n");
}
