// expect: not divided by the lengths
// Tempts because orthogonal means that the product is 0.
#include "course.h"

using namespace gradus;

Tensor cosines(const Tensor& w, const Tensor& dw, int64_t parts) {
  const Tensor a = reshape(w, {parts, -1}), b = reshape(dw, {parts, -1});
  return sum(a * b, {1});
}
