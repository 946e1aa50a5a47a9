/* log.h - lines for people on stderr, and kept for log.txt of the run folder. */
#ifndef LOG_H
#define LOG_H

#include <runner/abi.h>

void log_verbosity(int level); /* enum rn_level: what is printed; all is kept */
void log_line(int level, const char *who, const char *fmt, ...) RN_PRINTF(3, 4);
int log_file(const char *path); /* from now on lines are appended there too; NULL: no more */
/* For a terminal, in place: control characters, so escape sequences, too, characters that turn the
 * direction of writing, and each byte of broken UTF-8 become '?'. */
void log_clean(char *text);

#endif
