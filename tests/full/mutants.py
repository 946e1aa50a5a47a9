#!/usr/bin/env python3
"""Whether the baselines catch what they are for. Three parts, each of which can be named alone:

planted  the four regressions that people make: a wrong learning rate, dropout left on in evaluation,
         the sign of one gradient, a normalisation dropped
mutants  30 changes by operators, at places drawn with a seed, in the sources of layers, losses and
         optimizers; at least 95 % have to be caught
fresh    an unchanged build with 20 sets of 10 seeds that were not recorded: none may fail

mutants.py BUILD [planted] [mutants] [fresh] [--seed N] [--count N] [--sets N]
           [--per-set N] [--out FILE]

A mutant is one changed plugin, built alone and put before the others by --plugin-dir. The operators:

sign      a binary + becomes -, or - becomes +
constant  a number in arithmetic becomes 1.5 times as large; 0 becomes 0.5
off       < becomes <=, > becomes >=, or the other way; a number in [] becomes one larger
drop      a statement is removed: a call in RN_TRY, or an assignment

Places: the bodies of RN_MAP, and functions, but for those that check or describe shapes (plan, view,
text, alike, window_of), and lines with RN_FAIL. A mutant that does not compile, or whose machine code
and constants are those of the original, is listed and replaced by the next that is drawn; all others
count. Caught: `runner test` of some baseline that uses the plugin does not end with 0."""
import argparse
import json
import os
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ["layers", "losses", "optimizers"]
OPERATORS = ["sign", "constant", "off", "drop"]
LIMIT_S = 300
FRESH_LIMIT_S = 1800
PLANTED = [
    ("a learning rate that is half of what was asked for", "optimizers/adam.c",
     "lr / (1 - pow(o->beta1", "0.5 * lr / (1 - pow(o->beta1"),
    ("dropout left on in evaluation", "layers/dropout.c",
     ["    if (!c->training && c->in->data == c->out->data)\n        return RN_OK;\n",
      "c->training ? &thin : &copy"], ["", "&thin"]),
    ("a flipped sign in one gradient", "layers/tanh.c", None, None),
    ("a normalisation dropped: batchnorm divides by 1", "layers/batchnorm.c",
     "y0 = 1 / sqrtf(x0 * a0 + a3);", "y0 = 1;"),
]


# ---- running ---------------------------------------------------------------------------------------

