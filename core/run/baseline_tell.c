/* baseline_tell.c - verdicts for programs and for pages: JSON, JUnit's XML, Markdown. */
#include "baseline.h"

#include "base/json.h"
#include "report/escape.h"

#include <math.h>
#include <string.h>

static const char *const words[] = {"pass", "warn", "fail", "not comparable"};

static void totals(const struct tested *t, int count[4])
{
    memset(count, 0, 4 * sizeof *count);
    for (int i = 0; i < t->n; i++)
        for (int k = 0; k < 4; k++)
            count[k] += t->verdicts[i].count[k];
}

bool tested_holds(const struct tested *t)
{
    for (int i = 0; i < t->n; i++)
        if (!t->verdicts[i].holds)
            return false;
    return t->n > 0;
}

void tested_line(const struct tested *t, struct text *out)
{
    int count[4];

    totals(t, count);
    text_add(out, "%d file%s, %d checks: %d passed, %d failed", t->n, t->n == 1 ? "" : "s",
             count[0] + count[1] + count[2] + count[3], count[VERDICT_PASS], count[VERDICT_FAIL]);
    if (count[VERDICT_WARN])
        text_add(out, ", %d warned", count[VERDICT_WARN]);
    if (count[VERDICT_NONE])
        text_add(out, ", %d not comparable%s", count[VERDICT_NONE], t->strict ? " (--strict)" : "");
}

/* ---- JSON ----------------------------------------------------------------- */

static void put_text(struct text *out, const char *before, const char *key, const char *value)
{
    text_add(out, "%s\"%s\": ", before, key);
    json_string(out, value);
}

static void put_number(struct text *out, const char *key, double v)
{
    text_add(out, ", \"%s\": ", key);
    if (isnan(v))
        text_add(out, "null");
    else
        json_number(out, v);
}

static void json_file(const struct baseline_result *r, const struct verdicts *v, struct text *out)
{
    put_text(out, "\n  {", "name", r->b->name);
    put_text(out, ", ", "file", r->b->file);
    put_text(out, ", ", "machine", r->machine);
    put_text(out, ", ", "config", r->config);
    text_add(out, ", \"holds\": %s, \"seconds\": %.3f,\n   \"runs\": [",
             v->holds ? "true" : "false", r->seconds);
    for (int64_t i = 0; i < r->n_runs; i++) {
        text_add(out, "%s\n    {\"seed\": %lld", i ? "," : "", (long long)r->runs[i].seed);
        put_text(out, ", ", "dir", r->runs[i].dir);
        put_text(out, ", ", "fault", r->runs[i].fault);
        text_add(out, "}");
    }
    text_add(out, "],\n   \"checks\": [");
    for (int i = 0; i < v->n; i++) {
        const struct judged *a = &v->list[i];
        put_text(out, i ? ",\n    {" : "\n    {", "metric", a->metric);
        put_text(out, ", ", "verdict", words[a->verdict]);
        put_number(out, "value", a->value);
        put_number(out, "off", a->off);
        put_text(out, ", ", "got", a->got);
        put_text(out, ", ", "wanted", a->wanted);
        put_text(out, ", ", "why", a->why);
        put_text(out, ", ", "where", a->where);
        text_add(out, "}");
    }
    text_add(out, "],\n   \"likely\": [");
    for (int i = 0; i < v->n_likely; i++) {
        text_add(out, "%s", i ? ", " : "");
        json_string(out, v->likely[i]);
    }
    text_add(out, "]}");
}

void tested_json(const struct tested *t, struct text *out)
{
    int count[4];

    totals(t, count);
    text_add(out,
             "{\"holds\": %s, \"strict\": %s, \"passed\": %d, \"warned\": %d, \"failed\": %d, "
             "\"not_comparable\": %d,\n \"files\": [",
             tested_holds(t) ? "true" : "false", t->strict ? "true" : "false", count[VERDICT_PASS],
             count[VERDICT_WARN], count[VERDICT_FAIL], count[VERDICT_NONE]);
    for (int i = 0; i < t->n; i++) {
        text_add(out, "%s", i ? "," : "");
        json_file(&t->results[i], &t->verdicts[i], out);
    }
    text_add(out, "]}\n");
}

/* ---- JUnit ---------------------------------------------------------------- */

static void attribute(struct text *out, const char *key, const char *value)
{
    text_add(out, " %s=\"", key);
    escape_xml(out, value);
    text_add(out, "\"");
}

