/* test_sweep.c - sweeps from outside: what is run, what is not run again, what a bad run costs, and
 * that nothing is lost however a sweep or one of its runs is killed. */
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "base/hash.h"
#include "program.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void write_file(const char *name, const char *text)
{
    ck_assert_int_eq(file_write(in_dir(name), text, strlen(text)), RN_OK);
}

/* Short runs on a formula, and a sweep of them with this section. */
static void write_sweep(const char *name, const char *section)
{
    char text[2048], file[64];

    write_file(
        "base.yaml",
        "seed: 1\n"
        "data: {type: synthetic, kind: spirals, classes: 3, samples: 300, test_samples: 60}\n"
        "model: {layers: [{type: dense, units: 8}, relu, {type: dense, units: 3}]}\n"
        "loss: cross_entropy\n"
        "optimizer: {type: adam, lr: 0.01}\n"
        "train: {epochs: 4, batch_size: 32}\n"
        "reporters: [jsonl]\n");
    snprintf(text, sizeof text, "name: %s\nbase: base.yaml\n%s", name, section);
    snprintf(file, sizeof file, "%s.yaml", name);
    write_file(file, text);
}

/* The folder of the run whose name begins so, relative to the test's; "" when there is none. */
static const char *run_of(const char *sweep, const char *begins)
{
    static char path[4][PATH_MAX];
    static int turn;
    char runs[PATH_MAX];
    const struct dirent *e;

    char *found = path[turn++ % 4];
    *found = '\0';
    snprintf(runs, sizeof runs, "reports/%s/runs", sweep);
    DIR *d = opendir(in_dir(runs));
    while (d && (e = readdir(d)))
        if (!strncmp(e->d_name, begins, strlen(begins)))
            snprintf(found, PATH_MAX, "%s/%s", runs, e->d_name);
    if (d)
        closedir(d);
    return found;
}

static int count_runs(const char *sweep)
{
    char runs[PATH_MAX];
    const struct dirent *e;
    int n = 0;

    snprintf(runs, sizeof runs, "reports/%s/runs", sweep);
    DIR *d = opendir(in_dir(runs));
    while (d && (e = readdir(d)))
        n += *e->d_name != '.';
    if (d)
        closedir(d);
    return n;
}

static void expect_run(const char *sweep, const char *begins, const char *status,
                       const char *reason)
{
    const char *run = run_of(sweep, begins);

    ck_assert_msg(*run != '\0', "no run %s", begins);
    cJSON *root = read_json(run, "status.json");
    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(root, "status")), status);
    EXPECT_TEXT(cJSON_GetStringValue(cJSON_GetObjectItem(root, "reason")), reason);
    cJSON_Delete(root);
}

/* ---- what is run -------------------------------------------------------------------------- */

START_TEST(all_are_run_once)
{
    struct timespec before[2], after[2];
    struct stat st;

    write_sweep("many", "sweep: {grid: {optimizer.lr: [0.01, 0.02]}, repeat: {seed: 3}}\n");
    EXPECT_EXIT(0, "many.yaml --plan");
    EXPECT_TEXT(out, "6 runs in 2 groups, 0 done");
    ck_assert(!file_exists(in_dir("reports")));
    EXPECT_EXIT(0, "many.yaml");
    EXPECT_TEXT(err, "[6/6] ");
    EXPECT_TEXT(out, "reports/many/report.html\n");
    ck_assert_int_eq(count_runs("many"), 6);
    ck_assert(exists("reports/many", "report.html"));
    ck_assert(exists("reports/many", "summary.json"));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(stat(run_of("many", i ? "lr0.02-s3" : "lr0.01-s1"), &st), 0);
        before[i] = st.st_mtim;
    }
    EXPECT_EXIT(0, "many.yaml");
    ck_assert_str_eq(err, "");
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(stat(run_of("many", i ? "lr0.02-s3" : "lr0.01-s1"), &st), 0);
        after[i] = st.st_mtim;
    }
    ck_assert_int_eq(memcmp(before, after, sizeof before), 0);
    EXPECT_EXIT(0, "many.yaml --plan");
    EXPECT_TEXT(out, "6 runs in 2 groups, 6 done");
}
END_TEST

