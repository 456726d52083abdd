// Creation, conversion, copies and in-place writes.
#include <algorithm>
#include <cmath>

#include "../kernels/copy.h"
#include "../kernels/elementwise.h"
#include "common.h"

namespace gradus {

using namespace ops;

Tensor full(const Shape& shape, double value, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  kernels::fill(loop_over(out), dtype, out.raw_mutable_data(), value);
  return out;
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
  return full(x.shape(), value, x.dtype());
}

Tensor eye(int64_t rows, std::optional<int64_t> columns, DType dtype) {
  Tensor out = zeros({rows, columns.value_or(rows)}, dtype);
  diagonal(out).fill_(1);
  return out;
}

Tensor linspace(double start, double end, int64_t steps, DType dtype) {
  if (steps < 0 || !std::isfinite(start) || !std::isfinite(end)) {
    throw ValueError("linspace", str("from ", start, " to ", end, " in ", steps, " steps"));
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

Tensor arange(double start, double end, double step, DType dtype) {
  if (step == 0 || !std::isfinite(start) || !std::isfinite(end) || !std::isfinite(step)) {
    throw ValueError("arange", str("from ", start, " to ", end, " in steps of ", step));
  }
  const auto n = static_cast<int64_t>(std::max(0.0, std::ceil((end - start) / step)));
  Tensor out = Tensor::empty({n}, dtype);
  dispatch_number("arange", dtype, [&]<class T>() {
    T* values = out.mutable_data<T>();
    for (int64_t i = 0; i < n; ++i) {
      values[i] = static_cast<T>(start + static_cast<double>(i) * step);
    }
  });
  return out;
}

template <class T>
Tensor tensor(std::span<const T> values, const Shape& shape) {
  if (shape.numel() != static_cast<int64_t>(values.size())) {
    throw ShapeError("tensor", str(values.size(), " values do not fill shape ", shape));
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

Tensor rand(const Shape& shape, Generator& generator, double lo, double hi, DType dtype) {
  return dispatch_floating("rand", dtype, [&]<class T>() {
    Tensor out = Tensor::empty(shape, dtype);
    const auto words = static_cast<uint64_t>(out.numel()) * sizeof(T) / 4;
    kernels::fill_uniform(out.numel(), out.mutable_data<T>(), generator.take(words), lo, hi);
    return out;
  });
}

Tensor randn(const Shape& shape, Generator& generator, DType dtype) {
  return dispatch_floating("randn", dtype, [&]<class T>() {
    Tensor out = Tensor::empty(shape, dtype);
    const auto words = static_cast<uint64_t>(out.numel()) * sizeof(T) / 2;
    kernels::fill_normal(out.numel(), out.mutable_data<T>(), generator.take(words));
    return out;
  });
}

Tensor rand_like(const Tensor& x, Generator& generator) {
  return rand(x.shape(), generator, 0, 1, x.dtype());
}
Tensor randn_like(const Tensor& x, Generator& generator) {
  return randn(x.shape(), generator, x.dtype());
}

Tensor randint(int64_t lo, int64_t hi, const Shape& shape, Generator& generator) {
  if (lo >= hi) throw ValueError("randint", str("there is no number in [", lo, ", ", hi, ")"));
  Tensor out = Tensor::empty(shape, int64);
  int64_t* const values = out.mutable_data<int64_t>();
  const uint64_t range = static_cast<uint64_t>(hi) - static_cast<uint64_t>(lo);
  std::generate_n(values, out.numel(), [&] {
    return static_cast<int64_t>(static_cast<uint64_t>(lo) + generator.below(range));
  });
  return out;
}

Tensor randperm(int64_t n, Generator& generator) {
  if (n < 0) throw ValueError("randperm", str("a permutation of ", n, " numbers"));
  Tensor out = arange(0, static_cast<double>(n));
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

Tensor to(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Tensor out = Tensor::empty(x.shape(), dtype);
  kernels::convert(loop_over(out, x), dtype, out.raw_mutable_data(), x.dtype(), x.raw_data());
  if (!is_floating(dtype)) return out;
  return record("to", inputs(x), out, saved(), x.dtype(),
                [](const TensorList&, DType from, const Tensor& g, const Wanted&) -> TensorList {
                  return {to(g, from)};
                });
}

// --- In-place writes ---

Tensor& Tensor::fill_(double value) {
  check_in_place("fill_", *this);
  kernels::fill(loop_over(*this), dtype(), raw_mutable_data(), value);
  return *this;
}

Tensor& Tensor::copy_(const Tensor& source) {
  check_in_place("copy_", *this);
  check_same_dtype("copy_", *this, source);
  const Tensor x = source.detach().expand(shape());
  kernels::copy(loop_over(*this, x), dtype(), raw_mutable_data(), x.raw_data());
  return *this;
}

Tensor& Tensor::add_(const Tensor& other, double alpha) {
  check_in_place("add_", *this);
  check_same_dtype("add_", *this, other);
  const Tensor x = other.detach().expand(shape());
  dispatch_number("add_", dtype(), [&]<class T>() {
    kernels::table<kernels::Elementwise<T>>().axpy(loop_over(*this, x), mutable_data<T>(),
                                                   x.data<T>(), alpha);
  });
  return *this;
}

Tensor& Tensor::mul_(double factor) {
  check_in_place("mul_", *this);
  const Tensor x = scalar_like("mul_", *this, factor).expand(shape());
  dispatch_number("mul_", dtype(), [&]<class T>() {
    T* data = mutable_data<T>();
    kernels::table<kernels::Elementwise<T>>().binary(
        kernels::Binary::mul, loop_over(*this, *this, x), data, data, x.data<T>());
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
Tensor Tensor::sum() const {
  return gradus::sum(*this);
}
Tensor Tensor::mean() const {
  return gradus::mean(*this);
}

}  // namespace gradus