class Build:
    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.runner = os.path.join(self.folder, "runner")
        self.commands = {}
        with open(os.path.join(self.folder, "compile_commands.json"), encoding="utf-8") as f:
            for c in json.load(f):
                if c["output"].startswith("plugins/"):
                    self.commands[os.path.normpath(os.path.join(c["directory"], c["file"]))] = c
        self.baselines = {}
        folder = os.path.join(ROOT, "tests/baselines")
        for name in sorted(os.listdir(folder)):
            if name.endswith(".yaml"):
                text = open(os.path.join(folder, name), encoding="utf-8").read()
                found = re.search(r"plugins: \{(.*?)\}", text, re.S)
                uses = re.findall(r"(\w+): [0-9a-f]{12}", found.group(1)) if found else []
                took = re.search(r"train_s, value: ([\d.e-]+)", text)
                self.baselines[os.path.join(folder, name)] = (float(took[1]) if took else 0, uses)
        quick = sorted(self.baselines.items(), key=lambda b: b[1][0])  # whoever catches it is enough
        self.baselines = dict(quick)

    def so(self, path, out):
        """Where the runner looks for the plugin of that source in the folder out."""
        return os.path.join(out, os.path.basename(os.path.dirname(path)),
                            os.path.basename(path)[:-2] + ".so")

    def plugin(self, path, text, out):
        """Builds text in the place of a plugin's source; None, or what the compiler says."""
        os.makedirs(os.path.dirname(self.so(path, out)), exist_ok=True)
        c = self.commands[path]
        source = os.path.join(out, os.path.basename(path))
        with open(source, "w", encoding="utf-8") as f:
            f.write(text)
        args = [a for a in shlex.split(c["command"]) if a not in ("-Werror", "ccache", "-MD")]
        flags = [a for i, a in enumerate(args) if a not in ("-MQ", "-MF", "-o", "-c") and
                 (i == 0 or args[i - 1] not in ("-MQ", "-MF", "-o", "-c"))]
        made = subprocess.run(flags + ["-w", "-shared", source, "-o", self.so(path, out), "-lm"],
                              cwd=c["directory"], capture_output=True, text=True, check=False)
        return None if made.returncode == 0 else made.stderr.split("\n")[0]

    def test(self, files, more, out, limit_s=LIMIT_S):
        """(exit code, seconds, JSON or None); a code of None: it took too long."""
        env = dict(os.environ, RN_PLUGIN_PATH=os.path.join(self.folder, "plugins"))
        began = time.time()
        try:
            p = subprocess.run(["nice", self.runner, "test", *files, "--json", "-o", out, *more],
                               env=env, capture_output=True, text=True, timeout=limit_s, check=False)
        except subprocess.TimeoutExpired:
            return None, time.time() - began, None
        try:
            said = json.loads(p.stdout)
        except ValueError:
            said = None
        return p.returncode, time.time() - began, said

    def catch(self, name, more, out):
        """(caught, how) by the baselines that use the plugin; how: the checks that failed. What a
        check of one seed says does not depend on the others, so seeds 1 and 3 go first, alone."""
        using = [path for path, (_, uses) in self.baselines.items() if name in uses]
        for path in using if "--seeds" not in more else []:
            code, _, said = self.test([path], [*more, "--seeds", "1,3"], out)
            failed = [c["metric"] for f in (said or {"files": []})["files"] for c in f["checks"]
                      if c["verdict"] == "fail" and "of seed" in c["metric"]]
            if code == 1 and failed:
                return True, f"{os.path.basename(path)[:-5]}: {', '.join(failed)}"
        return self.catch_all(using, more, out)

    def catch_all(self, using, more, out):
        differs = False
        for path in using:
            code, _, said = self.test([path], more, out)
            if code == 0:
                warned = [c for f in said["files"] for c in f["checks"] if c["verdict"] == "warn"]
                differs |= any(c["metric"].startswith("weights") for c in warned)
                continue
            base = os.path.basename(path)[:-5]
            if code is None:
                return True, f"{base}: took more than {LIMIT_S} s"
            if code != 1 or not said:
                raise SystemExit(f"{base}: exit code {code}, which says nothing of a mutant")
            failed = [c["metric"] for f in said["files"] for c in f["checks"]
                      if c["verdict"] == "fail"]
            return True, f"{base}: {failed[0]}" + (f" and {len(failed) - 1} more" if failed[1:] else "")
        return False, "the weights differ, but within what is allowed" if differs else "no difference"


def code_of(so, out):
    """Machine code and constants, without names and ids."""
    parts = []
    for section in [".text", ".rodata", ".data.rel.ro"]:
        path = os.path.join(out, "section")
        subprocess.run(["objcopy", "-O", "binary", f"--only-section={section}", so, path], check=True)
        with open(path, "rb") as f:
            parts.append(f.read())
    return parts


# ---- places ----------------------------------------------------------------------------------------

def regions(text):
    """(from, to, is a map) of what may be changed."""
    for m in re.finditer(r"^RN_MAP\((?:[^,]*,){4}", text, re.M):
        depth, end = 1, m.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield m.end(), end - 1, True
    for m in re.finditer(r"^(?:static )?[\w ]*?[ \*](\w+)\([^;{}]*\)\n?\s*\{", text, re.M):
        if re.search(r"plan|view|text|alike|window_of", m.group(1)):
            continue
        end = text.index("\n}", m.end()) if "\n" in text[m.start():m.end() + 1] else m.end()
        yield m.end(), text.index("}", m.end()) if end == m.end() else end, False


