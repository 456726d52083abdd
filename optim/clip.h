// Gradient clipping.
//
//     tape.backward(loss);
//     optim::clip_grad_norm_(net.named_parameters(), 1.0);
//     optimizer.step();
#pragma once

#include <span>

#include "../core/tensor.h"

namespace gradus {

/// (sum of |x|^ord)^(1 / ord) over all elements of all tensors (floating, any shapes), or the
/// largest |x| for infinite `ord`, computed in double; 0 for no tensors. Throws ValueError unless
/// ord > 0.
double total_norm(std::span<const Tensor> tensors, double ord = 2);

}  // namespace gradus

namespace gradus::optim {

/// Options of clip_grad_norm_.
struct ClipNormOptions {
  double norm_type = 2;  ///< any positive number; infinity for the largest magnitude
  /// Throw ValueError if the norm is NaN or infinite. Otherwise an infinite norm makes finite
  /// gradients 0, and a NaN makes all gradients NaN.
  bool error_if_nonfinite = false;
};

/// Multiplies all gradients by min(1, max_norm / (total + 1e-6)), where `total` is the norm of all
/// of them together, as one vector, and returns total (Pascanu, Mikolov and Bengio, "On the
/// difficulty of training recurrent neural networks", ICML 2013). The direction of the step stays.
/// The norm is computed in double, and its bits do not depend on the number of threads. Parameters
/// without gradient are skipped; without any gradient the norm is 0. Clipped
/// gradients are new tensors. Throws ValueError for invalid options, and then changes
/// nothing.
double clip_grad_norm_(const NamedTensors& parameters, double max_norm,
                       const ClipNormOptions& options = {});

/// Limits each element of each gradient to [-clip_value, clip_value]. NaN stays. Throws ValueError
/// unless clip_value is a number of at least 0.
void clip_grad_value_(const NamedTensors& parameters, double clip_value);

}  // namespace gradus::optim
