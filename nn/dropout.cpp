#include "dropout.h"

#include "../core/base/error.h"
#include "../core/base/random.h"

namespace gradus::nn {

DropoutLayer::DropoutLayer(const char* type, double p) : p_(p) {
  check_probability(type, "p", p);
}

Tensor DropoutLayer::forward(const Tensor& x) {
  if (!is_training() || p_ == 0) return x;
  return drop(x, p_, default_rng(Stream::dropout));
}

Tensor Dropout::drop(const Tensor& x, double p, Rng& generator) const {
  return dropout(x, p, generator);
}

template <size_t N>
Tensor ChannelDropout<N>::drop(const Tensor& x, double p, Rng& generator) const {
  constexpr int dims = static_cast<int>(N) + 2;
  if (N == 2 || x.dim() == dims) return dropout_channels(x, p, generator);
  if (x.dim() == dims - 1) {
    return squeeze(dropout_channels(unsqueeze(x, 0), p, generator), 0);
  }
  const char* layout = for_dims<N>("L", "H,W", "D,H,W");
  throw ShapeError(this->options().type,
                   str("expected [N,C,", layout, "] or [C,", layout, "], got ", x.shape()),
                   "unsqueeze(x, 0) adds channels or a batch of one, flatten() joins dimensions");
}

Tensor AlphaDropout::drop(const Tensor& x, double p, Rng& generator) const {
  return alpha_dropout(x, p, generator);
}

template class ChannelDropout<1>;
template class ChannelDropout<2>;
template class ChannelDropout<3>;

}  // namespace gradus::nn
