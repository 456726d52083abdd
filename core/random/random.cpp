// Random tensors.
#include <algorithm>
#include <cmath>

#include "../op_support.h"
#include "random_kernel.h"

namespace gradus {

using namespace ops;

Tensor rand(const Shape& shape, Rng& generator, double lo, double hi, DType dtype) {
  const bool ordered = dispatch_floating("rand", dtype, [&]<class T>() {
    return static_cast<T>(lo) <= static_cast<T>(hi) &&
           std::isfinite(static_cast<T>(hi) - static_cast<T>(lo));
  });
  require(ordered, "rand", "the lower bound is included, the upper one is not; both are finite",
          "there is no number in [", lo, ", ", hi, ")");
  Tensor out = Tensor::empty(shape, dtype);
  kernels::fill_uniform(out.numel(), dtype, out.raw_mutable_data(),
                        generator.take(static_cast<uint64_t>(out.nbytes()) / 4), lo, hi);
  return out;
}

Tensor randn(const Shape& shape, Rng& generator, DType dtype) {
  dispatch_floating("randn", dtype, []<class T>() {});
  Tensor out = Tensor::empty(shape, dtype);
  kernels::fill_normal(out.numel(), dtype, out.raw_mutable_data(),
                       generator.take(static_cast<uint64_t>(out.nbytes()) / 2));
  return out;
}

Tensor rand_like(const Tensor& x, Rng& generator) {
  return rand(x.shape(), generator, 0, 1, x.dtype());
}
Tensor randn_like(const Tensor& x, Rng& generator) {
  return randn(x.shape(), generator, x.dtype());
}

Tensor randint(int64_t lo, int64_t hi, const Shape& shape, Rng& generator) {
  require(lo < hi, "randint", "the lower bound is included, the upper one is not",
          "there is no number in [", lo, ", ", hi, ")");
  Tensor out = Tensor::empty(shape, int64);
  int64_t* const values = out.mutable_data<int64_t>();
  const uint64_t range = static_cast<uint64_t>(hi) - static_cast<uint64_t>(lo);
  std::generate_n(values, out.numel(), [&] {
    return static_cast<int64_t>(static_cast<uint64_t>(lo) + generator.below(range));
  });
  return out;
}

Tensor randperm(int64_t n, Rng& generator) {
  require(n >= 0, "randperm", "the count must not be negative", "a permutation of ", n, " numbers");
  Tensor out = arange(n);
  int64_t* const values = out.mutable_data<int64_t>();
  for (int64_t i = n; i > 1; --i) {  // Fisher and Yates
    std::swap(values[i - 1], values[generator.below(static_cast<uint64_t>(i))]);
  }
  return out;
}

}  // namespace gradus