def hidden(text):
    """text with comments, strings and failures blanked: nothing is changed there."""
    def blank(m):
        return re.sub(r"[^\n]", " ", m.group(0))
    text = re.sub(r"/\*.*?\*/", blank, text, flags=re.S)
    text = re.sub(r'"(\\.|[^"\\])*"', blank, text)
    return re.sub(r"RN_FAIL\(.*?;", blank, text, flags=re.S)


def other(op):
    return {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}[op]


def places(path, text):
    """(operator, path, from, to, what it becomes)"""
    seen = hidden(text)
    for start, end, is_map in regions(text):
        part = seen[start:end]
        for m in re.finditer(r"(?<=[\w)\]]) ([+-]) (?=[\w(])", part):
            yield ("sign", path, start + m.start(1), start + m.end(1), "-" if m[1] == "+" else "+")
        for m in re.finditer(r"(?<![\w.\[])(\d+(?:\.\d+)?(?:e-?\d+)?)(f?)(?![\w.\]])", part):
            around = part[max(0, m.start() - 3):m.start()] + "#" + part[m.end():m.end() + 3]
            if is_map or re.search(r"[-+*/] ?#|# [-+*/]", around):
                new = f"{1.5 * float(m[1]) or 0.5:.9g}" + m[2]
                new = new if "." in new or "e" in new else new + ".0"
                yield ("constant", path, start + m.start(), start + m.end(), new)
        for m in re.finditer(r" (<=|>=|<|>) ", part):
            yield ("off", path, start + m.start(1), start + m.end(1), other(m[1]))
        for m in re.finditer(r"\[(\d+)\]", part):
            yield ("off", path, start + m.start(1), start + m.end(1), str(int(m[1]) + 1))
        drop = r"(?:^|(?<=;))[ \n]*(RN_TRY\([^;]*;|[\w.\[\]>-]+ [-+*/]?= [^;{}]*;)"
        for m in re.finditer(drop, part, re.M):
            yield ("drop", path, start + m.start(1), start + m.end(1), ";")


def line_of(text, at):
    return text.count("\n", 0, at) + 1


# ---- the parts -------------------------------------------------------------------------------------

def planted(build, say, out):
    good = 0
    for what, file, old, new in PLANTED:
        path = os.path.join(ROOT, "plugins", file)
        text = open(path, encoding="utf-8").read()
        if old is None:
            old, new = re.search(r"RN_MAP\(backward,.*?y0 = (.*?);", text, re.S).group(1), None
            new = f"-({old})"
        for a, b in zip(*(([old], [new]) if isinstance(old, str) else (old, new))):
            if a not in text:
                raise SystemExit(f"{file} has no '{a}' any more: bring PLANTED up to date")
            text = text.replace(a, b, 1)
        problem = build.plugin(path, text, out)
        if problem:
            raise SystemExit(f"{what}: {problem}")
        caught, how = build.catch(os.path.basename(file)[:-2], ["--plugin-dir", out], out + "/runs")
        os.remove(build.so(path, out))
        good += caught
        say(f"| {what} | `{file}` | {'caught' if caught else 'MISSED'} | {how} |")
    mlp = os.path.join(ROOT, "tests/baselines/mlp.yaml")
    for what, override in [("a learning rate of 0.002 in the configuration", "optimizer.lr=0.002"),
                           ("the normalisation of the data dropped", "~data.normalize")]:
        code = build.test([mlp], [override], out + "/runs")[0]
        good += code == 1
        say(f"| {what} | `{override}` | {'caught' if code == 1 else 'MISSED'} | mlp |")
    return good == len(PLANTED) + 2


