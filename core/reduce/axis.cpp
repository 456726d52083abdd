// Along one dimension, run by run: the largest and the smallest elements and their places, running
// sums, and sorting. Places have no gradient; values are gathered from them, and that has.
#include "../op_support.h"
#include "axis_kernel.h"

namespace gradus {

using namespace ops;

namespace {

/// The runs of x along (normalized) dimension d, and those of `out`.
kernels::Runs runs_along(int d, const Tensor& out, const Tensor& x) {
  return {x.dim(), x.shape().begin(), out.strides().begin(), x.strides().begin(), d};
}

// --- The largest and the smallest ---

/// Their places along (normalized) dimension d, which stays with size 1.
Tensor extreme_places(const char* op, bool largest, const Tensor& x, int d) {
  require<ShapeError>(x.size(d) > 0, op, "go along a dimension that is not empty",
                      "no element to choose from: dimension ", d, " of ", x.shape(), " is empty");
  Tensor out = Tensor::empty(with_ones(x.shape(), normalize_dims(op, {d}, x.shape())), int64);
  kernels::argmax(op, largest, runs_along(d, out, x), out.mutable_data<int64_t>(), x.dtype(),
                  x.raw_data());
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

ValuesIndices extreme_along(const char* op, bool largest, const Tensor& x, int64_t dim,
                            bool keepdim) {
  const int d = normalize_dim(op, dim, x.shape());
  const Tensor index = extreme_places(op, largest, x, d);
  const Tensor values = record(
      Op(largest ? "max" : "min", static_cast<double>(x.numel())), inputs(x),
      gather(x.detach(), d, index), saved(index), From{x.shape(), d},
      [](auto& s, auto& from, auto& g) { return scatter_add(from.shape, from.dim, s[0], g); });
  return {without_dim(values, d, keepdim), without_dim(index, d, keepdim)};
}

Tensor extreme_place(const char* op, bool largest, const Tensor& x, std::optional<int64_t> dim,
                     bool keepdim) {
  if (dim) {
    const int d = normalize_dim(op, *dim, x.shape());
    return without_dim(extreme_places(op, largest, x, d), d, keepdim);
  }
  const Tensor index = extreme_places(op, largest, flatten(x.detach()), 0);
  return reshape(index, keepdim ? Shape::filled(x.dim(), 1) : Shape());
}

}  // namespace

ValuesIndices max(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme_along("max", true, x, dim, keepdim);
}
ValuesIndices min(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme_along("min", false, x, dim, keepdim);
}
Tensor argmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return extreme_place("argmax", true, x, dim, keepdim);
}
Tensor argmin(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return extreme_place("argmin", false, x, dim, keepdim);
}

// --- Running sums ---

namespace {

struct Running {
  int dim;
  bool reverse;
  static void describe(auto& options, auto& visit) {
    visit("dim", options.dim);
    visit("reverse", options.reverse);
  }
};

Tensor running_sum(const Tensor& x, Running r) {
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  kernels::cumsum("cumsum", r.reverse, runs_along(r.dim, out, x), out.raw_mutable_data(), x.dtype(),
                  x.raw_data());
  return record("cumsum", inputs(x), out, saved(), r, [](auto&, auto& s, auto& g) {
    return running_sum(g, {s.dim, !s.reverse});
  });
}

}  // namespace

Tensor cumsum(const Tensor& x, int64_t dim) {
  return running_sum(widened(x), {normalize_dim("cumsum", dim, x.shape()), false});
}

// --- Orders ---

namespace {

/// Places of the first k elements in order along (normalized) dimension d; x has dimensions.
Tensor sorted_places(const char* op, const Tensor& x, int d, int64_t k, bool descending) {
  Shape shape = x.shape();
  shape[d] = k;
  Tensor out = Tensor::empty(shape, int64);
  kernels::argsort(op, descending, k, runs_along(d, out, x), out.mutable_data<int64_t>(), x.dtype(),
                   x.raw_data());
  return out;
}

ValuesIndices first_in_order(const char* op, const Tensor& x, int64_t dim, std::optional<int64_t> k,
                             bool descending) {
  if (x.dim() == 0) {  // a row of one
    const auto row = first_in_order(op, reshape(x, {1}), dim, k, descending);
    return {reshape(row.values, {}), reshape(row.indices, {})};
  }
  const int d = normalize_dim(op, dim, x.shape());
  const Tensor index = sorted_places(op, x, d, k.value_or(x.shape()[d]), descending);
  return {gather(x, d, index), index};
}

}  // namespace

ValuesIndices sort(const Tensor& x, int64_t dim, bool descending) {
  return first_in_order("sort", x, dim, {}, descending);
}

Tensor argsort(const Tensor& x, int64_t dim, bool descending) {
  return first_in_order("argsort", x.detach(), dim, {}, descending).indices;
}

ValuesIndices topk(const Tensor& x, int64_t k, int64_t dim, bool largest) {
  const int64_t size = x.size(dim);
  require(k >= 0 && k <= size && (x.dim() > 0 || k != 0), "topk",
          "k goes from 0 to the size of the dimension", "k is ", k, ", dimension ", dim, " of ",
          x.shape(), " has ", size, " elements");
  return first_in_order("topk", x, dim, k, largest);
}

Tensor unique(const Tensor& x) {
  Tensor ordered = sort(flatten(x.detach()), 0).values;
  const int64_t n = ordered.numel();
  if (n == 0) return ordered;
  const Tensor changes = ne(narrow(ordered, 0, 1, n - 1), narrow(ordered, 0, 0, n - 1));
  return masked_select(ordered, cat({ones({1}, boolean), changes}));
}

}  // namespace gradus
