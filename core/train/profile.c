/* profile.c - replays steps with the device's clock on and adds up what it says. The first steps of
 * each kind are left out: they pay for what is made only once. */
#include "profile_data.h"

#include "base/clock.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define INTERRUPTED 2 /* times as long as the shortest step */

bool profile_possible(const struct model *m)
{
    const struct rn_device_ops *ops = m->dev->ops;

    return ops->tag && ops->op_info && ops->replay_timed;
}

int profile_open(struct pool *pool, const struct model *m, bool whole, struct profile **out)
{
    struct rn_device_info info = {.size = sizeof info};
    struct profile *p = pool_alloc(pool, sizeof *p);

    *out = NULL;
    if (!profile_possible(m))
        return FAIL(RN_EUNSUPPORTED, "--profile: this device does not time its operations; "
                                     "leave it out, or take another device");
    TRY(m->dev->ops->info(m->dev, &info));
    if (!p)
        return RN_ENOMEM;
    p->pool = pool;
    p->m = m;
    p->whole = whole;
    p->traced = whole ? 0 : TRACED;
    memcpy(p->device, info.name, sizeof p->device);
    p->device[sizeof p->device - 1] = '\0';
    p->lanes = info.threads ? info.threads : 1;
    *out = p;
    return RN_OK;
}

static int read_ops(struct profile *p, struct profile_kind *k)
{
    const struct rn_device_ops *ops = p->m->dev->ops;
    struct rn_op_info info = {.size = sizeof info};

    while (!ops->op_info(p->m->dev, k->recording, k->n_ops, &info))
        k->n_ops++;
    k->ops = pool_alloc(p->pool, (k->n_ops + 1) * sizeof *k->ops);
    if (!k->ops)
        return RN_ENOMEM;
    for (uint32_t i = 0; i < k->n_ops; i++) {
        struct profile_op *o = &k->ops[i];
        o->info.size = sizeof o->info;
        TRY(ops->op_info(p->m->dev, k->recording, i, &o->info));
        o->info.name[sizeof o->info.name - 1] = o->info.detail[sizeof o->info.detail - 1] = '\0';
        step_tag_names(p->m, o->info.tag, &o->layer, &o->pass);
        k->updates |= !strcmp(o->pass, "update");
    }
    return RN_OK;
}

/* For the stretches of a step */
static int make_room(struct profile *p, uint32_t room)
{
    if (room <= p->room)
        return RN_OK;
    p->timings = pool_alloc(p->pool, (size_t)room * sizeof *p->timings);
    p->room = p->timings ? room : 0;
    return p->room ? RN_OK : RN_ENOMEM;
}

static int kind_of(struct profile *p, const struct rn_recording *r, int64_t rows,
                   struct profile_kind **out)
{
    *out = NULL;
    for (int i = 0; i < p->n_kinds; i++)
        if (p->kinds[i].recording == r) {
            *out = &p->kinds[i];
            return RN_OK;
        }
    if (p->n_kinds == KINDS)
        return FAIL(RN_EBUG, "a profile of more than %d kinds of steps", KINDS);
    struct profile_kind *k = &p->kinds[p->n_kinds];
    *k = (struct profile_kind){.recording = r, .rows = rows};
    if (!(k->wall_us = pool_alloc(p->pool, WALLS * sizeof *k->wall_us)))
        return RN_ENOMEM;
    TRY(read_ops(p, k));
    p->n_kinds++;
    *out = k;
    return make_room(p, p->lanes * (4 * k->n_ops + 64));
}

