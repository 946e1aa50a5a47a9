/* args.c - the command line, taken apart. */
#define _GNU_SOURCE
#include "args.h"

#include "base/error.h"
#include "base/file.h"
#include "config/diag.h"
#include "report/escape.h"

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const verbs[] = {"run",     "resume",   "sweep", "bench",   "check",
                             "config",  "summary",  "runs",  "report",  "compare",
                             "test",    "selftest", "eval",  "predict", "export",
                             "plugins", "schema",   "help",  "version"};
const int n_verbs = sizeof verbs / sizeof *verbs;

/* Names that people know from other programs. */
static const char *const aliases[][2] = {{"ls", "runs"}, {"diff", "compare"}};

enum {
    OPT_JSON = 256,
    OPT_PLUGIN_DIR,
    OPT_COLOR,
    OPT_ORIGIN,
    OPT_CHANGED,
    OPT_STRICT,
    OPT_PROFILE,
    OPT_REPORTER,
    OPT_SORT,
    OPT_LIMIT,
    OPT_CSV,
    OPT_HTML,
    OPT_TO,
    OPT_DIR,
    OPT_FILE,
    OPT_PLAN,
    OPT_SEEDS,
    OPT_JUNIT,
    OPT_MARKDOWN,
    OPT_UPDATE,
    OPT_FORCE,
    OPT_KEEP,
    OPT_RUN_DIR,
    OPT_UNTIL,
    OPT_AGAINST,
    OPT_ONLY,
    OPT_DEVICES,
    OPT_AGREE,
    OPT_STEPS,
    OPT_REL,
    OPT_WEIGHTS,
    OPT_DATA,
    OPT_RESIZE,
    OPT_INVERT,
    OPT_AS_IS,
    OPT_DIVIDE,
    OPT_SHORTHAND
};

/* Options that are another way to write an override. */
static const char *const shorthands[][2] = {
    {"name", "name"}, {"device", "device"},       {"threads", "device.threads"},
    {"seed", "seed"}, {"epochs", "train.epochs"},
};

static const struct option longs[] = {
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"set", required_argument, NULL, 's'},
    {"out", required_argument, NULL, 'o'},
    {"json", no_argument, NULL, OPT_JSON},
    {"plugin-dir", required_argument, NULL, OPT_PLUGIN_DIR},
    {"color", required_argument, NULL, OPT_COLOR},
    {"origin", no_argument, NULL, OPT_ORIGIN},
    {"changed", no_argument, NULL, OPT_CHANGED},
    {"strict", no_argument, NULL, OPT_STRICT},
    {"profile", no_argument, NULL, OPT_PROFILE},
    {"reporter", required_argument, NULL, OPT_REPORTER},
    {"sort", required_argument, NULL, OPT_SORT},
    {"limit", required_argument, NULL, OPT_LIMIT},
    {"csv", no_argument, NULL, OPT_CSV},
    {"html", optional_argument, NULL, OPT_HTML},
    {"to", required_argument, NULL, OPT_TO},
    {"dir", required_argument, NULL, OPT_DIR},
    {"file", required_argument, NULL, OPT_FILE},
    {"plan", no_argument, NULL, OPT_PLAN},
    {"jobs", required_argument, NULL, 'j'},
    {"seeds", required_argument, NULL, OPT_SEEDS},
    {"junit", required_argument, NULL, OPT_JUNIT},
    {"markdown", required_argument, NULL, OPT_MARKDOWN},
    {"update", no_argument, NULL, OPT_UPDATE},
    {"force", no_argument, NULL, OPT_FORCE},
    {"keep", no_argument, NULL, OPT_KEEP},
    {"run-dir", required_argument, NULL, OPT_RUN_DIR},
    {"until", required_argument, NULL, OPT_UNTIL},
    {"against", required_argument, NULL, OPT_AGAINST},
    {"only", required_argument, NULL, OPT_ONLY},
    {"devices", required_argument, NULL, OPT_DEVICES},
    {"agree", required_argument, NULL, OPT_AGREE},
    {"steps", required_argument, NULL, OPT_STEPS},
    {"rel", required_argument, NULL, OPT_REL},
    {"weights", required_argument, NULL, OPT_WEIGHTS},
    {"data", required_argument, NULL, OPT_DATA},
    {"resize", no_argument, NULL, OPT_RESIZE},
    {"invert", no_argument, NULL, OPT_INVERT},
    {"as-is", no_argument, NULL, OPT_AS_IS},
    {"divide", required_argument, NULL, OPT_DIVIDE},
    {"name", required_argument, NULL, OPT_SHORTHAND},
    {"device", required_argument, NULL, OPT_SHORTHAND + 1},
    {"threads", required_argument, NULL, OPT_SHORTHAND + 2},
    {"seed", required_argument, NULL, OPT_SHORTHAND + 3},
    {"epochs", required_argument, NULL, OPT_SHORTHAND + 4},
    {NULL, 0, NULL, 0},
};

