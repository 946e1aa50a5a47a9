/* scores.h - what the model of a run says of samples, by infer(): what exports are held against. */
#ifndef TEST_SCORES_H
#define TEST_SCORES_H

#include <stdint.h>

/* bytes of samples as the data set had them. *scores is from mem_alloc. */
int scores_of(const char *root, const char *word, const void *samples, uint64_t bytes,
              float **scores, int64_t *n, int64_t *width);

#endif
