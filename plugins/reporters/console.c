/* console.c - a run as lines for people: progress, epochs and judgement on stderr, the final result
 * on stdout. On a terminal the progress is one line that is drawn over, at most ten times a second;
 * elsewhere an epoch gives one line, and a long one a second while it lasts. */
#define _GNU_SOURCE
#include <runner/reporter.h>
#include <runner/text.h>

#include <langinfo.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINE        1024
#define REDRAW_NS   100000000u   /* between redraws */
#define SILENCE_NS  10000000000u /* without a terminal: before a line within an epoch */
#define BAR_MAX     24
#define BAR_MIN     4
#define WIDTH_GUESS 80

enum progress { AUTO, BAR, LINES, NONE };

struct console_opts {
    int64_t progress; /* enum progress */
};

struct console {
    int64_t progress;
    int verbosity;
    bool colour_out, colour_err, utf8, drawn;
    uint64_t last_ns;   /* of the last progress */
    int64_t told_epoch; /* that had a line within */
};

/* ---- text ----------------------------------------------------------------- */

/* For a terminal: what may be shown in one line; outside UTF-8 only ASCII. */
static void clean(const struct console *c, char *s)
{
    static const struct {
        const char *utf8, *ascii;
    } known[] = {{"·", "-"}, {"–", "-"}, {"→", ">"}, {"×", "x"},
                 {"±", "~"}, {"█", "#"}, {"░", "."}};
    char *to = s;

    while (*s) {
        int shown = rn_utf8_shown(s);
        size_t n = shown ? (size_t)shown : 1;
        if (!shown || *s == '\n' || *s == '\r' || *s == '\t' || (n > 1 && !c->utf8)) {
            char plain = '?';
            for (size_t i = 0; i < sizeof known / sizeof *known; i++)
                if (!strncmp(s, known[i].utf8, n) && !known[i].utf8[n])
                    plain = known[i].ascii[0];
            *to++ = plain;
        } else {
            memmove(to, s, n);
            to += n;
        }
        s += n;
    }
    *to = '\0';
}

static int columns(const char *s)
{
    int n = 0;

    for (; *s; s++)
        n += (*s & 0xC0) != 0x80;
    return n;
}

/* Cut to so many columns. */
static void fit(char *s, int width)
{
    for (; *s; s++)
        if ((*s & 0xC0) != 0x80 && width-- <= 0)
            break;
    *s = '\0';
}

static void wipe(struct console *c)
{
    if (c->drawn)
        fputs("\r\033[K", stderr);
    c->drawn = false;
}

/* One line; errors of the stream are nobody's business here: the run goes on. */
RN_PRINTF(4, 5)
static void say(struct console *c, FILE *to, const char *colour, const char *fmt, ...)
{
    char line[4 * LINE];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    clean(c, line);
    wipe(c);
    if (!(to == stderr ? c->colour_err : c->colour_out))
        colour = "";
    fprintf(to, "%s%s%s\n", colour, line, colour[0] ? "\033[0m" : "");
    fflush(to);
}

#define GREEN "\033[32m"
#define RED   "\033[31m"
#define BOLD  "\033[1m"

/* 21400 as "21.4k", with gap before the k */
static const char *scaled(double v, const char *gap, char out[32])
{
    static const char units[] = " kMGTP";
    size_t u = 0;

    while (v >= 999.5 && u + 1 < sizeof units - 1)
        v /= 1000, u++;
    int n = snprintf(out, 32, "%.3g", v);
    snprintf(out + n, 32 - (size_t)n, "%s%.1s", gap, u ? units + u : "");
    return out;
}

/* 3661 as "1:01:01" */
static const char *clock_text(double s, char out[32])
{
    long long t = isfinite(s) && s > 0 && s < 1e9 ? (long long)(s + 0.5) : 0;

    if (t >= 3600)
        snprintf(out, 32, "%lld:%02lld:%02lld", t / 3600, t / 60 % 60, t % 60);
    else
        snprintf(out, 32, "%lld:%02lld", t / 60, t % 60);
    return out;
}

struct line {
    char s[LINE];
    size_t n;
};

RN_PRINTF(2, 3) static void put(struct line *l, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(l->s + l->n, sizeof l->s - l->n, fmt, args);
    va_end(args);
    l->n += n < 0 ? 0 : (size_t)n;
    if (l->n >= sizeof l->s)
        l->n = sizeof l->s - 1;
}

/* ---- progress ------------------------------------------------------------- */

static int terminal_width(void)
{
    struct winsize w;

    return !ioctl(STDERR_FILENO, TIOCGWINSZ, &w) && w.ws_col ? w.ws_col : WIDTH_GUESS;
}

