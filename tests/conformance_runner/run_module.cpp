// Calls of modules: once, several times, and with gradients of gradients.
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "gradients.h"
#include "kinds.h"
#include "model.h"

namespace gradus::conformance {
namespace {

Model load_model(const Case& item) {
  Model model(item);
  model.to(item.dtype());
  model.load(item.named_tensors(item["params"]), item.named_tensors(item["buffers"]));
  return model;
}

bool is_training(const Json& mode) {
  return mode != "eval";
}

/// One call; `step` has the keys mode, inputs, outputs, grad_outputs, grads, buffers_after.
void run_step(const Case& item, const Json& step, const std::string& what, Model& model,
              Checker& checker) {
  model.set_training(is_training(step.value("mode", Json())));
  Tensors inputs = item.tensors(step.at("inputs"));
  ask_for_gradients(inputs, step.value("grads", Json()));
  const Tape tape;
  const Tensors outputs = model(inputs);
  check_call(item, step, what, inputs, outputs, model.parameters(), checker);
  const Json buffers_after = step.value("buffers_after", Json());
  checker.check(what + "buffer after the call:", model.buffers(),
                item.named_tensors(buffers_after));
}

Json step_of(const Case& item) {
  Json step = Json::object();
  for (const char* key : {"mode", "inputs", "outputs", "grad_outputs", "grads", "buffers_after"}) {
    if (item.has(key)) step[key] = item[key];
  }
  return step;
}

}  // namespace

void run_module(const Case& item, Checker& checker) {
  Model model = load_model(item);
  run_step(item, step_of(item), "", model, checker);
}

void run_module_steps(const Case& item, Checker& checker) {
  Model model = load_model(item);
  int number = 0;
  for (const Json& step : item["steps"]) {
    run_step(item, step, "step " + std::to_string(number++) + ": ", model, checker);
  }
}

void run_double_backward(const Case& item, Checker& checker) {
  Model model = load_model(item);
  model.set_training(is_training(item["mode"]));
  Tensors inputs = item.tensors(item["inputs"]);
  const Json &grads = item["grads"], &penalty = item["penalty"];
  ask_for_gradients(inputs, grads);
  Tensors output_gradients = item.tensors(item["grad_outputs"]);
  for (Tensor& g : output_gradients) {
    if (g.defined()) g.requires_grad_();
  }
  const Tape tape;
  const Tensors outputs = model(inputs);
  checker.check("output", outputs, item.tensors(item["outputs"]));
  checker.check("buffer after the call:", model.buffers(),
                item.named_tensors(item["buffers_after"]));

  Tensors wanted, references;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].requires_grad()) wanted.push_back(inputs[i]);
  }
  const Tensors first = gradients(outputs, output_gradients, wanted, true);
  Tensors first_references = item.tensors(penalty.at("input_grads"));
  std::erase_if(first_references, [](const Tensor& t) { return !t.defined(); });
  checker.check("first gradient of input", first, first_references);

  Tensor value = zeros({}, item.dtype());
  for (const Tensor& g : first) value = add(value, sum(square(g)));
  checker.check("penalty", value, item.tensor(penalty.at("value")));

  // The penalty's own gradients are those of a call with one output and the upstream gradient 1.
  for (size_t i = 0; i < output_gradients.size(); ++i) {
    if (output_gradients[i].defined()) wanted.push_back(output_gradients[i]);
  }
  const NamedTensors parameters = model.parameters();
  for (const NamedTensor& p : parameters) wanted.push_back(p.tensor);
  const Tensors second = gradients({value}, {ones({}, item.dtype())}, wanted);

  for (const Tensor& t : item.tensors(grads.at("inputs"))) {
    if (t.defined()) references.push_back(t);
  }
  for (const Tensor& t : item.tensors(penalty.at("grads").at("grad_outputs"))) {
    if (t.defined()) references.push_back(t);
  }
  for (const NamedTensor& p : parameters) {
    references.push_back(item.tensor(grads.at("params").at(p.name)));
  }
  checker.check("gradient of the penalty (inputs, output gradients, parameters)", second,
                references);
}

}  // namespace gradus::conformance
