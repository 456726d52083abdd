// A moving average for one element: the gradient is the value.
#pragma once

#include "rules_kernel.h"

namespace gradus::optim {

/// Moves an average by a share of the way.
struct AverageRule : Step {
  double share = 0;

  template <class T>
  T operator()(T average, T value) const {
    return average + T(share) * (value - average);
  }
};

}  // namespace gradus::optim
