#include "padding.h"

#include "../core/base/error.h"

namespace gradus::nn::detail {

namespace {

PadMode mode_of(PadKind kind) {
  switch (kind) {
    case PadKind::reflection:
      return PadMode::reflect;
    case PadKind::replication:
      return PadMode::replicate;
    case PadKind::circular:
      return PadMode::circular;
    default:
      return PadMode::constant;
  }
}

}  // namespace

Tensor pad_spatial(const char* type, PadKind kind, const Tensor& x, std::span<const int64_t> pads,
                   double value) {
  const int spatial = static_cast<int>(pads.size() / 2);
  const PadMode mode = mode_of(kind);
  // Constants need no channels, as in PyTorch.
  const bool fits = mode == PadMode::constant ? x.dim() >= spatial
                                              : x.dim() == spatial + 1 || x.dim() == spatial + 2;
  if (!fits) {
    const char* layout = spatial == 1 ? "L" : spatial == 2 ? "H,W" : "D,H,W";
    throw ShapeError(type, str("expected [N,C,", layout, "] or [C,", layout, "], got ", x.shape()),
                     "unsqueeze(x, 0) adds channels or a batch of one, flatten() joins dimensions");
  }
  return pad(x, pads, mode, value);
}

}  // namespace gradus::nn::detail
