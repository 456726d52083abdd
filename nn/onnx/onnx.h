// Nets as ONNX files, which other runtimes execute.
#pragma once

#include <filesystem>
#include <memory>

#include "../module.h"

namespace gradus::nn {

/// Reads a net from an ONNX file: a module that evaluates and trains. Like all modules it starts in
/// training mode.
///
/// - Parameters are the floating-point tensors of the file that nodes compute with, under their
///   names: "layer1.conv.weight" is the weight of a module "conv" in "layer1". Names that cannot be
///   dotted paths, or are taken, are changed as little as possible. Integers, Constant nodes, and
///   numbers that only tell a node how to compute (bounds, ratios) are constants.
/// - Batch norms are layers with weight, bias, running_mean and running_var that work as those of
///   nn/norm.h do: train() makes them use and update statistics of the batch. Dropouts act in
///   training.
/// - Module::to converts constants as well. Tensors of 16 bits are read as float32, those of 8 and
///   16 bit integers as int32.
/// - The first output of the graph is the result; what only others need is left out.
///
/// Reads opset 7 to 23. Throws IoError for what is cut, damaged or not supported, naming every
/// operation that is missing; for graphs with more than one input; and for options of nodes that
/// Gradus cannot follow exactly. docs/onnx.md lists operations. Errors of a forward name the node.
std::unique_ptr<Module> load_onnx(const std::filesystem::path& path);

}  // namespace gradus::nn