START_TEST(a_run_is_the_same_as_alone)
{
    char a[HASH_TEXT], b[HASH_TEXT], path[PATH_MAX];

    write_sweep("many", "sweep: {grid: {optimizer.lr: [0.01, 0.02]}, repeat: {seed: 2}}\n");
    EXPECT_EXIT(0, "many.yaml -q");
    EXPECT_EXIT(0, "base.yaml optimizer.lr=0.02 seed=2 -q");
    snprintf(path, sizeof path, "%s/predictions.csv", run_of("many", "lr0.02-s2"));
    ck_assert_int_eq(hash_file(in_dir(path), a), RN_OK);
    snprintf(path, sizeof path, "%s/predictions.csv", run_folder("base"));
    ck_assert_int_eq(hash_file(in_dir(path), b), RN_OK);
    ck_assert_str_eq(a, b);
}
END_TEST

START_TEST(more_seeds_are_run_and_the_others_stay)
{
    write_sweep("many", "sweep: {variants: {a: {}, b: {optimizer.lr: 0.1}}, repeat: {seed: 2}}\n");
    EXPECT_EXIT(0, "many.yaml -q");
    write_sweep("many", "sweep: {variants: {z: {}, b: {optimizer.lr: 0.1}}, repeat: {seed: 3}}\n");
    EXPECT_EXIT(0, "many.yaml");
    EXPECT_TEXT(err, "[6/6]");
    ck_assert_int_eq(count_runs("many"), 6);
    ck_assert_str_ne(run_of("many", "a-s1"), ""); /* another label is the same run */
    ck_assert_str_ne(run_of("many", "z-s3"), "");
}
END_TEST

START_TEST(mistakes_start_nothing)
{
    write_sweep("many", "sweep: {grid: {optimizer.lr: [0.01, -2]}}\n");
    EXPECT_EXIT(2, "many.yaml");
    EXPECT_TEXT(err, "many.yaml:3:37: optimizer.lr: -2");
    ck_assert(!file_exists(in_dir("reports")));
    write_sweep("many", "sweep: {grid: {optimizer: [adam, nobody]}}\n");
    EXPECT_EXIT(3, "many.yaml");
    EXPECT_TEXT(err, "there is no optimizer 'nobody'");
    EXPECT_EXIT(2, "sweep tiny.yaml");
    EXPECT_TEXT(err, "say what changes");
    EXPECT_EXIT(2, "sweep");
}
END_TEST

/* ---- what goes wrong ----------------------------------------------------------------------- */

#define CRASH(how) "{callbacks: [{type: crash, how: " how "}]}"

START_TEST(a_bad_run_costs_itself)
{
    write_sweep("bad",
                "sweep:\n"
                "  timeout: 3 s\n"
                "  variants:\n"
                "    good: {}\n"
                "    segv: " CRASH(
                    "segv") "\n"
                            "    kill: " CRASH(
                                "kill") "\n"
                                        "    hang: " CRASH(
                                            "hang") "\n"
                                                    "    wild: {optimizer: {type: sgd, lr: 1e30}}\n"
                                                    "    last: {optimizer.lr: 0.02}\n");
    EXPECT_EXIT(9, "bad.yaml");
    expect_run("bad", "good", "finished", "");
    expect_run("bad", "last", "finished", "");
    expect_run("bad", "segv", "failed", "killed by signal 11");
    expect_run("bad", "kill", "failed", "killed by signal 9 (Killed); the kernel does that");
    expect_run("bad", "hang", "failed", "it took longer than timeout, 3 s");
    expect_run("bad", "wild", "diverged", "");
    cJSON *root = read_json("reports/bad", "sweep.json");
    int failed = 0;
    const cJSON *g;
    cJSON_ArrayForEach(g, cJSON_GetObjectItem(root, "groups"))
    {
        const cJSON *r = cJSON_GetArrayItem(cJSON_GetObjectItem(g, "runs"), 0);
        failed += strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(r, "status")), "finished") != 0;
    }
    ck_assert_int_eq(failed, 4);
    cJSON_Delete(root);
    write_sweep("bad", "sweep: {variants: {good: {}, segv: {}, last: {optimizer.lr: 0.02}}}\n");
    EXPECT_EXIT(0, "bad.yaml -q");
}
END_TEST

