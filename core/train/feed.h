/* feed.h - augmented training batches, made on the host: on a device that the host shares memory
 * and processors with, by the device's own threads; else by a thread of ours, one step ahead. */
#ifndef FEED_H
#define FEED_H

#include "data.h"

struct feed;
/* Batches of up to rows samples. RN_EINVAL when an augmentation does not suit the data. */
int feed_open(const struct experiment *e, const struct data *d, int64_t rows, struct feed **out);
void feed_close(struct feed *f); /* NULL is fine */

/* Device memory: two batches of floats, [2 * rows, elements of a sample], and 0, 1, 2, ... */
const void *feed_input(const struct feed *f);
const int32_t *feed_index(const struct feed *f);

/* Makes the batch of step `draw` from the n samples that index names, unless feed_next() made it,
 * and puts it onto the device. *at: the row of feed_input() where it begins. */
int feed_take(struct feed *f, uint64_t draw, const int32_t *index, int64_t n, uint64_t *at);
/* Begins to make another batch while the device works; index must live until it is taken. */
int feed_next(struct feed *f, uint64_t draw, const int32_t *index, int64_t n);

/* What `check` can say without a device: RN_EINVAL with the item of data.augment in *which. */
int feed_check(const struct experiment *e, const struct rn_dataset_info *info, int *which);

#endif