/* A whole step or nothing. Room for all that are wanted is made when the first comes. */
static int trace(struct profile *p, const struct profile_kind *k, uint32_t n, uint64_t begun,
                 uint64_t wall)
{
    int kind = (int)(k - p->kinds);

    if (p->traced == TRACED || (p->events && p->n_events + n + 1 > p->room_events))
        return RN_OK;
    if (!p->events) {
        uint64_t wanted = (uint64_t)(n + n / 4 + 64) * TRACED;
        p->room_events = wanted < EVENTS ? (uint32_t)wanted : n + 1 > EVENTS ? n + 1 : EVENTS;
        p->events = pool_alloc(p->pool, p->room_events * sizeof *p->events);
        if (!p->events)
            return RN_ENOMEM;
        p->trace_ns = begun;
    }
    p->traced++;
    begun -= p->trace_ns;
    p->events[p->n_events++] = (struct profile_event){begun, wall, p->lanes, NO_OP, kind};
    for (uint32_t i = 0; i < n; i++) {
        const struct rn_timing *t = &p->timings[i];
        p->events[p->n_events++] = (struct profile_event){
            begun + t->begin_ns, t->end_ns - t->begin_ns, t->lane, t->op, kind};
    }
    return RN_OK;
}

static void add_up(struct profile *p, struct profile_kind *k, uint32_t n, uint64_t begun,
                   uint64_t wall)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct rn_timing *t = &p->timings[i];
        if (t->op >= k->n_ops)
            continue;
        k->ops[t->op].ns += t->end_ns - t->begin_ns;
        k->ops[t->op].lanes |= 1ull << (t->lane % 64);
        k->lanes = t->lane + 1 > k->lanes ? t->lane + 1 : k->lanes;
        k->busy_ns += t->end_ns - t->begin_ns;
    }
    if (p->ended_ns) {
        k->between_ns += begun - p->ended_ns;
        k->betweens++;
    }
    k->wall_us[k->steps % WALLS] = (float)(1e-3 * (double)wall);
    k->wall_ns += wall;
    k->steps++;
}

static bool counts(const struct profile *p, struct profile_kind *k, uint64_t wall)
{
    k->least_ns = k->least_ns && k->least_ns < wall ? k->least_ns : wall;
    return k->begun++ >= WARMING && (p->whole || wall < INTERRUPTED * k->least_ns);
}

int profile_replay(struct profile *p, struct rn_recording *r, int64_t rows,
                   const struct rn_block *block)
{
    const struct rn_device_ops *ops = p->m->dev->ops;
    struct profile_kind *k;
    uint32_t n = 0;

    TRY(kind_of(p, r, rows, &k));
    uint64_t begun = clock_ns();
    TRY(ops->replay_timed(p->m->dev, r, block, p->timings, p->room, &n));
    uint64_t ended = clock_ns();
    if (n > p->room) { /* this one is lost */
        profile_pause(p);
        return make_room(p, n + n / 4);
    }
    if (counts(p, k, ended - begun)) {
        add_up(p, k, n, begun, ended - begun);
        TRY(trace(p, k, n, begun, ended - begun));
    }
    p->ended_ns = ended;
    return RN_OK;
}

void profile_pause(struct profile *p)
{
    if (p)
        p->ended_ns = 0;
}

/* ---- what it amounts to ----------------------------------------------------------- */

static bool shows_more(const struct profile_kind *a, const struct profile_kind *b)
{
    return a->updates != b->updates ? a->updates : a->steps > b->steps;
}

const struct profile_kind *profile_main(const struct profile *p)
{
    const struct profile_kind *most = NULL;

    for (int i = 0; i < p->n_kinds; i++)
        if (p->kinds[i].steps && (!most || shows_more(&p->kinds[i], most)))
            most = &p->kinds[i];
    return most;
}

int64_t profile_steps(const struct profile *p)
{
    const struct profile_kind *k = profile_main(p);

    return k && k->updates ? k->steps : 0;
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

double profile_median_us(const struct profile_kind *k)
{
    float sorted[WALLS];
    size_t n = (size_t)(k->steps < WALLS ? k->steps : WALLS);

    if (!n)
        return 0;
    memcpy(sorted, k->wall_us, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_size);
    return (double)(sorted[n / 2] + sorted[(n - 1) / 2]) / 2;
}

double profile_flops(const struct profile_kind *k)
{
    double sum = 0;

    for (uint32_t i = 0; i < k->n_ops; i++)
        sum += k->ops[i].info.flops;
    return sum;
}
