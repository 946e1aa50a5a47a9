/* markdown.c - report.md, which shows on code hosts and in comments: what a README of the run would
 * have, with the figures as PNG; long parts are folded. */
#include "page.h"
#include "picture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROWS_FOLDED 20 /* longer tables are folded */
#define PAIRS_SHOWN 5

struct options {
    bool png;
};

static const struct rn_option options[] = {
    RN_BOOL(struct options, png, "true",
            "render the figures as PNG; false: report.md shows the SVG files"),
    RN_END,
};

struct markdown {
    bool png;
    struct rsvg rsvg;
};

/* ---- the page ------------------------------------------------------------- */

/* A fenced block; the fence is longer than any run of backticks in it. */
static void put_block(struct rn_text *p, const char *language, const char *s)
{
    size_t longest = 2, run = 0, n = strlen(s);

    for (size_t i = 0; i < n; i++) {
        run = s[i] == '`' ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    for (size_t i = 0; i <= longest; i++)
        rn_text_put(p, "`", 1);
    emit(p, "%s\n", language);
    rn_text_put(p, s, n);
    if (n && s[n - 1] != '\n')
        rn_text_put(p, "\n", 1);
    for (size_t i = 0; i <= longest; i++)
        rn_text_put(p, "`", 1);
    rn_text_put(p, "\n\n", 2);
}

/* ---- the top -------------------------------------------------------------- */

static void put_previous(struct rn_text *p, const struct rn_report *r)
{
    const struct rn_previous *b = r->previous;

    if (!b)
        return;
    emit(p, "Against the run before, %s:", b->id);
    if (isfinite(b->accuracy) && r->test && r->test->classes)
        emit(p, " test accuracy %2 %%, now %2 %%;", 100 * b->accuracy, 100 * r->test->accuracy);
    else if (isfinite(b->loss) && r->test)
        emit(p, " test loss %g, now %g;", b->loss, r->test->loss);
    for (int64_t i = 0; i < b->n_changes; i++)
        emit(p, "%r %s %s → %s", i ? "," : " changed:", b->changes[i].key,
             b->changes[i].before ? b->changes[i].before : "–",
             b->changes[i].now ? b->changes[i].now : "–");
    emit(p, "%r.\n\n", b->n_changes ? "" : " no parameter was changed");
}

static void put_head(struct rn_text *p, const struct rn_report *r)
{
    emit(p, "# %s\n\n", r->name);
    if (r->description[0])
        emit(p, "%s\n\n", r->description);
    if (r->n_findings)
        emit(p, "**%s**\n\n", r->findings[0].text);
    if (r->epochs_planned)
        emit(p, "%s, %s: %I of %I epochs in %1 s (training %1 s) on %s.\n\n", r->id, r->status,
             r->n_epochs, r->epochs_planned, r->seconds, r->train_s, r->device);
    else
        emit(p, "%s, %s in %1 s on %s.\n\n", r->id, r->status, r->seconds, r->device);
    if (r->resumed_step)
        emit(p, "Attempt %I; it was resumed behind step %I.\n\n", r->attempt, r->resumed_step);
    if (r->reason[0])
        emit(p, "Why it ended: %s\n\n", r->reason);
    for (int64_t i = 0; i < r->n_expectations; i++) {
        const struct rn_expectation *e = &r->expectations[i];
        emit(p, "- %s expected %s %s: it is %g, which %s\n", e->holds ? "✓" : "✗", e->metric,
             e->wanted, e->value,
             e->holds   ? "holds"
             : e->warns ? "does not hold (a warning)"
                        : "does not hold");
    }
    for (int64_t i = 0; i < r->n_warnings; i++)
        emit(p, "- ⚠ %s\n", r->warnings[i]);
    if (r->n_expectations || r->n_warnings)
        emit(p, "\n");
    put_previous(p, r);
}

static void put_findings(struct rn_text *p, const struct rn_report *r)
{
    bool any = false;

    for (int64_t i = 1; i < r->n_findings; i++)
        if (!r->findings[i].override) {
            emit(p, "%r- %s\n", any ? "" : "## Findings\n\n", r->findings[i].text);
            any = true;
        }
    emit(p, "%r", any ? "\n" : "");
}

static void put_advice(struct rn_text *p, const struct rn_report *r)
{
    bool any = false;

    for (int64_t i = 1; i < r->n_findings; i++) {
        struct rn_text command = {0};
        if (!r->findings[i].override)
            continue;
        emit(p, "%r%s\n\n", any ? "" : "## What to try next\n\n", r->findings[i].text);
        any = true;
        rn_text_add(&command, "%s ", r->command);
        rn_text_shell(&command, r->findings[i].override);
        put_block(p, "sh", command.s ? command.s : "");
        p->status = p->status ? p->status : command.status;
        rn_host->free(command.s);
    }
}

/* ---- numbers -------------------------------------------------------------- */

static void put_number(struct rn_text *p, const struct rn_report *r, const struct rn_number *m)
{
    emit(p, "| %s | %g |", m->what, m->loss);
    if (isfinite(m->accuracy))
        emit(p, " %2 %% |", 100 * m->accuracy);
    else if (rn_has_accuracy(r))
        emit(p, " – |");
    for (int64_t i = 0; i < r->n_measures; i++) {
        double v = m->split ? rn_measured(r, m->split, r->measures[i].name, m->epoch) : NAN;
        if (!rn_measure_is_new(r, i))
            continue;
        if (isnan(v))
            emit(p, " – |");
        else
            emit(p, " %g |", v);
    }
    emit(p, "\n");
}

static void put_numbers(struct rn_text *p, const struct rn_report *r)
{
    struct rn_number rows[RN_NUMBERS];

    if (!r->n_epochs)
        return;
    int n = rn_numbers(r, rows);
    emit(p, "## Numbers\n\n| | loss |%r", rn_has_accuracy(r) ? " accuracy |" : "");
    for (int64_t i = 0; i < r->n_measures; i++)
        if (rn_measure_is_new(r, i))
            emit(p, " %s |", r->measures[i].name);
    emit(p, "\n|---|---:|%r", rn_has_accuracy(r) ? "---:|" : "");
    for (int64_t i = 0; i < r->n_measures; i++)
        if (rn_measure_is_new(r, i))
            emit(p, "---:|");
    emit(p, "\n");
    for (int i = 0; i < n; i++)
        put_number(p, r, &rows[i]);
    if (r->test && r->test->classes) {
        emit(p,
             "\n%I test samples; 95 %% interval of the accuracy %2 to %2 %% (Wilson); macro F1 %4",
             r->test->n, 100 * r->test->low, 100 * r->test->high, r->test->macro_f1);
        if (r->test->classes > 3 && isfinite(r->test->top3))
            emit(p, "; right among the first three %2 %%", 100 * r->test->top3);
        if (isfinite(r->test->ece))
            emit(p, "; expected calibration error %4", r->test->ece);
        emit(p, ".\n");
    }
    emit(p, "\n");
}

/* ---- figures -------------------------------------------------------------- */

/* Those that the page shows, by section; the others are links to their drawings. */
static const char *const shown[] = {
    "loss_train_val",      "accuracy",      "generalization_gap",      "predicted_true",
    "class_scores",        "calibration",   "sample_predictions",      "worst_mistakes",
    "first_layer_weights", "time_by_layer", "confusion_matrix_counts",
};

static bool is_shown(const char *name)
{
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (!strcmp(shown[i], name))
            return true;
    return false;
}

static const struct rn_figure *find(const struct rn_report *r, const char *name)
{
    for (int64_t i = 0; i < r->n_figures; i++)
        if (!strcmp(r->figures[i].name, name))
            return &r->figures[i];
    return NULL;
}

static void put_image(struct rn_text *p, const struct markdown *m, const struct rn_figure *f)
{
    emit(p, "![%s](figures/%r.%r)", f->alt, f->name, m->png ? "png" : "svg");
}

/* Side by side, as a table whose head has their titles; one alone below its title. */
static void put_figures(struct rn_text *p, const struct markdown *m, const struct rn_report *r,
                        const char *const *names)
{
    const struct rn_figure *f[4];
    int n = 0;

    for (; *names && n < 4; names++) {
        f[n] = find(r, *names);
        n += f[n] != NULL;
    }
    for (int i = 0; n > 1 && i < n; i++)
        emit(p, "| %s ", f[i]->title);
    for (int i = 0; n > 1 && i < n; i++)
        emit(p, "%r|---", i ? "" : "|\n");
    for (int i = 0; i < n; i++) {
        emit(p, "%r", n < 2 ? "" : i ? " | " : "|\n| ");
        put_image(p, m, f[i]);
    }
    emit(p, "%r", n > 1 ? " |\n\n" : n ? "\n\n" : "");
}

static void put_curves(struct rn_text *p, const struct markdown *m, const struct rn_report *r)
{
    if (r->n_figures && r->epochs_planned)
        emit(p, "## Learning curves\n\n");
    put_figures(p, m, r, (const char *const[]){"loss_train_val", "accuracy", NULL});
    put_figures(p, m, r, (const char *const[]){"generalization_gap", "predicted_true", NULL});
}

static void put_links(struct rn_text *p, const struct markdown *m, const struct rn_report *r)
{
    bool any = false;

    for (int64_t i = 0; i < r->n_figures; i++)
        if (!is_shown(r->figures[i].name)) {
            emit(p, "%r[%s](figures/%r.%r)", any ? ", " : "Further figures: ", r->figures[i].title,
                 r->figures[i].name, m->png ? "png" : "svg");
            any = true;
        }
    emit(p, "%r", any ? ".\n\n" : "");
}

/* ---- the test ------------------------------------------------------------- */

static void put_classes(struct rn_text *p, const struct rn_test *t)
{
    bool folded = t->classes > ROWS_FOLDED;

    emit(p, "%r| class | precision | recall | F1 | samples |\n|---|---:|---:|---:|---:|\n",
         folded ? "<details><summary>Scores of all classes</summary>\n\n" : "");
    for (int64_t c = 0; c < t->classes; c++) {
        const struct rn_class_fact *f = &t->per_class[c];
        emit(p, "| %s | %3 | %3 | %3 | %I |\n", f->name, f->precision, f->recall, f->f1,
             f->support);
    }
    emit(p, "%r\n", folded ? "\n</details>\n" : "");
}

static void put_pairs(struct rn_text *p, const struct rn_test *t)
{
    for (int64_t i = 0; i < t->n_pairs && i < PAIRS_SHOWN; i++)
        emit(p, "%r%s → %s (%I)",
             i ? ", " : "Most frequent mistakes: ", t->per_class[t->pairs[i].truth].name,
             t->per_class[t->pairs[i].predicted].name, t->pairs[i].count);
    emit(p, "%r", t->n_pairs ? ".\n\n" : "");
}

static void put_test(struct rn_text *p, const struct markdown *m, const struct rn_report *r)
{
    emit(p, "## Classes\n\n");
    put_figures(p, m, r, (const char *const[]){"class_scores", "confusion_matrix_counts", NULL});
    put_pairs(p, r->test);
    put_classes(p, r->test);
    if (find(r, "calibration"))
        emit(p, "## Confidence\n\n");
    put_figures(p, m, r, (const char *const[]){"calibration", NULL});
    if (find(r, "sample_predictions") || find(r, "worst_mistakes"))
        emit(p, "## Samples\n\n");
    put_figures(p, m, r, (const char *const[]){"sample_predictions", "worst_mistakes", NULL});
}

/* ---- model and origin ----------------------------------------------------- */

static void put_model(struct rn_text *p, const struct markdown *m, const struct rn_report *r)
{
    emit(p,
         "## Model\n\n| layer | type | output | parameters | MFLOP |\n|---|---|---|---:|---:|\n");
    for (int64_t i = 0; i < r->n_layers; i++) {
        const struct rn_layer_fact *l = &r->layers[i];
        emit(p, "| %s | %s | %s | %I | %3 |\n", l->name, l->type, l->output, l->params,
             l->flops / 1e6);
    }
    emit(p, "| **total** | | | **%I** | **%3** |\n\n", r->parameters, r->flops / 1e6);
    put_figures(p, m, r, (const char *const[]){"first_layer_weights", "time_by_layer", NULL});
    put_links(p, m, r);
}

static void put_folded(struct rn_text *p, const char *title, const char *yaml)
{
    if (!yaml || !*yaml)
        return;
    emit(p, "<details><summary>%s</summary>\n\n", title);
    put_block(p, "yaml", yaml);
    emit(p, "</details>\n\n");
}

static void put_facts(struct rn_text *p, const char *title, const struct rn_fact *f, int64_t n)
{
    if (!n)
        return;
    emit(p, "<details><summary>%s</summary>\n\n| | |\n|---|---|\n", title);
    for (int64_t i = 0; i < n; i++)
        emit(p, "| %s | %s |\n", f[i].key, f[i].value);
    emit(p, "\n</details>\n\n");
}

static void put_origin(struct rn_text *p, const struct rn_report *r)
{
    emit(p, "## To repeat it\n\n");
    put_block(p, "sh", r->command);
    emit(p,
         "Data: %s. Samples: %I train, %I validation, %I test. Batches of %I, seed %u. Started %s."
         "\n\n",
         r->data, r->train_samples, r->val_samples, r->test_samples, r->batch_size, r->seed,
         r->started);
    put_facts(p, "Values that are no defaults", r->changed, r->n_changed);
    put_folded(p, "Configuration, with every default filled in", r->config_yaml);
    put_facts(p, "Environment", r->environment, r->n_environment);
}

/* ---- the reporter --------------------------------------------------------- */

static int markdown_open(const void *opts, const struct rn_report *r, void **out)
{
    struct markdown *m = rn_host->alloc(sizeof *m);

    (void)r;
    *out = m;
    if (!m)
        return RN_FAIL(RN_ENOMEM, "out of memory: markdown");
    m->png = ((const struct options *)opts)->png;
    return m->png ? rsvg_open(&m->rsvg) : RN_OK;
}

static int markdown_end(void *rep, const struct rn_report *r)
{
    const struct markdown *m = rep;
    struct rn_text p = {0};
    char path[4096];

    if (snprintf(path, sizeof path, "%s/report.md", r->dir) >= (int)sizeof path)
        return RN_FAIL(RN_EIO, "markdown: the path %s is too long", r->dir);
    if (m->png)
        RN_TRY(write_pngs(&m->rsvg, r->dir, r->figures, r->n_figures));
    put_head(&p, r);
    put_numbers(&p, r);
    put_findings(&p, r);
    put_advice(&p, r);
    put_curves(&p, m, r);
    if (r->test && r->test->classes)
        put_test(&p, m, r);
    put_model(&p, m, r);
    put_origin(&p, r);
    int status = p.status ? p.status : rn_host->write_file(path, p.s, p.n);
    rn_host->free(p.s);
    return status;
}

static void markdown_close(void *rep) { rn_host->free(rep); }

static int markdown_sweep(const void *opts, const struct rn_sweep *s, const char *dir)
{
    bool png = ((const struct options *)opts)->png;
    struct rsvg rsvg;

    if (png) {
        RN_TRY(rsvg_open(&rsvg));
        RN_TRY(write_pngs(&rsvg, dir, s->figures, s->n_figures));
    }
    return sweep_markdown(s, dir, png ? "png" : "svg");
}

static int markdown_bench(const void *opts, const struct rn_bench *b, const char *dir)
{
    bool png = ((const struct options *)opts)->png;
    struct rsvg rsvg;

    if (png) {
        RN_TRY(rsvg_open(&rsvg));
        RN_TRY(write_pngs(&rsvg, dir, b->figures, b->n_figures));
    }
    return bench_markdown(b, dir, png ? "png" : "svg");
}

static const struct rn_plugin markdown = {
    RN_PLUGIN_HEAD(RN_KIND_REPORTER, struct options),
    .traits = RN_TRAIT_DEFAULT | RN_TRAIT_FROM_FILES,
    .priority = 20,
    .name = "markdown",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "report.md with the figures as PNG, for code hosts and comments",
    .doc = "Writes report.md and figures/*.png into the folder of a run, a sweep or a benchmark. "
           "The PNGs are\n"
           "made from the SVG figures by librsvg, at twice their size where that is not too large.",
    .options = options,
    .ops = &(const struct rn_reporter_ops){.size = sizeof(struct rn_reporter_ops),
                                           .open = markdown_open,
                                           .end = markdown_end,
                                           .close = markdown_close,
                                           .sweep = markdown_sweep,
                                           .bench = markdown_bench},
};

RN_PLUGINS(&markdown);
