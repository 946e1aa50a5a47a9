#!/usr/bin/python3
"""Writes schedulers.txt beside it: the whole curve of torch.optim.lr_scheduler's, with lr 1.

Run by hand, with Debian's python3-torch; test_schedulers.c compares. A line is a name and its values,
one a step: 14 epochs of 6 steps. Those called "metric" are what plateau's see, one an epoch.
"""
import os
import warnings

import torch
from torch.optim import lr_scheduler as of

EPOCHS, PER_EPOCH = 14, 6
STEPS = EPOCHS * PER_EPOCH

NAN, INF = float("nan"), float("inf")
METRICS = {
    "falling": [1.0, 0.8, 0.79999, 0.81, 0.7999, 0.6, 0.61, 0.62, 0.60001, 0.63, 0.59, 0.6, 0.59, 0.6],
    "rising": [0.5, 0.6, 0.6, 0.6004, 0.59, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.8, 0.7, 0.7],
    "odd": [INF, NAN, 0.5, NAN, NAN, 0.5, -0.1, -0.1, -0.2, 0.0, INF, -INF, 0.0, -1.0],
    "flat": [0.5] * 14,
}
# name: what is made, and how many steps apart it is stepped
CURVES = {
    "constant": (lambda o: of.ConstantLR(o, factor=1), PER_EPOCH),
    "step_1": (lambda o: of.StepLR(o, 1), PER_EPOCH),
    "step_3": (lambda o: of.StepLR(o, 3, gamma=0.5), PER_EPOCH),
    "step_7_steps": (lambda o: of.StepLR(o, 7, gamma=0.5), 1),
    "multistep": (lambda o: of.MultiStepLR(o, [3, 8]), PER_EPOCH),
    "multistep_steps": (lambda o: of.MultiStepLR(o, [5, 5, 40], gamma=0.3), 1),
    "multistep_half": (lambda o: of.MultiStepLR(o, [STEPS // 2, STEPS * 3 // 4]), 1),
    "exponential": (lambda o: of.ExponentialLR(o, 0.8), PER_EPOCH),
    "exponential_smooth": (lambda o: of.ExponentialLR(o, 0.97), 1),
    "linear": (lambda o: of.LinearLR(o, 1, 0, STEPS), 1),
    "linear_up": (lambda o: of.LinearLR(o, 0.25, 0.75, 20), 1),
    "cosine": (lambda o: of.CosineAnnealingLR(o, STEPS), 1),
    "cosine_floor": (lambda o: of.CosineAnnealingLR(o, 40, eta_min=0.1), 1),
    "onecycle": (lambda o: of.OneCycleLR(o, 1, STEPS, cycle_momentum=False), 1),
    "onecycle_linear": (lambda o: of.OneCycleLR(o, 1, STEPS, pct_start=0.25, div_factor=10,
                                                final_div_factor=100, anneal_strategy="linear",
                                                cycle_momentum=False), 1),
    "onecycle_down": (lambda o: of.OneCycleLR(o, 1, STEPS, pct_start=0.0, cycle_momentum=False), 1),
    "onecycle_up": (lambda o: of.OneCycleLR(o, 1, STEPS, pct_start=1.0, cycle_momentum=False), 1),
}
PLATEAUS = {
    "plateau_1": ("falling", dict(patience=1)),
    "plateau_0": ("falling", dict(patience=0, factor=0.5, cooldown=2)),
    "plateau_abs": ("falling", dict(patience=1, threshold=0.05, threshold_mode="abs", min_lr=0.02)),
    "plateau_max": ("rising", dict(mode="max", patience=1, factor=0.3)),
    "plateau_max_abs": ("rising", dict(mode="max", patience=0, factor=0.3, threshold=0.001,
                                       threshold_mode="abs", cooldown=1)),
    "plateau_odd": ("odd", dict(patience=1, factor=0.2)),
    "plateau_10": ("flat", dict()),
}


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1)


def rate(o):
    return o.param_groups[0]["lr"]


def curve(make, every):
    o = optimizer()
    scheduler = make(o)
    for step in range(STEPS):
        yield rate(o)
        if (step + 1) % every == 0 and step + 1 < STEPS:
            o.step()
            scheduler.step()


def plateau(metric, options):
    o = optimizer()
    scheduler = of.ReduceLROnPlateau(o, eps=0, **options)
    for value in METRICS[metric]:
        yield from [rate(o)] * PER_EPOCH
        scheduler.step(value)


def line(f, name, values):
    f.write(name + "".join(" %.17g" % v for v in values) + "\n")


warnings.simplefilter("error")
with open(os.path.join(os.path.dirname(__file__), "schedulers.txt"), "w") as f:
    for name, values in METRICS.items():
        line(f, "metric." + name, values)
    for name, (make, every) in CURVES.items():
        values = list(curve(make, every))
        if name == "cosine_floor":  # rises again in PyTorch, stays here
            values[40:] = [0.1] * (STEPS - 40)
        line(f, name, values)
    for name, (metric, options) in PLATEAUS.items():
        line(f, name, plateau(metric, options))
