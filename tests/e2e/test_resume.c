/* test_resume.c - a run that was interrupted ends as if it had not been: at every step of small
 * runs that have between them all that training remembers; and what is refused. */
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "program.h"
#include "train/safetensors.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = 15 }; /* 3 epochs of 80 samples by 17 */

static const char *const mlp =
    "  layers: [flatten, {type: dense, units: 12}, relu, {type: dropout, "
    "rate: 0.2}, {type: dense, units: 4}]\n";
static const char *const cnn =
    "  layers: [{type: conv2d, filters: 4, bias: false}, batchnorm, relu, "
    "flatten, {type: dropout, rate: 0.2}, {type: dense, units: 4}]\n";

/* What is remembered, each at least once with each model. */
static const struct course {
    const char *name;
    const char *const *model;
    const char *optimizer, *train, *more;
} courses[] = {
    {"mlp_sgd", &mlp, "{type: sgd, lr: 0.05, momentum: 0.9}", "log_every: 2 steps",
     "scheduler: {type: step, step_size: 1 epochs, gamma: 0.5, warmup: 4 steps}\n"
     "callbacks: [stop_at, {type: early_stopping, patience: 1, min_delta: 0.3}]\n"
     "metrics: [top3]\n"},
    {"mlp_adam", &mlp, "{type: adam, lr: 0.01}", "log_every: 3 steps, accumulate: 2",
     "scheduler: {type: plateau, patience: 0, threshold: 0.5, factor: 0.5}\n"
     "callbacks: [stop_at, {type: ema, decay: 0.9}, {type: early_stopping, patience: 9999}]\n"},
    {"cnn_sgd", &cnn, "{type: sgd, lr: 0.05, momentum: 0.9, nesterov: true}",
     "accumulate: 3, clip_norm: 1, log_every: 4 steps",
     "callbacks: [stop_at, {type: early_stopping, patience: 1, min_delta: 0.01},\n"
     "  {type: checkpoint, save: last, name: mine}]\n"},
    {"cnn_adam", &cnn, "{type: adam, lr: 0.01}", "log_every: 1 epochs",
     "scheduler: {type: cosine, warmup: 3 steps}\n"
     "callbacks: [stop_at, {type: ema, decay: 0.9}, {type: early_stopping, patience: 9}]\n"},
};

static void write_course(const struct course *c)
{
    char text[2048], name[64];
    int n = snprintf(text, sizeof text,
                     "seed: 3\n"
                     "data: {type: mnist, path: data, split: {train: 0.8, val: 0.2},\n"
                     "  normalize: {mean: 0.25, std: 0.25}, limit: {train: 80, test: 40},\n"
                     "  augment: [{type: shift, pixels: 1}, {type: rotate, degrees: 10}]}\n"
                     "model:\n%sloss: cross_entropy\noptimizer: %s\n"
                     "train: {epochs: 3, batch_size: 17, %s}\nreporters: [jsonl, console]\n%s",
                     *c->model, c->optimizer, c->train, c->more);

    file_remove_tree(in_dir("runs"));
    snprintf(name, sizeof name, "%s.yaml", c->name);
    ck_assert_int_eq(file_write(in_dir(name), text, (uint64_t)n), RN_OK);
}

/* In a process that is asked to end in its step `at`; 0: it is not. */
static int run_to(int at, const char *line)
{
    char number[16];

    snprintf(number, sizeof number, "%d", at);
    setenv("RN_STOP_AT", number, 1);
    int code = run(line);
    unsetenv("RN_STOP_AT");
    return code;
}

/* ---- the same ------------------------------------------------------------------ */

static void expect_same_tensors(const char *a, const char *b, const char *file)
{
    struct safetensors x, y;
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", a, file);
    ck_assert_int_eq(safetensors_read(in_dir(path), &x), RN_OK);
    snprintf(path, sizeof path, "%s/%s", b, file);
    ck_assert_int_eq(safetensors_read(in_dir(path), &y), RN_OK);
    ck_assert(x.verified && y.verified);
    ck_assert_int_eq(x.n, y.n);
    for (int i = 0; i < x.n; i++) {
        size_t n = 1;
        ck_assert_str_eq(x.tensors[i].name, y.tensors[i].name);
        for (int k = 0; k < x.tensors[i].rank; k++)
            n *= (size_t)x.tensors[i].dim[k];
        ck_assert_msg(!memcmp(x.tensors[i].data, y.tensors[i].data, n * sizeof(float)),
                      "%s of %s differs in %s", x.tensors[i].name, path, b);
    }
    for (int i = 0; i < x.n_meta; i++) /* states of scheduler and callbacks */
        if (!strncmp(x.meta[i].key, "state/", 6))
            for (int k = 0; k < y.n_meta; k++)
                if (!strcmp(x.meta[i].key, y.meta[k].key))
                    ck_assert_str_eq(x.meta[i].value, y.meta[k].value);
    safetensors_free(&x);
    safetensors_free(&y);
}

