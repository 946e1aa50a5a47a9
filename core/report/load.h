/* load.h - the inside of reading a report back, for load.c (summary.json and texts) and
 * load_tables.c (tables and pictures). */
#ifndef REPORT_LOAD_H
#define REPORT_LOAD_H

#include "facts.h"
#include "rows.h"

#include <cjson/cJSON.h>

struct loading {
    const char *dir;
    struct pool *p; /* of what report_open() and its like copy */
    const cJSON *summary;
    struct report *r;
    bool running;       /* and writes: files may be of two moments */
    int64_t last_epoch; /* rows behind it are left out */
    int status;         /* the first mistake in a JSON document */
};

const char *load_path(struct loading *l, const char *name); /* from p; NULL: out of memory */
/* What is not there is NULL, 0 or NaN; a wrong kind or a number out of range is kept in status. */
const cJSON *load_part(struct loading *l, const cJSON *o, const char *key, int type);
const char *load_text(struct loading *l, const cJSON *o, const char *key);
double load_real(struct loading *l, const cJSON *o, const char *key);
int64_t load_whole(struct loading *l, const cJSON *o, const char *key, int64_t high);

int load_epochs(struct loading *l);  /* epochs.csv */
int load_steps(struct loading *l);   /* steps.csv */
int load_insides(struct loading *l); /* params.csv, histograms.csv, units.csv */
int load_test(struct loading *l);    /* predictions.csv, samples.csv and .png */

#endif
