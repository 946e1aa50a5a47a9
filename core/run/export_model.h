/* export_model.h - the model of a run, with its weights, as a file for other programs. */
#ifndef EXPORT_MODEL_H
#define EXPORT_MODEL_H

#include "trained.h"
#include "train/checkpoint.h"

#include <runner/reporter.h>

/* For messages. */
extern const char export_model_formats[];
bool export_is_model(const char *format);

/* The model was opened. file: where to; NULL: in dir, or when that is NULL, too, in export/ of the
 * run folder. said: the path, as a line. */
int export_model(const struct trained *t, const char *format, const char *file, const char *dir,
                 struct text *said);

/* ---- each format: the whole file goes to out ---------------------------------------------------
 */

struct export_facts { /* of the model, for formats that have room for such */
    struct rn_fact fact[12];
    int n;
};

/* Run, configuration, normalisation, names of classes. */
int export_tell(const struct trained *t, struct pool *p, struct export_facts *f);

/* A file of C for one sample at a time. RN_EUNSUPPORTED: a layer that it can't be written for. */
int export_c(const struct trained *t, const struct weights *w, struct text *out);

/* ONNX for batches of any size. RN_EUNSUPPORTED likewise. */
int export_onnx(const struct trained *t, const struct weights *w, struct text *out);

/* numpy's archive: a stored NAME.npy for each tensor. */
int export_npz(const struct trained *t, const struct weights *w, struct text *out);

#endif
