/* test_advice.c - what is proposed to try: from which evidence, in which order, never what the
 * adviser refuses; and that everything proposed is accepted by the experiments it is meant for. */
#define _POSIX_C_SOURCE 200809L
#include "support/judged.h"
#include "support/suite.h"

#include "base/error.h"
#include "base/file.h"
#include "run/advise.h"

#include <limits.h>
#include <unistd.h>

static const char *const plain = "optimizer: {type: adam, lr: 0.01, weight_decay: 0}\n"
                                 "loss: {type: cross_entropy, label_smoothing: 0}\n"
                                 "model: {layers: [{type: dropout, name: drop, rate: 0.3}]}\n"
                                 "train: {epochs: 8, batch_size: 32}\n";

static const char *refused; /* how an override begins that the adviser says no to; NULL: none */

static bool yes(void *ctx, const char *override)
{
    (void)ctx;
    return !refused || strncmp(override, refused, strlen(refused)) != 0;
}

static bool no_plugins;

static const char *by_options(void *ctx, uint32_t kind, const char *const *options)
{
    (void)ctx;
    ck_assert_ptr_nonnull(options[0]);
    return no_plugins                     ? NULL
           : kind == RN_KIND_CALLBACK     ? "early_stopping"
           : kind == RN_KIND_AUGMENTATION ? "shift"
                                          : "cosine";
}

static const char *weights_at_the_end = "best";

static const char *fallback(void *ctx, uint32_t kind, const char *plugin, const char *option)
{
    (void)ctx;
    ck_assert_str_eq(option, kind == RN_KIND_OPTIMIZER ? "lr" : "restore");
    return kind != RN_KIND_OPTIMIZER ? weights_at_the_end : strcmp(plugin, "adam") ? NULL : "1e-3";
}

/* The proposals in one line, separated by " | ". */
static const char *tries(struct made *m)
{
    static char text[2048];
    const struct adviser a = {yes, by_options, fallback, NULL};
    struct pool *p = pool_new();
    struct rn_finding *f;
    int64_t n;

    text[0] = '\0';
    ck_assert_int_eq(analysis_make(p, &m->r, NULL, NULL, &a, &f, &n), 0);
    for (int64_t i = 0; i < n; i++)
        if (f[i].override) {
            ck_assert_str_eq(f[i].rule, "next");
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? " | " : "",
                     f[i].override);
        }
    pool_free(p);
    return text;
}

/* Whether the first proposal says so. */
static bool stops_with(struct made *m, const char *part)
{
    const struct adviser a = {yes, by_options, fallback, NULL};
    struct pool *p = pool_new();
    struct rn_finding *f;
    int64_t n, i = 0;

    ck_assert_int_eq(analysis_make(p, &m->r, NULL, NULL, &a, &f, &n), 0);
    while (i < n && !f[i].override)
        i++;
    bool found = i < n && strstr(f[i].text, part);
    pool_free(p);
    return found;
}

static struct made *eight(const double *fit, const double *val)
{
    struct made *m = curves(8, fit, val);

    m->r.config_yaml = plain;
    return m;
}

static const double falling[] = {2, 1.7, 1.4, 1.2, 1, 0.9, 0.8, 0.7};
static const double settled[] = {0.5, 0.41, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4};

START_TEST(nothing_without_evidence_or_adviser)
{
    struct made *m = eight(settled, settled), *f = eight(falling, falling);
    struct pool *p = pool_new();
    struct rn_finding *list;
    int64_t n;

    ck_assert_str_eq(tries(m), "");
    ck_assert_str_eq(tries(f), "train.epochs=16");
    refused = "train.epochs=";
    ck_assert_str_eq(tries(f), "");
    refused = NULL;
    ck_assert_int_eq(analysis_make(p, &f->r, NULL, NULL, NULL, &list, &n), 0);
    for (int64_t i = 0; i < n; i++)
        ck_assert_ptr_null(list[i].override);
    f->r.config_yaml = "a: [";
    ck_assert_str_eq(tries(f), "");
    f->r.config_yaml = NULL;
    ck_assert_str_eq(tries(f), "");
    f->r.config_yaml = plain;
    f->r.status = "running";
    ck_assert_str_eq(tries(f), "");
    f->r.status = "finished";
    f->r.n_epochs = 7; /* a callback ended it: more epochs would change nothing */
    f->r.best_epoch = 7;
    ck_assert_str_eq(tries(f), "");
    pool_free(p);
    free(m);
    free(f);
}
END_TEST

