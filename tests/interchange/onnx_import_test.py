"""Nets that PyTorch's exporter writes compute and train here as they do there.

onnx_import_test.py PROGRAM, the program being tests/interchange/onnx_import.cpp.
"""

import copy
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings

import torch
from torch import nn
from torch.nn import functional as F

import tensor_files

PROGRAM = sys.argv.pop(1)
BATCHES = (1, 5, 64)


def save(tensors, path):
    tensor_files.save({name: t.detach().numpy() for name, t in tensors.items()}, path)


def load(path):
    return {name: torch.from_numpy(array) for name, array in tensor_files.load(path).items()}


class Function(nn.Module):
    """A function of the input and the children."""

    def __init__(self, function, **children):
        super().__init__()
        self.function = function
        for name, child in children.items():
            setattr(self, name, child)

    def forward(self, x):
        return self.function(self, x)


class Block(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False),
                                        nn.BatchNorm2d(out))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.downsample(x))


class Attention(nn.Module):
    """Multi-head attention, written out."""

    def __init__(self, size, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)

    def forward(self, x):
        n, t, size = x.shape
        q, k, v = (part.view(n, t, self.heads, size // self.heads).transpose(1, 2)
                   for part in self.qkv(x).chunk(3, dim=-1))
        weights = (q @ k.transpose(-2, -1) / math.sqrt(size // self.heads)).softmax(dim=-1)
        return self.out((weights @ v).transpose(1, 2).reshape(n, t, size))


class Encoder(nn.Module):
    def __init__(self, words, length, size):
        super().__init__()
        self.embedding = nn.Embedding(words, size)
        self.position = nn.Parameter(torch.randn(length, size))
        self.attention = Attention(size, 2)
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.up, self.down = nn.Linear(size, 2 * size), nn.Linear(2 * size, size)

    def forward(self, x):
        x = self.embedding(x) + self.position
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.down(F.gelu(self.up(x)))).mean(dim=1)


def viewed(*shape):
    return Function(lambda m, x: x.view(x.size(0), *shape))


class LearnedState(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 4, batch_first=True)
        self.state = nn.Parameter(torch.randn(1, 1, 4))

    def forward(self, x):
        return self.gru(x, self.state.expand(-1, x.size(0), -1).contiguous())[1][0]


def masked(m, x):
    """A mask, places and a view whose sizes follow from the input."""
    n, t, _ = x.shape
    scores = m.query(x) @ x.transpose(1, 2)
    scores = scores.masked_fill(torch.ones(t, t).tril() == 0, -1e9)
    y = scores.softmax(-1) @ x + torch.arange(t).float().unsqueeze(-1)
    return y.view(n, t // 2, -1).gather(1, y.argmax(1, keepdim=True).clamp(max=t // 2 - 1))


def tokens(n):
    return torch.randint(0, 11, (n, 6))


def images(*shape):
    return lambda n: torch.randn(n, *shape)


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 4, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 5), nn.Tanh(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 10))


def norms():
    return nn.Sequential(
        nn.Conv2d(2, 8, 3), nn.GroupNorm(2, 8), nn.ReLU(), nn.InstanceNorm2d(8, affine=True),
        nn.Conv2d(8, 4, 3), nn.InstanceNorm2d(4), nn.LayerNorm([4, 6, 6]), nn.GroupNorm(1, 4))


def batch_norms():
    return nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), viewed(3, 2), nn.BatchNorm1d(3),
        nn.Conv1d(3, 4, 1), nn.BatchNorm1d(4, eps=1e-3, momentum=0.3),
        nn.BatchNorm1d(4, affine=False), nn.Flatten(), nn.Linear(8, 3))


def depthwise():
    return nn.Sequential(
        nn.Conv2d(3, 6, 1), nn.ReLU6(), nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6),
        nn.Hardswish(), nn.Conv2d(6, 4, (3, 1), padding=(1, 0), dilation=(2, 1), groups=2),
        nn.AdaptiveAvgPool2d(1), Function(lambda m, x: x.view(x.size(0), -1)), nn.Linear(4, 2))


