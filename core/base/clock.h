/* clock.h - time that only goes forward, for durations. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

uint64_t clock_ns(void);           /* monotonic */
double clock_s(uint64_t since_ns); /* seconds since then */
/* When a process began, in the kernel's ticks: a number given again has another. 0: not known. */
double clock_process_start(long pid);

#endif
