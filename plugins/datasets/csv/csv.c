/* csv.c - tables as text: a line a sample, numbers as features and one or more columns as target.
 * Such a file has no header that could say how much is in it, so that open() reads all of it, and
 * load() hands it over. */
#define _GNU_SOURCE /* strtod_l */
#include "text.h"

#include <runner/dataset.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX  128 /* characters */
#define MAX_CLASSES (1 << 20)
#define AUTO_VALUE  1000 /* task: auto: how large a class number may be, */
#define AUTO_VALUES 20   /* and how many different ones there may be */

enum header { HEADER_AUTO, HEADER_YES, HEADER_NO };
enum task { TASK_AUTO, TASK_CLASSES, TASK_NUMBERS };

struct csv_opts {
    const char *path, *test, *label;
    int64_t delimiter, header, task;
};

struct table {
    struct text text;
    bool header;
    int64_t rows, columns;
    struct cell *name;   /* of the columns; NULL without a header */
    struct cell *target; /* rows x targets */
    float *x, *y;        /* rows x features, rows x targets */
};

struct value {
    struct cell cell;
    double number; /* 0 when the labels are text */
};

struct csv {
    struct table table[RN_SPLITS];
    int64_t *role; /* of each column: which target it is, or -1 for a feature */
    int64_t targets;
    locale_t c_locale;
    bool alone;   /* a file without targets */
    bool numeric; /* the classes are numbers */
    struct value *class;
    int64_t classes;
    char *names;
    const char **name;
};

/* ---- numbers ---------------------------------------------------------------- */

/* Decimal, in no locale; false: it is none. */
static bool number_read(const struct csv *d, const struct cell *c, double *out)
{
    char text[NUMBER_MAX], *end;

    if (!c->n || c->n >= sizeof text)
        return false;
    memcpy(text, c->s, c->n);
    text[c->n] = '\0';
    if (strspn(text, "0123456789+-.eE") != c->n) /* no hexadecimal, no inf, no nan */
        return false;
    *out = strtod_l(text, &end, d->c_locale);
    return end == text + c->n;
}