/* It had ended its epochs before it was asked to. */
START_TEST(what_was_finished_in_time_stays)
{
    write_sweep("late", "sweep: {timeout: 300 s, repeat: {seed: 2}}\n");
    EXPECT_EXIT(0, "late.yaml -q");
    write_sweep("late", "sweep: {timeout: 0.001 s, repeat: {seed: 2}}\n");
    EXPECT_EXIT(0, "late.yaml -q");
    write_sweep("late", "set: {train.epochs: 20000}\nsweep: {timeout: 1 s, repeat: {seed: 1}}\n");
    EXPECT_EXIT(9, "late.yaml -q");
    expect_run("late", "base-s1", "finished", "");
}
END_TEST

START_TEST(a_run_that_another_has_is_left_alone)
{
    write_sweep("busy", "set: {train.epochs: 3000}\nsweep: {repeat: {seed: 1}}\n");
    EXPECT_EXIT(0, "busy.yaml --plan");
    char id[128], line[512];
    snprintf(id, sizeof id, "%.*s", (int)strcspn(out, " "), out);
    snprintf(line, sizeof line,
             "base.yaml train.epochs=3000 seed=1 --run-dir reports/busy/runs/%s -q", id);
    pid_t other = start(line);
    for (int i = 0; i < 500 && !exists("reports/busy/runs", id); i++)
        usleep(10000);
    usleep(200000);
    EXPECT_EXIT(9, "busy.yaml");
    EXPECT_TEXT(err, "in use");
    ck_assert_int_eq(finish(other), 0);
    expect_run("busy", "base-s1", "finished", "");
    EXPECT_EXIT(0, "busy.yaml -q");
}
END_TEST

START_TEST(a_folder_that_only_looks_alike_is_not_taken)
{
    char path[PATH_MAX];

    write_sweep("alike", "sweep: {repeat: {seed: 1}}\n");
    EXPECT_EXIT(0, "alike.yaml --plan");
    snprintf(path, sizeof path, "reports/alike/runs/notes-%.8s", strstr(out, "-s1-") + 4);
    ck_assert_int_eq(file_mkdirs(in_dir(path)), RN_OK);
    EXPECT_EXIT(0, "alike.yaml -q");
    expect_run("alike", "base-s1", "finished", "");
}
END_TEST

START_TEST(failed_runs_are_begun_again)
{
    write_sweep("again",
                "sweep: {variants: {good: {}, wild: {optimizer: {type: sgd, lr: 1e30}}}}\n");
    EXPECT_EXIT(9, "again.yaml");
    EXPECT_EXIT(9, "again.yaml");
    EXPECT_TEXT(err, "wild-s1-");
    ck_assert_ptr_null(strstr(err, "good-s1-"));
    write_sweep("again",
                "sweep: {on_failure: stop, slots: {jobs: 1}, variants: "
                "{wild: {optimizer: {type: sgd, lr: 1e29}}, good: {optimizer.lr: 0.3}}}\n");
    EXPECT_EXIT(9, "again.yaml");
    ck_assert_ptr_null(strstr(err, "good-s1-"));
}
END_TEST

START_TEST(an_expectation_is_recorded_and_no_failure)
{
    write_sweep("hope",
                "set: {expect: [{metric: test.accuracy, min: 1}]}\nsweep: {repeat: {seed: 1}}\n");
    EXPECT_EXIT(0, "hope.yaml -q");
    expect_run("hope", "base", "finished", "");
}
END_TEST

START_TEST(a_sweep_is_run_by_one_at_a_time)
{
    write_sweep("one", "set: {train.epochs: 400}\nsweep: {repeat: {seed: 4}}\n");
    pid_t first = start("one.yaml -q");
    for (int i = 0; i < 500 && !*run_of("one", "base"); i++)
        usleep(10000);
    EXPECT_EXIT(7, "one.yaml");
    EXPECT_TEXT(err, "process ");
    kill(first, SIGTERM);
    ck_assert_int_eq(finish(first), 75);
}
END_TEST

/* ---- choices ------------------------------------------------------------------------------- */

