// expect: A reshape is not a transpose
// The shapes are all that the products complain about, and reshape mends them.
#include "course.h"

using namespace gradus;

struct MatmulGradients {
  Tensor da, db;
};

MatmulGradients matmul_gradients(const Tensor& a, const Tensor& b, const Tensor& g) {
  return {matmul(g, reshape(b, {b.size(1), b.size(0)})),
          matmul(reshape(a, {a.size(1), a.size(0)}), g)};
}
