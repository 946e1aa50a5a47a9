#!/usr/bin/env python3
"""The launcher on a real Slurm, with tasks that last as long as a test wants and end as it wants.

    launcher.py LAUNCH     build/tests/slurm/launch; ends as Check does: "Checks: N, Failures: N, ..." """
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))

from cluster import Cluster
from counted import expect, finish

PROGRAM = pathlib.Path(sys.argv[1]).resolve()


class Launch:
    """One start of the launcher in a folder whose name is no plain word."""

    def __init__(self, cluster, tasks, folder=None, limit=0, **env):
        self.cluster = cluster
        self.tasks = tasks
        self.limit = limit
        self.env = dict(cluster.env, **env)
        self.folder = folder or pathlib.Path(tempfile.mkdtemp(prefix="it's a sweep ", dir=cluster.dir))
        self.start()

    def start(self):
        self.said = open(self.folder / "said", "a+")
        self.process = subprocess.Popen([PROGRAM, self.folder, str(self.limit), *self.tasks],
                                        env=self.env, stdout=self.said, stderr=subprocess.STDOUT)

    def lines(self):
        return (self.folder / "said").read_text().splitlines()

    def end(self, seconds=90):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "still running"
        self.said.close()
        return code

    def ends(self):
        """name: exit code of those it was told the end of; a name told twice has two."""
        found = {}
        for line in self.lines():
            m = re.match(r"ended (.*?) (-?\d+) ", line)
            if m:
                found[m[1]] = found[m[1]] + [int(m[2])] if m[1] in found else [int(m[2])]
        return found

    def wait(self, text, seconds=30):
        self.cluster.wait(text, lambda: text in self.lines(), seconds)

    def number(self, name):
        """How often a task was begun, and where."""
        return [int(n) for n in (self.folder / f"{name}.begun").read_text().split()]

    def done(self, name):
        file = self.folder / f"{name}.done"
        return int(file.read_text() or 0) if file.exists() else 0

    def job(self, index, number=1):
        """The job of a task, as squeue and scancel have it."""
        return f"{self.arrays()[number - 1]['job']}_{index}"

    def arrays(self):
        files = sorted((self.folder / "slurm").glob("*.json"), key=lambda f: int(f.stem))
        return [json.loads(f.read_text()) for f in files]


def queue(c, *words):
    return c.run("squeue", "-h", "-r", *words, check=False).split("\n")[:-1]


def hurry(c, job):
    """Slurm lets a job that is put back wait for two minutes, to be rid of what is left of it."""
    c.wait(f"{job} put back", lambda: queue(c, "-j", job, "-o", "%T") == ["PENDING"], 60)
    time.sleep(4)
    c.run("scontrol", "update", f"JobId={job}", "StartTime=now")


def ends_of_all_kinds(c):
    run = Launch(c, ["plain:0.3:0", "it's `$HOME` \"x\":0.3:6", "killed:0.1:137", "last:0.2:9"], limit=2)
    expect(run.end() == 0, f"the launcher: {run.lines()}")
    expect(run.ends() == {"plain": [0], "it's `$HOME` \"x\"": [6], "killed": [-1], "last": [9]}, run.ends())
    expect(any("signal 9" in line for line in run.lines()), "a death by a signal is called one")
    started = [line for line in run.lines() if line.startswith("started")]
    expect(len(started) == 4, f"each task starts once: {started}")
    script = run.folder / "slurm" / "1.sh"
    check = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
    expect(check.returncode == 0, check.stdout)
    expect("#SBATCH --array=0-3%2\n" in script.read_text(), "the limit is in the script")
    left = [f.name for f in (run.folder / "slurm").iterdir() if f.suffix in (".exit", ".new", ".code", ".out")]
    expect(not left, f"files of tasks that are over: {left}")


def cancelled_by_somebody(c):
    run = Launch(c, ["runs:30:0", "other:2:0", "waits:1:0"])
    run.wait("started runs")
    run.wait("started other")
    c.wait("some of it is done", lambda: run.done("runs") > 2)
    c.run("scancel", run.job(2))
    c.run("scancel", run.job(0))
    expect(run.end() == 0, "the launcher when jobs are cancelled")
    expect(run.ends() == {"runs": [75], "other": [0], "waits": [-1]}, run.ends())
    expect({"ended runs 75 cancelled in Slurm", "ended waits -1 cancelled in Slurm"} <= set(run.lines()),
           run.lines())
    expect(0 < run.done("runs") < 300, "a cancelled task was told to stop, and did not begin again")


