// The largest and the smallest elements with their places.
#include "../op_support.h"
#include "axis_kernel.h"

namespace gradus {

using namespace ops;

namespace {

/// Places along (normalized) dimension d, which stays with size 1. No gradient.
Tensor places(const char* op, bool largest, const Tensor& x, int d) {
  require<ShapeError>(x.size(d) > 0, op, "go along a dimension that is not empty",
                      "no element to choose from: dimension ", d, " of ", x.shape(), " is empty");
  Tensor out = Tensor::empty(with_ones(x.shape(), normalize_dims(op, {d}, x.shape())), int64);
  const kernels::Runs runs(x.dim(), x.shape().begin(), out.strides().begin(), x.strides().begin(),
                           d);
  kernels::argmax(op, largest, runs, out.mutable_data<int64_t>(), x.dtype(), x.raw_data());
  return out;
}

Tensor without_dim(const Tensor& x, int d, bool keepdim) {
  return keepdim || x.dim() == 0 ? x : squeeze(x, d);
}

struct From {
  Shape shape;
  int dim;
  static void describe(auto& options, auto& visit) { visit("dim", options.dim); }
};

ValuesIndices extreme(const char* op, bool largest, const Tensor& x, int64_t dim, bool keepdim) {
  const int d = normalize_dim(op, dim, x.shape());
  const Tensor index = places(op, largest, x, d);
  const Tensor values = record(
      Op(largest ? "max" : "min", static_cast<double>(x.numel())), inputs(x),
      gather(x.detach(), d, index), saved(index), From{x.shape(), d},
      [](auto& s, auto& from, auto& g) { return scatter_add(from.shape, from.dim, s[0], g); });
  return {without_dim(values, d, keepdim), without_dim(index, d, keepdim)};
}

Tensor place(const char* op, bool largest, const Tensor& x, std::optional<int64_t> dim,
             bool keepdim) {
  if (dim) {
    const int d = normalize_dim(op, *dim, x.shape());
    return without_dim(places(op, largest, x, d), d, keepdim);
  }
  const Tensor index = places(op, largest, flatten(x.detach()), 0);
  return reshape(index, keepdim ? Shape::filled(x.dim(), 1) : Shape());
}

}  // namespace

ValuesIndices max(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme("max", true, x, dim, keepdim);
}
ValuesIndices min(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme("min", false, x, dim, keepdim);
}
Tensor argmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return place("argmax", true, x, dim, keepdim);
}
Tensor argmin(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return place("argmin", false, x, dim, keepdim);
}

}  // namespace gradus