static void expect_same_file(const char *a, const char *b)
{
    char x[HASH_TEXT], y[HASH_TEXT];

    ck_assert_int_eq(hash_file(in_dir(a), x), RN_OK);
    ck_assert_int_eq(hash_file(in_dir(b), y), RN_OK);
    ck_assert_msg(!strcmp(x, y), "%s and %s differ", a, b);
}

START_TEST(halving_prunes_the_worst)
{
    int pruned = 0, finished = 0;
    const cJSON *g;

    write_sweep("half", "set: {train.epochs: 8}\n"
                        "sweep:\n"
                        "  grid: {optimizer.lr: [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05]}\n"
                        "  repeat: {seed: 2}\n"
                        "  objective: {metric: val.loss}\n"
                        "  prune: {rung: 2 epochs, factor: 2}\n");
    EXPECT_EXIT(0, "half.yaml");
    cJSON *root = read_json("reports/half", "sweep.json");
    cJSON_ArrayForEach(g, cJSON_GetObjectItem(root, "groups"))
    {
        const cJSON *r = cJSON_GetArrayItem(cJSON_GetObjectItem(g, "runs"), 0);
        const char *status = cJSON_GetStringValue(cJSON_GetObjectItem(r, "status"));
        double rung = cJSON_GetObjectItem(r, "rung")->valuedouble;
        pruned += !strcmp(status, "pruned");
        finished += !strcmp(status, "finished");
        if (!strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(g, "label")), "lr1e-6"))
            ck_assert_int_eq((int)rung, 2);
    }
    ck_assert_int_eq(pruned, 4); /* 6, 3 after 2 epochs, 2 after 4 */
    ck_assert_int_eq(finished, 2);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "said")), 2);
    cJSON_Delete(root);
    ck_assert_int_eq(rename(in_dir("reports/half/sweep.json"), in_dir("first.json")), 0);
    EXPECT_EXIT(0, "half.yaml"); /* nothing to do, and it comes to the same */
    ck_assert_str_eq(err, "");
    expect_same_file("reports/half/sweep.json", "first.json");
}
END_TEST

/* What a sweep consists of and what became of it. */
static char *groups_of(const char *sweep)
{
    char folder[PATH_MAX];

    snprintf(folder, sizeof folder, "reports/%s", sweep);
    cJSON *root = read_json(folder, "sweep.json");
    char *text = cJSON_Print(cJSON_GetObjectItem(root, "groups"));
    cJSON_Delete(root);
    return text;
}

START_TEST(what_ended_by_itself_is_not_pruned)
{
    write_sweep("early", "set: {train.epochs: 8, callbacks: [{type: early_stopping, patience: 1, "
                         "min_delta: 10}]}\n"
                         "sweep: {grid: {optimizer.lr: [1e-6, 0.01, 0.05]}, "
                         "prune: {rung: 4 epochs, factor: 3}}\n");
    EXPECT_EXIT(0, "early.yaml");
    cJSON *root = read_json("reports/early", "sweep.json");
    const cJSON *g;
    cJSON_ArrayForEach(g, cJSON_GetObjectItem(root, "groups"))
    {
        const cJSON *r = cJSON_GetArrayItem(cJSON_GetObjectItem(g, "runs"), 0);
        ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(r, "status")), "finished");
    }
    cJSON_Delete(root);
}
END_TEST

START_TEST(a_point_that_is_no_experiment_ends_no_search)
{
    write_sweep("odd", "set: {train.epochs: 1}\n"
                       "sweep:\n"
                       "  method: random\n"
                       "  runs: 6\n"
                       "  space:\n"
                       "    data.split.train: {choice: [0.5, 0.9]}\n"
                       "    data.split.val: {choice: [0.1, 0.5]}\n");
    EXPECT_EXIT(0, "odd.yaml");
    ck_assert_int_eq(count_runs("odd"), 3); /* 0.9 and 0.5 are more than all */
    cJSON *root = read_json("reports/odd", "sweep.json");
    char *said = cJSON_Print(cJSON_GetObjectItem(root, "said"));
    EXPECT_TEXT(said, "is no experiment and was left out");
    EXPECT_TEXT(said, "The space has no more points than 3");
    cJSON_free(said);
    cJSON_Delete(root);
}
END_TEST

