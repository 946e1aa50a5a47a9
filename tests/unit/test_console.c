/* test_console.c - what the console reporter prints, where, on a terminal and elsewhere. */
#define _GNU_SOURCE
#include "support/plugin.h"
#include "support/suite.h"

#include <runner/reporter.h>

#include <check.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static const struct rn_plugin *plugin;
static const struct rn_reporter_ops *ops;
static char opts[16], dir[64];
static uint64_t now;
static struct rn_host host;

static uint64_t fake_clock(void) { return now; }

/* ---- a run to tell of ----------------------------------------------------- */

static struct rn_epoch epochs[] = {
    {1, 844, 0.243, 0.92, 0.2, 0.94, 0.131, 0.9603, 1e-3, 2.5, 21440, 0.1},
    {2, 1688, 0.1, 0.97, 0.09, 0.97, NAN, NAN, 1e-3, 2.5, 999.7, 0.1},
};
static const struct rn_class_fact classes[] = {
    {"a\033[2J", 10, 9, 8, 0.9, 0.8, 0.85}, {"b", 0, 0, 0, 0, 0, 0}, {"c", 5, 6, 5, 0.8, 1, 0.9}};
static const struct rn_confusion pairs[] = {{0, 2, 14}};
static const struct rn_test test = {.n = 10000,
                                    .loss = 0.07823,
                                    .accuracy = 0.977,
                                    .low = 0.9739,
                                    .high = 0.9798,
                                    .classes = 3,
                                    .per_class = classes,
                                    .pairs = pairs,
                                    .n_pairs = 1};
static const struct rn_finding findings[] = {{RN_NEUTRAL, 0, "verdict", "neutral words", NULL},
                                             {RN_GOOD, 0, "quality", "good ± words", NULL},
                                             {RN_BAD, 0, "overfitting", "bad words", NULL}};
static const struct rn_expectation expectations[] = {
    {"test.accuracy", ">= 0.99", 0.977, false, false, {0}, 0.013, "a.yaml:12"},
    {"test.loss", "<= 1", 0.0782, true, false, {0}, 0, NULL},
    {"val.loss", "<= 0.05", 0.06, false, true, {0}, 0.01, NULL}};

static struct rn_report report_of(int verbosity)
{
    return (struct rn_report){.size = sizeof(struct rn_report),
                              .verbosity = verbosity,
                              .name = "mlp\nx",
                              .dir = dir,
                              .status = "running",
                              .reason = "",
                              .device = "cpu: some",
                              .data = "mnist: 54000 train",
                              .parameters = 1235146,
                              .flops = 469504,
                              .epochs_planned = 5,
                              .epochs = epochs};
}

static struct rn_report ended(int verbosity)
{
    struct rn_report r = report_of(verbosity);

    r.status = "finished";
    r.n_epochs = 2;
    r.test = &test;
    r.findings = findings;
    r.n_findings = 3;
    r.expectations = expectations;
    r.n_expectations = 3;
    return r;
}

/* ---- what is printed ------------------------------------------------------ */

static char said_out[65536], said_err[65536];
static int keep_out, keep_err, pty = -1;

static int temporary(void)
{
    FILE *f = tmpfile();

    ck_assert_ptr_nonnull(f);
    return fileno(f);
}

static int terminal(unsigned short width)
{
    struct winsize w = {.ws_row = 24, .ws_col = width};
    struct termios t;

    pty = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_ge(pty, 0);
    ck_assert(!grantpt(pty) && !unlockpt(pty) && !ioctl(pty, TIOCSWINSZ, &w));
    int fd = open(ptsname(pty), O_RDWR | O_NOCTTY);
    ck_assert(fd >= 0 && !tcgetattr(fd, &t));
    cfmakeraw(&t);
    tcsetattr(fd, TCSANOW, &t);
    fcntl(pty, F_SETFL, O_NONBLOCK);
    return fd;
}

