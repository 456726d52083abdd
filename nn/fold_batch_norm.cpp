#include "fold_batch_norm.h"

#include <map>

#include "../core/base/random.h"
#include "../core/tape.h"
#include "conv.h"
#include "linear.h"
#include "model_json.h"
#include "norm.h"

namespace gradus::nn {

// --- Finding them ---

namespace {

/// Calls `body` with the module as what it is, if that is a Linear or a convolution.
template <class Body>
void if_linear(const Module& module, const Body& body) {
  const auto look = [&](const auto* layer) {
    if (layer != nullptr) body(*layer);
  };
  look(dynamic_cast<const Linear*>(&module));
  look(dynamic_cast<const Conv1d*>(&module));
  look(dynamic_cast<const Conv2d*>(&module));
  look(dynamic_cast<const Conv3d*>(&module));
}

struct WeightAndBias {
  Tensor weight, bias;
  int spatial() const { return weight.dim() - 2; }  // dimensions of a convolution, 0 of a Linear
};

/// Those of a Linear or a convolution; undefined for anything else.
WeightAndBias parts_of(const Module& module) {
  WeightAndBias parts;
  if_linear(module, [&](const auto& layer) { parts = {layer.weight, layer.bias}; });
  return parts;
}

bool is_sequential(const Module& module) {
  return dynamic_cast<const Sequential*>(&module) != nullptr;
}

/// Traverses a net in the order of its computation, as far as that is known.
class PairFinder {
 public:
  explicit PairFinder(const Module& net) { visit(net, ""); }
  std::vector<LayerBeforeNorm> found;

 private:
  void visit(const Module& module, const std::string& path) {
    const bool in_order = is_sequential(module);
    for (const auto& child : module.children()) {
      // The inputs of the children of any other module are not known.
      if (!in_order) previous_ = nullptr;
      visit(*child, path.empty() ? child->name() : path + "." + child->name());
    }
    if (in_order) return;
    if (dynamic_cast<const NormLayer*>(&module) != nullptr && previous_ != nullptr) {
      found.push_back({previous_path_, path, previous_, &module});
    }
    previous_ = parts_of(module).weight.defined() ? &module : nullptr;
    previous_path_ = path;
  }

  const Module* previous_ = nullptr;  // a linear layer whose output comes next
  std::string previous_path_;
};

/// Whether the norm has a set, or a factor, for each output channel of the layer.
bool is_per_channel(const LayerBeforeNorm& pair) {
  const auto* norm = dynamic_cast<const ChannelNormLayer*>(pair.norm);
  if (norm == nullptr) return false;
  const WeightAndBias parts = parts_of(*pair.layer);
  if (norm->num_channels() != parts.weight.size(0)) return false;
  if (parts.spatial() > 0) return norm->spatial() == parts.spatial();
  return norm->spatial() == 1 && norm->over() == NormOver::batch;
}

bool removes_means(const LayerBeforeNorm& pair) {
  if (const auto* group = dynamic_cast<const GroupNorm*>(pair.norm)) {
    return parts_of(*pair.layer).spatial() > 0 &&
           group->options().num_groups == group->options().num_channels;
  }
  const auto* norm = dynamic_cast<const ChannelNormLayer*>(pair.norm);
  return norm != nullptr && is_per_channel(pair) && !norm->has_frozen_statistics();
}

}  // namespace

std::vector<LayerBeforeNorm> layers_before_norms(const Module& net) {
  return PairFinder(net).found;
}

std::vector<LayerBeforeNorm> dead_biases(const Module& net) {
  std::vector<LayerBeforeNorm> pairs = layers_before_norms(net);
  std::erase_if(pairs, [](const LayerBeforeNorm& pair) {
    return !parts_of(*pair.layer).bias.defined() || !removes_means(pair);
  });
  return pairs;
}

// --- Folding them ---

namespace {

/// In double, then back in the type of the layer.
WeightAndBias folded(const Tensor& weight, const Tensor& bias, const ChannelNormLayer& norm) {
  const auto wide = [](const Tensor& t) { return t.detach().to(float64); };
  Tensor scale = rsqrt(add(wide(norm.running_var), norm.eps()));
  if (norm.weight.defined()) scale = mul(scale, wide(norm.weight));
  Tensor shift = mul(neg(wide(norm.running_mean)), scale);
  if (bias.defined()) shift = add(shift, mul(wide(bias), scale));
  if (norm.bias.defined()) shift = add(shift, wide(norm.bias));
  Shape per_output = Shape::filled(weight.dim(), 1);
  per_output[0] = weight.size(0);
  return {mul(wide(weight), reshape(scale, per_output)).to(weight.dtype()),
          shift.to(weight.dtype())};
}

}  // namespace

FoldedParameters folded_parameters(const Module& layer, const Module& norm, int dims) {
  const auto* channels = dynamic_cast<const ChannelNormLayer*>(&norm);
  const auto [weight, bias] = parts_of(layer);
  if (channels == nullptr || !weight.defined() || !channels->has_running_statistics() ||
      !is_per_channel({"", "", &layer, &norm}) || dims != weight.dim()) {
    return {};
  }
  const auto [folded_weight, folded_bias] = folded(weight, bias, *channels);
  if (!all_finite(folded_weight) || !all_finite(folded_bias)) return {};
  return {folded_weight, folded_bias};
}

namespace {

template <class T>
std::unique_ptr<Module> folded_layer(const T& layer, const ChannelNormLayer& norm) {
  typename T::Options options = layer.options();
  options.bias = true;
  auto result = std::make_unique<T>(options);
  result->to(layer.weight.dtype());
  const auto [weight, bias] = folded(layer.weight, layer.bias, norm);
  const NoGrad pause;
  result->weight.copy_(weight);
  result->bias.copy_(bias);
  return result;
}

class Folding {
 public:
  explicit Folding(const Module& net) {
    for (const LayerBeforeNorm& pair : layers_before_norms(net)) {
      const auto* norm = dynamic_cast<const ChannelNormLayer*>(pair.norm);
      if (norm == nullptr || !norm->has_running_statistics() || !is_per_channel(pair)) continue;
      norm_after_[pair.layer] = norm;
      layer_before_[norm] = pair.layer;
    }
  }

  Sequential sequence(const Module& layers) const {
    Sequential result;
    for (const auto& child : layers.children()) {
      if (layer_before_.contains(child.get())) continue;
      result.add(child->name(), module(*child));
    }
    return result;
  }

 private:
  std::unique_ptr<Module> module(const Module& original) const {
    if (is_sequential(original)) return std::make_unique<Sequential>(sequence(original));
    if (const auto* residual = dynamic_cast<const Residual*>(&original)) {
      return std::make_unique<Residual>(sequence(residual->body), sequence(residual->shortcut));
    }
    const auto found = norm_after_.find(&original);
    if (found == norm_after_.end()) return clone(original);
    std::unique_ptr<Module> result;
    if_linear(original, [&](const auto& layer) { result = folded_layer(layer, *found->second); });
    return result;
  }

  std::map<const Module*, const ChannelNormLayer*> norm_after_;
  std::map<const Module*, const Module*> layer_before_;
};

}  // namespace

std::unique_ptr<Sequential> fold_batch_norm(const Sequential& net) {
  const RandomScope untouched;  // initial values are drawn, and overwritten
  auto result = std::make_unique<Sequential>(Folding(net).sequence(net));
  result->eval();
  return result;
}

}  // namespace gradus::nn
