"""Holds exported models against what the runner itself says of the same samples; see export.sh."""

import gzip
import json
import pathlib
import struct
import subprocess
import sys

import numpy

BUILD = pathlib.Path(sys.argv[1])
OUT = BUILD / "export"
SAMPLES = 40
LIMIT = 1e-5  # of a score, or of the largest one when that is above 1

MLP = """
    - flatten
    - {type: dense, units: 32}
    - relu
    - {type: dense, units: 16, bias: false}
    - tanh
    - {type: dense, units: 10, name: scores}
"""
CNN = """
    - {type: conv2d, filters: 8, kernel: 3, padding: 1, bias: false}
    - batchnorm
    - relu
    - maxpool2d
    - {type: conv2d, filters: 16, kernel: [3, 2], stride: [2, 1], dilation: [1, 2], padding: [1, 0], groups: 4}
    - {type: batchnorm, affine: false}
    - {type: leaky_relu, negative_slope: 0.1}
    - {type: maxpool2d, size: 3, stride: 2, padding: 1}
    - flatten
    - {type: dropout, rate: 0.2}
    - {type: dense, units: 24}
    - layernorm
    - gelu
    - {type: dense, units: 10}
    - softmax
"""
RESIDUAL = """
    - {type: conv2d, filters: 6, kernel: 4, padding: same}
    - {type: elu, alpha: 0.7}
    - type: residual
      layers:
        - {type: conv2d, filters: 8, kernel: 3, padding: same}
        - batchnorm
        - relu
        - {type: conv2d, filters: 8, kernel: 3, padding: same}
      shortcut:
        - {type: conv2d, filters: 8, kernel: 1}
    - silu
    - {type: avgpool2d, size: 3, stride: 2, padding: 1, count_include_pad: false}
    - type: residual
      layers: [{type: conv2d, filters: 8, kernel: 3, padding: 1}, sigmoid]
    - layernorm
    - {type: avgpool2d, size: 2, padding: 1}
    - {type: gelu, approximate: tanh}
    - global_avgpool2d
    - {type: dense, units: 10}
"""
COLOUR = """
    - {type: conv2d, filters: 6, kernel: 3}
    - batchnorm
    - relu
    - flatten
    - layernorm
    - {type: dense, units: 4}
"""
NETS = {"mlp": MLP, "cnn": CNN, "residual": RESIDUAL, "colour": COLOUR}
NORMALIZE = {"mean": [0.1307], "std": [0.3081]}
NORMALIZE_COLOUR = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.25]}


def runner(*words):
    return subprocess.run([str(BUILD / "runner"), *map(str, words)], check=True, text=True, capture_output=True).stdout


def folder(name):
    return (OUT / "reports" / name / "latest").resolve()


def export(name, format):
    return pathlib.Path(runner("export", folder(name), "--to", format).strip())


def pictures(name):
    """Bytes, [n, channels, height, width]."""
    if name.startswith("colour"):
        return numpy.random.default_rng(5).integers(0, 256, (SAMPLES, 3, 7, 9), numpy.uint8)
    data = gzip.open("data/mnist/t10k-images-idx3-ubyte.gz").read()[16 : 16 + SAMPLES * 784]
    return numpy.frombuffer(data, numpy.uint8).reshape(SAMPLES, 1, 28, 28)


def raw(name):
    """As data sets have them: channels last."""
    return numpy.ascontiguousarray(pictures(name).transpose(0, 2, 3, 1)).tobytes()


def wanted(name):
    file = OUT / "samples.bin"
    file.write_bytes(raw(name))
    text = subprocess.run([str(BUILD / "tests/full/scores"), str(folder(name)), str(file)], check=True, text=True,
                          capture_output=True).stdout
    return numpy.array([line.split() for line in text.splitlines()], numpy.float64)


def alike(name, what, got):
    want = wanted(name)
    worst = numpy.abs(got - want).max() / max(1, numpy.abs(want).max())
    assert got.shape == want.shape and worst < LIMIT, (name, what, got.shape, want.shape, worst)
    print(f"{name:14} {what:12} {worst:.1e}")


