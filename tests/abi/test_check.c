/* test_check.c - the checks of a descriptor, for every kind and each of its functions. */
#include "base/error.h"
#include "plugin/registry.h"
#include "support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define FUNCTIONS_MAX 32

struct rates {
    double lr;
};
static const struct rn_option rates[] = {
    RN_FLOAT(struct rates, lr, "0.1", 0, 1, 0, NULL, "learning rate"), RN_END};

/* The functions of each kind in their order; - in front: may be missing; =: with others. */
static const struct kind_case {
    uint32_t kind;
    size_t size, first; /* of the ops; of the first function */
    const char *functions;
} kinds[] = {
    {RN_KIND_DEVICE, sizeof(struct rn_device_ops), offsetof(struct rn_device_ops, open),
     "open close info alloc free sync upload download fill gemm map reduce gather argmax task "
     "capture_begin capture_end replay discard -conv -pool =tag =op_info =replay_timed "
     "=host_alloc =host_free =stage =staged -fault"},
    {RN_KIND_LAYER, sizeof(struct rn_layer_ops), offsetof(struct rn_layer_ops, plan),
     "plan forward backward -standard"},
    {RN_KIND_LOSS, sizeof(struct rn_loss_ops), offsetof(struct rn_loss_ops, plan),
     "plan forward backward"},
    {RN_KIND_OPTIMIZER, sizeof(struct rn_optimizer_ops), offsetof(struct rn_optimizer_ops, scalars),
     "scalars record"},
    {RN_KIND_DATASET, sizeof(struct rn_dataset_ops), offsetof(struct rn_dataset_ops, open),
     "open load fingerprint close -open_file"},
    {RN_KIND_REPORTER, sizeof(struct rn_reporter_ops), offsetof(struct rn_reporter_ops, open),
     "open -progress -record -epoch -end close -runs -compare -sweep -flush -bench"},
    {RN_KIND_AUGMENTATION, sizeof(struct rn_augmentation_ops),
     offsetof(struct rn_augmentation_ops, check), "-check -scratch apply"},
};

static struct pool *pool;
static union { /* as large as any, and aligned for all */
    uint32_t head[2];
    struct rn_device_ops device;
    struct rn_optimizer_ops optimizer;
    struct rn_layer_ops layer;
    unsigned char bytes[8 + (FUNCTIONS_MAX + 1) * sizeof(void *)];
} ops;
static struct rn_plugin theirs;
static struct plugin ours;

static void setup(void) { pool = pool_new(); }

static void teardown(void)
{
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}

static void function(void) {}

static void make(const struct kind_case *k)
{
    void (*f)(void) = function;

    memset(&ops, 0, sizeof ops);
    ops.head[0] = (uint32_t)k->size;
    for (size_t at = k->first; at < k->size; at += sizeof f)
        memcpy(ops.bytes + at, &f, sizeof f);
    theirs = (struct rn_plugin){RN_PLUGIN_HEAD(0, struct rates),
                                .name = "one",
                                .version = "1.0.0",
                                .license = "MIT",
                                .summary = "a plugin",
                                .doc = "more",
                                .priority = -3,
                                .traits = RN_TRAIT_DEFAULT,
                                .options = rates,
                                .ops = &ops};
    theirs.kind = k->kind;
}

static void refuses(const char *why)
{
    ck_assert_int_eq(plugin_check(pool, &theirs, "/x/one.so", &ours), RN_EPLUGIN);
    ck_assert_msg(strstr(error_text(), why) != NULL, "expected: %s\nsaid: %s", why, error_text());
}

START_TEST(a_right_one_is_copied)
{
    make(&kinds[_i]);
    ck_assert_msg(!plugin_check(pool, &theirs, "/x/one.so", &ours), "%s", error_text());
    ck_assert(!memcmp(&ours.ops, &ops, kinds[_i].size));
    ck_assert(ours.kind == kinds[_i].kind && ours.priority == -3 && ours.traits == theirs.traits);
    ck_assert_str_eq(ours.path, "/x/one.so");
    ck_assert_int_eq(ours.options.n, 1);
    ck_assert_uint_eq(ours.options.size, sizeof(struct rates));
}
END_TEST

