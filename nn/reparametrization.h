// Layers whose weight is computed from other parameters in every forward pass.
//
//     nn::WeightNorm<nn::Linear> fc(nn::Linear(784, 10));       // fc.weight_g, fc.weight_v
//     nn::SpectralNorm<nn::Conv2d> conv(nn::Conv2d({...}));     // conv.weight_orig, ...
//     nn::WeightStandardization<nn::Conv2d> standardized(nn::Conv2d({...}));
//
// They wrap a layer and start from its weight; names in files are PyTorch's.
#pragma once

#include "conv.h"
#include "linear.h"

namespace gradus::nn {

namespace detail {

/// Moves a parameter of a layer out of it; undefined if it has none.
Tensor taken(Tensor& tensor);
/// weight_length of a weight of this layer. Throws ValueError for a `dim` that it does not have.
Tensor checked_length(const char* type, const Tensor& weight, std::optional<int64_t> dim);
/// A random vector of length 1.
Tensor random_unit(int64_t size, DType dtype, double eps);
/// Power iterations with a weight as a matrix, towards its first singular vectors.
void iterate(const Tensor& weight, Tensor& u, Tensor& v, int64_t times, double eps);
/// A weight divided by its singular value u^T W v.
Tensor spectrally_normed(const Tensor& weight, const Tensor& u, const Tensor& v);

}  // namespace detail

/// g v / |v|, where |v| runs over all dimensions but `dim` (over all without one).
Tensor normed_weight(const Tensor& v, const Tensor& g, std::optional<int64_t> dim);
/// |v| as above, with size 1 in the dimensions that it runs over; a scalar without `dim`.
Tensor weight_length(const Tensor& v, std::optional<int64_t> dim);

/// Options of WeightNorm: those of the layer, and its own.
template <class Inner>
struct WeightNormOptions {
  static constexpr const char* type =
      std::is_same_v<Inner, Linear> ? "WeightNormLinear" : "WeightNormConv2d";
  typename Inner::Options layer;  ///< of the layer whose weight this is
  /// The dimension whose slices have a length each: 0 for one per output; none for one in all.
  std::optional<int64_t> dim = 0;

  void describe(OptionVisitor& visit) {
    layer.describe(visit);
    visit("dim", dim);
  }
};

/// Weight normalization: weight = weight_g weight_v / |weight_v|, so that length and direction are
/// learned separately (Salimans and Kingma, arXiv 1602.07868). `Inner` is Linear or Conv2d.
/// Parameters bias, weight_g (for Linear [out, 1]) and weight_v (of the weight's shape). Throws
/// ValueError for a `dim` that the weight does not have.
template <class Inner>
class WeightNorm : public Layer<WeightNormOptions<Inner>> {
 public:
  using Options = WeightNormOptions<Inner>;
  explicit WeightNorm(const Options& options) : WeightNorm(Inner(options.layer), options.dim) {}
  explicit WeightNorm(Inner layer, std::optional<int64_t> dim = 0)
      : Layer<Options>(Options{layer.options(), dim}),
        inner_(std::move(layer)),
        bias(this->parameter("bias", detail::taken(inner_.bias))),
        weight_g(
            this->parameter("weight_g", detail::checked_length(Options::type, inner_.weight, dim))),
        weight_v(this->parameter("weight_v", detail::taken(inner_.weight))) {}
  Tensor forward(const Tensor& x) override { return inner_.forward_with(x, weight(), bias); }
  /// The weight that the next forward will use.
  Tensor weight() const { return normed_weight(weight_v, weight_g, this->options().dim); }

 private:
  Inner inner_;  // its options and nothing else: parameters are here

 public:
  Tensor& bias;      ///< of the layer; undefined without one
  Tensor& weight_g;  ///< lengths, of size 1 in all dimensions but `dim`
  Tensor& weight_v;  ///< directions, of the weight's shape
};

/// Options of SpectralNorm: those of the layer, and its own.
template <class Inner>
struct SpectralNormOptions {
  static constexpr const char* type =
      std::is_same_v<Inner, Linear> ? "SpectralNormLinear" : "SpectralNormConv2d";
  typename Inner::Options layer;   ///< of the layer whose weight this is
  int64_t n_power_iterations = 1;  ///< per forward pass in training; at least 1
  double eps = 1e-12;              ///< least length that u and v are divided by

