#!/usr/bin/env python3
"""The benchmark suite: one table of what the runner takes, what PyTorch takes for the same in the
same hour, how much of it is arithmetic, and what was aimed at.

Ours and PyTorch's take turns, and the median of all rounds counts. The floor is the arithmetic of a
row at the speed of a large product of matrices in oneDNN on as many threads (tests/bench/peak.c).
PyTorch is tried on one thread and on as many as ours has in the first round; the faster of the two
stays for the row, and stands behind its figure. RN_BENCH_PYTHON names the interpreter that has it.
Ctrl-C prints what there is. Exit code: 1 when a row of ours has no number, whatever the bars."""
import argparse
import datetime
import fnmatch
import json
import os
import pathlib
import sys
import textwrap
import time

import machine
import rows
import scaling
import table
from figures import Result
from programs import Failed, Peer, Runner, TooSlow

ROOT = pathlib.Path(__file__).resolve().parents[2]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Bench:
    """What measures need, and what they found."""

    def __init__(self, args, measures):
        self.smoke, self.threads, self.rounds = args.smoke, args.threads, args.rounds
        self.measures = measures
        self.runner = Runner(args.build)
        self.peak = machine.Peak(args.build / "tests/bench/peak", args.smoke)
        self.peak.measure(self.threads)
        self.peer = find_peer() if args.peer else None
        self.results = {row.key: Result(row, judged=not args.smoke)
                        for m in measures for row in m.rows}
        self.points: list = []

    def run(self) -> None:
        for m in self.measures:
            try:
                self.run_measure(m)
            except Failed as e:
                say(f"  {m.rows[0].key}: {e}")

    def run_measure(self, m) -> None:
        self.peak.measure(m.rows[0].threads)  # of a busy machine: the best of the whole time
        for i in range(min(self.rounds, m.rounds_most)):
            say(f"{m.rows[0].title}: round {i + 1}")
            self.keep_ours(m)
            if m.peer and self.peer:
                self.keep_peer(m)

    def keep_ours(self, m) -> None:
        figures = m.ours(self)
        for key, figure in figures.items():
            self.results[key].ours.append(figure)
        say("  ours     " + show(figures, self.results))

    def keep_peer(self, m) -> None:
        """By the first row of a measure it is decided which number of threads is the faster; one
        with which everything takes twice as long as with another is not waited for."""
        first = self.results[m.rows[0].key]
        for threads in [first.peer_threads] if first.peer_threads else self.candidates(m):
            begun = time.perf_counter()
            try:
                figures = m.peer(self, threads)
            except TooSlow:
                first.note(f"PyTorch takes more than twice as long on {threads} threads")
                continue
            except Failed as e:
                first.note(f"PyTorch on {threads}: {e}")
                continue
            self.peer.limit_s = 2 * (time.perf_counter() - begun)
            for key, figure in figures.items():
                self.results[key].peer.setdefault(threads, []).append(figure)
            say(f"  PyTorch  {show(figures, self.results)}, on {threads}")
        self.peer.limit_s = None
        for row in m.rows if first.peer else ():
            best = min(first.peer, key=lambda n: first.peer[n][0])
            self.results[row.key].peer_threads = best

    @staticmethod
    def candidates(m) -> list:
        return sorted({1, m.rows[0].threads})

    def set_floors(self) -> None:
        for r in self.results.values():
            if r.row.flop and r.ours:
                r.floor = r.row.scale * self.peak.seconds(r.row.flop(self), r.row.threads)


def show(figures: dict, results: dict) -> str:
    return ", ".join(f"{table.number(f)} {results[key].row.unit}" for key, f in figures.items())


def find_peer():
    python = os.environ.get("RN_BENCH_PYTHON", "/usr/bin/python3")
    try:
        return Peer(python, ROOT / "data/mnist", "avx512f" in machine.cpu_flags())
    except (Failed, OSError) as e:
        say(f"no PyTorch, so no figures of it: {e} (tools/packages full installs Debian's; "
            "RN_BENCH_PYTHON names another interpreter)")
        return None


