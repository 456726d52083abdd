// The JSON header of a safetensors file, checked. For safetensors.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "../base/dtype.h"
#include "../base/shape.h"

/// The format of safetensors files, for the file that reads and writes it.
namespace gradus::safetensors {

/// The format limits headers to this size.
inline constexpr uint64_t max_header_bytes = 100'000'000;
/// The key of free text among the names of tensors.
inline constexpr const char* metadata_key = "__metadata__";

/// One tensor: `begin` and `end` are offsets into the data, which follows the header.
struct TensorInfo {
  std::string name;
  DType dtype = float32;
  Shape shape = {};
  uint64_t begin = 0, end = 0;
};

/// What a header says.
struct Header {
  std::vector<TensorInfo> tensors;  ///< in the order of their data
  std::map<std::string, std::string> metadata;
};

/// Throws IoError, in the name of `file`, for what a good file cannot have.
[[noreturn]] void fail(const std::string& file, const std::string& what);

/// Reads a header. Throws IoError, in the name of `file`, unless the tensors fill exactly
/// `data_bytes` bytes without overlap or gap.
Header parse_header(std::string_view json, uint64_t data_bytes, const std::string& file);

/// The header as text, padded with spaces to a multiple of eight bytes. Throws ValueError for names
/// that are not UTF-8.
std::string write_header(const Header& header);

}  // namespace gradus::safetensors
