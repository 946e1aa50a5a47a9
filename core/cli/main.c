/* main.c - the commands. Results go to stdout, everything else to stderr; only here is an exit code
 * made. */
#include "args.h"
#include "bench.h"
#include "cli/commit.h"
#include "compare.h"
#include "list.h"
#include "new.h"
#include "cli/export.h"
#include "cli/predict.h"
#include "cli/selftest.h"
#include "sweep.h"
#include "test.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/stop.h"
#include "bench/spec.h"
#include "config/compose.h"
#include "experiment/tables.h"
#include "plugin/describe.h"
#include "run/child.h"
#include "run/initial.h"
#include "run/names.h"
#include "run/other_data.h"
#include "run/rebuild.h"
#include "run/run.h"
#include "run/trained.h"
#include "sweep/spec.h"
#include "run/sweep_report.h"
#include "train/rate.h"
#include "verify/verify.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static uint64_t begun_ns;

/* All of it went out: a full disk behind a redirection is an error, too. Whoever reads may have
 * enough, as `head` has. */
static int print(const struct text *t)
{
    if (t->status)
        return t->status;
    errno = 0;
    fputs(text_str(t), stdout);
    if ((fflush(stdout) || ferror(stdout)) && errno != EPIPE)
        return FAIL(RN_EIO, "cannot write to standard output");
    return RN_OK;
}

static int usage(const struct args *a, const char *what)
{
    return FAIL(RN_EINVAL, "%s; see `runner help %s`", what, a->verb);
}

/* What is wrong with the file, on stderr. */
static void show_problems(const struct args *a, const struct session *s)
{
    struct text t = {0};

    if (a->json)
        diag_json(s->diag, &t);
    else
        diag_text(s->diag, a->colour, &t);
    fputs(text_str(&t), stderr);
    text_free(&t);
}

static int load(const struct args *a, struct session *s)
{
    if (a->n_words != 1)
        return usage(a, a->n_words ? "one file at a time" : "a file is needed");
    return session_load(s, a->words[0], a->overrides, a->n_overrides, a->plugin_dirs,
                        a->n_plugin_dirs);
}

static int load_and_plan(const struct args *a, struct session *s)
{
    TRY(load(a, s));
    TRY(session_plan(s));
    if (a->strict && diag_warnings(s->diag))
        return diag_add(s->diag, DIAG_ERROR, (struct mark){0}, NULL, NULL,
                        "warnings count as errors (--strict)");
    return RN_OK;
}

/* ---- the commands -------------------------------------------------------------------------- */

static int start(const struct args *a, struct session *s, const struct run_args *run, int *code)
{
    struct text json = {0}, profile = {0};

    if (diag_warnings(s->diag) && a->verbosity >= 0)
        show_problems(a, s);
    int status = run_experiment(s, run, code, a->json ? &json : NULL, &profile);
    if (status >= 0 && (a->json || a->profile))
        status = print(a->json ? &json : &profile);
    text_free(&profile);
    text_free(&json);
    return status;
}

/* A file of many runs: a sweep, or a benchmark. */
static int do_many(const struct args *a, struct session *s, struct pool *p, int *code,
                   int (*command)(struct pool *p, const struct args *a, struct registry *r,
                                  struct diag **diag, int *code, struct text *out))
{
    struct text t = {0};

    TRY(registry_open(a->plugin_dirs, a->n_plugin_dirs, &s->registry));
    int status = command(p, a, s->registry, &s->diag, code, &t);
    if (status >= 0 && s->diag && diag_warnings(s->diag) && (a->plan || !strcmp(a->verb, "check")))
        show_problems(a, s);
    if (status >= 0)
        status = print(&t);
    text_free(&t);
    return status;
}

static int do_run(const struct args *a, struct session *s, int *code)
{
    struct run_args run = {.out = a->out,
                           .command = a->command,
                           .dir = a->run_dir,
                           .until = a->until,
                           .begun_ns = begun_ns,
                           .profile = a->profile,
                           .verbosity = a->json ? -2 : a->verbosity};

    TRY(load_and_plan(a, s));
    return start(a, s, &run, code);
}

/* The configuration is that of the run's folder. */
static int resume_in(const struct args *a, struct session *s, struct pool *p, int *code)
{
    struct run_args run = {.out = a->out,
                           .command = a->command,
                           .resume = true,
                           .until = a->until,
                           .begun_ns = begun_ns,
                           .profile = a->profile,
                           .verbosity = a->json ? -2 : a->verbosity};
    struct run_name name;

    TRY(run_find(p, a->out, a->words[0], &name));
    run.dir = name.dir;
    const char *file = pool_printf(p, "%s/config.yaml", name.dir);
    if (!file)
        return RN_ENOMEM;
    TRY(session_load(s, file, a->overrides, a->n_overrides, a->plugin_dirs, a->n_plugin_dirs));
    TRY(session_plan(s));
    return start(a, s, &run, code);
}

