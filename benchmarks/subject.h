// The cases of cases.h in Gradus.
#pragma once

#include <gradus/core/tape_profile.h>
#include <gradus/core/tensor.h>

#include <functional>
#include <vector>

#include "cases.h"

namespace gradus::bench {

/// Something to run forward and backward: y = forward(), whose gradient is `gradient`.
struct Subject {
  std::function<Tensor()> forward;
  std::vector<Tensor> leaves;  ///< the tensors that require gradients
  Tensor gradient;

  void forward_and_backward();
  void drop_gradients();
  /// Of one pass forward and, if there is a gradient, backward.
  Profile profile();
};

/// The layer on random input that requires a gradient.
Subject make_subject(const LayerCase& layer);

/// True for an optimizer, which has no backward pass.
bool is_optimizer(const LayerCase& layer);
/// One step of an optimizer on the net that the case names, with gradients of ones.
std::function<void()> make_optimizer_step(const LayerCase& layer);
/// The number of parameters of that net.
int64_t optimizer_parameter_count(const LayerCase& layer);

}  // namespace gradus::bench
