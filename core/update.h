// In-place updates of parameters, as optimizers make them. Each is one pass over memory.
//
// Parameter and state are written, the gradient is only read. All have one shape and dtype (float32
// or float64) and are in row-major order, else ShapeError, DTypeError or ValueError is thrown and
// nothing is written; a gradient in another order is copied. Under a recording tape they throw
// TapeError: open a NoGrad scope. Formulas and their order are those of torch.optim 1.13.
#pragma once

#include <cstdint>

#include "tensor.h"

namespace gradus {

struct SgdUpdate {
  double lr = 0;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;
  bool maximize = false;
  bool first = false;  ///< the buffer has no value yet
};
/// d = g + weight_decay p; buffer = momentum buffer + (1 - dampening) d, or d on the first step;
/// p -= lr (nesterov ? d + momentum buffer : buffer). An undefined buffer means no momentum.
void sgd_update_(Tensor& parameter, const Tensor& gradient, Tensor& buffer,
                 const SgdUpdate& update);

struct AdamUpdate {
  double lr = 0;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;  ///< p *= 1 - lr weight_decay (AdamW) rather than g += weight_decay p
  bool maximize = false;
  int64_t step = 1;  ///< number of this update, from 1
};
/// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
/// p -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps). A defined `max_exp_avg_sq` keeps
/// the largest v, which then stands in for v (amsgrad).
void adam_update_(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
                  Tensor& max_exp_avg_sq, const AdamUpdate& update);

}  // namespace gradus
