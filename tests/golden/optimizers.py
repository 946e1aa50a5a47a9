#!/usr/bin/python3
"""Writes optimizers.txt beside it: 20 steps of torch.optim from one state, in double.

Run by hand, with Debian's python3-torch; test_golden.c compares. A line is a name and its values.
"""
import math
import os

import torch

CASES = {
    "adam": (torch.optim.Adam, dict(lr=0.01)),
    "adam_decay": (torch.optim.Adam, dict(lr=0.01, weight_decay=0.1)),
    "adam_betas": (torch.optim.Adam, dict(lr=0.003, betas=(0.8, 0.95), eps=1e-4)),
    "sgd": (torch.optim.SGD, dict(lr=0.05)),
    "sgd_decay": (torch.optim.SGD, dict(lr=0.05, weight_decay=0.1)),
    "momentum": (torch.optim.SGD, dict(lr=0.05, momentum=0.9)),
    "nesterov": (torch.optim.SGD, dict(lr=0.05, momentum=0.9, nesterov=True)),
    "nesterov_decay": (torch.optim.SGD, dict(lr=0.05, momentum=0.8, nesterov=True,
                                             weight_decay=0.02)),
}
STEPS, N = 20, 12

torch.set_default_dtype(torch.float64)
start = [math.cos(1.3 * i + 0.2) for i in range(N)]
grads = [[0.0 if i == 0 else math.sin(1.7 * i + 0.4 * t) * 10.0 ** (-(i % 4)) for i in range(N)]
         for t in range(1, STEPS + 1)]


def line(f, name, values):
    f.write(name + "".join(" %.17g" % float(v) for v in values) + "\n")


with open(os.path.join(os.path.dirname(__file__), "optimizers.txt"), "w") as f:
    line(f, "start", start)
    for t, g in enumerate(grads, 1):
        line(f, "grad%d" % t, g)
    for name, (kind, options) in CASES.items():
        p = torch.nn.Parameter(torch.tensor(start))
        optimizer = kind([p], **options)
        for t, g in enumerate(grads, 1):
            optimizer.param_groups[0]["lr"] = options["lr"] * (0.5 if t > 10 else 1)
            p.grad = torch.tensor(g)
            optimizer.step()
            if t in (1, STEPS):
                line(f, "%s.%d" % (name, t), p.detach())