def controller_away(c, how):
    run = Launch(c, [f"t{i}:12:0" for i in range(4)])
    run.wait("started t0")
    run.wait("started t1")
    time.sleep(6)  # what is new is saved every few seconds
    c.end_daemon("slurmctld", how)
    time.sleep(2)
    c.start_controller()
    expect(run.end() == 0, f"the launcher when the controller was away: {run.lines()}")
    expect(run.ends() == {f"t{i}": [0] for i in range(4)}, run.ends())
    expect(all(run.number(f"t{i}") == [0] for i in range(4)), "no task began twice")
    expect(sum("asking again" in line for line in run.lines()) <= 1, "that it is away is said once")


def controller_killed(c):
    controller_away(c, signal.SIGKILL)


def controller_ended(c):
    controller_away(c, signal.SIGTERM)


def controller_forgets(c):
    """As after a crash before it saved what it was given: squeue names no such jobs."""
    tools = pathlib.Path(tempfile.mkdtemp(dir=c.dir))
    squeue = tools / "squeue"
    squeue.write_text(f'#!/bin/sh\n[ -e "{tools}/forget" ] || exec /usr/bin/squeue "$@"\n')
    squeue.chmod(0o755)
    (tools / "forget").touch()
    run = Launch(c, ["a:0.2:0", "b:0.2:0"], EXTRA="--hold", PATH=f"{tools}:{c.env['PATH']}")
    c.wait("a second array", lambda: len(run.arrays()) == 2 and run.arrays()[1]["job"])
    c.run("scancel", str(run.arrays()[0]["job"]))
    (tools / "forget").unlink()
    c.run("scontrol", "release", str(run.arrays()[1]["job"]))
    expect(run.end() == 0, f"the launcher when the controller forgets: {run.lines()}")
    expect(run.ends() == {"a": [0], "b": [0]}, run.ends())


def launcher_killed(c):
    tasks = [f"t{i}:{2 + i % 2}:0" for i in range(6)]
    run = Launch(c, tasks)
    run.wait("started t0")
    run.process.kill()
    run.end()
    run.start()
    expect(run.end() == 0, f"the launcher started again: {run.lines()}")
    expect(set(run.ends()) == {f"t{i}" for i in range(6)}, run.ends())
    expect(all(run.number(f"t{i}") == [0] for i in range(6)), "what was submitted is followed")
    expect(len(run.arrays()) == 1, f"arrays: {run.arrays()}")


def submission_not_written_down(c):
    """Killed between sbatch and the file with the job's number."""
    run = Launch(c, ["a:4:0", "b:4:3"])
    run.wait("started a")
    run.process.kill()
    run.end()
    file = run.folder / "slurm" / "1.json"
    array = json.loads(file.read_text())
    file.write_text(json.dumps(dict(array, job=0)))
    run.start()
    expect(run.end() == 0, "the launcher")
    expect(run.ends() == {"a": [0], "b": [3]}, run.ends())
    expect(run.number("a") == [0] and run.number("b") == [0], "the job was found by its name")
    # and one that never got as far as sbatch
    file.write_text(json.dumps(dict(array, job=0, name="nobody.1")))
    run.tasks = ["a:5:0"]
    run.start()
    expect(run.end() == 0 and len(run.arrays()) == 2, "an array that Slurm does not know is made anew")
    expect(run.number("a") == [0, 40] and run.done("a") == 50, "a second array goes on")


def interrupted(c):
    run = Launch(c, [f"t{i}:60:0" for i in range(5)])
    run.wait("started t0")
    run.wait("started t1")
    c.wait("some of it is done", lambda: min(run.done("t0"), run.done("t1")) > 2)
    run.process.send_signal(signal.SIGINT)
    expect(run.end(40) == 0, f"Ctrl-C: {run.lines()}")
    expect(sorted(run.ends().values()) == [[75], [75]], f"those that ran, and no others: {run.lines()}")
    expect(not queue(c), f"left in the queue: {queue(c)}")


