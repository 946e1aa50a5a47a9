/* check.c - the checks of one descriptor, in the order in which its fields may be trusted, and the
 * copy that is used from then on. Nothing here opens a file or calls the plugin. */
#include "registry.h"

#include "base/error.h"

#include <string.h>

/* What version 1.0 had: less than that was never a descriptor. */
#define PLUGIN_SIZE_1_0 (offsetof(struct rn_plugin, ops) + sizeof(void *))
#define OPS_HEAD        (2 * sizeof(uint32_t)) /* size, and flags or a reserved word */
#define SLOTS_MAX       16
#define STATE_MAX       65536

#define REBUILD "build it again with this runner's headers"

/* ---- who it is ------------------------------------------------------------ */

static int check_version(const struct rn_plugin *theirs)
{
    if (theirs->size < PLUGIN_SIZE_1_0)
        return FAIL(RN_EPLUGIN,
                    "has a descriptor of %u bytes, shorter than the %zu of ABI 1.0; begin it with "
                    "RN_PLUGIN_HEAD or RN_PLUGIN_PLAIN",
                    theirs->size, PLUGIN_SIZE_1_0);
    if (theirs->abi_major != RN_ABI_MAJOR)
        return FAIL(RN_EPLUGIN, "is built for plugin ABI %u.%u; this runner speaks %d.%d: " REBUILD,
                    theirs->abi_major, theirs->abi_minor, RN_ABI_MAJOR, RN_ABI_MINOR);
    if (theirs->abi_minor > RN_ABI_MINOR)
        return FAIL(RN_EPLUGIN,
                    "is built for the newer plugin ABI %u.%u; this runner speaks %d.%d: update the "
                    "runner, or " REBUILD,
                    theirs->abi_major, theirs->abi_minor, RN_ABI_MAJOR, RN_ABI_MINOR);
    if (!kind_name(theirs->kind))
        return FAIL(RN_EPLUGIN, "is of the unknown kind %u; see enum rn_kind", theirs->kind);
    return RN_OK;
}

