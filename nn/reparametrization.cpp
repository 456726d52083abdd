#include "reparametrization.h"

#include <algorithm>
#include <utility>

#include "../core/base/error.h"
#include "../core/base/random.h"
#include "../core/tape.h"
#include "init.h"

namespace gradus::nn {

namespace {

/// Moves the tensor out and leaves an undefined one.
Tensor taken(Tensor& tensor) {
  return std::exchange(tensor, {}).detach();
}

}  // namespace

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

namespace {

Tensor checked_length(const char* type, const Tensor& weight, std::optional<int64_t> dim) {
  require(!dim || (*dim >= 0 && *dim < weight.dim()), type,
          "leave it empty for one length of the whole weight", "dim ", dim.value_or(0),
          " is none of the ", weight.dim(), " of the weight ", weight.shape());
  const NoGrad pause;
  return weight_length(weight, dim);
}

}  // namespace

template <class Inner>
WeightNorm<Inner>::WeightNorm(Inner layer, std::optional<int64_t> dim)
    : Layer<Options>(Options{layer.options(), dim}),
      inner_(std::move(layer)),
      bias(this->parameter("bias", inner_.bias.defined() ? taken(inner_.bias) : Tensor())),
      weight_g(this->parameter("weight_g", checked_length(Options::type, inner_.weight, dim))),
      weight_v(this->parameter("weight_v", taken(inner_.weight))) {}

template class WeightNorm<Linear>;
template class WeightNorm<Conv2d>;

// --- Spectral norm ---

namespace {

Tensor as_matrix(const Tensor& weight) {
  return reshape(weight, {weight.size(0), -1});
}

Tensor unit(const Tensor& x, double eps) {
  return div(x, maximum(norm(x), eps));
}

Tensor random_unit(int64_t size, DType dtype, double eps) {
  return unit(randn({size}, default_rng(Stream::init), dtype), eps);
}

void iterate(const Tensor& weight, Tensor& u, Tensor& v, int64_t times, double eps) {
  const NoGrad pause;
  const Tensor matrix = as_matrix(weight.detach());
  for (int64_t i = 0; i < times; ++i) {
    v.copy_(unit(matmul(u, matrix), eps));
    u.copy_(unit(matmul(matrix, v), eps));
  }
}

}  // namespace

template <class Inner>
SpectralNorm<Inner>::SpectralNorm(Inner layer, int64_t n_power_iterations, double eps)
    : Layer<Options>(Options{layer.options(), n_power_iterations, eps}),
      inner_(std::move(layer)),
      bias(this->parameter("bias", inner_.bias.defined() ? taken(inner_.bias) : Tensor())),
      weight_orig(this->parameter("weight_orig", taken(inner_.weight))),
      weight_u(
          this->buffer("weight_u", random_unit(weight_orig.size(0), weight_orig.dtype(), eps))),
      weight_v(this->buffer("weight_v", random_unit(weight_orig.numel() / weight_orig.size(0),
                                                    weight_orig.dtype(), eps))) {
  constexpr int64_t first_iterations = 15;  // as many as PyTorch's newer parametrization takes
  iterate(weight_orig, weight_u, weight_v, first_iterations, eps);
}

template <class Inner>
Tensor SpectralNorm<Inner>::weight() const {
  const Tape::Span span("spectral_norm");
  // Copies, since the next forward in training writes to the buffers.
  const Tensor u = weight_u.clone(), v = weight_v.clone();
  return div(weight_orig, matmul(u, matmul(as_matrix(weight_orig), v)));
}

template <class Inner>
Tensor SpectralNorm<Inner>::forward(const Tensor& x) {
  const Options& o = this->options();
  if (this->is_training()) iterate(weight_orig, weight_u, weight_v, o.n_power_iterations, o.eps);
  return inner_.forward_with(x, weight(), bias);
}

template class SpectralNorm<Linear>;
template class SpectralNorm<Conv2d>;

// --- Weight standardization ---

Tensor standardized_weight(const Tensor& w, double eps) {
  const Tape::Span span("weight_standardization");
  Shape slice;
  for (int d = 1; d < w.dim(); ++d) slice.push_back(w.size(d));
  return layer_norm(w, slice, {}, {}, eps);  // each slice is a row to it
}

template <class Inner>
WeightStandardization<Inner>::WeightStandardization(Inner layer, double eps)
    : Layer<Options>(Options{layer.options(), eps}),
      inner_(std::move(layer)),
      weight(this->parameter("weight", taken(inner_.weight))),
      bias(this->parameter("bias", inner_.bias.defined() ? taken(inner_.bias) : Tensor())) {
  require(eps >= 0, Options::type, "it keeps a variance of 0 from being divided by; 1e-5 is usual",
          "eps must not be negative, got ", eps);
  require(weight.numel() > weight.size(0), Options::type,
          "a single weight minus its mean is 0: leave such a layer as it is",
          "each output needs more than 1 weight, got a weight ", weight.shape());
}

template class WeightStandardization<Linear>;
template class WeightStandardization<Conv2d>;

}  // namespace gradus::nn
