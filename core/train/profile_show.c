/* profile_show.c - the profile as a table, as JSON and as a trace. All times of operations are
 * those of the average lane, so that they, waiting and what lies between steps make up the time. */
#include "profile_data.h"

#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WAITING "waiting for other threads"
#define SMALL   0.005 /* of a step: operations below are shown together */

static double lane_us(const struct profile_kind *k, uint64_t ns)
{
    return k->steps ? 1e-3 * (double)ns / (double)k->lanes / (double)k->steps : 0;
}

/* What a step of op takes from its beginning to its end, when all lanes that do it are equal. */
static double op_us(const struct profile_kind *k, const struct profile_op *o)
{
    int lanes = __builtin_popcountll(o->lanes);

    return lanes ? lane_us(k, o->ns) * fmax(1, (double)k->lanes / lanes) : 0;
}

static double wall_us(const struct profile_kind *k)
{
    return k->steps ? 1e-3 * (double)k->wall_ns / (double)k->steps : 0;
}

static double waiting_us(const struct profile_kind *k)
{
    double us = wall_us(k) - lane_us(k, k->busy_ns);

    return us > 0 ? us : 0;
}

static double between_us(const struct profile_kind *k)
{
    return k->betweens ? 1e-3 * (double)k->between_ns / (double)k->betweens : 0;
}

/* What a step takes, with what lies between it and the one before. */
static double whole_us(const struct profile_kind *k) { return wall_us(k) + between_us(k); }

static double share(const struct profile_kind *k, double us)
{
    return whole_us(k) > 0 ? us / whole_us(k) : 0;
}

/* What is done in a microsecond, in 10^9 a second */
static double giga(double amount, double us) { return us > 0 ? 1e-3 * amount / us : 0; }

/* ---- the table ---------------------------------------------------------------------------- */

struct columns {
    int layer, op;
};

static struct columns columns_of(const struct profile_kind *k)
{
    struct columns c = {9, (int)strlen(WAITING)};

    for (uint32_t i = 0; i < k->n_ops; i++) {
        const struct profile_op *o = &k->ops[i];
        int layer = (int)strlen(o->layer);
        int op = (int)(strlen(o->info.name) + 1 + strlen(o->info.detail));
        c.layer = layer > c.layer ? layer : c.layer;
        c.op = op > c.op ? op : c.op;
    }
    return c;
}

static void put_rate(struct text *t, double rate)
{
    if (rate > 0)
        text_add(t, " %8.1f", rate);
    else
        text_add(t, " %8s", "-");
}

static void put_row(struct text *t, const struct profile_kind *k, struct columns c,
                    const char *layer, const char *pass, const char *op, double us)
{
    text_add(t, "%-*s  %-8s  %-*s %9.1f %5.1f%%", c.layer, layer, pass, c.op, op, us,
             100 * share(k, us));
}

static void put_ops(struct text *t, const struct profile_kind *k, struct columns c)
{
    double rest = 0;
    int n = 0;

    for (uint32_t i = 0; i < k->n_ops; i++) {
        const struct profile_op *o = &k->ops[i];
        double us = lane_us(k, o->ns);
        char op[128];

        if (share(k, us) < SMALL) {
            rest += us;
            n++;
            continue;
        }
        snprintf(op, sizeof op, "%s %s", o->info.name, o->info.detail);
        put_row(t, k, c, o->layer, o->pass, op, us);
        put_rate(t, giga(o->info.flops, op_us(k, o)));
        put_rate(t, giga(o->info.bytes, op_us(k, o)));
        text_add(t, "\n");
    }
    if (n) {
        char op[64];
        snprintf(op, sizeof op, "%d smaller ones", n);
        put_row(t, k, c, "", "", op, rest);
        text_add(t, "\n");
    }
    put_row(t, k, c, "", "", WAITING, waiting_us(k));
    text_add(t, "\n");
    put_row(t, k, c, "", "", "between two steps", between_us(k));
    text_add(t, "\n");
}

/* The time of all operations of a layer; pass NULL: of all passes. */
static double layer_us(const struct profile_kind *k, const char *layer, const char *pass)
{
    uint64_t ns = 0;

    for (uint32_t i = 0; i < k->n_ops; i++)
        if (!strcmp(k->ops[i].layer, layer) && (!pass || !strcmp(pass, k->ops[i].pass)))
            ns += k->ops[i].ns;
    return lane_us(k, ns);
}

struct profile_layer profile_layer(const struct profile *p, int layer)
{
    const struct profile_kind *k = profile_main(p);
    const char *name = p->m->layers[layer].name;

    if (!k)
        return (struct profile_layer){NAN, NAN, NAN};
    return (struct profile_layer){layer_us(k, name, "forward"), layer_us(k, name, "backward"),
                                  layer_us(k, name, "update")};
}

static bool is_first_of_layer(const struct profile_kind *k, uint32_t op)
{
    for (uint32_t i = 0; i < op; i++)
        if (!strcmp(k->ops[i].layer, k->ops[op].layer))
            return false;
    return true;
}

static void put_layers(struct text *t, const struct profile_kind *k, struct columns c)
{
    text_add(t, "\n%-*s  %9s %9s %9s %9s %6s\n", c.layer, "layer", "forward", "backward", "update",
             "all us", "share");
    for (uint32_t i = 0; i < k->n_ops; i++) {
        const char *layer = k->ops[i].layer;
        double us = layer_us(k, layer, NULL);
        if (!is_first_of_layer(k, i))
            continue;
        text_add(t, "%-*s  %9.1f %9.1f %9.1f %9.1f %5.1f%%\n", c.layer, layer,
                 layer_us(k, layer, "forward"), layer_us(k, layer, "backward"),
                 layer_us(k, layer, "update"), us, 100 * share(k, us));
    }
}

