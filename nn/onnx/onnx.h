// Nets as ONNX files, which other runtimes execute.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../module.h"

namespace gradus::nn {

/// What pixels of 0 to 255 went through before the net was trained with them:
/// (pixel / 255 - mean) / std, with one number for all, or one for each channel (dimension 1).
struct PixelNormalization {
  std::vector<double> mean;  ///< of pixels in [0, 1]
  std::vector<double> std;   ///< likewise; positive
};

/// Options of save_onnx.
struct OnnxOptions {
  /// The dimension of the example that counts samples; a file computes any number of them. Nothing
  /// for a file with the example's sizes only.
  std::optional<int64_t> batch_dim = 0;
  /// Becomes a part of the file, whose input then is pixels, uint8.
  std::optional<PixelNormalization> normalization = {};
  std::string input_name = "input";    ///< in the file
  std::string output_name = "output";  ///< in the file
  /// Texts that the file keeps, by name: what it is, names of classes.
  std::map<std::string, std::string> metadata = {};
};

/// Writes what a net computes in evaluation as an ONNX file, completely or not at all:
///
///     save_onnx("lenet.onnx", net, zeros({1, 1, 28, 28}));
///
/// The net runs twice with a tape that keeps everything, whatever its mode is, and with two batch
/// sizes, which tells what grows with the batch. So nets written as code are exported like those of
/// layers, with the control flow that the example took. Values are float32 in the file; parameters
/// keep their names. The opset is 17 (IR 8), 21 (IR 10) for group norm, 23 (IR 11) for root mean
/// square norm.
///
/// Throws ValueError that lists, with module paths, all that cannot be written: operations without
/// an equivalent, and values that depend on the input but are not on the tape, as masks from
/// comparisons. Throws IoError if the file cannot be written.
void save_onnx(const std::filesystem::path& path, Module& net, const Tensor& example_input,
               const OnnxOptions& options = {});

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
