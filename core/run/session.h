/* session.h - what every command needs, opened as far as it needs it: the plugins found, the
 * experiment checked, the data's headers read, the shapes inferred; then device, samples and
 * parameters. */
#ifndef SESSION_H
#define SESSION_H

#include "train/data.h"
#include "model/model.h"

struct session {
    struct registry *registry;
    struct experiment *experiment;
    struct diag *diag; /* what to show when a step fails with RN_EINVAL or RN_ESHAPE */
    struct data data;
    bool data_open;
    struct model *model;
    struct rn_device *device;
    const struct plugin *device_plugin;
    uint64_t device_free;    /* bytes that it had before anything was put there; 0: not known, or
                                it is the host's memory */
    const char *device_note; /* why `auto` passed over a device; NULL */
};

/* Each goes on from the one before. After any status, session_close() frees all. */
int session_load(struct session *s, const char *file, const char *const *overrides, int n_overrides,
                 const char *const *plugin_dirs, int n_plugin_dirs);
int session_plan(struct session *s); /* data headers, shapes */
/* The same in two steps, for many experiments on the same data. p: what data_open() needs. */
int session_plan_data(struct session *s, struct pool *p);
int session_plan_model(struct session *s);
int session_open(struct session *s); /* device, samples, parameters */
int session_open_device(struct session *s);
/* Whether the file, which is this session's own configuration as it was resolved, would still be
 * accepted with that override, without a warning that it does not have now. Data are not opened
 * again; without any, as in a session of a registry alone, only the file is checked. */
bool session_accepts(const struct session *s, const char *file, const char *override);
/* Bytes of the device's own memory that are in use since it was opened; 0: not known. */
double session_device_bytes(const struct session *s);
void session_close(struct session *s);

#endif
