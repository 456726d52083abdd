"""A net goes to PyTorch and back with the functions that docs/from-pytorch.md shows.

pytorch_test.py PROGRAM DOCUMENT, the program being tests/interchange/main.cpp.
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import torch
from torch import nn

from document import functions_of

PROGRAM, DOCUMENT = sys.argv[1:3]
del sys.argv[1:3]

save, load = functions_of(DOCUMENT)


def make_net():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(),
        nn.Linear(8 * 6 * 6, 10))


def train(net):
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(8):
        x, y = 3 * torch.randn(32, 1, 28, 28) + 1, torch.randint(0, 10, (32,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()


class PytorchTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)

    def tearDown(self):
        self.temporary.cleanup()

    def run_program(self, command):
        result = subprocess.run([PROGRAM, command, self.folder], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)

    def check_close(self, found, expected):
        self.assertGreater(expected.std().item(), 0.1)  # something was learned and is compared
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)

    def test_a_net_trained_here_gives_the_same_logits_there(self):
        self.run_program("train")
        net = make_net()
        net.load_state_dict(load(self.folder / "weights.safetensors"))
        self.assertEqual(net[1].num_batches_tracked.item(), 8)
        batch = load(self.folder / "batch.safetensors")
        with torch.no_grad():
            self.check_close(net.eval()(batch["x"]), batch["logits"])

    def test_a_net_trained_there_gives_the_same_logits_here(self):
        net = make_net()
        train(net)
        x = torch.randn(16, 1, 28, 28)
        save(net.state_dict(), self.folder / "weights.safetensors")
        save({"x": x}, self.folder / "batch.safetensors")
        self.run_program("logits")
        with torch.no_grad():
            self.check_close(load(self.folder / "logits.safetensors")["logits"], net.eval()(x))

    def test_the_functions_of_the_readme_undo_each_other(self):
        state = {"f": torch.randn(2, 3).t(), "d": torch.randn(3, dtype=torch.float64),
                 "n": torch.tensor(7), "i": torch.tensor([1, 2], dtype=torch.int32),
                 "u": torch.tensor([0, 255], dtype=torch.uint8), "b": torch.tensor([True, False]),
                 "none": torch.zeros(0, 4)}
        save(state, self.folder / "x.safetensors")
        loaded = load(self.folder / "x.safetensors")
        self.assertEqual(list(loaded), list(state))
        for name, tensor in state.items():
            self.assertEqual(loaded[name].dtype, tensor.dtype)
            self.assertEqual(loaded[name].shape, tensor.shape)
            self.assertTrue(torch.equal(loaded[name], tensor))


if __name__ == "__main__":
    unittest.main()