static void head_put(struct line *l, const struct rn_progress *p)
{
    if (!strcmp(p->phase, "train"))
        put(l, "epoch %lld/%lld", (long long)p->epoch, (long long)p->epochs);
    else
        put(l, "%s", p->phase);
}

static void tail_put(struct line *l, const struct rn_progress *p)
{
    char rate[32], left[32];

    put(l, " %lld/%lld", (long long)p->step, (long long)p->steps);
    if (isfinite(p->loss))
        put(l, "  loss %.3g", p->loss);
    if (p->samples_per_s > 0)
        put(l, "  %s/s", scaled(p->samples_per_s, "", rate));
    if (isfinite(p->seconds_left) && p->seconds_left >= 0)
        put(l, "  %s left", clock_text(p->seconds_left, left));
}

static void bar_draw(struct console *c, const struct rn_progress *p)
{
    struct line head = {.n = 0}, tail = {.n = 0}, all = {.n = 0};
    int width = terminal_width() - 1; /* the last column would wrap on some terminals */

    head_put(&head, p);
    tail_put(&tail, p);
    int bar = width - columns(head.s) - columns(tail.s) - 1;
    bar = bar > BAR_MAX ? BAR_MAX : bar < BAR_MIN ? 0 : bar;
    double share = p->steps > 0 ? (double)p->step / (double)p->steps : 0;
    put(&all, "%s%s", head.s, bar ? " " : "");
    for (int i = 0; i < bar; i++)
        put(&all, "%s", i < (int)(share * bar + 0.5) ? "█" : "░");
    put(&all, "%s", tail.s);
    clean(c, all.s);
    fit(all.s, width);
    fprintf(stderr, "\r%s\033[K", all.s);
    fflush(stderr);
    c->drawn = true;
}

static int console_progress(void *rep, const struct rn_progress *p)
{
    struct console *c = rep;
    const uint64_t now = rn_host->clock_ns();

    if (c->verbosity < 0 || c->progress == NONE ||
        now - c->last_ns < (c->progress == BAR ? REDRAW_NS : SILENCE_NS))
        return RN_OK;
    if (c->progress == BAR) {
        bar_draw(c, p);
    } else if (c->told_epoch != p->epoch) {
        struct line l = {.n = 0};
        head_put(&l, p);
        tail_put(&l, p);
        say(c, stderr, "", "%s", l.s);
        c->told_epoch = p->epoch;
    }
    c->last_ns = now;
    return RN_OK;
}

static void measure_put(struct line *l, const char *name, double loss, double accuracy)
{
    if (isnan(loss) && isnan(accuracy))
        return;
    put(l, "  %s %.3g", name, isnan(loss) ? (double)NAN : loss); /* without its sign */
    if (!isnan(accuracy))
        put(l, " (%.1f %%)", 100 * accuracy);
}

/* Further metrics of a split, each as before, its name, between, its value, behind. */
static void further_put(struct line *l, const struct rn_report *r, const char *split, int64_t epoch,
                        const char *const marks[3])
{
    for (int64_t i = 0; i < r->n_measures; i++)
        if (r->measures[i].epoch == epoch && !strcmp(r->measures[i].split, split))
            put(l, "%s%s%s%.4g%s", marks[0], r->measures[i].name, marks[1], r->measures[i].value,
                marks[2]);
}

static int console_epoch(void *rep, const struct rn_report *r)
{
    struct console *c = rep;
    struct line l = {.n = 0};
    char rate[32];

    if (c->verbosity < 0 || c->progress == NONE || !r->n_epochs)
        return RN_OK;
    const struct rn_epoch *e = &r->epochs[r->n_epochs - 1];
    put(&l, "epoch %lld/%lld", (long long)e->epoch, (long long)r->epochs_planned);
    measure_put(&l, "loss", e->train_loss, isnan(e->val_loss) ? e->train_accuracy : NAN);
    measure_put(&l, "val", e->val_loss, e->val_accuracy);
    further_put(&l, r, "val", e->epoch, (const char *const[3]){"  ", " ", ""});
    put(&l, "  lr %.3g  %s/s  %.1f s", e->lr, scaled(e->samples_per_s, "", rate), e->train_s);
    say(c, stderr, "", "%s", l.s);
    c->last_ns = rn_host->clock_ns();
    return RN_OK;
}

/* ---- the end -------------------------------------------------------------- */

static bool finished(const struct rn_report *r) { return !strcmp(r->status, "finished"); }