START_TEST(divergence_asks_for_a_lower_rate)
{
    const double bad[] = {0.5, 0.4, NAN, NAN, NAN, NAN, NAN, NAN};
    struct made *m = eight(bad, bad);

    m->r.status = "diverged";
    ck_assert_str_eq(tries(m), "optimizer.lr=0.001"); /* ten times the default */
    m->r.config_yaml = "optimizer: {type: adam, lr: 1e+30}\n";
    ck_assert_str_eq(tries(m), "optimizer.lr=0.001");
    m->r.config_yaml = "optimizer: {type: adam, lr: 0.005}\n";
    ck_assert_str_eq(tries(m), "optimizer.lr=0.0005 | train.clip_norm=1");
    m->r.config_yaml = "optimizer: {lr: 0.5}\ntrain: {clip_norm: 5}\n";
    ck_assert_str_eq(tries(m), "optimizer.lr=0.05");
    free(m);
}
END_TEST

START_TEST(overfitting_asks_for_an_earlier_end_and_more_restraint)
{
    const double fit[] = {0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.01};
    const double val[] = {0.5, 0.4, 0.41, 0.45, 0.5, 0.6, 0.7, 0.8};
    struct made *m = eight(fit, val);
    const char *stop = "+callbacks={type: early_stopping, patience: 3}";
    char want[256];

    snprintf(want, sizeof want, "%s | model.layers.drop.rate=0.5 | optimizer.weight_decay=1e-4",
             stop);
    ck_assert_str_eq(tries(m), want);
    ck_assert(stops_with(m, "Its weights are brought back."));
    weights_at_the_end = "last";
    ck_assert(!stops_with(m, "Its weights are brought back."));
    weights_at_the_end = "best";
    no_plugins = true;
    ck_assert_str_eq(tries(m), "model.layers.drop.rate=0.5 | optimizer.weight_decay=1e-4");
    no_plugins = false;
    m->r.patience = 5;
    ck_assert_str_eq(tries(m), "model.layers.drop.rate=0.5 | optimizer.weight_decay=1e-4");
    m->r.config_yaml = "optimizer: {weight_decay: 0.1}\n"
                       "model: {layers: [{type: dropout, name: drop, rate: 0.5}]}\n";
    ck_assert_str_eq(tries(m), "");
    m->t = (struct rn_test){.n = 9, .n_pictures = 1, .picture_w = 32, .loss = NAN};
    m->r.test = &m->t;
    ck_assert_str_eq(tries(m), "+data.augment={type: shift, pixels: 2}");
    m->r.config_yaml = "data: {augment: [{type: shift}]}\n";
    ck_assert_str_eq(tries(m), "");
    free(m);
}
END_TEST

START_TEST(a_swing_at_a_constant_rate_asks_for_a_schedule)
{
    const double fit[] = {0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4};
    /* the error is 0.0105 to 0.011 */
    const double val[] = {0.5, 0.4, 0.4, 0.35, 0.39, 0.35, 0.39, 0.36};
    const double less[] = {0.5, 0.4, 0.4, 0.36, 0.39, 0.36, 0.39, 0.37};
    struct made *m = eight(fit, val), *l = eight(fit, less);

    ck_assert_str_eq(tries(m), "scheduler={type: cosine}");
    ck_assert_str_eq(tries(l), "");
    m->r.config_yaml = "scheduler: {type: step}\n";
    ck_assert_str_eq(tries(m), "");
    free(m);
    free(l);
}
END_TEST