void profile_text(const struct profile *p, struct text *t)
{
    const struct profile_kind *k = profile_main(p);

    if (!k) {
        text_add(t, "profile: too few steps; the first %d of a kind are not counted\n", WARMING);
        return;
    }
    struct columns c = columns_of(k);
    text_add(
        t,
        "profile: %lld steps of %lld samples, %s, %u thread%s\n"
        "a step takes %.1f us (median %.1f), %.1f us after the one before: %u operations, %.2f "
        "MFLOP, %.1f GFLOP/s\n\n",
        (long long)k->steps, (long long)k->rows, p->device, k->lanes, k->lanes == 1 ? "" : "s",
        wall_us(k), profile_median_us(k), between_us(k), k->n_ops, 1e-6 * profile_flops(k),
        giga(profile_flops(k), whole_us(k)));
    text_add(t, "%-*s  %-8s  %-*s %9s %6s %8s %8s\n", c.layer, "layer", "pass", c.op, "operation",
             "us", "share", "GFLOP/s", "GB/s");
    put_ops(t, k, c);
    put_layers(t, k, c);
}

/* ---- JSON --------------------------------------------------------------------------------- */

static void put_number(struct text *t, const char *key, double v)
{
    text_add(t, ", \"%s\": ", key);
    json_number(t, v);
}

static void put_string(struct text *t, const char *key, const char *s)
{
    text_add(t, ", \"%s\": ", key);
    json_string(t, s);
}

static void put_kind(struct text *t, const struct profile_kind *k)
{
    text_add(t,
             "    {\"samples\": %lld, \"updates\": %s, \"steps\": %lld, \"threads\": %u, "
             "\"operations\": %u, \"flops\": ",
             (long long)k->rows, k->updates ? "true" : "false", (long long)k->steps, k->lanes,
             k->n_ops);
    json_number(t, profile_flops(k));
    put_number(t, "us", wall_us(k));
    put_number(t, "median_us", profile_median_us(k));
    put_number(t, "waiting_us", waiting_us(k));
    put_number(t, "between_us", between_us(k));
    text_add(t, ",\n     \"ops\": [");
    for (uint32_t i = 0; i < k->n_ops; i++) {
        const struct profile_op *o = &k->ops[i];
        text_add(t, "%s\n       {\"layer\": ", i ? "," : "");
        json_string(t, o->layer);
        put_string(t, "pass", o->pass);
        put_string(t, "name", o->info.name);
        put_string(t, "detail", o->info.detail);
        put_number(t, "us", lane_us(k, o->ns));
        put_number(t, "share", share(k, lane_us(k, o->ns)));
        put_number(t, "flops", o->info.flops);
        put_number(t, "bytes", o->info.bytes);
        text_add(t, "}");
    }
    text_add(t, "\n     ]}");
}

void profile_json(const struct profile *p, struct text *t)
{
    int n = 0;

    text_add(t, "{\n  \"format\": 1");
    put_string(t, "device", p->device);
    text_add(t, ",\n  \"threads\": %u,\n  \"kinds\": [", p->lanes);
    for (int i = 0; i < p->n_kinds; i++) {
        if (!p->kinds[i].steps)
            continue;
        text_add(t, "%s\n", n++ ? "," : "");
        put_kind(t, &p->kinds[i]);
    }
    text_add(t, "\n  ]\n}\n");
}

/* ---- the trace ---------------------------------------------------------------------------- */

static void put_lane(struct text *t, uint32_t lane, const char *name, bool first)
{
    text_add(t,
             "%s\n{\"ph\": \"M\", \"name\": \"thread_name\", \"pid\": 1, \"tid\": %u, "
             "\"args\": {\"name\": \"%s\"}}",
             first ? "" : ",", lane, name);
}

static void put_event(struct text *t, const struct profile *p, const struct profile_event *e)
{
    const struct profile_kind *k = &p->kinds[e->kind];
    const struct profile_op *o = e->op < k->n_ops ? &k->ops[e->op] : NULL;
    char name[256] = "step";

    if (o)
        snprintf(name, sizeof name, "%s %s", o->layer, o->pass);
    text_add(t, ",\n{\"ph\": \"X\", \"pid\": 1, \"tid\": %u, \"ts\": %.3f, \"dur\": %.3f", e->lane,
             1e-3 * (double)e->at_ns, 1e-3 * (double)e->ns);
    put_string(t, "name", name);
    put_string(t, "cat", o ? o->info.name : "step");
    if (o) {
        text_add(t, ", \"args\": {\"operation\": ");
        json_string(t, o->info.name);
        put_string(t, "size", o->info.detail);
        text_add(t, "}");
    }
    text_add(t, "}");
}

void profile_trace(const struct profile *p, struct text *t)
{
    char name[32];

    text_add(t, "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [");
    put_lane(t, p->lanes, "steps", true);
    for (uint32_t i = 0; i < p->lanes; i++) {
        snprintf(name, sizeof name, "thread %u", i);
        put_lane(t, i, name, false);
    }
    for (uint32_t i = 0; i < p->n_events; i++)
        put_event(t, p, &p->events[i]);
    text_add(t, "\n]}\n");
}
