// 2.3  The two gradients of a matrix product.
#include "course.h"

using namespace gradus;

struct MatmulGradients {
  Tensor da, db;
};

MatmulGradients matmul_gradients(const Tensor& a, const Tensor& b, const Tensor& g) {
  // The factor keeps its side: B is at the right in A B and in G Bᵀ. A transpose is a view, so no
  // element is moved for it.
  return {matmul(g, transpose(b, 0, 1)), matmul(transpose(a, 0, 1), g)};
}
