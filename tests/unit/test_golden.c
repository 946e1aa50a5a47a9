/* test_golden.c - every wrong file of tests/golden/config says exactly what its .txt holds. A first
 * line "# args: ..." gives overrides. RN_GOLDEN=write writes the texts anew: read the diff. */
#define _XOPEN_SOURCE 700
#include "experiment/experiment.h"
#include "support/fakes.h"

#include "base/mem.h"
#include "support/suite.h"

#include <check.h>
#include <dirent.h>
#include <unistd.h>

#define FOLDER    "tests/golden/config"
#define FILES_MAX 256
#define ARGS_MAX  16

static char *names[FILES_MAX];
static int n_names;

static int args_of(char *text, const char **args)
{
    static const char mark[] = "# args: ";
    int n = 0;

    if (strncmp(text, mark, sizeof mark - 1))
        return 0;
    text[strcspn(text, "\n")] = '\0';
    for (char *s = text + sizeof mark - 1; *s && n < ARGS_MAX; n++) {
        args[n] = s;
        s += strcspn(s, " ");
        if (*s)
            *s++ = '\0';
    }
    return n;
}

/* What a user sees of file: the problems, or the resolved tree. */
static void say(const char *file, struct text *out)
{
    const char *args[ARGS_MAX];
    struct registry *r;
    struct diag *diag;
    struct experiment *e;
    void *text;
    uint64_t bytes;

    ck_assert_int_eq(file_read(file, 1 << 20, &text, &bytes), RN_OK);
    ck_assert_int_eq(registry_open(NULL, 0, &r), RN_OK);
    int status = experiment_load(file, args, args_of(text, args), r, &diag, &e);
    ck_assert_ptr_nonnull(e);
    text_add(out, "status %d\n", status);
    diag_text(diag, false, out);
    experiment_free(e);
    registry_close(r);
    mem_free(text);
}

/* The folder with fakes has a random name: messages that show it have {tmp} in the golden file. */
static void hide_folder(struct text *t, const char *dir)
{
    struct text out = {0};
    const char *s = text_str(t);

    for (const char *at; (at = strstr(s, dir)); s = at + strlen(dir)) {
        text_put(&out, s, (size_t)(at - s));
        text_put(&out, "{tmp}", 5);
    }
    text_put(&out, s, strlen(s));
    text_free(t);
    *t = out;
}

static int diff(const char *expected, const char *got, const char *dir)
{
    char command[PATH_MAX + 128];
    const char *path = scratch_write(dir, "got.txt", got);

    snprintf(command, sizeof command, "diff -u '%s' '%s' >&2", expected, path);
    return system(command);
}

static const char *folder;

START_TEST(says_what_it_said)
{
    struct text got = {0};
    char expected[PATH_MAX];
    const char *update = getenv("RN_GOLDEN");

    say(names[_i], &got);
    hide_folder(&got, folder);
    snprintf(expected, sizeof expected, "%.*s.txt", (int)(strlen(names[_i]) - 5), names[_i]);
    if (update && !strcmp(update, "write"))
        ck_assert_int_eq(file_write(expected, text_str(&got), got.n), RN_OK);
    int differs = diff(expected, text_str(&got), folder);
    text_free(&got);
    ck_assert_msg(!differs, "%s says something else", names[_i]);
}
END_TEST

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool find_names(void)
{
    const char *root = getenv("RN_SOURCE");
    DIR *d = !chdir(root ? root : ".") && !chdir(FOLDER) ? opendir(".") : NULL;

    for (struct dirent *e; d && (e = readdir(d)) && n_names < FILES_MAX;)
        if (strlen(e->d_name) > 5 && !strcmp(e->d_name + strlen(e->d_name) - 5, ".yaml"))
            names[n_names++] = strdup(e->d_name);
    if (d)
        closedir(d);
    qsort(names, (size_t)n_names, sizeof *names, by_name);
    return n_names > 0;
}

int main(void)
{
    Suite *s = suite_create("golden");
    TCase *t = tcase_create("config");

    if (!find_names()) {
        fprintf(stderr, "no golden files: RN_SOURCE must be the source folder\n");
        return 1;
    }
    folder = fakes_open();
    tcase_add_loop_test(t, says_what_it_said, 0, n_names);
    suite_add_tcase(s, t);
    int failed = suite_run(s);
    file_remove_tree(folder);
    for (int i = 0; i < n_names; i++)
        free(names[i]);
    return failed != 0;
}
