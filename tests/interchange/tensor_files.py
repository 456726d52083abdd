"""Safetensors files as dictionaries of NumPy's arrays."""

import json
import os
import struct

import numpy

TYPES = {"F32": numpy.float32, "F64": numpy.float64, "I64": numpy.int64, "I32": numpy.int32,
         "U8": numpy.uint8, "BOOL": numpy.bool_}

# A folder in memory for many small files, each of which is flushed; None if there is none.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def save(arrays, path):
    header, data = {}, b""
    for name, array in arrays.items():
        raw = numpy.ascontiguousarray(array).tobytes()
        kind = next(kind for kind, dtype in TYPES.items() if dtype == array.dtype)
        header[name] = {"dtype": kind, "shape": list(array.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def load(path):
    content = path.read_bytes()
    size, = struct.unpack("<Q", content[:8])
    arrays = {}
    for name, entry in json.loads(content[8:8 + size]).items():
        begin, end = (8 + size + i for i in entry["data_offsets"])
        flat = numpy.frombuffer(content[begin:end], TYPES[entry["dtype"]])
        arrays[name] = flat.reshape(entry["shape"]).copy()
    return arrays
