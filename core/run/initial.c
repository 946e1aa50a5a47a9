/* initial.c - train.init_from: a file, or the weights that a run was tested with. */
#define _XOPEN_SOURCE 700
#include "initial.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "names.h"
#include "train/checkpoint.h"

#include <string.h>
#include <sys/stat.h>

/* The file that a path or the word for a run means; NULL: out of memory. */
static int file_of(struct pool *p, const char *root, const char *from, const char **out)
{
    struct run_name run;
    struct stat st;

    *out = from;
    if (*from == '/' && stat(from, &st))
        return FAIL(RN_EDATA, "there is no such file or folder");
    if (*from == '/' && !S_ISDIR(st.st_mode))
        return RN_OK;
    TRY(run_find(p, root, from, &run));
    *out = pool_printf(p, "%s/weights/last.safetensors", run.dir);
    if (!*out)
        return RN_ENOMEM;
    return file_exists(*out) ? RN_OK
                             : FAIL(RN_EDATA,
                                    "%s is not there: the run did not come so far, or kept other "
                                    "weights; name a file of %s/weights",
                                    *out, run.dir);
}

int initial_find(const struct session *s, const char *root, struct initial *out)
{
    const struct experiment *e = s->experiment;
    struct initial x = {0};

    if (e->train.init_from) {
        int status = file_of(e->pool, root, e->train.init_from, &x.path);
        status = status ? status : checkpoint_fits(s->model, x.path);
        status = status ? status : hash_file(x.path, x.hash);
        if (status < 0)
            return status == RN_ENOMEM
                       ? status
                       : error_prefix(status, "train.init_from: %s", e->train.init_from);
    }
    if (out)
        *out = x;
    return RN_OK;
}

int initial_load(const struct session *s, const struct initial *x)
{
    bool verified;

    if (!x->path)
        return RN_OK;
    TRY(checkpoint_read(s->model, x->path, &verified));
    log_line(RN_INFO, NULL, "starts from the weights in %s (%.19s)", x->path, x->hash);
    return RN_OK;
}

int initial_write(const struct session *s, const struct folder *f, const struct initial *x)
{
    struct text t = {0};

    if (!x->path)
        return RN_OK;
    text_add(&t, "{");
    json_text(&t, "init_from", s->experiment->train.init_from);
    json_text(&t, "path", x->path);
    json_text(&t, "sha256", x->hash + strlen("sha256:"));
    text_add(&t, "}\n");
    int status = t.status ? t.status : folder_write(f, "initial.json", t.s, t.n);
    text_free(&t);
    return status;
}
