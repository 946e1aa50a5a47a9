/* checkpoint.c - saves weights after epochs: of the best, of the last, of every few. */
#include <runner/callback.h>

#include <stdio.h>
#include <string.h>

struct checkpoint {
    const char *monitor;
    int64_t mode; /* enum rn_mode */
    int64_t save; /* enum which */
    int64_t every, keep;
    const char *name;
};

enum which { BEST, LAST, EVERY };
static const struct rn_choice which[] = {
    {"best", BEST, "whenever monitor is better than ever, in one file"},
    {"last", LAST, "after each epoch, in one file"},
    {"every", EVERY, "after each epoch, each in a file of its own"},
    {NULL, 0, NULL}};

static const struct rn_option options[] = {
    RN_STRING(struct checkpoint, monitor, "val.loss", 0, "best: the metric to look at"),
    RN_CHOICE(struct checkpoint, mode, "auto", rn_modes, "best: what is better"),
    RN_CHOICE(struct checkpoint, save, "best", which, "which epochs"),
    RN_INT(struct checkpoint, every, "1", 1, 0x1p62, "epochs",
           "last, every: from one save to the next"),
    RN_INT(struct checkpoint, keep, "0", 0, 0x1p62, "files",
           "every: so many stay, older ones are removed; 0: all stay"),
    {RN_OPT_(struct checkpoint, name, const char *, RN_OPT_STRING, NULL,
             "of the file, without folder and ending; every: and the epoch behind it"),
     .min = 1, .max = 40},
    RN_END,
};

struct state {
    double best;
    int64_t begun;
};

/* "best-val.loss", "last", "epoch-3", or with the name given; other characters than those of
 * file names become '-'. */
static void file_name(const struct checkpoint *o, int64_t epoch, char *out, size_t room)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    if (o->save == EVERY)
        snprintf(out, room, "%s-%lld", o->name ? o->name : "epoch", (long long)epoch);
    else if (o->name || o->save == LAST)
        snprintf(out, room, "%s", o->name ? o->name : "last");
    else
        snprintf(out, room, "best-%s", o->monitor);
    for (char *s = out; *(s += strspn(s, good));)
        *s = '-';
    if (*out == '.')
        *out = '-';
}

/* Better than ever, which is noted. NaN never is. */
static bool is_best(const struct checkpoint *o, struct state *s, double v)
{
    bool more = rn_more_is_better(o->mode, o->monitor);

    if (isnan(v) || (s->begun && (more ? v <= s->best : v >= s->best)))
        return false;
    *s = (struct state){.best = v, .begun = 1};
    return true;
}

static int checkpoint_at(const void *opts, void *state, struct rn_moment *m)
{
    const struct checkpoint *o = opts;
    bool due = o->save == BEST ? is_best(o, state, rn_moment_metric(m, o->monitor))
                               : m->epoch % o->every == 0;

    if (!due)
        return RN_OK;
    m->want |= RN_WANT_SAVE;
    file_name(o, m->epoch, m->file, sizeof m->file);
    int64_t files = m->epoch / o->every;
    if (o->save == EVERY && o->keep && files > o->keep) {
        m->want |= RN_WANT_REMOVE;
        file_name(o, (files - o->keep) * o->every, m->old_file, sizeof m->old_file);
    }
    return RN_OK;
}

static const struct rn_plugin checkpoint = {
    RN_PLUGIN_HEAD(RN_KIND_CALLBACK, struct checkpoint),
    .name = "checkpoint",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "saves weights while training",
    .doc = "Files in the run's folder weights/, as safetensors: best-<monitor>, last,\n"
           "epoch-<number>; name replaces what stands before the number. A run has best (by\n"
           "val.loss) and last without it, too.\n"
           "\n"
           "    - {type: checkpoint, monitor: val.accuracy}\n"
           "    - {type: checkpoint, save: every, every: 5, keep: 3}\n"
           "\n"
           "As ModelCheckpoint of Keras and PyTorch Lightning.",
    .options = options,
    .ops = &(const struct rn_callback_ops){.size = sizeof(struct rn_callback_ops),
                                           .when = RN_AT_EPOCH,
                                           .state_size = sizeof(struct state),
                                           .at = checkpoint_at},
};

RN_PLUGINS(&checkpoint);