static int do_resume(const struct args *a, struct session *s, int *code)
{
    if (a->n_words != 1)
        return usage(a, "one run is needed: `latest`, or its folder or id");
    struct pool *p = pool_new();
    int status = p ? resume_in(a, s, p, code) : RN_ENOMEM;
    pool_free(p);
    return status;
}

/* The weights of a run, tested on its data or on others: a run of its own, NAME_eval. */
static int eval_run(const struct args *a, struct session *s, struct pool *p, int *code)
{
    const struct trained_args which = {.root = a->out,
                                       .word = a->words[0],
                                       .weights = a->weights,
                                       .plugin_dirs = a->plugin_dirs,
                                       .n_plugin_dirs = a->n_plugin_dirs};
    struct run_args run = {.out = a->out,
                           .command = a->command,
                           .begun_ns = begun_ns,
                           .verbosity = a->json ? -2 : a->verbosity};
    const char *file, **overrides, *name;
    struct registry *r;
    int n;

    TRY(trained_files(p, &which, &name, &file, &run.weights));
    TRY(registry_open(a->plugin_dirs, a->n_plugin_dirs, &r));
    int status = other_data(p, r, file, name, a->data, a->n_overrides, &overrides, &n);
    registry_close(r);
    TRY(status);
    for (int i = 0; i < a->n_overrides; i++)
        overrides[n++] = a->overrides[i];
    TRY(session_load(s, file, overrides, n, a->plugin_dirs, a->n_plugin_dirs));
    TRY(session_plan(s));
    if (!s->data.n_test)
        return FAIL(RN_EDATA, "%s has no test set to evaluate on", s->data.info.source);
    return start(a, s, &run, code);
}

static int do_eval(const struct args *a, struct session *s, struct pool *p, int *code)
{
    return a->n_words == 1 ? eval_run(a, s, p, code)
                           : usage(a, "one run is needed: `latest`, or its folder or id");
}

static int do_check(const struct args *a, struct session *s)
{
    struct text t = {0};

    TRY(load_and_plan(a, s));
    TRY(initial_find(s, a->out, NULL));
    if (a->json)
        diag_json(s->diag, &t);
    else {
        if (diag_warnings(s->diag))
            show_problems(a, s);
        text_add(
            &t, "%s: good: %d layers, %lld parameters, %lld training and %lld validation samples\n",
            a->words[0], s->model->n_layers, (long long)s->model->parameters,
            (long long)s->data.n_train, (long long)s->data.n_val);
    }
    int status = a->verbosity < 0 ? RN_OK : print(&t);
    text_free(&t);
    return status;
}

static int do_config(const struct args *a, struct session *s)
{
    struct text t = {0};

    TRY(load(a, s));
    if (a->json)
        compose_json(s->experiment->root, &t);
    else
        experiment_show(s->experiment, a->origin, a->changed, &t);
    int status = print(&t);
    text_free(&t);
    return status;
}

static int do_summary(const struct args *a, struct session *s)
{
    struct text t = {0}, rate = {0};

    TRY(load_and_plan(a, s));
    int status = rate_summary(s->experiment, s->data.n_train, a->json, &rate);
    model_summary(s->model, a->json, text_str(&rate), &t);
    status = status < 0 ? status : print(&t);
    text_free(&t);
    text_free(&rate);
    return status;
}

static int list_plugins(const struct args *a, struct session *s, struct text *t)
{
    uint32_t kind = a->n_words > 1 ? kind_by_name(a->words[1]) : 0;

    if (a->n_words > 2)
        return usage(a, "too many words");
    if (a->n_words > 1 && !kind)
        return FAIL(RN_EINVAL, "'%s' is no kind of plugin; see `runner help plugins`", a->words[1]);
    return describe_list(s->registry, kind, a->json, t);
}

static int new_plugin(const struct args *a)
{
    struct pool *p = pool_new();
    struct text t = {0};
    int status = RN_ENOMEM;

    if (a->n_words != 3)
        status = usage(a, "expected `new KIND NAME [--out DIR]`");
    else if (p)
        status = plugin_new(p, a->words[1], a->words[2], a->out_given ? a->out : ".", a->json, &t);
    if (status >= 0)
        status = print(&t);
    text_free(&t);
    pool_free(p);
    return status;
}

static int verify_plugins(const struct args *a, int *code)
{
    struct text t = {0};
    bool holds;

    if (a->n_words != 2)
        return usage(a, "expected `verify FILE.so`");
    int status = verify_file(a->words[1], 0, a->json, &t, &holds);
    if (status >= 0)
        status = print(&t);
    *code = status >= 0 && !holds;
    text_free(&t);
    return status;
}

