#include "fused_layers.h"

#include <atomic>
#include <typeinfo>

#include "../core/conv/transformed_weight.h"
#include "../core/tape.h"
#include "activation.h"
#include "conv.h"
#include "linear.h"
#include "norm.h"
#include "pool.h"

namespace gradus::nn {

namespace {

std::atomic<bool> fusion_on = true;

/// Whether there is a module, of one of these classes: one derived from them may compute something
/// else.
template <class... Layers>
bool is_any(const Module* module) {
  return module != nullptr && ((typeid(*module) == typeid(Layers)) || ...);
}
bool is_relu(const Module* module) {
  return is_any<ReLU>(module);
}
bool is_max_pool(const Module* module) {
  return is_any<MaxPool1d, MaxPool2d, MaxPool3d>(module);
}

/// The norm as what it is, if the next forward of it uses running statistics; else nullptr.
const ChannelNormLayer* as_fixed_norm(const Module* module) {
  if (!is_any<BatchNorm1d, BatchNorm2d, BatchNorm3d, InstanceNorm1d, InstanceNorm2d,
              InstanceNorm3d>(module)) {
    return nullptr;
  }
  const auto* const norm = static_cast<const ChannelNormLayer*>(module);
  return norm->uses_input_statistics() ? nullptr : norm;
}

}  // namespace

void set_fusion(bool on) {
  fusion_on.store(on, std::memory_order_relaxed);
}
bool fusion() {
  return fusion_on.load(std::memory_order_relaxed);
}

namespace {

/// What may be computed with others: a module that nobody looks at.
Module* fusible(FusedLayers::Modules layers, size_t index) {
  const bool is_there = index < layers.size() && !layers[index]->has_hooks();
  return is_there ? layers[index].get() : nullptr;
}

}  // namespace

size_t FusedLayers::run(Modules layers, Tensor& y) {
  Module* const first = fusion() ? fusible(layers, 0) : nullptr;
  Module* const second = fusible(layers, 1);
  if (is_relu(first) && is_max_pool(second)) {
    y = (*first)((*second)(y));
    return 2;
  }
  if (is_any<Linear>(first)) return run_linear(static_cast<Linear&>(*first), layers, y);
  if (is_any<Conv1d>(first)) return run_linear(static_cast<Conv1d&>(*first), layers, y);
  if (is_any<Conv2d>(first)) return run_linear(static_cast<Conv2d&>(*first), layers, y);
  if (is_any<Conv3d>(first)) return run_linear(static_cast<Conv3d&>(*first), layers, y);
  y = (*layers.front())(y);
  return 1;
}

template <class Layer>
size_t FusedLayers::run_linear(Layer& layer, Modules layers, Tensor& y) {
  Parameters parameters = {{layer.weight, layer.bias}, {}};
  size_t count = 1;
  if (Tape::current() == nullptr) {
    const ChannelNormLayer* const norm = as_fixed_norm(fusible(layers, count));
    const Parameters found = prepared(layer, parameters, norm, y.dim());
    if (found.weight.defined()) {
      parameters = found;
      count += norm != nullptr ? 1 : 0;
    }
  }
  const auto call = [&](auto... options) {
    y = layer.call(
        y, [&] { return layer.forward_with(y, parameters.weight, parameters.bias, options...); });
    return count;
  };
  if constexpr (std::is_same_v<Layer, Linear>) {
    return call();
  } else {
    // Where a max pool follows, the ReLU is cheaper behind that.
    const bool with_relu =
        is_relu(fusible(layers, count)) && !is_max_pool(fusible(layers, count + 1));
    count += with_relu ? 1 : 0;
    return call(with_relu, parameters.transformed);
  }
}

FusedLayers::Parameters FusedLayers::prepared(const Module& layer, const FoldedParameters& own,
                                              const ChannelNormLayer* norm, int dims) {
  Prepared now = {.dims = dims};
  const Tensor none;
  size_t index = 0;
  for (const Tensor* t :
       {&own.weight, &own.bias, norm ? &norm->weight : &none, norm ? &norm->bias : &none,
        norm ? &norm->running_mean : &none, norm ? &norm->running_var : &none}) {
    if (t->defined()) now.sources[index] = {t->id(), t->raw_data(), t->version()};
    ++index;
  }
  const std::lock_guard lock(mutex_);
  Prepared& kept = prepared_[&layer];
  if (kept.sources != now.sources || kept.dims != dims) {
    now.parameters = {norm != nullptr ? folded_parameters(layer, *norm, dims) : own, {}};
    kept = std::move(now);
  } else if (++kept.uses == 1 && kept.parameters.weight.defined()) {
    Tensor& weight = kept.parameters.weight;
    if (weight.dim() == 2) weight = transpose(contiguous(transpose(weight, 0, 1)), 0, 1).detach();
    if (weight.dim() == 4) kept.parameters.transformed = gradus::detail::transformed_weight(weight);
  }
  return kept.parameters;
}

}  // namespace gradus::nn
