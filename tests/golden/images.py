#!/usr/bin/python3
"""Writes images.txt beside it: outputs and gradients of torch.nn's layers for images, in double.

Run by hand, with Debian's python3-torch; test_golden_images.c compares. A line is a name and its
values in PyTorch's order, channels first, weights [out, in / groups, height, width]. Each case has
a seed of its own, so that a new one leaves the others as they are.
"""
import os

import torch
from torch import nn

torch.set_default_dtype(torch.float64)
out = []


def case(name, seed, net, shape, change=None):
    torch.manual_seed(seed)
    for p in net.parameters():
        p.data.normal_()
    x = torch.randn(shape).float().double()
    x = (change(x) if change else x).requires_grad_()
    y = net(x)
    dy = torch.randn_like(y)
    y.backward(dy)
    rows = [("x", x), ("y", y), ("dy", dy), ("dx", x.grad)]
    for key, p in zip("wb", net.parameters()):
        rows += [(key, p), ("d" + key, p.grad)]
    for key, v in rows:
        out.append(name + "." + key + "".join(" %.17g" % float(e) for e in v.detach().flatten()))


def odd(x):
    """Many equal values, infinities, and no two NaN in one window."""
    x = (2 * x).round()
    x[0, 0, 1, 2] = x[1, 1, 4, 4] = float("nan")
    x[0, 1, 0:3, 0:3] = -float("inf")
    x[1, 0, 3, 3] = float("inf")
    return x


case("conv", 1, nn.Conv2d(3, 4, 3), (2, 3, 7, 6))
case("conv_gray", 2, nn.Conv2d(1, 9, 3), (3, 1, 6, 5))
case("conv_same", 3, nn.Conv2d(2, 3, (3, 2), padding="same"), (2, 2, 5, 6))
case("conv_same_apart", 4, nn.Conv2d(2, 3, (4, 3), padding="same", dilation=(1, 2)), (2, 2, 5, 6))
case("conv_stride", 5, nn.Conv2d(3, 8, 5, stride=2, padding=(1, 2)), (2, 3, 8, 9))
case("conv_strides", 6, nn.Conv2d(2, 3, (1, 3), stride=(3, 2), padding=(0, 1)), (2, 2, 8, 7))
case("conv_dilated", 7, nn.Conv2d(2, 3, 3, dilation=2, padding=2), (2, 2, 6, 7))
case("conv_groups", 8, nn.Conv2d(4, 6, 3, groups=2, padding=1), (2, 4, 5, 4))
case("conv_alone", 9, nn.Conv2d(8, 8, 3, groups=8, padding=1), (2, 8, 4, 5))
case("conv_pixel", 10, nn.Conv2d(5, 17, 1, bias=False), (2, 5, 3, 4))
case("maxpool", 11, nn.MaxPool2d(2), (2, 3, 6, 7))
case("maxpool_over", 12, nn.MaxPool2d(3, stride=2, padding=1), (2, 3, 7, 6))
case("maxpool_flat", 13, nn.MaxPool2d((2, 3), stride=(1, 2)), (2, 2, 5, 7))
case("maxpool_odd", 14, nn.MaxPool2d(2), (2, 2, 6, 6), odd)
case("avgpool", 15, nn.AvgPool2d(2), (2, 3, 6, 7))
case("avgpool_over", 16, nn.AvgPool2d(3, stride=2, padding=1), (2, 3, 7, 6))
case("avgpool_inside", 17, nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), (2, 3, 7, 6))
case("global", 18, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), (3, 5, 4, 3))

with open(os.path.join(os.path.dirname(__file__), "images.txt"), "w") as f:
    f.write("\n".join(out) + "\n")
