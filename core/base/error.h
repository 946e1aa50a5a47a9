/* error.h - the last error of this thread: a status and one message. */
#ifndef ERROR_H
#define ERROR_H

#include <runner/abi.h>

/* Records why a call fails and returns status. file and line say where in our source. */
int error_set(int status, const char *file, int line, const char *fmt, ...) RN_PRINTF(4, 5);
/* Puts "context: " before the message of a call that failed with status; returns status. When the
 * call recorded nothing of that status, the message says so. */
int error_prefix(int status, const char *fmt, ...) RN_PRINTF(2, 3);
#define ERROR_MAX 4096
struct error {
    int status, line;
    const char *file;
    char text[ERROR_MAX];
};
/* To do something else that may fail on the way out, and still say why it began. */
struct error error_save(void);
void error_restore(const struct error *e);

const char *error_text(void); /* "" when there is none */
int error_status(void);
const char *error_origin(void); /* "file.c:12", for -v */
void error_clear(void);
/* The exit code of the process for a status, as EXIT CODES in the README says. */
int error_exit_code(int status);

#define FAIL(status, ...) error_set((status), __FILE__, __LINE__, __VA_ARGS__)
#define TRY(call)         RN_TRY(call)

#endif
