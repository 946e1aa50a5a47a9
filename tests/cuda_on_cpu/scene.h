/* scene.h - a small program with a bug that one can plant, how it ends then, and what scenes use.
 */
#ifndef SCENE_H
#define SCENE_H

#include <cuda.h>

#include <stdbool.h>
#include <stddef.h>

/* ALWAYS: a wrong result with every seed; SOMETIMES: with one at least; MISUSE: with the words;
 * FAULT: a fault of memory; EXACT: that with AddressSanitizer, misuse without; ONLY_ASAN: a fault
 * with it. */
enum end { ALWAYS, SOMETIMES, MISUSE, FAULT, EXACT, ONLY_ASAN };
struct scene {
    const char *name;
    bool (*fn)(int bug); /* whether the result is right */
    enum end end;
    const char *said; /* by MISUSE and EXACT */
    bool race;        /* ThreadSanitizer sees it, too, whatever the order was */
};
/* The last has no name. */
extern const struct scene thread_scenes[], memory_scenes[], stream_scenes[], call_scenes[];

enum { N = 64 };
extern void *program; /* scenes.cu compiled */
extern CUmodule module;
extern CUstream stream, other;

/* What fails unasked ends the scene, with neither result. */
#define MUST(call) must((int)(call), #call)
void must(int status, const char *what);
void gpu_open(void);
CUdeviceptr give(size_t bytes);
CUdeviceptr give_numbers(void); /* N floats: 0, 1, 2, ... */
float *give_pinned(void);       /* N floats */
CUresult try_launch(const char *name, unsigned blocks, unsigned threads, CUstream s, void **args);
/* With N threads in one block. */
void launch_in(CUstream s, const char *name, void *x, void *more);
void launch(const char *name, void *x, void *more);
void get(CUdeviceptr at, float v[N]);
/* Whether the N floats there are first, first + step, ...; gives them back. */
bool are(CUdeviceptr at, float first, float step);

#endif