static void judgement_say(struct console *c, const struct rn_report *r)
{
    if (!finished(r))
        say(c, stderr, RED, "%s: %s", r->status, r->reason);
    else if (r->n_epochs < r->epochs_planned && r->reason[0])
        say(c, stderr, "", "ended in epoch %lld of %lld: %s", (long long)r->n_epochs,
            (long long)r->epochs_planned, r->reason);
    for (int64_t i = 0; i < r->n_findings; i++)
        if (r->findings[i].tone != RN_NEUTRAL)
            say(c, stderr, r->findings[i].tone == RN_GOOD ? GREEN : RED, "%s %s",
                r->findings[i].tone == RN_GOOD ? "+" : "!", r->findings[i].text);
}

/* A table of the expectations that do not hold. */
static void expectations_say(struct console *c, const struct rn_report *r)
{
    bool any = false;

    for (int64_t i = 0; i < r->n_expectations; i++) {
        const struct rn_expectation *e = &r->expectations[i];
        char got[32] = "not measured", off[32] = "-";

        if (e->holds)
            continue;
        if (!any)
            say(c, stderr, "", "%-12s %-22s %-18s %-12s %-10s %s", "expectation", "metric",
                "wanted", "got", "off by", "where");
        any = true;
        if (!isnan(e->value))
            snprintf(got, sizeof got, "%.6g", e->value), snprintf(off, sizeof off, "%.3g", e->off);
        say(c, stderr, e->warns ? "" : RED, "%-12s %-22s %-18s %-12s %-10s %s",
            e->warns ? "warning" : "FAILED", e->metric, e->wanted, got, off,
            e->where ? e->where : "");
    }
}

/* "worst classes  8 (96.2 %), 9 (96.5 %)    most confused 4→9 ×14" */
static void classes_put(struct line *l, const struct rn_report *r)
{
    const struct rn_test *t = r->test;
    int64_t worst[2] = {-1, -1};

    for (int64_t k = 0; k < t->classes; k++) {
        const struct rn_class_fact *f = &t->per_class[k];
        if (!f->support)
            continue;
        if (worst[0] < 0 || f->recall < t->per_class[worst[0]].recall)
            worst[1] = worst[0], worst[0] = k;
        else if (worst[1] < 0 || f->recall < t->per_class[worst[1]].recall)
            worst[1] = k;
    }
    for (int i = 0; i < 2 && worst[i] >= 0 && t->per_class[worst[i]].recall < 1; i++)
        put(l, "%s%s (%.1f %%)", i ? ", " : "  worst classes  ", t->per_class[worst[i]].name,
            100 * t->per_class[worst[i]].recall);
    for (int64_t i = 0; i < 2 && i < t->n_pairs; i++)
        put(l, "%s%s→%s ×%lld", i ? ", " : "    most confused ",
            t->per_class[t->pairs[i].truth].name, t->per_class[t->pairs[i].predicted].name,
            (long long)t->pairs[i].count);
}

/* The final pass over the test set, else the last epoch: as a metric's prefix and two values. */
static const char *final_numbers(const struct rn_report *r, double *loss, double *accuracy)
{
    const struct rn_epoch *e = r->n_epochs ? &r->epochs[r->n_epochs - 1] : NULL;
    bool val = e && !isnan(e->val_loss);

    *loss = r->test ? r->test->loss : !e ? NAN : val ? e->val_loss : e->train_loss;
    *accuracy = r->test && r->test->classes ? r->test->accuracy
                : r->test || !e             ? NAN
                : val                       ? e->val_accuracy
                                            : e->train_accuracy;
    return r->test ? "test" : val ? "val" : "train";
}

/* Under which measures stand what final_numbers() shows. */
static int64_t final_epoch(const struct rn_report *r)
{
    return r->test || !r->n_epochs ? 0 : r->epochs[r->n_epochs - 1].epoch;
}

static void result_say(struct console *c, const struct rn_report *r)
{
    struct line numbers = {.n = 0}, further = {.n = 0}, classes = {.n = 0};
    double loss, accuracy;
    const char *split = final_numbers(r, &loss, &accuracy);
    char report[LINE], before[16];

    if (!isnan(accuracy))
        put(&numbers, "  %s.accuracy  %.2f %%", split, 100 * accuracy);
    if (r->test && r->test->classes)
        put(&numbers, "   95 %% CI %.2f–%.2f", 100 * r->test->low, 100 * r->test->high);
    if (!isnan(loss))
        put(&numbers, "%s%s.loss %.4g", numbers.n ? "    " : "  ", split, loss);
    if (numbers.n && rn_tested_epoch(r))
        put(&numbers, "    weights of epoch %lld", (long long)rn_tested_epoch(r));
    if (numbers.n) {
        say(c, stdout, "", "%s", "");
        say(c, stdout, BOLD, "%s", numbers.s);
    }
    snprintf(before, sizeof before, "  %s.", split);
    further_put(&further, r, split, final_epoch(r), (const char *const[3]){before, " ", ""});
    if (further.n)
        say(c, stdout, "", "%s", further.s);
    if (r->test && r->test->classes)
        classes_put(&classes, r);
    if (classes.n)
        say(c, stdout, "", "%s", classes.s);
    snprintf(report, sizeof report, "%s/report.html", r->dir);
    say(c, stdout, "", "%s", access(report, F_OK) ? r->dir : report);
}

