#!/usr/bin/env python3
"""Plugins from outside the tree: installs into a folder, makes one of each kind with `plugins new`,
builds it against what was installed, and trains with it. The same with the plugins that stand in
plugins/README.md.

    outside.py BUILD_FOLDER SOURCE_FOLDER     ends as Check does: "Checks: N, Failures: N, Errors: 0" """
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

KINDS = {"layer": "layers", "loss": "losses", "optimizer": "optimizers", "dataset": "datasets",
         "reporter": "reporters", "scheduler": "schedulers", "callback": "callbacks",
         "augmentation": "augmentations"}
WARNINGS = "-std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wcast-qual -Werror".split()
SHARED = "-O3 -fvisibility=hidden -fPIC -shared".split()


class Fault(Exception):
    pass


class Installed:
    """An installation in a folder, as its user has it: nothing of the tree is named."""

    def __init__(self, build, place):
        self.run_raw(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", place])
        self.runner = next(place.glob("**/bin/runner"))
        self.prefix = self.runner.parent.parent
        pc = next(place.glob("**/runner.pc"))
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("RN_")}
        self.env["PKG_CONFIG_PATH"] = str(pc.parent)
        self.env["PATH"] = f"{self.runner.parent}:{self.env['PATH']}"
        text = pc.read_text()  # as if it had been configured with this prefix
        pc.write_text(re.sub(r"^prefix=.*", f"prefix={self.prefix}", text, flags=re.M))
        self.cflags = self.run(["pkg-config", "--cflags", "runner"], place).split()
        self.libs = self.run(["pkg-config", "--libs", "runner"], place).split()
        self.env["MNIST"] = self.run(["pkg-config", "--variable=mnist", "runner"], place).strip()

    @staticmethod
    def run_raw(words, code=0, **more):
        done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=240,
                              check=False, **more)
        if done.returncode != code:
            raise Fault(f"{' '.join(map(str, words))}\nexit {done.returncode}, expected {code}\n"
                        f"{done.stdout}{done.stderr}")
        return done.stdout if code == 0 else done.stderr

    def run(self, words, where, code=0):
        return self.run_raw(words, code, cwd=where, env=self.env)

    def build(self, source, kind, where):
        """As the README says, without meson; with all warnings."""
        out = where / "build" / KINDS[kind] / (source.stem + ".so")
        out.parent.mkdir(parents=True, exist_ok=True)
        self.run(["cc", *WARNINGS, *SHARED, *self.cflags, source, "-o", out, *self.libs], where)
        return out


def expect(good, what):
    if not good:
        raise Fault(what)


def check_options(here, kind, name, where):
    """`describe --json` has all that the table has."""
    said = json.loads(here.run(["runner", "plugins", "describe", kind, name, "--json",
                                "--plugin-dir", "build"], where))
    expect(said["kind"] == kind and said["name"] == name and said["doc"], f"describe: {said}")
    for option in said["options"]:
        missing = {"name", "type", "accepts", "default", "required", "unit", "help"} - option.keys()
        expect(not missing and option["help"], f"describe: {option} lacks {missing}")
        if option["type"] in ("int", "float"):
            expect(option["required"] or option["default"] is not None, f"describe: {option}")
    text = here.run(["runner", "plugins", "describe", kind, name, "--plugin-dir", "build"], where)
    for option in said["options"]:
        expect(option["name"] in text and option["help"] in text, f"describe: {text}")


def check_run(here, kind, name, where):
    """Its own experiment reaches what it expects, and the plugin had a part in it."""
    out = where / "reports"
    here.run(["runner", f"{name}.yaml", "--plugin-dir", "build", "--out", out], where)
    folder = out / name / "latest"
    expect((folder / "status.json").exists(), "no status.json")
    used = json.dumps(json.loads((folder / "plugins.json").read_text()))
    expect(f"/{name}.so" in used, f"plugins.json does not name {name}: {used}")
    if kind == "reporter":
        text = (folder / f"{name}.txt").read_text()
        expect("finished after 5 epochs" in text and "accuracy" in text, text)
    if kind == "callback":
        epochs = (folder / "epochs.csv").read_text().count("\n") - 1
        expect(1 <= epochs < 50, f"{epochs} epochs: the callback did not stop it")


def made(here, kind, place):
    name = f"my_{kind}x"
    said = here.run(["runner", "plugins", "new", kind, name], place)
    where = place / name
    expect(f"made {name} with" in said, said)
    files = sorted(str(p.relative_to(where)) for p in where.glob("**/*") if p.is_file())
    wanted = sorted(["README.md", "meson.build", f"{KINDS[kind]}/meson.build", f"{name}.c",
                     f"{name}.yaml"])
    expect(files == wanted, f"{files}, expected {wanted}")
    for file in files:
        left = re.findall(r"my_(?:name|kind|folder)\b", (where / file).read_text())
        expect(not left, f"{file} has {left}")
    so = here.build(where / f"{name}.c", kind, where)
    check_options(here, kind, name, where)
    here.run(["runner", "plugins", "verify", so], where)
    check_run(here, kind, name, where)


