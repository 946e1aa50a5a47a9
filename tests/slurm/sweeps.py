#!/usr/bin/env python3
"""Sweeps on a real Slurm.

    sweeps.py RUNNER     ends as Check does: "Checks: N, Failures: N, Errors: 0" """
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))

from cluster import Cluster
from counted import expect, finish


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
    two_nodes()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
