"""Event files are read as TensorBoard reads them: event_file_test.py PROGRAM, the program being
tests/interchange/main.cpp. The messages are those of TensorBoard's tensorboard/compat/proto."""

import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

PROGRAM = sys.argv.pop(1)

# Number, name and type of each field; messages by name, "*" for repeated ones.
MESSAGES = {
    "Event": [(1, "wall_time", "double"), (2, "step", "int64"), (3, "file_version", "string"),
              (5, "summary", "Summary"), (7, "session_log", "SessionLog")],
    "SessionLog": [(1, "status", "int32"), (2, "checkpoint_path", "string"), (3, "msg", "string")],
    "Summary": [(1, "value", "*Value")],
    "Value": [(1, "tag", "string"), (7, "node_name", "string"), (2, "simple_value", "float"),
              (4, "image", "Image"), (5, "histo", "Histogram"), (8, "tensor", "Tensor"),
              (9, "metadata", "Metadata")],
    "Image": [(1, "height", "int32"), (2, "width", "int32"), (3, "colorspace", "int32"),
              (4, "encoded_image_string", "bytes")],
    "Histogram": [(1, "min", "double"), (2, "max", "double"), (3, "num", "double"),
                  (4, "sum", "double"), (5, "sum_squares", "double"),
                  (6, "bucket_limit", "*double"), (7, "bucket", "*double")],
    "Tensor": [(1, "dtype", "int32"), (2, "tensor_shape", "TensorShape"),
               (3, "version_number", "int32"), (4, "tensor_content", "bytes"),
               (8, "string_val", "*bytes")],
    "TensorShape": [(2, "dim", "*Dim"), (3, "unknown_rank", "bool")],
    "Dim": [(1, "size", "int64"), (2, "name", "string")],
    "Metadata": [(1, "plugin_data", "PluginData"), (2, "display_name", "string"),
                 (3, "summary_description", "string"), (4, "data_class", "int32")],
    "PluginData": [(1, "plugin_name", "string"), (2, "content", "bytes")],
}
# Fields of which a message has one at most.
ALTERNATIVES = {"Event": ["file_version", "summary", "session_log"],
                "Value": ["simple_value", "image", "histo", "tensor"]}
START, STRING = 1, 7  # SessionLog.SessionStatus, DataType


def event_type():
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        if name in ALTERNATIVES:
            message.oneof_decl.add(name="what")
        for number, field_name, kind in fields:
            field = message.field.add(name=field_name, number=number)
            field.label = Field.LABEL_REPEATED if kind[0] == "*" else Field.LABEL_OPTIONAL
            kind = kind.lstrip("*")
            if kind in MESSAGES:
                field.type, field.type_name = Field.TYPE_MESSAGE, kind
            else:
                field.type = getattr(Field, "TYPE_" + kind.upper())
            if field_name in ALTERNATIVES.get(name, []):
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName("Event")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


Event = event_type()


def crc32c(data):
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    """The data of each record; raises an AssertionError if anything is wrong."""
    while data:
        length, length_crc = struct.unpack("<QI", data[:12])
        assert length_crc == masked(data[:8])
        record, (crc,) = data[12:12 + length], struct.unpack("<I", data[12 + length:16 + length])
        assert len(record) == length and crc == masked(record)
        yield record
        data = data[16 + length:]


