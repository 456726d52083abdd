// expect: Your pieces are columns
// Tempts because the last dimension is where one usually cuts.
#include "course.h"

using namespace gradus;

Tensor cosines(const Tensor& w, const Tensor& dw, int64_t parts) {
  const Tensor a = reshape(w, {-1, parts}), b = reshape(dw, {-1, parts});
  return sum(a * b, {0}) / (norm(a, {0}) * norm(b, {0}));
}
