// The same norm layers in another framework. There are two implementations, PyTorch and none, and
// the build links one of them.
#pragma once

#include <gradus/core/base/shape.h>

#include <functional>

namespace gradus::bench {

enum class NormKind { batch, instance, group, layer };
constexpr int64_t groups = 8;

/// One forward and backward pass on random input of this shape; empty if there is no peer.
std::function<void()> peer_step(NormKind kind, const Shape& shape);
void set_peer_threads(int threads);

}  // namespace gradus::bench