def by_meson(here, place):
    """The folder's own tests, and its installation."""
    here.run(["runner", "plugins", "new", "layer", "by_meson"], place)
    where = place / "by_meson"
    here.run(["meson", "setup", "build"], where)
    here.run(["meson", "test", "-C", "build"], where)
    here.run(["meson", "install", "-C", "build", "--no-rebuild"], where)
    said = here.run(["runner", "plugins", "describe", "layer", "by_meson"], where)
    expect(str(here.prefix) in said, said)


def refused(here, place):
    new = ["runner", "plugins", "new"]
    for words, code, said in (
            (["layr", "a"], 2, "did you mean 'layer'"),
            (["device", "a"], 2, "plugins/devices/cpu"),
            (["layer", "Bad"], 2, "cannot be the name of a plugin"),
            (["layer", "a/b"], 2, "cannot be the name of a plugin"),
            (["layer", "../a"], 2, "cannot be the name of a plugin"),
            (["layer"], 2, "new KIND NAME"),
            (["layer", "a", "--out", "/proc/nowhere"], 5, "cannot make the folder")):
        err = here.run([*new, *words], place, code)
        expect(said in err, f"{words}: {err}")
    here.run([*new, "layer", "mine", "--out", "deep/er"], place)
    before = (place / "deep/er/mine/mine.c").read_text()
    err = here.run([*new, "loss", "mine", "--out", "deep/er"], place, 2)
    expect("exists already" in err, err)
    expect((place / "deep/er/mine/mine.c").read_text() == before, "it was overwritten")
    said = json.loads(here.run([*new, "loss", "other", "--json"], place))
    expect(said["folder"] == "other" and "other.c" in said["files"], said)


def faults(here, place):
    """Whichever write or allocation fails: no part of the folder stays."""
    for variable, code, least in (("RN_FAIL_IO", 5, 10), ("RN_FAIL_ALLOC", 8, 10)):
        n, done = 0, None
        while not done or done.returncode:
            n += 1
            done = subprocess.run([here.runner, "plugins", "new", "loss", "faulty"], cwd=place,
                                  env={**here.env, variable: str(n)}, capture_output=True, text=True,
                                  check=False)
            if done.returncode:
                expect(done.returncode == code, f"{variable}={n}: exit {done.returncode}: {done.stderr}")
                expect(not (place / "faulty").exists(), f"{variable}={n}: a part of the folder stayed")
            expect(n < 200, f"{variable}: it failed 200 times")
        expect(n > least, f"{variable}: only {n} could fail")
        shutil.rmtree(place / "faulty")


def in_readme(here, place, source):
    """The plugins of plugins/README.md: as short as it says, and they work."""
    blocks = re.findall(r"^```c\n/\* (\w+)/(\w+)\.c - (.*?)^```", source.read_text(), re.S | re.M)
    expect({b[0] for b in blocks} == {"layers", "optimizers"}, f"C in the README: {blocks}")
    where = place / "readme"
    where.mkdir()
    for folder, name, rest in blocks:
        kind = folder[:-1]
        lines = rest.count("\n")
        expect(lines < {"layer": 40, "optimizer": 60}[kind], f"{name} has {lines} lines")
        (where / f"{name}.c").write_text(f"/* {folder}/{name}.c - {rest}")
        so = here.build(where / f"{name}.c", kind, where)
        here.run(["runner", "plugins", "verify", so], where)
    names = {b[0]: b[1] for b in blocks}
    (where / "both.yaml").write_text(
        "data: {type: synthetic, samples: 600}\n"
        f"model: {{layers: [{{type: dense, units: 16}}, {names['layers']}, {{type: dense, units: 3}}]}}\n"
        f"loss: cross_entropy\noptimizer: {names['optimizers']}\ntrain: {{epochs: 10, batch_size: 20}}\n"
        "expect: [{metric: test.accuracy, min: 0.8}]\n")
    here.run(["runner", "both.yaml", "--plugin-dir", "build"], where)


def main():
    build, source = (pathlib.Path(w).resolve() for w in sys.argv[1:3])
    place = pathlib.Path(tempfile.mkdtemp(prefix="outside_"))
    count = failed = 0
    try:
        here = Installed(build, place / "installed")
        work = place / "work"
        work.mkdir()
        checks = [(kind, lambda k=kind: made(here, k, work)) for kind in KINDS]
        checks += [("by meson", lambda: by_meson(here, work)), ("refused", lambda: refused(here, work)),
                   ("faults", lambda: faults(here, work)),
                   ("README", lambda: in_readme(here, work, source / "plugins/README.md"))]
        only = sys.argv[3:]
        for name, check in checks:
            if only and name not in only:
                continue
            count += 1
            try:
                check()
            except Fault as e:
                failed += 1
                print(f"{name}: {e}")
    finally:
        shutil.rmtree(place)
    print(f"Checks: {count}, Failures: {failed}, Errors: 0")
    return failed != 0


sys.exit(main())
