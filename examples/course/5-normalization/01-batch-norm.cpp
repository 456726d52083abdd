// 5.1  Batch norm, in training and in evaluation.
//
// For x [N, C, H, W] each channel is one set of M = N H W elements. In training, with mean and
// variance v of the set (v biased: divided by M):
//     y = (x - mean) / sqrt(v + eps)
//     running_mean = (1 - momentum) running_mean + momentum mean
//     running_var  = (1 - momentum) running_var  + momentum v M / (M - 1)      (unbiased)
// In evaluation y is computed from the running statistics, and they stay as they are. They are no
// part of what the tape differentiates: take them from x.detach().
#include "course.h"

using namespace gradus;

struct BatchNorm {
  Tensor running_mean, running_var;  // [C]
  double momentum, eps;
  bool training = true;
};

/// The output, of x's shape; in training it also moves the running statistics.
Tensor forward(BatchNorm& norm, const Tensor& x) {
  // TODO: both modes. Useful: mean(x, {..}, true) and var(x, {..}, correction, true) keep the
  // reduced dimensions with size 1; reshape(t, {1, -1, 1, 1}) makes [C] fit x.
  course::todo("the forward pass of batch norm");
}
