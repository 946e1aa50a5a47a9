/* predict.h - what a trained model says of samples: classes with their probabilities, or values. */
#ifndef PREDICT_H
#define PREDICT_H

#include "samples.h"

struct prediction { /* of one sample */
    const char *file;
    int64_t index;      /* in its file */
    const double *p;    /* by class; NULL: the model gives values */
    const rn_real *out; /* what the last layer gives */
    const int *top;     /* classes, the likeliest first */
};

struct predictions {
    int64_t n, width;
    int classes, tops; /* 0 classes: values */
    struct prediction *at;
    double *p;
    rn_real *scores;
    int *top;
};

/* tops: how many classes each names, at most. RN_ENOMEM, or what the device says. */
int predict(const struct trained *t, const struct samples *s, int tops, struct predictions *out);
void predictions_free(struct predictions *p);

/* As a table for people, as CSV, or as one JSON document. */
int predict_table(const struct trained *t, const struct predictions *p, struct text *out);
int predict_csv(const struct trained *t, const struct predictions *p, struct text *out);
int predict_json(const struct trained *t, const struct predictions *p, struct text *out);

#endif