START_TEST(overconfidence_asks_for_smoothing)
{
    struct made *m = tested((const int64_t[]){900, 50, 50, 50, 900, 50, 50, 50, 900});
    struct rn_confidence bins[RN_CONFIDENCE_BINS] = {{0}};

    bins[14] = (struct rn_confidence){3000, 2700, 0.95};
    m->t.confidence = bins;
    m->r.config_yaml = plain;
    ck_assert_str_eq(tries(m), "loss.label_smoothing=0.1");
    bins[14].mean = 0.919; /* 1.9 points: beyond chance, and not worth it */
    ck_assert_str_eq(tries(m), "");
    bins[14].mean = 0.85;
    ck_assert_str_eq(tries(m), "");
    m->r.config_yaml = "loss: {label_smoothing: 0.1}\n";
    bins[14].mean = 0.95;
    ck_assert_str_eq(tries(m), "");
    free(m);
}
END_TEST

START_TEST(a_rare_class_that_is_never_predicted_asks_for_weights)
{
    struct made *m = tested((const int64_t[]){900, 0, 100, 40, 0, 10, 10, 0, 440});

    m->r.config_yaml = plain;
    ck_assert_str_eq(tries(m), "loss.class_weights=[0.5, 10, 1.11]");
    m->c[1].predicted = 1;
    ck_assert_str_eq(tries(m), "");
    free(m);
}
END_TEST

START_TEST(the_pace_of_updates_names_a_rate)
{
    const double guess[] = {2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3};
    struct made *m = eight(guess, guess), *f = eight(falling, falling);
    struct rn_param_fact p = {
        .name = "a.weight", .epoch = 1, .n = 4, .grad_norm = 1, .weight_norm = 1};

    m->e[7].fit_accuracy = 0.1;
    m->r.params = f->r.params = &p;
    m->r.n_params = f->r.n_params = 1;
    p.update_norm = 1e-3;
    ck_assert_str_eq(tries(m), "");
    p.update_norm = 2e-2;
    ck_assert_str_eq(tries(m), "optimizer.lr=0.001");
    ck_assert_str_eq(tries(f), "train.epochs=16"); /* it learns */
    p.update_norm = 5e-5;
    ck_assert_str_eq(tries(m), "optimizer.lr=0.1");
    ck_assert_str_eq(tries(f), "optimizer.lr=0.1 | train.epochs=16");
    for (int i = 0; i < 8; i++)
        f->e[i].fit_loss = NAN; /* it is known all the same that validation loss falls */
    ck_assert_str_eq(tries(f), "optimizer.lr=0.1 | train.epochs=16");
    f->e[0].lr = 0.04; /* a tenth of the highest is 0.05 */
    ck_assert_str_eq(tries(f), "train.epochs=16");
    free(m);
    free(f);
}
END_TEST

START_TEST(no_better_than_guessing_asks_for_a_lower_rate_where_it_broke)
{
    const double guess[] = {2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3};
    const double far[] = {5, 5, 5, 5, 5, 5, 5, 5};
    struct made *m = eight(guess, guess), *f = eight(far, far);
    struct rn_units_fact u = {"relu", 8, 10, 9};

    m->e[7].fit_accuracy = f->e[7].fit_accuracy = 0.1;
    m->r.units = &u;
    m->r.n_units = 1;
    ck_assert_str_eq(tries(m), "");
    u.silent = 10;
    ck_assert_str_eq(tries(m), "optimizer.lr=0.001");
    ck_assert_str_eq(tries(f), "optimizer.lr=0.001");
    free(m);
    free(f);
}
END_TEST

/* ---- on real experiments -------------------------------------------------- */