def node_killed(c):
    run = Launch(c, ["a:6:0", "b:6:0"])
    run.wait("started a")
    run.wait("started b")
    c.wait("some of it is done", lambda: min(run.done("a"), run.done("b")) > 5)
    index = next(i for i in (0, 1) if queue(c, "-j", run.job(i), "-o", "%N") == ["n2"])
    c.kill_node("n2")
    hurry(c, run.job(index))
    expect(run.end() == 0, f"the launcher when a node is lost: {run.lines()}")
    expect(run.ends() == {"a": [0], "b": [0]}, run.ends())
    lost, other = "ab"[index], "ba"[index]
    expect(run.number(other) == [0] and len(run.number(lost)) == 2 and run.number(lost)[1] > 0,
           f"began {run.number(lost)}: the lost task goes on elsewhere")
    c.start_node("n2")
    c.wait("two idle nodes", lambda: c.states() == ["idle", "idle"])


def told_to_stop(c):
    """What Slurm does before the time of a job is over, by hand."""
    run = Launch(c, ["long:8:0"])
    run.wait("started long")
    c.wait("some of it is done", lambda: run.done("long") > 5)
    c.tell(run.job(0))
    hurry(c, run.job(0))
    expect(run.end() == 0, f"the launcher: {run.lines()}")
    began = run.number("long")
    expect(run.ends() == {"long": [0]}, run.lines())
    expect(len(began) == 2 and 5 < began[1] < 80, f"put back, and gone on: {began}")


def time_is_over(c):
    """Slurm counts in minutes and tells a job up to one minute early."""
    run = Launch(c, ["long:75:0"], MINUTES="2", SIGNAL_BEFORE="50")
    run.wait("started long")
    c.wait("a checkpoint", lambda: "long: " in (run.folder / "long.log").read_text(), 150)
    hurry(c, run.job(0))
    expect(run.end(180) == 0, f"the launcher: {run.lines()}")
    began = run.number("long")
    expect(run.ends() == {"long": [0]}, run.lines())
    expect(len(began) == 2 and 0 < began[1] < 750, f"told in time, put back, and gone on: {began}")


def many(c):
    run = Launch(c, [f"t{i}:1:0" for i in range(1200)], limit=8, EXTRA="--hold")
    c.wait("1200 jobs", lambda: len(queue(c)) == 1200)
    expect([len(a["tasks"]) for a in run.arrays()] == [1000, 200], "arrays of at most 1000")
    waits = queue(c, "-n", run.arrays()[1]["name"], "-o", "%E")
    expect(all("afterany" in line for line in waits), "the limit holds for both")
    run.process.send_signal(signal.SIGINT)
    expect(run.end() == 0 and not queue(c), "all of them are cancelled")
    expect(not run.ends(), "none of them had begun")


def refused(c):
    run = Launch(c, ["a:1:0"], EXTRA="--partition=nowhere")
    expect(run.end() == 2 and "nowhere" not in queue(c), "a partition that is not there")
    expect(any("invalid partition" in line for line in run.lines()), run.lines())
    run = Launch(c, ["a:1:0"], PATH="/nowhere")
    expect(run.end() == 5, "no Slurm here")
    expect(any("cannot start" in line for line in run.lines()), run.lines())


def two_nodes():
    """The cluster itself: both nodes work, and it leaves nothing behind."""
    with Cluster() as c:
        job = c.run("sbatch", "--parsable", "--array=0-3", "-o", str(c.dir / "%a.out"), "--wrap",
                    'echo "$SLURMD_NODENAME"; sleep 1').strip()
        c.wait("end of the jobs", lambda: not c.run("squeue", "-h", "-j", job))
        nodes = {(c.dir / f"{i}.out").read_text().strip() for i in range(4)}
        expect(nodes == {"n1", "n2"}, f"an array ran on {nodes}")
    expect(not c.processes(), "processes of a cluster that was stopped")
    expect(not c.dir.exists(), "files of a cluster that was stopped")


def main():
    only = sys.argv[2:]
    if not only:
        two_nodes()
    with Cluster() as c:
        for test in (ends_of_all_kinds, cancelled_by_somebody, controller_killed, controller_ended, controller_forgets,
                     launcher_killed,
                     submission_not_written_down, interrupted, many, refused, node_killed, told_to_stop, time_is_over):
            if only and test.__name__ not in only:
                continue
            began = time.monotonic()
            test(c)
            c.run("scancel", "--me", "--full", "--signal=KILL", check=False)
            c.run("scancel", "--me", check=False)
            c.wait("empty queue", lambda: not queue(c), 60)
            print(f"{test.__name__}: {time.monotonic() - began:.1f} s", flush=True)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
