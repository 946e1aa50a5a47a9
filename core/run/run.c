/* run.c - the life of a run: open, make the folder, train, test, judge, report. */
#define _XOPEN_SOURCE 700
#include "run.h"

#include "advise.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/stop.h"
#include "manifest.h"
#include "folder.h"
#include "initial.h"
#include "previous.h"
#include "report/report.h"
#include "reporters.h"
#include "resume.h"
#include "tested.h"
#include "train/checkpoint.h"
#include "train/state.h"

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define REDRAW_S  2.0 /* while it runs, at the earliest */
#define SAVE_S    1.0 /* from one checkpoint to the next, and so many times what one takes: */
#define SAVE_COST 50

struct run {
    struct session *s;
    const struct run_args *args;
    struct folder folder;
    struct trainer *trainer;
    struct report *report;
    struct advice advice;
    struct reporters reporters;
    struct text *profile; /* the table, when it is wanted */
    struct report_spent spent;
    struct resumed before;
    struct initial initial;
    int64_t records; /* that reporters were handed */
    uint64_t saved_ns;
    bool marked;       /* the folder says that it is running */
    double save_s;     /* how long the last checkpoint took */
    uint64_t drawn_ns; /* when reporters had seen the figures that there are; 0: none yet */
    enum trainer_end end;
    const char *status, *reason;
    int exit_code;
};

/* ---- told by the trainer ------------------------------------------------------------ */

static int on_progress(void *ctx, const struct rn_progress *p)
{
    return reporters_progress(&((struct run *)ctx)->reporters, p);
}

static double metric_of(const struct rn_record *r, const char *name)
{
    for (uint32_t i = 0; i < r->n_metrics; i++)
        if (!strcmp(r->metrics[i].name, name))
            return r->metrics[i].value;
    return NAN;
}

static int on_record(void *ctx, const struct rn_record *record)
{
    struct run *r = ctx;

    if (!strcmp(record->split, "train"))
        TRY(report_step(r->report, &(struct rn_step_fact){record->step, record->epoch,
                                                          metric_of(record, "loss"),
                                                          metric_of(record, "lr")}));
    r->records++;
    return reporters_record(&r->reporters, record);
}

static int write_weights(struct run *r, const char *name)
{
    char path[PATH_MAX];
    const struct rn_report *view = report_view(r->report);
    const struct rn_fact meta[] = {{"format", "pt"}, {"run", view->id}, {"experiment", view->name}};

    return checkpoint_weights(r->s->model, folder_path(&r->folder, name, path, sizeof path), meta,
                              3);
}

static double peak_bytes(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss * 1024;
}

/* How the time was spent until now, and what was said. */
static int tell_how_it_went(struct run *r)
{
    const char *warnings[64];
    int64_t n = 0;
    struct text log = {0};
    struct profile_layer us;

    for (int i = 0; i < r->s->model->n_layers; i++)
        if (trainer_layer_times(r->trainer, i, &us))
            report_layer_time(r->report, i, us.forward, us.backward, us.update);
    r->spent.seconds = r->before.spent.seconds + clock_s(r->args->begun_ns);
    r->spent.train = trainer_state(r->trainer)->train_s;
    r->spent.peak_bytes = fmax(r->spent.peak_bytes, peak_bytes());
    report_spent(r->report, &r->spent);
    report_device_memory(r->report, session_device_bytes(r->s));
    while (n < 64 && (warnings[n] = log_warning((int)n)))
        n++;
    for (int i = 0; log_kept(i); i++)
        text_add(&log, "%s", log_kept(i));
    int status = log.status ? log.status : report_said(r->report, warnings, n, text_str(&log));
    text_free(&log);
    return status;
}

/* So that a report can be made of a run that was killed. */
static int store(struct run *r, bool lasting)
{
    TRY(report_store(r->report, lasting));
    return report_list_files(r->report);
}

/* Findings and figures cost more than an epoch of a small model: they are made anew when those that
 * are there have been seen for a while. */
