#include "clip.h"

#include <cmath>
#include <utility>
#include <vector>

#include "../core/base/error.h"
#include "../core/ops.h"
#include "../core/tape.h"
#include "clip_kernel.h"

namespace gradus {

double total_norm(std::span<const Tensor> tensors, double ord) {
  require(ord > 0, "total_norm", "it must be a positive number or infinity", "ord is ", ord);
  double total = 0;
  for (const Tensor& tensor : tensors) {
    const Tensor x = tensor.detach().contiguous();
    const double part = dispatch_floating("total_norm", x.dtype(), [&]<class T>() {
      return kernels::table<kernels::GradientNorm<T>>().power_sum(ord, x.numel(), x.data<T>());
    });
    if (!std::isinf(ord)) {
      total += part;
    } else if (part > total || std::isnan(part)) {
      total = part;
    }
  }
  if (std::isinf(ord) || ord == 1) return total;
  return ord == 2 ? std::sqrt(total) : std::pow(total, 1 / ord);
}

}  // namespace gradus

namespace gradus::optim {

namespace {

/// Parameters that have a gradient, and their gradients.
struct Gradients {
  std::vector<Tensor> parameters, gradients;

  Gradients(const char* op, const NamedTensors& named) {
    for (const auto& [name, parameter] : named) {
      require(parameter.defined(), op, "pass module.named_parameters()", "parameter ", name,
              " is undefined");
      if (!parameter.grad().defined()) continue;
      parameters.push_back(parameter);
      gradients.push_back(parameter.grad());
    }
  }

  /// Makes all gradients `change(gradient)`, or none if that throws.
  template <class Change>
  void change_all(const Change& change) {
    std::vector<Tensor> changed;
    changed.reserve(gradients.size());
    for (const Tensor& gradient : gradients) changed.push_back(change(gradient));
    for (size_t i = 0; i < changed.size(); ++i) parameters[i].set_grad(std::move(changed[i]));
  }
};

void require_not_negative(const char* op, const char* option, double value) {
  require(value >= 0, op, "1 is usual; infinity changes nothing", option,
          " must be a number of at least 0, got ", value);
}

/// Which gradients make the norm NaN or infinite, for people to look at.
std::string not_finite(const NamedTensors& parameters) {
  std::string names;
  for (const auto& [name, parameter] : parameters) {
    const Tensor gradient = parameter.grad();
    if (gradient.defined() && !all_finite(gradient)) names += (names.empty() ? "" : ", ") + name;
  }
  return names.empty() ? "none alone" : names;
}

}  // namespace

double clip_grad_norm_(const NamedTensors& parameters, double max_norm,
                       const ClipNormOptions& options) {
  const char* const op = "clip_grad_norm_";
  require_not_negative(op, "max_norm", max_norm);
  require(options.norm_type > 0, op, "2 is the Euclidean norm, infinity the largest element",
          "norm_type must be a positive number or infinity, got ", options.norm_type);
  const NoGrad pause;
  Gradients clipped(op, parameters);
  const double total = total_norm(clipped.gradients, options.norm_type);
  if (options.error_if_nonfinite && !std::isfinite(total)) {
    throw ValueError(
        op, str("the norm of the gradients is ", total, "; not finite: ", not_finite(parameters)),
        "a tape with .detect_anomaly names the operation that it began with");
  }
  const double factor = max_norm / (total + 1e-6);
  if (factor >= 1) return total;  // a NaN propagates
  clipped.change_all([&](const Tensor& g) { return mul(g, factor); });
  return total;
}

void clip_grad_value_(const NamedTensors& parameters, double clip_value) {
  const char* const op = "clip_grad_value_";
  require_not_negative(op, "clip_value", clip_value);
  const NoGrad pause;
  Gradients(op, parameters).change_all([&](const Tensor& g) {
    return clamp(g, -clip_value, clip_value);
  });
}

}  // namespace gradus::optim
