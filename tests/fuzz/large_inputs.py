"""Files of up to a megabyte that ask for as much work and memory as their format allows.

large_inputs.py FOLDER writes FOLDER/<target>/<name> for the programs of this folder. A fuzzer, which
grows its inputs byte by byte, does not get that far.
"""

import gzip
import io
import itertools
import json
import pathlib
import struct
import sys
import zipfile
import zlib

LIMIT = 1 << 20


def repeated(part, size=LIMIT - 1000):
    """`part` as often as it goes into `size` bytes."""
    return part * (size // len(part))


def counted(write, size=LIMIT - 1000):
    """write(0), write(1), ..., joined by commas: as many as go into `size` bytes."""
    parts = []
    for i in itertools.count():
        parts.append(write(i))
        size -= len(parts[-1]) + 1
        if size < 0:
            return ",".join(parts[:-1]).encode()


def safetensors():
    def file(header, data=b""):
        return struct.pack("<Q", len(header)) + header + data

    def entry(dtype, shape, begin, end):
        return f'{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}'

    count = 16_000
    bytes_each = ",".join(f'"{i}":{entry("U8", [1], i, i + 1)}' for i in range(count)).encode()
    texts = counted(lambda i: f'"{i}":""')
    ones = repeated(b"1,")[:-1]
    million = 1_000_000
    yield "empty_tensors", file(b"{" + counted(lambda i: f'"{i}":{entry("F32", [0], 0, 0)}') + b"}")
    yield "same_names", file(b"{" + repeated(b'"x":{},')[:-1] + b"}")
    yield "texts", file(b'{"__metadata__":{' + texts + b"}}")
    yield "texts_cut_off", file(b'{"__metadata__":{' + texts)
    yield "escapes", file(b'{"' + repeated(b"\\u0041") + b'":' + entry("F32", [0], 0, 0).encode() + b"}")
    yield "lists_in_lists", file(repeated(b"["))
    yield "objects_in_objects", file(repeated(b'{"a":'))
    yield "many_sizes", file(b'{"a":{"dtype":"F32","shape":[' + ones + b'],"data_offsets":[0,4]}}', b"1234")
    yield "one_tensor", file(f'{{"a":{entry("F32", [million // 4], 0, million)}}}'.encode(), bytes(million))
    yield "one_mask", file(f'{{"a":{entry("BOOL", [million], 0, million)}}}'.encode(), b"\1" * million)
    yield "a_byte_each", file(b"{" + bytes_each + b"}", bytes(count))


def checkpoint():
    def file(**texts):
        header = json.dumps({"__metadata__": texts}, separators=(",", ":")).encode()
        return struct.pack("<Q", len(header)) + header

    lists = repeated(b"[").decode()
    yield from safetensors()
    yield "deep_arguments", file(arguments=lists)
    yield "deep_training", file(training=lists)
    yield "deep_config", file(arguments="[]", config=f'{{"seed":{lists}')
    yield "deep_old_seed", file(arguments="[]", config=f'{{"seed":{lists[:400_000]}{"]" * 400_000}}}')


def model_json():
    def net(layers):
        return b'{"layers":[' + layers + b"]}"

    def layer(kind, **options):
        return json.dumps({"type": kind, "options": options}, separators=(",", ":"))

    def nested(inner, beside=""):
        text = inner
        for _ in range(60):
            text = f'{{"type":"Sequential","layers":[{text}{beside}]}}'
        return text

    relu = '{"type":"ReLU"}'
    yield "plain_layers", net(counted(lambda _: relu))
    yield "named_layers", net(counted(lambda i: f'{{"name":"l{i}","type":"ReLU"}}'))
    yield "dropout", net(counted(lambda _: layer("Dropout", p=0.5)))
    yield "linear", net(counted(lambda _: layer("Linear", in_features=1, out_features=1)))
    yield "batch_norm", net(counted(lambda _: layer("BatchNorm2d", num_features=1)))
    yield "lstm", net(counted(lambda _: layer("LSTM", input_size=1, hidden_size=1, num_layers=1024)))
    yield "options", net(b'{"type":"ReLU","options":{' + counted(lambda i: f'"o{i}":1') + b"}}")
    yield "deep_nets", net(counted(lambda _: nested(relu)))
    yield "deep_wide_net", net(nested(relu, f",{relu}" * 1000).encode())
    yield "long_type", net(b'{"type":"' + repeated(b"A") + b'"}')
    yield "long_name", net(b'{"type":"ReLU","name":"' + repeated(b"A") + b'"}')
    yield "long_number", net(repeated(b"1"))
    yield "numbers", net(repeated(b"1,")[:-1])
    yield "lists_in_lists", b'{"layers":' + repeated(b"[")


def onnx():
    def varint(n):
        out = b""
        while n >= 128:
            out += bytes([n & 127 | 128])
            n >>= 7
        return out + bytes([n])

    def number(field, n):
        return varint(field << 3) + varint(n)

    def part(field, content):
        content = content if isinstance(content, bytes) else content.encode()
        return varint(field << 3 | 2) + varint(len(content)) + content

    def file(graph):
        around = part(11, part(1, "x")) + part(12, part(1, "y"))
        return number(1, 8) + part(8, number(2, 17)) + part(7, graph + around)

    def node(kind, inputs, output, attributes=b""):
        names = b"".join(part(1, name) for name in inputs) + part(2, output)
        return part(1, names + part(4, kind) + attributes)

    def tensor(name, sizes, data):
        return part(5, part(1, b"".join(map(varint, sizes))) + number(2, 1) + part(8, name) + part(9, data))

    def each(write, size=LIMIT - 1000):
        parts = []
        for i in itertools.count():
            parts.append(write(i))
            size -= len(parts[-1])
            if size < 0:
                return b"".join(parts[:-1])

    half = tensor("w", [125_000], bytes(500_000))
    stats = part(5, part(1, b"\x80\x20") + number(2, 1) + part(8, "w") + part(9, bytes(4 * 4096)))
    norm = ["w", "w", "w", "w"]
    sums = node("Sum", [f"c{i}" for i in range(10_000)], "y")
    empty = [tensor(f"{i}", [0], b"") for i in range(20_000)]
    yield "relus", file(each(lambda i: node("Relu", ["x" if i == 0 else f"v{i - 1}"], f"v{i}"), 1_000_000)
                        + node("Relu", ["v9999"], "y"))
    yield "inputs", file(node("Sum", ["x"] * 300_000, "y"))
    yield "outputs", file(part(1, part(1, "x") + part(2, "y") * 300_000 + part(4, "Split")))
    yield "unknown", file(each(lambda i: node(f"Op{i}", ["x" if i == 0 else f"v{i - 1}"], f"v{i}"), 900_000)
                          + node("Relu", ["v9999"], "y"))
    yield "initializers", file(b"".join(empty) + node("Sum", [f"{i}" for i in range(20_000)], "y"))
    yield "same_names", file(b"".join(
        tensor(f"{i:014b}".replace("0", ".").replace("1", "_"), [0], b"") for i in range(15_000))
        + node("Sum", [f"{i:014b}".replace("0", ".").replace("1", "_") for i in range(15_000)], "y"))
    yield "deep_names", file(b"".join(tensor("a." * 30 + f"{i}", [0], b"") for i in range(5_000))
                             + node("Sum", ["a." * 30 + f"{i}" for i in range(5_000)], "y"))
    yield "long_name", file(tensor("a." * 200_000, [1], b"1234") + node("Add", ["x", "a." * 200_000], "y"))
    yield "copies", file(half + b"".join(node("Identity", ["w"], f"c{i}") for i in range(10_000)) + sums)
    yield "norms", file(stats + each(lambda i: node(
        "BatchNormalization", ["x" if i == 0 else f"v{i - 1}", *norm], f"v{i}"), 900_000)
        + node("Relu", ["v9999"], "y"))
    yield "attributes", file(node("Relu", ["x"], "y", each(lambda i: part(5, part(1, f"a{i}") + number(3, 1)))))
    yield "integers", file(node("Constant", [], "y", part(5, part(1, "value_ints") + part(8, bytes(1_000_000)))))
    yield "sizes", file(part(5, part(1, bytes(1_000_000)) + number(2, 1) + part(8, "w")))
    yield "messages", repeated(b"\x3a\xff\xff\x3f")


def npy_file(descr, fortran, shape, data=b"", padding=b""):
    header = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape}), }}".encode()
    header += padding + b"\n"
    return b"\x93NUMPY\x02\0" + struct.pack("<I", len(header)) + header + data


