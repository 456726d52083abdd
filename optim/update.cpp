#include "update.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "../core/op.h"
#include "update_kernel.h"

namespace gradus {

using namespace ops;

namespace {

/// A tensor under the name that errors give it.
struct Role {
  const char* name;
  Tensor& tensor;
  bool optional = false;  ///< may be undefined
};

/// Checks what an update writes against its parameter.
void check_written(const char* op, const Tensor& parameter, const Role& role) {
  if (!role.tensor.defined()) {
    if (role.optional) return;
    throw ValueError(op, str(role.name, " is undefined"), "zeros_like(parameter) is a start");
  }
  check_in_place(op, role.tensor);
  check_same_dtype(op, parameter, role.tensor);
  const Shape& shape = role.tensor.shape();
  if (shape != parameter.shape()) {
    throw ShapeError(op, str(role.name, " is ", shape, ", the parameter ", parameter.shape()),
                     "the state of an optimizer has the shape of its parameter");
  }
  if (!role.tensor.is_contiguous()) {
    throw ValueError(op, str(role.name, " ", shape, " is not in row-major order"),
                     "contiguous() makes a copy that is");
  }
}

/// Checks that nothing which is written overlaps with anything else that is.
void check_apart(const char* op, Tensor& parameter, std::initializer_list<Role> state) {
  const Role first{"parameter", parameter};
  for (const Role* role = state.begin(); role != state.end(); ++role) {
    if (!role->tensor.defined()) continue;
    for (const Role* other = &first; other != role;
         other = other == &first ? state.begin() : other + 1) {
      if (!other->tensor.defined() || !role->tensor.overlaps(other->tensor)) continue;
      throw ValueError(op,
                       str(other->name, " ", other->tensor.shape(), " and ", role->name, " ",
                           role->tensor.shape(), " share memory: both are written"),
                       "clone() one of them");
    }
  }
}

/// The gradient, or a copy of it where it is in another order or overlaps with what is written.
Tensor read_gradient(const Tensor& gradient, const Tensor& parameter,
                     std::initializer_list<Role> state) {
  const bool overlaps = gradient.overlaps(parameter) ||
                        std::any_of(state.begin(), state.end(), [&](const Role& role) {
                          return role.tensor.defined() && gradient.overlaps(role.tensor);
                        });
  return gradient.is_contiguous() && !overlaps ? gradient : gradient.detach().clone();
}

/// Checks everything, then calls `kernel(table, arrays)` with the table of kernels for the type.
template <class Kernel>
void run(const char* op, Tensor& parameter, const Tensor& gradient,
         std::initializer_list<Role> state, const Kernel& kernel) {
  check_floating(op, parameter);
  check_written(op, parameter, {"parameter", parameter});
  check_same_dtype(op, parameter, gradient);
  if (gradient.shape() != parameter.shape()) {
    throw ShapeError(op,
                     str("gradient is ", gradient.shape(), ", the parameter ", parameter.shape()),
                     "a gradient has the shape of its parameter");
  }
  for (const Role& role : state) check_written(op, parameter, role);
  check_apart(op, parameter, state);
  const Tensor g = read_gradient(gradient, parameter, state);
  dispatch_floating(op, parameter.dtype(), [&]<class T>() {
    kernels::UpdateArrays<T> arrays{
        parameter.numel(), parameter.mutable_data<T>(), g.data<T>(), {nullptr, nullptr, nullptr}};
    std::transform(state.begin(), state.end(), arrays.state, [](const Role& role) {
      return role.tensor.defined() ? role.tensor.mutable_data<T>() : nullptr;
    });
    kernel(kernels::table<kernels::OptimizerUpdates<T>>(), arrays);
  });
}

/// What the options common to most updates make of the gradient.
template <class Update>
kernels::GradientTerms terms_of(const Update& u) {
  return {.sign = u.maximize ? -1.0 : 1.0, .l2 = u.weight_decay, .l1 = u.l1_decay};
}

/// 1 - beta^t: an average that started at 0 is too small by this factor.
double bias_correction(double beta, int64_t t) {
  return 1 - std::pow(beta, static_cast<double>(t));
}

}  // namespace

void sgd_update_(Tensor& parameter, const Tensor& gradient, Tensor& buffer, const SgdUpdate& u) {
  const kernels::SgdStep step = {.terms = terms_of(u),
                                 .lr = u.lr,
                                 .momentum = u.momentum,
                                 .dampening = u.dampening,
                                 .nesterov = u.nesterov,
                                 .first = u.first};
  run("sgd_update_", parameter, gradient, {{"buffer", buffer, true}},
      [&](const auto& table, const auto& arrays) {
        // What a first buffer holds may not even be numbers.
        if (u.first && buffer.defined()) buffer.zero_();
        table.sgd(step, arrays);
      });
}

void adam_update_(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
                  Tensor& max_exp_avg_sq, const AdamUpdate& u) {
  kernels::AdamStep step = {.terms = terms_of(u),
                            .beta1 = u.beta1,
                            .beta2 = u.beta2,
                            .eps = u.eps,
                            .decay = 1,
                            .step_size = u.lr / bias_correction(u.beta1, u.step),
                            .root_correction = std::sqrt(bias_correction(u.beta2, u.step))};
  if (u.decoupled) {
    step.terms.l2 = 0;
    step.decay = 1 - u.lr * u.weight_decay;
  }
  run("adam_update_", parameter, gradient,
      {{"exp_avg", exp_avg}, {"exp_avg_sq", exp_avg_sq}, {"max_exp_avg_sq", max_exp_avg_sq, true}},
      [&](const auto& table, const auto& arrays) { table.adam(step, arrays); });
}

void adamax_update_(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_inf,
                    const MomentUpdate& u) {
  const kernels::AdamaxStep step = {.terms = terms_of(u),
                                    .beta1 = u.beta1,
                                    .beta2 = u.beta2,
                                    .eps = u.eps,
                                    .step_size = u.lr / bias_correction(u.beta1, u.step)};
  run("adamax_update_", parameter, gradient, {{"exp_avg", exp_avg}, {"exp_inf", exp_inf}},
      [&](const auto& table, const auto& arrays) { table.adamax(step, arrays); });
}

void nadam_update_(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
                   double& mu_product, const NadamUpdate& u) {
  const auto mu = [&](int64_t t) {
    return u.beta1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(t) * u.momentum_decay));
  };
  const double now = mu(u.step), next = mu(u.step + 1), product = mu_product * now;
  const kernels::NadamStep step = {.terms = terms_of(u),
                                   .beta1 = u.beta1,
                                   .beta2 = u.beta2,
                                   .eps = u.eps,
                                   .direct_size = u.lr * (1 - now) / (1 - product),
                                   .step_size = u.lr * next / (1 - product * next),
                                   .root_correction = std::sqrt(bias_correction(u.beta2, u.step))};
  run("nadam_update_", parameter, gradient, {{"exp_avg", exp_avg}, {"exp_avg_sq", exp_avg_sq}},
      [&](const auto& table, const auto& arrays) { table.nadam(step, arrays); });
  mu_product = product;
}

