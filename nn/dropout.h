// Dropout layers.
#pragma once

#include "module.h"

namespace gradus::nn {

/// The base of the dropout layers: the identity in evaluation and for p = 0, and a generator in
/// training, default_rng(Stream::dropout).
class DropoutLayer : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  bool depends_on_mode() const override { return p_ > 0; }

 protected:
  /// Throws ValueError in the name of `type` for p outside [0, 1].
  DropoutLayer(const char* type, double p);
  virtual Tensor drop(const Tensor& x, double p, Rng& generator) const = 0;

 private:
  double p_;
};

/// Options of Dropout.
struct DropoutOptions {
  static constexpr const char* type = "Dropout";
  double p = 0.5;  ///< the probability that an element becomes 0
  void describe(OptionVisitor& visit) { visit("p", p); }
};

/// In training, zeroes each element with probability p and multiplies the others by 1 / (1 - p)
/// (Srivastava et al., JMLR 15, 2014). Throws ValueError for p outside [0, 1].
class Dropout : public Layer<DropoutOptions, DropoutLayer> {
 public:
  explicit Dropout(const DropoutOptions& o) : Layer(o, o.type, o.p) {}
  explicit Dropout(double p = 0.5) : Dropout(DropoutOptions{p}) {}

 protected:
  Tensor drop(const Tensor& x, double p, Rng& generator) const override;
};

/// Options of ChannelDropout for N spatial dimensions.
template <size_t N>
struct ChannelDropoutOptions {
  static constexpr const char* type = for_dims<N>("Dropout1d", "Dropout2d", "Dropout3d");
  double p = 0.5;  ///< the probability that a channel of a sample becomes 0
  void describe(OptionVisitor& visit) { visit("p", p); }
};

/// The same for whole channels of x [N, C, ...], or for Dropout1d [C, L] and Dropout3d [C, D, H, W]
/// of a single sample (Tompson et al., arXiv 1411.4280). Dropout2d takes any number of dimensions,
/// and the first two for N and C.
template <size_t N>
class ChannelDropout : public Layer<ChannelDropoutOptions<N>, DropoutLayer> {
 public:
  using Options = ChannelDropoutOptions<N>;
  explicit ChannelDropout(const Options& o) : Layer<Options, DropoutLayer>(o, o.type, o.p) {}
  explicit ChannelDropout(double p = 0.5) : ChannelDropout(Options{p}) {}

 protected:
  Tensor drop(const Tensor& x, double p, Rng& generator) const override;
};
using Dropout1d = ChannelDropout<1>;  ///< [N, C, L] or [C, L]
using Dropout2d = ChannelDropout<2>;  ///< [N, C, ...]
using Dropout3d = ChannelDropout<3>;  ///< [N, C, D, H, W] or [C, D, H, W]
/// The options by the number of dimensions.
/// @{
using Dropout1dOptions = ChannelDropoutOptions<1>;
using Dropout2dOptions = ChannelDropoutOptions<2>;
using Dropout3dOptions = ChannelDropoutOptions<3>;
/// @}
extern template class ChannelDropout<1>;
extern template class ChannelDropout<2>;
extern template class ChannelDropout<3>;

/// Options of AlphaDropout.
struct AlphaDropoutOptions {
  static constexpr const char* type = "AlphaDropout";
  double p = 0.5;  ///< the probability that an element is dropped, in [0, 1]
  void describe(OptionVisitor& visit) { visit("p", p); }
};

/// For nets of SELUs: drops to -1.758, which selu tends to, and keeps mean 0 and variance 1
/// (Klambauer et al., arXiv 1706.02515); see gradus::alpha_dropout. Throws ValueError for p outside
/// [0, 1].
class AlphaDropout : public Layer<AlphaDropoutOptions, DropoutLayer> {
 public:
  explicit AlphaDropout(const AlphaDropoutOptions& o) : Layer(o, o.type, o.p) {}
  explicit AlphaDropout(double p = 0.5) : AlphaDropout(AlphaDropoutOptions{p}) {}

 protected:
  Tensor drop(const Tensor& x, double p, Rng& generator) const override;
};

}  // namespace gradus::nn