/* Cuts `"t":1.234,` out of each line. */
static void drop_times(char *text)
{
    const char *at = text;

    while (*at)
        if (!strncmp(at, "\"t\":", 4))
            at += strcspn(at, ",") + 1;
        else
            *text++ = *at++;
    *text = '\0';
}

/* Empties the columns of seconds: train_s, samples_per_s, val_s. */
static void drop_seconds(char *text)
{
    char *to = text;
    int column = 0;

    for (const char *at = text; *at; at++) {
        column = *at == '\n' ? 0 : column + (*at == ',');
        if (*at == ',' || *at == '\n' || column < 9 || column > 11)
            *to++ = *at;
    }
    *to = '\0';
}

static void expect_same_text(const char *a, const char *b, const char *file,
                             void (*drop)(char *text))
{
    static char x[1 << 23], y[1 << 23];
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", a, file);
    slurp(path, x, sizeof x);
    snprintf(path, sizeof path, "%s/%s", b, file);
    slurp(path, y, sizeof y);
    if (drop) {
        drop(x);
        drop(y);
    }
    size_t n = 0;
    while (x[n] && x[n] == y[n])
        n++;
    ck_assert_msg(n > 0 && n + 1 < sizeof x && x[n] == y[n], "%s of %s: %.200s\nand of %s: %.200s",
                  file, a, x + n, b, y + n);
}

static void expect_same_runs(const char *a, const char *b)
{
    static const char *const tables[] = {"predictions.csv", "steps.csv", "params.csv",
                                         "histograms.csv", "units.csv"};

    expect_same_tensors(a, b, "weights/last.safetensors");
    expect_same_tensors(a, b, "weights/best.safetensors");
    expect_same_tensors(a, b, "state/last.safetensors");
    expect_same_text(a, b, "metrics.jsonl", drop_times);
    expect_same_text(a, b, "epochs.csv", drop_seconds);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        expect_same_text(a, b, tables[i], NULL);
}

static double number_in(const char *folder, const char *file, const char *key)
{
    cJSON *root = read_json(folder, file);
    const cJSON *v = cJSON_GetObjectItem(root, key);
    double value = cJSON_IsNumber(v) ? v->valuedouble : -1;

    cJSON_Delete(root);
    return value;
}

static void expect_word(const char *folder, const char *key, const char *word)
{
    cJSON *root = read_json(folder, "status.json");

    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(root, key)), word);
    cJSON_Delete(root);
}

/* Each process does one step, by --run-dir and by resume in turns, with one thread and with two. */
static void interrupt_at_every_step(const struct course *c)
{
    char line[256];
    int n = 0, code = 75;

    write_course(c);
    snprintf(line, sizeof line, "%s.yaml -q --run-dir runs/whole --threads 1", c->name);
    EXPECT_EXIT(0, line);
    for (; code == 75 && n <= STEPS; n++) {
        if (n % 2)
            snprintf(line, sizeof line, "resume runs/cut -q --threads 1");
        else
            snprintf(line, sizeof line, "%s.yaml -q --run-dir runs/cut --threads 2", c->name);
        code = run_to(1, line);
    }
    ck_assert_msg(code == 0 && n >= 10, "exit %d in attempt %d: %s", code, n, err);
    expect_same_runs("runs/whole", "runs/cut");
}

START_TEST(interrupted_behind_every_step)
{
    for (size_t i = 0; i < sizeof courses / sizeof *courses; i++)
        interrupt_at_every_step(&courses[i]);
}
END_TEST

/* Every third twice. */
START_TEST(interrupted_at_any_step)
{
    char line[256], cut[64];

    write_course(&courses[1]);
    EXPECT_EXIT(0, "mlp_adam.yaml -q --run-dir runs/whole");
    for (int step = 1; step < STEPS; step++) {
        snprintf(cut, sizeof cut, "runs/cut%d", step);
        snprintf(line, sizeof line, "mlp_adam.yaml -q --run-dir %s", cut);
        ck_assert_int_eq(run_to(step, line), 75);
        if (step % 3 == 0)
            run_to(2, line);
        EXPECT_EXIT(0, line);
        expect_same_runs("runs/whole", cut);
    }
}
END_TEST