static int do_selftest(const struct args *a, int *code)
{
    struct text t = {0};

    int status = selftest_command(a, &t, code);
    if (status >= 0)
        status = print(&t);
    text_free(&t);
    return status;
}

static int do_plugins(const struct args *a, struct session *s, int *code)
{
    const struct other_file other_files[] = {{"The file of a sweep", sweep_sections},
                                             {"The file of a benchmark", bench_sections},
                                             {NULL, NULL}};
    struct text t = {0};
    const char *sub = a->n_words ? a->words[0] : "list";
    int status;

    if (!strcmp(sub, "new"))
        return new_plugin(a);
    if (!strcmp(sub, "verify"))
        return verify_plugins(a, code);
    TRY(registry_open(a->plugin_dirs, a->n_plugin_dirs, &s->registry));
    if (!strcmp(sub, "list"))
        status = list_plugins(a, s, &t);
    else if (!strcmp(sub, "describe") && (a->n_words == 2 || a->n_words == 3))
        status = describe_plugin(s->registry, a->n_words == 3 ? a->words[1] : NULL,
                                 a->words[a->n_words - 1], a->json, &t);
    else if (!strcmp(sub, "reference") && a->n_words == 1)
        status = experiment_reference(s->registry, other_files, &t);
    else
        status = usage(a, "expected `list [KIND]`, `describe [KIND] NAME`, `new KIND NAME` or "
                          "`verify FILE.so`");
    if (status >= 0)
        status = print(&t);
    text_free(&t);
    return status;
}

static int do_schema(const struct args *a, struct session *s)
{
    struct text t = {0};

    if (a->n_words)
        return usage(a, "takes no file");
    TRY(registry_open(a->plugin_dirs, a->n_plugin_dirs, &s->registry));
    int status = experiment_schema(s->registry, &t);
    if (status >= 0)
        status = a->out_given ? file_write(a->out, text_str(&t), t.n) : print(&t);
    text_free(&t);
    return status;
}

static int do_runs(const struct args *a)
{
    struct text t = {0};

    int status = !strcmp(a->verb, "runs") ? list_runs(a, &t) : compare_runs(a, &t);
    if (status >= 0)
        status = print(&t);
    text_free(&t);
    return status;
}

/* A run, or a whole sweep: its folder, or its name in the root. */
static int rebuild_one(const struct args *a, struct session *s, struct pool *p, const char *word,
                       const char **dir)
{
    struct run_name run;
    const char *in_root = pool_printf(p, "%s/%s", a->out, word);

    if (!in_root)
        return RN_ENOMEM;
    *dir = sweep_is_folder(word) ? word : in_root;
    if (sweep_is_folder(*dir) && a->reporter)
        return FAIL(RN_EINVAL, "%s is a sweep, whose pages are made together: leave --reporter out",
                    *dir);
    if (sweep_is_folder(*dir))
        return sweep_report(s->registry, *dir);
    TRY(run_find(p, a->out, word, &run));
    *dir = run.dir;
    return run_rebuild(s->registry, &run, a->reporter);
}

static int rebuild(const struct args *a, struct session *s, struct pool *p, struct text *t)
{
    const char *dir;

    text_add(t, a->json ? "{\"rebuilt\": [" : "");
    for (int i = 0; i < a->n_words; i++) {
        TRY(rebuild_one(a, s, p, a->words[i], &dir));
        text_add(t, a->json && i ? ", " : "");
        if (a->json)
            json_string(t, dir);
        else
            text_add(t, "%s\n", dir);
    }
    text_add(t, a->json ? "]}\n" : "");
    return RN_OK;
}

static int do_report(const struct args *a, struct session *s)
{
    struct text t = {0};

    if (!a->n_words)
        return usage(a, "a run is needed: `latest`, or its folder or id");
    TRY(registry_open(a->plugin_dirs, a->n_plugin_dirs, &s->registry));
    struct pool *p = pool_new();
    int status = p ? rebuild(a, s, p, &t) : RN_ENOMEM;
    if (status >= 0 && !a->reporter && file_exists(a->out))
        status = runs_rebuild(s->registry, a->out);
    if (status >= 0 && a->verbosity >= 0)
        status = print(&t);
    text_free(&t);
    pool_free(p);
    return status;
}

static int do_predict(const struct args *a)
{
    struct text t = {0};

    int status = predict_command(a, &t);
    if (status >= 0)
        status = print(&t);
    text_free(&t);
    return status;
}

static int do_export(const struct args *a, struct session *s)
{
    struct text said = {0}, hint = {0};

    int status = export_command(a, &s->registry, &said, &hint);
    if (status >= 0)
        status = print(&said);
    if (status >= 0 && a->verbosity >= 0)
        fputs(text_str(&hint), stderr);
    text_free(&said);
    text_free(&hint);
    return status;
}

