#include "summary.h"

#include <algorithm>
#include <map>

#include "../core/base/random.h"
#include "../core/base/text.h"
#include "../core/tape.h"
#include "check_parameters.h"
#include "fold_batch_norm.h"
#include "training_mode.h"

namespace gradus::nn {

namespace {

/// Sets every module to evaluation and hooks it, and reverts both.
class Observation {
 public:
  explicit Observation(Module& net) : mode_(net, Mode::evaluation) {
    for (const auto& [path, module] : net.named_modules()) {
      hooks_.emplace_back(
          module, module->set_forward_hook([this](Module& m, const Tensor&, const Tensor& y) {
            outputs_[&m] = y.shape();
          }));
    }
  }
  ~Observation() {
    for (auto& [module, hook] : hooks_) module->set_forward_hook(std::move(hook));
  }
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;

  /// Of the last call; "-" if there was none.
  std::string output_of(const Module& module) const {
    const auto found = outputs_.find(&module);
    return found == outputs_.end() ? "-" : found->second.to_string();
  }

 private:
  RandomScope random_;
  ModeScope mode_;
  std::vector<std::pair<Module*, ForwardHook>> hooks_;
  std::map<const Module*, Shape> outputs_;
};

/// What one forward pass shows.
struct Forward {
  std::map<std::string, double> flops;  ///< of each module, by its path on the tape
  ParameterUse use;
};

Forward run(Module& net, const Shape& input_shape) {
  const NamedTensors parameters = net.named_parameters();
  const DType dtype = parameters.empty() ? float32 : parameters[0].tensor.dtype();
  // The input requires a gradient so that every operation is recorded.
  const Tensor x = zeros(input_shape, dtype).requires_grad_();
  const Tape tape;
  net(x);
  Forward result{.flops = {}, .use = parameter_use(net, tape, {x})};
  for (size_t i = 0; i < tape.size(); ++i) result.flops[tape.path(tape[i])] += tape[i].flops;
  return result;
}

int64_t own_parameters(const Module& module) {
  int64_t count = module.parameter_count();
  for (const auto& child : module.children()) count -= child->parameter_count();
  return count;
}

std::string mode_of(const Module& module) {
  const NamedTensors parameters = module.named_parameters();
  const bool frozen = !parameters.empty() &&
                      std::none_of(parameters.begin(), parameters.end(),
                                   [](const NamedTensor& p) { return p.tensor.requires_grad(); });
  return str(module.is_training() ? "train" : "eval", frozen ? ", frozen" : "");
}

/// 1234567 as "1,234,567".
std::string grouped(double number) {
  std::string digits = fixed(number, 0);
  for (int i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3) {
    digits.insert(static_cast<size_t>(i), 1, ',');
  }
  return digits;
}

/// What is worth changing, one line each.
std::string notes(const Module& net, const ParameterUse& use) {
  std::string text;
  for (const UnregisteredLeaf& leaf : use.unregistered) {
    text += str("note: a tensor ", leaf,
                " asks for a gradient and is no parameter of the net, so it is neither trained nor "
                "saved; register layers with child<Layer>(name, ...), tensors with parameter()\n");
  }
  for (const std::string& name : use.unused) {
    text += str("note: the forward does not use the parameter ", name, "\n");
  }
  for (const LayerBeforeNorm& pair : dead_biases(net)) {
    text += str("note: the bias of ", pair.layer_path, " has no effect, since ", pair.norm_path,
                " takes the mean of each channel away; build it with bias = false\n");
  }
  return text;
}

}  // namespace

std::string summary(Module& net, const Shape& input_shape) {
  std::vector<std::vector<std::string>> rows = {
      {"layer", "type", "output", "parameters", "FLOPs", "mode"}};
  // Modes as they are, before the observation changes them.
  std::vector<std::string> modes;
  for (const auto& [path, module] : net.named_modules()) modes.push_back(mode_of(*module));

  const Observation observation(net);
  const auto [flops, use] = run(net, input_shape);
  double total = 0;
  for (const auto& [path, module] : net.named_modules()) {
    const bool joins = !net.name().empty() && !path.empty();
    const auto found = flops.find(net.name() + (joins ? "." : "") + path);
    const double own = found == flops.end() ? 0 : found->second;
    total += own;
    rows.push_back({path.empty() ? "(net)" : path, module->type(), observation.output_of(*module),
                    grouped(static_cast<double>(own_parameters(*module))), grouped(own),
                    modes[rows.size() - 1]});
  }
  rows.push_back(
      {"total", "", "", grouped(static_cast<double>(net.parameter_count())), grouped(total), ""});
  return str("input ", input_shape, "\n") + aligned_table(rows, "lllrrl") + notes(net, use);
}

}  // namespace gradus::nn
