/* stream.cc - nothing is done before somebody waits for it, and then in an order that the events
 * allow but nobody else chose: a missing wait shows. */
#include "stream.h"

std::recursive_mutex lock;
CUresult sticky = CUDA_SUCCESS;
std::vector<CUstream_st *> streams;

void fail_device(CUresult r)
{
    sticky = r;
    for (auto *s : streams)
        s->queue.clear();
}

void enqueue(CUstream s, work w)
{
    if (s->captures)
        s->captures->nodes.push_back(std::move(w));
    else
        s->queue.push_back(std::move(w));
}

static bool can_run(const work &w) { return !w.wait || w.wait->done >= w.number; }

/* Runs entries of all streams until `over` says so. */
template <class F> static CUresult run_until(F over)
{
    memory_open(true);
    while (sticky == CUDA_SUCCESS && !over()) {
        std::vector<CUstream_st *> ready;
        for (auto *s : streams)
            if (!s->queue.empty() && can_run(s->queue.front()))
                ready.push_back(s);
        if (ready.empty())
            misuse("streams wait for each other");
        auto *s = ready[chance(ready.size())];
        work w = std::move(s->queue.front());
        s->queue.pop_front();
        if (w.run)
            w.run();
    }
    memory_open(false);
    return sticky;
}

CUresult stream_finish(CUstream s)
{
    return run_until([s] { return s->queue.empty(); });
}

CUresult device_finish()
{
    return run_until([] {
        for (auto *s : streams)
            if (!s->queue.empty())
                return false;
        return true;
    });
}

CUresult event_finish(CUevent e)
{
    return run_until([e] { return e->done >= e->recorded; });
}

bool any_capture()
{
    bool any = false;

    for (auto *s : streams)
        if (s->captures) {
            any = true;
            s->capture_broken = true;
        }
    return any;
}
