#!/usr/bin/env python3
"""Runs of every kind and end: their summary.json is as docs/summary.schema.json says, and
`runner report` makes of the files of a run the same pages, to the byte; and the same of a sweep,
whose summary.json is as docs/sweep.schema.json says. bench.json is as docs/bench.schema.json says.

    report.py RUNNER SOURCE_FOLDER     ends as Check does: "Checks: N, Failures: N, Errors: 0" """
import copy
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import jsonschema

from counted import expect, finish

CLASSES = """
name: classes
description: "two words, <b>bold</b> & 'quoted'"
seed: 9223372036854775807
data: {type: synthetic, samples: 400, kind: spirals, split: {train: 0.8, val: 0.2}}
model: {layers: [{type: dense, units: 16, name: first}, relu, {type: dense, units: 3, name: last}]}
loss: cross_entropy
optimizer: {type: adam, lr: 0.01}
train: {epochs: 3, batch_size: 20, log_every: 5 steps}
metrics: [top3, macro_f1]
callbacks: [{type: early_stopping, patience: 2}]
expect: [{metric: test.accuracy, min: 0.1}, {metric: test.top3, max: 0.5}]
"""
NUMBERS = """
name: numbers
data: {type: synthetic, samples: 200, kind: regression, split: {train: 0.8, val: 0.2}}
model: {layers: [{type: dense, units: 1}]}
loss: mse
optimizer: {type: sgd, lr: 0.01}
train: {epochs: 2, batch_size: 10}
"""
PICTURES = """
name: pictures
data: {type: mnist, path: MNIST, split: {train: 0.9, val: 0.1}, limit: {train: 500, test: 400}}
model: {layers: [flatten, {type: dense, units: 16}, relu, {type: dense, units: 10}]}
loss: cross_entropy
optimizer: {type: adam, lr: 0.01}
train: {epochs: 2, batch_size: 50}
"""


SEEDS, GROUPS = (1, 2, 3), {"slow": "0.002", "quick": "0.02", "far": "1e30"}


def run(program, folder, *words, code=0):
    done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, timeout=120,
                          check=False)
    expect(done.returncode == code, f"{words}: exit {done.returncode}\n{done.stderr}")
    return done


