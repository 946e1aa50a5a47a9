/* events.c - protobuf fields, records with their checksums, and the file they go to. Formats:
 * protobuf.dev/programming-guides/encoding; tensorflow/core/util/event.proto, summary.proto and
 * lib/io/record_writer.h. */
#define _POSIX_C_SOURCE 200809L
#include "events.h"

#include <errno.h>
#include <sys/stat.h>

/* ---- protobuf ------------------------------------------------------------- */

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static void varint(struct rn_text *t, uint64_t v)
{
    uint8_t b[10];
    size_t n = 0;

    do {
        b[n++] = (uint8_t)((v & 0x7F) | (v > 0x7F ? 0x80 : 0));
        v >>= 7;
    } while (v);
    rn_text_put(t, b, n);
}

static void little(struct rn_text *t, uint64_t v, size_t bytes)
{
    uint8_t b[8];

    for (size_t i = 0; i < bytes; i++)
        b[i] = (uint8_t)(v >> 8 * i);
    rn_text_put(t, b, bytes);
}

static void key(struct rn_text *t, unsigned field, unsigned type)
{
    varint(t, (uint64_t)field << 3 | type);
}

void proto_int(struct rn_text *t, unsigned field, int64_t v)
{
    key(t, field, VARINT);
    varint(t, (uint64_t)v);
}

void proto_double(struct rn_text *t, unsigned field, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    key(t, field, FIXED64);
    little(t, bits, 8);
}

void proto_float(struct rn_text *t, unsigned field, float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof bits);
    key(t, field, FIXED32);
    little(t, bits, 4);
}

void proto_bytes(struct rn_text *t, unsigned field, const void *data, size_t n)
{
    key(t, field, BYTES);
    varint(t, n);
    rn_text_put(t, data, n);
}

/* A reader refuses a whole message for one broken character. */
void proto_text(struct rn_text *t, unsigned field, const char *s)
{
    struct rn_text clean = {0};

    while (*s) {
        uint32_t c;
        int n = rn_utf8_next(s, RN_UTF8_MAX, &c);
        rn_text_put(&clean, n ? s : "\xEF\xBF\xBD", n ? (size_t)n : 3);
        s += n ? n : 1;
    }
    proto_message(t, field, &clean);
}

void proto_message(struct rn_text *t, unsigned field, struct rn_text *made)
{
    if (made->status)
        t->status = made->status;
    else
        proto_bytes(t, field, made->n ? made->s : "", made->n);
    rn_host->free(made->s);
    *made = (struct rn_text){0};
}

/* ---- records -------------------------------------------------------------- */

/* CRC-32C (Castagnoli), bit by bit: an epoch gives some kilobytes. */
uint32_t crc32c(const void *data, size_t n)
{
    const uint8_t *p = data;
    uint32_t c = ~0u;

    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (c & 1 ? 0x82F63B78u : 0);
    }
    return ~c;
}

static uint32_t masked(const void *data, size_t n)
{
    uint32_t c = crc32c(data, n);

    return (c >> 15 | c << 17) + 0xA282EAD8u;
}

static void put_record(struct rn_text *t, const struct rn_text *event)
{
    uint8_t length[8];

    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)event->n >> 8 * i);
    rn_text_put(t, length, sizeof length);
    little(t, masked(length, sizeof length), 4);
    rn_text_put(t, event->s, event->n);
    little(t, masked(event->s, event->n), 4);
}

static int make_folder(const char *path)
{
    char dir[PATH_MAX];
    size_t n = strlen(path);

    memcpy(dir, path, n + 1);
    for (char *p = dir + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = '\0';
        if (mkdir(dir, 0777) && errno != EEXIST)
            return RN_FAIL(RN_EIO, "cannot make the folder %s: %s", dir, strerror(errno));
    }
    return RN_OK;
}

int events_open(struct events *e, const char *dir, double began, const char *run, int64_t attempt,
                int64_t resumed)
{
    int n = snprintf(e->path, sizeof e->path, "%s/events.out.tfevents.%.0f.%s.%lld", dir, began,
                     run, (long long)(attempt > 1 ? attempt - 1 : 0));

    e->attempt = attempt;
    e->resumed = resumed;

    if (n < 0 || (size_t)n >= sizeof e->path)
        return RN_FAIL(RN_EIO, "%s: the path is too long", dir);
    return RN_OK;
}

/* SessionLog with status START: of a file that goes on from another. */
static int put_start(struct events *e, double wall)
{
    struct rn_text event = {0}, start = {0};

    proto_double(&event, 1, wall);
    proto_int(&event, 2, e->resumed + 1);
    proto_int(&start, 1, 1);
    proto_message(&event, 7, &start);
    int status = event.status;
    if (!status)
        put_record(&e->waiting, &event);
    rn_host->free(event.s);
    return status;
}

static int begin(struct events *e, double wall)
{
    struct rn_text version = {0};

    proto_double(&version, 1, wall);
    proto_text(&version, 3, "brain.Event:2");
    put_record(&e->waiting, &version);
    int status = version.status;
    rn_host->free(version.s);
    e->begun = status >= 0;
    RN_TRY(status);
    RN_TRY(e->attempt > 1 ? put_start(e, wall) : RN_OK);
    RN_TRY(make_folder(e->path));
    return rn_host->write_file(e->path, "", 0);
}

int events_add(struct events *e, double wall, int64_t step, struct rn_text *value)
{
    struct rn_text event = {0}, summary = {0};
    size_t before = e->waiting.n;
    int status = e->begun ? RN_OK : begin(e, wall);

    proto_double(&event, 1, wall);
    proto_int(&event, 2, step);
    proto_message(&summary, 1, value);
    proto_message(&event, 5, &summary);
    status = status < 0 ? status : event.status;
    if (status >= 0)
        put_record(&e->waiting, &event);
    rn_host->free(event.s);
    if (e->waiting.status) {
        status = e->waiting.status;
        e->waiting.n = before; /* no half a record */
    }
    return status;
}

int events_scalar(struct events *e, double wall, int64_t step, const char *tag, double v)
{
    struct rn_text value = {0};

    proto_text(&value, 1, tag);
    proto_float(&value, 2, (float)v);
    return events_add(e, wall, step, &value);
}

int events_flush(struct events *e)
{
    size_t n = e->waiting.n;

    e->waiting.n = 0; /* also when it fails: nothing is written twice */
    return n ? rn_host->append_file(e->path, e->waiting.s, n) : RN_OK;
}

void events_close(struct events *e)
{
    rn_host->free(e->waiting.s);
    e->waiting = (struct rn_text){0};
}
