#include "nan_watch.h"

#include <algorithm>
#include <cmath>

#include "../core/ops.h"

namespace gradus::training {

namespace {

constexpr const char* watch_op = "train";

/// Ends a repetition that came to the update of the weights without an error.
struct CameThrough {};

bool is_finite(const Tensor& tensor) {
  return !tensor.defined() || !is_floating(tensor.dtype()) || all_finite(tensor);
}

}  // namespace

const NamedTensor* first_not_finite(const NamedTensors& tensors) {
  const auto found = std::find_if(tensors.begin(), tensors.end(),
                                  [](const NamedTensor& t) { return !is_finite(t.tensor); });
  return found == tensors.end() ? nullptr : &*found;
}

void NanWatch::add(const NamedTensors& parameters, const NamedTensors& buffers) {
  parameters_.insert(parameters_.end(), parameters.begin(), parameters.end());
  buffers_.insert(buffers_.end(), buffers.begin(), buffers.end());
}

void NanWatch::step(const std::string& when, const NamedTensors& inputs,
                    const std::function<void()>& body) {
  when_ = when;
  inputs_ = inputs;
  body_ = body;
  skipped_ = is_repeating_ = false;
  random_ = random_state();
  values_.clear();
  for (const NamedTensor& buffer : buffers_) values_.push_back(buffer.tensor.detach().clone());
  body();
  values_.clear();  // no longer than needed
  inputs_.clear();
}

bool NanWatch::accept(const Tensor& loss) {
  if (is_repeating_) throw CameThrough();
  std::string what;
  if (const double value = loss.item(); !std::isfinite(value)) what = str("the loss is ", value);
  for (const NamedTensor& p : parameters_) {
    const bool is_bad = what.empty() && !is_finite(p.tensor.grad());
    if (is_bad) what = str("the gradient of ", p.name, " is not finite");
  }
  if (what.empty()) return true;
  for (size_t i = 0; i < buffers_.size(); ++i) {
    const NoGrad pause;
    buffers_[i].tensor.copy_(values_[i]);
  }
  set_random_state(random_);
  what += " " + when_;
  skipped_ = skip && skip(what);
  if (!skipped_) explain(what);
  return false;
}

void NanWatch::explain(const std::string& what) {
  const Advice can_be_done = advice ? advice() : Advice();
  const std::string hint = can_be_done.always + can_be_done.to_skip;
  const auto fail = [&](const NamedTensor& bad, const char* since, const std::string& do_this) {
    throw NotFinite(watch_op, str(what, ": ", bad.name, " ", bad.tensor.shape(), since), do_this);
  };
  const NamedTensor* const input = first_not_finite(inputs_);
  if (input != nullptr) fail(*input, " already hold NaN or infinity", "look at the data");
  const NamedTensor* const weight = first_not_finite(parameters_);
  const char* const before = " holds NaN or infinity since the update before";
  if (weight != nullptr) fail(*weight, before, can_be_done.always);
  for (NamedTensor& parameter : parameters_) parameter.tensor.set_grad({});
  is_repeating_ = true;
  try {
    body_();
  } catch (const CameThrough&) {  // below
  } catch (const ValueError& error) {
    NotFinite located(error.op(), str(error.detail(), "; ", what), hint);
    located.set_module_path(error.module_path());
    throw located;
  }
  throw NotFinite(watch_op, what + ", but not when the step was repeated", hint);
}

}  // namespace gradus::training
