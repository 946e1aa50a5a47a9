/* safetensors.c - the file: 8 bytes n, little-endian; a JSON header of n bytes; the data.
 * https://github.com/huggingface/safetensors, whose reader's rules are kept here, and more. */
#include "safetensors.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the data of a safetensors file is little-endian"
#endif

#define HEADER_MAX  100000000u /* as the reference implementation */
#define TENSORS_MAX 100000
#define NAME_MAX_   512
#define FILE_MAX    (UINT64_C(1) << 36)
#define MARKS_MAX   2000000 /* , [ { of the header: bounds the memory that reading it takes */
#define HASH_KEY    "sha256"
#define HEAD        "{\"__metadata__\":{\"" HASH_KEY "\":\""

/* "sha256:" and 64 digits, of the file in which these digits are 0. */
static const char hash_zero[] =
    "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/* ---- writing -------------------------------------------------------------- */

static uint64_t tensor_bytes(const struct st_tensor *t)
{
    uint64_t n = sizeof(float);

    for (int i = 0; i < t->rank; i++)
        n *= (uint64_t)t->dim[i];
    return n;
}

/* Padded with spaces, so that the data begins at a multiple of 8. */
static void header_text(struct text *h, const struct st_tensor *tensors, int n,
                        const struct rn_fact *meta, int n_meta)
{
    uint64_t at = 0;

    text_add(h, HEAD "%s\"", hash_zero);
    for (int i = 0; i < n_meta; i++) {
        text_add(h, ",");
        json_string(h, meta[i].key);
        text_add(h, ":");
        json_string(h, meta[i].value);
    }
    text_add(h, "}");
    for (int i = 0; i < n; i++) {
        uint64_t bytes = tensor_bytes(&tensors[i]);
        text_add(h, ",");
        json_string(h, tensors[i].name);
        text_add(h, ":{\"dtype\":\"F32\",\"shape\":[");
        for (int k = 0; k < tensors[i].rank; k++)
            text_add(h, "%s%lld", k ? "," : "", (long long)tensors[i].dim[k]);
        text_add(h, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at,
                 (unsigned long long)at + bytes);
        at += bytes;
    }
    text_add(h, "}");
    while (!h->status && h->n % 8)
        text_put(h, " ", 1);
}

int safetensors_write(const char *path, const struct st_tensor *tensors, int n,
                      const struct rn_fact *meta, int n_meta)
{
    struct text h = {0};
    uint64_t bytes = 0;
    char *file = NULL, hash[HASH_TEXT];

    header_text(&h, tensors, n, meta, n_meta);
    for (int i = 0; i < n; i++)
        bytes += tensor_bytes(&tensors[i]);
    int status = h.status;
    uint64_t length = h.n, at = 8 + length;
    if (!status && !(file = mem_alloc(at + bytes)))
        status = RN_ENOMEM;
    if (status)
        goto out;
    memcpy(file, &length, 8);
    memcpy(file + 8, h.s, length);
    for (int i = 0; i < n; i++) {
        uint64_t size = tensor_bytes(&tensors[i]);
        if (size)
            memcpy(file + at, tensors[i].data, size);
        at += size;
    }
    hash_sha256(file, at, hash);
    memcpy(file + 8 + strlen(HEAD), hash, sizeof hash_zero - 1);
    status = file_write(path, file, at);
out:
    mem_free(file);
    text_free(&h);
    return status;
}

/* ---- reading -------------------------------------------------------------- */

struct reader {
    const char *path;
    struct pool *pool;
    bool foreign;   /* takes whole numbers */
    uint64_t bytes; /* of the data */
    char *data;
    struct span {
        uint64_t begin, end;
        const char *name;
    } * spans;
};

#define WRONG(r, ...) wrong((r)->path, __VA_ARGS__)

RN_PRINTF(2, 3) static int wrong(const char *path, const char *fmt, ...)
{
    char why[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return FAIL(RN_EDATA, "%s: no usable safetensors file: %s", path, why);
}

/* A whole number from 0 to 2^53, which a double holds exactly. */
static bool whole(const cJSON *j, uint64_t *out)
{
    if (!cJSON_IsNumber(j) || !(j->valuedouble >= 0) || j->valuedouble > 0x1p53 ||
        j->valuedouble != floor(j->valuedouble))
        return false;
    *out = (uint64_t)j->valuedouble;
    return true;
}

static bool name_good(const char *s)
{
    size_t n = s ? strlen(s) : 0;

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7F)
            return false;
    return n > 0 && n <= NAME_MAX_;
}

