// expect: it is divided by the lengths of all weights
// Tempts because norm(w) is the length of the weights.
#include "course.h"

using namespace gradus;

Tensor cosines(const Tensor& w, const Tensor& dw, int64_t parts) {
  const Tensor a = reshape(w, {parts, -1}), b = reshape(dw, {parts, -1});
  return sum(a * b, {1}) / (norm(a) * norm(b));
}