static int tell_epoch(struct run *r)
{
    bool due = !r->drawn_ns || clock_s(r->drawn_ns) >= REDRAW_S;

    TRY(due ? report_draw(r->report) : RN_OK);
    TRY(due ? store(r, false) : RN_OK);
    TRY(reporters_epoch(&r->reporters, report_view(r->report)));
    if (due)
        r->drawn_ns = clock_ns();
    return RN_OK;
}

static int on_epoch(void *ctx, const struct rn_epoch *row, bool best, const struct evaluation *fit,
                    const struct evaluation *val)
{
    struct run *r = ctx;
    const struct trainer_inside *in = trainer_inside(r->trainer);

    TRY(report_epoch(r->report, row));
    TRY(report_measures(r->report, "fit", row->epoch, fit->extra, fit->n_extra));
    TRY(report_measures(r->report, "val", row->epoch, val->extra, val->n_extra));
    if (in->epoch == row->epoch)
        TRY(report_inside(r->report, in->params, in->n_params, in->units, in->n_units));
    r->spent.validation += (val->n ? val->seconds : 0) + (fit->n ? fit->seconds : 0);
    TRY(tell_how_it_went(r));
    if (best)
        TRY(write_weights(r, "weights/best.safetensors"));
    return tell_epoch(r);
}

static int on_save(void *ctx, const char *file)
{
    char name[96];

    snprintf(name, sizeof name, "weights/%s.safetensors", file);
    return write_weights(ctx, name);
}

/* To go on from where training stands. What was told and measured is in files before; lasting: and
 * nothing follows that could be waited for. */
static int save_state(struct run *r, bool lasting)
{
    char path[PATH_MAX];
    uint64_t begun = clock_ns();

    TRY(reporters_flush(&r->reporters));
    TRY(tell_how_it_went(r));
    TRY(store(r, lasting));
    TRY(resume_save(r->trainer, r->s, r->report,
                    folder_path(&r->folder, "state/last.safetensors", path, sizeof path),
                    r->records, &r->spent));
    r->saved_ns = clock_ns();
    r->save_s = clock_s(begun);
    return RN_OK;
}

static int on_rest(void *ctx)
{
    struct run *r = ctx;

    return clock_s(r->saved_ns) < fmax(SAVE_S, SAVE_COST * r->save_s) ? RN_OK
                                                                      : save_state(r, false);
}

/* A file that is gone already is as good. */
static int on_remove(void *ctx, const char *file)
{
    char name[96], path[PATH_MAX];

    snprintf(name, sizeof name, "weights/%s.safetensors", file);
    remove(folder_path(&((struct run *)ctx)->folder, name, path, sizeof path));
    return RN_OK;
}

/* ---- beginning ------------------------------------------------------------------------ */

static int write_inputs(struct run *r, const char *input)
{
    const struct experiment *e = r->s->experiment;

    TRY(folder_status(&r->folder, "running", 0, NULL));
    TRY(folder_write(&r->folder, "config.yaml", e->config_yaml, strlen(e->config_yaml)));
    return folder_write(&r->folder, "config.input.yaml", input, strlen(input));
}

static bool was_said(const char *warning)
{
    for (int i = 0; log_warning(i); i++)
        if (!strcmp(log_warning(i), warning))
            return true;
    return false;
}

static int open_log(struct run *r)
{
    const struct trainer_state *at = trainer_state(r->trainer);
    char path[PATH_MAX];

    TRY(log_file_again(folder_path(&r->folder, "log.txt", path, sizeof path)));
    for (int i = 0; diag_warning_at(r->s->diag, i); i++)
        if (!was_said(diag_warning_at(r->s->diag, i)))
            log_keep(RN_WARNING, NULL, "%s", diag_warning_at(r->s->diag, i));
    if (r->before.goes_on)
        log_keep(RN_INFO, NULL, "attempt %lld goes on behind step %lld, epoch %lld: %s",
                 (long long)r->folder.attempt, (long long)at->step, (long long)at->epoch,
                 r->args->command);
    else if (r->folder.attempt > 1)
        log_keep(RN_INFO, NULL, "attempt %lld, from the beginning", (long long)r->folder.attempt);
    return RN_OK;
}