def pages(folder):
    """What is made again; not the PNGs, which are drawn from the SVGs."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*")
            if p.is_file() and (p.name.startswith("report.") or p.parent.name == "figures" and
                                p.suffix != ".png")}


def comes_back(program, root, name):
    folder = (root / "reports" / name / "latest").resolve()
    before = pages(folder)
    expect(len(before) > 3 and "report.html" in before, f"{name}: has {sorted(before)}")
    for file in before:
        (folder / file).unlink()
    run(program, root, "report", f"latest:{name}")
    after = pages(folder)
    for file in sorted(before.keys() | after.keys()):
        expect(before.get(file) == after.get(file), f"{name}: {file} is another when made again")


def summary_of(root, name):
    return json.loads((root / "reports" / name / "latest" / "summary.json").read_text())


def fits(validator, root, name, *keys):
    summary = summary_of(root, name)
    for problem in validator.iter_errors(summary):
        expect(False, f"{name}: {'.'.join(map(str, problem.path))}: {problem.message[:300]}")
    for key in keys:
        expect(key in summary, f"{name}: no {key}")


def described(schema, path="summary"):
    """Each key says what it is, or its name and those around it do."""
    for key, value in schema.get("properties", {}).items():
        expect(value.get("description") or path != "summary" or "enum" in value,
               f"docs: {path}.{key} has no description")
        expect(value.get("additionalProperties") is not True, f"{path}.{key} takes anything")
        described(value, f"{path}.{key}")


def refuses(validator, root):
    """The schema can fail."""
    good = summary_of(root, "classes")
    for key, value in (("more", 1), ("status", "lost"), ("seed", -1), ("peak_bytes", None),
                       ("confusion", [[0.5]]), ("findings", [{}])):
        bad = {**copy.deepcopy(good), key: value}
        expect(not validator.is_valid(bad), f"the schema takes {key}: {value}")
    del good["findings"]
    expect(not validator.is_valid(good), "the schema does without findings")


def end_early(program, root, name, how):
    """A run that is stopped once it has had an epoch."""
    with subprocess.Popen([program, "classes.yaml", f"name={name}", "train.epochs=100000", "-q",
                           "~callbacks"], cwd=root, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        page = root / "reports" / name / "latest" / "report.html"
        for _ in range(600):
            if page.exists():
                break
            time.sleep(0.05)
        expect(page.exists(), f"{name}: no page within 30 s")
        process.send_signal(how)
        process.wait(60)


def make_sweep(program, root):
    """Three configurations with three seeds, one of which diverges, as a sweep would leave them."""
    groups = []
    for label, lr in GROUPS.items():
        runs = []
        for seed in SEEDS:
            name, ident = f"{label}{seed}", f"{label}-s{seed}-0123abcd"
            how = ["optimizer=sgd"] if label == "far" else []
            run(program, root, "pictures.yaml", f"name={name}", f"seed={seed}", "-q", *how,
                f"optimizer.lr={lr}", code=6 if label == "far" else 0)
            folder = root / "reports" / name
            (root / "reports/sweep/runs").mkdir(parents=True, exist_ok=True)
            (folder / "latest").resolve().rename(root / "reports/sweep/runs" / ident)
            shutil.rmtree(folder)
            runs.append({"id": ident, "seed": seed, "exit_code": 6 if label == "far" else 0,
                         "status": "diverged" if label == "far" else "finished"})
        groups.append({"label": label, "values": {"optimizer.lr": lr}, "runs": runs})
    plan = {"name": "sweep", "method": "grid", "objective": {"metric": "val.accuracy", "goal": "max"},
            "reference": "slow", "axes": [{"path": "optimizer.lr", "scale": "log"}],
            "said": ["All of the plan was done."], "groups": groups}
    (root / "reports/sweep/sweep.json").write_text(json.dumps(plan))


def sweep_is_reported(program, root, source):
    schema = json.loads((source / "docs/sweep.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    described(schema)
    make_sweep(program, root)
    folder = root / "reports/sweep"
    done = run(program, root, "report", "sweep", "--json")
    expect(json.loads(done.stdout) == {"rebuilt": ["reports/sweep"]}, done.stdout)
    first = pages(folder)
    run(program, root, "report", "reports/sweep")
    expect(pages(folder) == first, "the pages of a sweep are others when made again")
    summary = json.loads((folder / "summary.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    for problem in validator.iter_errors(summary):
        expect(False, f"sweep: {'.'.join(map(str, problem.path))}: {problem.message[:300]}")
    for key, value in (("more", 1), ("comparisons", -1), ("reference", 3), ("groups", [{}])):
        expect(not validator.is_valid({**summary, key: value}), f"the schema takes {key}: {value}")
    by_label = {g["label"]: g for g in summary["groups"]}
    means = {k: sum(r["objective"] for r in g["runs"]) / 3 for k, g in by_label.items() if k != "far"}
    for label, mean in means.items():
        best = [max(float(row.split(",")[7]) for row in (folder / "runs" / r["id"] / "epochs.csv")
                    .read_text().splitlines()[1:]) for r in by_label[label]["runs"]]
        expect(abs(sum(best) / 3 - mean) < 1e-9, f"{label}: {best}, not {mean}")
        expect(abs(by_label[label]["objective"]["mean"] - mean) < 1e-9, f"{by_label[label]}")
    expect([g["label"] for g in summary["groups"]][2] == "far", "what diverged is not last")
    expect(by_label["far"]["diverged"] == 3 and by_label["far"]["objective"]["n"] == 0, "far")
    page = (folder / "report.html").read_text()
    for ident in (r["id"] for g in summary["groups"] for r in g["runs"]):
        expect(f'href="./runs/{ident}/report.html"' in page, f"no link to {ident}")
    expect("Only quick got right" in page, "no pictures that only one got right")
    done = run(program, root, "report", "sweep", "--reporter", "html", code=2)
    expect("leave --reporter out" in done.stderr, done.stderr)
    (folder / "sweep.json").write_text("{")
    done = run(program, root, "report", "sweep", code=4)
    expect("sweep.json" in done.stderr and "damaged" in done.stderr, done.stderr)


def bench_is_reported(program, root, source):
    schema = json.loads((source / "docs/bench.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    described(schema)
    (root / "bench.yaml").write_text("""
