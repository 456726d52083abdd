// Numerical checks of gradients.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tensor.h"

namespace gradus {

/// How gradcheck() and gradgradcheck() compute differences, and their tolerances.
struct GradcheckOptions {
  double step = 1e-6;                ///< of the central differences
  double relative_tolerance = 1e-6;  ///< of |analytic - numeric| to the size of the gradient
  double absolute_tolerance = 1e-8;  ///< in addition: gradients near 0 have no relative error
  uint64_t seed = 0;                 ///< of the random directions
  int directions = 4;                ///< random directions per check
};

/// The result of a check; converts to true if all passed.
struct GradcheckResult {
  bool passed = true;   ///< every direction was within the tolerances
  std::string message;  ///< which input, what was expected and found; empty if all passed
  double worst = 0;     ///< largest relative error seen
  explicit operator bool() const { return passed; }
};

/// A function of some tensors to check. It must be deterministic and smooth around its arguments.
using TensorFunction = std::function<Tensor(const std::vector<Tensor>&)>;

/// Compares the gradient that the tape computes for `f` with central differences, in float64.
///
/// For random cotangents u (never all ones: they hide the errors of functions whose outputs sum to
/// a constant) and random directions v, <u, J v> by differences must equal <J^T u, v> by the tape.
/// Inputs that do not require a gradient stay constant; all others must be float64 (DTypeError).
GradcheckResult gradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {});

/// The same for the gradient of `f` as a function of the inputs and of the output gradient: checks
/// second derivatives.
GradcheckResult gradgradcheck(const TensorFunction& f, const std::vector<Tensor>& inputs,
                              const GradcheckOptions& options = {});

}  // namespace gradus