/* The files of the folder that are there before the first step. What an earlier attempt measured up
 * to where it goes on is taken back; the rest is made again. */
static int fill_folder(struct run *r, const char *input)
{
    bool goes_on = r->before.goes_on;

    if (goes_on)
        TRY(resume_report(&r->before, r->report, trainer_epochs(r->trainer)));
    else if (r->folder.attempt > 1)
        folder_clear(&r->folder);
    r->records = r->before.records;
    r->spent = r->before.spent;
    TRY(folder_inside(&r->folder));
    TRY(manifest_write(r->s, &r->folder, goes_on));
    TRY(initial_write(r->s, &r->folder, &r->initial));
    if (goes_on)
        folder_clear_test(&r->folder);
    r->marked = true;
    TRY(write_inputs(r, input));
    return open_log(r);
}

static int open_report(struct run *r)
{
    struct rn_report facts = {.size = sizeof facts,
                              .verbosity = r->args->verbosity,
                              .id = r->folder.id,
                              .dir = r->folder.dir,
                              .command = r->args->command,
                              .started = r->folder.started,
                              .status = "running",
                              .reason = "",
                              .steps_per_epoch = trainer_state(r->trainer)->steps_per_epoch,
                              .attempt = r->folder.attempt,
                              .resumed_records = r->before.records};
    const struct experiment *e = r->s->experiment;
    const struct rn_previous *previous = NULL;
    bool alone =
        r->args->weights || (r->args->dir && !r->args->resume); /* nothing to compare with */

    if (r->before.goes_on)
        facts.resumed_step = trainer_state(r->trainer)->step;
    TRY(manifest_fill(r->s, &facts));
    if (r->args->weights)
        facts.epochs_planned = 0;
    if (r->args->resume)
        TRY(resume_facts(r->s, &r->folder, &r->before, &facts));
    TRY(report_open(&facts, &r->report));
    TRY(fill_folder(r, facts.config_input));
    TRY(alone ? RN_OK : previous_find(e->pool, r->args->out, e->name, &r->folder, &previous));
    TRY(report_previous(r->report, previous));
    TRY(store(r, false));
    TRY(reporters_open(e->pool, e, report_view(r->report), &r->reporters));
    return r->args->dir ? RN_OK : folder_latest(&r->folder);
}

static int open_trainer(struct run *r)
{
    bool verified;

    if (!r->before.goes_on && !r->args->weights)
        TRY(initial_find(r->s, r->args->out, &r->initial));
    TRY(session_open(r->s));
    TRY(initial_load(r->s, &r->initial));
    TRY(trainer_open(r->s->experiment, r->s->model, &r->s->data, &r->trainer));
    if (r->args->weights)
        TRY(checkpoint_read(r->s->model, r->args->weights, &verified));
    if (r->args->profile)
        TRY(trainer_profile(r->trainer));
    if (r->before.goes_on)
        TRY(state_restore(r->trainer, &r->before.state, r->before.path));
    if (r->before.changed)
        state_forget_end(r->trainer);
    trainer_pause_after(r->trainer, r->args->until);
    r->saved_ns = clock_ns();
    return RN_OK;
}

/* A folder that was there says that it waits to go on; the recorded error stays. */
static void not_begun(const struct run *r, int status)
{
    struct error why = error_save();

    folder_status(&r->folder, "interrupted", error_exit_code(status), why.text);
    error_restore(&why);
}

/* Or it finds that the run is finished already. */
static int begin(struct run *r)
{
    const struct experiment *e = r->s->experiment;
    int status = RN_OK;

    if (r->args->dir) {
        TRY(folder_enter(e->pool, r->args->dir, &r->folder));
        status = resume_look(r->s, r->args, &r->folder, &r->before);
        if (r->before.finished)
            return status;
    }
    status = status < 0 ? status : open_trainer(r);
    if (!r->args->dir && status >= 0)
        status = folder_create(e->pool, r->args->out, e->name, e->config_yaml, &r->folder);
    status = status < 0 ? status : open_report(r);
    if (status >= 0)
        return RN_OK;
    log_file(NULL);
    if (r->folder.made)
        folder_remove(&r->folder);
    else if (r->marked)
        not_begun(r, status);
    return status;
}