def npy():
    million = bytes(1_000_000)
    yield "blanks", npy_file("<f4", False, "0,", padding=repeated(b" "))
    yield "many_sizes", npy_file("<f4", False, repeated(b"1,").decode())
    yield "transposed", npy_file(">f8", True, "2,2,2,2,2,2,2,976", million[: 128 * 976 * 8])
    yield "mask", npy_file("|b1", True, "1000,1000", million)
    yield "halves", npy_file("<f2", True, "1000,500", million)
    yield "huge_and_empty", npy_file("<f4", False, "0,4611686018427387904")


def npz():
    def file(entries, method):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            for name, content in entries:
                archive.writestr(name, content)
        return buffer.getvalue()

    small = npy_file("<f4", False, "0,")
    zeros = npy_file("<f4", False, "15000000,", bytes(60_000_000))
    many = [(f"{i}.npy", small) for i in range(5500)]
    yield "many_stored", file(many, zipfile.ZIP_STORED)
    yield "many_deflated", file(many, zipfile.ZIP_DEFLATED)
    yield "zeros", file([("a.npy", zeros)], zipfile.ZIP_DEFLATED)


def pytorch():
    def pickle(values):
        return b"\x80\2" + values + b"."

    def text(content):
        return b"X" + struct.pack("<I", len(content)) + content

    def number(n):
        return b"J" + struct.pack("<i", n)

    def tensor(shape, strides):
        storage = b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"0") + text(b"cpu") + b"K\6tQ"
        sizes = b"".join(b"(" + b"".join(map(number, x)) + b"t" for x in (shape, strides))
        return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\0" + sizes + b"tR"

    def file_with_entries(count):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("x/data.pkl", pickle(b"N"))
            for i in range(count):
                archive.writestr(f"x/data/{i}", b"")
        return buffer.getvalue()

    def often(value, rest):
        return pickle(b"](" + value + b"q\1" + rest + b"e")

    one = tensor([6], [1])
    named = b"".join(text(b"%d.weight" % i) + one for i in range(LIMIT // (len(one) + 20)))
    once_more = repeated(b"h\1")
    half = LIMIT // 2
    yield "many_entries", file_with_entries(8500)
    yield "state_dict", pickle(b"}(" + named + b"u")
    yield "expanded", pickle(tensor([3900, 4000], [0, 0]))
    yield "expanded_in_8_dimensions", pickle(tensor([2, 3, 2, 1, 50, 50, 50, 10], [3, 1, 0, 0, 0, 0, 0, 0]))
    yield "expanded_often", often(tensor([100, 1000], [0, 0]), once_more)
    yield "one_tensor_often", often(one, once_more)
    yield "no_elements_often", often(tensor([0], [1]), once_more)
    yield "lists", pickle(b"](" + repeated(b"]") + b"e")
    yield "lists_in_lists", pickle(repeated(b"]", half - 100) + repeated(b"a", half - 101))
    yield "tuples_in_tuples", pickle(b"N" + repeated(b"\x85"))
    yield "tuples_of_one_twice", pickle(b"N" + b"q\1h\1\x86" * 60)
    yield "lists_of_one_twice", pickle(b"](" + b"N" * 1000 + b"e" + b"q\1h\1\x86" * 60)
    yield "list_in_itself", pickle(b"]q\1(" + once_more + b"e")
    yield "nothing", pickle(b"](" + repeated(b"N") + b"e")
    yield "marks", pickle(repeated(b"("))
    yield "memo", pickle(b"N" + repeated(b"\x94"))
    yield "high_memo", often(b"Nr" + struct.pack("<I", 990_000), repeated(b"N"))
    yield "long_key_often", pickle(b"}(" + text(b"a" * half) + b"q\1]q\2" + repeated(b"h\1h\2", half - 100) + b"u")
    yield "dictionaries", pickle(b"}(" + repeated(b"K\1}") + b"u")
    yield "long_text", pickle(text(repeated(b"a")))
    yield "long_name", pickle(b"c" + repeated(b"a") + b"\n\n")
    yield "long_number", pickle(b"\x8b" + struct.pack("<I", half) + b"\xff" * half)


def idx():
    def file(sizes, data):
        return bytes([0, 0, 8, len(sizes)]) + b"".join(struct.pack(">I", n) for n in sizes) + data

    million = 1_000_000
    yield "plain", file([million], bytes(million))
    yield "unfolds_to_the_limit", gzip.compress(file([50 * million], bytes(50 * million)), 9)
    yield "unfolds_beyond_it", gzip.compress(file([500 * million], bytes(500 * million)), 9)
    yield "empty_members", repeated(gzip.compress(b""))
    yield "dimensions", file([1] * 255, b"1")


def image():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def png(side, rows, colour=0, bits=8, extra=b""):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, bits, colour, 0, 0, 0))
        pixels = chunk(b"IDAT", zlib.compress(rows, 9))
        return b"\x89PNG\r\n\x1a\n" + header + extra + pixels + chunk(b"IEND", b"")

    def segment(marker, data):
        return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data

    def jpeg(side, scans):
        """A gray progressive picture; scans are (coefficient, Ah, Al, entropy-coded bits)."""
        one_code = bytes([1]) + bytes(15)  # of one bit: for a DC difference of 0, and for long runs
        out = b"\xff\xd8" + segment(0xDB, b"\0" + b"\1" * 64)
        out += segment(0xC2, struct.pack(">BHHBBBB", 8, side, side, 1, 1, 0x11, 0))
        out += segment(0xC4, b"\0" + one_code + b"\0") + segment(0xC4, b"\x10" + one_code + b"\xe0")
        for coefficient, before, after, bits in scans:
            parameters = [1, 1, 0, coefficient, coefficient, before * 16 + after]
            out += segment(0xDA, bytes(parameters)) + bits
        return out + b"\xff\xd9"

    def scans_of(coefficients, blocks=512 * 512):
        yield 0, 0, 0, bytes(blocks // 8)
        runs = bytes(blocks // 16384 * 15 // 8 + 1)  # each the code and 14 bits: 16384 empty blocks
        for coefficient in coefficients:
            yield coefficient, 0, 1, runs
            yield coefficient, 1, 0, runs

    bomb = b"a\0\0" + zlib.compress(bytes(400_000_000), 9)
    rows = bytes(9 * 8)
    yield "largest_gray", png(4096, bytes(4097 * 4096))
    yield "largest_colour", png(4096, bytes((4096 * 8 + 1) * 4096), colour=6, bits=16)
    yield "predicted_rows", png(4096, (b"\4" + b"\1" * 4096) * 4096)
    yield "many_chunks", png(8, rows, extra=repeated(chunk(b"tEXt", b"a\0b")))
    yield "text_bomb", png(8, rows, extra=chunk(b"zTXt", bomb))
    yield "profile_bomb", png(8, rows, extra=chunk(b"iCCP", bomb))
    yield "many_scans", jpeg(4096, scans_of(range(1, 32)))
    yield "too_many_scans", jpeg(4096, scans_of(range(1, 64)))
    yield "gray_bytes", b"P5\n1000 1000\n255\n" + b"1" * 1_000_000
    yield "gray_text", b"P2\n700 700\n255\n" + b"1 " * 490_000
    yield "spaces", b"P2" + repeated(b" ")
    yield "long_comment", b"P2\n" + repeated(b"#")
    yield "short_comments", b"P2\n" + repeated(b"#\n")


def cifar():
    yield "records", repeated(b"\1" * 3073)


FORMATS = {
    "safetensors": safetensors,
    "checkpoint": checkpoint,
    "model_json": model_json,
    "onnx": onnx,
    "npy": npy,
    "npz": npz,
    "pytorch": pytorch,
    "idx": idx,
    "image": image,
    "cifar": cifar,
}


def main():
    for target, files in FORMATS.items():
        folder = pathlib.Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files():
            if len(content) > LIMIT:
                sys.exit(f"{target}/{name} has {len(content)} bytes")
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
