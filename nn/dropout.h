// Dropout layers. Their random numbers are those of Stream::dropout (core/base/random.h).
#pragma once

#include "../core/base/name.h"
#include "module.h"

namespace gradus::nn {

/// Options of a dropout layer.
template <Name name>
struct DropProbability {
  static constexpr const char* type = name.text;
  double p = 0.5;  ///< the probability that an element (a channel of a sample) is dropped
  void describe(OptionVisitor& visit) { visit("p", p); }
  void check() const { check_probability(type, "p", p); }
};

/// drop(x, p, default_rng(Stream::dropout)) in training; the identity in evaluation and for p = 0.
/// Throws ValueError for p outside [0, 1].
template <Name name, auto drop>
class DropoutLayer : public Layer<DropProbability<name>> {
 public:
  using Options = DropProbability<name>;
  explicit DropoutLayer(const Options& o) : Layer<Options>(o) {}
  explicit DropoutLayer(double p = 0.5) : DropoutLayer(Options{p}) {}
  Tensor forward(const Tensor& x) override {
    const double p = this->options().p;
    return this->is_training() && p != 0 ? drop(x, p, default_rng(Stream::dropout)) : x;
  }
  bool depends_on_mode() const override { return this->options().p > 0; }
};

namespace detail {
template <size_t N>
constexpr const char* channel_dropout = for_dims<N>("Dropout1d", "Dropout2d", "Dropout3d");

/// dropout_channels of a batch or of a single sample with N spatial dimensions.
template <size_t N>
Tensor drop_channels(const Tensor& x, double p, Rng& generator) {
  if (N != 2) check_spatial(channel_dropout<N>, x, N);
  if (N == 2 || x.dim() == N + 2) return dropout_channels(x, p, generator);
  return squeeze(dropout_channels(unsqueeze(x, 0), p, generator), 0);
}
}  // namespace detail

/// In training, zeroes each element with probability p and multiplies the others by 1 / (1 - p)
/// (Srivastava et al., JMLR 15, 2014).
using Dropout = DropoutLayer<"Dropout", dropout>;
/// The same for whole channels of x [N, C, ...], or for Dropout1d [C, L] and Dropout3d [C, D, H, W]
/// of a single sample (Tompson et al., arXiv 1411.4280). Dropout2d takes any number of dimensions,
/// and the first two for N and C.
template <size_t N>
using ChannelDropout = DropoutLayer<detail::channel_dropout<N>, detail::drop_channels<N>>;
using Dropout1d = ChannelDropout<1>;  ///< [N, C, L] or [C, L]
using Dropout2d = ChannelDropout<2>;  ///< [N, C, ...]
using Dropout3d = ChannelDropout<3>;  ///< [N, C, D, H, W] or [C, D, H, W]
/// For nets of SELUs: sets dropped elements to -1.758, the limit of selu, and keeps mean 0 and
/// variance 1 (Klambauer et al., arXiv 1706.02515); see gradus::alpha_dropout.
using AlphaDropout = DropoutLayer<"AlphaDropout", alpha_dropout>;

/// Their options.
/// @{
using DropoutOptions = Dropout::Options;
template <size_t N>
using ChannelDropoutOptions = typename ChannelDropout<N>::Options;
using Dropout1dOptions = Dropout1d::Options;
using Dropout2dOptions = Dropout2d::Options;
using Dropout3dOptions = Dropout3d::Options;
using AlphaDropoutOptions = AlphaDropout::Options;
/// @}

}  // namespace gradus::nn