def generator():
    return nn.Sequential(
        viewed(8, 1, 1), nn.ConvTranspose2d(8, 6, 4, bias=False), nn.BatchNorm2d(6),
        nn.ReLU(), nn.ConvTranspose2d(6, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU(),
        nn.ConvTranspose2d(4, 1, 3, 2, 1, output_padding=1), nn.Tanh())


ACTIVATIONS = [
    nn.ReLU(), nn.LeakyReLU(0.2), nn.ELU(0.7), nn.SELU(), nn.CELU(1.3), nn.GELU(), nn.PReLU(),
    nn.Sigmoid(), nn.Tanh(), nn.Softplus(), nn.Softsign(), nn.Hardsigmoid(), nn.Hardswish(),
    nn.SiLU(), nn.Mish(), nn.ReLU6(), nn.Hardtanh(-0.5, 0.8), nn.LogSigmoid(), nn.GLU(),
    nn.Tanhshrink(), nn.Hardshrink(0.3), nn.Softshrink(0.2), nn.PReLU(3)]


def activations():
    return nn.Sequential(nn.Linear(4, 6), Function(
        lambda m, x: torch.cat([f(x.view(-1, 3, 2)).flatten(1) for f in m.list], 1),
        list=nn.ModuleList(copy.deepcopy(ACTIVATIONS))), nn.Softmax(dim=-1))


def arithmetic():
    def function(m, x):
        y = x * m.scale + 1.5
        y = torch.where(y > 0, y.exp().clamp(max=3), -y.abs().sqrt())
        y = torch.cat([y.pow(2), y.pow(3) / 2, (y * y + 1).log(), y.sin() - y.cos()], dim=1)
        y = y.permute(0, 2, 1)[:, 1:, ::2]
        z = torch.max(y, y.mean(dim=-1, keepdim=True)) + torch.min(y, -y)
        z = z + y.amax(dim=1, keepdim=True) - y.sum(dim=(1, 2), keepdim=True)
        first, second = z.split([1, z.size(1) - 1], dim=1)
        w = F.pad(second, (1, 2), value=0.5) + first[:, :, :1].expand(-1, second.size(1), 1)
        w = w / w.norm(dim=1, keepdim=True) + torch.erf(w) * (10 * w).floor()
        return w.reshape(-1, w.size(1) * w.size(2)).log_softmax(dim=1)

    net = Function(function)
    net.scale = nn.Parameter(torch.rand(4) + 0.5)
    return net


def padded():
    return nn.Sequential(
        nn.ReflectionPad2d((1, 2, 0, 1)), nn.Conv2d(2, 3, 3), nn.ReplicationPad2d(1),
        nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.Conv2d(3, 2, 3, padding=1),
        nn.AvgPool2d(3, 2, 1, count_include_pad=False), nn.ZeroPad2d((1, 0, 2, 0)),
        nn.AvgPool2d(2, 1, padding=1), nn.AdaptiveMaxPool2d(1), nn.Flatten(1))


def upsampling():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(3, 2, 3),
        nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(2, 2, 3),
        nn.Upsample(size=(7, 9), mode="bilinear", align_corners=True),
        nn.Conv2d(2, 4, 1), nn.PixelShuffle(2))


def volume():
    return nn.Sequential(
        nn.Conv3d(1, 2, 3, padding=1), nn.BatchNorm3d(2), nn.ReLU(), nn.MaxPool3d(2),
        nn.ConvTranspose3d(2, 2, 2, 2), nn.AvgPool3d(2), nn.Flatten(), nn.Linear(16, 2))


def signal():
    return nn.Sequential(
        nn.Conv1d(2, 4, 3, stride=2), nn.ReLU(), nn.ConvTranspose1d(4, 3, 3, 2), nn.MaxPool1d(2),
        nn.AvgPool1d(2), nn.Flatten(), nn.Linear(9, 2), nn.Dropout(0.5))


def recurrent(kind, **options):
    return nn.Sequential(
        Function(lambda m, x: m.rnn(x)[0], rnn=kind(3, 4, **options)),
        Function(lambda m, x: x[:, -1] if options.get("batch_first") else x.transpose(0, 1).flatten(1)))


def steps(n):
    return torch.randn(5, n, 3)


