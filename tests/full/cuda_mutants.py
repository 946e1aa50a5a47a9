#!/usr/bin/env python3
"""Whether the tests of the CUDA device, on the emulator, find bugs that are planted in it.

cuda_mutants.py BUILD [--seed N] [--count N] [--all OPERATOR] [--part I/N]
                [--unchecked] [--out FILE]

The operators are those of tests/cuda_on_cpu/operators.py. Places are drawn with a seed, in turns over
the operators, each of which has one at least where it finds any. A mutant is one changed file of
plugins/devices/cuda, in a copy of that folder, and a cuda.so made of it, in a copy of the build's
plugins; the tests (TESTS) are those that meson runs, one behind the other until one fails. A mutant
that does not compile, whose machine code is that of the original, or that stands in
cuda_equivalent.txt, is listed and replaced by the next that is drawn; all others count.

The operators are as they were written, before the device was. Only how code is spelled is adapted:
calls of the driver have `api.` in front, the last bracket of a call is its own (SPELLED), and what
divides and rounds up stands in a header, so headers are looked at as well, and `if (i >= n) return` is
a missing check when it never returns, which the operator's text for `<` does not say."""
import argparse
import glob
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCE = os.path.join(ROOT, "plugins/devices/cuda")
sys.path.insert(0, os.path.join(ROOT, "tests/cuda_on_cpu"))
from operators import KERNELS, OPERATORS  # noqa: E402

SPELLED = [(r"CU\((cu", r"CU\((api\.cu"), (r"([^;]*)\)\)", r"([^;]*?)\)\)")]
# Quick ones first: whoever finds it is enough. What is run for the second time runs in other orders.
TESTS = [("cuda/test_chains", "", 1), ("cuda/test_cuda", "", 1), ("cuda/test_cuda", "", 7),
         ("conformance/test_device", "cuda", 1), ("conformance/test_replay", "cuda", 1),
         ("cuda/test_training", "", 1)]
NOT_COUNTED = re.compile("a_profile_has_its_operations|an_epoch_waits_for_nothing")  # by the clock
LIMIT_S = 900


