#!/usr/bin/env python3
"""The schema for editors agrees with the runner: what one takes the other takes, and what one
refuses the other refuses; and the reference in docs/ is what the runner prints.

    schema.py RUNNER SOURCE_FOLDER     ends as Check does: "Checks: N, Failures: N, Errors: 0" """
import difflib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
import yaml

from counted import expect, finish


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it: yes is a word, 1e-3 a number."""
    yaml_implicit_resolvers = {}


for tag, pattern, first in (
        ("null", r"~|null|Null|NULL|", "~nN"), ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("int", r"[-+]?[0-9]+", "-+0123456789"),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789")):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"),
                               [*first, *([""] if tag == "null" else [])])

BASE = {
    "data": "{type: synthetic, samples: 100}",
    "model": "{layers: [{type: dense, units: 8}, relu, {type: dense, units: 3}]}",
    "loss": "cross_entropy", "optimizer": "{type: adam, lr: 0.01}",
    "train": "{epochs: 1, batch_size: 20}",
}
# section, what stands there: fine, or not; "-" leaves it out
GOOD = [
    ("name", "run-1.a"), ("description", "12"), ("seed", "0"), ("seed", "1_000"), ("tags", "one"),
    ("tags", "[a, 2]"), ("device", "auto"), ("device", "cpu"), ("device", "{type: cpu, threads: 1}"),
    ("x-note", "[anything, {at: all}]"), ("vars", "{a: 1}"), ("reporters", "null"),
    ("reporters", "[]"), ("reporters", "[console, {type: jsonl, name: lines}]"),
    ("train", "{epochs: 2, log_every: 5 steps, shuffle: false}"),
    ("train", "{epochs: 2, log_every: 10%}"), ("train", "{epochs: 2, log_every: 1 epoch}"),
    ("train", "{epochs: 1k, batch_size: 1_000}"), ("train", "{epochs: 1, x-why: because}"),
    ("train", "{epochs: 1, clip_norm: null}"), ("optimizer", "adam"), ("optimizer", "{type: sgd}"),
    ("optimizer", "{type: adam, lr: 1e-3}"), ("optimizer", "{type: adam, lr: 1%}"),
    ("optimizer", "{type: adam, lr: 1}"), ("optimizer", "{type: adam, x-a: 1}"),
    ("optimizer", "{type: adam, lr: '${train.batch_size}'}"), ("optimizer", "{type: '${loss.x}', lr: 1}"),
    ("expect", "[{metric: test.accuracy, min: 0}]"), ("expect", "null"),
    ("data", "{type: synthetic, samples: 100, split: {train: 0.5, val: 0.5}}"),
    ("data", "{type: synthetic, samples: 1k, limit: {train: 50}}"),
    ("data", "{type: synthetic, samples: 100, split: {val: 20%}}"),
    ("data", "{type: synthetic, kind: spirals}"), ("plugins", "{path: .}"),
    ("model", "{layers: [{type: dense, units: 3, name: scores}]}"),
    ("model", "{layers: [{type: dense, units: 3}], x-note: 1}"),
]
BAD = [
    ("optimiser", "adam"), ("x", "1"), ("name", "[a]"), ("seed", "-1"), ("seed", "1.5"),
    ("seed", "one"), ("seed", "'1'"), ("tags", "{a: 1}"), ("device", "cpux"), ("device", "[cpu]"),
    ("device", "{type: auto, threads: 1}"), ("device", "{type: cpu, threads: 999}"),
    ("device", "{type: cpu, thread: 1}"), ("reporters", "console"), ("reporters", "[consol]"),
    ("train", "{epoch: 2}"), ("train", "{epochs: 0}"), ("train", "{epochs: 1.5}"), ("train", "{}"),
    ("train", "-"), ("train", "[1]"), ("train", "{epochs: 1, log_every: 5}"),
    ("train", "{epochs: 1, log_every: 5 weeks}"), ("train", "{epochs: 1, shuffle: yes}"),
    ("train", "{epochs: 1, shuffle: 1}"), ("train", "{epochs: '1'}"), ("train", "{epochs: null}"),
    ("optimizer", "adamm"), ("optimizer", "{type: adam, rate: 1}"), ("optimizer", "{type: adam, lr: -1}"),
    ("optimizer", "{type: adam, lr: fast}"), ("optimizer", "{type: adam, beta1: 1}"),
    ("optimizer", "{lr: 1}"), ("optimizer", "[adam]"), ("optimizer", "-"),
    ("optimizer", "{type: sgd, nesterov: 1}"), ("expect", "[{min: 0}]"), ("expect", "{metric: a, min: 0}"),
    ("expect", "[{metric: a, minimum: 0}]"), ("expect", "[{metric: a, min: high}]"), ("loss", "cross"),
    ("data", "{type: synthetic, split: {test: 0.1}}"), ("data", "{type: synthetic, kind: blob}"),
    ("data", "{type: synthetic, limit: {train: -1}}"), ("data", "{type: synthetic, normalize: {mean: 0}}"),
    ("data", "{type: synthetic, normalize: {mean: zero, std: 1}}"), ("plugins", "{paths: .}"),
    ("plugins", "[.]"), ("model", "-"), ("model", "{}"), ("model", "{layers: []}"), ("model", "[relu]"),
    ("model", "{layers: relu}"), ("model", "{layers: [dense]}"), ("model", "{layers: [{units: 3}]}"),
    ("model", "{layers: [{type: dense}]}"), ("model", "{layers: [{type: dense, units: 0}]}"),
    ("model", "{layers: [{type: dense, units: 3, nam: a}]}"), ("model", "{layer: [relu]}"),
    ("model", "{layers: [{type: dense, units: 3, name: 'a b'}]}"), ("model", "{layers: [[relu]]}"),
]
PARTIAL = [  # of a file that extends another; good ones
    "train: {epochs: 2}", "optimizer: {lr: 0.5}", "model: {layers: [{name: scores, units: 5}]}",
    "set: {train.epochs: 3}", "expect: null", "optimizer: null",
]


def accepts(validator, text):
    problems = list(validator.iter_errors(yaml.load(text, Core)))
    return not problems, "; ".join(str(p.message)[:200] for p in problems)


class Runner:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def __call__(self, *words, code=0, **env):
        done = subprocess.run([self.program, *words], cwd=self.folder, capture_output=True, text=True,
                              timeout=120, check=False, env={**os.environ, **env})
        if code is not None and done.returncode != code:
            raise SystemExit(f"{words}: exit {done.returncode}\n{done.stderr}")
        return done.stdout if code == 0 else done


def text_of(section, value):
    parts = {**BASE, section: value}
    return "".join(f"{k}: {v}\n" for k, v in parts.items() if v != "-")


def both_say(runner, validator, section, value, good):
    text = text_of(section, value)
    fits, why = accepts(validator, text)
    expect(fits == good, f"schema: {section}: {value}: {'accepted' if fits else why}")
    if "${loss.x}" in value:
        return
    (runner.folder / "case.yaml").write_text(text)
    done = runner("check", "case.yaml", code=None)
    expect((done.returncode == 0) == good, f"runner: {section}: {value}: exit {done.returncode}\n"
                                           f"{done.stderr}")


def examples(runner, validator):
    """The example of each plugin fits, and each option that it has is there with its words."""
    places = {"layer": ("model", "{{layers: [{}]}}"), "reporter": ("reporters", "[{}]"),
              "callback": ("callbacks", "[{}]"), "dataset": ("data", "{}"),
              "augmentation": ("data", "{{type: synthetic, augment: [{}]}}")}
    listed = json.loads(runner("plugins", "list", "--json"))
    expect(not listed["unusable"], f"unusable: {listed['unusable']}")
    for plugin in listed["plugins"]:
        kind, name = plugin["kind"], plugin["name"]
        said = json.loads(runner("plugins", "describe", kind, name, "--json"))
        example = re.sub(r"^(?:- |\w+: )", "", said["example"])
        section, form = places.get(kind, (kind, "{}"))
        fits, why = accepts(validator, text_of(section, form.format(example)))
        expect(fits, f"schema: the example of {kind} {name}: {example}: {why}")
        have = validator.schema["definitions"][f"{kind}.{name}"]["properties"]
        for option in said["options"]:
            row = have.get(option["name"], {})
            expect(row.get("description") == option["help"], f"schema: {kind} {name} {option}: {row}")


def reference(runner, source):
    now, path = runner("plugins", "reference"), source / "docs/reference.md"
    have = path.read_text() if path.exists() else ""
    diff = "\n".join(list(difflib.unified_diff(have.split("\n"), now.split("\n"), lineterm=""))[:20])
    expect(have == now, f"{diff}\ndocs/reference.md is out of date; renew it with\n"
                        "    tools/run plugins reference >docs/reference.md")


def main():
    program, source = (pathlib.Path(w).resolve() for w in sys.argv[1:3])
    with tempfile.TemporaryDirectory(prefix="schema_") as folder:
        runner = Runner(program, pathlib.Path(folder))
        text = runner("schema")
        runner("schema", "--out", "s.json")
        expect((runner.folder / "s.json").read_text() == text, "--out writes something else")
        schema = json.loads(text)
        jsonschema.Draft7Validator.check_schema(schema)
        validator = jsonschema.Draft7Validator(schema)
        for file in sorted((source / "configs").glob("**/*.yaml")):
            fits, why = accepts(validator, file.read_text())
            expect(fits, f"schema: {file.name}: {why}")
        for section, value in GOOD:
            both_say(runner, validator, section, value, True)
        for section, value in BAD:
            both_say(runner, validator, section, value, False)
        for part in PARTIAL:
            fits, why = accepts(validator, f"extends: base.yaml\n{part}\n")
            expect(fits, f"schema: extends, {part}: {why}")
        expect(not accepts(validator, "extends: a.yaml\ntrain: {epoch: 1}\n")[0],
               "schema: an unknown key goes through where a file is extended")
        examples(runner, validator)
        reference(runner, source)
        for n in ("50", "50+", "500", "500+", "3000", "3000+", "5000+"):
            for words in (["schema"], ["plugins", "reference"])[:1 if n[0] != "5" else 2]:
                done = runner(*words, code=None, RN_FAIL_ALLOC=n)
                expect(done.returncode in (0, 8) and bool(done.stdout) == (not done.returncode),
                       f"{words}, RN_FAIL_ALLOC={n}: {done}")
                expect(done.returncode == 8 or words != ["schema"], f"RN_FAIL_ALLOC={n} had no effect")
    return finish()


sys.exit(main())
