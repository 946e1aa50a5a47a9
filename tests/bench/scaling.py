"""How the cost of a step goes with layers, width, batch and samples: series of networks of dense
layers on synthetic data, what share of the processor's peak they reach, and the overhead that small
steps show."""
import json
import pathlib
import statistics
import tempfile
from dataclasses import dataclass

from figures import Bar, Measure, Row

CLASSES, LARGE_FLOP, EPOCHS = 64, 10e6, 7


@dataclass(frozen=True)
class Point:
    at: int  # where it lies in its series
    layers: int = 2
    width: int = 256
    batch: int = 64
    samples: int = 0  # of the data set; 0: as many as the steps that are timed take

    @property
    def flop_of_sample(self) -> int:
        return 2 * self.width * (self.width * (self.layers - 1) + CLASSES)

    @property
    def steps(self) -> int:
        """Of an epoch: some 50 ms, where that is neither very many nor hardly any."""
        if self.samples:
            return -(-self.samples // self.batch)
        return max(4, min(1000, int(3e9 / (3 * self.flop_of_sample * self.batch))))


SERIES = {
    "layers": [Point(n, layers=n, width=64, batch=16) for n in (2, 4, 8, 16, 32, 64)],
    "width": [Point(n, width=n) for n in (64, 256, 1024, 4096)],
    "batch": [Point(n, batch=n) for n in (1, 4, 16, 64, 256, 1024, 4096)],
    "samples": [Point(n, width=128, batch=128, samples=n) for n in (4096, 16384, 65536, 262144)],
}
OF = {"layers": "2 to 64 dense layers of 64, batch 16",
      "width": "2 dense layers, width 64 to 4096, batch 64",
      "batch": "2 dense layers of 256, batch 1 to 4096",
      "samples": "2 dense layers of 128, batch 128, 4096 to 262,144 samples"}


def experiment(p: Point, steps: int) -> dict:
    """The last layer has CLASSES units, the others `width`."""
    hidden = [{"type": "dense", "units": p.width}, "relu"] * (p.layers - 1)
    return {"name": "scaling", "seed": 1,
            "data": {"type": "synthetic", "kind": "blobs", "classes": CLASSES, "features": p.width,
                     "samples": steps * p.batch, "test_samples": 0,
                     "split": {"train": 1.0, "val": 0}},
            "model": {"layers": hidden + [{"type": "dense", "units": CLASSES}]},
            "loss": "cross_entropy", "optimizer": {"type": "adam", "lr": 0.001},
            "train": {"epochs": EPOCHS, "batch_size": p.batch}}


def operations_of(bench, config) -> int:
    """Of a step, by a short run with --profile of its own, since measuring them takes time."""
    profile = bench.runner.train(config, "train.epochs=1", threads=1, options=["--profile"]).profile
    return profile["kinds"][0]["operations"]


def middle_epoch_s(run) -> float:
    """Without the first. Many short epochs, since a small step is lost in one pause of a thread."""
    return statistics.median(float(epoch["train_s"]) for epoch in run.epochs[1:])


def measure_point(bench, series: str, p: Point) -> dict:
    least = -(-CLASSES // p.batch)  # the data set has a sample of each class
    steps = least if bench.smoke else max(p.steps, least)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        def config(n):
            file = pathlib.Path(folder) / f"{n}.yaml"
            file.write_text(json.dumps(experiment(p, n)))  # JSON is YAML, too
            return file

        run = bench.runner.train(config(steps), *["train.epochs=2"][:bench.smoke],
                                 threads=bench.threads)
        point = {"series": series, "at": p.at, "step_s": middle_epoch_s(run) / steps,
                 "flop": p.batch * bench.runner.flop(config(least))[1]}
        if series == "layers":
            point["operations"] = operations_of(bench, config(max(least, 16)))
    bench.points.append(point)
    return point


def spread(points) -> float:
    """Highest GFLOP/s over lowest among the large steps, or among all when none is large."""
    rates = [p["flop"] / p["step_s"] for p in points if p["flop"] > LARGE_FLOP]
    rates = rates or [p["flop"] / p["step_s"] for p in points]
    return max(rates) / min(rates)


def fit(points) -> tuple[float, float]:
    """a and b of step_s = a + b operations, by least squares."""
    x, y = [p["operations"] for p in points], [p["step_s"] for p in points]
    b, a = statistics.linear_regression(x, y)
    return a, b


def overheads(points) -> dict:
    """The fit of the medians, as they are and less the arithmetic at the peak; microseconds."""
    small = [p for p in points if p["series"] == "layers" and p["flop"] <= LARGE_FLOP]
    if len(small) < 2:
        return {}
    bare = [dict(p, step_s=p["step_s"] * (1 - p["share_of_peak"])) for p in small]
    return {name: 1e6 * value for name, value in
            zip(("a_us", "b_us", "a_bare_us", "b_bare_us"), fit(small) + fit(bare))}


def add_notes(results: dict, points, found: dict) -> None:
    for name in SERIES:
        shares = [100 * p["share_of_peak"] for p in points
                  if p["series"] == name and p["flop"] > LARGE_FLOP]
        if shares:
            results[f"scaling_{name}"].note(f"{min(shares):.0f} to {max(shares):.0f} % of the peak "
                                            "in steps of more than 10 MFLOP")
    if found:
        results["operation_overhead"].note(
            f"time = {found['a_us']:.1f} us + {found['b_us']:.2f} us x operations; without the "
            f"arithmetic at the peak {found['a_bare_us']:.1f} us + {found['b_bare_us']:.2f} us x "
            "operations")


def scaling(name: str, points, threads) -> Measure:
    key = f"scaling_{name}"
    rows = [Row(key, f"scaling with {name}: fastest by slowest", "x", threads,
                f"{OF[name]}; train_s of the median epoch; GFLOP/s of the steps of more than 10 "
                "MFLOP, the highest by the lowest; 1 is linear")]
    if name == "layers":
        how = ("least squares over the steps of at most 10 MFLOP of the series of layers: time = "
               "a + b operations, {}; operations as --profile counts them; arithmetic is in it")
        rows += [Row("step_overhead", "fixed cost of a small step", "us", threads,
                     how.format("a"), (Bar(20),)),
                 Row("operation_overhead", "cost of an operation of a small step", "us", threads,
                     how.format("b"), (Bar(0.5),))]

    def ours(bench):
        chosen = points[:2] if bench.smoke else points
        done = [measure_point(bench, name, p) for p in chosen]
        figures = {key: spread(done)}
        if name == "layers":
            a, b = fit([p for p in done if p["flop"] <= LARGE_FLOP])
            figures.update(step_overhead=1e6 * a, operation_overhead=1e6 * b)
        return figures

    return Measure(tuple(rows), ours, rounds_most=3)


def measures(threads) -> list:
    return [scaling(name, points, threads) for name, points in SERIES.items()]


def summarize(points, peak, threads: int) -> list:
    """The median of each point over the rounds, with its rate and its share of the peak."""
    seen = {}
    for p in points:
        seen.setdefault((p["series"], p["at"]), []).append(p)
    table = []
    for same in seen.values():
        step_s = statistics.median(p["step_s"] for p in same)
        flop = same[0]["flop"]
        table.append(dict(same[0], step_s=step_s, values=[p["step_s"] for p in same],
                          gflops=1e-9 * flop / step_s,
                          share_of_peak=peak.seconds(flop, threads) / step_s))
    return table