def hidden(text):
    """text with comments, strings and failures blanked: nothing is changed there."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    text = re.sub(r"/\*.*?\*/", blank, text, flags=re.S)
    text = re.sub(r'"(\\.|[^"\\\n])*"', blank, text)
    return re.sub(r"RN_FAIL\(.*?;", blank, text, flags=re.S)


def places():
    """{operator: [(file, from, to, what it becomes)]}"""
    found = {}
    for name, where, find, put in OPERATORS:
        for was, spelled in SPELLED:
            find = find.replace(was, spelled)
        for pattern in ["*.cu"] if where == KERNELS else ["*.c", "*.h"]:
            for path in sorted(glob.glob(os.path.join(SOURCE, pattern))):
                text = open(path, encoding="utf-8").read()
                for m in re.finditer(find, hidden(text)):
                    found.setdefault(name, []).append(
                        (os.path.basename(path), m.start(), m.end(), m.expand(put)
                         .replace("|| ('>=' == '<')", "&& 0").replace("'<' == '<'", "1")))
    return found


class Build:
    def __init__(self, folder, out):
        self.folder, self.out = os.path.abspath(folder), out
        self.copy, self.plugins = os.path.join(out, "cuda"), os.path.join(out, "plugins")
        shutil.copytree(SOURCE, self.copy)
        shutil.copytree(os.path.join(self.folder, "plugins"), self.plugins,
                        ignore=lambda _, names: [n for n in names if n.endswith(".p")])
        self.commands = {}
        with open(os.path.join(self.folder, "compile_commands.json"), encoding="utf-8") as f:
            for c in json.load(f):
                if c["output"].startswith("plugins/devices/cuda.so.p/"):
                    self.commands[os.path.basename(c["file"])] = c
        with open(os.path.join(self.folder, "plugins/devices/cuda_texts.c"), encoding="utf-8") as f:
            self.texts = f.read()
        self.objects = {}
        for name in self.commands:
            if self.compile(name, "original"):
                raise SystemExit(f"{name} doesn't compile, unchanged")
            self.objects[name] = self.object(name, "original")

    def object(self, name, kind):
        return os.path.join(self.out, kind + "_" + name + ".o")

    def compile(self, name, kind):
        """None, or what the compiler says."""
        c = self.commands[name]
        source = os.path.join(self.copy, name)
        if name == "cuda_texts.c":
            source = os.path.join(self.out, name)
            with open(source, "w", encoding="utf-8") as f:
                f.write(self.texts)
        args = shlex.split(c["command"])
        flags = [a for i, a in enumerate(args) if a not in ("-MD", "-MQ", "-MF", "-o", "-c", "ccache")
                 and args[i - 1] not in ("-MQ", "-MF", "-o", "-c")]
        made = subprocess.run(flags + ["-w", "-Wno-error", "-c", source, "-o", self.object(name, kind)],
                              cwd=c["directory"], capture_output=True, text=True, check=False)
        return None if made.returncode == 0 else made.stderr.split("\n")[0]

    def texts_with(self, name, text):
        """The file of texts, with one of them as it is now."""
        lines = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", '\\n",\n    "')
        start = f"const char *const {name[:-3]}_lines[] = {{\n"
        at = self.texts.index(start) + len(start)
        return self.texts[:at] + '    "' + lines + '",\n' + self.texts[self.texts.index("    NULL,", at):]

    def make(self, name, text):
        """Makes the mutant's cuda.so: None, or why it is none."""
        path, original, texts = os.path.join(self.copy, name), None, self.texts
        with open(path, encoding="utf-8") as f:
            original = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        changed = [name]
        if name.endswith(".cu"):
            self.texts, changed = self.texts_with(name, text), ["cuda_texts.c"]
        elif name.endswith(".h"):
            changed = list(self.commands)
        try:
            if any(self.compile(one, "mutant") for one in changed):
                return "does not compile"
        finally:
            self.texts = texts
            with open(path, "w", encoding="utf-8") as f:
                f.write(original)
        if all(self.code(one, "mutant") == self.code(one, "original") for one in changed):
            return "the same machine code"
        objects = [self.object(o, "mutant") if o in changed else path for o, path in self.objects.items()]
        so = os.path.join(self.plugins, "devices/cuda.so")
        subprocess.run(["cc", "-shared", *objects, "-o", so, "-lm", "-ldl"], check=True)
        return None

    def code(self, name, kind):
        """What an object holds, but for names of sections and lines."""
        path = os.path.join(self.out, "stripped")
        subprocess.run(["objcopy", "--strip-debug", self.object(name, kind), path], check=True)
        with open(path, "rb") as f:
            return f.read()


def kill_session(leader):
    """Check puts each test into a process group of its own: the session has all of them."""
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat, encoding="utf-8") as f:
                pid, rest = stat.split("/")[2], f.read().rsplit(")", 1)[1].split()
            if int(rest[3]) == leader:
                os.kill(int(pid), signal.SIGKILL)
        except (OSError, IndexError):
            pass


