/* slurm_script.c - the script of an array job. */
#include "slurm.h"

#include "base/error.h"

#include <runner/option.h>
#include <stdlib.h>
#include <string.h>

const struct rn_option slurm_rows[] = {
    RN_STRING(struct slurm_options, partition, NULL, 0, "where to run; Slurm's default"),
    RN_STRING(struct slurm_options, account, NULL, 0, "who pays; Slurm's default"),
    RN_INT(struct slurm_options, gpus, "0", 0, 1024, NULL, "graphics processors of a run"),
    RN_INT(struct slurm_options, cpus, "0", 0, 65536, NULL,
           "processors of a run; 0 for Slurm's default"),
    RN_SIZE(struct slurm_options, memory, "0", 0, 1e15, "memory of a run; 0 for Slurm's default"),
    RN_SPAN_WITH(struct slurm_options, time, "0 s", RN_OPT_TIME,
                 "time of a run until it is interrupted and begun again; 0 s for the partition's"),
    RN_SPAN_WITH(struct slurm_options, signal_before, "120 s", RN_OPT_TIME,
                 "how long before the end of its time a run is told to write a checkpoint"),
    RN_INT(struct slurm_options, array_limit, "0", 0, 1000000, "runs",
           "runs at a time; 0 for no limit"),
    {0},
};

static int check_word(const char *key, const char *s)
{
    static const char good[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:=+%@/-[]*&|";

    if (!s || (*s && strspn(s, good) == strlen(s)))
        return RN_OK;
    return FAIL(RN_EINVAL, "launcher.%s: '%s' is not a name that Slurm can have", key, s);
}

int slurm_check(const struct slurm_options *o)
{
    TRY(check_word("partition", o->partition));
    TRY(check_word("account", o->account));
    if (o->time.value > 0 && o->time.value < o->signal_before.value + 60)
        return FAIL(RN_EINVAL,
                    "launcher.time: %g s are over before a run is told so, expected at least a "
                    "minute more than signal_before (%g s), for Slurm tells it up to one early",
                    o->time.value, o->signal_before.value);
    for (int i = 0; i < o->n_extra; i++)
        for (const char *c = o->extra[i]; *c; c++)
            if ((unsigned char)*c < ' ')
                return FAIL(RN_EINVAL, "launcher.extra: line %d has a control character", i + 1);
    return RN_OK;
}

void slurm_quote(struct text *out, const char *word)
{
    text_put(out, "'", 1);
    for (; *word; word++)
        if (*word == '\'')
            text_put(out, "'\\''", 4);
        else
            text_put(out, word, 1);
    text_put(out, "'", 1);
}

static void put_options(const struct slurm_options *o, const struct slurm_array *a,
                        struct text *out)
{
    long long minutes = (long long)(o->time.value / 60 + 0.999);

    text_add(out, "#SBATCH --job-name=%s\n#SBATCH --array=0-%d", a->name, a->n - 1);
    if (o->array_limit)
        text_add(out, "%%%lld", (long long)o->array_limit);
    text_add(out, "\n#SBATCH --output=%s.%%a.out\n#SBATCH --open-mode=append\n#SBATCH --requeue\n",
             a->stem);
    text_add(out, "#SBATCH --signal=B:USR1@%lld\n", (long long)o->signal_before.value);
    if (o->partition)
        text_add(out, "#SBATCH --partition=%s\n", o->partition);
    if (o->account)
        text_add(out, "#SBATCH --account=%s\n", o->account);
    if (o->gpus)
        text_add(out, "#SBATCH --gpus=%lld\n", (long long)o->gpus);
    if (o->cpus)
        text_add(out, "#SBATCH --cpus-per-task=%lld\n", (long long)o->cpus);
    if (o->memory)
        text_add(out, "#SBATCH --mem=%lldM\n", (long long)((o->memory + (1 << 20) - 1) >> 20));
    if (minutes)
        text_add(out, "#SBATCH --time=%lld\n", minutes);
    for (int i = 0; i < o->n_extra; i++)
        text_add(out, "#SBATCH %s\n", o->extra[i]);
}

static void put_tasks(const struct slurm_array *a, struct text *out)
{
    text_add(out, "case $SLURM_ARRAY_TASK_ID in\n");
    for (int i = 0; i < a->n; i++) {
        text_add(out, "%d)\n    log=", i);
        slurm_quote(out, a->tasks[i]->log);
        text_add(out, "\n    set --");
        for (const char *const *arg = a->tasks[i]->args; *arg; arg++) {
            text_put(out, " ", 1);
            slurm_quote(out, *arg);
        }
        text_add(out, "\n    ;;\n");
    }
    text_add(out, "*) exit 70 ;;\nesac\n");
}

/* Slurm tells the script that the time is nearly over (USR1), and the script tells the run. When it
 * ends a job (TERM), it tells both, and a run that is told twice stops at once, so that one is not
 * passed on; such a job does not begin again by our doing. The run's exit code is taken by a shell
 * that no signal reaches: bash 5.2 loses it when a wait is interrupted just then. */
static const char rest[] =
    "rm -f \"$end\" \"$end.code\"\n"
    "child='' told='' ended='' code=137\n"
    "trap 'ended=yes' TERM\n"
    "trap 'told=yes; trap \"\" USR1; [ -z \"$child\" ] || kill -USR1 -- \"-$child\"' USR1\n"
    "set -m # the run has a process group of its own\n"
    "(\n"
    "    trap '' TERM USR1\n"
    "    \"$runner\" \"$@\" </dev/null >>\"$log\" 2>&1\n"
    "    echo $? >\"$end.code\"\n"
    ") &\n"
    "child=$!\n"
    "while kill -0 \"$child\" 2>/dev/null; do # a signal ends the wait, too\n"
    "    wait \"$child\"\n"
    "done\n"
    "[ ! -e \"$end.code\" ] || read -r code <\"$end.code\"\n"
    "rm -f \"$end.code\"\n"
    "# 75: stopped with a checkpoint; 7: an earlier start of it still runs somewhere.\n"
    "if { [ \"$told$code\" = yes75 ] || [ \"$code\" = 7 ]; } && [ -z \"$ended\" ] &&\n"
    "    [ \"${SLURM_RESTART_COUNT:-0}\" -lt 100 ] && scontrol requeue \"$SLURM_JOB_ID\"; then\n"
    "    exit \"$code\"\n"
    "fi\n"
    "echo \"$code ${ended:+ended}\" >\"$end.new\" && mv -f \"$end.new\" \"$end\"\n"
    "exit \"$code\"\n";

void slurm_script(const struct slurm_options *o, const struct slurm_array *a, struct text *out)
{
    text_add(out, "#!/bin/bash\n# %s\n", a->what);
    put_options(o, a, out);
    text_add(out, "\n# shellcheck disable=SC2016 # nothing is to be expanded in names\nrunner=");
    slurm_quote(out, a->program);
    text_add(out, "\ncd ");
    slurm_quote(out, a->cwd);
    text_add(out, " || exit 5\nend=");
    slurm_quote(out, a->dir);
    text_add(out, "/%s.$SLURM_ARRAY_TASK_ID.exit\n", a->stem);
    put_tasks(a, out);
    text_put(out, rest, sizeof rest - 1);
}

int slurm_array_max(const char *config)
{
    const char *at = strstr(config, "MaxArraySize");
    long n = 0;

    if (at && (at = strchr(at, '=')))
        n = strtol(at + 1, NULL, 10); /* the largest index is one less */
    return n >= 1 && n < 1000 ? (int)n : 1000;
}
