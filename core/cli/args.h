/* args.h - the command line, taken apart. */
#ifndef ARGS_H
#define ARGS_H

#include "base/mem.h"

struct args {
    const char *verb;         /* "run", "check", ... */
    const char **words;       /* what is no option: files, kinds, names */
    const char **overrides;   /* path=value in order; --seed N and its like among them */
    const char **plugin_dirs; /* absolute */
    int n_words, n_overrides, n_plugin_dirs;
    const char *out; /* --out */
    bool out_given;
    bool json, help, version, origin, changed, strict, profile, csv, page, plan;
    const char *page_file;          /* of --html; NULL: where it usually goes */
    const char *sort;               /* "-test.accuracy"; NULL: newest first */
    const char *reporter;           /* NULL: all that can */
    const char *to, *dir;           /* a format of export, and where its files go; NULL: as usual */
    const char *file;               /* that export writes; NULL: as usual */
    const char *against, *only;     /* of selftest; only NULL: all parts */
    const char *run_dir;            /* of --run-dir; NULL: a new one below out */
    int64_t limit, until;           /* 0: none */
    const char *seeds;              /* "1,2,5-9"; NULL: those of the file */
    const char *junit, *table_file; /* files of `test`; NULL: none */
    const char *devices;            /* of a benchmark, in place of its file's; NULL: none */
    const char *agree;              /* the device to be compared with; NULL: none */
    int64_t steps;                  /* of that, and how far apart they may be; 0: not said */
    double rel;
    int64_t jobs; /* at once; 0: as many as the file says, or there are cores for */
    bool update, force, keep;
    const char *data;           /* other samples for eval; NULL: the run's own */
    const char *weights;        /* of a run: "best", "last", a file; NULL: those that were tested */
    bool resize, invert, as_is; /* images for predict */
    double divide;              /* values for predict by this; 0: not */
    int verbosity;
    bool colour;   /* of stderr */
    char *command; /* as typed, without --run-dir and --until */
};

/* RN_EINVAL with what is wrong and what to do. All is in p. */
int args_parse(struct pool *p, int argc, char **argv, struct args *out);

/* The help of a verb, a topic ("exit-codes"), or of all when NULL; NULL: no such topic. */
const char *help_text(const char *topic);
extern const char *const verbs[];
extern const int n_verbs;

#endif
