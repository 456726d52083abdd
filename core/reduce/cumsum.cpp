// Running sums.
#include "../op_support.h"
#include "axis_kernel.h"

namespace gradus {

using namespace ops;

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
  const kernels::Runs runs(x.dim(), x.shape().begin(), out.strides().begin(), x.strides().begin(),
                           r.dim);
  kernels::cumsum("cumsum", r.reverse, runs, out.raw_mutable_data(), x.dtype(), x.raw_data());
  return record("cumsum", inputs(x), out, saved(), r, [](auto&, auto& s, auto& g) {
    return running_sum(g, {s.dim, !s.reverse});
  });
}

}  // namespace

Tensor cumsum(const Tensor& x, int64_t dim) {
  return running_sum(widened(x), {normalize_dim("cumsum", dim, x.shape()), false});
}

}  // namespace gradus