START_TEST(each_function_is_missed)
{
    const struct kind_case *k = &kinds[_i];
    size_t at = k->first;
    char why[128];

    for (const char *s = k->functions; *s; s += strspn(s, " "), at += sizeof(void *)) {
        bool needed = !strchr("-=", *s);
        size_t n = strcspn(s, " ");
        make(k);
        memset(ops.bytes + at, 0, sizeof(void *));
        snprintf(why, sizeof why, "%s 'one': has no %.*s(); every %s needs one", kind_name(k->kind),
                 (int)n, s, kind_name(k->kind));
        if (needed)
            refuses(why);
        else if (*s == '=')
            refuses("but not all; these go together");
        else
            ck_assert_msg(!plugin_check(pool, &theirs, "", &ours), "%.*s: %s", (int)n, s,
                          error_text());
        s += n;
    }
    ck_assert_uint_eq(at, k->size);
}
END_TEST

START_TEST(what_goes_together_may_be_missing)
{
    make(&kinds[0]);
    ops.device.tag = NULL;
    ops.device.op_info = NULL;
    refuses("has some of tag(), op_info() and replay_timed(), but not all");
    ops.device.replay_timed = NULL;
    ck_assert_int_eq(plugin_check(pool, &theirs, "", &ours), RN_OK);
    ops.device.host_alloc = NULL;
    ops.device.host_free = NULL;
    ops.device.stage = NULL;
    refuses("has some of host_alloc(), host_free(), stage() and staged(), but not all");
    ops.device.staged = NULL;
    ck_assert_int_eq(plugin_check(pool, &theirs, "", &ours), RN_OK);
}
END_TEST

START_TEST(a_view_needs_no_passes)
{
    make(&kinds[1]);
    ops.layer.flags = RN_LAYER_VIEW;
    ops.layer.forward = NULL;
    ops.layer.backward = NULL;
    ck_assert_int_eq(plugin_check(pool, &theirs, "", &ours), RN_OK);
    ops.layer.plan = NULL;
    refuses("has no plan()");
}
END_TEST

START_TEST(an_optimizer_needs_a_rate)
{
    static const struct rn_option count[] = {
        {.name = "lr", .help = "rate", .type = RN_OPT_INT, .max = 1}, RN_END};

    make(&kinds[3]);
    theirs.options = NULL;
    refuses("optimizer 'one': has no option 'lr' of type float");
    theirs.options = count;
    refuses("optimizer 'one': has no option 'lr' of type float");
}
END_TEST

START_TEST(an_optimizer_names_its_slots)
{
    static const char *const names[] = {"m", NULL};

    make(&kinds[3]);
    ops.optimizer.n_slots = 1;
    refuses("has no name for slot 0 of 1");
    ops.optimizer.slot_names = names;
    ck_assert_int_eq(plugin_check(pool, &theirs, "", &ours), RN_OK);
    ops.optimizer.n_slots = 2;
    refuses("has no name for slot 1 of 2");
    ops.optimizer.n_slots = 1000000;
    refuses("has 1000000 slots, more than 16");
}
END_TEST

START_TEST(the_size_is_read_first)
{
    make(&kinds[1]);
    theirs.size = 87;
    theirs.abi_major = 9;
    theirs.name = NULL;
    refuses("has a descriptor of 87 bytes, shorter than the 88 of ABI 1.0");
    theirs.size = 88;
    refuses("is built for plugin ABI 9.0; this runner speaks 1.0");
    theirs.abi_major = 1;
    theirs.abi_minor = 7;
    refuses("is built for the newer plugin ABI 1.7; this runner speaks 1.0: update the runner");
    theirs.abi_minor = 0;
    theirs.kind = 0;
    refuses("is of the unknown kind 0");
    theirs.kind = RN_KIND_LAYER;
    refuses("provides a layer without a name");
    theirs.name = "";
    refuses("provides a layer named ''");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("check");
    TCase *c = tcase_create("descriptors");
    int n = (int)(sizeof kinds / sizeof *kinds);

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, a_right_one_is_copied, 0, n);
    tcase_add_loop_test(c, each_function_is_missed, 0, n);
    tcase_add_test(c, what_goes_together_may_be_missing);
    tcase_add_test(c, a_view_needs_no_passes);
    tcase_add_test(c, an_optimizer_needs_a_rate);
    tcase_add_test(c, an_optimizer_names_its_slots);
    tcase_add_test(c, the_size_is_read_first);
    suite_add_tcase(s, c);
    return suite_run(s);
}