static bool is_missing(const struct cell *c)
{
    static const char *const words[] = {"", "?", "NA", "N/A", "NaN", "nan", "null", "NULL"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (c->n == strlen(words[i]) && !memcmp(c->s, words[i], c->n))
            return true;
    return false;
}

static int number_expected(const struct csv *d, const struct table *t, const struct cell *c,
                           float *out)
{
    char text[CSV_SHOWN];
    double v;

    if (is_missing(c))
        return csv_wrong(&t->text, c->s,
                         "%s%s%sa number expected: fill it in or leave the line out",
                         c->n ? "the value is missing (" : "the field is empty, ",
                         c->n ? csv_shown(c, text) : "", c->n ? "), " : "");
    if (!number_read(d, c, &v))
        return csv_wrong(
            &t->text, c->s, "'%s' is no number%s", csv_shown(c, text),
            !t->header && !memchr(t->text.begin, '\n', (size_t)(c->s - t->text.begin))
                ? "; when this line names the columns, say header: yes"
                : "; features are numbers, with a point: choose another label column or "
                  "leave this one out");
    if (fabs(v) > (double)FLT_MAX)
        return csv_wrong(&t->text, c->s, "%s is too large for 32 bits", csv_shown(c, text));
    *out = (float)v;
    return RN_OK;
}

/* ---- one file -------------------------------------------------------------- */

/* Columns and names, from the first row; *at moves behind a header. */
static int header_read(const struct csv *d, struct table *t, int64_t header, const char **at)
{
    const char *s = *at;
    struct cell c = {.last = false};
    bool numbers = false;
    double v;

    for (t->columns = 0; !c.last; t->columns++) {
        RN_TRY(csv_cell(&t->text, &s, &c));
        numbers = numbers || number_read(d, &c, &v);
    }
    if (t->columns == 1 && !d->alone)
        return csv_wrong(&t->text, *at,
                         "one column; features and a label expected: is the delimiter right?");
    t->header = header == HEADER_YES || (header == HEADER_AUTO && !numbers);
    if (!t->header)
        return RN_OK;
    t->name = rn_host->alloc((size_t)t->columns * sizeof *t->name);
    if (!t->name)
        return RN_FAIL(RN_ENOMEM, "%s: out of memory", t->text.path);
    for (int64_t i = 0; i < t->columns; i++)
        RN_TRY(csv_cell(&t->text, at, &t->name[i]));
    return RN_OK;
}

static int rows_count(struct table *t, const char *at)
{
    while (csv_row(&t->text, &at)) {
        const char *row = at;
        struct cell c = {.last = false};
        int64_t n = 0;
        for (; !c.last; n++)
            RN_TRY(csv_cell(&t->text, &at, &c));
        if (n != t->columns)
            return csv_wrong(&t->text, row, "%lld fields, but the first line has %lld",
                             (long long)n, (long long)t->columns);
        t->rows++;
    }
    return t->rows ? RN_OK
                   : csv_wrong(&t->text, t->text.end, "the file ends without a row of values");
}

/* Structure only: columns, names, rows; *first is where the values begin. */
static int table_open(const struct csv *d, struct table *t, int64_t header, const char **first)
{
    *first = t->text.begin;
    if (!csv_row(&t->text, first))
        return csv_wrong(&t->text, t->text.end, "the file is empty");
    RN_TRY(header_read(d, t, header, first));
    return rows_count(t, *first);
}

/* The features as numbers and the targets as cells. No product overflows: every cell takes a byte
 * of the file at least. */
static int table_fill(const struct csv *d, struct table *t, const char *at)
{
    const int64_t features = t->columns - d->targets;
    float *x = t->x = rn_host->alloc((size_t)(t->rows * features) * sizeof *x);

    t->target = rn_host->alloc((size_t)(t->rows * d->targets) * sizeof *t->target);
    t->y = rn_host->alloc((size_t)(t->rows * d->targets) * sizeof *t->y);
    if (!x || !t->target || !t->y)
        return RN_FAIL(RN_ENOMEM, "%s: out of memory", t->text.path);
    for (int64_t row = 0; row < t->rows && csv_row(&t->text, &at); row++)
        for (int64_t i = 0; i < t->columns; i++) {
            struct cell c;
            RN_TRY(csv_cell(&t->text, &at, &c));
            if (d->role[i] < 0)
                RN_TRY(number_expected(d, t, &c, x++));
            else
                t->target[row * d->targets + d->role[i]] = c;
        }
    return RN_OK;
}

static void table_close(struct table *t)
{
    void *const blocks[] = {t->text.bytes, t->name, t->target, t->x, t->y};

    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        rn_host->free(blocks[i]);
    t->text.bytes = NULL;
    t->name = t->target = NULL;
    t->x = t->y = NULL;
}

/* ---- which columns --------------------------------------------------------- */

/* The column of that name; -1: none, -2: several. */
static int64_t column_named(const struct table *t, const char *s, size_t n)
{
    int64_t found = -1;

    for (int64_t i = 0; t->name && i < t->columns; i++)
        if (t->name[i].n == n && !memcmp(t->name[i].s, s, n))
            found = found == -1 ? i : -2;
    return found;
}

static int column_take(struct csv *d, const char *s, size_t n)
{
    const struct table *t = &d->table[RN_TRAIN];
    int64_t column = column_named(t, s, n);
    char *end, number[24] = "";

    if (column == -2)
        return RN_FAIL(RN_EINVAL, "label: two columns of %s are named '%.*s': give its index",
                       t->text.path, (int)n, s);
    if (column == -1 && n && n < sizeof number) {
        memcpy(number, s, n);
        long long v = strtoll(number, &end, 10);
        column = *end ? -1 : v < 0 && v >= -t->columns ? v + t->columns : v;
    }
    if (column < 0 || column >= t->columns)
        return RN_FAIL(RN_EINVAL,
                       "label: %s has no column '%.*s'; %s, or an index from 0 to %lld, -1 for "
                       "the last",
                       t->text.path, (int)n, s,
                       t->header ? "a name of its first line expected" : "it has no header",
                       (long long)t->columns - 1);
    if (d->role[column] >= 0)
        return RN_FAIL(RN_EINVAL, "label: '%.*s' names a column twice", (int)n, s);
    d->role[column] = d->targets++;
    return RN_OK;
}

/* All are features. */
static int roles_make(struct csv *d, const struct table *t)
{
    d->role = rn_host->alloc((size_t)t->columns * sizeof *d->role);
    if (!d->role)
        return RN_FAIL(RN_ENOMEM, "%s: out of memory", t->text.path);
    for (int64_t i = 0; i < t->columns; i++)
        d->role[i] = -1;
    return RN_OK;
}

static int columns_choose(struct csv *d, const char *label)
{
    const struct table *t = &d->table[RN_TRAIN];
    const char *name;
    bool more = true;
    size_t n;

    RN_TRY(roles_make(d, t));
    if (!label)
        label = "-1";
    if (column_named(t, label, strlen(label)) != -1)
        return column_take(d, label, strlen(label));
    while (more) {
        more = csv_name(&label, &name, &n);
        RN_TRY(column_take(d, name, n));
    }
    return d->targets < t->columns
               ? RN_OK
               : RN_FAIL(RN_EINVAL, "label: all columns of %s are labels: no feature is left",
                         t->text.path);
}

/* ---- targets --------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    const struct value *x = a, *y = b;
    size_t n = x->cell.n < y->cell.n ? x->cell.n : y->cell.n;
    int order = memcmp(x->cell.s, y->cell.s, n);

    return order ? order : (x->cell.n > y->cell.n) - (x->cell.n < y->cell.n);
}

static int by_number(const void *a, const void *b)
{
    double x = ((const struct value *)a)->number, y = ((const struct value *)b)->number;

    return (x > y) - (x < y);
}

/* Text or numbers, of which there may be few enough to be classes under `auto`. */
static int labels_look(struct csv *d, bool must_agree, bool *few)
{
    const struct table *t = &d->table[RN_TRAIN];
    bool seen[2 * AUTO_VALUE + 1] = {false};
    const struct cell *text = NULL, *number = NULL;
    char shown_text[CSV_SHOWN];
    int different = 0;

    *few = true;
    for (int64_t i = 0; i < t->rows; i++) {
        const struct cell *c = &t->target[i];
        double v;
        if (is_missing(c))
            return csv_wrong(&t->text, c->s,
                             "the label is missing: fill it in or leave the line out");
        if (!number_read(d, c, &v)) {
            text = c;
            continue;
        }
        number = c;
        if (fabs(v) > AUTO_VALUE || v != floor(v))
            *few = false;
        else if (!seen[(int)v + AUTO_VALUE])
            seen[(int)v + AUTO_VALUE] = true, different++;
    }
    if (text && number && must_agree)
        return csv_wrong(
            &t->text, text->s,
            "the label '%s' is no number, but others are: mend it, or say task: classes",
            csv_shown(text, shown_text));
    d->numeric = !text;
    *few = text || (*few && different <= AUTO_VALUES);
    return RN_OK;
}

/* The different labels of the training rows, in order. */
static int classes_find(struct csv *d)
{
    const struct table *t = &d->table[RN_TRAIN];
    struct value *v = d->class = rn_host->alloc((size_t)t->rows * sizeof *v);

    if (!v)
        return RN_FAIL(RN_ENOMEM, "%s: out of memory", t->text.path);
    for (int64_t i = 0; i < t->rows; i++) {
        v[i].cell = t->target[i];
        if (d->numeric)
            number_read(d, &v[i].cell, &v[i].number);
    }
    qsort(v, (size_t)t->rows, sizeof *v, d->numeric ? by_number : by_text);
    d->classes = 1;
    for (int64_t i = 1; i < t->rows; i++)
        if ((d->numeric ? by_number : by_text)(&v[d->classes - 1], &v[i]))
            v[d->classes++] = v[i];
    if (d->classes > MAX_CLASSES)
        return RN_FAIL(RN_EDATA, "%s: %lld different labels, at most %d expected: another column?",
                       t->text.path, (long long)d->classes, MAX_CLASSES);
    return RN_OK;
}

static int classes_name(struct csv *d)
{
    size_t bytes = 0;

    for (int64_t i = 0; i < d->classes; i++)
        bytes += d->class[i].cell.n + 1;
    char *s = d->names = rn_host->alloc(bytes);
    d->name = rn_host->alloc((size_t)d->classes * sizeof *d->name);
    if (!s || !d->name)
        return RN_FAIL(RN_ENOMEM, "%s: out of memory", d->table[RN_TRAIN].text.path);
    for (int64_t i = 0; i < d->classes; i++) {
        const struct cell *c = &d->class[i].cell;
        d->name[i] = s;
        for (size_t k = 0; k < c->n; k++) {
            *s++ = c->s[k];
            k += c->s[k] == '"';
        }
        s++;
    }
    return RN_OK;
}

static int labels_set(const struct csv *d, struct table *t)
{
    for (int64_t i = 0; i < t->rows; i++) {
        struct value label = {.cell = t->target[i]}, *found = NULL;
        char text[CSV_SHOWN];
        if (!d->numeric || number_read(d, &label.cell, &label.number))
            found = bsearch(&label, d->class, (size_t)d->classes, sizeof label,
                            d->numeric ? by_number : by_text);
        if (!found)
            return csv_wrong(&t->text, label.cell.s, "the label '%s' does not occur in %s",
                             csv_shown(&label.cell, text), d->table[RN_TRAIN].text.path);
        t->y[i] = (float)(found - d->class);
    }
    return RN_OK;
}

static int targets_set(struct csv *d, int64_t task)
{
    bool few;

    if (task == TASK_CLASSES && d->targets > 1)
        return RN_FAIL(RN_EINVAL, "label: %lld columns, but task: classes has one label",
                       (long long)d->targets);
    if (d->targets == 1 && task != TASK_NUMBERS) {
        RN_TRY(labels_look(d, task == TASK_AUTO, &few));
        if (task == TASK_CLASSES || few) {
            RN_TRY(classes_find(d));
            RN_TRY(classes_name(d));
        }
    }
    for (int split = 0; split < RN_SPLITS; split++) {
        struct table *t = &d->table[split];
        if (d->classes)
            RN_TRY(labels_set(d, t));
        for (int64_t i = 0; !d->classes && i < t->rows * d->targets; i++)
            RN_TRY(number_expected(d, t, &t->target[i], &t->y[i]));
    }
    return RN_OK;
}

/* ---- the data set ---------------------------------------------------------- */

static int test_open(struct csv *d, const struct csv_opts *o, const char **first)
{
    const struct table *train = &d->table[RN_TRAIN];
    struct table *t = &d->table[RN_TEST];

    RN_TRY(csv_open_text(&t->text, o->test, (char)o->delimiter));
    RN_TRY(table_open(d, t, o->header, first));
    if (t->columns != train->columns)
        return csv_wrong(&t->text, t->text.begin, "%lld columns, but %s has %lld",
                         (long long)t->columns, train->text.path, (long long)train->columns);
    for (int64_t i = 0; t->header && train->header && i < t->columns; i++) {
        const struct cell *a = &t->name[i], *b = &train->name[i];
        char text[2][CSV_SHOWN];
        if (a->n != b->n || memcmp(a->s, b->s, a->n))
            return csv_wrong(&t->text, a->s, "the column '%s' is called '%s' in %s",
                             csv_shown(a, text[0]), csv_shown(b, text[1]), train->text.path);
    }
    return table_fill(d, t, *first);
}

static int all_open(struct csv *d, const struct csv_opts *o, struct rn_dataset_info *info)
{
    struct table *train = &d->table[RN_TRAIN];
    const char *first;

    RN_TRY(csv_open_text(&train->text, o->path, (char)o->delimiter));
    RN_TRY(table_open(d, train, o->header, &first));
    RN_TRY(columns_choose(d, o->label));
    RN_TRY(table_fill(d, train, first));
    if (o->test)
        RN_TRY(test_open(d, o, &first));
    RN_TRY(targets_set(d, o->task));
    for (int split = 0; split < RN_SPLITS; split++)
        info->count[split] = d->table[split].rows;
    info->dtype = RN_F32;
    info->input = rn_vec(train->columns - d->targets);
    info->classes = d->classes;
    info->target_width = d->targets;
    info->class_names = d->name;
    snprintf(info->source, sizeof info->source, "CSV file %s", o->path);
    return RN_OK;
}

static void csv_close(void *ds)
{
    struct csv *d = ds;

    for (int split = 0; split < RN_SPLITS; split++)
        table_close(&d->table[split]);
    if (d->c_locale)
        freelocale(d->c_locale);
    rn_host->free(d->role);
    rn_host->free(d->class);
    rn_host->free(d->names);
    rn_host->free(d->name);
    rn_host->free(d);
}

/* ---- a file by itself ------------------------------------------------------- */

/* Targets are the columns that have the names of those: they are passed over. */
static int targets_pass(struct csv *d, const char *label)
{
    const struct table *t = &d->table[RN_TEST];
    const char *name;
    size_t n;

    RN_TRY(roles_make(d, t));
    for (bool more = label != NULL; more;) {
        more = csv_name(&label, &name, &n);
        int64_t column = column_named(t, name, n);
        if (column >= 0 && d->role[column] < 0)
            d->role[column] = d->targets++;
    }
    return RN_OK;
}

static int alone_open(struct csv *d, const struct csv_opts *o, const char *path,
                      struct rn_dataset_info *info)
{
    struct table *t = &d->table[RN_TEST];
    const char *first;

    d->alone = true;
    int status = csv_open_text(&t->text, path, o ? (char)o->delimiter : ',');
    if (t->text.bytes && !csv_is_text(&t->text))
        return RN_EUNSUPPORTED;
    RN_TRY(status);
    RN_TRY(table_open(d, t, o ? o->header : HEADER_AUTO, &first));
    RN_TRY(targets_pass(d, o ? o->label : NULL));
    RN_TRY(table_fill(d, t, first));
    info->count[RN_TEST] = t->rows;
    info->dtype = RN_F32;
    info->input = rn_vec(t->columns - d->targets);
    return RN_OK;
}

/* path NULL: the data set of the options. */
static int csv_open_file(const void *opts, const char *path, void **out,
                         struct rn_dataset_info *info)
{
    struct csv *d = rn_host->alloc(sizeof *d);

    *out = NULL;
    if (d)
        d->c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    int status = !d || !d->c_locale ? RN_FAIL(RN_ENOMEM, "csv: out of memory")
                 : path             ? alone_open(d, opts, path, info)
                                    : all_open(d, opts, info);
    if (!status)
        *out = d;
    else if (d)
        csv_close(d);
    return status;
}

static int csv_open(const void *opts, void **out, struct rn_dataset_info *info)
{
    return csv_open_file(opts, NULL, out, info);
}

static int csv_load(void *ds, uint32_t split, void *input, float *target)
{
    const struct csv *d = ds;
    struct table *t = &((struct csv *)ds)->table[split];

    if (!t->x)
        return RN_FAIL(RN_EBUG, "%s: loaded twice", t->text.path);
    memcpy(input, t->x, (size_t)(t->rows * (t->columns - d->targets)) * sizeof *t->x);
    if (target)
        memcpy(target, t->y, (size_t)(t->rows * d->targets) * sizeof *t->y);
    table_close(t);
    return RN_OK;
}

/* Of the file, as sha256sum gives it. */
static int csv_fingerprint(void *ds, uint32_t split, char out[72])
{
    memcpy(out, ((const struct csv *)ds)->table[split].text.sha256, 72);
    return RN_OK;
}

static const struct rn_choice delimiters[] = {
    {"comma", ',', NULL}, {"semicolon", ';', NULL}, {"tab", '\t', NULL}, {.name = NULL}};

static const struct rn_choice headers[] = {
    {"auto", HEADER_AUTO, "when none of the fields of the first line is a number"},
    {"yes", HEADER_YES, "the first line names the columns"},
    {"no", HEADER_NO, "the first line holds values"},
    {.name = NULL}};

static const struct rn_choice tasks[] = {
    {"auto", TASK_AUTO, "classes for text and for at most 20 different whole numbers to +-1000"},
    {"classes", TASK_CLASSES, "each different label is a class"},
    {"numbers", TASK_NUMBERS, "the targets are values"},
    {.name = NULL}};

static const struct rn_option options[] = {
    RN_PATH(struct csv_opts, path, NULL, RN_OPT_REQUIRED, "training file"),
    RN_PATH(struct csv_opts, test, NULL, 0, "test file, of the same columns"),
    RN_STRING(struct csv_opts, label, NULL, 0,
              "target column, its name or its index from 0; the last one when left out; \"a, b\": "
              "several"),
    RN_CHOICE(struct csv_opts, delimiter, "comma", delimiters, "between fields"),
    RN_CHOICE(struct csv_opts, header, "auto", headers, "whether the first line has names"),
    RN_CHOICE(struct csv_opts, task, "auto", tasks, "what the target is"),
    RN_END,
};

static const struct rn_dataset_ops ops = {.size = sizeof ops,
                                          .open = csv_open,
                                          .load = csv_load,
                                          .fingerprint = csv_fingerprint,
                                          .close = csv_close,
                                          .open_file = csv_open_file};

static const struct rn_plugin csv = {
    RN_PLUGIN_HEAD(RN_KIND_DATASET, struct csv_opts),
    .name = "csv",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "tables in text files: numbers, and a label or values to predict",
    .doc = "All columns but the target's are features, 32-bit floats. Classes are those of the\n"
           "training file, sorted; numbers by value. Fields may stand in quotes; blanks around a\n"
           "field and blank lines don't count; a missing value is an error. A negative index\n"
           "counts from the last column. The decimal sign is a point. Format: RFC 4180.",
    .options = options,
    .ops = &ops,
};

RN_PLUGINS(&csv);