def pixels_of(png):
    """Width, height, channels and pixels of a PNG file without filters."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, []
    while at < len(png):
        (length,) = struct.unpack(">I", png[at:at + 4])
        checked = png[at + 4:at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length:at + 12 + length])[0] == zlib.crc32(checked)
        chunks.append((checked[:4], checked[4:]))
        at += 12 + length
    assert [name for name, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, kind, *rest = struct.unpack(">IIBBBBB", chunks[0][1])
    assert depth == 8 and rest == [0, 0, 0]
    channels = {0: 1, 4: 2, 2: 3, 6: 4}[kind]
    data, size = zlib.decompress(chunks[1][1]), 1 + width * channels
    rows = [data[i:i + size] for i in range(0, len(data), size)]
    assert len(rows) == height and all(row[0] == 0 for row in rows)
    return width, height, channels, list(b"".join(row[1:] for row in rows))


class EventFileTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([PROGRAM, "events", folder], check=True)
            cls.paths = sorted(pathlib.Path(folder).iterdir())
            cls.data = [list(records(path.read_bytes())) for path in cls.paths]
        cls.files = [[Event.FromString(record) for record in data] for data in cls.data]

    def value_of(self, tag):
        (found,) = [(event.step, value) for event in self.files[0]
                    for value in event.summary.value if value.tag == tag]
        return found

    def test_the_checksum_is_that_of_the_standard(self):
        self.assertEqual(crc32c(b"123456789"), 0xE3069283)

    def test_names_tell_the_time_and_sort_by_it(self):
        self.assertEqual(len(self.paths), 2)
        for path in self.paths:
            self.assertRegex(path.name, r"^events\.out\.tfevents\.\d{10}\..+\.\d+\.\d+$")
        self.assertIn(".1700000000.", self.paths[0].name)

    def test_the_first_record_is_the_version(self):
        for events in self.files:
            self.assertEqual(events[0].file_version, "brain.Event:2")
            self.assertEqual([event.file_version for event in events[1:]], [""] * len(events[1:]))

    def test_nothing_is_written_that_the_format_does_not_know(self):
        for data, events in zip(self.data, self.files):
            for record, event in zip(data, events):
                event.DiscardUnknownFields()
                self.assertEqual(event.SerializeToString(deterministic=True), record)

    def test_every_event_has_its_time(self):
        self.assertEqual({event.wall_time for event in self.files[0]}, {1_700_000_000.25})

    def test_scalars(self):
        found = [(event.step, value.simple_value) for event in self.files[0]
                 for value in event.summary.value if value.tag == "loss/train"]
        expected = [(step, struct.unpack("f", struct.pack("f", 1 / (1 + step)))[0])
                    for step in (0, 10, 20, 30)]
        self.assertEqual(found, expected)
        step, zero = self.value_of("zero")
        self.assertEqual((step, zero.simple_value), (-1, 0))
        self.assertEqual(zero.WhichOneof("what"), "simple_value")

    def test_texts_are_for_the_plugin_of_texts(self):
        step, value = self.value_of("notes")
        self.assertEqual(step, 3)
        self.assertEqual(value.metadata.plugin_data.plugin_name, "text")
        self.assertEqual(value.tensor.dtype, STRING)
        self.assertEqual([dim.size for dim in value.tensor.tensor_shape.dim], [1])
        self.assertEqual(list(value.tensor.string_val), ["# Über\nMarkdown".encode()])

    def test_images(self):
        for tag, step, channels, pixels in [
                ("gray", 4, 1, list(range(6))),
                ("colours", 5, 3, [c + i for i in range(6) for c in (0, 100, 200)])]:
            found_step, value = self.value_of(tag)
            image = value.image
            self.assertEqual(found_step, step)
            self.assertEqual((image.width, image.height, image.colorspace), (3, 2, channels))
            self.assertEqual(pixels_of(image.encoded_image_string), (3, 2, channels, pixels))

    def test_histograms(self):
        step, value = self.value_of("weights")
        x = [-1 + 4 * i / 999 for i in range(1000)]
        histogram = value.histo
        self.assertEqual((step, histogram.min, histogram.max, histogram.num), (6, -1, 3, 1000))
        self.assertAlmostEqual(histogram.sum, sum(x), delta=1e-3)
        self.assertAlmostEqual(histogram.sum_squares, sum(v * v for v in x), delta=1e-3)
        self.assertEqual(list(histogram.bucket_limit), [-1 + 4 * (i + 1) / 64 for i in range(64)])
        self.assertEqual(sum(histogram.bucket), 1000)
        self.assertLessEqual(max(histogram.bucket) - min(histogram.bucket), 1)
        _, value = self.value_of("equal")
        self.assertEqual((value.histo.min, value.histo.max, value.histo.num), (-2.5, -2.5, 4))
        self.assertEqual(max(value.histo.bucket), 4)

    def test_a_resumed_run_purges_what_it_does_again(self):
        self.assertEqual([event.WhichOneof("what") for event in self.files[0]],
                         ["file_version"] + ["summary"] * 10)
        _, *starts, scalar = self.files[1]
        self.assertEqual([(start.step, start.session_log.status) for start in starts],
                         [(20, START)] * 2)  # TensorBoard takes the first for the start of a run
        self.assertEqual((scalar.step, scalar.summary.value[0].simple_value), (20, 0.5))


if __name__ == "__main__":
    unittest.main()
