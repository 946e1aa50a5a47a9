/* run_folder.h - one run for a list of runs: from the files of its folder to a line of JSON, and
 * from the line to struct rn_run. A line is all that is ever read of a run that did not change. */
#ifndef REPORT_RUN_FOLDER_H
#define REPORT_RUN_FOLDER_H

#include "base/json.h"
#include "runs.h"

/* Tells whether a run changed: sizes and times of its files. */
#define RUN_KEY 192
void run_key(const char *folder, char key[RUN_KEY]);

/* Whether this is what a run's folder is called: "20260914-153012-7f3a2c". */
bool run_is_id(const char *s);

/* folder: as opened from here; dir: as seen from the root; without the '\n'. RN_EDATA: it is no
 * run. What is missing or damaged besides status.json is left out. */
int run_line(const char *folder, const char *dir, const char *key, struct text *line);

/* Whether the process that wrote this status.json, which says running, is gone: known only on the
 * host where it ran. */
bool run_is_lost(const cJSON *status);
#define RUN_LOST "its process is gone and left no word"

/* When the run in folder started, as text that sorts by it. */
#define RUN_STARTED 64
void run_started(const char *folder, char out[RUN_STARTED]);

struct run_parsed {
    double microseconds; /* behind run.started */
    const char *key;
    struct rn_run run;
    struct run_more more;
    bool running; /* its process was alive when the line was made */
};
/* RN_EDATA: no such line. All is in p. */
int run_parse(struct pool *p, const char *line, struct run_parsed *out);

#endif
