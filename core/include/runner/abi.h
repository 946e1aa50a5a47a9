/* abi.h - what the runner and a plugin agree on before they share anything else.
 *
 * Four rules keep old plugins loading:
 *   1. A struct that may grow begins with its own size; rows of options travel
 *      with the size of one. All others are frozen with the major: values (shape,
 *      tensor, init, attribute), what an operation of a device takes (gemm, block, map_call),
 *      what a report points at (epoch, figure, test), the head of a device.
 *   2. Fields are only ever appended. None moves, none changes meaning.
 *   3. The reader copies what the writer has and zeroes the rest, so a missing
 *      field reads as 0 or NULL, and 0 or NULL always means "the default".
 *   4. RN_ABI_MAJOR is raised only when rule 2 has to be broken.
 */
#ifndef RN_ABI_H
#define RN_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RN_ABI_MAJOR 1
#define RN_ABI_MINOR 0

#define RN_EXPORT            __attribute__((visibility("default")))
#define RN_HIDDEN            __attribute__((visibility("hidden")))
#define RN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* With no tail padding, sizeof grows whenever a field is appended. */
#define RN_NO_TAIL_PADDING(type, last) \
    _Static_assert(sizeof(type) == offsetof(type, last) + sizeof(((type *)0)->last), \
                   #type " must not end in padding")

enum rn_status {
    RN_OK = 0,
    RN_EINVAL = -1,       /* a value in the configuration cannot be used */
    RN_ESHAPE = -2,       /* tensors that do not fit together */
    RN_ENOMEM = -3,       /* out of host or device memory */
    RN_EIO = -4,          /* a file cannot be written: disk full, permission */
    RN_EDEVICE = -5,      /* the device reported an error */
    RN_ENUMERIC = -6,     /* NaN or infinity where none may be */
    RN_EUNSUPPORTED = -7, /* correct, but not on this device */
    RN_EDATA = -8,        /* a data set or checkpoint is missing, short or lies */
    RN_EPLUGIN = -9,      /* a plugin is missing or broken */
    RN_EBUSY = -10,       /* the run folder belongs to a live run */
    RN_EBUG = -11,        /* a fault of the runner itself */
};

/* the numbers are part of the ABI */
enum rn_kind {
    RN_KIND_DEVICE = 1,
    RN_KIND_LAYER = 2,
    RN_KIND_LOSS = 3,
    RN_KIND_OPTIMIZER = 4,
    RN_KIND_DATASET = 5,
    RN_KIND_REPORTER = 6,
    RN_KIND_SCHEDULER = 7,
    RN_KIND_CALLBACK = 8,
    RN_KIND_AUGMENTATION = 9,
};

/* what the core may have to know about a plugin without knowing it */
enum rn_trait {
    RN_TRAIT_DEFAULT = 1 << 0,       /* used when the file does not name its kind; a callback:
                                        whenever the file does not name it */
    RN_TRAIT_WANTS_LOGITS = 1 << 1,  /* loss: applies softmax itself */
    RN_TRAIT_CLASSIFIES = 1 << 2,    /* loss: the target is a class, the output one score each */
    RN_TRAIT_PROBABILITIES = 1 << 3, /* layer: its output sums to one */
    RN_TRAIT_NORMALIZES = 1 << 4,    /* layer: subtracts a mean over the batch, bias or not */
    RN_TRAIT_DROPS = 1 << 5,         /* layer: leaves values out at random in training */
    RN_TRAIT_RECTIFIES = 1 << 6,     /* layer: gives 0 where its input is negative */
    RN_TRAIT_FROM_FILES = 1 << 7,    /* reporter: open() and end() make all of it, so that it can be
                                        made again from the files of a run */
};

enum rn_level { RN_ERROR, RN_WARNING, RN_INFO, RN_DEBUG };

/* What the runner offers every plugin. Valid until the process ends. */
struct rn_host {
    uint32_t size;
    uint16_t abi_major, abi_minor;
    const char *runner;           /* "runner 0.1.0" */
    void *(*alloc)(size_t bytes); /* zeroed, 64-byte aligned; NULL when out of memory */
    void (*free)(void *p);        /* NULL is fine */
    /* Say why this call fails; returns status. One message per thread. */
    int (*fail)(int status, const char *file, int line, const char *fmt, ...) RN_PRINTF(4, 5);
    void (*log)(int level, const char *who, const char *fmt, ...) RN_PRINTF(3, 4);
    uint64_t (*clock_ns)(void); /* monotonic */
    /* The whole of a regular file of at most max_bytes, and one 0 byte behind it.
     * Free *data with free(). RN_EDATA when it is missing, too large or no file. */
    int (*read_file)(const char *path, uint64_t max_bytes, void **data, uint64_t *bytes);
    /* Replace a file whole or leave it as it was. Not waited for the disk: a page can be made
     * again, and thirty of them waited longer than they took to draw. */
    int (*write_file)(const char *path, const void *data, uint64_t bytes);
    /* Add to the end of a file, made when missing. */
    int (*append_file)(const char *path, const void *data, uint64_t bytes);
    /* "sha256:" and 64 hex digits into out[72]. */
    void (*sha256)(const void *data, uint64_t bytes, char *out);
};
RN_NO_TAIL_PADDING(struct rn_host, sha256);

struct rn_option;

/* One thing a plugin provides. A shared object may export several. */
struct rn_plugin {
    uint32_t size;
    uint16_t abi_major, abi_minor; /* as compiled into the plugin */
    uint32_t kind;                 /* enum rn_kind: says what ops points at */
    uint32_t options_size;         /* sizeof the struct that options fill; 0 without options */
    uint32_t option_stride;        /* sizeof(struct rn_option) as compiled */
    uint32_t traits;               /* enum rn_trait bits */
    int32_t priority;              /* device: under `auto` the highest that works wins;
                                      reporter: the default list goes from high to low */
    uint32_t reserved;
    const char *name;                 /* what a YAML file calls it: [a-z][a-z0-9_]* */
    const char *version;              /* the plugin's own, "1.2.0" */
    const char *license;              /* SPDX identifier */
    const char *summary;              /* one line for `runner plugins` */
    const char *doc;                  /* opt: formula, shapes, source; for `plugins describe` */
    const struct rn_option *options;  /* up to the entry whose name is NULL; NULL: none */
    const void *ops;                  /* struct rn_<kind>_ops */
    const struct rn_map *const *maps; /* every RN_MAP of the file, up to maps_end: for a device to
                                         compile them ahead and for checks; NULL: none */
    const struct rn_map *const *maps_end;
};
RN_NO_TAIL_PADDING(struct rn_plugin, maps_end);

/* RN_MAP puts an address into this section; the linker says where it begins and ends. */
struct rn_map;
extern RN_HIDDEN const struct rn_map *const __start_rn_maps[] __attribute__((weak));
extern RN_HIDDEN const struct rn_map *const __stop_rn_maps[] __attribute__((weak));

/* The only symbol a plugin exports. The name carries the major version, so a
 * plugin for another major is refused before any of its memory is read. */
#define RN_QUERY_SYMBOL "rn_plugin_query_v1"
typedef const struct rn_plugin *const *rn_plugin_query_fn(const struct rn_host *);

/* One line at the end of a plugin: RN_PLUGINS(&dense, &bilinear); */
extern RN_HIDDEN const struct rn_host *rn_host;
#define RN_PLUGINS(...) \
    const struct rn_host *rn_host; \
    RN_EXPORT const struct rn_plugin *const *rn_plugin_query_v1(const struct rn_host *); \
    const struct rn_plugin *const *rn_plugin_query_v1(const struct rn_host *host) \
    { \
        static const struct rn_plugin *const list[] = {__VA_ARGS__, NULL}; \
        rn_host = host; \
        return list; \
    } \
    _Static_assert(1, "")

/* The head of a descriptor; RN_PLUGIN_PLAIN for one without options. */
#define RN_PLUGIN_PLAIN(kind_) \
    .size = sizeof(struct rn_plugin), .abi_major = RN_ABI_MAJOR, .abi_minor = RN_ABI_MINOR, \
    .kind = (kind_), .maps = __start_rn_maps, .maps_end = __stop_rn_maps
#define RN_PLUGIN_HEAD(kind_, options_type) \
    RN_PLUGIN_PLAIN(kind_), .options_size = sizeof(options_type), \
                            .option_stride = sizeof(struct rn_option)

#define RN_FAIL(status, ...) rn_host->fail((status), __FILE__, __LINE__, __VA_ARGS__)
#define RN_TRY(call) \
    do { \
        int rn_status_ = (call); \
        if (rn_status_ < 0) \
            return rn_status_; \
    } while (0)

#endif
