// Nodes that reduce dimensions, and the softmax.
#include <algorithm>
#include <numeric>

#include "../../core/base/error.h"
#include "import_node.h"

namespace gradus::onnx {

namespace {

using Reduction = Tensor (*)(const Tensor&, const Dims&, bool keepdim);

/// The sum of integers stays in their type.
Tensor sum_in_type(const Tensor& x, const Dims& dims, bool keepdim) {
  return sum(x, dims, keepdim).to(x.dtype());
}
Tensor sum_of_squares(const Tensor& x, const Dims& dims, bool keepdim) {
  return sum_in_type(square(x), dims, keepdim);
}
Tensor norm_1(const Tensor& x, const Dims& dims, bool keepdim) {
  return sum_in_type(abs(x), dims, keepdim);
}
Tensor norm_2(const Tensor& x, const Dims& dims, bool keepdim) {
  return norm(x, dims, 2, keepdim);
}
Tensor product(const Tensor& x, const Dims& dims, bool keepdim) {
  Tensor y = x;
  for (int i = dims.dim(); i-- > 0;) y = prod(y, dims[i], keepdim);
  return y.to(x.dtype());
}
Tensor log_of_sum(const Tensor& x, const Dims& dims, bool keepdim) {
  return log(sum(x, dims, keepdim));
}

/// Axes are an attribute in older opsets and an input in newer ones.
template <Reduction reduce>
Compute reduction(NodeReader& n) {
  const bool keepdims = n.flag("keepdims", true);
  const bool none_is_none = n.flag("noop_with_empty_axes", false);
  return one([=, axes = Numbers(n, "axes", 1)](const Call& c) {
    const Integers given = axes.of(c).value_or(Integers());
    if (given.empty() && none_is_none) return c[0];
    Dims dims;
    for (const int64_t axis : given) dims.push_back(normalize_dim(load_op, axis, c[0].shape()));
    for (int d = 0; given.empty() && d < c[0].dim(); ++d) dims.push_back(d);
    std::ranges::sort(dims);
    if (dims.empty()) return reshape(reduce(reshape(c[0], {1}), {0}, true), {});
    return reduce(c[0], dims, keepdims);
  });
}

template <auto f>
Compute index_of(NodeReader& n) {
  const int64_t axis = n.integer("axis", 0);
  const bool keepdims = n.flag("keepdims", true);
  n.check(!n.flag("select_last_index", false), "Gradus takes the first of equal elements",
          "select_last_index is not supported");
  return one([=](const Call& c) { return f(c[0], axis, keepdims); });
}

/// Before opset 13, over all dimensions from `axis` on together.
template <auto f>
Compute softmax_over(NodeReader& n) {
  const bool together = n.opset() < 13;
  const int64_t axis = n.integer("axis", together ? 1 : -1);
  return one([=](const Call& c) {
    const Tensor& x = c[0];
    const int dim = normalize_dim(load_op, axis, x.shape());
    if (!together || dim == x.dim() - 1) return f(x, dim);
    return reshape(f(flatten(x, dim), dim), x.shape());
  });
}

Compute cumulative_sum(NodeReader& n) {
  const bool exclusive = n.flag("exclusive", false), reverse = n.flag("reverse", false);
  n.check(!exclusive && !reverse, "", "exclusive and reverse are not supported");
  return one([](const Call& c) { return cumsum(c[0], c[1].item<int64_t>()).to(c[0].dtype()); });
}

constexpr OpRow reduce_table[] = {
    {"ReduceMean", reduction<mean>, 1, 2, 0b10},
    {"ReduceSum", reduction<sum_in_type>, 1, 2, 0b10},
    {"ReduceMax", reduction<amax>, 1, 2, 0b10},
    {"ReduceMin", reduction<amin>, 1, 2, 0b10},
    {"ReduceProd", reduction<product>, 1, 2, 0b10},
    {"ReduceSumSquare", reduction<sum_of_squares>, 1, 2, 0b10},
    {"ReduceL1", reduction<norm_1>, 1, 2, 0b10},
    {"ReduceL2", reduction<norm_2>, 1, 2, 0b10},
    {"ReduceLogSum", reduction<log_of_sum>, 1, 2, 0b10},
    {"ReduceLogSumExp", reduction<logsumexp>, 1, 2, 0b10},
    {"ArgMax", index_of<argmax>},
    {"ArgMin", index_of<argmin>},
    {"Softmax", softmax_over<softmax>},
    {"LogSoftmax", softmax_over<log_softmax>},
    {"CumSum", cumulative_sum, 2, 2, 0b10},
};

}  // namespace

std::span<const OpRow> reduce_rows() {
  return reduce_table;
}

}  // namespace gradus::onnx
