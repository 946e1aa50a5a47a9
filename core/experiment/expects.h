/* expects.h - what is asked of a metric: the keys that `expect` and the checks of a baseline share.
 */
#ifndef EXPECTS_H
#define EXPECTS_H

#include "config/options.h"

enum expect_direction { EXPECT_BOTH, EXPECT_WORSE };
enum expect_fail { EXPECT_ERROR, EXPECT_WARN };
extern const struct rn_choice expect_directions[], expect_fails[];

struct expect_keys {
    const char *metric, *at;
    double min, max, value, abs, rel;
    bool exact;
    int64_t direction, on_fail;
};

#define EXPECT_BOUND(T, f, lo, help_) \
    { \
        RN_OPT_(T, f, double, RN_OPT_FLOAT, NULL, help_), .min = (lo), .max = DBL_MAX \
    }
/* Rows for a struct that begins with the fields of struct expect_keys. */
#define EXPECT_ROWS(T) \
    {RN_OPT_(T, metric, const char *, RN_OPT_STRING, NULL, "such as test.accuracy"), .min = 1, \
     .max = 100, .flags = RN_OPT_REQUIRED}, \
        EXPECT_BOUND(T, min, -DBL_MAX, "it holds from here on"), \
        EXPECT_BOUND(T, max, -DBL_MAX, "it holds up to here"), \
        EXPECT_BOUND(T, value, -DBL_MAX, "what it should be about"), \
        EXPECT_BOUND(T, abs, 0, "how far from value it may be"), \
        EXPECT_BOUND(T, rel, 0, "how far from value it may be, as a share of value"), \
        RN_BOOL(T, exact, "false", "it has to be value"), \
        {RN_OPT_(T, at, const char *, RN_OPT_STRING, NULL, \
                 "best, last or an epoch, as epoch 3: when it is looked at"), \
         .min = 1, .max = 30}, \
        RN_CHOICE(T, direction, "both", expect_directions, "which side of value counts"), \
        RN_CHOICE(T, on_fail, "error", expect_fails, "what follows when it does not hold")

/* A metric as report_metric() knows it: "best.val.loss" for val.loss at best. *problem says why
 * there is none, NULL: all is well. All from p; RN_ENOMEM. */
int expect_metric(struct pool *p, const char *metric, const char *at, const char **out,
                  const char **problem);
/* The bounds that the keys of map say, NaN where there is none. The result is what is wrong with
 * them, or NULL. */
const char *expect_bounds(const struct node *map, const struct expect_keys *k, double *min,
                          double *max);

#endif
