"""The examples of nodes that the ONNX standard comes with: what is read computes the same.

onnx_standard_test.py PROGRAM, the program being tests/interchange/onnx_import.cpp.
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest
import warnings

import numpy
import onnx

import tensor_files

PROGRAM = sys.argv.pop(1)
# Modes are those of the net here, and expanded windows compute with 3.1415.
OTHERWISE = ("training", "window")


def examples():
    warnings.filterwarnings("ignore")
    for name in ("float", "bool", "int", "object"):  # which NumPy no longer has
        setattr(numpy, name, getattr(numpy, name, eval(name)))
    from onnx.backend.test.case import node
    try:
        return node.collect_testcases(None)  # of all types
    except TypeError:  # before ONNX 1.13
        return node.collect_testcases()


def is_tensor(value):
    return isinstance(value, (numpy.ndarray, numpy.generic)) and value.dtype in tensor_files.TYPES.values()


def write(example, folder):
    """The model with inputs other than the first as initializers; returns the first output."""
    inputs, outputs = example.data_sets[0]
    if not (inputs and all(is_tensor(value) for value in [*inputs, outputs[0]])):
        return None
    graph = example.model.graph
    for value, info in zip(inputs[1:], graph.input[1:]):
        graph.initializer.append(onnx.numpy_helper.from_array(numpy.asarray(value), info.name))
    folder.mkdir()
    (folder / "net.onnx").write_bytes(example.model.SerializeToString())
    tensor_files.save({"x": numpy.asarray(inputs[0])}, folder / "inputs.safetensors")
    return numpy.asarray(outputs[0])


class OnnxStandardTest(unittest.TestCase):
    def test_what_is_read_computes_the_same(self):
        with tempfile.TemporaryDirectory(dir=tensor_files.MEMORY) as name:
            folder, expected = pathlib.Path(name), {}
            for example in examples():
                if example.name not in expected and not any(word in example.name for word in OTHERWISE):
                    expected[example.name] = write(example, folder / example.name)
            result = subprocess.run([PROGRAM, folder], capture_output=True, text=True)
            self.assertIn(result.returncode, (0, 1), result.stderr)
            agreed = sum(self.agrees(folder / name, y, result.stderr) for name, y in expected.items()
                         if y is not None)
        self.assertGreater(agreed, 500)

    def agrees(self, folder, expected, errors):
        """Whether it was computed; otherwise it must have been refused."""
        with self.subTest(folder.name):
            if not (folder / "outputs.safetensors").exists():
                self.assertIn(f"{folder.name}: [", errors)
                return False
            found = tensor_files.load(folder / "outputs.safetensors")["y"]
            self.assertEqual(found.shape, expected.shape)
            numpy.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=1e-4, atol=1e-5)
            return True
        return False


if __name__ == "__main__":
    unittest.main()
