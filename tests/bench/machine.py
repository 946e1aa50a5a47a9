"""The machine that the figures are from, and the most that its processor can do."""
import os
import pathlib
import platform
import re
import subprocess

from programs import Failed, execute

FLAGS = ("avx", "fma", "avx2", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx_vnni",
         "amx_tile", "amx_bf16")


def text_of(path: str) -> str:
    try:
        return pathlib.Path(path).read_text()
    except OSError:
        return ""


def field(text: str, name: str) -> str:
    m = re.search(rf"^{name}\s*[:=]\s*(.*)$", text, re.M)
    return m.group(1).strip().strip('"') if m else ""


def caches() -> dict:
    """{"L2": "512K", ...} of the first processor."""
    found = {}
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (text_of(f"{index}/{n}").strip() for n in ("level", "type", "size"))
        if kind != "Instruction" and size:
            found[f"L{level}"] = size
    return found


def cpu_flags() -> list:
    have = field(text_of("/proc/cpuinfo"), "flags").split()
    return [f for f in FLAGS if f in have]


def describe() -> dict:
    cpu = text_of("/proc/cpuinfo")
    return {"cpu": field(cpu, "model name"), "mhz": field(cpu, "cpu MHz"), "flags": cpu_flags(),
            "cores": len(os.sched_getaffinity(0)), "caches": caches(),
            "memory": field(text_of("/proc/meminfo"), "MemTotal"),
            "system": field(text_of("/etc/os-release"), "PRETTY_NAME"),
            "kernel": " ".join(platform.uname()[i] for i in (0, 2, 4))}


def commit(root: pathlib.Path) -> str:
    """Of the tree, with a + when there are changes that are not committed; empty outside git."""
    def git(*args):
        return subprocess.run(["git", "-C", str(root), *args], capture_output=True, text=True,
                              check=False).stdout.strip()

    try:
        changed = git("status", "--porcelain")
        return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except OSError:
        return ""


class Peak:
    """GFLOP/s of a large product of matrices: the best seen, for each number of threads."""

    def __init__(self, program: pathlib.Path, smoke: bool):
        self.program, self.size = program, [512, 3] if smoke else []
        self.best: dict[int, float] = {}
        self.library = ""

    def measure(self, threads: int) -> float:
        out = execute([self.program, threads, *self.size], dict(os.environ)).out
        m = re.match(r"([\d.]+) GFLOP/s, .*, (.*)", out)
        if not m:
            raise Failed(f"{self.program} printed {out!r}")
        self.library = m.group(2)
        self.best[threads] = max(self.best.get(threads, 0), float(m.group(1)))
        return self.best[threads]

    def seconds(self, flop: float, threads: int) -> float:
        return flop / (1e9 * (self.best.get(threads) or self.measure(threads)))
