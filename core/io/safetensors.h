// Tensors in files: the safetensors format.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "../tensor.h"

namespace gradus {

/// The content of a safetensors file: named tensors, and free text under `__metadata__`.
struct SafeTensors {
  NamedTensors tensors;                         ///< in the order of their data
  std::map<std::string, std::string> metadata;  ///< texts by name; empty if a file has none

  /// The tensor of this name; throws IoError if there is none.
  const Tensor& at(const std::string& name) const;
};

/// Reads a file of 8 bytes header length, JSON header and raw data (the format that PyTorch users
/// write with `safetensors.torch.save_file`). Throws IoError, naming the file and what is wrong,
/// for anything that is not exactly such a file: bad lengths, offsets that overlap, leave gaps or
/// run beyond the end, unknown types, duplicate names. Nothing large is allocated before the sizes
/// have been checked against the file.
SafeTensors load_safetensors(const std::filesystem::path& path);
/// The same from memory; `name` stands for the file in errors.
SafeTensors parse_safetensors(std::span<const std::byte> bytes, const std::string& name);

/// Writes the file completely or not at all: under a temporary name next to it, flushed, then
/// renamed, and the folder flushed. Throws IoError; an existing file then stays as it was, unless
/// only flushing the folder failed: then the new one is in its place. The bytes depend only on the
/// arguments.
void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                      const std::map<std::string, std::string>& metadata = {});

/// Writes bytes, or a text, to `path` completely or not at all, as save_safetensors does. Throws
/// IoError.
/// @{
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file_atomically(const std::filesystem::path& path, const std::string& text);
/// @}

}  // namespace gradus