/* width 0: stderr is a file */
static void begin(unsigned short width)
{
    fflush(NULL);
    keep_out = dup(1);
    keep_err = dup(2);
    dup2(temporary(), 1);
    dup2(width ? terminal(width) : temporary(), 2);
}

static void read_all(int fd, char *to, size_t size)
{
    size_t n = 0;
    ssize_t got;

    while (n + 1 < size && (got = read(fd, to + n, size - 1 - n)) > 0)
        n += (size_t)got;
    to[n] = '\0';
}

static void finish(void)
{
    fflush(NULL);
    lseek(1, 0, SEEK_SET);
    read_all(1, said_out, sizeof said_out);
    lseek(2, 0, SEEK_SET);
    read_all(pty >= 0 ? pty : 2, said_err, sizeof said_err);
    dup2(keep_out, 1);
    dup2(keep_err, 2);
}

static int lines(const char *s)
{
    int n = 0;

    for (; *s; s++)
        n += *s == '\n';
    return n;
}

static void has(const char *s, const char *part)
{
    ck_assert_msg(strstr(s, part) != NULL, "'%s' is not in '%s'", part, s);
}

static void lacks(const char *s, const char *part)
{
    ck_assert_msg(strstr(s, part) == NULL, "'%s' is in '%s'", part, s);
}

static void *open_it(int verbosity)
{
    struct rn_report r = report_of(verbosity);
    void *rep;

    ck_assert_int_eq(ops->open(opts, &r, &rep), RN_OK);
    return rep;
}

static void end_it(void *rep, const struct rn_report *r)
{
    ck_assert_int_eq(ops->end(rep, r), RN_OK);
    ops->close(rep);
}

