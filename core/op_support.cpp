#include "op_support.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus::ops {

void check_same_dtype(const char* op, const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype()) return;
  throw DTypeError(
      op,
      str("element types differ: ", a.dtype(), " ", a.shape(), " and ", b.dtype(), " ", b.shape()),
      "convert one with .to(dtype); nothing is promoted silently");
}

void check_floating(const char* op, const Tensor& x) {
  if (is_floating(x.dtype())) return;
  throw DTypeError(
      op, str("needs a floating tensor (float32 or float64), got ", x.dtype(), " ", x.shape()),
      "convert it with .to(float32)");
}

void check_dtype(const char* op, const char* role, const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return;
  throw DTypeError(op, str(role, " must be ", dtype, ", got ", x.dtype(), " ", x.shape()),
                   str("convert it with .to(", dtype, ")"));
}

void check_dim(const char* op, const char* role, const Tensor& x, int dims, const char* layout) {
  require<ShapeError>(x.dim() == dims, op,
                      "unsqueeze(), squeeze() and reshape() change the number of dimensions",
                      "expected ", role, " of ", dims, " dimensions ", layout, ", got ", x.shape());
}

Tensor read_for(const Tensor& target, const Tensor& source) {
  const bool same_shape = source.shape() == target.shape();
  if (same_shape && !source.overlaps(target)) return source;
  const bool same_elements =
      same_shape && source.raw_data() == target.raw_data() && source.strides() == target.strides();
  if (same_elements) return source;
  const Tensor x = source.detach();
  return (x.overlaps(target) ? x.clone() : x).expand(target.shape());
}

std::pair<Tensor, Tensor> as_tensors(const char* op, const Operand& a, const Operand& b) {
  require(a.tensor != nullptr || b.tensor != nullptr, op, "one of them must be a tensor",
          "both arguments are numbers: ", a.number, " and ", b.number);
  return {a.tensor != nullptr ? *a.tensor : scalar_like(op, *b.tensor, a.number),
          b.tensor != nullptr ? *b.tensor : scalar_like(op, *a.tensor, b.number)};
}

namespace {

/// x in this shape. A constant is still known by its name: the user did not make another one of it.
Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  Tensor y = expand(x, shape);
  if (!x.has_name() || y.is_same(x) || y.requires_grad()) return y;
  return x.is_named_in_module() ? y.set_name_in_module(x.name()) : y.set_name(x.name());
}

}  // namespace

std::pair<Tensor, Tensor> broadcast(const char* op, const Operand& a, const Operand& b) {
  if (a.tensor == nullptr || b.tensor == nullptr) {
    const auto [p, q] = as_tensors(op, a, b);
    return broadcast(op, p, q);
  }
  const Tensor &x = *a.tensor, &y = *b.tensor;
  check_same_dtype(op, x, y);
  if (x.shape() == y.shape()) return {x, y};
  const Shape shape = broadcast_shapes(op, x.shape(), y.shape());
  return {broadcast_to(x, shape), broadcast_to(y, shape)};
}

namespace {

/// The smallest value of an integer type, and the bound that values must stay below.
std::pair<double, double> range_of(DType dtype) {
  return dispatch_all("range", dtype, []<class T>() -> std::pair<double, double> {
    return {static_cast<double>(std::numeric_limits<T>::lowest()),
            std::exp2(std::numeric_limits<T>::digits)};
  });
}

}  // namespace

void check_representable(const char* op, const Tensor& x, double value) {
  if (is_floating(x.dtype())) return;
  const auto tensor = [&] { return str("the tensor is ", x.dtype(), " ", x.shape()); };
  if (std::isfinite(value) && value != std::floor(value)) {
    throw DTypeError(op, str("the number ", value, " is not an integer, ", tensor()),
                     "convert the tensor with .to(float32)");
  }
  const auto [least, end] = range_of(x.dtype());
  if (value >= least && value < end) return;  // false for NaN too
  throw ValueError(op, str("the number ", value, " is out of range, ", tensor()),
                   range_text(x.dtype()));
}

Tensor scalar_like(const char* op, const Tensor& x, double value) {
  check_representable(op, x, value);
  return full({}, value, x.dtype());
}

Tensor widened(const Tensor& x) {
  return is_floating(x.dtype()) ? x : to(x, int64);
}

Tensor reduced(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  return reduction == Reduction::sum ? sum(losses) : mean(losses);
}

Dims normalize_dims(const char* op, const Dims& dims, const Shape& shape) {
  Dims result;
  if (dims.empty()) {
    for (int d = 0; d < shape.dim(); ++d) result.push_back(d);
    return result;
  }
  for (int64_t d : dims) {
    const int n = normalize_dim(op, d, shape);
    if (shape.dim() > 0) result.push_back(n);
  }
  std::sort(result.begin(), result.end());
  require<IndexError>(std::adjacent_find(result.begin(), result.end()) == result.end(), op,
                      "-1 is the last one", "a dimension of ", shape, " is named twice in ", dims);
  return result;
}

Shape with_ones(const Shape& shape, const Dims& dims) {
  Shape result = shape;
  for (int64_t d : dims) result[static_cast<int>(d)] = 1;
  return result;
}

Shape without(const Shape& shape, const Dims& dims) {
  Shape result;
  for (int d = 0; d < shape.dim(); ++d) {
    if (std::find(dims.begin(), dims.end(), d) == dims.end()) result.push_back(shape[d]);
  }
  return result;
}

}  // namespace gradus::ops
