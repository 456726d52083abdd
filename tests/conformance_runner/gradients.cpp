#include "gradients.h"

#include "../../core/grad.h"
#include "../../core/ops.h"

namespace gradus::conformance {

void ask_for_gradients(Tensors& inputs, const Json& grads) {
  const Json wanted = grads.is_object() ? grads.value("inputs", Json::array()) : Json::array();
  for (size_t i = 0; i < inputs.size() && i < wanted.size(); ++i) {
    if (!wanted[i].is_null()) inputs[i].requires_grad_();
  }
}

Tensors gradients(const Tensors& outputs, const Tensors& output_gradients, const Tensors& wanted,
                  bool create_graph) {
  Tensors ys, y_gradients;
  for (size_t i = 0; i < outputs.size() && i < output_gradients.size(); ++i) {
    if (!output_gradients[i].defined() || !outputs[i].requires_grad()) continue;
    ys.push_back(outputs[i]);
    y_gradients.push_back(output_gradients[i]);
  }
  Tensors found(wanted.size());
  if (!ys.empty()) {
    found = grad(ys, y_gradients, wanted, {.create_graph = create_graph, .allow_unused = true});
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!found[i].defined()) found[i] = zeros_like(wanted[i]);
  }
  return found;
}

void check_call(const Case& item, const Json& expected, const std::string& what,
                const Tensors& inputs, const Tensors& outputs, const NamedTensors& parameters,
                Checker& checker) {
  checker.check(what + "output", outputs, item.tensors(expected.at("outputs")));
  if (!expected.contains("grads")) return;
  const Tensors output_gradients = item.tensors(expected.at("grad_outputs"));
  for (size_t i = 0; i < outputs.size() && i < output_gradients.size(); ++i) {
    if (output_gradients[i].defined() && output_gradients[i].shape() != outputs[i].shape()) return;
  }
  const Json& grads = expected.at("grads");
  const Tensors wanted_inputs = item.tensors(grads.value("inputs", Json::array()));
  const NamedTensors wanted_parameters = item.named_tensors(grads.value("params", Json::object()));

  Tensors wanted, references;
  std::vector<std::string> names;
  for (size_t i = 0; i < wanted_inputs.size() && i < inputs.size(); ++i) {
    if (!wanted_inputs[i].defined()) continue;
    wanted.push_back(inputs[i]);
    references.push_back(wanted_inputs[i]);
    names.push_back("gradient of input " + std::to_string(i));
  }
  for (const NamedTensor& reference : wanted_parameters) {
    for (const NamedTensor& p : parameters) {
      if (p.name != reference.name) continue;
      wanted.push_back(p.tensor);
      references.push_back(reference.tensor);
      names.push_back("gradient of " + p.name);
    }
  }
  checker.expect(parameters.size() == wanted_parameters.size(),
                 what + "the names of the parameters differ");
  const Tensors found = gradients(outputs, output_gradients, wanted);
  for (size_t i = 0; i < found.size(); ++i) checker.check(what + names[i], found[i], references[i]);
}

}  // namespace gradus::conformance
