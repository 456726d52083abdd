// expect: element by element
// * is the product in mathematics.
#include "course.h"

using namespace gradus;

struct MatmulGradients {
  Tensor da, db;
};

MatmulGradients matmul_gradients(const Tensor& a, const Tensor& b, const Tensor& g) {
  return {g * transpose(b, 0, 1), transpose(a, 0, 1) * g};
}
