// Creation, conversion, copies and in-place writes.
#include <algorithm>
#include <cmath>

#include "../kernels/copy.h"
#include "../kernels/elementwise.h"
#include "common.h"

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
  if (rows < 0 || width < 0) {
    throw ShapeError("eye", str("a matrix of ", rows, " rows and ", width, " columns"),
                     "both must be at least 0");
  }
  Tensor out = zeros({rows, width}, dtype);
  diagonal(out).fill_(1);
  return out;
}

Tensor linspace(double start, double end, int64_t steps, DType dtype) {
  if (steps < 0 || !std::isfinite(start) || !std::isfinite(end)) {
    throw ValueError("linspace", str("from ", start, " to ", end, " in ", steps, " steps"),
                     "both ends must be finite, and steps at least 0");
  }
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

/// An uninitialized tensor for so many numbers.
template <class T>
Tensor space_for_range(double n, T start, T end, T step, DType dtype) {
  if (n > 0x1p46) {
    throw ValueError(
        "arange", str("from ", start, " to ", end, " in steps of ", step, " are ", n, " numbers"),
        "that is larger than any memory");
  }
  return Tensor::empty({static_cast<int64_t>(n)}, dtype);
}

/// Where a type is asked for that has no fractions, there must be none, and nothing may wrap
/// around.
void check_range(const Tensor& out, double start, double end, double step) {
  if (is_floating(out.dtype())) return;
  for (double number : {start, end, step}) {
    if (number == std::floor(number)) continue;
    throw ValueError("arange",
                     str("from ", start, " to ", end, " in steps of ", step, " as ", out.dtype()),
                     "fractions need a floating type: give float32, or none");
  }
  if (out.numel() == 0) return;
  check_representable("arange", out, start);
  check_representable("arange", out, start + static_cast<double>(out.numel() - 1) * step);
}

}  // namespace

Tensor detail::arange(int64_t start, int64_t end, int64_t step, DType dtype) {
  if (step == 0) throw ValueError("arange", "the step is 0", "it must lead from start to end");
  // In unsigned numbers, where nothing overflows.
  const auto from = static_cast<uint64_t>(start), to = static_cast<uint64_t>(end);
  const auto stride = static_cast<uint64_t>(step);
  const bool any = step > 0 ? start < end : start > end;
  const uint64_t distance = step > 0 ? to - from : from - to;
  const uint64_t n = any ? (distance - 1) / (step > 0 ? stride : uint64_t{0} - stride) + 1 : 0;
  Tensor out = space_for_range(static_cast<double>(n), start, end, step, dtype);
  if (dtype != int64) {
    check_range(out, static_cast<double>(start), static_cast<double>(end),
                static_cast<double>(step));
  }
  dispatch_number("arange", dtype, [&]<class T>() {
    T* values = out.mutable_data<T>();
    for (uint64_t i = 0; i < n; ++i) {
      values[i] = static_cast<T>(static_cast<int64_t>(from + i * stride));
    }
  });
  return out;
}

Tensor detail::arange(double start, double end, double step, DType dtype) {
  if (step == 0 || !std::isfinite(start) || !std::isfinite(end) || !std::isfinite(step)) {
    throw ValueError("arange", str("from ", start, " to ", end, " in steps of ", step),
                     "all three must be finite, and the step not 0");
  }
  const double n = std::max(0.0, std::ceil((end - start) / step));
  Tensor out = space_for_range(n, start, end, step, dtype);
  check_range(out, start, end, step);
  dispatch_number("arange", dtype, [&]<class T>() {
    T* values = out.mutable_data<T>();
    for (int64_t i = 0; i < out.numel(); ++i) {
      values[i] = static_cast<T>(start + static_cast<double>(i) * step);
    }
  });
  return out;
}

template <class T>
Tensor tensor(std::span<const T> values, const Shape& shape) {
  if (shape.numel() != static_cast<int64_t>(values.size())) {
    throw ShapeError("tensor", str(values.size(), " values do not fill shape ", shape),
                     "the product of the sizes is the number of values");
  }
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
  if (length == first) return;
  throw ShapeError("tensor", str("a row of ", length, " values below one of ", first),
                   "all rows of a matrix are equally long");
}

