// In-place updates of parameters, as optimizers make them. Each is one pass over memory.
//
// Parameter and state are written, the gradient is only read. All have one shape and dtype (float32
// or float64) and are in row-major order, else ShapeError, DTypeError or ValueError is thrown and
// nothing is written; a gradient in another order, or one that overlaps with what is written, is
// copied; parameter and state must not overlap (ValueError). Under a recording tape they throw
// TapeError: open a NoGrad scope. Formulas and their order are those of torch.optim.
//
// Below, p is the parameter, g its gradient, t the number of the update, from 1, and
//
//     d = g + weight_decay p + l1_decay sign(p),        with -g for g to maximize.
//
// The second term is the gradient of weight_decay / 2 times the sum of squares, the third that of
// l1_decay times the sum of magnitudes (0 at p = 0).
#pragma once

#include <cstdint>
#include <span>

#include "../core/tensor.h"

namespace gradus {

/// What sgd_update_ is told besides tensors; the letters are those of its formula.
struct SgdUpdate {
  double lr = 0;            ///< size of the step
  double momentum = 0;      ///< how much of the buffer stays
  double dampening = 0;     ///< share of d that does not enter the buffer
  double weight_decay = 0;  ///< of the L2 term in d
  double l1_decay = 0;      ///< of the L1 term in d
  bool nesterov = false;    ///< step along d + momentum buffer
  bool maximize = false;    ///< take -g for g
  bool first = false;       ///< the buffer has no value yet
};
/// buffer = momentum buffer + (1 - dampening) d, or d on the first step;
/// p -= lr (nesterov ? d + momentum buffer : buffer). An undefined buffer means no momentum.
void sgd_update_(Tensor& parameter, const Tensor& gradient, Tensor& buffer,
                 const SgdUpdate& update);

/// What adam_update_ is told besides tensors; the letters are those of its formula.
struct AdamUpdate {
  double lr = 0;            ///< size of the step
  double beta1 = 0.9;       ///< how much of m stays, in [0, 1)
  double beta2 = 0.999;     ///< how much of v stays, in [0, 1)
  double eps = 1e-8;        ///< added to the root
  double weight_decay = 0;  ///< of the L2 term in d
  double l1_decay = 0;      ///< of the L1 term in d
  bool decoupled = false;   ///< p *= 1 - lr weight_decay (AdamW) rather than a term of d
  bool maximize = false;    ///< take -g for g
  int64_t step = 1;         ///< t
};
/// m = beta1 m + (1 - beta1) d; v = beta2 v + (1 - beta2) d^2;
/// p -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps). A defined `max_exp_avg_sq` keeps
/// the largest v, which then stands in for v (amsgrad).
void adam_update_(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
                  Tensor& max_exp_avg_sq, const AdamUpdate& update);

/// What adamax_update_ and radam_update_ are told besides tensors.
struct MomentUpdate {
  double lr = 0;            ///< size of the step
  double beta1 = 0.9;       ///< how much of m stays, in [0, 1)
  double beta2 = 0.999;     ///< how much of u or v stays, in [0, 1)
  double eps = 1e-8;        ///< added to |d| (Adamax) or to the root (RAdam)
  double weight_decay = 0;  ///< of the L2 term in d
  double l1_decay = 0;      ///< of the L1 term in d
  bool maximize = false;    ///< take -g for g
  int64_t step = 1;         ///< t
};
/// m as in Adam; u = max(beta2 u, |d| + eps); p -= lr / (1 - beta1^t) m / u.
void adamax_update_(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_inf,
                    const MomentUpdate& update);

/// What nadam_update_ is told besides tensors; the letters are those of its formula.
struct NadamUpdate {
  double lr = 0;                  ///< size of the step
  double beta1 = 0.9;             ///< how much of m stays, in [0, 1)
  double beta2 = 0.999;           ///< how much of v stays, in [0, 1)
  double eps = 1e-8;              ///< added to the root
  double weight_decay = 0;        ///< of the L2 term in d
  double l1_decay = 0;            ///< of the L1 term in d
  double momentum_decay = 0.004;  ///< how fast mu_t grows to beta1
  bool maximize = false;          ///< take -g for g
  int64_t step = 1;               ///< t
};
/// m and v as in Adam; mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2); `mu_product`, which this
/// multiplies by mu_t, is mu_1 ... mu_t;
/// p -= lr ((1 - mu_t) d / (1 - mu_1 ... mu_t) + mu_(t+1) m / (1 - mu_1 ... mu_(t+1))) /
///      (sqrt(v / (1 - beta2^t)) + eps).
void nadam_update_(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
                   double& mu_product, const NadamUpdate& update);

/// m and v as in Adam, m' = m / (1 - beta1^t); R = 2 / (1 - beta2) - 1;
/// r = R - 2 t beta2^t / (1 - beta2^t); where r > 5
/// p -= lr m' sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r)) sqrt(1 - beta2^t) / (sqrt(v) + eps),
/// else p -= lr m'.
void radam_update_(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
                   const MomentUpdate& update);

/// What lion_update_ is told besides tensors; the letters are those of its formula.
struct LionUpdate {
  double lr = 0;            ///< size of the step
  double beta1 = 0.9;       ///< share of m in the direction of the step
  double beta2 = 0.99;      ///< how much of m stays
  double weight_decay = 0;  ///< decoupled
  bool maximize = false;    ///< take -g for g
};
/// p = (1 - lr weight_decay) p - lr sign(beta1 m + (1 - beta1) g), then
/// m = beta2 m + (1 - beta2) g.
void lion_update_(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg,
                  const LionUpdate& update);

/// What rmsprop_update_ is told besides tensors; the letters are those of its formula.
struct RmspropUpdate {
  double lr = 0;            ///< size of the step
  double alpha = 0.99;      ///< how much of s and a stays, in [0, 1]
  double eps = 1e-8;        ///< added to the root
  double momentum = 0;      ///< how much of the buffer stays
  double weight_decay = 0;  ///< of the L2 term in d
  double l1_decay = 0;      ///< of the L1 term in d
  bool maximize = false;    ///< take -g for g
};
/// s = alpha s + (1 - alpha) d^2; with a defined `grad_avg` a = alpha a + (1 - alpha) d, else 0;
/// q = d / (sqrt(s - a^2) + eps); with a defined `buffer` b = momentum b + q, p -= lr b, else
/// p -= lr q.
void rmsprop_update_(Tensor& parameter, const Tensor& gradient, Tensor& square_avg,
                     Tensor& grad_avg, Tensor& buffer, const RmspropUpdate& update);

/// What adagrad_update_ is told besides tensors; the letters are those of its formula.
struct AdagradUpdate {
  double lr = 0;            ///< size of the step
  double lr_decay = 0;      ///< how fast lr falls, per step
  double eps = 1e-10;       ///< added to the root
  double weight_decay = 0;  ///< of the L2 term in d
  double l1_decay = 0;      ///< of the L1 term in d
  bool maximize = false;    ///< take -g for g
  int64_t step = 1;         ///< t
};
/// sum += d^2; p -= lr / (1 + (t - 1) lr_decay) d / (sqrt(sum) + eps).
void adagrad_update_(Tensor& parameter, const Tensor& gradient, Tensor& sum,
                     const AdagradUpdate& update);

/// What adadelta_update_ is told besides tensors; the letters are those of its formula.
struct AdadeltaUpdate {
  double lr = 1;            ///< factor of the step
  double rho = 0.9;         ///< how much of s and a stays, in [0, 1]
  double eps = 1e-6;        ///< added under both roots
  double weight_decay = 0;  ///< of the L2 term in d
  double l1_decay = 0;      ///< of the L1 term in d
  bool maximize = false;    ///< take -g for g
};
/// s = rho s + (1 - rho) d^2; q = sqrt(a + eps) / sqrt(s + eps) d; a = rho a + (1 - rho) q^2;
/// p -= lr q.
void adadelta_update_(Tensor& parameter, const Tensor& gradient, Tensor& square_avg,
                      Tensor& acc_delta, const AdadeltaUpdate& update);

/// average += share (value - average), under the same conditions.
void average_update_(Tensor& average, const Tensor& value, double share);

/// (sum of |x|^ord)^(1 / ord) over all elements of all tensors (floating, any shapes), or the
/// largest |x| for infinite `ord`, computed in double; 0 for no tensors. Throws ValueError unless
/// ord > 0.
double total_norm(std::span<const Tensor> tensors, double ord = 2);

}  // namespace gradus
