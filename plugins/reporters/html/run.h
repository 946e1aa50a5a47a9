/* run.h - the page of one run: its sections, in the order of the page. A section that has nothing
 * to show leaves nothing. */
#ifndef HTML_RUN_H
#define HTML_RUN_H

#include "page.h"

enum { RUN_FIGURES = 64 };
struct run {
    const struct rn_report *r;
    struct page page;
    const char *files; /* the folder of the figures; NULL while it runs: they are not there */
    bool placed[RUN_FIGURES]; /* figures that a section has shown */
};

/* The figure of that name, if there is one; some side by side; it is there in another form. */
void run_figure(struct run *run, const char *name, bool wide);
void run_figures(struct run *run, const char *const *names, bool wide);
void run_place(struct run *run, const char *name);
static inline bool run_goes_on(const struct run *run) { return !strcmp(run->r->status, "running"); }
static inline bool run_has_pictures(const struct rn_test *t)
{
    return t && t->sprite && t->n_pictures > 0 && t->picture_h > 0 && t->picture_w > 0 &&
           t->sprite_columns > 0;
}

static inline const char *run_class_name(const struct rn_test *t, int64_t c)
{
    return c >= 0 && c < t->classes ? t->per_class[c].name : "\xE2\x80\x93";
}

/* run_test.c: what the test pass showed */
void run_classes(struct run *run);
void run_confusion(struct run *run);
void run_confidence(struct run *run);
void run_samples(struct run *run);
void run_worst(struct run *run);
/* The sprite and how tiles are placed on it, for the style sheet; selector: of its tiles. */
void run_sprite_style(struct rn_text *t, const char *selector, const struct rn_test *test);

/* run_model.c: the model, its inside, its time */
void run_model(struct run *run);
void run_inside(struct run *run);
void run_time(struct run *run);

/* run_origin.c: how to repeat it, log and files */
void run_reproduce(struct run *run);
void run_files(struct run *run);

/* run.c */
int run_write(const struct rn_report *r, const char *path);

#endif