static void junit_case(const struct tested *t, const struct baseline_result *r,
                       const struct judged *a, double seconds, struct text *out)
{
    bool failed = a->verdict == VERDICT_FAIL || (t->strict && a->verdict == VERDICT_NONE);
    const char *what = failed ? "failure" : a->verdict == VERDICT_NONE ? "skipped" : NULL;

    text_add(out, "    <testcase");
    attribute(out, "classname", r->b->name);
    attribute(out, "name", a->metric);
    text_add(out, " time=\"%.3f\"", seconds);
    if (!what && a->verdict != VERDICT_WARN) {
        text_add(out, "/>\n");
        return;
    }
    text_add(out, ">\n      <%s", what ? what : "system-out");
    if (what)
        attribute(out, "message", a->why);
    if (failed)
        attribute(out, "type", words[a->verdict]);
    text_add(out, ">");
    if (!what) {
        text_add(out, "warning: ");
        escape_xml(out, a->why);
        text_add(out, "\n");
    }
    escape_xml(out, a->metric);
    text_add(out, " is ");
    escape_xml(out, a->got[0] ? a->got : "not known");
    text_add(out, ", wanted ");
    escape_xml(out, a->wanted[0] ? a->wanted : "what was recorded");
    text_add(out, "\n");
    escape_xml(out, a->where);
    text_add(out, "</%s>\n    </testcase>\n", what ? what : "system-out");
}

void tested_junit(const struct tested *t, struct text *out)
{
    int count[4];
    double seconds = 0;

    totals(t, count);
    for (int i = 0; i < t->n; i++)
        seconds += t->results[i].seconds;
    int skipped = t->strict ? 0 : count[VERDICT_NONE];
    int failed = count[VERDICT_FAIL] + count[VERDICT_NONE] - skipped;
    text_add(out,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<testsuites name=\"runner test\" tests=\"%d\" failures=\"%d\" errors=\"0\" "
             "time=\"%.3f\">\n",
             count[0] + count[1] + count[2] + count[3], failed, seconds);
    for (int i = 0; i < t->n; i++) {
        const struct verdicts *v = &t->verdicts[i];
        int none = v->count[VERDICT_NONE];
        text_add(out, "  <testsuite");
        attribute(out, "name", t->results[i].b->name);
        text_add(out, " tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\" time=\"%.3f\">\n",
                 v->n, v->count[VERDICT_FAIL] + (t->strict ? none : 0), t->strict ? 0 : none,
                 t->results[i].seconds);
        for (int k = 0; k < v->n; k++)
            junit_case(t, &t->results[i], &v->list[k], t->results[i].seconds / (v->n ? v->n : 1),
                       out);
        text_add(out, "  </testsuite>\n");
    }
    text_add(out, "</testsuites>\n");
}

/* ---- Markdown ------------------------------------------------------------- */

static void cell(struct text *out, const char *s)
{
    for (; *s; s++)
        text_add(out, *s == '|' ? "\\|" : *s == '\n' ? " " : *s == '<' ? "&lt;" : "%c", *s);
    text_add(out, " | ");
}

void tested_markdown(const struct tested *t, struct text *out)
{
    text_add(out, "# %s\n\n", tested_holds(t) ? "Baselines hold" : "Baselines do not hold");
    tested_line(t, out);
    text_add(out, "\n\n| verdict | baseline | metric | got | wanted | | where |\n"
                  "|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < t->n; i++)
        for (int k = 0; k < t->verdicts[i].n; k++) {
            const struct judged *a = &t->verdicts[i].list[k];
            text_add(out, "| ");
            cell(out, words[a->verdict]);
            cell(out, t->results[i].b->name);
            cell(out, a->metric);
            cell(out, a->got);
            cell(out, a->wanted);
            cell(out, a->why);
            cell(out, a->where);
            out->n--; /* the last blank */
            text_add(out, "\n");
        }
    for (int i = 0; i < t->n; i++) {
        const struct verdicts *v = &t->verdicts[i];
        if (v->holds || !v->n_likely)
            continue;
        text_add(out, "\n`%s`, what is known to differ: ", t->results[i].b->name);
        for (int k = 0; k < v->n_likely; k++)
            text_add(out, "%s%s", k ? "; " : "", v->likely[k]);
        text_add(out, ".\n");
    }
}
