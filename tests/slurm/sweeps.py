#!/usr/bin/env python3
"""Sweeps on a real Slurm: the same weights as on this machine, to the bit, whatever happens on the way.

    sweeps.py RUNNER     ends as Check does: "Checks: N, Failures: N, Errors: 0" """
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))

from cluster import Cluster
from counted import expect, finish

RUNNER = pathlib.Path(sys.argv[1]).resolve()
ENV = dict(os.environ, RN_PLUGIN_PATH=str(RUNNER.parent / "plugins"))

BASE = """
name: base
data: {{type: synthetic, kind: spirals, samples: {samples}, test_samples: 100, split: {{train: 0.8, val: 0.2}}}}
model: {{layers: [{{type: dense, units: 32}}, relu, {{type: dense, units: 3}}]}}
loss: cross_entropy
optimizer: {{type: adam, lr: 0.01}}
train: {{epochs: {epochs}, batch_size: 8}}
reporters: [jsonl]
"""
SWEEP = """
name: sweep
base: base.yaml
sweep:
  grid: {{optimizer.lr: [{rates}]}}
  repeat: {{seed: {seeds}}}
  {more}
"""
SLURM = "launcher: {type: slurm, partition: p, cpus: 1, array_limit: 2, extra: [--comment=test, --nice=1]}"


class Sweep:
    """A folder with its file, and what `runner sweep` leaves there."""

    def __init__(self, folder, rates, seeds, more="", samples=500, epochs=2):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.out = self.folder / "my reports"
        (self.folder / "base.yaml").write_text(BASE.format(samples=samples, epochs=epochs))
        (self.folder / "sweep.yaml").write_text(SWEEP.format(rates=rates, seeds=seeds, more=more))
        self.process = None

    def start(self, env):
        log = open(self.folder / "said", "ab")
        self.process = subprocess.Popen([RUNNER, "sweep", "sweep.yaml", "-o", "my reports"], env=env,
                                        cwd=self.folder, stdout=log, stderr=log)

    def end(self, seconds=200):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "still running"

    def said(self):
        return (self.folder / "said").read_text()[-2000:]

    def weights(self):
        """Of each run its last weights, without the head, which names the run folder's parts."""
        found = {}
        for file in self.out.glob("sweep/runs/*/weights/last.safetensors"):
            found[file.parent.parent.name] = file.read_bytes()
        return found

    def states(self):
        return [run["status"] for group in json.loads((self.out / "sweep" / "sweep.json").read_text())["groups"]
                for run in group["runs"]]

    def status(self, run):
        file = self.out / "sweep" / "runs" / run / "status.json"
        return json.loads(file.read_text())["status"] if file.exists() else "none"

    def job(self, run):
        """Of a run in its newest array, as scancel has it."""
        for file in sorted((self.out / "sweep" / "slurm").glob("*.json"), key=lambda f: -int(f.stem)):
            array = json.loads(file.read_text())
            if run in array["tasks"]:
                return f"{array['job']}_{array['tasks'].index(run)}"
        return None

    def checkpoints(self, state="running"):
        return {f.parent.parent.name for f in self.out.glob("sweep/runs/*/state/*")
                if self.status(f.parent.parent.name) == state}


def local(folder, **what):
    s = Sweep(folder, **what)
    s.start(ENV)
    expect(s.end() == 0, f"the sweep on this machine: {s.said()}")
    return s


def queue(c, *words):
    return c.run("squeue", "-h", "-r", *words, check=False).split("\n")[:-1]


def hurry(c, job):
    """Slurm lets a job that is put back wait for two minutes, to be rid of what is left of it."""
    c.wait(f"{job} put back", lambda: queue(c, "-j", job, "-o", "%T") == ["PENDING"], 60)
    time.sleep(4)
    c.run("scontrol", "update", f"JobId={job}", "StartTime=now")


def twenty_runs(c, folder):
    what = {"rates": "0.03, 0.01, 0.003, 0.001", "seeds": 5}
    here = local(folder / "local", **what).weights()
    s = Sweep(folder / "it's on slurm", **what, more=SLURM)
    s.start(c.env)
    expect(s.end() == 0, f"twenty runs: {s.said()}")
    there = s.weights()
    expect(len(there) == 20 and there == here, "twenty runs: the weights are those of this machine")
    expect(s.states() == ["finished"] * 20, s.states())
    before = len(list((s.out / "sweep" / "slurm").glob("*.json")))
    s.start(c.env)
    expect(s.end() == 0 and len(list((s.out / "sweep" / "slurm").glob("*.json"))) == before,
           "once more: nothing is left to submit")


