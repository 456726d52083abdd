"""Files go to NumPy and back: numpy_test.py PROGRAM, the program being tests/interchange/main.cpp."""

import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

import numpy

PROGRAM = sys.argv.pop(1)
TYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]
SHAPES = [(), (0,), (5,), (2, 3), (3, 0, 2), (2, 3, 4, 5)]


def array_of(shape, dtype):
    """Numbers with all bytes in use."""
    generator = numpy.random.default_rng(1)
    if dtype == "bool":
        return numpy.array(generator.integers(0, 2, shape), dtype)
    bits = generator.integers(0, 256, (*shape, numpy.dtype(dtype).itemsize), numpy.uint8)
    numbers = bits.reshape(-1).view(dtype).reshape(shape)
    return numpy.where(numpy.isfinite(numbers), numbers, numpy.array(1.5).astype(dtype))


class Unseekable:
    """A stream like a pipe: sizes can only be written behind the data."""

    def __init__(self, file):
        self.file = file

    def write(self, data):
        return self.file.write(data)

    def flush(self):
        self.file.flush()


class NumpyTest(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)

    def tearDown(self):
        self.temporary.cleanup()

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)

    def resaved(self, path, *options):
        to = path.with_name("resaved" + path.suffix)
        result = self.run_program("resave", path, to, *options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return numpy.load(to)

    def check_equal(self, found, expected):
        self.assertEqual(found.dtype, expected.dtype.newbyteorder("<"))
        self.assertEqual(found.shape, expected.shape)
        numpy.testing.assert_array_equal(found, expected)

    def test_every_type_and_shape_comes_back_the_same(self):
        for dtype in TYPES:
            for shape in SHAPES:
                with self.subTest(dtype=dtype, shape=shape):
                    x = array_of(shape, dtype)
                    numpy.save(self.folder / "x.npy", x)
                    self.check_equal(self.resaved(self.folder / "x.npy"), x)

    def test_fortran_order_and_big_endian_arrays_are_read(self):
        for dtype in [">f4", ">f8", ">i4", ">i8", "<f4", "bool"]:
            x = array_of((3, 4, 5), numpy.dtype(dtype).newbyteorder("=").name).astype(dtype)
            for layout in (x, numpy.asfortranarray(x), x.transpose(2, 0, 1), x[::2]):
                numpy.save(self.folder / "x.npy", layout)
                self.check_equal(self.resaved(self.folder / "x.npy"), layout)

    def test_every_version_of_the_format_is_read(self):
        x = array_of((2, 3), "float32")
        for version in [(1, 0), (2, 0), (3, 0)]:
            with open(self.folder / "x.npy", "wb") as file:
                numpy.lib.format.write_array(file, x, version)
            self.check_equal(self.resaved(self.folder / "x.npy"), x)

    def test_archives_come_back_with_their_names_in_order(self):
        arrays = {f"layer.{d}/ü": array_of((3, 40), d) for d in TYPES}
        for save in (numpy.savez, numpy.savez_compressed):
            save(self.folder / "x.npz", **arrays)
            for options in ([], ["compress"]):
                loaded = self.resaved(self.folder / "x.npz", *options)
                self.assertEqual(loaded.files, list(arrays))
                for name, x in arrays.items():
                    self.check_equal(loaded[name], x)

    def test_what_is_written_passes_the_check_of_zipfile(self):
        numpy.savez(self.folder / "x.npz", a=array_of((3, 4), "float32"), b=array_of((), "int64"))
        for options in ([], ["compress"]):
            self.resaved(self.folder / "x.npz", *options)
            self.assertIsNone(zipfile.ZipFile(self.folder / "resaved.npz").testzip())

    def test_an_archive_written_to_a_pipe_is_read(self):
        x = array_of((100,), "float64")
        numpy.save(self.folder / "x.npy", x)
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            with open(self.folder / "x.npz", "wb") as file:
                with zipfile.ZipFile(Unseekable(file), "w", method) as archive:
                    archive.writestr("x.npy", (self.folder / "x.npy").read_bytes())
            self.check_equal(self.resaved(self.folder / "x.npz")["x"], x)

    def test_an_archive_with_a_64_bit_directory_is_read(self):
        numpy.save(self.folder / "x.npy", numpy.float32(1))
        content = (self.folder / "x.npy").read_bytes()
        with zipfile.ZipFile(self.folder / "x.npz", "w") as archive:
            for i in range(65540):
                archive.writestr(zipfile.ZipInfo(f"{i}.npy"), content)
        self.assertEqual(self.run_program("count", self.folder / "x.npz").stdout, "65540\n")

    def test_what_a_tensor_cannot_hold_is_refused_with_a_hint(self):
        for x in (numpy.float16(1), numpy.complex64(1), numpy.int16(1), numpy.array(["text"])):
            numpy.save(self.folder / "x.npy", x)
            result = self.run_program("resave", self.folder / "x.npy", self.folder / "y.npy")
            self.assertEqual(result.returncode, 1)
            self.assertIn("cannot be read. Hint: float32, float64, int64", result.stderr)
        numpy.save(self.folder / "x.npy", numpy.array([{}], dtype=object))
        result = self.run_program("resave", self.folder / "x.npy", self.folder / "y.npy")
        self.assertIn("elements of type '|O' cannot be read", result.stderr)
        self.assertFalse((self.folder / "y.npy").exists())


if __name__ == "__main__":
    unittest.main()
