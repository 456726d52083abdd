// Tensors as text, in the format of NumPy and PyTorch.
#pragma once

#include <iosfwd>
#include <string>

#include "tensor.h"

namespace gradus {

/// How to_string() writes. It throws ValueError for values outside these ranges.
struct PrintOptions {
  int precision = 4;         ///< decimals, 0 to 100
  int64_t threshold = 1000;  ///< a tensor with more elements is abbreviated with "..."
  int64_t edge_items = 3;    ///< items shown at either end of an abbreviated dimension; at least 1
  int line_width = 80;  ///< characters after which a row continues on the next line; at least 1
};

/// The elements in nested brackets, in columns:
///
///     tensor([[  1.5000,  -2.2500],
///             [100.0000,   0.0000]])
///
/// Floating-point elements share one format: scientific if the largest is more than 1000 times the
/// smallest (ignoring 0), above 10^8 or, with fractions, the smallest is below 10^-4; else "1." if
/// all are integers; else `precision` decimals. What the brackets do not show follows them: the
/// size of an empty tensor, and a type other than float32, int64 and bool.
std::string to_string(const Tensor& x, const PrintOptions& options = {});
/// Writes to_string(x).
std::ostream& operator<<(std::ostream& out, const Tensor& x);

}  // namespace gradus
