/* analysis_next.c - what to try next, each with the override to type: most promising first, at most
 * five, each from evidence of this run. Plugins are asked for by the options that they have; what
 * the adviser says this experiment would not take is left out. */
#include "analysis.h"

#include "config/options.h"

#include <math.h>
#include <string.h>

#define NOISY_EPOCHS  6    /* a swing at the end takes so many epochs to be told from a fall */
#define ECE_LARGE     0.02 /* smaller deviations are not worth a change of the loss */
#define WEIGHTED_MOST 20   /* classes for which a list of weights is still typed */
#define SHIFT_PART    14   /* of an image's width may it be moved by */
#define DROPOUT_HIGH  0.5
#define DROPOUT_STEP  0.2
#define FAR_ABOVE     10 /* times the default rate */

/* ---- the configuration ---------------------------------------------------- */

/* The value of section.key as text; NULL: not there, or not a word. */
static const char *value_of(const struct judge *j, const char *section, const char *key)
{
    const struct node *n = j->config ? tree_get(j->config, section) : NULL;

    n = n && n->kind == NODE_MAP ? tree_get(n, key) : NULL;
    return n && n->kind == NODE_SCALAR ? n->text : NULL;
}

static double number_of(const struct judge *j, const char *section, const char *key)
{
    const char *text = value_of(j, section, key);
    double v;

    return text && options_float(text, &v) ? v : NAN;
}

static bool augments(const struct judge *j)
{
    const struct node *data = j->config ? tree_get(j->config, "data") : NULL;
    const struct node *list = data && data->kind == NODE_MAP ? tree_get(data, "augment") : NULL;

    return list && list->child;
}

/* The last layer with that option; NULL: there is none. */
static const char *layer_with(const struct judge *j, const char *key, double *value)
{
    const struct node *model = j->config ? tree_get(j->config, "model") : NULL;
    const struct node *list = model && model->kind == NODE_MAP ? tree_get(model, "layers") : NULL;
    const char *found = NULL;

    for (const struct node *l = list ? list->child : NULL; l; l = l->next) {
        const struct node *name = l->kind == NODE_MAP ? tree_get(l, "name") : NULL;
        const struct node *n = name ? tree_get(l, key) : NULL;
        if (n && n->kind == NODE_SCALAR && name->kind == NODE_SCALAR &&
            options_float(n->text, value))
            found = name->text;
    }
    return found;
}

/* ---- proposing ------------------------------------------------------------ */

static bool same_path(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");

    return n == strcspn(b, "=") && !strncmp(a, b, n);
}

/* One proposal for a value; the first, which is the more promising, stands. */
static int propose(struct judge *j, const char *override, const char *text)
{
    int64_t n = 0;

    if (!override || !text)
        return RN_ENOMEM;
    for (int64_t i = 0; i < j->n; i++)
        if (j->findings[i].override) {
            n++;
            if (same_path(j->findings[i].override, override))
                return RN_OK;
        }
    if (n >= ADVICE_MAX || !j->adviser->accepts(j->adviser->ctx, override))
        return RN_OK;
    int64_t before = j->n;
    RN_TRY(judge_add(j, RULE_NEXT, RN_NEUTRAL, text));
    if (j->n > before)
        j->findings[before].override = override;
    return RN_OK;
}

#define PUT(j, ...) pool_printf((j)->p, __VA_ARGS__)

/* A plugin with these options; NULL: there is none. */
#define FIND(j, kind, ...) \
    ((j)->adviser->find((j)->adviser->ctx, (kind), (const char *const[]){__VA_ARGS__, NULL}))

/* ---- training that goes wrong --------------------------------------------- */

/* Whether the rate is so far above the optimizer's default that this is the one to try. */
static bool beyond_default(const struct judge *j, double lr, double *usual)
{
    const char *type = value_of(j, "optimizer", "type");
    const char *text =
        type ? j->adviser->fallback(j->adviser->ctx, RN_KIND_OPTIMIZER, type, "lr") : NULL;

    return text && options_float(text, usual) && *usual > 0 && lr >= FAR_ABOVE * *usual;
}

static int next_lower_rate(struct judge *j, const char *why)
{
    double lr = number_of(j, "optimizer", "lr"), usual;

    if (!why)
        return RN_ENOMEM;
    if (!(lr > 0))
        return RN_OK;
    if (beyond_default(j, lr, &usual))
        return propose(j, PUT(j, "optimizer.lr=%.3g", usual),
                       PUT(j, "Try the optimizer's default learning rate: %s at %.3g.", why, lr));
    return propose(j, PUT(j, "optimizer.lr=%.3g", lr / 10),
                   PUT(j, "Try a lower learning rate: %s at %.3g.", why, lr));
}

