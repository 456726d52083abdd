#include "course.h"

using namespace gradus;

struct BatchNorm {
  Tensor running_mean, running_var;  // [C]
  double momentum, eps;
  bool training = true;
};

Tensor forward(BatchNorm& norm, const Tensor& x) {
  if (!norm.training) {
    // Constants: an image gets the same result whatever else is in its batch.
    const Tensor m = reshape(norm.running_mean, {1, -1, 1, 1});
    const Tensor v = reshape(norm.running_var, {1, -1, 1, 1});
    return (x - m) * rsqrt(v + norm.eps);
  }
  // Every dimension but that of the channels: the set of a channel has N H W elements.
  const Dims dims = {0, 2, 3};
  const Tensor centred = x - mean(x, dims, true);
  // Biased, because these M elements are all there are: the output has exactly v / (v + eps).
  const Tensor y = centred * rsqrt(mean(square(centred), dims, true) + norm.eps);

  // Unbiased, because here the batch is a sample that estimates the variance of all images. And
  // detached, or the tape would keep every batch there has been.
  const Tensor seen = x.detach();
  const double m = norm.momentum;
  norm.running_mean = norm.running_mean * (1 - m) + mean(seen, dims) * m;
  norm.running_var = norm.running_var * (1 - m) + var(seen, dims, 1) * m;
  return y;
}
