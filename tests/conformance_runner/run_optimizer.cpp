// Trajectories of optimizers under given gradients.
#include <algorithm>

#include "../../core/base/error.h"
#include "../../core/ops.h"
#include "kinds.h"
#include "optimizers.h"

namespace gradus::conformance {
namespace {

const NamedTensor& find(const NamedTensors& tensors, const std::string& name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [&](const NamedTensor& t) { return t.name == name; });
  if (found == tensors.end()) {
    throw IoError("conformance", str("no parameter '", name, "'"),
                  "the .json file and the .safetensors file belong to different versions");
  }
  return *found;
}

/// The momentum of a group; beta1 of `betas`, if beta2 is that of all groups.
std::optional<double> momentum_of(Options& group, const Json& common) {
  const Json& betas = group.raw("betas");
  if (betas.is_null()) return group.optional_number("momentum");
  const Json all = common.value("betas", Json{0.9, 0.999});
  if (betas.at(1) != all.at(1)) throw Unsupported("beta2 of a group");
  return betas.at(0).get<double>();
}

std::vector<optim::ParameterGroup> groups_of(const Json& description, const Json& common,
                                             const NamedTensors& parameters) {
  std::vector<optim::ParameterGroup> groups;
  for (const Json& group : description) {
    Options options(group.value("options", Json()), {});
    optim::ParameterGroup made{.lr = options.optional_number("lr"),
                               .weight_decay = options.optional_number("weight_decay"),
                               .momentum = momentum_of(options, common)};
    options.check_all_read();
    for (const Json& name : group.at("params")) {
      made.parameters.push_back(find(parameters, name));
    }
    groups.push_back(std::move(made));
  }
  return groups;
}

bool has_no_gradient(const Case& item, const std::string& name, int64_t step) {
  const Json& none = item["none_grad"];
  if (none.is_null() || !none.contains(name)) return false;
  return std::find(none[name].begin(), none[name].end(), step) != none[name].end();
}

}  // namespace

void run_optimizer(const Case& item, Checker& checker) {
  NamedTensors parameters = item.named_tensors(item["params"]);
  for (NamedTensor& p : parameters) p.tensor.requires_grad_();
  const auto optimizer =
      make_optimizer(item["op"], groups_of(item["param_groups"], item["options"], parameters),
                     Options(item["options"], {}));
  const NamedTensors gradients = item.named_tensors(item["grads_per_step"]);
  const NamedTensors after = item.named_tensors(item["params_after_step"]);
  const auto steps = item["steps"].get<int64_t>();
  for (int64_t step = 0; step < steps; ++step) {
    for (NamedTensor& p : parameters) {
      const Tensor g = select(find(gradients, p.name).tensor, 0, step).clone();
      p.tensor.set_grad(has_no_gradient(item, p.name, step) ? Tensor() : g);
    }
    if (item.has("lr_per_step")) {
      optimizer->set_lr(item["lr_per_step"].at(static_cast<size_t>(step)));
    }
    optimizer->step();
    for (const NamedTensor& p : parameters) {
      checker.check(str("after step ", step, ": ", p.name), p.tensor,
                    select(find(after, p.name).tensor, 0, step));
    }
    if (!checker.problems().empty()) return;  // later steps only repeat it
  }
}

}  // namespace gradus::conformance
