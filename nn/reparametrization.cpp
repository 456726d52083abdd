#include "reparametrization.h"

#include <utility>

#include "../core/base/error.h"
#include "../core/base/random.h"
#include "../core/tape.h"
#include "init.h"

namespace gradus::nn {

Tensor detail::taken(Tensor& tensor) {
  const Tensor t = std::exchange(tensor, {});
  return t.defined() ? t.detach() : t;
}

// --- Weight norm ---

Tensor weight_length(const Tensor& v, std::optional<int64_t> dim) {
  if (!dim) return norm(v);
  Dims others;
  for (int d = 0; d < v.dim(); ++d) {
    if (d != *dim) others.push_back(d);
  }
  return norm(v, others, 2, true);
}

Tensor normed_weight(const Tensor& v, const Tensor& g, std::optional<int64_t> dim) {
  const Tape::Span span("weight_norm");
  return mul(v, div(g, weight_length(v, dim)));
}

Tensor detail::checked_length(const char* type, const Tensor& weight, std::optional<int64_t> dim) {
  require(!dim || (*dim >= 0 && *dim < weight.dim()), type,
          "leave it empty for one length of the whole weight", "dim ", dim.value_or(0),
          " is none of the ", weight.dim(), " of the weight ", weight.shape());
  const NoGrad pause;
  return weight_length(weight, dim);
}

// --- Spectral norm ---

namespace {

Tensor as_matrix(const Tensor& weight) {
  return reshape(weight, {weight.size(0), -1});
}

Tensor unit(const Tensor& x, double eps) {
  return div(x, maximum(norm(x), eps));
}

}  // namespace

Tensor detail::random_unit(int64_t size, DType dtype, double eps) {
  return unit(randn({size}, default_rng(Stream::init), dtype), eps);
}

void detail::iterate(const Tensor& weight, Tensor& u, Tensor& v, int64_t times, double eps) {
  const NoGrad pause;
  const Tensor matrix = as_matrix(weight.detach());
  for (int64_t i = 0; i < times; ++i) {
    v.copy_(unit(matmul(u, matrix), eps));
    u.copy_(unit(matmul(matrix, v), eps));
  }
}

Tensor detail::spectrally_normed(const Tensor& weight, const Tensor& u, const Tensor& v) {
  const Tape::Span span("spectral_norm");
  // Copies, since the next forward in training writes to the buffers.
  const Tensor left = u.clone(), right = v.clone();
  return div(weight, matmul(left, matmul(as_matrix(weight), right)));
}

// --- Weight standardization ---

Tensor standardized_weight(const Tensor& w, double eps) {
  const Tape::Span span("weight_standardization");
  Shape slice;
  for (int d = 1; d < w.dim(); ++d) slice.push_back(w.size(d));
  return layer_norm(w, slice, {}, {}, eps);  // each slice is a row to it
}

}  // namespace gradus::nn