START_TEST(a_search_repeats_itself)
{
    write_sweep("tpe", "set: {train.epochs: 2}\n"
                       "sweep:\n"
                       "  method: tpe\n"
                       "  runs: 16\n"
                       "  space: {optimizer.lr: {low: 1e-4, high: 0.3, scale: log}, "
                       "train.batch_size: {choice: [16, 32]}}\n"
                       "  objective: {metric: val.loss, goal: min}\n");
    EXPECT_EXIT(0, "tpe.yaml -q -j 2");
    ck_assert_int_eq(count_runs("tpe"), 16);
    char *first = groups_of("tpe"), *again;
    EXPECT_EXIT(0, "tpe.yaml -q -j 1"); /* from the folders */
    again = groups_of("tpe");
    ck_assert_str_eq(again, first);
    cJSON_free(again);
    file_remove_tree(in_dir("reports"));
    EXPECT_EXIT(0, "tpe.yaml -q -j 1"); /* once more, one at a time */
    again = groups_of("tpe");
    ck_assert_str_eq(again, first);
    cJSON_free(again);
    cJSON_free(first);
}
END_TEST

/* ---- killed -------------------------------------------------------------------------------- */

enum { KILLED_RUNS = 6 };

static void write_killed(void)
{
    write_sweep("killed", "sweep:\n"
                          "  zip:\n" /* the last is long enough for checkpoints on its way */
                          "    - {optimizer.lr: 0.01, train.epochs: 20}\n"
                          "    - {optimizer.lr: 0.02, train.epochs: 60}\n"
                          "    - {optimizer.lr: 0.03, train.epochs: 1000}\n"
                          "  repeat: {seed: 2}\n");
}

/* Hashes of the weights of every run. */
static void hash_all(char hashes[KILLED_RUNS][HASH_TEXT])
{
    static const char *const names[KILLED_RUNS] = {"lr0.01-epochs20-s1",   "lr0.01-epochs20-s2",
                                                   "lr0.02-epochs60-s1",   "lr0.02-epochs60-s2",
                                                   "lr0.03-epochs1000-s1", "lr0.03-epochs1000-s2"};
    char path[PATH_MAX];

    for (int i = 0; i < KILLED_RUNS; i++) {
        snprintf(path, sizeof path, "%s/weights/last.safetensors", run_of("killed", names[i]));
        ck_assert_msg(hash_file(in_dir(path), hashes[i]) == RN_OK, "no weights of %s", names[i]);
    }
}

/* A process with the folder of the tests in its command line, but for those of before; 0: none. */
static pid_t find_child(pid_t parent)
{
    char path[64], text[4096];
    pid_t found = 0;
    int n = 0;

    snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)parent, (long)parent);
    FILE *f = fopen(path, "r");
    size_t got = f ? fread(text, 1, sizeof text - 1, f) : 0;
    text[got] = '\0';
    for (char *s = text, *end; *s; s = end) {
        long pid = strtol(s, &end, 10);
        if (end == s)
            break;
        if (rand() % ++n == 0)
            found = (pid_t)pid;
    }
    if (f)
        fclose(f);
    return found;
}

/* Runs that go on although nobody started them any more. */
static int orphans(void)
{
    const struct dirent *e;
    char path[PATH_MAX], link[PATH_MAX];
    int n = 0;

    DIR *d = opendir("/proc");
    while (d && (e = readdir(d))) {
        snprintf(path, sizeof path, "/proc/%s/cwd", e->d_name);
        ssize_t got = readlink(path, link, sizeof link - 1);
        long pid = strtol(e->d_name, NULL, 10);
        link[got > 0 ? got : 0] = '\0';
        snprintf(path, sizeof path, "/proc/%ld/exe", pid);
        if (!pid || strcmp(link, test_dir()) != 0)
            continue;
        got = readlink(path, link, sizeof link - 1);
        link[got > 0 ? got : 0] = '\0';
        n += got > 0 && !strcmp(link, getenv("RN_RUNNER"));
    }
    if (d)
        closedir(d);
    return n;
}

