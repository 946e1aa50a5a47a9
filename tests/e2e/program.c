/* program.c - starts the runner as its user would. */
#define _GNU_SOURCE
#include "program.h"

#include "base/file.h"
#include "support/suite.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char dir[64];
char out[65536], err[65536];

const char *test_dir(void) { return dir; }

const char *in_dir(const char *name)
{
    static char path[4][PATH_MAX];
    static int turn;

    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

void slurp(const char *name, char *to, size_t room)
{
    FILE *f = fopen(in_dir(name), "rb");
    size_t n = f ? fread(to, 1, room - 1, f) : 0;

    to[n] = '\0';
    if (f)
        fclose(f);
}

pid_t start(const char *line)
{
    static char words[4096];
    char *argv[64] = {getenv("RN_RUNNER")};
    int argc = 1;
    posix_spawn_file_actions_t files;
    pid_t pid;

    snprintf(words, sizeof words, "%s", line);
    for (char *w = words, *end; w && *w; w = end) {
        end = strchr(w, ' ');
        if (end)
            *end++ = '\0';
        argv[argc++] = w;
    }
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, in_dir("out"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&files, 2, in_dir("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(posix_spawn(&pid, argv[0], &files, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

int finish(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    slurp("out", out, sizeof out);
    slurp("err", err, sizeof err);
    ck_assert_msg(WIFEXITED(status), "killed by signal %d: %s", WTERMSIG(status), err);
    return WEXITSTATUS(status);
}

int run(const char *line) { return finish(start(line)); }

/* ---- little pictures ------------------------------------------------------------ */

void write_idx(const char *name, const uint8_t *head, size_t n_head, const uint8_t *data, size_t n)
{
    FILE *f = fopen(in_dir(name), "wb");

    ck_assert_ptr_nonnull(f);
    fwrite(head, 1, n_head, f);
    fwrite(data, 1, n, f);
    fclose(f);
}

/* n pictures of 6 x 5 in 4 classes: a bright column at 1 + class, and some noise. */
static void write_pictures(const char *which, int n)
{
    uint8_t *pixels = calloc((size_t)n, 30), *labels = calloc((size_t)n, 1);
    uint8_t images_head[] = {0, 0, 8, 3, 0, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, 0,
                             0, 6, 0, 0, 0, 5};
    uint8_t labels_head[] = {0, 0, 8, 1, 0, 0, (uint8_t)(n >> 8), (uint8_t)n};
    char name[64];

    for (int i = 0; i < n; i++) {
        labels[i] = (uint8_t)(i * 7 % 4);
        for (int k = 0; k < 30; k++)
            pixels[i * 30 + k] = (uint8_t)(k % 5 == 1 + labels[i] ? 220 : (i * 31 + k * 17) % 90);
    }
    snprintf(name, sizeof name, "data/%s-images-idx3-ubyte", which);
    write_idx(name, images_head, sizeof images_head, pixels, (size_t)n * 30);
    snprintf(name, sizeof name, "data/%s-labels-idx1-ubyte", which);
    write_idx(name, labels_head, sizeof labels_head, labels, (size_t)n);
    free(pixels);
    free(labels);
}

void write_config(const char *name, const char *extra)
{
    char text[4096];

    int n = snprintf(text, sizeof text,
                     "seed: 3\n"
                     "data: {type: mnist, path: data, split: {train: 0.8, val: 0.2},\n"
                     "  normalize: {mean: 0.25, std: 0.25}}\n"
                     "model:\n  layers: [flatten, {type: dense, units: 16}, relu, "
                     "{type: dense, units: 4, name: scores}]\n"
                     "loss: cross_entropy\noptimizer: {type: adam, lr: 0.01}\n"
                     "train: {epochs: 6, batch_size: 16}\n%s",
                     extra);
    ck_assert_int_eq(file_write(in_dir(name), text, (uint64_t)n), RN_OK);
}

const char *run_folder(const char *name)
{
    static char path[PATH_MAX];
    char link[PATH_MAX], target[256];

    snprintf(link, sizeof link, "reports/%s/latest", name);
    ssize_t n = readlink(in_dir(link), target, sizeof target - 1);
    if (n < 0)
        return "";
    target[n] = '\0';
    snprintf(path, sizeof path, "reports/%s/%s", name, target);
    return path;
}

cJSON *read_json(const char *folder, const char *name)
{
    static char text[1 << 20];
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    slurp(path, text, sizeof text);
    cJSON *root = cJSON_Parse(text);
    ck_assert_msg(root != NULL, "%s is no JSON: %s", path, text);
    return root;
}

void expect_status(const char *name, const char *want)
{
    cJSON *root = read_json(run_folder(name), "status.json");

    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(root, "status")), want);
    cJSON_Delete(root);
}

bool exists(const char *folder, const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return file_exists(in_dir(path));
}

/* ---- the frame ---- */

static void make_data(void)
{
    file_mkdirs(in_dir("data"));
    write_pictures("train", 500);
    write_pictures("t10k", 200);
}

static void set_up(void)
{
    file_remove_tree(in_dir("reports"));
    write_config("tiny.yaml", "expect: [{metric: test.accuracy, min: 0.25}]\n");
}

/* In memory where there is room for it: the tests write checkpoints by the thousand, and waiting
 * for a disk would be most of their time. */
static bool make_dir(void)
{
    static const char memory[] = "/dev/shm";
    struct statvfs f;
    bool room = !statvfs(memory, &f) && !(f.f_flag & ST_NOEXEC) &&
                (double)f.f_bavail * (double)f.f_frsize > 512e6;

    snprintf(dir, sizeof dir, "%s/test_runner_XXXXXX", room ? memory : "/tmp");
    return mkdtemp(dir) != NULL;
}

void use_test_plugins(void)
{
    char path[2 * PATH_MAX];

    snprintf(path, sizeof path, "%s:%s", getenv("RN_TEST_PLUGINS"), getenv("RN_PLUGIN_PATH"));
    setenv("RN_PLUGIN_PATH", path, 1);
}

int program_tests(const char *suite, const TTest *const *tests, size_t n)
{
    Suite *s = suite_create(suite);
    TCase *t = tcase_create(suite);

    if (!make_dir() || chdir(dir))
        return 1;
    tcase_set_timeout(t, 240);
    tcase_add_unchecked_fixture(t, make_data, NULL);
    tcase_add_checked_fixture(t, set_up, NULL);
    for (size_t i = 0; i < n; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    int failed = suite_run(s);
    file_remove_tree(dir);
    return failed != 0;
}
