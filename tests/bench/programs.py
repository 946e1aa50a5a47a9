"""Starts the runner and PyTorch, and reads what they print and leave."""
import csv
import functools
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import Optional


class Failed(Exception):
    """A program ended otherwise than it should."""


class TooSlow(Failed):
    """A program was killed when its time was over."""


@dataclass(frozen=True)
class Ended:
    out: str
    wall_s: float
    peak_bytes: int  # largest resident set


def start(command, **how) -> subprocess.Popen:
    try:
        return subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, **how)
    except OSError as e:
        raise Failed(str(e)) from e


def execute(command, env: dict, limit_s: Optional[float] = None) -> Ended:
    """Runs to the end; the seconds are those from before it was started until it was gone. After
    limit_s it is killed."""
    with tempfile.TemporaryFile("w+") as errors:
        begun = time.perf_counter()
        p = start(command, stderr=errors, text=True, env=env)
        timer = threading.Timer(limit_s or threading.TIMEOUT_MAX, p.kill)
        timer.daemon = True
        timer.start()
        try:
            out = p.stdout.read()
            _, status, usage = os.wait4(p.pid, 0)
            wall_s = time.perf_counter() - begun
            p.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            p.kill()
            p.wait()
            raise
        finally:
            timer.cancel()
            p.stdout.close()
        if p.returncode:
            errors.seek(0)
            said = errors.read().strip().splitlines()
            if limit_s and wall_s > limit_s:
                raise TooSlow(f"not done after {limit_s:.0f} s")
            raise Failed(f"{command[0]} ended with {p.returncode}: {said[-1] if said else out}")
    return Ended(out, wall_s, usage.ru_maxrss * 1024)


def seconds_until(command, text: str, env: dict) -> float:
    """From before the program was started until it printed a line with the text; it is killed."""
    begun = time.perf_counter()
    with start(command, stderr=subprocess.STDOUT, env=env) as p:
        try:
            for line in p.stdout:
                if text.encode() in line:
                    return time.perf_counter() - begun
        finally:
            p.kill()
    raise Failed(f"{command[0]} never printed '{text}'")


@dataclass(frozen=True)
class Run:
    """What a run folder says."""
    epochs: list  # rows of epochs.csv
    summary: dict
    profile: Optional[dict]
    ended: Ended

    @property
    def train_s(self) -> float:
        """Of the last epoch, so that of two the first has warmed everything up."""
        return float(self.epochs[-1]["train_s"])


def read_run(folder: pathlib.Path, ended: Ended) -> Run:
    profile = folder / "profile.json"
    with (folder / "epochs.csv").open() as epochs:
        return Run(epochs=list(csv.DictReader(epochs)),
                   summary=json.loads((folder / "summary.json").read_text()),
                   profile=json.loads(profile.read_text()) if profile.exists() else None,
                   ended=ended)


class Runner:
    def __init__(self, build: pathlib.Path):
        self.program = build / "runner"
        self.env = dict(os.environ, RN_PLUGIN_PATH=str(build / "plugins"))
        if not self.program.exists():
            raise Failed(f"{self.program} is not there; tools/bench builds it")

    def train(self, config, *overrides: str, threads: int, options=()) -> Run:
        with tempfile.TemporaryDirectory(prefix="bench-") as out:
            ended = execute([self.program, config, *overrides, "-o", out, "--threads", threads,
                             *options], self.env)
            return read_run(next(pathlib.Path(out).glob("*/latest")), ended)

    def seconds_to_first_step(self, config, *overrides: str, threads: int) -> float:
        with tempfile.TemporaryDirectory(prefix="bench-") as out:
            return seconds_until([self.program, config, *overrides, "-v", "-o", out, "--threads",
                                  threads], "first step", self.env)

    @functools.lru_cache(maxsize=None)
    def flop(self, config) -> tuple[int, int]:
        """Of a sample, evaluated and trained. Training takes the gradients of weights and inputs as
        well, each as much again; those of the inputs of the first layer nobody needs."""
        summary = json.loads(execute([self.program, "summary", config, "--json"], self.env).out)
        first = next(layer["flops"] for layer in summary["layers"] if layer["flops"])
        return summary["flops"], 3 * summary["flops"] - first


class Peer:
    """PyTorch, by pytorch_peer.py."""

    def __init__(self, python: str, data: pathlib.Path, slow_blas: bool):
        self.python, self.data = python, data
        self.limit_s: Optional[float] = None  # what takes longer is not waited for
        self.env = dict(os.environ)
        if slow_blas:  # Debian's OpenBLAS knows no later CPU with AVX-512 and takes a slow kernel
            self.env.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
        self.version = execute([python, "-c", "import torch; print(torch.__version__)"],
                               self.env).out.strip()

    def command(self, mode: str, threads: int, args) -> list:
        return [self.python, pathlib.Path(__file__).with_name("pytorch_peer.py"), mode, "--data",
                self.data, "--threads", threads, *args]

    def run(self, mode: str, *args, threads: int) -> tuple[list, Ended]:
        ended = execute(self.command(mode, threads, args), self.env, self.limit_s)
        return [json.loads(line) for line in ended.out.splitlines()], ended

    def seconds_to_first_step(self, threads: int) -> float:
        return seconds_until(self.command("mlp", threads, ["--announce"]), "first step", self.env)
