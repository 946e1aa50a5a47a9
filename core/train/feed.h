/* feed.h - batches that come from the host: augmented ones, and those of samples that do not stay
 * on the device. On a device that the host shares memory and processors with they are made by the
 * device's own threads; else by a thread of ours, one step ahead, and copied while the device
 * works. */
#ifndef FEED_H
#define FEED_H

#include "data.h"

struct feed_size {
    int64_t half;    /* bytes of the largest batch, of which there are two; 0: none is needed */
    int64_t indices; /* of feed_index() */
};
/* What the batches of a run need, by d->streamed and its augmentations. */
struct feed_size feed_size(const struct experiment *e, const struct data *d,
                           const struct batches *rows);

struct feed;
/* RN_ENOMEM. */
int feed_open(const struct experiment *e, const struct data *d, const struct batches *rows,
              struct feed **out);
void feed_close(struct feed *f); /* NULL is fine */

/* Device memory: two batches, and 0, 1, 2, ... */
const void *feed_input(const struct feed *f);
const int32_t *feed_index(const struct feed *f);

struct feed_batch {
    int split;
    bool augmented; /* as floats, before scaling; else as the data set has them */
    uint64_t draw;  /* of the augmentations: the step */
    const int32_t *index;
    int64_t n;
};
/* Makes the batch, unless feed_next() did, and puts it onto the device. *at: the row of
 * feed_input() where it begins, counted in rows of this batch. */
int feed_take(struct feed *f, const struct feed_batch *b, uint64_t *at);
/* Begins to make the batch that is taken next; index must live until then. */
int feed_next(struct feed *f, const struct feed_batch *b);
/* What was begun is not wanted any more. Afterwards samples may go. NULL is fine. */
void feed_settle(struct feed *f);

/* What `check` can say without a device: RN_EINVAL with the item of data.augment in *which. */
int feed_check(const struct experiment *e, const struct rn_dataset_info *info, int *which);

#endif
