// What readers and writers of formats share: the elements of tensors as bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <unordered_set>

#include "../base/error.h"
#include "../tensor.h"

namespace gradus {

/// The elements of a contiguous tensor.
inline std::span<const std::byte> bytes_of(const Tensor& x) {
  return {static_cast<const std::byte*>(x.raw_data()), static_cast<size_t>(x.nbytes())};
}
/// The same for writing.
inline std::span<std::byte> mutable_bytes_of(Tensor& x) {
  return {static_cast<std::byte*>(x.raw_mutable_data()), static_cast<size_t>(x.nbytes())};
}

/// Reverses the bytes of each element: from big-endian to little-endian, or back.
inline void swap_bytes(std::span<std::byte> bytes, size_t width) {
  for (; !bytes.empty(); bytes = bytes.subspan(width)) {
    std::reverse(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(width));
  }
}

/// True unless x is of type bool and has a byte other than 0 and 1, which no kernel expects.
inline bool has_valid_bools(const Tensor& x) {
  const auto bytes = bytes_of(x);
  return x.dtype() != boolean ||
         std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b <= std::byte{1}; });
}

/// Throws ValueError, in the name of `op`, for tensors that cannot be saved under their names.
inline void check_names(const char* op, const char* each, const NamedTensors& tensors) {
  std::unordered_set<std::string> names;
  for (const NamedTensor& t : tensors) {
    require(t.tensor.defined(), op, "leave out what is not there", "tensor '", t.name,
            "' is undefined");
    require(names.insert(t.name).second, op, str("each ", each, " needs a name of its own"),
            "the name '", t.name, "' appears twice");
  }
}

}  // namespace gradus
