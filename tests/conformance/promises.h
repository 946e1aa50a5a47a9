/* promises.h - what every layer and every loss has to keep, as one call each. */
#ifndef PROMISES_H
#define PROMISES_H

#include <runner/layer.h>
#include <runner/loss.h>

enum finding {
    FINE,
    REFUSES,       /* plan() says RN_ESHAPE: nothing to check with this input */
    FAILS,         /* a call returns an error, or the device refuses what it was asked */
    NOT_FINITE,    /* NaN: reads what nobody wrote, leaves an output unwritten, or looks at values
                      while it is recorded */
    OUTSIDE,       /* touches memory around its tensors */
    CHANGES_INPUT, /* writes what it may only read */
    UNSTEADY,      /* the same call twice, two results */
    GRADIENT,      /* differs from finite differences */
    BETA,          /* does not add to what is there */
    SKIP,          /* other results when some are not wanted */
    INPLACE,       /* other results in place */
    VIEW,          /* a view that is none */
};
const char *finding_name(enum finding f);

enum { WHY_SIZE = 512 };

/* One layer with one input shape, batches of 5, 2 and 1, on a device whose memory the host can
 * read. why says where it was found. */
enum finding layer_check(struct rn_device *dev, const struct rn_layer_ops *ops, const void *opts,
                         struct rn_shape in, char why[WHY_SIZE]);
/* One loss; classes: the target is a class number. */
enum finding loss_check(struct rn_device *dev, const struct rn_loss_ops *ops, const void *opts,
                        bool classes, struct rn_shape pred, char why[WHY_SIZE]);

/* |n - a| <= 1e-7 + 1e-6 max(|n|, |a|) */
bool gradient_close(double numeric, double analytic);

/* For functions that return a finding and have t->why. */
#define EXPECT(what, finding, ...) \
    do { \
        if (!(what)) { \
            snprintf(t->why, WHY_SIZE, __VA_ARGS__); \
            return (finding); \
        } \
    } while (0)
#define CALL(call) EXPECT((call) >= 0, FAILS, "%s", error_text())
#define PASS(call) \
    do { \
        enum finding found_ = (call); \
        if (found_ != FINE) \
            return found_; \
    } while (0)

#endif
