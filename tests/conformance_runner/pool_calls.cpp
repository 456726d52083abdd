#include "pool_calls.h"

#include "../../nn/pool.h"

namespace gradus::conformance {
namespace {

/// Calls `f` with the layer if it is a T.
template <class T, class F>
bool call_if(nn::Module& layer, const F& f) {
  auto* found = dynamic_cast<T*>(&layer);
  if (found != nullptr) f(*found);
  return found != nullptr;
}

/// Calls `f` with the layer as the one of these types that it is.
template <class... Types, class F>
bool call_as_one_of(nn::Module& layer, const F& f) {
  return (call_if<Types>(layer, f) || ...);
}

}  // namespace

Tensors call_with_indices(nn::Module& layer, const Tensor& x) {
  Tensors outputs;
  const bool known =
      call_as_one_of<nn::MaxPool1d, nn::MaxPool2d, nn::MaxPool3d, nn::AdaptiveMaxPool1d,
                     nn::AdaptiveMaxPool2d, nn::AdaptiveMaxPool3d>(layer, [&](auto& pool) {
        const ValuesIndices found = pool.with_indices(x);
        outputs = {found.values, found.indices};
      });
  if (!known) throw Unsupported("option 'return_indices'");
  return outputs;
}

Tensors call_with_two(nn::Module& layer, const Tensor& x, const Tensor& indices) {
  Tensors outputs;
  const bool known = call_as_one_of<nn::MaxUnpool1d, nn::MaxUnpool2d, nn::MaxUnpool3d>(
      layer, [&](auto& unpool) { outputs = {unpool(x, indices)}; });
  if (!known) throw Unsupported("a layer of several inputs");
  return outputs;
}

}  // namespace gradus::conformance