static int next_higher_rate(struct judge *j)
{
    double lr = number_of(j, "optimizer", "lr");

    if (!(lr > 0))
        return RN_OK;
    return propose(j, PUT(j, "optimizer.lr=%.3g", lr * 10),
                   PUT(j, "Try a higher learning rate: the weights hardly move at %.3g.", lr));
}

static int next_clip(struct judge *j, const char *why)
{
    if (number_of(j, "train", "clip_norm") > 0)
        return RN_OK;
    return propose(j, "train.clip_norm=1", PUT(j, "Limit the norm of the gradient: %s.", why));
}

static int next_stability(struct judge *j, bool diverged, const struct fit *f)
{
    double least, most, before, now, usual;
    enum pace pace = judge_pace(j->r, &least, &most);

    if (diverged) {
        RN_TRY(next_lower_rate(j, "training diverged"));
        return beyond_default(j, number_of(j, "optimizer", "lr"), &usual)
                   ? RN_OK
                   : next_clip(j, "a single step may have gone too far");
    }
    if (gradients_explode(j->r, &before, &now))
        RN_TRY(next_clip(j, "it grew a hundredfold"));
    const char *sign = layer_is_dead(j->r) ? "a whole layer is silent"
                       : f->far            ? "its loss is far above that of guessing"
                       : pace == PACE_FAST ? "the steps are large"
                                           : NULL;
    if (f->poor && !f->falling && sign)
        return next_lower_rate(j, PUT(j, "it is hardly better than guessing, and %s", sign));
    return pace == PACE_SLOW && !f->onset ? next_higher_rate(j) : RN_OK;
}

/* ---- training that ends too early or too late ----------------------------- */

static int next_longer(struct judge *j, const struct fit *f)
{
    double epochs = number_of(j, "train", "epochs");

    if (!f->falling || f->onset || !(epochs >= 1) ||
        (double)j->r->n_epochs < epochs) /* something else ended it */
        return RN_OK;
    return propose(j, PUT(j, "train.epochs=%.0f", 2 * epochs),
                   PUT(j, "Train longer: validation loss was still falling at the end."));
}

static int next_stop(struct judge *j, const struct fit *f)
{
    const struct rn_report *r = j->r;

    const char *plugin =
        f->onset && !r->patience ? FIND(j, RN_KIND_CALLBACK, "monitor", "patience") : NULL;
    if (!plugin)
        return RN_OK;
    const char *weights =
        j->adviser->fallback(j->adviser->ctx, RN_KIND_CALLBACK, plugin, "restore");
    bool back = weights && !strcmp(weights, "best");
    return propose(j, PUT(j, "+callbacks={type: %s, patience: 3}", plugin),
                   PUT(j,
                       "Stop when validation loss has not fallen for 3 epochs: it was lowest at "
                       "epoch %lld of %lld.%s",
                       (long long)r->best_epoch, (long long)r->n_epochs,
                       back ? " Its weights are brought back." : ""));
}

/* ---- a gap between training and validation -------------------------------- */

static int next_regularise(struct judge *j, const struct fit *f)
{
    const struct rn_test *t = j->r->test;
    double rate = NAN;

    if (f->verdict != FIT_MILD && f->verdict != FIT_STRONG)
        return RN_OK;
    const char *plugin =
        t && t->n_pictures && !augments(j) ? FIND(j, RN_KIND_AUGMENTATION, "pixels") : NULL;
    if (plugin)
        RN_TRY(
            propose(j,
                    PUT(j, "+data.augment={type: %s, pixels: %lld}", plugin,
                        (long long)(t->picture_w < 2 * SHIFT_PART ? 1 : t->picture_w / SHIFT_PART)),
                    PUT(j, "Move the training images a little: the network overfits, and a moved "
                           "image is a new sample.")));
    const char *name = layer_with(j, "rate", &rate);
    if (name && rate < DROPOUT_HIGH)
        RN_TRY(propose(
            j, PUT(j, "model.layers.%s.rate=%.2g", name, fmin(DROPOUT_HIGH, rate + DROPOUT_STEP)),
            PUT(j, "Leave out more in %s (now %.2g): the network overfits.", name, rate)));
    if (number_of(j, "optimizer", "weight_decay") == 0)
        return propose(j, "optimizer.weight_decay=1e-4",
                       PUT(j, "Keep the weights small: the network overfits, and nothing decays "
                              "them."));
    return RN_OK;
}