def kinds_of_trouble(c, folder):
    """Runs of some seconds; the node that one of them is on is lost, another is told to stop, then
    the controller and the launcher are killed. All go on, and end as if nothing had been."""
    what = {"rates": "0.01, 0.003", "seeds": 2, "samples": 12000, "epochs": 300}
    here = local(folder / "long local", **what).weights()
    s = Sweep(folder / "long", **what, more=SLURM)
    s.start(c.env)
    c.wait("two runs with checkpoints", lambda: len(s.checkpoints()) == 2, 60)
    first, second = sorted(s.checkpoints(), key=s.job)
    lost = first if queue(c, "-j", s.job(first), "-o", "%N") == ["n2"] else second
    told = second if lost == first else first
    c.tell(s.job(told))
    c.kill_node("n2")
    hurry(c, s.job(told))
    s.process.kill()
    s.end()
    hurry(c, s.job(lost))
    time.sleep(6)
    c.end_daemon("slurmctld")
    c.start_node("n2")
    c.start_controller()
    c.wait("two nodes", lambda: len(c.states()) == 2 and "down" not in "".join(c.states()), 40)
    s.start(c.env)
    expect(s.end() == 0, f"in spite of all: {s.said()}")
    expect(s.weights() == here and len(here) == 4, "the weights are those of an undisturbed sweep")
    begun = {run: json.loads((s.out / "sweep" / "runs" / run / "status.json").read_text()) for run in (lost, told)}
    expect(all(b["status"] == "finished" for b in begun.values()), begun)


def cancelled(c, folder):
    what = {"rates": "0.01", "seeds": 2, "samples": 12000, "epochs": 200}
    here = local(folder / "cancel local", **what).weights()
    s = Sweep(folder / "cancel", **what, more=SLURM)
    s.start(c.env)
    c.wait("two runs with checkpoints", lambda: len(s.checkpoints()) == 2, 60)
    run = sorted(s.checkpoints())[0]
    c.run("scancel", s.job(run))
    expect(s.end() == 9, f"one job is cancelled: {s.said()}")
    expect(sorted(s.states()) == ["failed", "finished"] and "cancelled in Slurm" in s.said(), s.said())
    s.start(c.env)
    expect(s.end() == 0 and s.weights() == here, f"started again, it goes on: {s.said()}")


def interrupted(c, folder):
    what = {"rates": "0.01", "seeds": 3, "samples": 12000, "epochs": 200}
    here = local(folder / "stop local", **what).weights()
    s = Sweep(folder / "stop", **what, more=SLURM)
    s.start(c.env)
    c.wait("two runs with checkpoints", lambda: len(s.checkpoints()) == 2, 60)
    s.process.send_signal(signal.SIGINT)
    expect(s.end() == 130, f"Ctrl-C: {s.said()}")
    expect(not queue(c), "no job is left behind")
    expect("running" not in s.states() and "failed" not in s.states(), s.states())
    s.start(c.env)
    expect(s.end() == 0 and s.weights() == here, f"started again, it goes on: {s.said()}")


def pruned(c, folder):
    what = {"rates": "0.03, 0.01, 0.003, 0.00001", "seeds": 1, "epochs": 4}
    prune = "prune: {type: halving, rung: 1 epochs, factor: 2}"
    here = local(folder / "prune local", **what, more=prune)
    s = Sweep(folder / "prune", **what, more=f"{prune}\n  {SLURM}")
    s.start(c.env)
    expect(s.end() == 0, f"pruned: {s.said()}")
    expect(s.states() == here.states() and s.weights() == here.weights(), f"the same choice: {s.states()}")


def refused(c, folder):
    s = Sweep(folder / "refused", "0.01", 2, SLURM.replace("partition: p", "partition: nowhere"))
    s.start(c.env)
    expect(s.end() == 2 and "invalid partition" in s.said(), s.said())
    s = Sweep(folder / "wrong", "0.01", 2, "launcher: {type: slurm, partitoin: p}")
    s.start(c.env)
    expect(s.end() == 2 and "partition" in s.said(), s.said())


def main():
    only = sys.argv[2:]
    with Cluster() as c, tempfile.TemporaryDirectory(prefix="a sweep ") as folder:
        c.env.update(RN_PLUGIN_PATH=ENV["RN_PLUGIN_PATH"])
        for test in (refused, twenty_runs, pruned, cancelled, interrupted, kinds_of_trouble):
            if only and test.__name__ not in only:
                continue
            began = time.monotonic()
            test(c, pathlib.Path(folder))
            print(f"{test.__name__}: {time.monotonic() - began:.1f} s", flush=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