LSTM, GRU, RNN = nn.LSTM, nn.GRU, nn.RNN
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
# Net, its input, opsets, and for a batch that is not the first dimension its place.
NETS = {
    "lenet": (lenet, images(1, 14, 14), (9, 13)),
    "block": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), Block(4, 6, 2), nn.AdaptiveAvgPool2d(1),
                                    nn.Flatten(), nn.Linear(6, 3)), images(3, 10, 10), (11, 14)),
    "norms": (norms, images(2, 10, 10), (10, 17)),
    "batch_norms": (batch_norms, images(4), (9, 15)),
    "depthwise": (depthwise, images(3, 8, 8), (12, 14)),
    "generator": (generator, images(8), (13, 16)),
    "activations": (activations, images(4), (12, 14, 17)),
    "arithmetic": (arithmetic, images(6, 4), (11, 13, 17)),
    "padded": (padded, images(2, 9, 9), (11, 16)),
    "upsampling": (upsampling, images(1, 6, 6), (11, 13)),
    "volume": (volume, images(1, 4, 4, 4), (13,)),
    "signal": (signal, images(2, 14), (9, 17)),
    "encoder": (lambda: Encoder(11, 6, 8), tokens, (12, 17)),
    "transformer": (lambda: nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True, norm_first=True),
                    images(5, 4), (13, 15, 17)),
    "masked": (lambda: Function(masked, query=nn.Linear(4, 4)), images(6, 4), (14, 17)),
    "learned_state": (LearnedState, images(5, 3), (14, 16)),
    "lstm": (lambda: recurrent(LSTM, batch_first=True), images(5, 3), (9, 14)),
    "lstm_both": (lambda: recurrent(LSTM, num_layers=2, bidirectional=True), steps, (13,), 1),
    "gru": (lambda: recurrent(GRU, batch_first=True), images(5, 3), (11, 17)),
    "gru_both": (lambda: recurrent(GRU, bidirectional=True, bias=False), steps, (14,), 1),
    "rnn": (lambda: recurrent(RNN, nonlinearity="relu", batch_first=True), images(5, 3), (13,)),
}
# Values decide in these what is computed, which is not on a tape, or a weight is repeated by the batch.
NOT_WRITTEN = {"activations", "arithmetic", "learned_state", "masked"}
# How it is exported: constants folded and batch norms merged, or as it is, evaluating or training.
MODES = ("folded", "whole", "training")