bool plugin_name_good(const char *s)
{
    return *s >= 'a' && *s <= 'z' && strlen(s) <= PLUGIN_NAME_MAX &&
           !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

static int check_name(const struct rn_plugin *theirs)
{
    if (!theirs->name)
        return FAIL(RN_EPLUGIN, "provides a %s without a name", kind_name(theirs->kind));
    if (!plugin_name_good(theirs->name))
        return FAIL(RN_EPLUGIN,
                    "provides a %s named '%s'; a name is [a-z][a-z0-9_]*, at most %d characters",
                    kind_name(theirs->kind), theirs->name, PLUGIN_NAME_MAX);
    return RN_OK;
}

static int check_words(const struct rn_plugin *theirs)
{
    if (!theirs->summary || !*theirs->summary)
        return FAIL(RN_EPLUGIN, "has no summary; say what it is in one line");
    if (!theirs->version || !*theirs->version)
        return FAIL(RN_EPLUGIN, "has no version, as \"1.0.0\"");
    if (!theirs->license || !*theirs->license)
        return FAIL(RN_EPLUGIN, "has no license; give its SPDX identifier, as \"MIT\"");
    return RN_OK;
}

/* ---- what it can do ------------------------------------------------------- */

static const struct need {
    uint32_t kind;
    const char *name;
    size_t offset;
} needs[] = {
#define NEED(kind, ops, f) \
    { \
        kind, #f, offsetof(struct ops, f) \
    }
    NEED(RN_KIND_DEVICE, rn_device_ops, open),
    NEED(RN_KIND_DEVICE, rn_device_ops, close),
    NEED(RN_KIND_DEVICE, rn_device_ops, info),
    NEED(RN_KIND_DEVICE, rn_device_ops, alloc),
    NEED(RN_KIND_DEVICE, rn_device_ops, free),
    NEED(RN_KIND_DEVICE, rn_device_ops, sync),
    NEED(RN_KIND_DEVICE, rn_device_ops, upload),
    NEED(RN_KIND_DEVICE, rn_device_ops, download),
    NEED(RN_KIND_DEVICE, rn_device_ops, fill),
    NEED(RN_KIND_DEVICE, rn_device_ops, gemm),
    NEED(RN_KIND_DEVICE, rn_device_ops, map),
    NEED(RN_KIND_DEVICE, rn_device_ops, reduce),
    NEED(RN_KIND_DEVICE, rn_device_ops, gather),
    NEED(RN_KIND_DEVICE, rn_device_ops, argmax),
    NEED(RN_KIND_DEVICE, rn_device_ops, task),
    NEED(RN_KIND_DEVICE, rn_device_ops, capture_begin),
    NEED(RN_KIND_DEVICE, rn_device_ops, capture_end),
    NEED(RN_KIND_DEVICE, rn_device_ops, replay),
    NEED(RN_KIND_DEVICE, rn_device_ops, discard),
    NEED(RN_KIND_LAYER, rn_layer_ops, plan),
    NEED(RN_KIND_LAYER, rn_layer_ops, forward),
    NEED(RN_KIND_LAYER, rn_layer_ops, backward),
    NEED(RN_KIND_LOSS, rn_loss_ops, plan),
    NEED(RN_KIND_LOSS, rn_loss_ops, forward),
    NEED(RN_KIND_LOSS, rn_loss_ops, backward),
    NEED(RN_KIND_OPTIMIZER, rn_optimizer_ops, scalars),
    NEED(RN_KIND_OPTIMIZER, rn_optimizer_ops, record),
    NEED(RN_KIND_DATASET, rn_dataset_ops, open),
    NEED(RN_KIND_DATASET, rn_dataset_ops, load),
    NEED(RN_KIND_DATASET, rn_dataset_ops, fingerprint),
    NEED(RN_KIND_DATASET, rn_dataset_ops, close),
    NEED(RN_KIND_REPORTER, rn_reporter_ops, open),
    NEED(RN_KIND_REPORTER, rn_reporter_ops, close),
    NEED(RN_KIND_SCHEDULER, rn_scheduler_ops, factor),
    NEED(RN_KIND_AUGMENTATION, rn_augmentation_ops, apply),
#undef NEED
};

/* Copies what they have into the zeroed ops of out. */
static int copy_ops(const struct rn_plugin *theirs, struct plugin *out)
{
    uint32_t size;

    if (!theirs->ops)
        return FAIL(RN_EPLUGIN, "has no functions: ops is NULL");
    memcpy(&size, theirs->ops, sizeof size);
    if (size < OPS_HEAD)
        return FAIL(RN_EPLUGIN, "has functions of %u bytes; set .size to the sizeof its ops", size);
    memcpy(&out->ops, theirs->ops, size < sizeof out->ops ? size : sizeof out->ops);
    return RN_OK;
}

static int check_needs(const struct plugin *p)
{
    bool view = p->kind == RN_KIND_LAYER && (p->ops.layer.flags & RN_LAYER_VIEW);

    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        void (*function)(void);
        if (needs[i].kind != p->kind ||
            (view && needs[i].offset != offsetof(struct rn_layer_ops, plan)))
            continue;
        memcpy(&function, (const char *)&p->ops + needs[i].offset, sizeof function);
        if (!function)
            return FAIL(RN_EPLUGIN, "has no %s(); every %s needs one", needs[i].name,
                        kind_name(p->kind));
    }
    return RN_OK;
}

static int check_slots(uint32_t n, const char *const *names)
{
    if (n > SLOTS_MAX)
        return FAIL(RN_EPLUGIN, "has %u slots, more than %d", n, SLOTS_MAX);
    for (uint32_t i = 0; i < n; i++)
        if (!names || !names[i])
            return FAIL(RN_EPLUGIN, "has no name for slot %u of %u; see slot_names", i, n);
    return RN_OK;
}

/* All of them are there, or none. */
static int check_together(const bool *there, int n, const char *names)
{
    for (int i = 1; i < n; i++)
        if (there[i] != there[0])
            return FAIL(RN_EPLUGIN, "has some of %s, but not all; these go together", names);
    return RN_OK;
}

