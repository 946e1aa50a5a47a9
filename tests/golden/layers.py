#!/usr/bin/python3
"""Writes layers.txt beside it: outputs and gradients of torch.nn, in double.

Run by hand, with Debian's python3-torch; test_golden.c compares. A line is a name and its values;
tensors are in PyTorch's order: images channels first, weights of Linear [out, in].
"""
import os

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
torch.manual_seed(7)


def line(f, name, values):
    f.write(name + "".join(" %.17g" % float(v) for v in values.detach().flatten()) + "\n")


def layer(f, name, net, x, weights=None):
    x.requires_grad_()
    y = net(x)
    dy = torch.randn_like(y)
    y.backward(dy)
    for key, v in (("x", x), ("y", y), ("dy", dy), ("dx", x.grad)):
        line(f, name + "." + key, v)
    if weights is not None:
        for key, v in (("w", weights.weight), ("b", weights.bias),
                       ("dw", weights.weight.grad), ("db", weights.bias.grad)):
            line(f, name + "." + key, v)


with open(os.path.join(os.path.dirname(__file__), "layers.txt"), "w") as f:
    flat = nn.Linear(7, 4)
    layer(f, "dense", flat, torch.randn(5, 7), flat)
    image = nn.Linear(3 * 4 * 5, 6)
    layer(f, "image", nn.Sequential(nn.Flatten(), image), torch.randn(2, 3, 4, 5), image)
    x = torch.randn(3, 4)
    x[0, 0], x[0, 1], x[1, 2], x[2, 3] = 0.0, -0.0, float("nan"), float("inf")
    layer(f, "relu", nn.ReLU(), x)

    z = 3 * torch.randn(6, 5)
    z[1] = torch.tensor([1000.0, 990.0, -1000.0, 999.5, 0.0])
    z[2] = 1e4
    target = torch.tensor([0, 3, 2, 4, 1, 1])
    z.requires_grad_()
    each = nn.functional.cross_entropy(z, target, reduction="none")
    nn.CrossEntropyLoss()(z, target).backward()
    for key, v in (("z", z), ("class", target), ("loss", each), ("dz", z.grad)):
        line(f, "cross_entropy." + key, v)