static bool terminal_colour(const char *when)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR"), *force = getenv("CLICOLOR_FORCE");

    if (when && !strcmp(when, "always"))
        return true;
    if ((when && !strcmp(when, "never")) || (no && *no))
        return false;
    if (force && *force && strcmp(force, "0") != 0)
        return true;
    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

static int unknown_option(const char *arg)
{
    const char *names[sizeof longs / sizeof *longs];
    int n = 0;

    for (const struct option *o = longs; o->name; o++)
        names[n++] = o->name;
    const char *word = arg;
    while (*word == '-')
        word++;
    char *stem = strndupa(word, strcspn(word, "="));
    const char *near = diag_nearest(stem, names, n);
    if (near && !strcmp(near, stem))
        return FAIL(RN_EINVAL, "option '%s' takes no value", arg);
    if (near)
        return FAIL(RN_EINVAL, "unknown option '%s'; did you mean '--%s'?", arg, near);
    return FAIL(RN_EINVAL, "unknown option '%s'; see `runner --help`", arg);
}

static int add_dir(struct pool *p, struct args *a, const char *dir)
{
    char real[PATH_MAX];

    if (!realpath(dir, real))
        return FAIL(RN_EINVAL, "--plugin-dir %s: no such folder", dir);
    char *copy = pool_strdup(p, real);
    a->plugin_dirs[a->n_plugin_dirs++] = copy;
    return copy ? RN_OK : RN_ENOMEM;
}

static int take_count(const char *option, int64_t *out)
{
    char *end;

    *out = strtoll(optarg, &end, 10);
    if (*end || *out < 1 || *out > 1000000)
        return FAIL(RN_EINVAL, "--%s %s: expected a count from 1", option, optarg);
    return RN_OK;
}

static int take_share(const char *option, double *out)
{
    char *end;

    *out = strtod(optarg, &end);
    if (end == optarg || *end || !(*out > 0 && *out <= 1))
        return FAIL(RN_EINVAL, "--%s %s: expected a number above 0, up to 1", option, optarg);
    return RN_OK;
}

static int take_divisor(double *out)
{
    char *end;

    *out = strtod(optarg, &end);
    if (end == optarg || *end || !(*out > 0 && *out < 1e30))
        return FAIL(RN_EINVAL, "--divide %s: expected a number above 0, as 255", optarg);
    return RN_OK;
}

/* `--html page.html` is what people type for `--html=page.html`. */
static void take_page(struct args *a, int argc, char **argv)
{
    const char *dot = !optarg && optind < argc ? strrchr(argv[optind], '.') : NULL;

    a->page = true;
    a->page_file = dot && !strcmp(dot, ".html") ? argv[optind++] : optarg;
}

static int take_option(struct pool *p, struct args *a, int c, const char **when)
{
    switch (c) {
    case 'h': a->help = true; break;
    case 'V': a->version = true; break;
    case 'q': a->verbosity--; break;
    case 'v': a->verbosity++; break;
    case 's': a->overrides[a->n_overrides++] = optarg; break;
    case 'o':
        a->out = optarg;
        a->out_given = true;
        break;
    case OPT_JSON: a->json = true; break;
    case OPT_ORIGIN: a->origin = true; break;
    case OPT_CHANGED: a->changed = true; break;
    case OPT_STRICT: a->strict = true; break;
    case OPT_PROFILE: a->profile = true; break;
    case OPT_REPORTER: a->reporter = optarg; break;
    case OPT_SORT: a->sort = optarg; break;
    case OPT_LIMIT: return take_count("limit", &a->limit);
    case 'j': return take_count("jobs", &a->jobs);
    case OPT_PLAN: a->plan = true; break;
    case OPT_CSV: a->csv = true; break;
    case OPT_TO: a->to = optarg; break;
    case OPT_DIR: a->dir = optarg; break;
    case OPT_FILE: a->file = optarg; break;
    case OPT_RUN_DIR: a->run_dir = optarg; break;
    case OPT_UNTIL: return take_count("until", &a->until);
    case OPT_AGAINST: a->against = optarg; break;
    case OPT_ONLY: a->only = optarg; break;
    case OPT_DEVICES: a->devices = optarg; break;
    case OPT_AGREE: a->agree = optarg; break;
    case OPT_STEPS: return take_count("steps", &a->steps);
    case OPT_REL: return take_share("rel", &a->rel);
    case OPT_WEIGHTS: a->weights = optarg; break;
    case OPT_DATA: a->data = optarg; break;
    case OPT_RESIZE: a->resize = true; break;
    case OPT_INVERT: a->invert = true; break;
    case OPT_AS_IS: a->as_is = true; break;
    case OPT_DIVIDE: return take_divisor(&a->divide);
    case OPT_SEEDS: a->seeds = optarg; break;
    case OPT_JUNIT: a->junit = optarg; break;
    case OPT_MARKDOWN: a->table_file = optarg; break;
    case OPT_UPDATE: a->update = true; break;
    case OPT_FORCE: a->force = true; break;
    case OPT_KEEP: a->keep = true; break;
    case OPT_COLOR:
        *when = optarg;
        if (strcmp(optarg, "auto") && strcmp(optarg, "always") && strcmp(optarg, "never"))
            return FAIL(RN_EINVAL, "--color %s: expected auto, always or never", optarg);
        break;
    case OPT_PLUGIN_DIR: return add_dir(p, a, optarg);
    default: {
        char *s = pool_printf(p, "%s=%s", shorthands[c - OPT_SHORTHAND][1], optarg);
        a->overrides[a->n_overrides++] = s;
        return s ? RN_OK : RN_ENOMEM;
    }
    }
    return RN_OK;
}

