/* run_origin.c - how to repeat the run: command, configuration, data, machine; its log and its
 * files. */
#include "run.h"

static void put_folded(struct rn_text *t, const char *title, const char *text)
{
    if (text && *text)
        emit(t, "<details><summary>%s</summary>\n<pre tabindex=\"0\">%s</pre></details>\n", title,
             text);
}

static void put_changed(struct rn_text *t, const struct rn_report *r)
{
    if (!r->n_changed)
        return;
    emit(t, "<details><summary>Values that are no defaults (%I)</summary>\n", r->n_changed);
    page_table(t, false, "Values that are no defaults");
    emit(t, "<tbody>\n");
    for (int64_t i = 0; i < r->n_changed; i++)
        emit(t,
             "<tr><th scope=\"row\"><code>%s</code></th><td class=\"wrap\"><code>%s</code></td>"
             "</tr>\n",
             r->changed[i].key, r->changed[i].value);
    emit(t, "</tbody>");
    page_table_end(t);
    emit(t, "</details>\n");
}

void run_reproduce(struct run *run)
{
    const struct rn_report *r = run->r;
    struct rn_text *t = &run->page.body;

    page_section(&run->page, "reproduce", "To repeat it");
    emit(t,
         "<pre class=\"command\"><code>%s</code></pre>\n<dl class=\"facts\">\n"
         "<dt>data</dt><dd>%s</dd>\n<dt>samples</dt><dd>%I train, %I validation, %I test</dd>\n"
         "<dt>training</dt><dd>%I epochs of %I steps of %I samples</dd>\n"
         "<dt>device</dt><dd>%s</dd>\n<dt>seed</dt><dd>%u</dd>\n</dl>\n",
         r->command, r->data, r->train_samples, r->val_samples, r->test_samples, r->epochs_planned,
         r->steps_per_epoch, r->batch_size, r->device, r->seed);
    put_changed(t, r);
    put_folded(t, "Configuration as written", r->config_input);
    put_folded(t, "Configuration with every default filled in", r->config_yaml);
    if (r->n_environment) {
        emit(t, "<details><summary>Environment</summary>\n<dl class=\"facts\">\n");
        for (int64_t i = 0; i < r->n_environment; i++)
            emit(t, "<dt>%s</dt><dd>%s</dd>\n", r->environment[i].key, r->environment[i].value);
        emit(t, "</dl></details>\n");
    }
    page_section_end(&run->page);
}

void run_files(struct run *run)
{
    const struct rn_report *r = run->r;
    struct rn_text *t = &run->page.body;

    page_section(&run->page, "files", r->log && *r->log ? "Log and files" : "Files");
    if (r->log && *r->log)
        emit(t,
             "<details><summary>The end of the log</summary>\n<pre tabindex=\"0\">%s</pre>"
             "</details>\n",
             r->log);
    if (r->n_files) {
        emit(t, "<ul class=\"files\">\n");
        for (int64_t i = 0; i < r->n_files; i++) {
            emit(t, "<li><a href=\"");
            page_href(t, r->files[i].key);
            emit(t, "\">%s</a> <small>%s</small></li>\n", r->files[i].key, r->files[i].value);
        }
        emit(t, "</ul>\n");
    }
    page_section_end(&run->page);
}
