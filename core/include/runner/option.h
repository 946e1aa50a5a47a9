/* option.h - a plugin declares its options in a table; the core does the rest:
 * reads them from YAML, checks type, range and choices, fills in defaults,
 * rejects unknown keys with the nearest known one, prints `plugins describe`,
 * and writes the resolved values into each run folder.
 */
#ifndef RN_OPTION_H
#define RN_OPTION_H

#include "abi.h"

#include <float.h>

enum rn_option_type {
    RN_OPT_BOOL = 1, /* bool */
    RN_OPT_INT,      /* int64_t */
    RN_OPT_FLOAT,    /* double */
    RN_OPT_STRING,   /* const char *, owned by the core; NULL when optional and not given */
    RN_OPT_CHOICE,   /* int64_t: the value of the chosen struct rn_choice */
    RN_OPT_PATH,     /* const char *, absolute; as written relative to the YAML file */
    RN_OPT_INTS,     /* struct rn_ints: a list, or one number for a list of one; with choices,
                        these are words for a number */
    RN_OPT_FLOATS,   /* struct rn_floats */
    RN_OPT_SPAN,     /* struct rn_span_value: a number with its unit, "3 epochs" */
    RN_OPT_SIZE,     /* int64_t bytes: "64 MiB", "10 kB" */
    RN_OPT_LAYERS,   /* struct rn_layers: a branch of layers; only layers have such options */
};

enum rn_option_flag {
    RN_OPT_REQUIRED = 1 << 0,   /* no default: leaving it out is an error */
    RN_OPT_OPEN_MIN = 1 << 1,   /* min itself is not allowed: (min, max] */
    RN_OPT_OPEN_MAX = 1 << 2,   /* max itself is not allowed: [min, max) */
    RN_OPT_DEPRECATED = 1 << 3, /* accepted with a warning; help says what now */
    RN_OPT_TIME = 1 << 4,       /* a span in s, m or h, and nothing else */
    RN_OPT_NO_TIME = 1 << 5,    /* a span in anything but these */
};

struct rn_choice {
    const char *name; /* NULL ends the list */
    int64_t value;
    const char *help;
};

#define RN_LIST_MAX 4096
struct rn_ints {
    int64_t count;
    const int64_t *at; /* owned by the core */
};
struct rn_floats {
    int64_t count;
    const double *at;
};
struct rn_layers {
    int64_t count; /* of the layers that stand in the branch itself */
};

enum rn_unit { RN_STEPS = 1, RN_EPOCHS, RN_SAMPLES, RN_SECONDS, RN_PERCENT };
struct rn_span_value {
    double value;  /* m and h arrive as seconds */
    uint32_t unit; /* enum rn_unit */
    uint32_t reserved;
};

struct rn_option {
    const char *name; /* the YAML key; NULL ends the table */
    const char *help; /* one clause, lower case, no full stop */
    uint32_t type, flags;
    uint32_t offset; /* of the field in the options struct */
    uint32_t reserved;
    const char *fallback; /* the default, as YAML text: one parser for both; NULL with no
                             RN_OPT_REQUIRED: optional, the field stays zero */
    double min, max;  /* numbers: inclusive unless RN_OPT_OPEN_*; strings and lists: the length */
    const char *unit; /* "epochs", "samples", "bytes", "s"; NULL if none */
    const struct rn_choice *choices; /* RN_OPT_CHOICE, RN_OPT_INTS: ends with name NULL */
    const char *alias;               /* an older name that still works */
};
RN_NO_TAIL_PADDING(struct rn_option, alias);

/* offsetof that fails to compile when the field has another type. */
#define RN_FIELD(T, f, C) \
    (uint32_t)(offsetof(T, f) + 0 * sizeof(char[_Generic(((T *)0)->f, C : 1, default : -1)]))

#define RN_OPT_(T, f, C, type_, fallback_, help_) \
    .name = #f, .help = help_, .type = type_, .offset = RN_FIELD(T, f, C), .fallback = fallback_

#define RN_INT(T, f, fallback_, lo, hi, unit_, help_) \
    { \
        RN_OPT_(T, f, int64_t, RN_OPT_INT, fallback_, help_), \
            .min = lo, .max = hi, .unit = unit_, .flags = (fallback_) ? 0 : RN_OPT_REQUIRED \
    }
#define RN_FLOAT(T, f, fallback_, lo, hi, flags_, unit_, help_) \
    { \
        RN_OPT_(T, f, double, RN_OPT_FLOAT, fallback_, help_), \
            .min = lo, .max = hi, .unit = unit_, \
            .flags = (flags_) | ((fallback_) ? 0 : RN_OPT_REQUIRED) \
    }
#define RN_BOOL(T, f, fallback_, help_) \
    { \
        RN_OPT_(T, f, bool, RN_OPT_BOOL, fallback_, help_) \
    }
#define RN_CHOICE(T, f, fallback_, choices_, help_) \
    { \
        RN_OPT_(T, f, int64_t, RN_OPT_CHOICE, fallback_, help_), .choices = choices_ \
    }
#define RN_STRING(T, f, fallback_, flags_, help_) \
    { \
        RN_OPT_(T, f, const char *, RN_OPT_STRING, fallback_, help_), .max = 4096, .flags = flags_ \
    }
#define RN_PATH(T, f, fallback_, flags_, help_) \
    { \
        RN_OPT_(T, f, const char *, RN_OPT_PATH, fallback_, help_), .max = 4096, .flags = flags_ \
    }
#define RN_INTS(T, f, fallback_, lo, hi, help_) \
    { \
        RN_OPT_(T, f, struct rn_ints, RN_OPT_INTS, fallback_, help_), .min = lo, .max = hi \
    }
#define RN_INTS_OR(T, f, fallback_, lo, hi, choices_, help_) \
    { \
        RN_OPT_(T, f, struct rn_ints, RN_OPT_INTS, fallback_, help_), .min = lo, .max = hi, \
                                                                      .choices = choices_ \
    }
#define RN_FLOATS(T, f, fallback_, lo, hi, help_) \
    { \
        RN_OPT_(T, f, struct rn_floats, RN_OPT_FLOATS, fallback_, help_), .min = lo, .max = hi \
    }
#define RN_SPAN(T, f, fallback_, help_) RN_SPAN_WITH(T, f, fallback_, 0, help_)
#define RN_SPAN_WITH(T, f, fallback_, flags_, help_) \
    { \
        RN_OPT_(T, f, struct rn_span_value, RN_OPT_SPAN, fallback_, help_), \
            .max = DBL_MAX, .flags = (flags_) | ((fallback_) ? 0 : RN_OPT_REQUIRED) \
    }
#define RN_SIZE(T, f, fallback_, lo, hi, help_) \
    { \
        RN_OPT_(T, f, int64_t, RN_OPT_SIZE, fallback_, help_), .min = lo, .max = hi, \
                                                               .unit = "bytes" \
    }
#define RN_LAYERS(T, f, fallback_, help_) \
    { \
        RN_OPT_(T, f, struct rn_layers, RN_OPT_LAYERS, fallback_, help_), \
            .flags = (fallback_) ? 0 : RN_OPT_REQUIRED \
    }
#define RN_END \
    { \
        .name = NULL \
    }

#endif
