// Comparing a tensor with the one it should be, in one line.
#pragma once

#include <iosfwd>
#include <optional>
#include <string_view>

#include "tensor.h"

namespace gradus {

/// When compare() takes two tensors for approximately equal: no element differs by more than
/// `atol` + `rtol` times the largest magnitude in `theirs`. Rounding errors of a gradient
/// are of that size, also in elements that happen to be near 0.
struct CompareOptions {
  /// By default 1e-5 for float32, 1e-9 for float64, and 0 for other types.
  std::optional<double> rtol = {};
  /// By default 1e-8 for float32, 1e-12 for float64, and 0 for other types.
  std::optional<double> atol = {};
};

/// Prints in one line whether two tensors are equal, and returns whether they are approximately:
/// for gradients derived by hand next to those of the tape.
///
///     compare("dx", dx, x.grad());
///
/// prints, all in one line,
///
///     dx           exact: no    approximate: yes   largest difference: 1.2e-10 at [2,3]
///                  (mine 0.25, theirs 0.2500000001)
///
/// Shapes and types that differ are said in the line. NaN equals NaN, an infinity the same
/// infinity; either differs from everything else. Throws ValueError for tolerances that are
/// negative or NaN. Without `out` it prints to std::cout.
/// @{
bool compare(std::string_view name, const Tensor& mine, const Tensor& theirs,
             const CompareOptions& options = {});
bool compare(std::ostream& out, std::string_view name, const Tensor& mine, const Tensor& theirs,
             const CompareOptions& options = {});
/// @}

}  // namespace gradus
