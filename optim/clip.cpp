#include "clip.h"

#include <cmath>
#include <utility>
#include <vector>

#include "../core/base/error.h"
#include "../core/ops.h"
#include "../core/tape.h"
#include "update.h"

namespace gradus::optim {

namespace {

/// Parameters that have a gradient.
std::vector<Tensor> with_gradient(const char* op, const NamedTensors& parameters) {
  std::vector<Tensor> found;
  for (const NamedTensor& parameter : parameters) {
    if (!parameter.tensor.defined()) {
      throw ValueError(op, str("parameter ", parameter.name, " is undefined"),
                       "pass module.named_parameters()");
    }
    if (parameter.tensor.grad().defined()) found.push_back(parameter.tensor);
  }
  return found;
}

std::vector<Tensor> gradients_of(const std::vector<Tensor>& parameters) {
  std::vector<Tensor> gradients;
  gradients.reserve(parameters.size());
  for (const Tensor& parameter : parameters) gradients.push_back(parameter.grad());
  return gradients;
}

/// Gives all parameters `make(gradient)` for a gradient, or none where that throws.
template <class Make>
void set_all(std::vector<Tensor>& parameters, const std::vector<Tensor>& gradients,
             const Make& make) {
  std::vector<Tensor> made;
  made.reserve(gradients.size());
  for (const Tensor& gradient : gradients) made.push_back(make(gradient));
  for (size_t i = 0; i < parameters.size(); ++i) parameters[i].set_grad(std::move(made[i]));
}

void require_not_negative(const char* op, const char* option, double value) {
  if (value >= 0) return;
  throw ValueError(op, str(option, " must be a number of at least 0, got ", value),
                   "1 is usual; infinity changes nothing");
}

/// Which gradients make the norm NaN or infinite, for people to look at.
std::string not_finite(const NamedTensors& parameters) {
  std::string names;
  for (const NamedTensor& parameter : parameters) {
    const Tensor gradient = parameter.tensor.grad();
    if (gradient.defined() && !all_finite(gradient)) {
      names += str(names.empty() ? "" : ", ", parameter.name);
    }
  }
  return names.empty() ? "none alone" : names;
}

}  // namespace

double clip_grad_norm_(const NamedTensors& parameters, double max_norm,
                       const ClipNormOptions& options) {
  const char* const op = "clip_grad_norm_";
  require_not_negative(op, "max_norm", max_norm);
  if (!(options.norm_type > 0)) {
    throw ValueError(
        op, str("norm_type must be a positive number or infinity, got ", options.norm_type),
        "2 is the Euclidean norm, infinity the largest element");
  }
  const NoGrad pause;
  std::vector<Tensor> clipped = with_gradient(op, parameters);
  const std::vector<Tensor> gradients = gradients_of(clipped);
  const double total = total_norm(gradients, options.norm_type);
  if (options.error_if_nonfinite && !std::isfinite(total)) {
    throw ValueError(
        op, str("the norm of the gradients is ", total, "; not finite: ", not_finite(parameters)),
        "a tape with .detect_anomaly names the operation that it began with");
  }
  const double factor = max_norm / (total + 1e-6);
  if (factor >= 1) return total;  // a NaN goes on
  set_all(clipped, gradients, [&](const Tensor& g) { return mul(g, factor); });
  return total;
}

void clip_grad_value_(const NamedTensors& parameters, double clip_value) {
  const char* const op = "clip_grad_value_";
  require_not_negative(op, "clip_value", clip_value);
  const NoGrad pause;
  std::vector<Tensor> clipped = with_gradient(op, parameters);
  set_all(clipped, gradients_of(clipped),
          [&](const Tensor& g) { return clamp(g, -clip_value, clip_value); });
}

}  // namespace gradus::optim