def export(net, x, mode, opset, batch_dim, path):
    options = {"training": torch.onnx.TrainingMode.EVAL} if mode == "folded" else {
        "training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
    net = copy.deepcopy(net)
    net.train(mode == "training")
    torch.onnx.export(net, (x,), str(path), opset_version=opset, input_names=["input"],
                      dynamic_axes={"input": {batch_dim: "batch"}}, **options)
    return net


def disturb(net):
    """Gives every tensor of a net values of its own, statistics too."""
    with torch.no_grad():
        for name, t in net.state_dict().items():
            if t.is_floating_point():
                t.add_(0.2 * torch.rand(t.shape) if "var" in name else 0.1 * torch.randn(t.shape))


def train(net, x, y):
    """Two steps in float64; their losses."""
    losses = []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        loss = (net(x) - y).square().mean()
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return torch.tensor(losses, dtype=torch.float64)


class Case:
    def __init__(self, folder, name, mode, opset, fresh=False):
        make, make_input, _, *rest = NETS[name]
        self.net, self.mode = make(), mode
        if not fresh:
            disturb(self.net)
        for module in self.net.modules():  # whose numbers would differ
            if isinstance(module, nn.Dropout):
                module.p = 0
        self.folder = folder / f"{name}-{mode}-{opset}{'-fresh' if fresh else ''}"
        self.folder.mkdir()
        self.inputs = {f"x{n}": make_input(n) for n in BATCHES}
        self.train_x = make_input(4)
        # In training mode exporting updates running statistics.
        self.net = export(self.net, make_input(3), mode, opset, rest[0] if rest else 0,
                          self.folder / "net.onnx")
        self.double = copy.deepcopy(self.net).double()
        with torch.no_grad():
            y = self.double.eval()(self.real(self.train_x))
        self.train_y = y + torch.randn(y.shape, dtype=torch.float64)
        save(self.inputs | {"train_x": self.train_x, "train_y": self.train_y,
                            "mode": torch.tensor(int(mode == "training")),
                            "batch_dim": torch.tensor(rest[0] if rest else 0)},
             self.folder / "inputs.safetensors")

    @staticmethod
    def real(x):
        return x.double() if x.is_floating_point() else x


class OnnxImportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.manual_seed(0)
        warnings.filterwarnings("ignore")
        cls.temporary = tempfile.TemporaryDirectory(dir=tensor_files.MEMORY)
        folder = pathlib.Path(cls.temporary.name)
        cls.cases = []
        for name, (_, _, opsets, *_) in NETS.items():
            for i, mode in enumerate(MODES):
                cls.cases += [Case(folder, name, mode, opset) for opset in opsets[i % len(opsets):][:1]]
        # Equal tensors, those of new norms, are one in the file.
        cls.cases.append(Case(folder, "encoder", "folded", 13, fresh=True))
        cls.cases.append(Case(folder, "activations", "whole", 17))
        cls.result = subprocess.run([PROGRAM, folder], capture_output=True, text=True)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def outputs_of(self, case):
        if not (case.folder / "outputs.safetensors").exists():
            self.fail("".join(line for line in self.result.stderr.splitlines(True)
                              if line.startswith(case.folder.name + ":")))
        return load(case.folder / "outputs.safetensors")

    def check_close(self, found, expected, tolerance, what):
        self.assertEqual(found.shape, expected.shape, what)
        error = (found - expected).abs().max().item()
        self.assertLessEqual(error, tolerance * expected.abs().max().item(), what)

    def test_outputs_agree_for_all_sizes_of_a_batch(self):
        for case in self.cases:
            for n in BATCHES:
                with self.subTest(case.folder.name, batch=n):
                    self.check_outputs(case, self.outputs_of(case), n)

    def check_outputs(self, case, outputs, n):
        x = case.inputs[f"x{n}"]
        with torch.no_grad():
            expected, exact = case.net.eval()(x), case.double.eval()(case.real(x))
        self.check_close(outputs[f"y{n}"], expected, 1e-5, "float32")
        # What was folded and merged was so in float32.
        self.check_close(outputs[f"z{n}"], exact, 1e-5 if case.mode == "folded" else 1e-8, "float64")

    def test_nets_can_be_written_again(self):
        refused = set()
        for case in self.cases:
            with self.subTest(case.folder.name):
                outputs = self.outputs_of(case)
                if "r1" not in outputs:
                    refused.add(case.folder.name.split("-")[0])
                    continue
                for n in BATCHES:
                    self.check_close(outputs[f"r{n}"], outputs[f"y{n}"], 1e-5, f"batch of {n}")
        self.assertEqual(refused, NOT_WRITTEN)

    def test_training_agrees(self):
        for case in self.cases:
            with self.subTest(case.folder.name):
                self.check_training(case, self.outputs_of(case))

    def check_training(self, case, outputs):
        net = copy.deepcopy(case.double).train(case.mode == "training")
        losses = train(net, case.real(case.train_x), case.train_y)
        folded = case.mode == "folded"
        tolerance = 1e-5 if folded else 1e-8
        if folded and any(isinstance(m, BATCH_NORMS) for m in net.modules()):
            losses = losses[:1]  # merged norms leave other parameters
        self.check_close(outputs["losses"][:len(losses)], losses, tolerance, "losses")
        if folded and not case.folder.name.startswith("lenet"):
            return  # transposed weights, for example, get other names
        state = {k[6:]: v for k, v in outputs.items() if k.startswith("state.")}
        expected = net.state_dict()
        self.assertEqual(sorted(state), sorted(expected))
        for name, value in expected.items():
            if name.endswith("num_batches_tracked"):  # a file does not say it
                self.assertEqual(state[name].item(), 2 if case.mode == "training" else 0)
            else:
                self.check_close(state[name].double(), value.double(), tolerance, name)


if __name__ == "__main__":
    unittest.main()