/* *bytes: of one value, then of all. */
static int shape_read(struct reader *r, const cJSON *j, struct st_tensor *t, uint64_t *bytes)
{
    int64_t *dim = pool_alloc(r->pool, sizeof *dim * ((size_t)cJSON_GetArraySize(j) + 1));
    const cJSON *d;

    if (!dim)
        return RN_ENOMEM;
    cJSON_ArrayForEach(d, j)
    {
        uint64_t v;
        if (!whole(d, &v) || __builtin_mul_overflow(*bytes, v, bytes))
            return WRONG(r, "the shape of %s is impossible", t->name);
        dim[t->rank++] = (int64_t)v;
    }
    t->dim = dim;
    return RN_OK;
}

/* *counts: it holds whole numbers. */
static int tensor_read(struct reader *r, const cJSON *j, struct st_tensor *t, struct span *span,
                       bool *counts)
{
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(j, "dtype");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(j, "shape");
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(j, "data_offsets");
    uint64_t bytes;

    if (!name_good(j->string))
        return WRONG(r, "a tensor's name is empty, longer than %d bytes or not printable",
                     NAME_MAX_);
    if (!(t->name = pool_strdup(r->pool, j->string)))
        return RN_ENOMEM;
    if (!cJSON_IsObject(j) || cJSON_GetArraySize(j) != 3 || !cJSON_IsString(dtype) ||
        !cJSON_IsArray(shape) || !cJSON_IsArray(at) || cJSON_GetArraySize(at) != 2)
        return WRONG(r, "%s has not just dtype, shape and data_offsets", t->name);
    *counts = r->foreign && !strcmp(dtype->valuestring, "I64");
    bytes = *counts ? sizeof(int64_t) : sizeof(float);
    if (strcmp(dtype->valuestring, "F32") && !*counts)
        return WRONG(r, "%s holds %s, only F32 can be read", t->name, dtype->valuestring);
    TRY(shape_read(r, shape, t, &bytes));
    if (!whole(at->child, &span->begin) || !whole(at->child->next, &span->end) ||
        span->end < span->begin || span->end > r->bytes)
        return WRONG(r, "the place of %s lies outside the %llu bytes of data", t->name,
                     (unsigned long long)r->bytes);
    if (span->end - span->begin != bytes)
        return WRONG(r, "%s has %llu bytes, its shape asks for %llu", t->name,
                     (unsigned long long)(span->end - span->begin), (unsigned long long)bytes);
    span->name = t->name;
    t->data = (const float *)(const void *)(r->data + span->begin);
    return RN_OK;
}

