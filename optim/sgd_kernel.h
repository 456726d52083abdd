// SGD for one element.
#pragma once

#include "rules_kernel.h"

namespace gradus::optim {

/// A step against the gradient, or along a buffer that accumulates gradients.
struct SGDRule : Step {
  // The first step stores the gradient as it is.
  double keep = t == 1 ? 0 : momentum, take = t == 1 ? 1 : 1 - dampening;

  template <class T, class Buffer>
  T operator()(T p, T d, Buffer& buffer) const {
    if constexpr (is_kept<Buffer>) {
      buffer = T(keep) * buffer + T(take) * d;
      // Step along direct d + through buffer.
      const T direct = nesterov ? T(1) : T(0), through = nesterov ? T(momentum) : T(1);
      d = direct * d + through * buffer;
    }
    return p - T(lr) * d;
  }
};

}  // namespace gradus::optim