/* NULL: it is none. */
static const char *verb_of(const char *word)
{
    for (int i = 0; i < n_verbs; i++)
        if (!strcmp(word, verbs[i]))
            return verbs[i];
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (!strcmp(word, aliases[i][0]))
            return aliases[i][1];
    return NULL;
}

/* Its words are filters and names of runs, whatever they look like. */
static bool takes_no_overrides(const char *verb)
{
    return !strcmp(verb, "runs") || !strcmp(verb, "compare") || !strcmp(verb, "report");
}

/* path=value, +path=value or ~path; a file may have = in its name when it exists. */
static bool is_override(const char *word)
{
    return word[0] == '~' || word[0] == '+' || (strchr(word, '=') && !file_exists(word));
}

static int sort_words(struct args *a, int argc, char **argv)
{
    int i = optind;
    const char *verb = i < argc ? verb_of(argv[i]) : NULL;

    a->verb = verb ? verb : "run";
    i += verb != NULL;
    if (!verb && i < argc && !strpbrk(argv[i], "./=") && !file_exists(argv[i])) {
        const char *near = diag_nearest(argv[i], verbs, n_verbs);
        return FAIL(RN_EINVAL,
                    near ? "'%s' is neither a command nor a file; did you mean '%s'?"
                         : "'%s' is neither a command nor a file; see `runner --help`",
                    argv[i], near);
    }
    for (; i < argc; i++) {
        if (is_override(argv[i]) && !takes_no_overrides(a->verb))
            a->overrides[a->n_overrides++] = argv[i];
        else
            a->words[a->n_words++] = argv[i];
    }
    return RN_OK;
}

/* Of options that say where a run goes, or how far at first: the words of one, else 0. */
static int is_where(const char *word)
{
    static const char *const names[] = {"--run-dir", "--until"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        if (!strncmp(word, names[i], n) && (!word[n] || word[n] == '='))
            return word[n] ? 1 : 2;
    }
    return 0;
}

/* As it can be typed again for a run like this one. */
static char *typed(struct pool *p, int argc, char **argv)
{
    struct text t = {0};
    const char *slash = strrchr(argv[0], '/');

    text_add(&t, "%s", slash ? slash + 1 : argv[0]);
    for (int i = 1; i < argc; i++) {
        int skipped = is_where(argv[i]);
        if (skipped) {
            i += skipped - 1;
            continue;
        }
        text_put(&t, " ", 1);
        escape_shell(&t, argv[i]);
    }
    char *s = t.status ? NULL : pool_strdup(p, text_str(&t));
    text_free(&t);
    return s;
}

int args_parse(struct pool *p, int argc, char **argv, struct args *a)
{
    const char *when = NULL;
    size_t room = (size_t)(argc + 1) * sizeof(char *);
    int c;

    *a = (struct args){.out = "reports",
                       .words = pool_alloc(p, room),
                       .overrides = pool_alloc(p, room),
                       .plugin_dirs = pool_alloc(p, room),
                       .command = typed(p, argc, argv)};
    if (!a->words || !a->overrides || !a->plugin_dirs || !a->command)
        return RN_ENOMEM;
    for (int i = 1; i < argc; i++) /* an error of the command line is JSON, too */
        a->json |= !strcmp(argv[i], "--json");
    opterr = 0;
    while ((c = getopt_long(argc, argv, ":hVqvs:o:j:", longs, NULL)) != -1) {
        if (c == ':')
            return FAIL(RN_EINVAL, "option '%s' needs a value", argv[optind - 1]);
        if (c == '?')
            return unknown_option(argv[optind - 1]);
        if (c == OPT_HTML)
            take_page(a, argc, argv);
        else
            TRY(take_option(p, a, c, &when));
    }
    a->colour = terminal_colour(when);
    return sort_words(a, argc, argv);
}