/* Behind a checkpoint, and behind those of each second where a machine is slow. */
START_TEST(killed_at_any_moment_it_ends_with_the_same_bits)
{
    static const char line[] = "mlp_adam.yaml -q --run-dir runs/k --epochs 1500";

    write_course(&courses[1]);
    EXPECT_EXIT(0, "mlp_adam.yaml -q --run-dir runs/whole --epochs 1500");
    ck_assert_int_eq(run_to(40, line), 75);
    srand(1);
    for (int i = 0; i < 6; i++) {
        pid_t pid = start(line);
        usleep((useconds_t)(rand() % 300000));
        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    }
    EXPECT_EXIT(0, line);
    ck_assert_double_gt(number_in("runs/k", "summary.json", "resumed_step"), 0);
    expect_same_runs("runs/whole", "runs/k");
}
END_TEST

/* ---- what else there is to go on with ------------------------------------------- */

#define COURSE "mlp_adam.yaml -q --run-dir runs/r"

START_TEST(it_pauses_and_goes_on_for_longer)
{
    write_course(&courses[1]);
    EXPECT_EXIT(75, COURSE " --until 1");
    expect_word("runs/r", "status", "interrupted");
    expect_word("runs/r", "reason", "paused after epoch 1");
    EXPECT_EXIT(75, COURSE " --until 1");
    EXPECT_EXIT(75, COURSE " --until 2");
    EXPECT_EXIT(0, COURSE " --until 3");
    ck_assert_double_eq(number_in("runs/r", "status.json", "attempt"), 4);
    ck_assert_double_eq(number_in("runs/r", "summary.json", "attempt"), 4);
    ck_assert_double_eq(number_in("runs/r", "summary.json", "resumed_step"), 10);
    EXPECT_EXIT(0, "mlp_adam.yaml -q --run-dir runs/three");
    expect_same_runs("runs/three", "runs/r");
    EXPECT_EXIT(0, "resume runs/r train.epochs=6");
    EXPECT_TEXT(err, "goes on with train.epochs = 6, which was 3");
    EXPECT_TEXT(err, "epoch 6/6");
    EXPECT_EXIT(0, "mlp_adam.yaml -q --run-dir runs/six train.epochs=6");
    expect_same_runs("runs/six", "runs/r");
    EXPECT_EXIT(2, "resume runs/r train.epochs=5");
    EXPECT_TEXT(err, "train.epochs is 5, and it is in epoch 6 already");
}
END_TEST

START_TEST(a_finished_run_is_left_as_it_is)
{
    static char before[1 << 16], now[1 << 16];

    write_course(&courses[1]);
    EXPECT_EXIT(0, COURSE);
    slurp("runs/r/status.json", before, sizeof before);
    EXPECT_EXIT(0, COURSE);
    EXPECT_TEXT(err, "runs/r is finished: nothing to do");
    EXPECT_EXIT(0, "resume runs/r");
    EXPECT_EXIT(0, "resume runs/r --json");
    EXPECT_TEXT(out, "\"status\": \"finished\"");
    slurp("runs/r/status.json", now, sizeof now);
    ck_assert_str_eq(before, now);
    ck_assert(!exists("reports", "index.html"));
    EXPECT_EXIT(0, "mlp_adam.yaml -q");
    EXPECT_EXIT(0, "resume latest:mlp_adam");
    EXPECT_TEXT(err, "is finished");
}
END_TEST