/* ---- the rate at the end -------------------------------------------------- */

/* Whether the later half of the validation losses swings by more than three errors, with no more of
 * a trend than the swing from one epoch to the next. */
static bool swings(const struct rn_report *r, double error, double *swing, int64_t *epochs)
{
    int64_t last, n = finite_rows(r, &last), half = n / 2, seen = 0;
    double low = INFINITY, high = -INFINITY, first = NAN, before = NAN, steps = 0;

    if (n < NOISY_EPOCHS || !isfinite(error))
        return false;
    for (int64_t i = last; i >= 0 && seen < half; i--) {
        double v = r->epochs[i].val_loss;
        if (!isfinite(v))
            continue;
        steps += seen ? fabs(v - before) : 0;
        first = seen ? first : v;
        before = v;
        low = fmin(low, v);
        high = fmax(high, v);
        seen++;
    }
    *swing = high - low;
    *epochs = seen;
    return *swing > 3 * error && fabs(before - first) < steps / (double)(seen - 1);
}

static int next_schedule(struct judge *j, const struct fit *f)
{
    double swing;
    int64_t epochs;

    if (tree_get(j->config, "scheduler") || f->onset || !swings(j->r, f->error, &swing, &epochs))
        return RN_OK;
    const char *plugin = FIND(j, RN_KIND_SCHEDULER, "floor"); /* falls all the way, by itself */
    if (!plugin)
        return RN_OK;
    return propose(j, PUT(j, "scheduler={type: %s}", plugin),
                   PUT(j,
                       "Let the learning rate fall: at a constant rate, validation loss swings "
                       "by %.2g over the last %lld epochs.",
                       swing, (long long)epochs));
}

/* ---- the loss ------------------------------------------------------------- */

static int next_smooth(struct judge *j)
{
    struct calibration c;

    if (!judge_calibration(j->r->test, &c) || c.ece <= c.top || c.ece < ECE_LARGE ||
        c.sure - c.right <= 2 * c.gap_error || number_of(j, "loss", "label_smoothing") != 0)
        return RN_OK;
    return propose(j, "loss.label_smoothing=0.1",
                   PUT(j,
                       "Ask for less certainty: it is overconfident by %.1f points. That was seen "
                       "on the test set: judge what comes of it by validation.",
                       100 * (c.sure - c.right)));
}

/* In inverse proportion to the samples that the test set has of them. */
static int next_weights(struct judge *j)
{
    const struct rn_test *t = j->r->test;
    struct text list = {0};
    bool missing = false;

    if (!t || t->classes < 2 || t->classes > WEIGHTED_MOST)
        return RN_OK;
    for (int64_t c = 0; c < t->classes; c++) {
        const struct rn_class_fact *f = &t->per_class[c];
        if (f->support < SUPPORT_MIN)
            return RN_OK;
        missing |= !f->predicted && 2 * f->support * t->classes < t->n;
    }
    if (!missing)
        return RN_OK;
    for (int64_t c = 0; c < t->classes; c++)
        text_add(&list, "%s%.3g", c ? ", " : "",
                 (double)t->n / (double)(t->classes * t->per_class[c].support));
    int status = list.status;
    if (!status)
        status =
            propose(j, PUT(j, "loss.class_weights=[%s]", text_str(&list)),
                    "Weigh the rare classes more: one is never predicted. The weights suppose "
                    "that training samples are as uneven as those of the test; judge what comes "
                    "of them by validation.");
    text_free(&list);
    return status;
}

int rules_next(struct judge *j, const struct fit *f)
{
    bool diverged = !strcmp(j->r->status, "diverged");

    if (!j->config || (!diverged && strcmp(j->r->status, "finished") != 0))
        return RN_OK;
    for (int64_t i = 0; i < j->r->n_epochs; i++)
        diverged |= !isfinite(j->r->epochs[i].train_loss);
    RN_TRY(next_stability(j, diverged, f));
    if (diverged)
        return RN_OK;
    RN_TRY(next_longer(j, f));
    RN_TRY(next_stop(j, f));
    RN_TRY(next_weights(j));
    RN_TRY(next_regularise(j, f));
    RN_TRY(next_schedule(j, f));
    return next_smooth(j);
}
