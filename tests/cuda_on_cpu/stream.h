/* stream.h - queues of work that is done when somebody waits for it. */
#ifndef STREAM_H
#define STREAM_H

#include "emulator.h"

#include <deque>

struct CUstream_st {
    std::deque<work> queue;
    struct CUgraph_st *captures = nullptr;
    bool capture_broken = false;
};
struct CUevent_st {
    uint64_t recorded = 0, done = 0; /* numbers of records: asked for, and reached */
    double at_ms = 0;                /* when the last was reached */
};
struct CUgraph_st {
    std::vector<work> nodes;
};
struct CUgraphExec_st {
    std::vector<work> nodes;
};
extern std::vector<CUstream_st *> streams;

bool any_capture();

#endif
