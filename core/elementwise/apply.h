// Elementwise kernels on tensors, without an entry on the tape: how the operations compute.
#pragma once

#include "../op.h"
#include "elementwise_kernel.h"

namespace gradus::ops {

/// f of each element of x; p and q are its constants.
Tensor compute(const char* op, kernels::Unary f, const Tensor& x, double p = 0, double q = 0);
/// The same; throws DTypeError if x is not floating.
Tensor compute_floating(const char* op, kernels::Unary f, const Tensor& x, double p = 0,
                        double q = 0);
/// Arguments already have the same shape and type.
Tensor compute(const char* op, kernels::Binary f, const Tensor& a, const Tensor& b);

/// 1 where the mask is true, else 0, in the type of `like`.
Tensor indicator(const Tensor& mask, const Tensor& like);

}  // namespace gradus::ops