static int do_help(const struct args *a)
{
    struct text t = {0};
    const char *topic = a->help && strcmp(a->verb, "run") != 0 ? a->verb
                        : a->help                              ? NULL
                        : a->n_words                           ? a->words[0]
                                                               : NULL;
    const char *text = help_text(topic);

    if (!text)
        return FAIL(RN_EINVAL, "there is no help on '%s'; see `runner --help`", topic);
    text_add(&t, "%s", text);
    int status = print(&t);
    text_free(&t);
    return status;
}

static int do_version(const struct args *a)
{
    const char *commit = build_commit();
    struct text t = {0};

    if (a->json) {
        text_add(&t, "{");
        json_text(&t, "runner", RUNNER_VERSION);
        json_text(&t, "commit", *commit ? commit : NULL);
        text_add(&t, "}\n");
    } else {
        text_add(&t, *commit ? "runner %s (%s)\n" : "runner %s\n", RUNNER_VERSION, commit);
    }
    int status = print(&t);
    text_free(&t);
    return status;
}

/* The kind of a file is told by its keys. */
static bool is_sweep(const struct args *a)
{
    return !strcmp(a->verb, "sweep") || ((!strcmp(a->verb, "run") || !strcmp(a->verb, "check")) &&
                                         a->n_words == 1 && spec_is_sweep(a->words[0]));
}

static int dispatch(const struct args *a, struct session *s, struct pool *p, int *code)
{
    if (a->version || !strcmp(a->verb, "version"))
        return do_version(a);
    if (a->help || !strcmp(a->verb, "help"))
        return do_help(a);
    if (!strcmp(a->verb, "resume"))
        return do_resume(a, s, code);
    if (is_sweep(a))
        return do_many(a, s, p, code, sweep_command);
    if (bench_takes(a))
        return do_many(a, s, p, code, bench_command);
    if (test_takes(a))
        return test_baselines(a, &s->registry, code);
    if (!strcmp(a->verb, "check"))
        return do_check(a, s);
    if (!strcmp(a->verb, "config"))
        return do_config(a, s);
    if (!strcmp(a->verb, "summary"))
        return do_summary(a, s);
    if (!strcmp(a->verb, "runs") || !strcmp(a->verb, "compare"))
        return do_runs(a);
    if (!strcmp(a->verb, "report"))
        return do_report(a, s);
    if (!strcmp(a->verb, "selftest"))
        return do_selftest(a, code);
    if (!strcmp(a->verb, "eval"))
        return do_eval(a, s, p, code);
    if (!strcmp(a->verb, "predict"))
        return do_predict(a);
    if (!strcmp(a->verb, "export"))
        return do_export(a, s);
    if (!strcmp(a->verb, "plugins"))
        return do_plugins(a, s, code);
    if (!strcmp(a->verb, "schema"))
        return do_schema(a, s);
    return do_run(a, s, code);
}

/* ---- how it ends ----------------------------------------------------------------------------- */

static void show_error(const struct args *a, int code)
{
    char line[4200];

    snprintf(line, sizeof line, "%s", error_text());
    log_clean(line);
    if (a->json) {
        cJSON *root = cJSON_CreateObject(), *e = cJSON_AddObjectToObject(root, "error");
        cJSON_AddNumberToObject(e, "code", code);
        cJSON_AddStringToObject(e, "message", line);
        char *s = cJSON_PrintUnformatted(root);
        fprintf(stderr, "%s\n", s ? s : "{}");
        cJSON_free(s);
        cJSON_Delete(root);
        return;
    }
    fprintf(stderr, "runner: %s%s%s\n", a->colour ? "\033[31m" : "", line,
            a->colour ? "\033[0m" : "");
    if (a->verbosity > 0)
        fprintf(stderr, "  (%s)\n", error_origin());
}

static int end(const struct args *a, struct session *s, int status, int code)
{
    if (status >= 0)
        return code;
    code = error_exit_code(status);
    if (s->diag && diag_errors(s->diag))
        show_problems(a, s);
    else
        show_error(a, code);
    return code;
}

int main(int argc, char **argv)
{
    struct session s = {0};
    struct args a = {0};
    int code = 0, status = RN_ENOMEM;

    child_begin();
    begun_ns = clock_ns();
    setlocale(LC_CTYPE, ""); /* numbers stay in the C locale */
    stop_install();
    json_init();
    struct pool *p = pool_new();
    if (p)
        status = args_parse(p, argc, argv, &a);
    if (status >= 0 && argc == 1) {
        fputs(help_text(NULL), stderr);
        code = 2;
    } else if (status >= 0) {
        log_verbosity(a.verbosity > 0 ? RN_DEBUG : a.verbosity < -1 ? RN_ERROR : RN_WARNING);
        status = dispatch(&a, &s, p, &code);
    }
    code = end(&a, &s, status, code);
    session_close(&s);
    pool_free(p);
    return code;
}
