/* log.h - lines for people on stderr, and kept: for log.txt of the run folder, and the last of them
 * and the warnings for the report. */
#ifndef LOG_H
#define LOG_H

#include <runner/abi.h>

void log_verbosity(int level); /* enum rn_level: what is printed; all is kept */
void log_line(int level, const char *who, const char *fmt, ...) RN_PRINTF(3, 4);
/* The same for what was shown to people already. */
void log_keep(int level, const char *who, const char *fmt, ...) RN_PRINTF(3, 4);
/* From now on lines are appended there, too, those kept so far before them; NULL: no more, and what
 * is kept is forgotten. */
int log_file(const char *path);
/* The same with a file that an earlier process began: its lines count as kept before the others. */
int log_file_again(const char *path);

#define LOG_KEPT 40
/* The last LOG_KEPT lines as they stand in log.txt, i from 0; NULL behind the last. */
const char *log_kept(int i);
const char *log_warning(int i); /* the same, without the time; of many the first */
/* For a terminal, in place: control characters, so escape sequences, too, characters that turn the
 * direction of writing, and each byte of broken UTF-8 become '?'. */
void log_clean(char *text);

#endif
