// expect: cosines: []
// Tempts because there is one matrix of weights, and its cosine is 0 as well.
#include "course.h"

using namespace gradus;

Tensor cosines(const Tensor& w, const Tensor& dw, int64_t parts) {
  const Tensor a = reshape(w, {parts, -1}), b = reshape(dw, {parts, -1});
  return sum(a * b) / (norm(a) * norm(b));
}
