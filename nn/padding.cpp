#include "padding.h"

#include "../core/base/error.h"

namespace gradus::nn::detail {

Tensor pad_spatial(const char* type, PadMode mode, const Tensor& x, std::span<const int64_t> pads,
                   double value) {
  const int spatial = static_cast<int>(pads.size() / 2);
  const char* layout = spatial == 1 ? "L" : spatial == 2 ? "H,W" : "D,H,W";
  // Constants need no channels, as in PyTorch.
  const bool fits = mode == PadMode::constant ? x.dim() >= spatial
                                              : x.dim() == spatial + 1 || x.dim() == spatial + 2;
  require<ShapeError>(fits, type,
                      "unsqueeze(x, 0) adds channels or a batch of one, flatten() joins dimensions",
                      "expected [N,C,", layout, "] or [C,", layout, "], got ", x.shape());
  return pad(x, pads, mode, value);
}

}  // namespace gradus::nn::detail
