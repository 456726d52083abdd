#include "layer_log.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "../core/base/error.h"
#include "../core/base/random.h"
#include "../core/base/system_limits.h"
#include "../core/ops.h"
#include "../core/tape.h"
#include "../nn/training_mode.h"

namespace gradus::training {

namespace {

using nlohmann::json;

/// Of the largest output of a layer: a unit whose outputs differ by no more is dead.
constexpr double dead_below = 1e-6;

json histogram_of(const Tensor& x) {
  const Histogram h = histogram(x, LayerLog::histogram_bins);
  const auto edges = h.edges.to_vector<double>();
  return {
      {"low", edges.front()}, {"high", edges.back()}, {"counts", h.counts.to_vector<int64_t>()}};
}

/// Of one sample.
std::vector<int64_t> shape_of(const Tensor& y) {
  std::vector<int64_t> shape(y.shape().begin(), y.shape().end());
  if (!shape.empty()) shape.erase(shape.begin());
  return shape;
}

/// Whether the outputs of a layer have their features last: sequences, mostly.
bool has_features_last(const std::string& type) {
  constexpr std::array<std::string_view, 5> types = {"Linear", "Embedding", "RNN", "GRU", "LSTM"};
  return std::ranges::find(types, type) != types.end();
}

/// What a layer does for a batch. Means and the histogram are those of a part of it: to look at all
/// of it several times would take longer than what it is computed by.
json output_of(const std::string& type, const Tensor& y) {
  constexpr int64_t part = 32;
  if (!y.defined() || !is_floating(y.dtype()) || y.numel() == 0 || y.dim() == 0) return {};
  const bool has_units = y.dim() >= 2 && y.size(0) >= 2;
  const int units = has_features_last(type) ? y.dim() - 1 : 1;
  Dims within_unit;
  for (int d = 0; has_units && d < y.dim(); ++d) {
    if (d != units) within_unit.push_back(d);
  }
  const Tensor lows = amin(y, within_unit), highs = amax(y, within_unit);
  const double low = amin(lows).item(), high = amax(highs).item();
  if (!std::isfinite(low) || !std::isfinite(high)) return {};
  const Tensor some = y.narrow(0, 0, std::min(y.size(0), part));
  json output = {{"shape", shape_of(y)},
                 {"mean", mean(some).item()},
                 {"std", stddev(some, {}, 0).item()},
                 {"min", low},
                 {"max", high},
                 {"zeros", mean(to(some == 0, float32)).item()},
                 {"histogram", histogram_of(some)}};
  if (has_units) {
    const double least_range = dead_below * std::max(std::abs(low), std::abs(high));
    output["units"] = y.size(units);
    output["dead"] = sum(to(sub(highs, lows) <= least_range, int64)).item<int64_t>();
  }
  return output;
}

json buffer_of(const Tensor& b) {
  if (!is_floating(b.dtype()) || b.numel() == 0 || !all_finite(b)) return {};
  return {{"min", amin(b).item()}, {"mean", mean(b).item()}, {"max", amax(b).item()}};
}

/// "block1.conv.weight" as the path of its layer and its own name.
std::pair<std::string, std::string> split(const std::string& name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos) return {"", name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

json parameter_of(const Tensor& p, std::optional<double> gradient_norm,
                  std::optional<double> update_norm) {
  const double size = norm(p).item();
  json parameter = {{"numel", p.numel()}, {"norm", size}};
  if (p.numel() > 0 && all_finite(p)) parameter["histogram"] = histogram_of(p);
  const auto add = [&](const std::string& what, std::optional<double> value) {
    if (!value) return;
    parameter[what + "_norm"] = *value;
    if (size > 0) parameter[what + "_ratio"] = *value / size;
  };
  add("gradient", gradient_norm);
  add("update", update_norm);
  return parameter;
}

/// Collects the outputs of layers without layers of their own, during its lifetime.
class Outputs {
 public:
  void watch(const std::string& path, nn::Module& layer) {
    const nn::HookId id =
        layer.add_forward_hook([this, path](nn::Module& module, const Tensor&, const Tensor& y) {
          outputs_[path] = output_of(module.type(), y);
        });
    hooks_.emplace_back(&layer, id);
  }
  /// Notes what a net is called with.
  void watch_input(nn::Module& net) {
    const nn::HookId id = net.add_forward_hook([this](nn::Module&, const Tensor& x, const Tensor&) {
      if (!x.defined() || x.dim() == 0) return;
      input_ = shape_of(x);
      samples_ = x.size(0);
    });
    hooks_.emplace_back(&net, id);
  }
  const json& input() const { return input_; }
  int64_t samples() const { return samples_; }
  Outputs() = default;
  ~Outputs() {
    for (auto& [layer, id] : hooks_) layer->remove_hook(id);
  }
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;

  /// Of the last call of that layer; null if there was none.
  json of(const std::string& path) const {
    const auto found = outputs_.find(path);
    return found == outputs_.end() ? json() : found->second;
  }

 private:
  std::map<std::string, json> outputs_;
  json input_;
  int64_t samples_ = 0;
  std::vector<std::pair<nn::Module*, nn::HookId>> hooks_;
};

}  // namespace

void LayerLog::begin_step() {
  const NoGrad pause;
  seen_.clear();
  for (const auto& [net, module] : nets_) {
    for (const auto& [name, tensor] : module->named_parameters()) {
      seen_.push_back({full_name(net, name), tensor, tensor.detach().clone(), {}, {}});
    }
  }
}

void LayerLog::see_gradients() {
  const NoGrad pause;
  for (Seen& seen : seen_) {
    const Tensor gradient = seen.parameter.grad();
    if (gradient.defined()) seen.gradient_norm = norm(gradient).item();
  }
}

void LayerLog::end_step() {
  const NoGrad pause;
  for (Seen& seen : seen_) {
    seen.update_norm = norm(sub(seen.parameter, seen.before)).item();
    seen.before = {};
  }
}

std::string LayerLog::joined(const std::string& path, const std::string& name) {
  return path + (path.empty() || name.empty() ? "" : ".") + name;
}

std::string LayerLog::full_name(const std::string& net, const std::string& name) const {
  return nets_.size() == 1 ? name : joined(net, name);
}

std::string LayerLog::line(int64_t epoch, int64_t step, const std::function<void()>& apply) {
  const NoGrad pause;
  const RandomScope random;
  Outputs outputs;
  std::vector<std::unique_ptr<nn::ModeScope>> modes;
  std::map<std::string, json> layers;  // by path
  std::vector<std::string> order;
  for (const auto& [net, module] : nets_) {
    if (nets_.size() == 1) outputs.watch_input(*module);
    modes.push_back(std::make_unique<nn::ModeScope>(*module, nn::Mode::evaluation));
    for (const auto& [path, layer] : module->named_modules()) {
      const std::string name = full_name(net, path);
      layers[name] = {{"name", name}, {"type", layer->type()}};
      order.push_back(name);
      if (layer->children().empty()) outputs.watch(name, *layer);
    }
    for (const auto& [name, tensor] : module->named_parameters()) {
      const std::string full = full_name(net, name);
      const auto [layer, own_name] = split(full);
      const auto seen = std::ranges::find(seen_, full, &Seen::name);
      layers[layer]["parameters"][own_name] =
          seen == seen_.end() ? parameter_of(tensor, {}, {})
                              : parameter_of(tensor, seen->gradient_norm, seen->update_norm);
    }
    for (const auto& [name, tensor] : module->named_buffers()) {
      const auto [layer, own_name] = split(full_name(net, name));
      if (json buffer = buffer_of(tensor); !buffer.is_null()) {
        layers[layer]["buffers"][own_name] = std::move(buffer);
      }
    }
  }
  try {
    apply();
  } catch (const Error&) {  // for one, a net that takes other inputs
  }
  json list = json::array();
  for (const std::string& name : order) {
    json layer = layers[name];
    if (json output = outputs.of(name); !output.is_null()) layer["output"] = std::move(output);
    if (layer.size() > 2) list.push_back(std::move(layer));  // else it only holds others
  }
  seen_.clear();
  json line = {{"epoch", epoch},
               {"step", step},
               {"peak_memory_mib", static_cast<double>(peak_memory()) / 1048576},
               {"layers", std::move(list)}};
  if (!outputs.input().is_null()) {
    line["input"] = outputs.input();
    line["samples"] = outputs.samples();
  }
  return line.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace gradus::training
