/* test.h - `runner test`: baselines run, judged, and recorded; `check`: read alone. */
#ifndef TEST_H
#define TEST_H

#include "args.h"
#include "plugin/registry.h"

/* *code: 0, or 1 where something does not hold; 2 or 3 where a file is wrong, which is then said;
 * 130 or 75 where a signal came.
 * *registry is the caller's to close. */
int test_baselines(const struct args *a, struct registry **registry, int *code);

/* Whether it is about baselines: by its verb, or the one file of `run` and `check` is one. */
bool test_takes(const struct args *a);

#endif
