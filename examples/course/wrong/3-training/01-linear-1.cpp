// expect: the ReLU is missing
// Tempting: the three products are the interesting part, and the ReLU has no parameters.
#include "course.h"

using namespace gradus;

struct Gradients {
  Tensor x, weight, bias;
};

/// The gradients of what went into y = relu(linear(x, weight, bias)), from that of y.
Gradients gradients(const Tensor& g, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  (void)bias;
  return {matmul(g, weight), matmul(g.T(), x), sum(g, {0})};
}
