"""What torch.save writes is read here, with every value, or refused by name.

pytorch_file_test.py PROGRAM DOCUMENT, the program being tests/interchange/main.cpp.
"""

import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import zipfile

import torch
from torch import nn

from document import functions_of

PROGRAM, DOCUMENT = sys.argv[1:3]
del sys.argv[1:3]

_, load_safetensors = functions_of(DOCUMENT)

# What a type becomes that there is not here.
BECOMES = {torch.float16: torch.float32, torch.bfloat16: torch.float32, torch.int8: torch.int32,
           torch.int16: torch.int32}


def make_net():
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 4))


class PytorchFileTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.path = self.folder / "x.pt"

    def tearDown(self):
        self.temporary.cleanup()

    def run_program(self, prefix=""):
        target = self.folder / "x.safetensors"
        return target, subprocess.run([PROGRAM, "from_pytorch", self.path, target, prefix],
                                      capture_output=True, text=True)

    def load(self, prefix=""):
        target, result = self.run_program(prefix)
        self.assertEqual(result.returncode, 0, result.stderr)
        return load_safetensors(target)

    def check(self, expected, prefix=""):
        """Names and bits are these, apart from what is converted to another type."""
        found = self.load(prefix)
        self.assertEqual(sorted(found), sorted(expected))
        for name, tensor in expected.items():
            tensor = tensor.detach().to(BECOMES.get(tensor.dtype, tensor.dtype)).contiguous()
            self.assertEqual(found[name].dtype, tensor.dtype, name)
            self.assertEqual(found[name].shape, tensor.shape, name)
            self.assertEqual(found[name].numpy().tobytes(), tensor.numpy().tobytes(), name)

    def check_refused(self, *parts):
        _, result = self.run_program()
        self.assertEqual(result.returncode, 1)
        for part in ("[load_pytorch] ", str(self.path), *parts):
            self.assertIn(part, result.stderr)

    def save_and_check(self, state, **options):
        torch.save(state, self.path, **options)
        self.check(state)

    def test_every_type(self):
        half = torch.arange(65536, dtype=torch.int32).to(torch.int16)  # all bits
        numbers = half[~half.view(torch.float16).isnan()], half[~half.view(torch.bfloat16).isnan()]
        self.save_and_check({
            "f32": torch.randn(2, 3), "f64": torch.randn(3, dtype=torch.float64),
            "f16": numbers[0].view(torch.float16), "bf16": numbers[1].view(torch.bfloat16),
            "i64": torch.tensor([-(1 << 63), (1 << 63) - 1]),
            "i32": torch.tensor([-(1 << 31), (1 << 31) - 1], dtype=torch.int32),
            "i16": half.clone(), "i8": torch.arange(-128, 128).to(torch.int8),
            "u8": torch.tensor([0, 255], dtype=torch.uint8), "bool": torch.tensor([True, False]),
            "scalar": torch.tensor(3.5), "count": torch.tensor(7), "none": torch.zeros(0, 4),
            "one": torch.ones(1, 1, 1)})

    def test_not_a_number_stays_one(self):
        torch.save([torch.tensor([float("nan")]).half(), torch.tensor([float("nan")]).bfloat16()],
                   self.path)
        self.assertTrue(all(x.isnan().item() for x in self.load().values()))

    def test_strides_and_shared_storages(self):
        x = torch.randn(4, 5, 6)
        base = torch.arange(100)
        self.save_and_check({
            "whole": x, "again": x, "transposed": x.permute(2, 0, 1), "slice": x[1:3, ::2, 5:],
            "last": x[-1, -1, -1], "flipped": x.flip(0), "expanded": torch.randn(3, 1).expand(3, 1000),
            "number": torch.tensor(2.0).expand(100, 100), "windows": base.unfold(0, 10, 3),
            "diagonal": base.view(10, 10).diagonal(), "empty_slice": base[100:],
            "empty_rows": base.view(10, 10)[:, 10:]})

    def test_a_storage_of_which_nothing_is_whole(self):
        x = torch.randn(1000)
        self.save_and_check({"head": x[:10], "tail": x[-10:], "all": x.view(10, 100).t()})

    def test_state_dicts_and_parameters(self):
        net = make_net()
        net(torch.randn(2, 2, 4, 4))
        torch.save(net.state_dict(), self.path)
        self.check(net.state_dict())
        floats = [name for name, x in net.state_dict().items() if x.is_floating_point()]
        self.assertEqual([name for name in self.load() if name in floats], floats)  # the order
        torch.save(dict(net.named_parameters()), self.path)
        self.check(dict(net.named_parameters()))

    def test_a_checkpoint_and_its_parts(self):
        net = make_net()
        optimizer = torch.optim.Adam(net.parameters())
        for _ in range(2):
            net(torch.randn(2, 2, 4, 4)).sum().backward()
            optimizer.step()
        state = optimizer.state_dict()
        torch.save({"epoch": 3, "model": net.state_dict(), "optimizer": state, "best": 0.25,
                    "seed": 1 << 63, "note": "\N{LATIN SMALL LETTER E WITH ACUTE}", "nothing": None,
                    "history": [1.0, 2.0], "done": False, ("a", 1): 5,
                    "random": torch.get_rng_state()}, self.path)
        moments = {f"state.{i}.{key}": torch.as_tensor(value)
                   for i, values in state["state"].items() for key, value in values.items()}
        self.assertGreater(len(moments), 10)
        self.check(net.state_dict(), "model")
        self.check(moments, "optimizer")
        everything = {f"model.{name}": value for name, value in net.state_dict().items()}
        everything |= {f"optimizer.{name}": value for name, value in moments.items()}
        self.check(everything | {"random": torch.get_rng_state()})
        _, result = self.run_program("modle")
        self.assertIn("no tensor's name begins with 'modle.'. Hint: its names go from "
                      "'model.0.weight' to 'random'", result.stderr)

    def test_lists_and_a_tensor_alone(self):
        x, y = torch.randn(3), torch.tensor([1, 2])
        torch.save([x, (y, {"a": x})], self.path)
        self.check({"0": x, "1.0": y, "1.1.a": x})
        torch.save(x, self.path)
        self.check({"": x})
        torch.save(5, self.path)
        self.check({})

    def test_every_protocol(self):
        state = {f"{i}." + "x" * i: torch.full((i,), i) for i in range(300)}
        state["dict"] = torch.ones(2)
        for protocol in range(2, 6):
            self.save_and_check(collections.OrderedDict(state), pickle_protocol=protocol)

    def test_archives_of_newer_versions_have_more_entries(self):
        state = {"a": torch.randn(3)}
        torch.save(state, self.path)
        with zipfile.ZipFile(self.path, "a") as archive:
            for name, text in ((".format_version", "1"), (".storage_alignment", "64"),
                               ("byteorder", "little"), (".data/serialization_id", "1234")):
                archive.writestr(f"x/{name}", text)
        self.check(state)

    def test_the_other_byte_order_is_refused(self):
        torch.save({"a": torch.randn(3)}, self.path)
        with zipfile.ZipFile(self.path, "a") as archive:
            archive.writestr("x/byteorder", "big")
        self.check_refused("its byte order is 'big'")

    def test_old_formats_are_refused(self):
        for protocol in range(2, 6):
            torch.save({"a": torch.ones(3)}, self.path, pickle_protocol=protocol,
                       _use_new_zipfile_serialization=False)
            self.check_refused("before version 1.6", "torch.save(torch.load(path), path)")

    def test_programs_are_refused(self):
        torch.jit.script(make_net()).save(str(self.path))
        self.check_refused("TorchScript", "torch.jit.load(path).state_dict()")
        torch.save(make_net(), self.path)
        self.check_refused("a Python object (torch.nn.modules.container.Sequential)",
                           "torch.save(model.state_dict(), path)")
        torch.save({"model": make_net().state_dict(), "args": argparse.Namespace(lr=1)}, self.path)
        self.check_refused("a Python object (argparse.Namespace)")

    def test_other_tensors_are_refused(self):
        torch.save({"a": torch.eye(3).to_sparse()}, self.path)
        self.check_refused("a sparse tensor (torch._utils._rebuild_sparse_tensor)", "x.to_dense()")
        torch.save({"a": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)}, self.path)
        self.check_refused("a quantized tensor", "x.dequantize()")
        torch.save({"a": torch.ones(3, dtype=torch.complex64)}, self.path)
        self.check_refused("complex numbers (torch.ComplexFloatStorage)", "view_as_real")
        torch.save({"a": torch.ones([1] * 9)}, self.path)
        self.check_refused("tensor 'a' has 9 dimensions")
        torch.save({"a": {"b": torch.ones(1)}, "a.b": torch.ones(1)}, self.path)
        self.check_refused("the name 'a.b' appears twice")
        torch.save({"a": {0.5: torch.ones(1)}}, self.path)
        self.check_refused("'a' has a key that is neither text nor an integer")
        torch.save({"a": torch.ones(1).storage()}, self.path)
        self.check_refused("'a' is a storage, not a tensor")
        torch.save({"a": torch.ones(1).expand(1 << 20, 1 << 20)}, self.path)
        self.check_refused("it unfolds to more than 62914560 bytes, from a file of ")


if __name__ == "__main__":
    unittest.main()