def data_of(name):
    if not name.startswith("colour"):
        return f"{{type: mnist, path: {pathlib.Path('data/mnist').resolve()}, limit: {{train: 2000, val: 200}},"
    random = numpy.random.default_rng(6)
    numpy.save(OUT / "x.npy", random.integers(0, 256, (300, 7, 9, 3), numpy.uint8))
    numpy.save(OUT / "y.npy", numpy.arange(300) % 4)
    return f"{{type: npy, x: x.npy, y: y.npy,"


def normalize_of(name):
    return NORMALIZE_COLOUR if name.startswith("colour") else NORMALIZE


def train():
    for name, layers in NETS.items():
        file = OUT / f"{name}.yaml"
        file.write_text(
            f"name: {name}\nseed: 2\ndata: {data_of(name)}\n  normalize: {json.dumps(normalize_of(name))}}}\n"
            f"model:\n  layers:{layers}loss: cross_entropy\noptimizer: adam\ntrain: {{epochs: 1}}\nreporters: []\n"
        )
        runner(file, "-q", "-o", OUT / "reports")


# ---- PyTorch, numpy -----------------------------------------------------------------------------


def read_safetensors(file):
    data = file.read_bytes()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8 : 8 + n])
    meta = head.pop("__metadata__")
    begin = 8 + n
    return meta, {
        k: numpy.frombuffer(data[begin + v["data_offsets"][0] : begin + v["data_offsets"][1]], "<f4").reshape(v["shape"])
        for k, v in head.items()
    }


def torch_nets():
    from collections import OrderedDict

    from torch import nn

    class Sum(nn.Module):
        def __init__(self, layers, shortcut=None):
            super().__init__()
            self.layers = layers
            if shortcut:
                self.shortcut = shortcut

        def forward(self, x):
            return self.layers(x) + (self.shortcut(x) if hasattr(self, "shortcut") else x)

    def chain(**layers):
        return nn.Sequential(OrderedDict(layers))

    class Mean(nn.Module):
        def forward(self, x):
            return x.mean((2, 3))

    return {
        "mlp": chain(flatten1=nn.Flatten(), dense1=nn.Linear(784, 32), relu1=nn.ReLU(),
                     dense2=nn.Linear(32, 16, bias=False), tanh1=nn.Tanh(), scores=nn.Linear(16, 10)),
        "cnn": chain(conv2d1=nn.Conv2d(1, 8, 3, padding=1, bias=False), batchnorm1=nn.BatchNorm2d(8), relu1=nn.ReLU(),
                     maxpool2d1=nn.MaxPool2d(2),
                     conv2d2=nn.Conv2d(8, 16, (3, 2), (2, 1), dilation=(1, 2), padding=(1, 0), groups=4),
                     batchnorm2=nn.BatchNorm2d(16, affine=False), leaky_relu1=nn.LeakyReLU(0.1),
                     maxpool2d2=nn.MaxPool2d(3, 2, 1), flatten1=nn.Flatten(), dropout1=nn.Dropout(0.2),
                     dense1=nn.Linear(16 * 4 * 6, 24), layernorm1=nn.LayerNorm(24), gelu1=nn.GELU(),
                     dense2=nn.Linear(24, 10), softmax1=nn.Softmax(-1)),
        "residual": chain(
            conv2d1=nn.Conv2d(1, 6, 4, padding="same"), elu1=nn.ELU(0.7),
            residual1=Sum(chain(conv2d1=nn.Conv2d(6, 8, 3, padding="same"), batchnorm1=nn.BatchNorm2d(8),
                                relu1=nn.ReLU(), conv2d2=nn.Conv2d(8, 8, 3, padding="same")),
                          chain(conv2d1=nn.Conv2d(6, 8, 1))),
            silu1=nn.SiLU(), avgpool2d1=nn.AvgPool2d(3, 2, 1, count_include_pad=False),
            residual2=Sum(chain(conv2d1=nn.Conv2d(8, 8, 3, padding=1), sigmoid1=nn.Sigmoid())),
            layernorm1=nn.LayerNorm([8, 14, 14]), avgpool2d2=nn.AvgPool2d(2, padding=1),
            gelu1=nn.GELU(approximate="tanh"), global1=Mean(), dense1=nn.Linear(8, 10)),
        "colour": chain(conv2d1=nn.Conv2d(3, 6, 3), batchnorm1=nn.BatchNorm2d(6), relu1=nn.ReLU(),
                        flatten1=nn.Flatten(), layernorm1=nn.LayerNorm(210), dense1=nn.Linear(210, 4)),
    }


