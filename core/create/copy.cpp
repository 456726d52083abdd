// Conversion and copies.
#include "../op_support.h"
#include "copy_kernel.h"

namespace gradus {

using namespace ops;

namespace {

Tensor copied(bool clones, const Tensor& x) {
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  kernels::copy(loop_over(out, x), x.dtype(), out.raw_mutable_data(), x.raw_data());
  return record(clones ? "clone" : "contiguous", inputs(x), out, saved(),
                [](auto&, auto& g) { return g; });
}

}  // namespace

Tensor clone(const Tensor& x) {
  return copied(true, x);
}

Tensor contiguous(const Tensor& x) {
  return x.is_contiguous() ? x : copied(false, x);
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
                [](auto&, auto& from, auto& g) { return to(g, from); });
}

}  // namespace gradus
