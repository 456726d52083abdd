// One array in NumPy's format. For npy.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "../tensor.h"

/// The format of .npy files, for the files that read and write it.
namespace gradus::npy {

/// Delivers the next n bytes of a file, or throws.
using Read = std::function<void(void* to, uint64_t n)>;

/// What an array is read from.
struct Source {
  const char* op;    ///< whom errors name
  std::string name;  ///< the file, as errors write it
  uint64_t bytes;    ///< there are
  const Read& read;
};

/// Reads all bytes of the source. Throws IoError unless they are exactly one array.
Tensor read_array(const Source& source);

/// What comes before the elements of x, which follow in row-major order. Throws ShapeError, in the
/// name of `op`, for a shape that read_array() would refuse.
std::string header_of(const char* op, const Tensor& x);

}  // namespace gradus::npy
