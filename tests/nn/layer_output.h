// What a layer computes, for tests that go through all types of layers.
#pragma once

#include "../../core/conv/conv.h"
#include "../../core/ops.h"
#include "../../nn/pool.h"

namespace gradus::test {

/// layer(x); a layer that undoes a pool does so behind it.
inline Tensor output_of(nn::Module& layer, const Tensor& x) {
  if (auto* unpool = dynamic_cast<nn::MaxUnpool1d*>(&layer)) {
    const auto [y, places] = max_pool1d_with_indices(x, {.kernel_size = 2});
    return (*unpool)(y, places, Size1{x.size(2)});
  }
  if (auto* unpool = dynamic_cast<nn::MaxUnpool2d*>(&layer)) {
    const auto [y, places] = max_pool2d_with_indices(x, {.kernel_size = 2});
    return (*unpool)(y, places, Size2{x.size(2), x.size(3)});
  }
  if (auto* unpool = dynamic_cast<nn::MaxUnpool3d*>(&layer)) {
    const auto [y, places] = max_pool3d_with_indices(x, {.kernel_size = 2});
    return (*unpool)(y, places, Size3{x.size(2), x.size(3), x.size(4)});
  }
  return layer(x);
}

}  // namespace gradus::test
