#!/usr/bin/env python3
"""Folders of runs that never were, to see how lists and pages of many behave.

    tests/support/made_runs.py ROOT [N [TEXT]]   N (1000) runs in ROOT; TEXT stands in what users write"""
import json
import pathlib
import random
import sys

CONFIG = """name: {name}
description: {note}
tags: [{tag}]
seed: {seed}
device: {{type: cpu, threads: 0}}
data: {{type: mnist, path: data/mnist, split: {{train: 0.9, val: 0.1, seed: 0}},
  normalize: {{mean: 0.1307, std: 0.3081}}, limit: {{train: 0, val: 0, test: 0}}}}
model:
  layers:
    - {{type: flatten, name: flatten1}}
    - {{type: dense, units: {units}, bias: true, name: dense1}}
    - {{type: relu, name: relu1}}
    - {{type: dropout, rate: {rate}, name: dropout1}}
    - {{type: dense, units: 10, bias: true, name: logits}}
loss: {{type: cross_entropy, label_smoothing: 0}}
optimizer: {{type: adam, lr: {lr}, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0}}
train: {{epochs: {epochs}, batch_size: {batch}, eval_batch_size: 1000, shuffle: true, log_every: 50 steps}}
callbacks: [{{type: early_stopping, monitor: val.loss, patience: 3, name: stop}}]
reporters: [{{type: console}}, {{type: html}}]
"""


def curve(rng, epochs, level):
    loss = [level + 0.9 * 0.75 ** i * rng.uniform(0.9, 1.1) for i in range(1, epochs + 1)]
    return loss, [1 - 0.3 * v for v in loss]


def summary(rng, name, run, note, status, chosen, loss, accuracy):
    def at(i):
        return {"epoch": i + 1, "step": 844 * (i + 1),
                "train": {"loss": loss[i] * 0.9, "accuracy": accuracy[i]},
                "fit": {"loss": loss[i] * 0.85, "accuracy": accuracy[i]},
                "val": {"n": 6000, "loss": loss[i], "accuracy": accuracy[i]}}

    best = min(range(len(loss)), key=loss.__getitem__)
    out = {"format": 1, "name": name, "description": note, "id": run, "status": status,
           "reason": "all epochs done", "started": "", "command": "runner x.yaml",
           "device": "cpu: AMD EPYC, 2 threads, AVX2", "data": "mnist: 54000 train, 6000 val, 10000 test",
           "seed": chosen["seed"], "samples": {"train": 54000, "val": 6000, "test": 10000},
           "training": {"epochs": len(loss), "epochs_planned": chosen["epochs"],
                        "batch_size": chosen["batch"], "steps_per_epoch": 844},
           "model": {"parameters": 794 * chosen["units"] + 10, "flops_per_sample": 1588 * chosen["units"]},
           "times": {"total_s": 0.7 * len(loss), "train_s": 0.6 * len(loss)}, "peak_bytes": 9e7,
           "final": at(len(loss) - 1), "best": at(best)}
    if status == "finished":
        right = round(10000 * (accuracy[best] - rng.uniform(0, 0.004)))
        out["test"] = {"n": 10000, "loss": loss[best] * 1.02, "accuracy": right / 10000,
                       "macro_f1": right / 10000 - 0.001}
    return out


def make(root, i, rng, text):
    name = rng.choice(["mlp_baseline", "mlp_regularized", "cnn_small", "cnn_best"])
    run = f"2026{1 + i // 90:02}{1 + i % 28:02}-{i // 60 % 24:02}{i % 60:02}07-{rng.getrandbits(24):06x}"
    started = f"{run[:4]}-{run[4:6]}-{run[6:8]}T{run[9:11]}:{run[11:13]}:07Z"
    status = rng.choices(["finished", "interrupted", "diverged", "failed"], [90, 4, 3, 3])[0]
    chosen = {"name": name, "seed": rng.randint(1, 5), "units": rng.choice([64, 128, 256, 512]),
              "rate": rng.choice([0, 0.1, 0.2, 0.5]), "lr": rng.choice([1e-4, 3e-4, 1e-3, 3e-3, 1e-2]),
              "epochs": rng.choice([5, 10, 30]), "batch": rng.choice([32, 64, 128])}
    note = text or rng.choice(["", "with more dropout", "as the tutorial has it"])
    folder = root / name / run
    folder.mkdir(parents=True)
    loss, accuracy = curve(rng, chosen["epochs"], rng.uniform(0.02, 0.1))

    def put(file, what):
        (folder / file).write_text(what if isinstance(what, str) else json.dumps(what, indent=1))

    put("config.yaml", CONFIG.format(note=json.dumps(note), tag=json.dumps(text or name[:3]), **chosen))
    put("status.json", {"status": status, "exit_code": 0, "reason": text or "all epochs done",
                        "started": started, "updated": started, "pid": 1, "host": "elsewhere"})
    put("epochs.csv", "epoch,step,train_loss,val_loss\n" + "".join(
        f"{k + 1},{844 * (k + 1)},{v * 0.9:.9g},{v:.9g}\n" for k, v in enumerate(loss)))
    if status != "failed":
        put("summary.json", summary(rng, name, run, note, status, chosen, loss, accuracy))
    put("report.html", "<!doctype html><title>a report</title>\n")


def main():
    root, n = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    rng = random.Random(1)
    for i in range(n):
        make(root, i, rng, sys.argv[3] if len(sys.argv) > 3 else "")


main()
