// expect: dA is G B: the transpose is missing
// For numbers, the derivative of a b by a is b.
#include "course.h"

using namespace gradus;

struct MatmulGradients {
  Tensor da, db;
};

MatmulGradients matmul_gradients(const Tensor& a, const Tensor& b, const Tensor& g) {
  return {matmul(g, b), matmul(a, g)};
}
