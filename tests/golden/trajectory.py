#!/usr/bin/python3
"""Writes trajectory.txt beside it: the first 300 steps of configs/mlp_baseline.yaml in PyTorch.

Run by hand, with Debian's python3-torch and libopenblas0-pthread; test_trajectory.c compares. Initial
weights, split and order are drawn here as core/base/rng.c, core/model/params.c, core/train/data.c
and core/train/trainer.c draw them, so that both start alike. A line is a name and its values.

Then the same in double, which is printed only: how far float by itself strays is what the bounds of
test_trajectory.c are to be seen against.
"""
import gzip
import os

import numpy
import torch

SPLIT_SEED, TRAIN, BATCH, STEPS = 0, 54000, 64, 300
SPLIT, SHUFFLE, INIT = 1, 2, 3  # enum rng_purpose
LIMIT = BATCH * STEPS  # data.limit.train: so that the epoch is over with the last step
# Seeds with which no ReLU stands so near to 0 that rounding decides, see test_trajectory.c.
SEEDS = {"momentum": 5, "adam": 10}
SHOWN = (0, 1, 10, 100, 300)
SAMPLE, STRIDE = 200, 7919  # the elements that are compared: k * STRIDE % n
SIZES = (784, 256, 128, 10)
HERE = os.path.dirname(os.path.abspath(__file__))

U32 = numpy.uint64(0xFFFFFFFF)
SHIFT = numpy.uint64(32)


def philox(key, hi, lo):
    """rn_philox() of arrays: four arrays of 32 bits, in 64."""
    key, hi, lo = numpy.broadcast_arrays(*(numpy.asarray(v, dtype=numpy.uint64) for v in (key, hi, lo)))
    c0, c1, c2, c3, k0, k1 = lo & U32, lo >> SHIFT, hi & U32, hi >> SHIFT, key & U32, key >> SHIFT
    for _ in range(10):
        p0, p1 = numpy.uint64(0xD2511F53) * c0, numpy.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (p1 >> SHIFT) ^ c1 ^ k0, p1 & U32, (p0 >> SHIFT) ^ c3 ^ k1, p0 & U32
        k0, k1 = (k0 + numpy.uint64(0x9E3779B9)) & U32, (k1 + numpy.uint64(0xBB67AE85)) & U32
    return c0, c1, c2, c3


def rng_key(seed, purpose, index):
    v = philox(seed, purpose, index)
    return int(v[0]) | int(v[1]) << 32


def uniform(key, n):
    v = philox(key, 0, numpy.arange((n + 3) // 4))
    return ((numpy.stack(v, 1).reshape(-1)[:n] >> numpy.uint64(8)) * 2.0 ** -24).astype(numpy.float32)


def shuffled(key, v):
    """rng_shuffle(): Fisher and Yates, with Lemire's numbers below i + 1."""
    v = list(v)
    i = numpy.arange(len(v), dtype=numpy.uint64)
    n = i + numpy.uint64(1)
    drawn = numpy.stack(philox(key, 0, i), 1) * n[:, None]
    good = (drawn & U32) >= (((numpy.uint64(1) << SHIFT) - n) % n)[:, None]
    assert good.any(1)[1:].all()
    j = numpy.take_along_axis(drawn >> SHIFT, good.argmax(1)[:, None], 1)[:, 0].tolist()
    for at in range(len(v) - 1, 0, -1):
        v[at], v[j[at]] = v[j[at]], v[at]
    return v


def initial(seed):
    """Weights as [in, out], and biases, in the order of the parameters."""
    out = []
    for n_in, n_out in zip(SIZES, SIZES[1:]):
        for shape in ((n_in, n_out), (n_out,)):
            u = uniform(rng_key(seed, INIT, len(out)), int(numpy.prod(shape))).astype(numpy.float64)
            out.append(((2 * u - 1) * (1 / numpy.sqrt(n_in))).astype(numpy.float32).reshape(shape))
    return out


def batches(seed):
    def idx(name, head):
        with gzip.open(os.path.join(HERE, "../../data/mnist", name)) as f:
            return numpy.frombuffer(f.read(), dtype=numpy.uint8, offset=head)

    images = idx("train-images-idx3-ubyte.gz", 16).reshape(-1, SIZES[0])
    labels = idx("train-labels-idx1-ubyte.gz", 8)
    chosen = shuffled(rng_key(SPLIT_SEED, SPLIT, 0), range(len(labels)))[:TRAIN][:LIMIT]
    order = shuffled(rng_key(seed, SHUFFLE, 1), chosen)
    scale = numpy.float32(1 / 255 / 0.3081)
    shift = numpy.float32(-0.1307 / 0.3081)
    for at in range(0, LIMIT, BATCH):
        rows = order[at:at + BATCH]
        yield (torch.from_numpy(images[rows].astype(numpy.float32) * scale + shift),
               torch.from_numpy(labels[rows].astype(numpy.int64)))


def train(optimizer, start, data, dtype):
    """The losses, and for each of SHOWN the parameters in our layout."""
    layers = [torch.nn.Linear(a, b, dtype=dtype) for a, b in zip(SIZES, SIZES[1:])]
    params = [p for layer in layers for p in (layer.weight, layer.bias)]
    model = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    opt = optimizer(params)
    with torch.no_grad():
        for p, v in zip(params, start):
            p.copy_(torch.from_numpy(v.T.copy()))
    losses, shown = [], {}
    for step in range(STEPS + 1):
        if step in SHOWN:
            shown[step] = [p.detach().numpy().astype(numpy.float64).T.reshape(-1).copy() for p in params]
        if step == STEPS:
            break
        x, y = data[step]
        opt.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x.to(dtype)), y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses, shown


def main():
    torch.set_num_threads(1)
    cases = {"momentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
             "adam": lambda p: torch.optim.Adam(p, lr=1e-3)}
    with open(os.path.join(HERE, "trajectory.txt"), "w", encoding="ascii") as out:
        out.write("# by trajectory.py, PyTorch %s\n" % torch.__version__.split("a")[0])
        for name, optimizer in cases.items():
            seed = SEEDS[name]
            start, data = initial(seed), list(batches(seed))
            losses, shown = train(optimizer, start, data, torch.float32)
            exact, exactly = train(optimizer, start, data, torch.float64)
            out.write("%s.seed %d\n" % (name, seed))
            out.write("%s.loss %s\n" % (name, " ".join("%.9g" % v for v in losses)))
            for step, params in shown.items():
                for i, p in enumerate(params):
                    some = p[numpy.arange(min(len(p), SAMPLE)) * STRIDE % len(p)]
                    out.write("%s.%d.%d %s\n" % (name, step, i, " ".join("%.9g" % v for v in some)))
                    out.write("%s.%d.%d.squares %.17g\n" % (name, step, i, (p * p).sum()))
                both = numpy.concatenate(params), numpy.concatenate(exactly[step])
                print("%s, step %3d: float is off double by %.1e at most, NMSE %.1e, loss %.1e" % (
                    name, step, abs(both[0] - both[1]).max(),
                    ((both[0] - both[1]) ** 2).sum() / (both[1] ** 2).sum(),
                    max([abs(a - b) for a, b in zip(losses[:step], exact)] or [0])))


main()
