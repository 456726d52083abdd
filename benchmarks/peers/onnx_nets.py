#!/usr/bin/env python3
"""Writes the nets that `bench_train --print-nets` prints as ONNX files, with random weights.

    bench_train --print-nets | onnx_nets.py FOLDER
"""
import json
import sys
from pathlib import Path

import numpy
from onnx import TensorProto, helper, numpy_helper

# What inference runs, in order; of other nets "net".
PARTS = {
    "dcgan": ["generator"],
    "wgan-gp": ["critic"],
    "vae": ["encoder", "mean", "decoder"],
    "transformer": ["patches", "block 1", "block 2", "head"],
}
INPUTS = {"dcgan": [100, 1, 1]}  # of other nets an image
HEADS = 4


class Graph:
    """Nodes in the order in which they run; every function takes and returns names of values."""

    def __init__(self):
        self.nodes, self.weights = [], []
        self.random = numpy.random.default_rng(1)

    def node(self, op, *inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def constant(self, values):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(numpy.asarray(values), name))
        return name

    def weight(self, *shape):
        scale = 1 / numpy.sqrt(max(1, numpy.prod(shape[1:])))
        return self.constant(self.random.uniform(-scale, scale, shape).astype("float32"))

    def positive(self, *shape):
        return self.constant(self.random.uniform(0.5, 1.5, shape).astype("float32"))

    def scalar(self, value):
        return self.constant(numpy.float32(value))

    def reshape(self, x, shape):
        return self.node("Reshape", x, self.constant(numpy.int64(shape)))

    # --- Layers ---

    def conv(self, x, o, op, first, second):
        k, p, groups = o["kernel_size"], o.get("padding", 0), o.get("groups", 1)
        inputs = [x, self.weight(first, second // groups, k, k)]
        if o.get("bias", True):
            inputs.append(self.weight(o["out_channels"]))
        stride = o.get("stride", 1)
        return self.node(op, *inputs, pads=[p] * 4, strides=[stride] * 2, group=groups)

    def pool(self, x, o, op):
        k = o["kernel_size"]
        return self.node(op, x, kernel_shape=[k, k], strides=[k, k])

    def linear(self, x, features):
        # Gemm takes matrices; of sequences, MatMul is the product.
        rows, columns = features
        return self.node("Add", self.node("MatMul", x, self.weight(rows, columns)),
                         self.weight(columns))

    def group_norm(self, x, o):
        groups, channels = o["num_groups"], o["num_channels"]
        y = self.node("InstanceNormalization", self.reshape(x, [0, groups, -1]),
                      self.positive(groups), self.weight(groups))
        y = self.node("Reshape", y, self.node("Shape", x))
        y = self.node("Mul", y, self.positive(channels, 1, 1))
        return self.node("Add", y, self.weight(channels, 1, 1))

    def gelu(self, x):
        erf = self.node("Erf", self.node("Div", x, self.scalar(numpy.sqrt(2))))
        y = self.node("Mul", x, self.node("Add", erf, self.scalar(1)))
        return self.node("Mul", y, self.scalar(0.5))

    def attention(self, qkv, width):
        parts = self.reshape(qkv, [0, 0, 3, HEADS, width // HEADS])
        parts = self.node("Transpose", parts, perm=[2, 0, 3, 1, 4])
        q, k, v = (self.node("Gather", parts, self.constant(numpy.int64(i))) for i in range(3))
        q = self.node("Mul", q, self.scalar(1 / numpy.sqrt(width // HEADS)))
        scores = self.node("MatMul", q, self.node("Transpose", k, perm=[0, 1, 3, 2]))
        y = self.node("MatMul", self.node("Softmax", scores, axis=-1), v)
        return self.reshape(self.node("Transpose", y, perm=[0, 2, 1, 3]), [0, 0, width])

    def layer(self, x, layer):
        kind, o = layer["type"], layer.get("options", {})
        channels = o.get("num_features")
        if kind == "Conv2d":
            return self.conv(x, o, "Conv", o["out_channels"], o["in_channels"])
        if kind == "ConvTranspose2d":
            return self.conv(x, o, "ConvTranspose", o["in_channels"], o["out_channels"])
        if kind == "Linear":
            return self.linear(x, (o["in_features"], o["out_features"]))
        if kind == "BatchNorm2d":
            return self.node("BatchNormalization", x, self.positive(channels),
                             self.weight(channels), self.weight(channels), self.positive(channels))
        if kind == "InstanceNorm2d":
            return self.node("InstanceNormalization", x, self.positive(channels),
                             self.weight(channels))
        if kind == "GroupNorm":
            return self.group_norm(x, o)
        if kind == "LayerNorm":
            shape = o["normalized_shape"]
            return self.node("LayerNormalization", x, self.positive(*shape), self.weight(*shape),
                             axis=-len(shape))
        if kind == "Flatten":
            return self.reshape(x, [0] * o.get("start_dim", 1) + [-1])
        if kind == "Residual":
            shortcut = self.layers(x, layer["shortcut"]) if layer["shortcut"] else x
            return self.node("Add", self.layers(x, layer["body"]), shortcut)
        if kind in ("MaxPool2d", "AvgPool2d"):
            return self.pool(x, o, kind[0:3].replace("Avg", "Average") + "Pool")
        if kind == "Dropout":
            return x
        if kind == "GELU":
            return self.gelu(x)
        if kind == "LeakyReLU":
            return self.node("LeakyRelu", x, alpha=o["negative_slope"])
        return self.node({"ReLU": "Relu"}.get(kind, kind), x)

    def layers(self, x, layers):
        for layer in layers:
            x = self.layer(x, layer)
        return x

    def part(self, x, parts, name):
        if name.startswith("block "):
            block = name[-1]
            qkv = parts["qkv" + block]["layers"]
            width = qkv[-1]["options"]["in_features"]
            y = self.attention(self.layers(x, qkv), width)
            y = self.node("Add", x, self.layers(y, parts["projection" + block]["layers"]))
            return self.layers(y, parts["mlp" + block]["layers"])
        if name == "head":
            x = self.node("ReduceMean", x, axes=[1], keepdims=0)
        y = self.layers(x, parts[name]["layers"])
        return self.node("Transpose", y, perm=[0, 2, 1]) if name == "patches" else y


def model_of(name, parts):
    graph = Graph()
    x = "x"
    for part in PARTS.get(name, ["net"]):
        x = graph.part(x, parts, part)
    shape = ["N"] + INPUTS.get(name, [1, 28, 28])
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info(x, TensorProto.FLOAT, None)]
    model = helper.make_model(
        helper.make_graph(graph.nodes, name, inputs, outputs, graph.weights),
        opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, parts in json.load(sys.stdin).items():
        (folder / f"{name}.onnx").write_bytes(model_of(name, parts).SerializeToString())


if __name__ == "__main__":
    main()