base: classes.yaml
bench:
  variants: [{name: one, set: {device: {type: cpu, threads: 1}}},
             {name: two, set: {device: {type: cpu, threads: 2}}},
             {name: none, set: {device: nosuch}, required: false}]
  batch_sizes: [10, 20]
  known: [{name: elsewhere, epoch_time: 1 s, samples: 100}]
""")
    done = run(program, root, "bench.yaml", "--json")
    bench = json.loads(done.stdout)
    validator = jsonschema.Draft202012Validator(schema)
    for problem in validator.iter_errors(bench):
        expect(False, f"bench: {'.'.join(map(str, problem.path))}: {problem.message[:300]}")
    for key, value in (("more", 1), ("status", "lost"), ("warmup", -1), ("times", [{}])):
        expect(not validator.is_valid({**bench, key: value}), f"the schema takes {key}: {value}")
    folder, = (root / "reports/bench").iterdir()
    expect(json.loads((folder / "bench.json").read_text()) == bench, "bench.json is something else")
    for time_of in bench["times"]:
        epochs = sorted(time_of["epochs_s"])
        expect(len(epochs) == (0 if time_of["variant"] == "none" else 6), f"{time_of}")
        if epochs:
            expect(abs((epochs[2] + epochs[3]) / 2 - time_of["median_s"]) < 1e-12, f"{time_of}")
            expect(abs(bench["samples"] / time_of["median_s"] / time_of["samples_per_s"] - 1) < 1e-9,
                   f"{time_of}")


def main():
    program, source = (pathlib.Path(w).resolve() for w in sys.argv[1:3])
    schema = json.loads((source / "docs/summary.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    described(schema)
    with tempfile.TemporaryDirectory(prefix="report_") as folder:
        root = pathlib.Path(folder)
        (root / "classes.yaml").write_text(CLASSES)
        (root / "numbers.yaml").write_text(NUMBERS)
        (root / "pictures.yaml").write_text(PICTURES.replace("MNIST", str(source / "data/mnist")))
        run(program, root, "classes.yaml", "-q", code=1)
        fits(validator, root, "classes", "test", "best", "per_class", "confidence")
        comes_back(program, root, "classes")
        expect("previous" not in summary_of(root, "classes"), "the first run has one before it")
        refuses(validator, root)
        run(program, root, "classes.yaml", "-q", "optimizer.lr=0.02", "~expect")
        fits(validator, root, "classes", "previous")
        comes_back(program, root, "classes")
        changes = summary_of(root, "classes")["previous"]["changes"]
        expect({"key": "optimizer.lr", "before": "0.01", "now": "0.02"} in changes, f"{changes}")
        keys = [c["key"] for c in changes]
        expect(not any(k.startswith("expect") or k == "data, test set" for k in keys), f"{keys}")
        run(program, root, "numbers.yaml", "-q")
        fits(validator, root, "numbers", "test")
        comes_back(program, root, "numbers")
        run(program, root, "pictures.yaml", "-q")
        fits(validator, root, "pictures", "class_names")
        comes_back(program, root, "pictures")
        run(program, root, "classes.yaml", "name=far", "-q", "optimizer=sgd", "optimizer.lr=1e30",
            code=6)
        fits(validator, root, "far")
        comes_back(program, root, "far")
        end_early(program, root, "stopped", signal.SIGINT)
        fits(validator, root, "stopped", "final")
        comes_back(program, root, "stopped")
        end_early(program, root, "killed", signal.SIGKILL)
        fits(validator, root, "killed", "final")
        run(program, root, "report", "latest:killed")
        page = (root / "reports/killed/latest/report.md").read_text()
        expect("lost" in page, "a run that was killed is not called lost")
        done = run(program, root, "report", "latest", "--reporter", "jsonl", code=2)
        expect("cannot be made from files" in done.stderr and "html" in done.stderr, done.stderr)
        done = run(program, root, "report", "latest:killde", code=4)
        expect("killed/2" in done.stderr, done.stderr)
        sweep_is_reported(program, root, source)
        bench_is_reported(program, root, source)
        done = run(program, root, "report", "@1", "--reporter", "markdown", "--json")
        expect(len(json.loads(done.stdout)["rebuilt"]) == 1, done.stdout)
    return finish()


sys.exit(main())
