/* advise.c - tries an override on the resolved configuration as `check` would, without opening the
 * data again; finds plugins by the options they have, and the defaults of these. */
#include "advise.h"

#include "base/error.h"

/* Without a warning that the experiment does not have now. */
static bool accepts(void *ctx, const char *override)
{
    const struct advice *a = ctx;
    struct error why = error_save();
    bool good = session_accepts(a->session, a->config, override);

    error_restore(&why);
    return good;
}

static bool has_all(const struct plugin *p, const char *const *options)
{
    for (; *options; options++)
        if (!options_row(&p->options, *options))
            return false;
    return true;
}

static const char *find(void *ctx, uint32_t kind, const char *const *options)
{
    const struct advice *a = ctx;
    struct error why = error_save();
    const struct plugin *const *list;
    const char *name = NULL;
    int n = 0;

    if (registry_all(a->session->registry, kind, &list, &n, NULL) < 0)
        n = 0;
    for (int i = 0; i < n && !name; i++)
        name = has_all(list[i], options) ? list[i]->name : NULL;
    error_restore(&why);
    return name;
}

static const char *fallback(void *ctx, uint32_t kind, const char *plugin, const char *option)
{
    const struct advice *a = ctx;
    struct error why = error_save();
    const struct plugin *p = NULL;
    const struct rn_option *o = registry_find(a->session->registry, kind, plugin, &p) < 0
                                    ? NULL
                                    : options_row(&p->options, option);

    error_restore(&why);
    return o ? o->fallback : NULL;
}

struct adviser advise(struct advice *a) { return (struct adviser){accepts, find, fallback, a}; }
