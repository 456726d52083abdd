// 3.1  The gradients of a linear layer and its ReLU.
#include "course.h"

using namespace gradus;

struct Gradients {
  Tensor x, weight, bias;
};

/// The gradients of what went into y = relu(linear(x, weight, bias)), from that of y.
Gradients gradients(const Tensor& g, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  // Backward needs what forward computed: the sign of z decides what passes. A real layer would
  // have kept it instead of computing it twice.
  const Tensor z = matmul(x, weight.T()) + bias;
  // A comparison gives bools, and types never mix, so it has to become one of numbers.
  const Tensor dz = g * (z > 0).to(g.dtype());
  // Each sum over an index that both factors share is a matrix product; a transpose puts the
  // shared index where matmul wants it. The bias is used once per sample: its uses add up.
  return {matmul(dz, weight), matmul(dz.T(), x), sum(dz, {0})};
}
