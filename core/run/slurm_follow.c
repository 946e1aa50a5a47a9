/* slurm_follow.c - which task is where. Slurm forgets a job minutes after it ended and cannot be
 * asked while its controller is away: how a task ended is in the file that its script leaves, and
 * squeue's word counts only where there is none. */
#define _XOPEN_SOURCE 700
#include "slurm_follow.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GONE = 3 /* polls */, LOST_MAX = 3 };
#define FILE_BYTES (16u << 20)

/* ---- arrays and their files ----------------------------------------------------------- */

struct array *follow_add(struct follow *f)
{
    if (f->n_arrays == f->room) {
        int room = f->room ? 2 * f->room : 8;
        struct array *more = pool_alloc(f->pool, (size_t)room * sizeof *more);
        if (!more)
            return NULL;
        if (f->n_arrays)
            memcpy(more, f->arrays, (size_t)f->n_arrays * sizeof *more);
        f->arrays = more;
        f->room = room;
    }
    f->arrays[f->n_arrays] = (struct array){0};
    return &f->arrays[f->n_arrays++];
}

const char *follow_file(const struct follow *f, const struct array *a, const char *suffix)
{
    return pool_printf(f->pool, "%s/%d%s", f->dir, a->number, suffix);
}

int follow_write(const struct follow *f, const struct array *a)
{
    struct text t = {0};
    const char *path = follow_file(f, a, ".json");

    text_add(&t, "{\"name\": ");
    json_string(&t, a->name);
    text_add(&t, ", \"job\": %ld, \"tasks\": [", a->job);
    for (int i = 0; i < a->n; i++) {
        text_add(&t, i ? ",\n  " : "\n  ");
        json_string(&t, f->tasks[a->task[i]].id);
    }
    text_add(&t, "]}\n");
    int status = t.status < 0 || !path ? RN_ENOMEM : file_write(path, t.s, t.n);
    text_free(&t);
    return status;
}

static int task_of(const struct follow *f, const char *id)
{
    for (int i = 0; id && i < f->n; i++)
        if (!strcmp(f->tasks[i].id, id))
            return i;
    return -1;
}

/* What an earlier process submitted. RN_ENOMEM. */
static int read_array(struct follow *f, int number, bool *there)
{
    const char *file = pool_printf(f->pool, "%d.json", number);
    const char *path = pool_printf(f->pool, "%s/%d.json", f->dir, number);
    cJSON *root = file ? json_read(f->dir, file, FILE_BYTES) : NULL;
    const cJSON *tasks = cJSON_GetObjectItem(root, "tasks"), *one;
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(root, "name"));
    struct array *a = name ? follow_add(f) : NULL;

    *there = path && file_exists(path);
    f->next_number = number;
    if (a) {
        *a = (struct array){
            .number = number, .name = pool_strdup(f->pool, name), .n = cJSON_GetArraySize(tasks)};
        const cJSON *job = cJSON_GetObjectItem(root, "job");
        a->job = cJSON_IsNumber(job) ? (long)job->valuedouble : 0;
        a->task = pool_alloc(f->pool, (size_t)(a->n + 1) * sizeof *a->task);
        int i = 0;
        cJSON_ArrayForEach(one, tasks) if (a->task) a->task[i++] =
            task_of(f, cJSON_GetStringValue(one));
    }
    cJSON_Delete(root);
    return !path || (name && (!a || !a->name || !a->task)) ? RN_ENOMEM : RN_OK;
}

int follow_read(struct follow *f)
{
    bool there = true;

    for (int i = 1; there; i++)
        TRY(read_array(f, i, &there));
    return RN_OK; /* next_number is that of the first that is not there */
}

/* ---- how a task ended -------------------------------------------------------------------- */

static void end_of_code(int code, struct child_end *end)
{
    static const int fatal[] = {SIGILL,  SIGTRAP, SIGABRT, SIGBUS, SIGFPE,
                                SIGKILL, SIGSEGV, SIGTERM, SIGSYS};

    *end = (struct child_end){.exit_code = code};
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        if (code == 128 + fatal[i])
            *end = (struct child_end){.exit_code = -1, .signal = fatal[i]};
}