def with_torch():
    import torch

    for name, net in torch_nets().items():
        meta, tensors = read_safetensors(export(name, "safetensors"))
        means = normalize_of(name)
        assert all(json.loads(meta[f"normalize.{k}"]) == v for k, v in means.items())
        assert meta["run"] == folder(name).name, meta
        assert json.loads(meta["class_names"])[:2] == ["0", "1"] and meta["format"] == "pt", meta
        net.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in tensors.items()}, strict=True)
        net.eval()
        mean, std = (torch.tensor(means[k]).double().reshape(1, -1, 1, 1) for k in ("mean", "std"))
        x = (torch.from_numpy(pictures(name).copy()).double() / 255 - mean) / std
        with torch.no_grad():
            alike(name, "torch", net.double()(x).numpy())
        with numpy.load(export(name, "npz")) as archive:
            assert list(archive) == list(tensors)
            assert all(numpy.array_equal(archive[k], v) and archive[k].dtype == "<f4" for k, v in tensors.items())
        print(f"{name:14} numpy        the same {len(tensors)} tensors")


def write_safetensors(file, tensors):
    """As the package safetensors does it."""
    types, head, at = {"float32": "F32", "int64": "I64"}, {}, 0
    for name, t in tensors.items():
        head[name] = {"dtype": types[str(t.dtype)], "shape": list(t.shape), "data_offsets": [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t.tobytes() for t in tensors.values()))


def from_torch():
    """A run that starts from PyTorch's weights and learns nothing scores as PyTorch does."""
    import torch

    for name, net in torch_nets().items():
        tensors = {k: v.numpy() for k, v in net.state_dict().items()}
        write_safetensors(OUT / "theirs.safetensors", tensors)
        runner(OUT / f"{name}.yaml", "-q", "-o", OUT / "reports", "train.init_from=" + str(OUT / "theirs.safetensors"),
               "optimizer=sgd", "optimizer.lr=1e-30", f"name={name}_again")
        meta, mine = read_safetensors(export(f"{name}_again", "safetensors"))
        counters = [k for k in tensors if k.endswith("num_batches_tracked")]
        assert set(mine) == set(tensors) - set(counters), (list(mine), list(tensors))
        learned = [k for k in mine if ".running_" not in k]
        assert all(numpy.allclose(mine[k], tensors[k], rtol=0, atol=1e-20) for k in learned)
        net.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in mine.items()})
        net.eval()
        means = normalize_of(name)
        mean, std = (torch.tensor(means[k]).double().reshape(1, -1, 1, 1) for k in ("mean", "std"))
        with torch.no_grad():
            x = (torch.from_numpy(pictures(name).copy()).double() / 255 - mean) / std
            alike(f"{name}_again", "from torch", net.double()(x).numpy())


# ---- C ------------------------------------------------------------------------------------------


def with_c():
    for name in NETS:
        source = export(name, "c")
        program = OUT / name
        subprocess.run(["cc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2", f"-D{name.upper()}_MAIN",
                        source, "-o", program, "-lm"], check=True)
        out = subprocess.run([program], input=raw(name), check=True, capture_output=True).stdout
        alike(name, "C", numpy.array([line.split() for line in out.splitlines()], numpy.float64))


# ---- ONNX ---------------------------------------------------------------------------------------


def with_onnx():
    import onnx
    import onnxruntime

    for name in NETS:
        file = export(name, "onnx")
        model = onnx.load(file)
        onnx.checker.check_model(model, full_check=True)
        meta = {p.key: p.value for p in model.metadata_props}
        assert meta["run"] == folder(name).name and json.loads(meta["class_names"])[0] == "0", meta
        assert model.ir_version == 7 and [(o.domain, o.version) for o in model.opset_import] == [("", 13)]
        assert (model.graph.node[-1].op_type == "Softmax") == (name == "cnn")
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        x = (pictures(name) / 255).astype(numpy.float32)
        assert session.get_inputs()[0].shape == ["batch", *x.shape[1:]], session.get_inputs()[0].shape
        alike(name, "onnxruntime", session.run(["scores"], {"input": x})[0])
        assert session.run(["scores"], {"input": x[:1]})[0].shape[0] == 1


for mode in sys.argv[2:]:
    {"train": train, "torch": with_torch, "from_torch": from_torch, "c": with_c, "onnx": with_onnx}[mode]()