START_TEST(another_experiment_is_refused)
{
    char text[4096], *at;

    write_course(&courses[1]);
    ck_assert_int_eq(run_to(4, COURSE), 75);
    EXPECT_EXIT(2, COURSE " optimizer.lr=0.02 seed=4");
    EXPECT_TEXT(err, "another configuration: optimizer.lr was 0.01, is 0.02; seed was 3, is 4");
    EXPECT_EXIT(2, "resume runs/r -q seed=4 optimizer.lr=0.02 train.batch_size=5");
    EXPECT_TEXT(err, "another experiment: seed was 3, is 4; train.batch_size was 17, is 5;");
    EXPECT_EXIT(2, "resume runs/r -q optimizer=sgd");
    EXPECT_TEXT(err, "optimizer.type was adam, is sgd");
    EXPECT_EXIT(2, "resume runs/r -q callbacks.1.type=checkpoint");
    slurp("runs/r/config.yaml", text, sizeof text);
    at = strstr(text, "seed: 3");
    ck_assert_ptr_nonnull(at);
    at[6] = '5';
    ck_assert_int_eq(file_write(in_dir("runs/r/config.yaml"), text, strlen(text)), RN_OK);
    EXPECT_EXIT(2, "resume runs/r");
    EXPECT_TEXT(err, "seed was 3, is 5");
    at[6] = '3';
    ck_assert_int_eq(file_write(in_dir("runs/r/config.yaml"), text, strlen(text)), RN_OK);
    EXPECT_EXIT(0, "resume runs/r -q optimizer.lr=0.02 callbacks.early_stopping1.patience=8");
    EXPECT_TEXT(err, "goes on with optimizer.lr = 0.02, which was 0.01");
    EXPECT_TEXT(err, "patience = 8, which was 9999");
    cJSON *root = read_json("runs/r", "summary.json");
    const cJSON *changed = cJSON_GetObjectItem(root, "changed");
    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(changed, "optimizer.lr")), "0.02");
    ck_assert_ptr_null(cJSON_GetObjectItem(changed, "train.eval_batch_size"));
    EXPECT_TEXT(cJSON_GetStringValue(cJSON_GetObjectItem(root, "command")), "mlp_adam.yaml -q");
    cJSON_Delete(root);
}
END_TEST

START_TEST(other_data_are_refused)
{
    char labels[1024];

    write_course(&courses[1]);
    ck_assert_int_eq(run_to(4, COURSE), 75);
    FILE *f = fopen(in_dir("data/train-labels-idx1-ubyte"), "r+b");
    size_t n = fread(labels, 1, sizeof labels, f);
    fseek(f, 20, SEEK_SET);
    fputc((labels[20] + 1) % 4, f);
    fclose(f);
    EXPECT_EXIT(4, COURSE);
    EXPECT_TEXT(err, "its data are not those of runs/r/data.json any more");
    expect_word("runs/r", "status", "interrupted");
    f = fopen(in_dir("data/train-labels-idx1-ubyte"), "wb");
    fwrite(labels, 1, n, f);
    fclose(f);
    ck_assert_int_eq(rename(in_dir("data"), in_dir("moved")), 0);
    EXPECT_EXIT(0, "resume runs/r -q data.path=moved");
    EXPECT_TEXT(err, "goes on with data.path = ");
    ck_assert_int_eq(rename(in_dir("moved"), in_dir("data")), 0);
    EXPECT_EXIT(0, "mlp_adam.yaml -q --run-dir runs/whole");
    expect_same_runs("runs/whole", "runs/r");
}
END_TEST

static void put(const char *name, const char *data, size_t n)
{
    ck_assert_int_eq(file_write(in_dir(name), data, n), RN_OK);
}

START_TEST(a_damaged_checkpoint_is_refused)
{
    static const char name[] = "runs/r/state/last.safetensors";
    void *data;
    uint64_t n;

    write_course(&courses[1]);
    ck_assert_int_eq(run_to(7, COURSE), 75);
    ck_assert_int_eq(file_read(in_dir(name), 1 << 24, &data, &n), RN_OK);
    char *bytes = data;
    for (uint64_t at = 0; at < n; at += n / 5) {
        bytes[at] ^= 1;
        put(name, bytes, n);
        bytes[at] ^= 1;
        EXPECT_EXIT(4, at % 2 ? "resume runs/r" : COURSE);
        EXPECT_TEXT(err, "remove it, and the run begins anew");
        put(name, bytes, at);
        EXPECT_EXIT(4, COURSE);
        EXPECT_TEXT(err, name);
    }
    expect_word("runs/r", "reason", "stopped by SIGTERM after step 7, in epoch 2");
    put(name, bytes, n);
    free(data);
    EXPECT_EXIT(0, COURSE);
    EXPECT_EXIT(0, "mlp_adam.yaml -q --run-dir runs/whole");
    expect_same_runs("runs/whole", "runs/r");
    ck_assert_int_eq(run_to(7, "mlp_adam.yaml -q --run-dir runs/anew"), 75);
    ck_assert_int_eq(remove(in_dir("runs/anew/state/last.safetensors")), 0);
    EXPECT_EXIT(0, "resume runs/anew -q");
    expect_same_runs("runs/whole", "runs/anew");
}
END_TEST