static void setup(void)
{
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
    plugin = test_plugin("reporters", "console");
    ops = plugin->ops;
    host = *test_host();
    host.clock_ns = fake_clock;
    test_query("reporters", "console")(&host);
    snprintf(dir, sizeof dir, "/tmp/test_console_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}

/* Two epochs of 100 steps, a step each 25 ms. */
static int steps(void *rep, struct rn_report *r)
{
    int n = 0;

    for (int e = 1; e <= 2; e++) {
        for (int s = 1; s <= 100; s++, n++) {
            now += 25000000;
            struct rn_progress p = {.size = sizeof p,
                                    .phase = "train",
                                    .epoch = e,
                                    .epochs = 5,
                                    .step = s,
                                    .steps = 100,
                                    .loss = 0.5,
                                    .samples_per_s = 21440,
                                    .seconds_left = 65};
            ck_assert_int_eq(ops->progress(rep, &p), RN_OK);
        }
        r->n_epochs = e;
        ck_assert_int_eq(ops->epoch(rep, r), RN_OK);
    }
    return n;
}

/* ---- tests ---------------------------------------------------------------- */

START_TEST(plain)
{
    struct rn_report r = ended(0);

    begin(0);
    void *rep = open_it(0);
    steps(rep, &r);
    end_it(rep, &r);
    finish();
    has(said_err, "mlp?x · 1,235,146 parameters · 470 kFLOP/sample · cpu: some\n");
    has(said_err, "data mnist: 54000 train\n");
    has(said_err, "epoch 1/5  loss 0.243  val 0.131 (96.0 %)  lr 0.001  21.4k/s  2.5 s\n");
    has(said_err, "epoch 2/5  loss 0.1 (97.0 %)  lr 0.001  1k/s  2.5 s\n");
    has(said_err, "+ good ± words\n! bad words\n");
    has(said_err, "metric                 wanted             got          off by     where\n");
    has(said_err, "FAILED       test.accuracy          >= 0.99            0.977        0.013      "
                  "a.yaml:12\n");
    has(said_err, "warning      val.loss               <= 0.05            0.06         0.01 ");
    ck_assert_ptr_null(strstr(said_err, "test.loss "));
    lacks(said_err, "test.loss is");
    lacks(said_err, "neutral");
    lacks(said_err, "\033");
    ck_assert_int_eq(lines(said_err), 2 + 2 + 2 + 3);
    has(said_out, "  test.accuracy  97.70 %   95 % CI 97.39–97.98    test.loss 0.07823\n"
                  "  worst classes  a?[2J (80.0 %)    most confused a?[2J→c ×14\n");
    ck_assert_int_eq(lines(said_out), 4);
    ck_assert_int_eq(strncmp(strrchr(said_out, '\n') - strlen(dir), dir, strlen(dir)), 0);
}
END_TEST

/* Further metrics, of a run without classes. */
START_TEST(further_metrics)
{
    static const struct rn_measure measures[] = {
        {"fit", "mse", 1, 1}, {"val", "mse", 1, 2}, {"val", "mae", 1, 3}, {"test", "mse", 0, 0.25}};
    static struct rn_epoch row = {1, 844, 0.243, NAN, 0.2, NAN, 0.131, NAN, 1e-3, 2.5, 21440, 0.1};
    static const struct rn_test values = {
        .n = 9, .loss = 0.5, .accuracy = NAN, .low = NAN, .high = NAN};

    for (int verbosity = 0; verbosity >= -1; verbosity--) {
        struct rn_report r = ended(verbosity);

        r.epochs = &row;
        r.n_epochs = 1;
        r.test = &values;
        r.measures = measures;
        r.n_measures = 4;
        begin(0);
        void *rep = open_it(verbosity);
        ck_assert_int_eq(ops->epoch(rep, &r), 0);
        end_it(rep, &r);
        finish();
        has(said_out,
            verbosity ? "test.loss=0.5 test.mse=0.25 /" : "  test.loss 0.5\n  test.mse 0.25\n");
        lacks(said_out, "accuracy");
        lacks(said_out, "nan");
        if (!verbosity)
            has(said_err, "epoch 1/5  loss 0.243  val 0.131  mse 2  mae 3  lr 0.001");
    }
}
END_TEST

START_TEST(report_is_named)
{
    struct rn_report r = ended(0);
    char path[128];

    snprintf(path, sizeof path, "%s/report.html", dir);
    ck_assert_int_eq(file_write(path, "x", 1), RN_OK);
    begin(0);
    end_it(open_it(0), &r);
    finish();
    has(said_out, path);
}
END_TEST

START_TEST(long_epoch)
{
    struct rn_report r = ended(0);

    begin(0);
    void *rep = open_it(0);
    for (int i = 0; i < 10; i++) {
        now += 11000000000u;
        struct rn_progress p = {.size = sizeof p,
                                .phase = "train",
                                .epoch = 1,
                                .epochs = 5,
                                .step = i,
                                .steps = 10,
                                .loss = NAN,
                                .seconds_left = NAN};
        ck_assert_int_eq(ops->progress(rep, &p), RN_OK);
    }
    r.n_epochs = 1;
    ck_assert_int_eq(ops->epoch(rep, &r), RN_OK);
    ops->close(rep);
    finish();
    ck_assert_int_eq(lines(said_err), 2 + 2); /* the header; one line within, one at its end */
    has(said_err, "epoch 1/5 0/10\n");
}
END_TEST

START_TEST(on_terminal)
{
    static const unsigned short widths[] = {200, 80, 40, 20, 5, 2};
    struct rn_report r = ended(0);
    int draws = 0;

    begin(widths[_i]);
    void *rep = open_it(0);
    int calls = steps(rep, &r);
    end_it(rep, &r);
    finish();
    for (const char *s = said_err; (s = strchr(s, '\r')) != NULL; s++) {
        if (!strncmp(s, "\r\033[K", 4))
            continue; /* a wipe */
        int n = 0;
        for (const char *p = s + 1; *p != '\033'; p++)
            n += (*p & 0xC0) != 0x80;
        ck_assert_int_lt(n, widths[_i]);
        draws++;
    }
    ck_assert_int_ge(draws, calls / 4 - 2); /* 25 ms a call, 100 ms a redraw */
    ck_assert_int_le(draws, calls / 4);
    if (widths[_i] == 80)
        has(said_err, "\repoch 1/5 ███");
    if (widths[_i] >= 80)
        has(said_err, " 4/100  loss 0.5  21.4k/s  1:05 left\033[K");
    has(said_err, "\r\033[Kepoch 1/5  loss 0.243");
    has(said_err, "\033[32m+ good");
    has(said_err, "\033[31m! bad");
    lacks(said_out, "\033"); /* not a terminal */
}
END_TEST

START_TEST(no_colour)
{
    struct rn_report r = ended(0);

    setenv("NO_COLOR", "1", 1);
    begin(80);
    void *rep = open_it(0);
    steps(rep, &r);
    end_it(rep, &r);
    finish();
    lacks(said_err, "\033[3");
    lacks(said_err, "\033[1m");
    has(said_err, "█");
}
END_TEST

START_TEST(dumb)
{
    struct rn_report r = ended(0);

    if (_i)
        unsetenv("TERM");
    else
        setenv("TERM", "dumb", 1);
    begin(80);
    void *rep = open_it(0);
    steps(rep, &r);
    end_it(rep, &r);
    finish();
    lacks(said_err, "\033");
    lacks(said_err, "\r");
}
END_TEST

START_TEST(ascii)
{
    struct rn_report r = ended(0);

    setlocale(LC_CTYPE, "C");
    begin(80);
    void *rep = open_it(0);
    steps(rep, &r);
    end_it(rep, &r);
    finish();
    for (const char *s = said_err; *s; s++)
        ck_assert_int_ge(*s, 0);
    for (const char *s = said_out; *s; s++)
        ck_assert_int_ge(*s, 0);
    has(said_err, "#...");
    has(said_out, "97.39-97.98");
}
END_TEST

START_TEST(quiet)
{
    struct rn_report r = ended(-1 - _i);
    char wanted[128];

    begin(_i ? 0 : 80);
    void *rep = open_it(-1 - _i);
    steps(rep, &r);
    end_it(rep, &r);
    finish();
    snprintf(wanted, sizeof wanted, "test.accuracy=0.9770 test.loss=0.07823 %s\n", dir);
    ck_assert_str_eq(said_out, _i ? "" : wanted);
    ck_assert_str_eq(said_err, "");
}
END_TEST

START_TEST(no_test_set)
{
    struct rn_report r = ended(_i ? -1 : 0);

    r.test = NULL;
    r.n_epochs = 1;
    r.status = "diverged";
    r.reason = "the loss is not finite";
    begin(0);
    end_it(open_it(_i ? -1 : 0), &r);
    finish();
    if (_i) {
        has(said_out, "status=diverged val.accuracy=0.9603 val.loss=0.131 ");
    } else {
        has(said_err, "diverged: the loss is not finite\n");
        has(said_out, "  val.accuracy  96.03 %    val.loss 0.131\n");
    }
    r.n_epochs = 0;
    begin(0);
    end_it(open_it(0), &r);
    finish();
    ck_assert_int_eq(lines(said_out), 1); /* the folder alone */
}
END_TEST

START_TEST(closed_pipe)
{
    struct rn_report r = ended(0);
    int ends[2];

    signal(SIGPIPE, SIG_IGN); /* as the runner does */
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    begin(0);
    dup2(ends[1], 1);
    end_it(open_it(0), &r);
    finish();
    has(said_err, "bad words");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("console");
    TCase *t = tcase_create("console");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, plain);
    tcase_add_test(t, report_is_named);
    tcase_add_test(t, further_metrics);
    tcase_add_test(t, long_epoch);
    tcase_add_loop_test(t, on_terminal, 0, 6);
    tcase_add_test(t, no_colour);
    tcase_add_loop_test(t, dumb, 0, 2);
    tcase_add_test(t, ascii);
    tcase_add_loop_test(t, quiet, 0, 2);
    tcase_add_loop_test(t, no_test_set, 0, 2);
    tcase_add_test(t, closed_pipe);
    suite_add_tcase(s, t);
    return suite_run(s);
}