def load() -> str:
    return " ".join(f"{n:.2f}" for n in os.getloadavg())


def document(bench: Bench, load_start: str, begun: datetime.datetime) -> dict:
    m = dict(machine.describe(), load_start=load_start, load_end=load(),
             onednn=bench.peak.library, torch=bench.peer.version if bench.peer else None,
             torch_python=bench.peer.python if bench.peer else None)
    points = scaling.summarize(bench.points, bench.peak, bench.threads)
    fit = scaling.overheads(points)
    scaling.add_notes(bench.results, points, fit)
    return {"schema": 1, "date": begun.isoformat(timespec="seconds"),
            "commit": machine.commit(ROOT), "machine": m, "rounds": bench.rounds,
            "threads": bench.threads, "smoke": bench.smoke,
            "seconds": (datetime.datetime.now(datetime.timezone.utc) - begun).total_seconds(),
            "peak_gflops": {str(n): g for n, g in sorted(bench.peak.best.items())},
            "rows": [table.json_row(r) for r in bench.results.values()],
            "scaling": points, "fit": fit}


def parse(argv) -> argparse.Namespace:
    cores = len(os.sched_getaffinity(0))
    listed = "\n".join(textwrap.fill(row.how, 100, initial_indent=f"  {row.key:20}",
                                     subsequent_indent=" " * 22)
                       for m in all_measures(min(2, cores)) for row in m.rows)
    ap = argparse.ArgumentParser(prog="tools/bench", description=__doc__,
                                 epilog="rows and how each is measured:\n" + listed,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--only", default="*", metavar="GLOB[,GLOB]", help="only rows with such a key")
    ap.add_argument("--rounds", type=int, default=5, help="of each row; default: %(default)s")
    ap.add_argument("--threads", type=int, default=min(2, cores), help="default: %(default)s")
    ap.add_argument("--json", metavar="FILE", help="write all values; -: to stdout, then the table "
                    "goes to stderr")
    ap.add_argument("--build", type=pathlib.Path, default=ROOT / "build", metavar="DIR",
                    help="the build that is measured")
    ap.add_argument("--smoke", action="store_true", help="one step of everything, to see that all "
                    "rows give numbers; without PyTorch unless --peer is given")
    ap.add_argument("--peer", action=argparse.BooleanOptionalAction, help="with PyTorch or without")
    ap.add_argument("--list", action="store_true", help="the rows and their bars, and end")
    args = ap.parse_args(argv)
    args.rounds = 1 if args.smoke else max(1, args.rounds)
    args.peer = not args.smoke if args.peer is None else args.peer
    args.build = args.build.resolve()
    return args


def all_measures(threads: int) -> list:
    return rows.measures(threads) + scaling.measures(threads)


def chosen(args) -> list:
    """A measure is run whole when one of its rows is wanted."""
    globs = args.only.split(",")
    return [m for m in all_measures(args.threads)
            if any(fnmatch.fnmatch(row.key, g) for row in m.rows for g in globs)]


def main(argv) -> int:
    args = parse(argv)
    measures = chosen(args)
    if args.list:
        print(table.aligned(["key", "", "bar"], [
            [row.key, row.title, ", ".join(b.text(row.unit) for b in row.bars) or table.DASH]
            for m in measures for row in m.rows], {0, 1, 2}))
        return 0
    if not measures:
        raise Failed(f"no row is called {args.only}; --list shows them")
    load_start, begun = load(), datetime.datetime.now(datetime.timezone.utc)
    bench, stopped = Bench(args, measures), False
    try:
        bench.run()
    except KeyboardInterrupt:
        say("stopped; this is what there is")
        stopped = True
    bench.set_floors()
    out = document(bench, load_start, begun)
    print(table.text(list(bench.results.values()), out),
          file=sys.stderr if args.json == "-" else sys.stdout)
    if args.json == "-":
        print(json.dumps(out, indent=1))
    elif args.json:
        pathlib.Path(args.json).write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")
    if stopped:
        return 130
    return 0 if all(r.ours for r in bench.results.values()) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Failed as why:
        say(f"bench: {why}")
        sys.exit(1)
