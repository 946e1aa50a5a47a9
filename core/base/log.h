/* log.h - lines for people on stderr, and kept for log.txt of the run folder. */
#ifndef LOG_H
#define LOG_H

#include <runner/abi.h>

void log_verbosity(int level); /* enum rn_level: what is printed; all is kept */
void log_line(int level, const char *who, const char *fmt, ...) RN_PRINTF(3, 4);
int log_file(const char *path); /* from now on lines are appended there too; NULL: no more */
/* Control characters, escape sequences and broken UTF-8 replaced, for a terminal; in place. */
void log_clean(char *text);

#endif