/* "test.accuracy=0.9770 test.loss=0.0782 reports/..." */
static void quiet_say(struct console *c, const struct rn_report *r)
{
    struct line l = {.n = 0};
    char before[16];
    double loss, accuracy;
    const char *split = final_numbers(r, &loss, &accuracy);

    if (!finished(r))
        put(&l, "status=%s ", r->status);
    if (!isnan(accuracy))
        put(&l, "%s.accuracy=%.4f ", split, accuracy);
    if (!isnan(loss))
        put(&l, "%s.loss=%.4g ", split, loss);
    snprintf(before, sizeof before, "%s.", split);
    further_put(&l, r, split, final_epoch(r), (const char *const[3]){before, "=", " "});
    say(c, stdout, "", "%s%s", l.s, r->dir);
}

static int console_end(void *rep, const struct rn_report *r)
{
    struct console *c = rep;

    if (c->verbosity <= -2)
        return RN_OK;
    if (c->verbosity == -1) {
        quiet_say(c, r);
        return RN_OK;
    }
    judgement_say(c, r);
    expectations_say(c, r);
    result_say(c, r);
    return RN_OK;
}

/* ---- opening -------------------------------------------------------------- */

static void header_say(struct console *c, const struct rn_report *r)
{
    char parameters[32], flops[32];

    say(c, stderr, BOLD, "%s · %s parameters · %sFLOP/sample · %s", r->name,
        rn_grouped(r->parameters, parameters), scaled(r->flops, " ", flops), r->device);
    say(c, stderr, "", "data %s", r->data);
    if (r->resumed_step)
        say(c, stderr, "", "goes on behind step %lld (attempt %lld)", (long long)r->resumed_step,
            (long long)r->attempt);
}

static int console_open(const void *opts, const struct rn_report *r, void **out)
{
    const struct console_opts *o = opts;
    struct console *c = rn_host->alloc(sizeof *c);
    const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");

    *out = c;
    if (!c)
        return RN_FAIL(RN_ENOMEM, "console: out of memory");
    bool capable = term && strcmp(term, "dumb") != 0;
    bool colour = capable && !(no_colour && no_colour[0]);
    c->verbosity = r->verbosity;
    c->colour_out = colour && isatty(STDOUT_FILENO);
    c->colour_err = colour && isatty(STDERR_FILENO);
    c->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
    c->progress = o->progress != AUTO                ? o->progress
                  : capable && isatty(STDERR_FILENO) ? BAR
                                                     : LINES;
    c->last_ns = rn_host->clock_ns();
    if (c->verbosity >= 0)
        header_say(c, r);
    return RN_OK;
}

static void console_close(void *rep)
{
    struct console *c = rep;

    wipe(c);
    fflush(stderr);
    rn_host->free(c);
}

static const struct rn_choice progress_choices[] = {
    {"auto", AUTO, "bar on a terminal, else lines"},
    {"bar", BAR, "one line that is drawn over"},
    {"lines", LINES, "one or two lines an epoch"},
    {"none", NONE, "only the result"},
    {.name = NULL},
};

static const struct rn_option options[] = {
    RN_CHOICE(struct console_opts, progress, "auto", progress_choices, "how progress is shown"),
    RN_END,
};

static const struct rn_reporter_ops ops = {.size = sizeof ops,
                                           .open = console_open,
                                           .progress = console_progress,
                                           .epoch = console_epoch,
                                           .end = console_end,
                                           .close = console_close};

static const struct rn_plugin console = {
    RN_PLUGIN_HEAD(RN_KIND_REPORTER, struct console_opts),
    .traits = RN_TRAIT_DEFAULT,
    .priority = 40,
    .name = "console",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "progress and epochs on stderr, the result on stdout",
    .doc = "Obeys NO_COLOR and TERM=dumb. With -q the result is one line, with -qq there is none.",
    .options = options,
    .ops = &ops,
};

RN_PLUGINS(&console);