static int check_device(const struct plugin *p)
{
    const struct rn_device_ops *ops = &p->ops.device;
    const bool times[] = {ops->tag, ops->op_info, ops->replay_timed};
    const bool stages[] = {ops->host_alloc, ops->host_free, ops->stage, ops->staged};

    TRY(check_together(times, 3, "tag(), op_info() and replay_timed()"));
    return check_together(stages, 4, "host_alloc(), host_free(), stage() and staged()");
}

static int check_optimizer(const struct plugin *p)
{
    const struct rn_option *lr = options_row(&p->options, "lr");

    if (!lr || lr->type != RN_OPT_FLOAT)
        return FAIL(RN_EPLUGIN, "has no option 'lr' of type float, which every optimizer needs");
    return check_slots(p->ops.optimizer.n_slots, p->ops.optimizer.slot_names);
}

static int check_scheduler(const struct plugin *p)
{
    const struct rn_option *monitor = options_row(&p->options, "monitor");

    if (p->ops.scheduler.observe && (!monitor || monitor->type != RN_OPT_STRING))
        return FAIL(RN_EPLUGIN, "has observe(), but no option 'monitor' of type string that names "
                                "what to observe");
    return p->ops.scheduler.state_size > STATE_MAX
               ? FAIL(RN_EPLUGIN, "has %u bytes of state, more than %d",
                      p->ops.scheduler.state_size, STATE_MAX)
               : RN_OK;
}

static int check_callback(const struct plugin *p)
{
    const struct rn_callback_ops *ops = &p->ops.callback;

    if (!ops->at && !ops->n_slots)
        return FAIL(RN_EPLUGIN, "has no at(); every callback without slots needs one");
    if (ops->at && !ops->when)
        return FAIL(RN_EPLUGIN, "has no .when: at() would never be called");
    if (ops->n_slots && (!ops->scalars || !ops->record))
        return FAIL(RN_EPLUGIN, "has slots, but not both of scalars() and record()");
    if ((ops->flags & RN_CALLBACK_EVALUATES) && !ops->n_slots)
        return FAIL(RN_EPLUGIN, "wants its slot 0 evaluated, but has no slots");
    if (ops->state_size > STATE_MAX)
        return FAIL(RN_EPLUGIN, "has %u bytes of state, more than %d", ops->state_size, STATE_MAX);
    return check_slots(ops->n_slots, ops->slot_names);
}

/* Branches are expanded in the model: only a layer can have any. */
static int check_branches(const struct plugin *p)
{
    for (int i = 0; i < p->options.n; i++)
        if (p->options.rows[i].type == RN_OPT_LAYERS && p->kind != RN_KIND_LAYER)
            return FAIL(RN_EPLUGIN, "has the option '%s' of layers, which only a layer may have",
                        p->options.rows[i].name);
    return RN_OK;
}

static int check_kind(const struct plugin *p)
{
    TRY(check_branches(p));
    switch (p->kind) {
    case RN_KIND_DEVICE: return check_device(p);
    case RN_KIND_OPTIMIZER: return check_optimizer(p);
    case RN_KIND_SCHEDULER: return check_scheduler(p);
    case RN_KIND_CALLBACK: return check_callback(p);
    default: return RN_OK;
    }
}

/* ---- all of it ------------------------------------------------------------ */

static int check_rest(struct pool *p, const struct rn_plugin *theirs, struct plugin *out)
{
    TRY(check_words(theirs));
    TRY(copy_ops(theirs, out));
    TRY(check_needs(out));
    TRY(options_table(p, theirs->options, theirs->option_stride, theirs->options_size,
                      &out->options));
    return check_kind(out);
}

int plugin_check(struct pool *p, const struct rn_plugin *theirs, const char *path,
                 struct plugin *out)
{
    *out = (struct plugin){0};
    TRY(check_version(theirs));
    TRY(check_name(theirs));
    *out = (struct plugin){
        .kind = theirs->kind,
        .traits = theirs->traits,
        .priority = theirs->priority,
        .name = theirs->name,
        .version = theirs->version,
        .license = theirs->license,
        .summary = theirs->summary,
        .doc = theirs->doc,
        .path = path,
    };
    int status = check_rest(p, theirs, out);
    return status ? error_prefix(status, "%s '%s'", kind_name(out->kind), out->name) : RN_OK;
}
