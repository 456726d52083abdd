// Softmax and its logarithm.
#include "softmax_kernel.h"

#include "../op.h"

namespace gradus {

using namespace ops;

Tensor softmax(const Tensor& input, int64_t dim) {
  check_floating("softmax", input);
  const int d = normalize_dim("softmax", dim, input.shape());
  const Tensor x = contiguous(input);
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_floating("softmax", x.dtype(), [&]<class T>() {
    kernels::table<kernels::Softmax<T>>().softmax(axis_of(x, d), y.mutable_data<T>(), x.data<T>());
  });
  return record(Op("softmax", 5.0 * static_cast<double>(x.numel())), inputs(x), y, saved(y), d,
                [](const TensorList& s, int along, const Tensor& g, const Wanted&) -> TensorList {
                  const Tensor gy = mul(g, s[0]);
                  return {sub(gy, mul(s[0], sum(gy, {along}, true)))};
                });
}

Tensor log_softmax(const Tensor& input, int64_t dim) {
  check_floating("log_softmax", input);
  const int d = normalize_dim("log_softmax", dim, input.shape());
  const Tensor x = contiguous(input);
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_floating("log_softmax", x.dtype(), [&]<class T>() {
    kernels::table<kernels::Softmax<T>>().log_softmax(axis_of(x, d), y.mutable_data<T>(),
                                                      x.data<T>());
  });
  return record(Op("log_softmax", 5.0 * static_cast<double>(x.numel())), inputs(x), y, saved(y), d,
                [](const TensorList& s, int along, const Tensor& g, const Wanted&) -> TensorList {
                  return {sub(g, mul_or_zero(exp(s[0]), sum(g, {along}, true)))};
                });
}

Tensor softmin(const Tensor& x, int64_t dim) {
  return softmax(neg(x), dim);
}

}  // namespace gradus