  void describe(OptionVisitor& visit) {
    layer.describe(visit);
    visit("n_power_iterations", n_power_iterations);
    visit("eps", eps);
  }
  void check() const {
    check_at_least(type, "n_power_iterations", n_power_iterations, 1);
    require(eps >= 0, type, "it keeps a norm of 0 from being divided by; 1e-12 is usual",
            "eps must not be negative, got ", eps);
  }
};

/// Spectral normalization: weight = weight_orig / s, where s = u^T W v estimates the largest
/// singular value of W, weight_orig as a matrix [out, rest] (Miyato et al., arXiv 1802.05957).
/// `Inner` is Linear or Conv2d.
///
/// Parameters bias and weight_orig; buffers weight_u [out] and weight_v [rest], unit vectors that
/// each forward pass in training updates by n_power_iterations of v = W^T u / |W^T u|, u = W v / |W
/// v|. The gradient treats them as constants. A new layer starts with 15 iterations, so that it can
/// be evaluated immediately. Throws ValueError for less than one iteration or a negative eps.
template <class Inner>
class SpectralNorm : public Layer<SpectralNormOptions<Inner>> {
 public:
  using Options = SpectralNormOptions<Inner>;
  explicit SpectralNorm(const Options& options)
      : SpectralNorm(Inner(options.layer), options.n_power_iterations, options.eps) {}
  explicit SpectralNorm(Inner layer, int64_t n_power_iterations = 1, double eps = 1e-12)
      : Layer<Options>(Options{layer.options(), n_power_iterations, eps}),
        inner_(std::move(layer)),
        bias(this->parameter("bias", detail::taken(inner_.bias))),
        weight_orig(this->parameter("weight_orig", detail::taken(inner_.weight))),
        weight_u(this->buffer("weight_u", random_unit(weight_orig.size(0)))),
        weight_v(this->buffer("weight_v", random_unit(weight_orig.numel() / weight_orig.size(0)))) {
    iterate(15);  // as many as PyTorch's newer parametrization takes
  }
  Tensor forward(const Tensor& x) override {
    if (this->is_training()) iterate(this->options().n_power_iterations);
    return inner_.forward_with(x, weight(), bias);
  }
  bool depends_on_mode() const override { return true; }
  /// The weight that a forward in evaluation would use.
  Tensor weight() const { return detail::spectrally_normed(weight_orig, weight_u, weight_v); }

 private:
  Tensor random_unit(int64_t size) const {
    return detail::random_unit(size, weight_orig.dtype(), this->options().eps);
  }
  void iterate(int64_t times) {
    detail::iterate(weight_orig, weight_u, weight_v, times, this->options().eps);
  }

  Inner inner_;  // its options and nothing else: parameters are here

 public:
  Tensor& bias;         ///< of the layer; undefined without one
  Tensor& weight_orig;  ///< of the weight's shape
  Tensor& weight_u;     ///< [out], a buffer
  Tensor& weight_v;     ///< [rest], a buffer
};

/// (w - mean) / sqrt(var + eps), with mean and biased variance of each slice along dimension 0.
Tensor standardized_weight(const Tensor& w, double eps = 1e-5);

/// Options of WeightStandardization: those of the layer, and its own.
template <class Inner>
struct WeightStandardizationOptions {
  static constexpr const char* type =
      std::is_same_v<Inner, Linear> ? "WeightStandardizationLinear" : "WeightStandardizationConv2d";
  typename Inner::Options layer;  ///< of the layer whose weight this is
  double eps = 1e-5;              ///< added to the variance before the root; at least 0

  void describe(OptionVisitor& visit) {
    layer.describe(visit);
    visit("eps", eps);
  }
  void check() const {
    require(eps >= 0, type, "it keeps a variance of 0 from being divided by; 1e-5 is usual",
            "eps must not be negative, got ", eps);
  }
};

/// Weight standardization: the weights of each output have mean 0 and variance 1 (Qiao et al.,
/// arXiv 1903.10520). `Inner` is Linear or Conv2d. For layers before a norm, group norm above all:
/// the outputs are larger than those of the layer by the root of its number of inputs.
///
/// Parameters weight and bias are those of the layer, so its files can be loaded. Throws ValueError
/// for a layer with a single weight per output, which would be 0, and for a negative eps.
template <class Inner>
class WeightStandardization : public Layer<WeightStandardizationOptions<Inner>> {
 public:
  using Options = WeightStandardizationOptions<Inner>;
  explicit WeightStandardization(const Options& options)
      : WeightStandardization(Inner(options.layer), options.eps) {}
  explicit WeightStandardization(Inner layer, double eps = 1e-5)
      : Layer<Options>(Options{layer.options(), eps}),
        inner_(std::move(layer)),
        weight(this->parameter("weight", detail::taken(inner_.weight))),
        bias(this->parameter("bias", detail::taken(inner_.bias))) {
    require(weight.numel() > weight.size(0), Options::type,
            "a single weight minus its mean is 0: leave such a layer as it is",
            "each output needs more than 1 weight, got a weight ", weight.shape());
  }
  Tensor forward(const Tensor& x) override {
    return inner_.forward_with(x, standardized_weight(weight, this->options().eps), bias);
  }

 private:
  Inner inner_;  // its options and nothing else: parameters are here

 public:
  Tensor& weight;  ///< before it is standardized
  Tensor& bias;    ///< of the layer; undefined without one
};

}  // namespace gradus::nn
