/* program.h - starts the runner as its user would, in a folder of its own with little pictures to
 * learn: each run takes milliseconds. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <check.h>
#include <cjson/cJSON.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

extern char out[65536], err[65536]; /* of the last run that was finished */

/* Words are separated by single spaces. */
pid_t start(const char *line);
int finish(pid_t pid); /* the exit code; a death by a signal fails the test */
int run(const char *line);

const char *test_dir(void);
const char *in_dir(const char *name); /* the last four results stay valid */
void slurp(const char *name, char *to, size_t room);
void write_idx(const char *name, const uint8_t *head, size_t n_head, const uint8_t *data, size_t n);
void write_config(const char *name, const char *extra);
/* The newest run folder of an experiment, relative to the test's folder; "" when there is none. */
const char *run_folder(const char *name);
bool exists(const char *folder, const char *name);
cJSON *read_json(const char *folder, const char *name);
void expect_status(const char *name, const char *want); /* of the newest run, by status.json */

/* Plugins of the tests ($RN_TEST_PLUGINS) are found, before the others. */
void use_test_plugins(void);
/* Runs the tests in a fresh folder with data/ and tiny.yaml; returns main()'s result. */
int program_tests(const char *suite, const TTest *const *tests, size_t n);

#define EXPECT_EXIT(code, line) \
    do { \
        int got_ = run(line); \
        ck_assert_msg(got_ == (code), "exit %d, expected %d\n%s\n%s", got_, code, err, out); \
    } while (0)
#define EXPECT_TEXT(text, part) \
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part, text)

#endif