static int metadata_read(struct reader *r, const cJSON *j, struct safetensors *st)
{
    const cJSON *item;

    if (!cJSON_IsObject(j) || st->meta)
        return WRONG(r, "__metadata__ is not one map");
    st->meta = pool_alloc(r->pool, sizeof *st->meta * ((size_t)cJSON_GetArraySize(j) + 1));
    if (!st->meta)
        return RN_ENOMEM;
    cJSON_ArrayForEach(item, j)
    {
        struct rn_fact *f = &st->meta[st->n_meta++];
        if (!cJSON_IsString(item))
            return WRONG(r, "__metadata__ has a value that is no string");
        f->key = pool_strdup(r->pool, item->string);
        f->value = pool_strdup(r->pool, item->valuestring);
        if (!f->key || !f->value)
            return RN_ENOMEM;
    }
    return RN_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct span *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int by_place(const void *a, const void *b)
{
    const struct span *x = a, *y = b;

    return x->begin != y->begin ? (x->begin < y->begin ? -1 : 1)
                                : (x->end > y->end) - (x->end < y->end);
}

/* No name twice; the data used from the first byte to the last, without holes or overlaps. */
static int spans_check(struct reader *r, int n)
{
    uint64_t at = 0;

    qsort(r->spans, (size_t)n, sizeof *r->spans, by_name);
    for (int i = 1; i < n; i++)
        if (!strcmp(r->spans[i - 1].name, r->spans[i].name))
            return WRONG(r, "%s occurs twice", r->spans[i].name);
    qsort(r->spans, (size_t)n, sizeof *r->spans, by_place);
    for (int i = 0; i < n; i++) {
        if (r->spans[i].begin != at)
            return WRONG(r, "%s begins at byte %llu of the data, %llu expected", r->spans[i].name,
                         (unsigned long long)r->spans[i].begin, (unsigned long long)at);
        at = r->spans[i].end;
    }
    if (at != r->bytes)
        return WRONG(r, "%llu bytes of data belong to no tensor",
                     (unsigned long long)(r->bytes - at));
    return RN_OK;
}

static int entries_read(struct reader *r, const cJSON *root, struct safetensors *st)
{
    int n = cJSON_GetArraySize(root);
    const cJSON *j;
    bool counts = false;

    if (!cJSON_IsObject(root))
        return WRONG(r, "the header is not one JSON map");
    if (n > TENSORS_MAX)
        return WRONG(r, "%d tensors, more than %d", n, TENSORS_MAX);
    st->tensors = pool_alloc(r->pool, sizeof *st->tensors * ((size_t)n + 1));
    st->counters = pool_alloc(r->pool, sizeof *st->counters * ((size_t)n + 1));
    r->spans = pool_alloc(r->pool, sizeof *r->spans * ((size_t)n + 1));
    if (!st->tensors || !st->counters || !r->spans)
        return RN_ENOMEM;
    cJSON_ArrayForEach(j, root)
    {
        if (j->string && !strcmp(j->string, "__metadata__")) {
            TRY(metadata_read(r, j, st));
            continue;
        }
        struct st_tensor *t = &st->tensors[st->n];
        *t = (struct st_tensor){0};
        TRY(tensor_read(r, j, t, &r->spans[st->n + st->n_counters], &counts));
        if (counts)
            st->counters[st->n_counters++] = t->name;
        else
            st->n++;
    }
    return spans_check(r, st->n + st->n_counters);
}

/* Compares the checksum in the metadata with that of the file, whose digits it makes zeros. */
static int hash_check(struct reader *r, struct safetensors *st, char *header, uint64_t n)
{
    char actual[HASH_TEXT];
    const char *wanted = NULL;

    for (int i = 0; i < st->n_meta; i++)
        if (!strcmp(st->meta[i].key, HASH_KEY))
            wanted = st->meta[i].value;
    if (!wanted)
        return RN_OK;
    char *digits = strlen(wanted) == strlen(hash_zero) ? strstr(header, wanted) : NULL;
    if (digits) {
        memcpy(digits, hash_zero, sizeof hash_zero - 1);
        hash_sha256(st->file, 8 + n + r->bytes, actual);
    }
    if (!digits || strcmp(wanted, actual))
        return WRONG(r, "its checksum does not hold: the file was damaged, use another copy");
    st->verified = true;
    return RN_OK;
}

static int header_read(struct reader *r, struct safetensors *st, uint64_t bytes)
{
    char *file = st->file;
    uint64_t n;

    if (bytes < 8)
        return WRONG(r, "only %llu bytes", (unsigned long long)bytes);
    memcpy(&n, file, 8);
    if (n > HEADER_MAX || n > bytes - 8)
        return WRONG(r, "says its header has %llu bytes, %llu follow", (unsigned long long)n,
                     (unsigned long long)bytes - 8);
    if (!n || file[8] != '{')
        return WRONG(r, "its header does not begin with {");
    int marks = 0;
    for (uint64_t i = 0; i < n; i++)
        marks += file[8 + i] == ',' || file[8 + i] == '[' || file[8 + i] == '{';
    if (marks > MARKS_MAX)
        return WRONG(r, "its header is too complicated");
    r->bytes = bytes - 8 - n;
    r->data = file + 8 + n;
    char *text = pool_strndup(r->pool, file + 8, n);
    if (!text)
        return RN_ENOMEM;
    error_clear();
    cJSON *root = strlen(text) == n ? json_parse(text) : NULL;
    if (!root)
        return error_status() == RN_ENOMEM ? RN_ENOMEM : WRONG(r, "its header is no JSON");
    int status = entries_read(r, root, st);
    cJSON_Delete(root);
    if (!status)
        status = hash_check(r, st, file + 8, n);
    return status;
}

/* Moves the data to an aligned place, over the header, which was read already. */
static void data_settle(struct reader *r, struct safetensors *st)
{
    char *to = st->file;

    memmove(to, r->data, r->bytes);
    for (int i = 0; i < st->n; i++) {
        struct st_tensor *t = &st->tensors[i];
        t->data = (const float *)(const void *)(to + ((const char *)t->data - r->data));
    }
    for (uint64_t i = 0; i < r->bytes / sizeof(float); i++) {
        float v;
        memcpy(&v, to + i * sizeof v, sizeof v);
        st->not_finite += !isfinite(v);
    }
}

static int read_file(const char *path, bool foreign, struct safetensors *out)
{
    struct reader r = {.path = path, .pool = pool_new(), .foreign = foreign};
    uint64_t bytes;
    int status = r.pool ? RN_OK : RN_ENOMEM;

    *out = (struct safetensors){.pool = r.pool};
    if (!status)
        status = file_read(path, FILE_MAX, &out->file, &bytes);
    if (!status)
        status = header_read(&r, out, bytes);
    if (!status)
        data_settle(&r, out);
    else
        safetensors_free(out);
    return status;
}

int safetensors_read(const char *path, struct safetensors *out)
{
    return read_file(path, false, out);
}

int safetensors_read_foreign(const char *path, struct safetensors *out)
{
    return read_file(path, true, out);
}

void safetensors_free(struct safetensors *st)
{
    pool_free(st->pool);
    mem_free(st->file);
    *st = (struct safetensors){0};
}
