/* broken.c - a small plugin that is right until a macro from meson.build changes one thing: each
 * build of it has one fault, and its name says which. */
#include <runner/layer.h>
#include <runner/loss.h>
#include <runner/optimizer.h>

#ifndef QUERY
#define QUERY rn_plugin_query_v1
#endif
#ifndef SIZE
#define SIZE sizeof(struct rn_plugin)
#endif
#ifndef MAJOR
#define MAJOR RN_ABI_MAJOR
#endif
#ifndef MINOR
#define MINOR RN_ABI_MINOR
#endif
#ifndef KIND
#define KIND RN_KIND_LAYER
#endif
#ifndef SUMMARY
#define SUMMARY "a layer for tests"
#endif
#ifndef VERSION
#define VERSION "1.2.3"
#endif
#ifndef LICENSE
#define LICENSE "MIT"
#endif
#ifndef OPS
#define OPS &ops
#endif
#ifndef OPS_SIZE
#define OPS_SIZE sizeof(struct rn_layer_ops)
#endif
#ifndef FLAGS
#define FLAGS 0
#endif
#ifndef FORWARD
#define FORWARD call
#endif
#ifndef STRIDE
#define STRIDE sizeof(struct row)
#endif
#ifndef ROW
#define ROW RN_INT(struct options, units, "3", 1, 9, NULL, "how many"),
#endif
#ifndef LIST
#define LIST &plugin, NULL
#endif
#ifndef BEFORE
#define BEFORE (void)0
#endif

struct options {
    int64_t units, more;
};

#ifdef OLD_ROWS /* a header before `unit` was appended */
struct row {
    const char *name, *help;
    uint32_t type, flags, offset, reserved;
    const char *fallback;
    double min, max;
};
#else
#define row rn_option
#endif

int not_there(void);
int gone(void);

static int plan(struct rn_plan *p) { return p->out = p->in[0], RN_OK; }

static int call(const struct rn_call *c) { return c->batch ? RN_OK : RN_EBUG; }

static const struct { /* as a newer header might have it, with one function more */
    struct rn_layer_ops ops;
    int (*extra)(const struct rn_call *c);
} ops = {{.size = OPS_SIZE, .flags = FLAGS, .plan = plan, .forward = FORWARD, .backward = call},
         call};

static const struct row rows[] = {ROW{.name = NULL}};

static const struct rn_plugin plugin = {.size = SIZE,
                                        .abi_major = MAJOR,
                                        .abi_minor = MINOR,
                                        .kind = KIND,
                                        .options_size = sizeof(struct options),
                                        .option_stride = STRIDE,
                                        .name = NAME,
                                        .version = VERSION,
                                        .license = LICENSE,
                                        .summary = SUMMARY,
                                        .options = (const struct rn_option *)(const void *)rows,
                                        .ops = OPS};

#ifdef SECOND /* another one in the same file */
static const struct rn_plugin second = {
    RN_PLUGIN_PLAIN(RN_KIND_LAYER), .name = SECOND, .version = "1.0.0", .license = "MIT",
    .summary = "the second of two", .ops = &ops};
#endif

RN_EXPORT const struct rn_plugin *const *QUERY(const struct rn_host *host);
const struct rn_plugin *const *QUERY(const struct rn_host *host)
{
    static const struct rn_plugin *const list[] = {LIST};

    (void)ops;
    BEFORE;
    return host && host->abi_major == RN_ABI_MAJOR ? list : NULL;
}
