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


def keeping(f, name, seed, net, shape, offset=0.0, x=None):
    """A layer that keeps its input's shape; x is what float can hold."""
    torch.manual_seed(seed)
    weighted = bool(list(net.parameters()))
    for p in net.parameters():
        p.data.normal_()
    x = torch.randn(shape) + offset if x is None else x
    layer(f, name, net, x.float().double(), net if weighted else None)


def batchnorm(f, name, seed, net, shape, offset=0.0):
    """Two steps of training and one of evaluation, the running statistics after each."""
    torch.manual_seed(seed)
    for p in net.parameters():
        p.data.normal_()
    for key, p in zip("wb", net.parameters()):
        line(f, name + "." + key, p)
    for step in (1, 2, 3):
        net.zero_grad()
        net.train(step < 3)
        x = ((1 + step) * torch.randn(shape) + step + offset).float().double().requires_grad_()
        y = net(x)
        dy = torch.randn_like(y)
        y.backward(dy)
        rows = [("x", x), ("y", y), ("mean", net.running_mean), ("var", net.running_var)]
        if step < 3:
            rows += [("dy", dy), ("dx", x.grad)]
            rows += [("d" + key, p.grad) for key, p in zip("wb", net.parameters())]
        for key, v in rows:
            line(f, "%s.%d.%s" % (name, step, key), v)


def loss(f, name, z, target, each, mean):
    """each: the losses of the samples, mean: what is differentiated."""
    z.requires_grad_()
    mean(z, target).backward()
    for key, v in (("z", z), ("target", target), ("loss", each(z, target)), ("dz", z.grad)):
        line(f, name + "." + key, v)


def cross_entropy(f, name, seed, width, **options):
    torch.manual_seed(seed)
    z = (3 * torch.randn(6, width)).float().double()
    z[1, 0], z[1, 1] = 1e4, -1e4
    loss(f, name, z, torch.tensor([0, 3, 2, 4, 1, 1]),
         nn.CrossEntropyLoss(reduction="none", **options), nn.CrossEntropyLoss(**options))


def by_value(f, name, seed, kind, width, target, **options):
    torch.manual_seed(seed)
    z, t = 3 * torch.randn(6, width), target(torch.randn(6, width))
    z[0, 0], z[1, 0] = 1e4, -1e4
    each = kind(reduction="none", **options)
    loss(f, name, z.float().double(), t.float().double(), lambda z, t: each(z, t).mean(1),
         kind(**options))


ACTIVATIONS = {"leaky_relu": nn.LeakyReLU(), "elu": nn.ELU(), "gelu": nn.GELU(),
               "gelu_tanh": nn.GELU(approximate="tanh"), "silu": nn.SiLU(), "tanh": nn.Tanh(),
               "sigmoid": nn.Sigmoid()}
EXTREME = torch.tensor([[1e4, -1e4, 0.0, -0.0, float("nan"), 1e-30, -1e-30, 88.0, -88.0, 104.0,
                         -104.0]])

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
    for key, v in (("z", z), ("target", target), ("loss", each), ("dz", z.grad)):
        line(f, "cross_entropy." + key, v)

    keeping(f, "leaky_relu", 100, ACTIVATIONS["leaky_relu"], (3, 7))
    keeping(f, "leaky_relu_half", 101, nn.LeakyReLU(0.5), (2, 17))
    keeping(f, "leaky_relu_none", 102, nn.LeakyReLU(0.0), (2, 5))
    keeping(f, "elu", 103, ACTIVATIONS["elu"], (3, 7))
    keeping(f, "elu_half", 104, nn.ELU(0.5), (2, 17))
    for i, name in enumerate(("gelu", "gelu_tanh", "silu", "tanh", "sigmoid")):
        keeping(f, name, 105 + i, ACTIVATIONS[name], (3, 33))
    for i, name in enumerate(ACTIVATIONS):
        keeping(f, "extreme_" + name, 120 + i, ACTIVATIONS[name], None, x=EXTREME.clone())
    torch.manual_seed(130)
    x = 3 * torch.randn(6, 9)
    x[1, 3], x[2], x[3], x[4, 5], x[5, 0] = 1e4, 1e4, -1e4, float("nan"), float("-inf")
    keeping(f, "softmax", 131, nn.Softmax(-1), None, x=x)
    keeping(f, "softmax_one", 132, nn.Softmax(-1), (3, 1))
    keeping(f, "layernorm", 140, nn.LayerNorm(13), (5, 13))
    keeping(f, "layernorm_plain", 141, nn.LayerNorm(6, eps=0.01, elementwise_affine=False), (3, 6))
    keeping(f, "layernorm_image", 142, nn.LayerNorm((3, 5, 4)), (2, 3, 5, 4))
    keeping(f, "layernorm_far", 143, nn.LayerNorm(40), (2, 40), offset=10)
    batchnorm(f, "bn", 150, nn.BatchNorm1d(7), (5, 7))
    batchnorm(f, "bn_plain", 151, nn.BatchNorm1d(6, affine=False, eps=0.01, momentum=0.3), (4, 6))
    batchnorm(f, "bn_image", 152, nn.BatchNorm2d(3), (2, 3, 5, 4))
    batchnorm(f, "bn_image_plain", 153, nn.BatchNorm2d(17, affine=False), (3, 17, 2, 3))
    batchnorm(f, "bn_far", 154, nn.BatchNorm1d(3), (40, 3), offset=10)

    torch.manual_seed(159)
    z = torch.randn(6, 5)
    z[0, 3], z[2, 0] = float("-inf"), float("-inf")
    loss(f, "cross_entropy_masked", z, torch.tensor([0, 3, 2, 4, 1, 1]),
         nn.CrossEntropyLoss(reduction="none"), nn.CrossEntropyLoss())
    cross_entropy(f, "cross_entropy_smooth", 160, 5, label_smoothing=0.1)
    cross_entropy(f, "cross_entropy_weighted", 161, 5, weight=torch.tensor([1, 0.5, 2, 0, 3]))
    cross_entropy(f, "cross_entropy_both", 162, 11, label_smoothing=0.2, weight=torch.tensor(
        [0.3, 0.5, 2, 1, 3, 1, 1, 0.25, 4, 1, 1.5]))
    by_value(f, "mse", 170, nn.MSELoss, 7, lambda t: t)
    by_value(f, "mse_one", 171, nn.MSELoss, 1, lambda t: t)
    by_value(f, "bce", 172, nn.BCEWithLogitsLoss, 7, torch.sigmoid)
    by_value(f, "bce_one", 173, nn.BCEWithLogitsLoss, 1, lambda t: (t > 0).double())
    by_value(f, "bce_weighted", 174, nn.BCEWithLogitsLoss, 3, torch.sigmoid,
             pos_weight=torch.tensor([2.5]))