Tensor rand(const Shape& shape, Rng& generator, double lo, double hi, DType dtype) {
  return dispatch_floating("rand", dtype, [&]<class T>() {
    const T least = static_cast<T>(lo), end = static_cast<T>(hi);
    if (!(least <= end) || !std::isfinite(end - least)) {
      throw ValueError("rand", str("there is no number in [", lo, ", ", hi, ")"),
                       "the lower bound is included, the upper one is not; both are finite");
    }
    Tensor out = Tensor::empty(shape, dtype);
    const auto words = static_cast<uint64_t>(out.numel()) * sizeof(T) / 4;
    kernels::fill_uniform(out.numel(), out.mutable_data<T>(), generator.take(words), lo, hi);
    return out;
  });
}

Tensor randn(const Shape& shape, Rng& generator, DType dtype) {
  return dispatch_floating("randn", dtype, [&]<class T>() {
    Tensor out = Tensor::empty(shape, dtype);
    const auto words = static_cast<uint64_t>(out.numel()) * sizeof(T) / 2;
    kernels::fill_normal(out.numel(), out.mutable_data<T>(), generator.take(words));
    return out;
  });
}

Tensor rand_like(const Tensor& x, Rng& generator) {
  return rand(x.shape(), generator, 0, 1, x.dtype());
}
Tensor randn_like(const Tensor& x, Rng& generator) {
  return randn(x.shape(), generator, x.dtype());
}

Tensor randint(int64_t lo, int64_t hi, const Shape& shape, Rng& generator) {
  if (lo >= hi) {
    throw ValueError("randint", str("there is no number in [", lo, ", ", hi, ")"),
                     "the lower bound is included, the upper one is not");
  }
  Tensor out = Tensor::empty(shape, int64);
  int64_t* const values = out.mutable_data<int64_t>();
  const uint64_t range = static_cast<uint64_t>(hi) - static_cast<uint64_t>(lo);
  std::generate_n(values, out.numel(), [&] {
    return static_cast<int64_t>(static_cast<uint64_t>(lo) + generator.below(range));
  });
  return out;
}

Tensor randperm(int64_t n, Rng& generator) {
  if (n < 0) {
    throw ValueError("randperm", str("a permutation of ", n, " numbers"),
                     "the count must not be negative");
  }
  Tensor out = arange(n);
  int64_t* const values = out.mutable_data<int64_t>();
  for (int64_t i = n; i > 1; --i) {  // Fisher and Yates
    std::swap(values[i - 1], values[generator.below(static_cast<uint64_t>(i))]);
  }
  return out;
}

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

Tensor Tensor::to(DType dtype) const {
  return gradus::to(*this, dtype);
}
Tensor Tensor::clone() const {
  return gradus::clone(*this);
}
Tensor Tensor::contiguous() const {
  return gradus::contiguous(*this);
}
Tensor Tensor::reshape(const Shape& shape) const {
  return gradus::reshape(*this, shape);
}
Tensor Tensor::flatten(int64_t start, int64_t end) const {
  return gradus::flatten(*this, start, end);
}
Tensor Tensor::transpose(int64_t dim0, int64_t dim1) const {
  return gradus::transpose(*this, dim0, dim1);
}
Tensor Tensor::permute(const Shape& dims) const {
  return gradus::permute(*this, dims);
}
Tensor Tensor::expand(const Shape& shape) const {
  return gradus::expand(*this, shape);
}
Tensor Tensor::squeeze(std::optional<int64_t> dim) const {
  return gradus::squeeze(*this, dim);
}
Tensor Tensor::unsqueeze(int64_t dim) const {
  return gradus::unsqueeze(*this, dim);
}
Tensor Tensor::narrow(int64_t dim, int64_t start, int64_t length) const {
  return gradus::narrow(*this, dim, start, length);
}
Tensor Tensor::select(int64_t dim, int64_t index) const {
  return gradus::select(*this, dim, index);
}
Tensor Tensor::T() const {
  if (dim() != 2) {
    throw ShapeError(
        "T", str("expected a matrix, got ", shape()),
        "transpose(dim0, dim1) exchanges two dimensions, permute puts all in an order");
  }
  return gradus::transpose(*this, 0, 1);
}
Tensor Tensor::sum(const Shape& dims, bool keepdim) const {
  return gradus::sum(*this, dims, keepdim);
}
Tensor Tensor::mean(const Shape& dims, bool keepdim) const {
  return gradus::mean(*this, dims, keepdim);
}
Tensor Tensor::argmax(std::optional<int64_t> dim, bool keepdim) const {
  return gradus::argmax(*this, dim, keepdim);
}

}  // namespace gradus