static void task_path(const struct follow *f, const struct place *p, const char *what,
                      char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s/%d.%d.%s", f->dir, f->arrays[p->array].number, p->index, what);
}

static bool read_end(const struct follow *f, const struct place *p, struct child_end *end)
{
    char path[PATH_MAX];
    void *data = NULL;
    uint64_t bytes;

    task_path(f, p, "exit", path);
    if (!file_exists(path) || file_read(path, 64, &data, &bytes) < 0)
        return false;
    end_of_code((int)strtol(data, NULL, 10), end);
    if (end->exit_code != 0 && strstr(data, "ended")) {
        end->cancelled = true;
        end->why = "cancelled in Slurm";
    }
    mem_free(data);
    return true;
}

static void end_of_state(const char *state, struct child_end *end)
{
    static const struct {
        const char *state, *why;
        int signal;
    } ends[] = {
        {"CANCELLED", "cancelled in Slurm", SIGTERM},
        {"NODE_FAIL", "its node failed", SIGKILL},
        {"BOOT_FAIL", "its node failed", SIGKILL},
        {"OUT_OF_MEMORY", "out of memory, says Slurm", SIGKILL},
        {"TIMEOUT", "its time in Slurm was over", SIGKILL},
        {"DEADLINE", "its deadline in Slurm was over", SIGKILL},
        {"PREEMPTED", "preempted by another job", SIGTERM},
        {"FAILED", "its script failed in Slurm; see the slurm folder", SIGKILL},
    };

    *end = (struct child_end){
        .exit_code = -1, .signal = SIGKILL, .why = "it left Slurm's queue without a word"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (!strcmp(state, ends[i].state))
            *end = (struct child_end){.exit_code = -1,
                                      .signal = ends[i].signal,
                                      .cancelled = !strcmp(state, "CANCELLED"),
                                      .why = ends[i].why};
}

static int tell_started(struct follow *f, int task)
{
    if (f->place[task].told)
        return RN_OK;
    f->place[task].told = true;
    f->place[task].begun_ns = clock_ns();
    return f->events->started ? f->events->started(f->events->ctx, task) : RN_OK;
}

static int over(struct follow *f, int task, struct child_end *end)
{
    struct place *p = &f->place[task];
    char path[PATH_MAX];
    struct stat st;
    bool told = p->told || end->exit_code >= 0 || !end->why; /* it ran, then */

    task_path(f, p, "exit", path);
    unlink(path);
    task_path(f, p, "out", path); /* Slurm had nothing to say */
    if (!stat(path, &st) && !st.st_size)
        unlink(path);
    p->state = TASK_OVER;
    f->arrays[p->array].task[p->index] = -1;
    if (!told && (f->stopped || f->halted)) /* as if it had never been begun */
        return RN_OK;
    TRY(tell_started(f, task));
    end->too_slow = p->asked;
    end->cancelled &= !f->stopped && !p->asked;
    if (p->asked || (f->stopped && !end->signal))
        end->why = NULL;
    int again = f->events->ended(f->events->ctx, task, end);
    TRY(again);
    if (again)
        *p = (struct place){.state = TASK_WAITS};
    return RN_OK;
}

/* ---- squeue ------------------------------------------------------------------------------ */

static bool is_waiting(const char *state)
{
    static const char *const words[] = {"PENDING",     "REQUEUED",     "REQUEUE_HOLD",
                                        "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(state, words[i]))
            return true;
    return false;
}

static bool is_running(const char *state)
{
    static const char *const words[] = {"RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED",
                                        "STOPPED", "RESIZING",    "SIGNALING",  "STAGE_OUT"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(state, words[i]))
            return true;
    return false;
}

static struct array *array_of(const struct follow *f, long job, const char *name)
{
    for (int i = 0; i < f->n_arrays; i++) {
        struct array *a = &f->arrays[i];
        if (strcmp(a->name, name) || (a->job && a->job != job))
            continue;
        a->job = job; /* submitted, and killed before that was written */
        return a;
    }
    return NULL;
}

/* "12|3|RUNNING|name": job, index, state. */
static int take_row(struct follow *f, char *row)
{
    char *field[4], *save = NULL;

    for (int i = 0; i < 4; i++)
        if (!(field[i] = strtok_r(i ? NULL : row, "|", &save)))
            return RN_OK;
    struct array *a = array_of(f, strtol(field[0], NULL, 10), field[3]);
    int index = a ? (int)strtol(field[1], NULL, 10) : -1;
    if (index < 0 || index >= a->n || a->task[index] < 0)
        return RN_OK;
    struct place *p = &f->place[a->task[index]];
    bool waits = is_waiting(field[2]), runs = is_running(field[2]);
    if (p->state == TASK_WAITS) { /* of an earlier process */
        if (!waits && (!runs || !strcmp(field[2], "COMPLETING")))
            return RN_OK;
        p->array = (int)(a - f->arrays);
        p->index = index;
    } else if (p->array != a - f->arrays || p->index != index || p->state == TASK_OVER) {
        return RN_OK;
    }
    snprintf(p->last, sizeof p->last, "%s", field[2]);
    if (waits || runs) {
        p->state = waits ? TASK_QUEUED : TASK_RUNS;
        p->silent = 0;
    }
    return !strcmp(field[2], "RUNNING") ? tell_started(f, a->task[index]) : RN_OK;
}

/* Whom squeue did not name as waiting or running: it left a word, or will be given up. */
static int settle(struct follow *f)
{
    struct child_end end;

    for (int i = 0; i < f->n; i++) {
        struct place *p = &f->place[i];
        if ((p->state != TASK_QUEUED && p->state != TASK_RUNS) || is_waiting(p->last) ||
            !strcmp(p->last, "RUNNING"))
            continue;
        if (read_end(f, p, &end)) {
            if (end.cancelled && is_running(p->last))
                continue; /* or put back */
            TRY(over(f, i, &end));
        } else if (p->silent >= GONE && !p->last[0] && !p->told && p->lost < LOST_MAX) {
            /* A controller that died forgets what it had not saved yet. */
            f->arrays[p->array].task[p->index] = -1;
            *p = (struct place){.state = TASK_WAITS, .lost = p->lost + 1};
        } else if (p->silent >= GONE) {
            end_of_state(p->last, &end);
            TRY(over(f, i, &end));
        }
    }
    return RN_OK;
}

bool follow_alive(const struct array *a)
{
    for (int i = 0; i < a->n; i++)
        if (a->task[i] >= 0)
            return true;
    return false;
}

/* One that still waits to be submitted is in no array. */
static void forget(struct follow *f)
{
    for (int k = 0; k < f->n_arrays; k++)
        for (int i = 0, *task = f->arrays[k].task; i < f->arrays[k].n; i++)
            if (task[i] >= 0 &&
                (f->place[task[i]].state == TASK_WAITS || f->place[task[i]].array != k))
                task[i] = -1;
}

void follow_away(struct follow *f, const char *program, const struct command *c)
{
    if (!f->away_said)
        log_line(RN_WARNING, "slurm", "%s: %s; asking again", program, text_str(&c->err));
    f->away_said = true;
}

static int take_rows(struct follow *f, char *rows)
{
    char *save = NULL;

    f->away_said = false;
    for (int i = 0; i < f->n; i++) {
        f->place[i].silent++;
        f->place[i].last[0] = '\0';
    }
    for (char *row = strtok_r(rows, "\n", &save); row; row = strtok_r(NULL, "\n", &save))
        TRY(take_row(f, row));
    forget(f);
    return settle(f);
}

int follow_look(struct follow *f)
{
    struct text names = {0};
    struct command c;
    char nothing[1] = "";

    for (int i = 0; i < f->n_arrays; i++)
        if (follow_alive(&f->arrays[i]))
            text_add(&names, "%s%s", names.n ? "," : "", f->arrays[i].name);
    const char *const ask[] = {"squeue", "--noheader", "--array",        "--states=all",
                               "--me",   "--name",     text_str(&names), "--format=%F|%K|%T|%j",
                               NULL};
    f->answered = names.n == 0;
    int status = names.status < 0 ? names.status : f->answered ? RN_OK : command_run(ask, NULL, &c);
    if (!f->answered && !status) {
        f->answered = !c.exit_code;
        if (f->answered)
            status = take_rows(f, c.out.s ? c.out.s : nothing);
        else
            follow_away(f, ask[0], &c);
        command_free(&c);
    }
    text_free(&names);
    return status;
}
