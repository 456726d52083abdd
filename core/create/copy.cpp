// Conversion, copies and in-place writes.
#include "../elementwise/elementwise_kernel.h"
#include "../op.h"
#include "copy_kernel.h"

namespace gradus {

using namespace ops;

namespace {

Tensor copied(const Tensor& x) {
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  kernels::copy(loop_over(out, x), x.dtype(), out.raw_mutable_data(), x.raw_data());
  return out;
}

}  // namespace

Tensor clone(const Tensor& x) {
  return record(
      "clone", inputs(x), copied(x), saved(),
      [](const TensorList&, const Tensor& g, const Wanted&) -> TensorList { return {g}; });
}

Tensor contiguous(const Tensor& x) {
  if (x.is_contiguous()) return x;
  return record(
      "contiguous", inputs(x), copied(x), saved(),
      [](const TensorList&, const Tensor& g, const Wanted&) -> TensorList { return {g}; });
}

namespace {

/// Names the first element of x that `dtype` cannot hold.
[[noreturn]] void throw_unfit(const Tensor& x, DType dtype) {
  const NoGrad pause;
  std::string first;
  const Tensor flat = flatten(x.detach());
  for (int64_t i = 0; i < flat.numel() && first.empty(); ++i) {
    const Tensor element = select(flat, 0, i);
    Tensor out = Tensor::empty({}, dtype);
    if (kernels::convert(loop_over(out, element), dtype, out.raw_mutable_data(), x.dtype(),
                         element.raw_data())) {
      continue;
    }
    dispatch_number("to", x.dtype(), [&]<class T>() { first = str(*element.data<T>()); });
  }
  throw ValueError(
      "to", str(first, " does not fit ", dtype, ": the tensor is ", x.dtype(), " ", x.shape()),
      str(range_text(dtype), "; clamp() first, and where() replaces NaN"));
}

}  // namespace

Tensor to(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Tensor out = Tensor::empty(x.shape(), dtype);
  if (!kernels::convert(loop_over(out, x), dtype, out.raw_mutable_data(), x.dtype(),
                        x.raw_data())) {
    throw_unfit(x, dtype);
  }
  if (!is_floating(dtype)) return out;
  return record("to", inputs(x), out, saved(), x.dtype(),
                [](const TensorList&, DType from, const Tensor& g, const Wanted&) -> TensorList {
                  return {to(g, from)};
                });
}

// --- In-place writes ---

Tensor Tensor::fill_(double value) {
  check_in_place("fill_", *this);
  check_representable("fill_", *this, value);
  kernels::fill(loop_over(*this), dtype(), raw_mutable_data(), value);
  return *this;
}

Tensor Tensor::copy_(const Tensor& source) {
  check_in_place("copy_", *this);
  check_same_dtype("copy_", *this, source);
  const Tensor x = read_for(*this, source);
  kernels::copy(loop_over(*this, x), dtype(), raw_mutable_data(), x.raw_data());
  return *this;
}

Tensor Tensor::add_(const Tensor& other, double alpha) {
  check_in_place("add_", *this);
  check_same_dtype("add_", *this, other);
  check_representable("add_", *this, alpha);
  const Tensor x = read_for(*this, other);
  dispatch_number("add_", dtype(), [&]<class T>() {
    kernels::table<kernels::Elementwise<T>>().axpy(loop_over(*this, x), mutable_data<T>(),
                                                   x.data<T>(), alpha);
  });
  return *this;
}

Tensor Tensor::mul_(double factor) {
  check_in_place("mul_", *this);
  check_representable("mul_", *this, factor);
  const Strides repeated = Strides::filled(dim(), 0);
  const auto loop = kernels::make_loop<3>(dim(), shape().begin(),
                                          {strides().begin(), strides().begin(), repeated.begin()});
  dispatch_number("mul_", dtype(), [&]<class T>() {
    const T value = static_cast<T>(factor);
    T* data = mutable_data<T>();
    kernels::table<kernels::Elementwise<T>>().binary(kernels::Binary::mul, loop, data, data,
                                                     &value);
  });
  return *this;
}

// --- Short forms ---

}  // namespace gradus
