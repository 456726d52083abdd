// Recomputing running statistics.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "norm.h"
#include "training_mode.h"

namespace gradus::nn {

/// Collects the statistics of all norm layers of a net over some batches; recompute_statistics is
/// the short form. Until finish(), and if that is never called, the statistics of the net are
/// unchanged.
class StatisticsPass {
 public:
  explicit StatisticsPass(Module& net);
  ~StatisticsPass();
  StatisticsPass(const StatisticsPass&) = delete;
  StatisticsPass& operator=(const StatisticsPass&) = delete;

  /// Runs one batch of inputs through the net, without a gradient.
  void add(const Tensor& x);
  /// Writes the running statistics. Throws ValueError if no batch was added.
  void finish();

 private:
  class Collector;

  Module& net_;
  ModeScope mode_;
  std::vector<std::unique_ptr<Collector>> collectors_;
  int64_t batches_ = 0;
};

/// Replaces the running statistics of all norms of a net by those of the elements of `batches`
/// together, instead of a moving average over past training steps with different weights ("precise
/// batch norm", Wu and Johnson, arXiv 2105.07576).
///
///     nn::recompute_statistics(net, loader, &data::Batch::x);
///
/// `input_of` makes the input of the net from an element of the range; by default the element is
/// the input. Norms use statistics of each batch meanwhile, as in training, and everything else is
/// in evaluation mode. Frozen statistics stay. If anything throws, nothing changes.
template <class Range, class InputOf = std::identity>
void recompute_statistics(Module& net, Range&& batches, InputOf input_of = {}) {
  StatisticsPass pass(net);
  for (auto&& batch : batches) pass.add(std::invoke(input_of, batch));
  pass.finish();
}

}  // namespace gradus::nn
