// Creation.
#include <cmath>

#include "../op_support.h"
#include "copy_kernel.h"

namespace gradus {

using namespace ops;

namespace {

Tensor filled(const char* op, const Shape& shape, double value, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  check_representable(op, out, value);
  kernels::fill(loop_over(out), dtype, out.raw_mutable_data(), value);
  return out;
}

}  // namespace

Tensor full(const Shape& shape, double value, DType dtype) {
  return filled("full", shape, value, dtype);
}

Tensor zeros(const Shape& shape, DType dtype) {
  return full(shape, 0, dtype);
}
Tensor ones(const Shape& shape, DType dtype) {
  return full(shape, 1, dtype);
}
Tensor zeros_like(const Tensor& x) {
  return zeros(x.shape(), x.dtype());
}
Tensor ones_like(const Tensor& x) {
  return ones(x.shape(), x.dtype());
}

Tensor full_like(const Tensor& x, double value) {
  return filled("full_like", x.shape(), value, x.dtype());
}

Tensor eye(int64_t rows, std::optional<int64_t> columns, DType dtype) {
  const int64_t width = columns.value_or(rows);
  require<ShapeError>(rows >= 0 && width >= 0, "eye", "both must be at least 0", "a matrix of ",
                      rows, " rows and ", width, " columns");
  Tensor out = zeros({rows, width}, dtype);
  const NoGrad pause;
  diagonal(out).fill_(1);
  return out;
}

Tensor linspace(double start, double end, int64_t steps, DType dtype) {
  require(steps >= 0 && std::isfinite(start) && std::isfinite(end), "linspace",
          "both ends must be finite, and steps at least 0", "from ", start, " to ", end, " in ",
          steps, " steps");
  Tensor out = Tensor::empty({steps}, dtype);
  dispatch_floating("linspace", dtype, [&]<class T>() {
    T* const values = out.mutable_data<T>();
    const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
    for (int64_t i = 0; i < steps; ++i) {  // from the nearer end: both come out exactly
      values[i] =
          static_cast<T>(i <= (steps - 1) / 2 ? start + step * static_cast<double>(i)
                                              : end - step * static_cast<double>(steps - 1 - i));
    }
  });
  return out;
}

namespace {

/// Where a type is asked for that has no fractions, there must be none, and nothing may wrap
/// around.
void check_range(const Tensor& out, double start, double end, double step) {
  if (is_floating(out.dtype())) return;
  for (double number : {start, end, step}) {
    require(number == std::floor(number), "arange",
            "fractions need a floating type: give float32, or none", "from ", start, " to ", end,
            " in steps of ", step, " as ", out.dtype());
  }
  if (out.numel() == 0) return;
  check_representable("arange", out, start);
  check_representable("arange", out, start + static_cast<double>(out.numel() - 1) * step);
}

/// n numbers, of which number i is value(i).
template <class T, class Value>
Tensor range(double n, T start, T end, T step, DType dtype, const Value& value) {
  require(n <= 0x1p46, "arange", "that is larger than any memory", "from ", start, " to ", end,
          " in steps of ", step, " are ", n, " numbers");
  Tensor out = Tensor::empty({static_cast<int64_t>(n)}, dtype);
  if (dtype_v<T> != dtype) {
    check_range(out, static_cast<double>(start), static_cast<double>(end),
                static_cast<double>(step));
  }
  dispatch_number("arange", dtype, [&]<class Element>() {
    Element* const values = out.mutable_data<Element>();
    for (int64_t i = 0; i < out.numel(); ++i) values[i] = static_cast<Element>(value(i));
  });
  return out;
}

}  // namespace

Tensor detail::arange(int64_t start, int64_t end, int64_t step, DType dtype) {
  require(step != 0, "arange", "it must lead from start to end", "the step is 0");
  // In unsigned arithmetic, which does not overflow.
  const auto from = static_cast<uint64_t>(start), to = static_cast<uint64_t>(end);
  const auto stride = static_cast<uint64_t>(step);
  const bool any = step > 0 ? start < end : start > end;
  const uint64_t distance = step > 0 ? to - from : from - to;
  const uint64_t n = any ? (distance - 1) / (step > 0 ? stride : uint64_t{0} - stride) + 1 : 0;
  return range(static_cast<double>(n), start, end, step, dtype, [=](int64_t i) {
    return static_cast<int64_t>(from + static_cast<uint64_t>(i) * stride);
  });
}

Tensor detail::arange(double start, double end, double step, DType dtype) {
  require(step != 0 && std::isfinite(start) && std::isfinite(end) && std::isfinite(step), "arange",
          "all three must be finite, and the step not 0", "from ", start, " to ", end,
          " in steps of ", step);
  const double n = std::max(0.0, std::ceil((end - start) / step));
  return range(n, start, end, step, dtype,
               [=](int64_t i) { return start + static_cast<double>(i) * step; });
}

template <class T>
Tensor tensor(std::span<const T> values, const Shape& shape) {
  require<ShapeError>(shape.numel() == static_cast<int64_t>(values.size()), "tensor",
                      "the product of the sizes is the number of values", values.size(),
                      " values do not fill shape ", shape);
  Tensor out = Tensor::empty(shape, dtype_v<T>);
  std::copy(values.begin(), values.end(), out.mutable_data<T>());
  return out;
}
template Tensor tensor(std::span<const float>, const Shape&);
template Tensor tensor(std::span<const double>, const Shape&);
template Tensor tensor(std::span<const int64_t>, const Shape&);
template Tensor tensor(std::span<const int32_t>, const Shape&);
template Tensor tensor(std::span<const uint8_t>, const Shape&);
template Tensor tensor(std::span<const bool>, const Shape&);

void detail::check_row_length(size_t length, size_t first) {
  require<ShapeError>(length == first, "tensor", "all rows of a matrix are equally long",
                      "a row of ", length, " values below one of ", first);
}

// --- Copies ---

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