/* What a killed process may leave behind the checkpoint. */
START_TEST(lines_behind_the_checkpoint_are_cut)
{
    static const char more[] =
        "{\"v\":1,\"t\":1,\"step\":8,\"epoch\":2,\"split\":\"train\"}\n{\"v\":1,\"st";

    write_course(&courses[1]);
    ck_assert_int_eq(run_to(7, COURSE), 75);
    FILE *f = fopen(in_dir("runs/r/metrics.jsonl"), "ab");
    fwrite(more, 1, sizeof more - 1, f);
    fclose(f);
    f = fopen(in_dir("runs/r/epochs.csv"), "ab");
    fputs("2,10,1,1,1,1,1,1,1,1,1,1\n3,15,1,1,1,1,1,1,1,1,1,1\n", f);
    fclose(f);
    f = fopen(in_dir("runs/r/log.txt"), "ab");
    fputs("2026-09-14T13:30:12Z info to", f);
    fclose(f);
    EXPECT_EXIT(0, COURSE);
    EXPECT_EXIT(0, "mlp_adam.yaml -q --run-dir runs/whole");
    expect_same_runs("runs/whole", "runs/r");
    char log[8192];
    slurp("runs/r/log.txt", log, sizeof log);
    EXPECT_TEXT(log, "info to\n");
    EXPECT_TEXT(log, "attempt 2 goes on behind step 7, epoch 2: ");
    put("runs/r/epochs.csv", "epoch\n", 6);
    EXPECT_EXIT(4, "resume runs/r train.epochs=4");
    EXPECT_TEXT(err, "epochs.csv");
}
END_TEST

START_TEST(what_diverged_or_failed_begins_anew)
{
    static const char diverges[] = COURSE " optimizer.type=sgd optimizer.lr=1e30";

    write_course(&courses[1]);
    EXPECT_EXIT(6, diverges);
    EXPECT_EXIT(2, "resume runs/r");
    EXPECT_TEXT(err, "runs/r diverged, and would again: the loss is not finite");
    EXPECT_EXIT(6, diverges);
    ck_assert_double_eq(number_in("runs/r", "status.json", "attempt"), 2);
    put("runs/r/status.json", "{\"status\": \"failed\"}", 20);
    EXPECT_EXIT(6, diverges);
}
END_TEST

START_TEST(tensorboard_gets_a_file_for_each_attempt)
{
    char line[256];

    write_course(&courses[1]);
    ck_assert_int_eq(run_to(7, COURSE " reporters=[tensorboard,jsonl]"), 75);
    EXPECT_EXIT(0, COURSE " reporters=[tensorboard,jsonl]");
    for (int i = 0; i < 2; i++) {
        snprintf(line, sizeof line, "test -f %s/tb/train/events.*.r.%d", in_dir("runs/r"), i);
        ck_assert_int_eq(system(line), 0);
    }
    EXPECT_EXIT(0, "export runs/r --to tensorboard --dir tb");
}
END_TEST

/* As if it had been killed when the last checkpoint was written and nothing behind it. */
START_TEST(killed_behind_its_last_step_it_trains_no_further)
{
    static const char running[] = "{\"status\": \"running\", \"pid\": 1, \"host\": \"elsewhere\"}";

    for (int i = 0; i < 2; i++) { /* ended early, and at its end */
        char line[128], whole[128];
        write_course(&courses[i]);
        snprintf(whole, sizeof whole, "%s.yaml -q --run-dir runs/whole", courses[i].name);
        snprintf(line, sizeof line, "%s.yaml -q --run-dir runs/r", courses[i].name);
        EXPECT_EXIT(0, whole);
        EXPECT_EXIT(0, line);
        put("runs/r/status.json", running, sizeof running - 1);
        remove(in_dir("runs/r/weights/last.safetensors"));
        EXPECT_EXIT(0, line);
        expect_same_runs("runs/whole", "runs/r");
        EXPECT_EXIT(0, line);
        EXPECT_TEXT(err, "is finished");
    }
}
END_TEST