/* ---- the end ------------------------------------------------------------------------------ */

static void judge_end(struct run *r)
{
    struct pool *p = r->s->experiment->pool;
    int sig = stop_requested();

    r->status = "finished";
    r->reason = "all epochs done";
    r->exit_code = 0;
    if (r->end == TRAINER_STOPPED) {
        const struct trainer_state *at = trainer_state(r->trainer);
        r->status = "interrupted";
        r->exit_code = sig == SIGINT ? 130 : 75;
        r->reason = pool_printf(p, "stopped by %s after step %lld, in epoch %lld",
                                sig == SIGINT    ? "SIGINT"
                                : sig == SIGTERM ? "SIGTERM"
                                                 : "SIGUSR1",
                                (long long)at->step, (long long)at->epoch);
    } else if (r->end == TRAINER_PAUSED) {
        r->status = "interrupted";
        r->exit_code = 75;
        r->reason =
            pool_printf(p, "paused after epoch %lld", (long long)trainer_state(r->trainer)->epoch);
    } else if (r->end == TRAINER_ENOUGH) {
        r->reason = pool_strdup(p, trainer_reason(r->trainer));
    } else if (r->end == TRAINER_DIVERGED) {
        r->status = "diverged";
        r->exit_code = error_exit_code(RN_ENUMERIC);
        r->reason = pool_strdup(p, error_text());
    }
    if (r->args->weights)
        r->reason = pool_printf(p, "tested with %s, not trained", r->args->weights);
    r->reason = r->reason ? r->reason : r->status;
}

static int expectations(struct run *r)
{
    const struct experiment *e = r->s->experiment;

    for (int i = 0; i < e->n_expects; i++) {
        const struct expect *x = &e->expects[i];
        const char *where =
            x->mark.source ? pool_printf(e->pool, "%s:%d", x->mark.source->path, (int)x->mark.line)
                           : NULL;
        TRY(report_expect(r->report,
                          &(struct report_expect){x->metric, x->min, x->max, x->warns, where}));
    }
    return RN_OK;
}

static bool all_hold(const struct rn_report *r)
{
    for (int64_t i = 0; i < r->n_expectations; i++)
        if (!r->expectations[i].holds && !r->expectations[i].warns)
            return false;
    return true;
}

/* Those that are tested. */
static int save_weights(struct run *r)
{
    TRY(trainer_show(r->trainer, true));
    TRY(write_weights(r, "weights/last.safetensors"));
    return trainer_show(r->trainer, false);
}

/* profile.json and trace.json; the table is for who called. */
static int write_profile(struct run *r)
{
    const struct profile *p = trainer_profiled(r->trainer);
    struct text json = {0}, trace = {0};

    if (!p)
        return RN_OK;
    profile_text(p, r->profile);
    profile_json(p, &json);
    profile_trace(p, &trace);
    int status = json.status ? json.status : trace.status;
    status = status ? status : folder_write(&r->folder, "profile.json", json.s, json.n);
    status = status ? status : folder_write(&r->folder, "trace.json", trace.s, trace.n);
    text_free(&json);
    text_free(&trace);
    return status;
}

/* What is left of training: where it stands, and the weights that are tested. */
static int keep(struct run *r, const struct trainer_events *events, int64_t *epoch)
{
    bool good = r->end != TRAINER_DIVERGED || trainer_kept(r->trainer); /* to anybody */

    *epoch = 0;
    if (r->args->weights)
        return RN_OK;
    TRY(good ? save_state(r, true) : RN_OK);
    TRY(trainer_finish(r->trainer, events, epoch));
    return good ? save_weights(r) : RN_OK;
}

