#include "numerics.h"

#include <algorithm>

#include <gradus/core/ops.h>

namespace gradus::examples {

namespace {

constexpr const char* op = "train";

bool is_finite(const Tensor& tensor) {
  return !tensor.defined() || !is_floating(tensor.dtype()) || all_finite(tensor);
}

}  // namespace

const NamedTensor* first_not_finite(const NamedTensors& tensors) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [](const NamedTensor& t) { return !is_finite(t.tensor); });
  return found == tensors.end() ? nullptr : &*found;
}

const NamedTensor* first_gradient_not_finite(const NamedTensors& parameters) {
  const auto found = std::find_if(parameters.begin(), parameters.end(),
                                  [](const NamedTensor& t) { return !is_finite(t.tensor.grad()); });
  return found == parameters.end() ? nullptr : &*found;
}

StepUndo::StepUndo(NamedTensors buffers) : buffers_(std::move(buffers)), random_(random_state()) {
  const NoGrad pause;
  for (const NamedTensor& buffer : buffers_) values_.push_back(buffer.tensor.clone());
}

void StepUndo::undo() {
  const NoGrad pause;
  for (size_t i = 0; i < buffers_.size(); ++i) buffers_[i].tensor.copy_(values_[i]);
  set_random_state(random_);
}

void throw_not_finite(const std::string& what, const Suspects& suspects) {
  const std::string hint = suspects.advice.always + suspects.advice.to_skip;
  if (const NamedTensor* input = first_not_finite(suspects.inputs)) {
    throw NotFinite(
        op,
        str(what, ": ", input->name, " ", input->tensor.shape(), " already hold NaN or infinity"),
        "look at the data");
  }
  if (const NamedTensor* weight = first_not_finite(suspects.parameters)) {
    throw NotFinite(op,
                    str(what, ": ", weight->name, " ", weight->tensor.shape(),
                        " holds NaN or infinity since the update before"),
                    suspects.advice.always);
  }
  try {
    suspects.repeat({.detect_anomaly = true});
  } catch (const ValueError& error) {
    NotFinite located(error.op(), str(error.detail(), "; ", what), hint);
    located.set_module_path(error.module_path());
    throw located;
  }
  throw NotFinite(op, str(what, ", but not when the step was repeated"), hint);
}

}  // namespace gradus::examples
