#include "../update.h"

#include <cmath>

#include "../kernels/optimizer.h"
#include "common.h"

namespace gradus {

using namespace ops;

namespace {

/// Checks one state of an update against its parameter.
void check_state(const char* op, const char* role, const Tensor& parameter, const Tensor& state) {
  if (!state.defined()) return;
  check_in_place(op, state);
  check_same_dtype(op, parameter, state);
  if (state.shape() != parameter.shape()) {
    throw ShapeError(op, str(role, " is ", state.shape(), ", the parameter ", parameter.shape()));
  }
  if (!state.is_contiguous()) {
    throw ValueError(op, str(role, " ", state.shape(), " is not in row-major order"),
                     "contiguous() makes a copy that is");
  }
}

/// The gradient in row-major order, checked.
Tensor checked_gradient(const char* op, const Tensor& parameter, const Tensor& gradient) {
  check_state(op, "parameter", parameter, parameter);
  check_same_dtype(op, parameter, gradient);
  if (gradient.shape() != parameter.shape()) {
    throw ShapeError(op,
                     str("gradient is ", gradient.shape(), ", the parameter ", parameter.shape()));
  }
  return gradient.detach().contiguous();
}

template <class T>
T* data_or_null(Tensor& tensor) {
  return tensor.defined() ? tensor.mutable_data<T>() : nullptr;
}

}  // namespace

void sgd_update_(Tensor& parameter, const Tensor& gradient, Tensor& buffer, const SgdUpdate& u) {
  const char* op = "sgd_update_";
  const Tensor g = checked_gradient(op, parameter, gradient);
  check_state(op, "buffer", parameter, buffer);
  if (u.first && buffer.defined()) buffer.zero_();  // what it held may not even be numbers
  const kernels::SgdStep step = {
      u.lr, u.momentum, u.dampening, u.weight_decay, u.maximize ? -1.0 : 1.0, u.nesterov, u.first};
  dispatch_floating(op, parameter.dtype(), [&]<class T>() {
    kernels::table<kernels::OptimizerUpdates<T>>().sgd(
        step, parameter.numel(), parameter.mutable_data<T>(), g.data<T>(), data_or_null<T>(buffer));
  });
}

void adam_update_(Tensor& parameter, const Tensor& gradient, Tensor& exp_avg, Tensor& exp_avg_sq,
                  Tensor& max_exp_avg_sq, const AdamUpdate& u) {
  const char* op = "adam_update_";
  const Tensor g = checked_gradient(op, parameter, gradient);
  check_state(op, "exp_avg", parameter, exp_avg);
  check_state(op, "exp_avg_sq", parameter, exp_avg_sq);
  check_state(op, "max_exp_avg_sq", parameter, max_exp_avg_sq);
  const auto t = static_cast<double>(u.step);
  const kernels::AdamStep step = {
      .beta1 = u.beta1,
      .beta2 = u.beta2,
      .eps = u.eps,
      .l2 = u.decoupled ? 0 : u.weight_decay,
      .decay = u.decoupled ? 1 - u.lr * u.weight_decay : 1,
      .sign = u.maximize ? -1.0 : 1.0,
      .step_size = u.lr / (1 - std::pow(u.beta1, t)),
      .root_correction = std::sqrt(1 - std::pow(u.beta2, t)),
  };
  dispatch_floating(op, parameter.dtype(), [&]<class T>() {
    kernels::table<kernels::OptimizerUpdates<T>>().adam(
        step, parameter.numel(), parameter.mutable_data<T>(), g.data<T>(),
        exp_avg.mutable_data<T>(), exp_avg_sq.mutable_data<T>(), data_or_null<T>(max_exp_avg_sq));
  });
}

}  // namespace gradus
