// Tensors as text, in the form that users of NumPy and PyTorch know.
#pragma once

#include <iosfwd>
#include <string>

#include "tensor.h"

namespace gradus {

/// How to_string() writes. It throws ValueError for what is outside of these ranges.
struct PrintOptions {
  int precision = 4;         ///< digits behind the point, 0 to 100
  int64_t threshold = 1000;  ///< a tensor with more elements is abbreviated with "..."
  int64_t edge_items = 3;  ///< what an abbreviation shows at either end of a dimension; at least 1
  int line_width = 80;     ///< characters after which a row goes on in the next line; at least 1
};

/// The elements in nested brackets, in columns:
///
///     tensor([[  1.5000,  -2.2500],
///             [100.0000,   0.0000]])
///
/// Floating elements share one form: "1." where all are whole, else `precision` digits, else
/// scientific where the largest is more than 1000 times the smallest (0 apart), above 10^8 or, with
/// fractions, the smallest is below 10^-4. What the brackets do not show follows them: the size of
/// an empty tensor, and a type other than float32, int64 and bool.
std::string to_string(const Tensor& x, const PrintOptions& options = {});
/// Writes to_string(x).
std::ostream& operator<<(std::ostream& out, const Tensor& x);

}  // namespace gradus
