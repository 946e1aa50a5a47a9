/* events.h - an event file of TensorBoard, written by hand: protobuf messages of a few fields, in
 * records with a masked CRC-32C (TFRecord). Events are gathered and added to the file by
 * events_flush(). */
#ifndef TENSORBOARD_EVENTS_H
#define TENSORBOARD_EVENTS_H

#include <runner/text.h>

#include <limits.h>

/* ---- protobuf: appended to a text; field numbers are those of the .proto -- */

void proto_int(struct rn_text *t, unsigned field, int64_t v);
void proto_double(struct rn_text *t, unsigned field, double v);
void proto_float(struct rn_text *t, unsigned field, float v);
void proto_bytes(struct rn_text *t, unsigned field, const void *data, size_t n);
void proto_text(struct rn_text *t, unsigned field, const char *s); /* what is no UTF-8 as U+FFFD */
/* Appends what was made as a message, and frees it. */
void proto_message(struct rn_text *t, unsigned field, struct rn_text *made);

/* ---- records -------------------------------------------------------------- */

uint32_t crc32c(const void *data, size_t n);

struct events {
    char path[PATH_MAX];
    struct rn_text waiting;
    bool begun; /* the file is there */
    int64_t attempt, resumed;
};

/* Names the file dir/events.out.tfevents.<began>.<run>.<attempt - 1>; it is made, over one of that
 * name, with the first event, and the folder with it. Of the files of earlier attempts a reader
 * then forgets what is behind step `resumed`. */
int events_open(struct events *e, const char *dir, double began, const char *run, int64_t attempt,
                int64_t resumed);
/* One event with a summary of one value, which is freed. */
int events_add(struct events *e, double wall, int64_t step, struct rn_text *value);
int events_scalar(struct events *e, double wall, int64_t step, const char *tag, double v);
int events_flush(struct events *e);
void events_close(struct events *e); /* frees; flush before */

#endif
