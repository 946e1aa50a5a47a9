/* export_npz.c - a zip archive of stored files, as numpy.savez() writes it: for each tensor a
 * header and the file NAME.npy, then a directory of all. Formats: PKWARE's APPNOTE 4.3, and numpy's
 * lib/format.py, version 1.0. */
#include "export_model.h"

#include "base/error.h"

#include <string.h>
#include <zlib.h>

#define LOCAL_HEADER   0x04034B50u
#define CENTRAL_HEADER 0x02014B50u
#define END_RECORD     0x06054B50u
#define ZIP_MAX        UINT32_MAX /* without the extension for larger ones */
#define DAY_ONE        0x21       /* 1 January 1980: the same weights give the same file */

static void put_number(struct text *t, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        text_put(t, &(char){(char)(v >> 8 * i)}, 1);
}

static void array_file(const struct st_tensor *tensor, struct text *out)
{
    struct text shape = {0}, head = {0};
    size_t values = 1;

    for (int i = 0; i < tensor->rank; i++) {
        text_add(&shape, "%s%lld", i ? ", " : "", (long long)tensor->dim[i]);
        values *= (size_t)tensor->dim[i];
    }
    text_add(&head, "{'descr': '<f4', 'fortran_order': False, 'shape': (%s%s), }", text_str(&shape),
             tensor->rank == 1 ? "," : "");
    while (!head.status && (10 + head.n + 1) % 64)
        text_put(&head, " ", 1);
    text_put(&head, "\n", 1);
    text_put(out, "\x93NUMPY\x01\x00", 8);
    put_number(out, (uint32_t)head.n, 2);
    text_put(out, text_str(&head), head.n);
    text_put(out, (const char *)tensor->data, values * sizeof *tensor->data);
    if (head.status || shape.status)
        out->status = RN_ENOMEM;
    text_free(&head);
    text_free(&shape);
}

/* What a header of a file and its entry in the directory share. */
static void describe(struct text *t, uint32_t crc, uint32_t bytes, const char *name)
{
    put_number(t, 20, 2);      /* version 2.0 reads it */
    put_number(t, 0, 2);       /* flags */
    put_number(t, 0, 2);       /* stored */
    put_number(t, 0, 2);       /* time */
    put_number(t, DAY_ONE, 2); /* date */
    put_number(t, crc, 4);
    put_number(t, bytes, 4);
    put_number(t, bytes, 4);
    put_number(t, (uint32_t)(strlen(name) + strlen(".npy")), 2);
    put_number(t, 0, 2); /* of something extra */
}

static int add(const struct st_tensor *tensor, struct text *out, struct text *directory)
{
    struct text file = {0};
    size_t at = out->n;

    array_file(tensor, &file);
    uint32_t crc = (uint32_t)crc32_z(0, (const Bytef *)text_str(&file), file.n);
    if (!file.status && (file.n > ZIP_MAX || at > ZIP_MAX - file.n))
        file.status = FAIL(RN_EUNSUPPORTED,
                           "more than 4 GiB of weights, which no plain zip archive holds: export "
                           "safetensors instead");
    put_number(out, LOCAL_HEADER, 4);
    describe(out, crc, (uint32_t)file.n, tensor->name);
    text_add(out, "%s.npy", tensor->name);
    text_put(out, text_str(&file), file.n);
    put_number(directory, CENTRAL_HEADER, 4);
    put_number(directory, 20, 2); /* made by version 2.0 */
    describe(directory, crc, (uint32_t)file.n, tensor->name);
    put_number(directory, 0, 2); /* comment */
    put_number(directory, 0, 2); /* disk */
    put_number(directory, 0, 2); /* attributes */
    put_number(directory, 0, 4);
    put_number(directory, (uint32_t)at, 4);
    text_add(directory, "%s.npy", tensor->name);
    int status = file.status;
    text_free(&file);
    return status;
}

int export_npz(const struct trained *t, const struct weights *w, struct text *out)
{
    (void)t;
    struct text directory = {0};
    int status = w->n > UINT16_MAX
                     ? FAIL(RN_EUNSUPPORTED, "%d tensors, an archive holds %d", w->n, UINT16_MAX)
                     : RN_OK;

    for (int i = 0; i < w->n && !status; i++)
        status = add(&w->tensors[i], out, &directory);
    uint32_t at = (uint32_t)out->n;
    text_put(out, text_str(&directory), directory.n);
    put_number(out, END_RECORD, 4);
    put_number(out, 0, 4); /* disks */
    put_number(out, (uint32_t)w->n, 2);
    put_number(out, (uint32_t)w->n, 2);
    put_number(out, (uint32_t)directory.n, 4);
    put_number(out, at, 4);
    put_number(out, 0, 2); /* comment */
    status = status ? status : directory.status;
    text_free(&directory);
    return status;
}
