// Sorting. The order itself has no gradient; the values are gathered, and that has.
#include "../op_support.h"
#include "axis_kernel.h"

namespace gradus {

using namespace ops;

namespace {

/// Places of the first k elements in order along (normalized) dimension d; x has dimensions.
Tensor places(const char* op, const Tensor& x, int d, int64_t k, bool descending) {
  Shape shape = x.shape();
  shape[d] = k;
  Tensor out = Tensor::empty(shape, int64);
  const kernels::Runs runs(x.dim(), x.shape().begin(), out.strides().begin(), x.strides().begin(),
                           d);
  kernels::argsort(op, descending, k, runs, out.mutable_data<int64_t>(), x.dtype(), x.raw_data());
  return out;
}

ValuesIndices first_in_order(const char* op, const Tensor& x, int64_t dim, std::optional<int64_t> k,
                             bool descending) {
  if (x.dim() == 0) {  // a row of one
    const auto row = first_in_order(op, reshape(x, {1}), dim, k, descending);
    return {reshape(row.values, {}), reshape(row.indices, {})};
  }
  const int d = normalize_dim(op, dim, x.shape());
  const Tensor index = places(op, x, d, k.value_or(x.shape()[d]), descending);
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
