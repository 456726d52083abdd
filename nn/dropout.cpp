#include "dropout.h"

#include "../core/base/error.h"

namespace gradus::nn {

template <size_t N>
Tensor detail::drop_channels(const Tensor& x, double p, Rng& generator) {
  constexpr int dims = static_cast<int>(N) + 2;
  const bool is_sample = N != 2 && x.dim() == dims - 1;
  const char* const layout = for_dims<N>("L", "H,W", "D,H,W");
  require<ShapeError>(N == 2 || is_sample || x.dim() == dims, ChannelDropoutOptions<N>::type,
                      "unsqueeze(x, 0) adds channels or a batch of one, flatten() joins dimensions",
                      "expected [N,C,", layout, "] or [C,", layout, "], got ", x.shape());
  if (!is_sample) return dropout_channels(x, p, generator);
  return squeeze(dropout_channels(unsqueeze(x, 0), p, generator), 0);
}
template Tensor detail::drop_channels<1>(const Tensor&, double, Rng&);
template Tensor detail::drop_channels<2>(const Tensor&, double, Rng&);
template Tensor detail::drop_channels<3>(const Tensor&, double, Rng&);

}  // namespace gradus::nn