def mutants(build, say, out, args):
    draw, all_places = random.Random(args.seed), {o: [] for o in OPERATORS}
    texts = {}
    for folder in FOLDERS:
        for name in sorted(os.listdir(os.path.join(ROOT, "plugins", folder))):
            path = os.path.join(ROOT, "plugins", folder, name)
            if name.endswith(".c"):
                texts[path] = open(path, encoding="utf-8").read()
                for place in places(path, texts[path]):
                    all_places[place[0]].append(place)
    say(f"places: " + ", ".join(f"{len(p)} {o}" for o, p in all_places.items()))
    for list_ in all_places.values():
        draw.shuffle(list_)
    caught = n = 0
    while n < args.count:
        op, path, start, end, new = all_places[OPERATORS[n % len(OPERATORS)]].pop()
        text, name = texts[path], os.path.basename(path)[:-2]
        old = " ".join(text[start:end].split())
        where = f"{os.path.relpath(path, ROOT + '/plugins')}:{line_of(text, start)}"
        row = f"| {op} | `{where}` | `{old[:40]}` to `{new}` |"
        original = os.path.join(out, "original")
        os.makedirs(original, exist_ok=True)
        build.plugin(path, text, original)
        problem = build.plugin(path, text[:start] + new + text[end:], out)
        if problem:
            say(f"{row} left out | does not compile |")
            continue
        so = build.so(path, out)
        if code_of(so, out) == code_of(build.so(path, original), out):
            say(f"{row} left out | the same machine code |")
            os.remove(so)
            continue
        if n < args.skip:
            n, caught = n + 1, caught + 1
            os.remove(so)
            continue
        hit, how = build.catch(name, ["--plugin-dir", out] + args.more, out + "/runs")
        os.remove(so)
        n, caught = n + 1, caught + hit
        say(f"{row} {'caught' if hit else 'MISSED'} | {how} |")
    n, caught = n - args.skip, caught - args.skip
    say(f"{caught} of {n} mutants caught, {100 * caught / n:.1f} %")
    return caught >= 0.95 * n


def fresh(build, say, out, args):
    bad, checks, began = 0, 0, time.time()
    for i in range(args.sets):
        first = 1001 + 100 * i
        last = first + args.per_set - 1
        code, seconds, said = build.test(list(build.baselines), ["--seeds", f"{first}-{last}"],
                                         out + "/runs", FRESH_LIMIT_S)
        bad += code != 0
        checks += said["passed"] + said["failed"] if said else 0
        failed = [f"{f['name']}: {c['metric']} {c['got']}, wanted {c['wanted']}"
                  for f in (said or {"files": []})["files"] for c in f["checks"]
                  if c["verdict"] == "fail"]
        say(f"seeds {first} to {last}: exit code {code}, {seconds:.0f} s"
            + "".join(f"\n    {f}" for f in failed))
    say(f"{args.sets - bad} of {args.sets} sets of seeds hold, {checks} checks compared, "
        f"{time.time() - began:.0f} s")
    return bad == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("parts", nargs="*", choices=[[], "planted", "mutants", "fresh"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--sets", type=int, default=20)
    parser.add_argument("--skip", type=int, default=0, help="mutants that were tried before")
    parser.add_argument("--per-set", type=int, default=10)
    parser.add_argument("--seeds", help="of the runs that a mutant is tried with")
    parser.add_argument("--out", help="a file that gets what is said, too")
    args = parser.parse_args()
    args.more = ["--seeds", args.seeds] if args.seeds else []
    parts, good = args.parts or ["planted", "mutants", "fresh"], True
    log = open(args.out, "w", encoding="utf-8") if args.out else None

    def say(line):
        print(line, flush=True)
        if log:
            print(line, file=log, flush=True)

    build = Build(args.build)
    with tempfile.TemporaryDirectory() as out:
        if "planted" in parts:
            good &= planted(build, say, out)
        if "mutants" in parts:
            good &= mutants(build, say, out, args)
        if "fresh" in parts:
            good &= fresh(build, say, out, args)
    return 0 if good else 1


sys.exit(main())
