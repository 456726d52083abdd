#include "sequential.h"

#include "../core/base/error.h"
#include "fused_layers.h"

namespace gradus::nn {

Sequential::Sequential() : fused_(std::make_shared<FusedLayers>()) {}

Module& Sequential::operator[](size_t index) const {
  if (index < size()) return *children()[index];
  throw IndexError(type(), str("no layer ", index, ", there are ", size()),
                   size() == 0 ? "it has no layers" : str("layers go from 0 to ", size() - 1));
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  // By number: a hook may add layers, which run from the next call on.
  const size_t count = children().size();
  for (size_t i = 0; i < count;) i += fused_->run(children().subspan(i, count - i), y);
  return y;
}

Residual::Residual(Sequential body_layers, Sequential shortcut_layers)
    : body(child<Sequential>("body", std::move(body_layers))),
      shortcut(child<Sequential>("shortcut", std::move(shortcut_layers))) {}

Tensor Residual::forward(const Tensor& x) {
  const Tensor y = body(x);
  const Tensor other = shortcut(x);
  require<ShapeError>(y.shape() == other.shape(), type(),
                      "a shortcut of a 1x1 convolution with the body's stride and channels fits",
                      "body gives ", y.shape(), ", shortcut ", other.shape(), " for input ",
                      x.shape());
  return add(y, other);
}

}  // namespace gradus::nn