def first_failure(build, test, device, seed, limit_s=LIMIT_S):
    """Runs it until something fails: None, or what did."""
    env = dict(os.environ, RN_PLUGIN_PATH=build.plugins, RN_SOURCE=ROOT, RN_TEAM="1",
               RN_TEST_DEVICE=device, RN_EMU_SEED=str(seed), CK_DEFAULT_TIMEOUT="300",
               CK_TAP_LOG_FILE_NAME="-", CK_VERBOSITY="silent", RN_TAPS="1",
               LD_LIBRARY_PATH=os.path.join(build.folder, "tests/cuda_on_cpu"),
               XDG_CACHE_HOME=os.path.join(build.folder, "tests/cuda/cache"),
               RN_RUNNER=os.path.join(build.folder, "runner"),
               RN_TEST_MNIST=os.path.join(ROOT, "data/mnist"))
    began, said = time.time(), None
    with subprocess.Popen([os.path.join(build.folder, "tests", test)], env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
                          cwd=build.out) as p:
        timer = threading.Timer(limit_s, kill_session, (p.pid,))
        timer.start()
        for line in p.stdout:
            if line.startswith("not ok") and not NOT_COUNTED.search(line):
                said = re.sub(r"not ok \d+ - \S+?:(\S+?): ", r"\1: ", line.strip())[:160]
                break
        timer.cancel()
        if said:
            kill_session(p.pid)
    if not said and p.returncode not in (0, 1):
        said = f"ended with {p.returncode} after {time.time() - began:.0f} s"
    return said


def catch(build):
    for test, device, seed in TESTS:
        said = first_failure(build, test, device, seed)
        if said:
            return f"{os.path.basename(test)}: {said}"
    return None


def draw(found, args):
    """The places in the order in which they are tried: in turns over the operators."""
    dice, order = random.Random(args.seed), []
    lists = {name: list(p) for name, p in found.items() if args.all in (None, name)}
    for list_ in lists.values():
        dice.shuffle(list_)
    while any(lists.values()):
        for name, list_ in lists.items():
            if list_:
                order.append((name, list_.pop()))
    part, parts = map(int, args.part.split("/"))
    return order[part - 1::parts]


def equivalents():
    known = {}
    with open(os.path.join(ROOT, "tests/full/cuda_equivalent.txt"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                file, why, changed = line.rstrip("\n").split(" | ", 2)
                known[file, changed] = why
    return known


def run(build, args, say):
    found, known, missed, n = places(), equivalents(), [], 0
    say("places: " + ", ".join(f"{len(p)} {name}" for name, p in found.items()))
    say("none: " + ", ".join(sorted({o[0] for o in OPERATORS} - set(found))))
    for name, (file, start, end, new) in draw(found, args):
        if n == args.count:
            break
        with open(os.path.join(SOURCE, file), encoding="utf-8") as f:
            text = f.read()
        line, mutant = text.count("\n", 0, start) + 1, text[:start] + new + text[end:]
        changed = mutant[mutant.rfind("\n", 0, start) + 1:mutant.find("\n", start)].strip()
        row = f"| {name} | `{file}:{line}` | `{changed[:70]}` |"
        why = known.get((file, changed)) or build.make(file, mutant)
        if why:
            say(f"{row} left out | {why} |")
            continue
        began, how = time.time(), catch(build)
        if how and "NVRTC_ERROR_COMPILATION" in how:
            say(f"{row} left out | its kernels don't compile |")
            continue
        n += 1
        missed += [] if how else [row]
        say(f"{row} {'caught' if how else 'MISSED'} | {how or ''} | {time.time() - began:.0f} s |")
    say(f"{n - len(missed)} of {n} mutants caught, {100 * (n - len(missed)) / max(n, 1):.1f} %")
    for row in missed:
        say("missed: " + row)
    return n > 0 and n - len(missed) >= 0.95 * n


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--all", help="only mutants of that operator")
    parser.add_argument("--part", default="1/1", help="2/3: the second of three runs side by side")
    parser.add_argument("--unchecked", action="store_true", help="the tests are known to pass")
    parser.add_argument("--out", help="a file that gets what is said, too")
    args = parser.parse_args()
    log = open(args.out, "w", encoding="utf-8") if args.out else None

    def say(line):
        print(line, flush=True)
        if log:
            print(line, file=log, flush=True)

    with tempfile.TemporaryDirectory() as out:
        build = Build(args.build, out)
        unchanged = None if args.unchecked else catch(build)
        if unchanged:
            raise SystemExit(f"the tests fail without a mutant: {unchanged}")
        return 0 if run(build, args, say) else 1


sys.exit(main())