/* Interrupted in any step before the one that breaks it. */
START_TEST(it_diverges_as_if_it_had_not_been_interrupted)
{
    static const char wild[] = "-q optimizer.lr=3e4 callbacks=[stop_at] reporters=[jsonl,console]";
    char line[256];

    write_course(&courses[0]);
    snprintf(line, sizeof line, "mlp_sgd.yaml --run-dir runs/whole %s", wild);
    EXPECT_EXIT(6, line);
    cJSON *root = read_json("runs/whole", "status.json");
    const char *reason = cJSON_GetStringValue(cJSON_GetObjectItem(root, "reason"));
    for (int step = 1; step < 5; step++) {
        snprintf(line, sizeof line, "mlp_sgd.yaml --run-dir runs/d%d %s", step, wild);
        int code = run_to(step, line);
        ck_assert(code == 75 || code == 6);
        if (code == 75)
            EXPECT_EXIT(6, line);
        snprintf(line, sizeof line, "runs/d%d", step);
        expect_word(line, "reason", reason);
        expect_same_tensors("runs/whole", line, "weights/last.safetensors");
        expect_same_text("runs/whole", line, "metrics.jsonl", drop_times);
    }
    cJSON_Delete(root);
}
END_TEST

/* Disk and memory that run out while it goes on: what was there stays good. */
static void fail_while_it_goes_on(const char *variable, int code, int stride)
{
    char value[16];
    int failures = 0;

    write_course(&courses[1]);
    EXPECT_EXIT(0, "mlp_adam.yaml -q --run-dir runs/whole");
    for (int n = 1, good = 0; good < 2; n += stride) {
        file_remove_tree(in_dir("runs/r"));
        ck_assert_int_eq(run_to(7, COURSE), 75);
        snprintf(value, sizeof value, "%d", n);
        setenv(variable, value, 1);
        int got = run("resume runs/r -q");
        unsetenv(variable);
        ck_assert_msg(got == 0 || got == code, "%s=%d: exit %d: %s", variable, n, got, err);
        good = got ? 0 : good + 1;
        failures += got != 0;
        EXPECT_EXIT(0, "resume runs/r -q");
        expect_same_runs("runs/whole", "runs/r");
    }
    ck_assert_int_ge(failures, 3);
}

START_TEST(a_disk_that_is_full_while_it_goes_on) { fail_while_it_goes_on("RN_FAIL_IO", 5, 19); }
END_TEST

START_TEST(memory_that_ends_while_it_goes_on) { fail_while_it_goes_on("RN_FAIL_ALLOC", 8, 499); }
END_TEST

START_TEST(a_folder_in_use_is_left_alone)
{
    char holder[64];

    write_course(&courses[1]);
    pid_t pid = start(COURSE " --epochs 1000000");
    for (int i = 0; i < 1000 && !exists("runs/r", "metrics.jsonl"); i++)
        usleep(5000);
    EXPECT_EXIT(7, COURSE " --epochs 1000000");
    snprintf(holder, sizeof holder, "runs/r/run.lock is in use by process %ld on ", (long)pid);
    EXPECT_TEXT(err, holder);
    EXPECT_EXIT(7, "resume runs/r");
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    EXPECT_EXIT(75, COURSE " --epochs 1000000 --until 2");
}
END_TEST

START_TEST(of_many_one_goes_on)
{
    enum { MANY = 6 };
    pid_t pid[MANY];
    int won = 0;

    write_course(&courses[1]);
    for (int i = 0; i < MANY; i++)
        pid[i] = start(COURSE " --epochs 100");
    for (int i = 0; i < MANY; i++) {
        int code = finish(pid[i]);
        ck_assert_msg(code == 0 || code == 7, "exit %d: %s", code, err);
        won += code == 0;
    }
    ck_assert_int_ge(won, 1);
    ck_assert_double_eq(number_in("runs/r", "status.json", "attempt"), 1);
    expect_word("runs/r", "status", "finished");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        interrupted_behind_every_step,
        interrupted_at_any_step,
        killed_at_any_moment_it_ends_with_the_same_bits,
        it_pauses_and_goes_on_for_longer,
        a_finished_run_is_left_as_it_is,
        another_experiment_is_refused,
        other_data_are_refused,
        a_damaged_checkpoint_is_refused,
        lines_behind_the_checkpoint_are_cut,
        what_diverged_or_failed_begins_anew,
        tensorboard_gets_a_file_for_each_attempt,
        killed_behind_its_last_step_it_trains_no_further,
        it_diverges_as_if_it_had_not_been_interrupted,
        a_disk_that_is_full_while_it_goes_on,
        memory_that_ends_while_it_goes_on,
        a_folder_in_use_is_left_alone,
        of_many_one_goes_on,
    };
    use_test_plugins();
    return program_tests("resume", tests, sizeof tests / sizeof *tests);
}
