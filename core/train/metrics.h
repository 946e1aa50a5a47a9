/* metrics.h - measures of a pass without training, by their names; each has one definition. */
#ifndef METRICS_H
#define METRICS_H

#include <runner/reporter.h>
#include <runner/tensor.h>

struct metric_input {
    int64_t n, width;
    const rn_real *scores; /* [n, width]: the model's output */
    const float *targets;  /* [n, target_width] */
    int64_t target_width;
    int64_t classes; /* of the data; 0: targets are numbers */
    bool logits;     /* softmax, of one score a sigmoid, makes them probabilities */
};

struct metric {
    const char *name, *summary;
    bool classes; /* the target is a class; else targets are numbers, as many as scores */
    bool higher_is_better;
    int (*compute)(const struct metric_input *in, double *out);
};

const struct metric *metric_find(const char *name); /* NULL: there is none */
const struct metric *metric_at(int i);              /* in the order of the table; NULL behind it */
/* NaN for n = 0. RN_ESHAPE: scores and targets do not go together; RN_EDATA: a target is no class.
 */
int metric_compute(const struct metric *m, const struct metric_input *in, double *out);

/* Fills precision, recall and f1 from support, predicted and correct. As scikit-learn's
 * precision_recall_fscore_support with zero_division=0. */
void metric_class(struct rn_class_fact *f);
/* Mean f1 of the classes that occur, in truth or as predictions; as f1_score(average="macro"). */
double metric_macro_f1(const struct rn_class_fact *f, int64_t n);

#endif
