// Random tensors.
#include <algorithm>
#include <cmath>

#include "../op.h"
#include "random_fill_kernel.h"

namespace gradus {

using namespace ops;

Tensor rand(const Shape& shape, Rng& generator, double lo, double hi, DType dtype) {
  return dispatch_floating("rand", dtype, [&]<class T>() {
    const T least = static_cast<T>(lo), end = static_cast<T>(hi);
    if (!(least <= end) || !std::isfinite(end - least)) {
      throw ValueError("rand", str("there is no number in [", lo, ", ", hi, ")"),
                       "the lower bound is included, the upper one is not; both are finite");
    }
    Tensor out = Tensor::empty(shape, dtype);
    const auto words = static_cast<uint64_t>(out.numel()) * sizeof(T) / 4;
    kernels::fill_uniform(out.numel(), out.mutable_data<T>(), generator.take(words), lo, hi);
    return out;
  });
}

Tensor randn(const Shape& shape, Rng& generator, DType dtype) {
  return dispatch_floating("randn", dtype, [&]<class T>() {
    Tensor out = Tensor::empty(shape, dtype);
    const auto words = static_cast<uint64_t>(out.numel()) * sizeof(T) / 2;
    kernels::fill_normal(out.numel(), out.mutable_data<T>(), generator.take(words));
    return out;
  });
}

Tensor rand_like(const Tensor& x, Rng& generator) {
  return rand(x.shape(), generator, 0, 1, x.dtype());
}
Tensor randn_like(const Tensor& x, Rng& generator) {
  return randn(x.shape(), generator, x.dtype());
}

Tensor randint(int64_t lo, int64_t hi, const Shape& shape, Rng& generator) {
  if (lo >= hi) {
    throw ValueError("randint", str("there is no number in [", lo, ", ", hi, ")"),
                     "the lower bound is included, the upper one is not");
  }
  Tensor out = Tensor::empty(shape, int64);
  int64_t* const values = out.mutable_data<int64_t>();
  const uint64_t range = static_cast<uint64_t>(hi) - static_cast<uint64_t>(lo);
  std::generate_n(values, out.numel(), [&] {
    return static_cast<int64_t>(static_cast<uint64_t>(lo) + generator.below(range));
  });
  return out;
}

Tensor randperm(int64_t n, Rng& generator) {
  if (n < 0) {
    throw ValueError("randperm", str("a permutation of ", n, " numbers"),
                     "the count must not be negative");
  }
  Tensor out = arange(n);
  int64_t* const values = out.mutable_data<int64_t>();
  for (int64_t i = n; i > 1; --i) {  // Fisher and Yates
    std::swap(values[i - 1], values[generator.below(static_cast<uint64_t>(i))]);
  }
  return out;
}

}  // namespace gradus