void radam_update_(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
                   const MomentUpdate& u) {
  const auto t = static_cast<double>(u.step);
  const double correction2 = bias_correction(u.beta2, u.step);
  // Length of the average behind v, now and in the end: its variance is too large while it is
  // short.
  const double longest = 2 / (1 - u.beta2) - 1;
  const double length = longest - 2 * t * (1 - correction2) / correction2;
  const bool adaptive = length > 5;
  double step_size = u.lr / bias_correction(u.beta1, u.step);
  if (adaptive) {
    step_size *= std::sqrt(correction2 * (length - 4) * (length - 2) * longest /
                           ((longest - 4) * (longest - 2) * length));
  }
  const kernels::RadamStep step = {.terms = terms_of(u),
                                   .beta1 = u.beta1,
                                   .beta2 = u.beta2,
                                   .eps = u.eps,
                                   .step_size = step_size,
                                   .adaptive = adaptive};
  run("radam_update_", parameter, gradient, {{"exp_avg", exp_avg}, {"exp_avg_sq", exp_avg_sq}},
      [&](const auto& table, const auto& arrays) { table.radam(step, arrays); });
}

void lion_update_(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, const LionUpdate& u) {
  const kernels::LionStep step = {.terms = {.sign = u.maximize ? -1.0 : 1.0},
                                  .lr = u.lr,
                                  .beta1 = u.beta1,
                                  .beta2 = u.beta2,
                                  .decay = 1 - u.lr * u.weight_decay};
  run("lion_update_", parameter, gradient, {{"exp_avg", exp_avg}},
      [&](const auto& table, const auto& arrays) { table.lion(step, arrays); });
}

void rmsprop_update_(Tensor& parameter, const Tensor& gradient, Tensor& square_avg,
                     Tensor& grad_avg, Tensor& buffer, const RmspropUpdate& u) {
  const kernels::RmspropStep step = {
      .terms = terms_of(u), .lr = u.lr, .alpha = u.alpha, .eps = u.eps, .momentum = u.momentum};
  run("rmsprop_update_", parameter, gradient,
      {{"square_avg", square_avg}, {"grad_avg", grad_avg, true}, {"buffer", buffer, true}},
      [&](const auto& table, const auto& arrays) { table.rmsprop(step, arrays); });
}

void adagrad_update_(Tensor& parameter, const Tensor& gradient, Tensor& sum,
                     const AdagradUpdate& u) {
  const double lr = u.lr / (1 + static_cast<double>(u.step - 1) * u.lr_decay);
  const kernels::AdagradStep step = {.terms = terms_of(u), .lr = lr, .eps = u.eps};
  run("adagrad_update_", parameter, gradient, {{"sum", sum}},
      [&](const auto& table, const auto& arrays) { table.adagrad(step, arrays); });
}

void adadelta_update_(Tensor& parameter, const Tensor& gradient, Tensor& square_avg,
                      Tensor& acc_delta, const AdadeltaUpdate& u) {
  const kernels::AdadeltaStep step = {.terms = terms_of(u), .lr = u.lr, .rho = u.rho, .eps = u.eps};
  run("adadelta_update_", parameter, gradient,
      {{"square_avg", square_avg}, {"acc_delta", acc_delta}},
      [&](const auto& table, const auto& arrays) { table.adadelta(step, arrays); });
}

void average_update_(Tensor& average, const Tensor& value, double share) {
  run("average_update_", average, value, {},
      [&](const auto& table, const auto& arrays) { table.average(share, arrays); });
}

double total_norm(std::span<const Tensor> tensors, double ord) {
  if (!(ord > 0)) {
    throw ValueError("total_norm", str("ord is ", ord), "it must be a positive number or infinity");
  }
  double total = 0;
  for (const Tensor& tensor : tensors) {
    const Tensor x = tensor.detach().contiguous();
    const double part = dispatch_floating("total_norm", x.dtype(), [&]<class T>() {
      return kernels::table<kernels::OptimizerUpdates<T>>().power_sum(ord, x.numel(), x.data<T>());
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