/* Evidence for everything at once, in two runs: one falls, the other overfits and swings. */
static int proposals(const struct session *real, const struct adviser *adviser, char list[16][160])
{
    static const double fit[] = {0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.01};
    static const double over[] = {0.5, 0.4, 0.41, 0.45, 0.5, 0.6, 0.7, 0.8};
    static const double swing[] = {0.5, 0.4, 0.4, 0.35, 0.39, 0.35, 0.39, 0.36};
    static const double bad[] = {0.5, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    const double *val[] = {falling, over, swing, bad}, *train[] = {falling, fit, swing, bad};
    struct rn_confidence bins[RN_CONFIDENCE_BINS] = {[14] = {3000, 2700, 0.95}};
    struct rn_class_fact classes[10];
    const struct experiment *e = real->experiment;
    int n = 0;

    for (int c = 0; c < 10; c++)
        classes[c] = (struct rn_class_fact){
            .name = "x", .support = c ? 300 : 30, .predicted = c ? 300 : 0, .correct = c ? 290 : 0};
    for (int i = 0; i < 4; i++) {
        struct made *m = curves(8, train[i], val[i]);
        struct rn_finding *f;
        struct pool *p = pool_new();
        int64_t found;

        m->r.epochs_planned = e->train.epochs;
        m->r.config_yaml = e->config_yaml;
        m->r.test = &m->t;
        m->t = (struct rn_test){.n = 2730,
                                .loss = NAN,
                                .accuracy = 0.9,
                                .low = 0.88,
                                .high = 0.92,
                                .classes = 10,
                                .per_class = classes,
                                .confidence = bins,
                                .picture_w = real->data.info.input.dim[2],
                                .n_pictures = 1};
        ck_assert_int_eq(analysis_make(p, &m->r, NULL, NULL, adviser, &f, &found), 0);
        for (int64_t k = 0; k < found; k++)
            if (f[k].override)
                snprintf(list[n++], 160, "%s", f[k].override);
        pool_free(p);
        free(m);
    }
    return n;
}

static void accepted(const char *name, int least)
{
    char path[PATH_MAX], list[16][160], copy[] = "/tmp/test_advice_XXXXXX";
    struct session s;

    snprintf(path, sizeof path, "%s/configs/%s.yaml", getenv("RN_SOURCE"), name);
    ck_assert_int_eq(session_load(&s, path, NULL, 0, NULL, 0), RN_OK);
    ck_assert_int_eq(session_plan(&s), RN_OK);
    struct advice advice = {&s, copy};
    struct adviser real = advise(&advice), all = {yes, real.find, real.fallback, &advice};
    int fd = mkstemp(copy), n = proposals(&s, &all, list);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(file_write(copy, s.experiment->config_yaml, strlen(s.experiment->config_yaml)),
                     RN_OK);
    ck_assert_int_ge(n, least);
    for (int i = 0; i < n; i++) {
        const char *one = list[i];
        struct session again;
        ck_assert_msg(real.accepts(&advice, one), "%s: %s: %s", name, one, error_text());
        int status = session_load(&again, path, &one, 1, NULL, 0);
        status = status < 0 ? status : session_plan(&again); /* as `runner check` does */
        ck_assert_msg(status == RN_OK && !diag_warnings(again.diag), "%s: %s", one, error_text());
        session_close(&again);
    }
    ck_assert_str_eq(real.fallback(&advice, RN_KIND_OPTIMIZER, "adam", "lr"), "1e-3");
    ck_assert_ptr_null(real.fallback(&advice, RN_KIND_OPTIMIZER, "adam", "no_such_option"));
    ck_assert_ptr_null(real.fallback(&advice, RN_KIND_OPTIMIZER, "no_such_plugin", "lr"));
    ck_assert(!real.accepts(&advice, "+callbacks={type: no_such_callback}"));
    ck_assert(!real.accepts(&advice, "optimizer.lr=-1"));
    ck_assert(!real.accepts(&advice, "train.epochs=many"));
    ck_assert(!real.accepts(&advice, "loss.class_weights=[1, 2]")); /* ten classes */
    ck_assert(!real.accepts(&advice, "+callbacks={type: early_stopping, patience: 99}"));
    unlink(copy);
    session_close(&s);
}

START_TEST(everything_proposed_is_accepted)
{
    accepted("mlp_baseline", 8);
    accepted("cnn_small", 7);
    ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("advice");
    TCase *c = tcase_create("advice");

    tcase_add_test(c, nothing_without_evidence_or_adviser);
    tcase_add_test(c, divergence_asks_for_a_lower_rate);
    tcase_add_test(c, overfitting_asks_for_an_earlier_end_and_more_restraint);
    tcase_add_test(c, a_swing_at_a_constant_rate_asks_for_a_schedule);
    tcase_add_test(c, overconfidence_asks_for_smoothing);
    tcase_add_test(c, a_rare_class_that_is_never_predicted_asks_for_weights);
    tcase_add_test(c, the_pace_of_updates_names_a_rate);
    tcase_add_test(c, no_better_than_guessing_asks_for_a_lower_rate_where_it_broke);
    tcase_add_test(c, everything_proposed_is_accepted);
    suite_add_tcase(s, c);
    return suite_run(s);
}