/* Of the runs that are finished, by their summaries. */
static int finished(void)
{
    const struct dirent *e;
    char path[PATH_MAX], text[4096];
    int n = 0;

    DIR *d = opendir(in_dir("reports/killed/runs"));
    while (d && (e = readdir(d))) {
        snprintf(path, sizeof path, "reports/killed/runs/%s/status.json", e->d_name);
        slurp(path, text, sizeof text);
        n += strstr(text, "\"finished\"") != NULL;
    }
    if (d)
        closedir(d);
    return n;
}

/* RN_KILLS moments, 20 without it: kill -9 of the sweep, or of one of its runs. */
START_TEST(nothing_is_lost_by_kills)
{
    const char *wanted = getenv("RN_KILLS");
    int kills = wanted ? (int)strtol(wanted, NULL, 10) : 20, done = 0, rounds = 0;
    char undisturbed[KILLED_RUNS][HASH_TEXT], hashes[KILLED_RUNS][HASH_TEXT];
    static const long seed = 20261201;

    srand((unsigned)seed);
    write_killed();
    EXPECT_EXIT(0, "killed.yaml -q");
    hash_all(undisturbed);
    while (done < kills) {
        file_remove_tree(in_dir("reports"));
        rounds++;
        for (int code = -1, before = 0; code != 0;) {
            pid_t pid = start("killed.yaml -q");
            int status;
            while (done < kills) {
                usleep((unsigned)(rand() % 500 + 10) * 1000);
                pid_t child = rand() % 2 ? find_child(pid) : 0;
                if (waitpid(pid, &status, WNOHANG) == pid) {
                    pid = 0;
                    break;
                }
                done++;
                kill(child ? child : pid, SIGKILL);
                if (!child)
                    break;
            }
            if (pid)
                waitpid(pid, &status, 0);
            code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
            for (int i = 0; i < 200 && orphans(); i++) /* the kernel ends them right behind it */
                usleep(10000);
            ck_assert_int_eq(orphans(), 0);
            ck_assert_int_ge(finished(), before);
            before = finished();
            slurp("err", err, sizeof err);
            ck_assert_msg(code == 0 || code == -1 || code == 9, "exit %d: %s", code, err);
        }
        ck_assert_int_eq(count_runs("killed"), KILLED_RUNS);
        hash_all(hashes);
        ck_assert_int_eq(memcmp(hashes, undisturbed, sizeof hashes), 0);
    }
    printf("%d kills over %d sweeps of %d runs\n", done, rounds, KILLED_RUNS);
}
END_TEST

START_TEST(ctrl_c_stops_all_and_it_goes_on)
{
    char undisturbed[KILLED_RUNS][HASH_TEXT], hashes[KILLED_RUNS][HASH_TEXT];

    write_killed();
    EXPECT_EXIT(0, "killed.yaml -q");
    hash_all(undisturbed);
    file_remove_tree(in_dir("reports"));
    pid_t pid = start("killed.yaml -q");
    for (int i = 0; i < 500 && finished() < 2; i++)
        usleep(10000);
    usleep(200000);
    kill(pid, SIGINT);
    ck_assert_int_eq(finish(pid), 130);
    ck_assert_int_eq(orphans(), 0);
    ck_assert_int_lt(finished(), KILLED_RUNS);
    ck_assert(exists("reports/killed", "report.html"));
    EXPECT_EXIT(0, "killed.yaml -q");
    hash_all(hashes);
    ck_assert_int_eq(memcmp(hashes, undisturbed, sizeof hashes), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {all_are_run_once,
                                  a_run_is_the_same_as_alone,
                                  more_seeds_are_run_and_the_others_stay,
                                  mistakes_start_nothing,
                                  a_bad_run_costs_itself,
                                  what_was_finished_in_time_stays,
                                  a_run_that_another_has_is_left_alone,
                                  a_folder_that_only_looks_alike_is_not_taken,
                                  what_ended_by_itself_is_not_pruned,
                                  a_point_that_is_no_experiment_ends_no_search,
                                  failed_runs_are_begun_again,
                                  an_expectation_is_recorded_and_no_failure,
                                  a_sweep_is_run_by_one_at_a_time,
                                  halving_prunes_the_worst,
                                  a_search_repeats_itself,
                                  nothing_is_lost_by_kills,
                                  ctrl_c_stops_all_and_it_goes_on};

    use_test_plugins();
    return program_tests("sweep", tests, sizeof tests / sizeof *tests);
}