static int finish(struct run *r, const struct trainer_events *events)
{
    bool done = r->end == TRAINER_DONE || r->end == TRAINER_ENOUGH;
    struct evaluation ev;
    char path[PATH_MAX];
    int64_t epoch;

    judge_end(r);
    if (r->end == TRAINER_STOPPED) /* a second signal kills */
        TRY(folder_status(&r->folder, r->status, r->exit_code,
                          pool_printf(r->s->experiment->pool,
                                      "%s; checkpoint and report were not written", r->reason)));
    TRY(keep(r, events, &epoch));
    if (done && r->s->data.n_test) {
        TRY(trainer_test(r->trainer, events, &ev));
        r->spent.test = ev.seconds;
        TRY(tested_report(r->s, r->report, &ev, epoch));
        TRY(report_measures(r->report, "test", 0, ev.extra, ev.n_extra));
        TRY(report_read_first_layer(r->report));
    }
    if (done)
        TRY(expectations(r));
    r->advice = (struct advice){r->s, folder_path(&r->folder, "config.yaml", path, sizeof path)};
    if (!r->args->weights)
        report_advise(r->report, advise(&r->advice));
    TRY(tell_how_it_went(r));
    TRY(report_finish(r->report, r->status, r->reason, r->spent.seconds, r->spent.train,
                      r->spent.peak_bytes));
    if (!all_hold(report_view(r->report)))
        r->exit_code = 1;
    data_close(&r->s->data); /* pictures of figures take memory, too */
    TRY(write_profile(r));
    TRY(report_write(r->report));
    TRY(reporters_end(&r->reporters, report_view(r->report)));
    return folder_status(&r->folder, r->status, r->exit_code, r->reason);
}

/* The folder says what happened, when it can still be written to; the recorded error stays. */
static void failed(struct run *r, int status)
{
    struct error why = error_save();

    log_line(RN_DEBUG, NULL, "%s", why.text);
    folder_status(&r->folder, "failed", error_exit_code(status), why.text);
    if (tell_how_it_went(r) >= 0 && report_finish(r->report, "failed", why.text, r->spent.seconds,
                                                  r->spent.train, r->spent.peak_bytes) >= 0) {
        store(r, true);
        reporters_end(&r->reporters, report_view(r->report));
    }
    error_restore(&why);
}

static int say_finished(const struct run *r, struct text *json)
{
    char path[PATH_MAX];
    uint64_t bytes;
    void *text;

    log_line(RN_WARNING, NULL,
             "%s is finished: nothing to do (`runner resume %s train.epochs=N` goes on)",
             r->folder.dir, r->folder.dir);
    if (!json)
        return RN_OK;
    TRY(file_read(folder_path(&r->folder, "summary.json", path, sizeof path), 64u << 20, &text,
                  &bytes));
    text_add(json, "%s", (const char *)text);
    mem_free(text);
    return json->status;
}

/* The recorded error stays: a device that failed may fail again. */
static void close_run(struct run *r)
{
    struct error why = error_save();

    reporters_close(&r->reporters);
    report_close(r->report);
    trainer_close(r->trainer);
    resume_close(&r->before);
    folder_close(&r->folder);
    log_file(NULL);
    error_restore(&why);
}

int run_experiment(struct session *s, const struct run_args *args, int *exit_code,
                   struct text *json, struct text *profile)
{
    struct run r = {.s = s, .args = args, .profile = profile};
    const struct trainer_events events = {&r,      on_progress, on_record, on_epoch,
                                          on_save, on_remove,   on_rest};

    r.folder.lock = -1;
    int status = begin(&r);
    if (status >= 0 && r.before.finished) {
        status = say_finished(&r, json);
    } else if (status >= 0) {
        double start = clock_s(args->begun_ns);
        r.spent.start += start;
        log_line(RN_INFO, NULL, "first step %.3f s after the start", start);
        status = args->weights ? RN_OK : trainer_run(r.trainer, &events, &r.end);
        if (status >= 0 || r.end == TRAINER_DIVERGED)
            status = finish(&r, &events);
        if (status < 0)
            failed(&r, trainer_fault(r.trainer, s->device_plugin->name, status));
        if (!args->dir || (args->resume && file_exists(args->out)))
            reporters_runs(&r.reporters, args->out);
        if (status >= 0 && json)
            report_summary_json(r.report, json);
    }
    *exit_code = r.exit_code;
    close_run(&r);
    return status;
}
