// expect: dB is G Aᵀ: the factors are in the wrong order
// dA = G Bᵀ is written down again with the other letter.
#include "course.h"

using namespace gradus;

struct MatmulGradients {
  Tensor da, db;
};

MatmulGradients matmul_gradients(const Tensor& a, const Tensor& b, const Tensor& g) {
  return {matmul(g, transpose(b, 0, 1)), matmul(g, transpose(a, 0, 1))};
}
