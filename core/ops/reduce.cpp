// Reductions over any set of dimensions.
#include "../kernels/reduce.h"

#include "common.h"

namespace gradus {

using namespace ops;

namespace {

Tensor compute_sum(const Tensor& x, const Dims& dims) {
  Tensor out = Tensor::empty(with_ones(x.shape(), dims), x.dtype());
  const Shape all = Shape::filled(x.dim(), 1);
  Shape kept = x.shape(), reduced = all;
  for (int64_t d : dims) {
    kept[static_cast<int>(d)] = 1;
    reduced[static_cast<int>(d)] = x.shape()[static_cast<int>(d)];
  }
  const auto kept_loop =
      kernels::make_loop<2>(x.dim(), kept.begin(), {out.strides().begin(), x.strides().begin()});
  const auto reduced_loop = kernels::make_loop<1>(x.dim(), reduced.begin(), {x.strides().begin()});
  const auto run = [&]<class T>() {
    kernels::table<kernels::Reduce<T>>().sum(kept_loop, reduced_loop, out.mutable_data<T>(),
                                             x.data<T>());
  };
  switch (x.dtype()) {
    case DType::float32:
      run.operator()<float>();
      break;
    case DType::float64:
      run.operator()<double>();
      break;
    case DType::int32:
      run.operator()<int32_t>();
      break;
    default:
      run.operator()<int64_t>();
  }
  return out;
}

}  // namespace

Tensor sum(const Tensor& input, const Dims& wanted, bool keepdim) {
  // Counting small integers and truths must not overflow them.
  const bool small = input.dtype() == boolean || input.dtype() == uint8;
  const Tensor x = small ? to(input, int64) : input;
  const Dims dims = normalize_dims("sum", wanted, x.dim());
  const Tensor out = record(Op("sum", static_cast<double>(x.numel())), inputs(x),
                            compute_sum(x, dims), saved(), x.shape(),
                            [](const TensorList&, const Shape& shape, const Tensor& g,
                               const Wanted&) -> TensorList { return {expand(g, shape)}; });
  return keepdim ? out : reshape(out, without(x.shape(), dims));
}

Tensor mean(const Tensor& x, const Dims& wanted, bool keepdim) {
  check_floating("mean", x);
  const Dims dims = normalize_dims("mean", wanted, x.dim());
  double count = 1;
  for (int64_t d : dims) count *= static_cast<double>(x.shape()[static_cast<int>(d)]);
  return div(sum(x, wanted, keepdim), count);
}

}  // namespace gradus
