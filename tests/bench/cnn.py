#!/usr/bin/env python3
"""One training step of a convolutional network, here and in PyTorch, in turns: milliseconds of each.

usage: tests/bench/cnn.py [--build DIR] [--rounds N] [--steps N] [--threads N] [--torch PYTHON]

Wall-clock time, and processor time of all threads with what a program needs to start left out (that
of a run of one step is subtracted). On a machine that others use the second says more; threads that
wait in a spin count, too, so compare it with one thread. `bench_ops` has the operations one by one.
"""
import argparse
import csv
import json
import os
import pathlib
import statistics
import subprocess
import tempfile

here = pathlib.Path(__file__).resolve().parent
ap = argparse.ArgumentParser(usage=__doc__)
ap.add_argument("--build", default=here.parents[1] / "build", type=pathlib.Path)
ap.add_argument("--rounds", default=3, type=int)
ap.add_argument("--steps", default=50, type=int)
ap.add_argument("--threads", default=os.cpu_count(), type=int)
ap.add_argument("--torch", default="/usr/bin/python3")
a = ap.parse_args()


def timed(command, **more):
    """What it printed, and the processor seconds that it took."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more) as p:
        out = p.stdout.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        raise SystemExit(f"{command} ended with {p.returncode}")
    return out, usage.ru_utime + usage.ru_stime


def runner(steps):
    with tempfile.TemporaryDirectory() as folder:
        _, cpu = timed([a.build / "runner", here / "cnn.yaml", f"device.threads={a.threads}",
                        f"data.limit.train={64 * steps}"], cwd=folder, stderr=subprocess.DEVNULL,
                       env=dict(os.environ, RN_PLUGIN_PATH=str(a.build / "plugins")))
        table = next(pathlib.Path(folder).glob("reports/*/*/epochs.csv"))
        wall = float(next(csv.DictReader(table.open()))["train_s"])
    return wall, cpu


def pytorch(steps):
    out, cpu = timed([a.torch, here / "pytorch_peer.py", "cnn", "--data", here.parents[1] / "data/mnist",
                      "--epochs", "1", "--steps", str(steps), "--threads", str(a.threads)])
    return json.loads(out.splitlines()[-1])["train_s"], cpu


times = {runner: [], pytorch: []}
for i in range(a.rounds):
    for run, seen in times.items():
        start_cpu = run(1)[1]
        wall, cpu = run(a.steps)
        seen.append((1e3 * wall / a.steps, 1e3 * (cpu - start_cpu) / (a.steps - 1)))
        print(f"{run.__name__:8} {seen[-1][0]:8.1f} ms a step, {seen[-1][1]:8.1f} of processor time",
              flush=True)
middle = {run: [statistics.median(column) for column in zip(*seen)] for run, seen in times.items()}
for run, (wall, cpu) in middle.items():
    print(f"median of {run.__name__:8} {wall:8.1f} ms a step, {cpu:8.1f} of processor time")
print("PyTorch takes %.2f times as long, %.2f times the processor time"
      % tuple(p / r for p, r in zip(middle[pytorch], middle[runner])))
