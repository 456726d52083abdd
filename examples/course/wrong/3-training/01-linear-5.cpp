// expect: its transpose
// Tempting: x comes first in x W^T.
#include "course.h"

using namespace gradus;

struct Gradients {
  Tensor x, weight, bias;
};

/// The gradients of what went into y = relu(linear(x, weight, bias)), from that of y.
Gradients gradients(const Tensor& g, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor z = matmul(x, weight.T()) + bias;
  const Tensor dz = g * (z > 0).to(g.dtype());
  return {matmul(dz, weight), matmul(x.T(), dz), sum(dz, {0})};
}
