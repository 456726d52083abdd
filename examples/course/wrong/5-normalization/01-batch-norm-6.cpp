// expect: You normalize over the wrong dimensions, [0]
// Tempts because the batch is dimension 0, and on [N, C] it is right.
#include "course.h"

using namespace gradus;

struct BatchNorm {
  Tensor running_mean, running_var;  // [C]
  double momentum, eps;
  bool training = true;
};

Tensor forward(BatchNorm& norm, const Tensor& x) {
  if (!norm.training) {
    const Tensor m = reshape(norm.running_mean, {1, -1, 1, 1});
    const Tensor v = reshape(norm.running_var, {1, -1, 1, 1});
    return (x - m) * rsqrt(v + norm.eps);
  }
  const Dims dims = {0};
  const Tensor centred = x - mean(x, dims, true);
  const Tensor y = centred * rsqrt(mean(square(centred), dims, true) + norm.eps);

  const Tensor seen = x.detach();
  const double m = norm.momentum;
  norm.running_mean = norm.running_mean * (1 - m) + mean(seen, {0, 2, 3}) * m;
  norm.running_var = norm.running_var * (1 - m) + var(seen, {0, 2, 3}, 1) * m;
  return y;
}
