// Tensors in PyTorch's own files, .pt and .pth.
#pragma once

#include <filesystem>
#include <string>

#include "../tensor.h"

namespace gradus {

/// What load_pytorch() reads of a file.
struct PytorchOptions {
  /// Only what is below this name, and is then named without it: with "model", a checkpoint's
  /// "model.conv1.weight" is "conv1.weight", and its optimizer is left out. Empty: everything.
  std::string prefix = {};
};

/// Reads what `torch.save` writes, since version 1.6: `torch.save(model.state_dict(), path)`, or
/// tensors in dictionaries, lists and tuples, however nested. A name is the keys on the way to the
/// tensor, joined by dots, list entries counted from 0; a tensor that was saved alone is named "".
/// The order is that of the file.
///
/// float16 and bfloat16 become float32, int8 and int16 int32. Tensors are contiguous, and share no
/// memory, even if they did. Whatever is no tensor (numbers, texts, None) is left out.
///
/// Nothing in a file is executed. Throws IoError, naming the file and what is wrong, for classes
/// and functions other than those of tensors (whole models, sparse, quantized and complex tensors),
/// for files of older versions, TorchScript, or big-endian machines, for archives that are damaged
/// (see load_npz), and for tensors that go beyond their data, or take more than 60 MiB and 60 times
/// the size of the file. Nothing large is allocated before it has been checked against the file.
/// Throws IoError as well if nothing is below `prefix`.
NamedTensors load_pytorch(const std::filesystem::path& path, const PytorchOptions& options = {});

}  // namespace gradus
