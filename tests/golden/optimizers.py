#!/usr/bin/python3
"""Writes optimizers.txt beside it: 20 steps of torch.optim from one state, in double; lion, which
torch 1.13 lacks, by its paper's program in NumPy.

Run by hand, with Debian's python3-torch; test_golden.c compares. A line is a name and its values.
"""
import math
import os

import numpy
import torch


class Lion:
    """Algorithm 2 of Chen et al., "Symbolic discovery of optimization algorithms", 2023."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        self.p, self.betas, self.decay = params[0], betas, weight_decay
        self.param_groups = [{"lr": lr}]
        self.m = numpy.zeros(len(self.p))

    def step(self):
        (b1, b2), lr = self.betas, self.param_groups[0]["lr"]
        w, g = self.p.detach().numpy(), self.p.grad.numpy()
        update = numpy.sign(self.m * b1 + g * (1 - b1)) + self.decay * w
        self.m = self.m * b2 + g * (1 - b2)
        self.p.data = torch.from_numpy(w - lr * update)


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
    "adamw": (torch.optim.AdamW, dict(lr=0.01)),
    "adamw_decay": (torch.optim.AdamW, dict(lr=0.01, weight_decay=0.5)),
    "adamw_none": (torch.optim.AdamW, dict(lr=0.01, weight_decay=0)),
    "adamw_betas": (torch.optim.AdamW, dict(lr=0.003, betas=(0.8, 0.95), eps=1e-4)),
    "rmsprop": (torch.optim.RMSprop, dict(lr=0.003)),
    "rmsprop_decay": (torch.optim.RMSprop, dict(lr=0.003, alpha=0.9, weight_decay=0.1)),
    "rmsprop_alpha": (torch.optim.RMSprop, dict(lr=0.003, alpha=0.9)),
    "rmsprop_momentum": (torch.optim.RMSprop, dict(lr=0.003, momentum=0.9, eps=1e-3)),
    "rmsprop_centered": (torch.optim.RMSprop, dict(lr=0.003, centered=True, eps=1e-3)),
    "rmsprop_all": (torch.optim.RMSprop, dict(lr=0.003, centered=True, momentum=0.8, alpha=0.95,
                                              eps=1e-2, weight_decay=0.05)),
    "adagrad": (torch.optim.Adagrad, dict(lr=0.01)),
    "adagrad_decay": (torch.optim.Adagrad, dict(lr=0.05, lr_decay=0.1, weight_decay=0.1)),
    "adagrad_lr_decay": (torch.optim.Adagrad, dict(lr=0.05, lr_decay=0.1)),
    "adagrad_initial": (torch.optim.Adagrad, dict(lr=0.05, initial_accumulator_value=0.1,
                                                  eps=1e-3)),
    "lion": (Lion, dict(lr=0.01)),
    "lion_decay": (Lion, dict(lr=0.01, weight_decay=0.5)),
    "lion_betas": (Lion, dict(lr=0.003, betas=(0.95, 0.8))),
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
