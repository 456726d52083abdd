// Packed matrix products, on every instruction set, against sums in float64.
#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "../../core/matmul/gemm_kernel.h"
#include "../../core/ops.h"
#include "../support/isa.h"

using namespace gradus;

namespace {

struct Product {
  int64_t m, n, k;
};

/// The largest error of C = op(A) op(B) + beta C, relative to the largest element. Rows of A, B
/// and C have gaps between them; what is in the gaps of C must stay.
template <class T>
double error_of(const Product& s, bool transpose_a, bool transpose_b, T beta) {
  Rng generator(1);
  constexpr DType dtype = dtype_v<T>;
  constexpr int64_t gap = 3;
  const int64_t a_rows = transpose_a ? s.k : s.m, a_columns = transpose_a ? s.m : s.k;
  const int64_t b_rows = transpose_b ? s.n : s.k, b_columns = transpose_b ? s.k : s.n;
  const Tensor a = randn({a_rows, a_columns + gap}, generator, dtype);
  const Tensor b = randn({b_rows, b_columns + gap}, generator, dtype);
  const Tensor before = randn({s.m, s.n + gap}, generator, dtype);
  Tensor c = clone(before);
  if (beta == 0) c.mutable_data<T>()[0] = std::numeric_limits<T>::quiet_NaN();  // must not be read
  kernels::table<kernels::PackedGemm<T>>().multiply(
      {transpose_a, transpose_b, s.m, s.n, s.k, a.data<T>(), a_columns + gap, b.data<T>(),
       b_columns + gap, beta, c.mutable_data<T>(), s.n + gap});
  CHECK(all_finite(c));
  CHECK(amax(abs(narrow(c, 1, s.n, gap) - narrow(before, 1, s.n, gap))).item() == 0);
  const auto operand = [](const Tensor& t, int64_t columns, bool transposed) {
    const Tensor own = narrow(t, 1, 0, columns).to(float64);
    return transposed ? transpose(own, 0, 1) : own;
  };
  // Rows times columns without a matrix product.
  const Tensor left = unsqueeze(operand(a, a_columns, transpose_a), 1);
  const Tensor right = unsqueeze(transpose(operand(b, b_columns, transpose_b), 0, 1), 0);
  const Tensor expected =
      sum(left * right, {2}) + narrow(before, 1, 0, s.n).to(float64) * static_cast<double>(beta);
  const Tensor found = narrow(c, 1, 0, s.n).to(float64);
  return (amax(abs(found - expected)) / amax(abs(expected))).item();
}

}  // namespace

TEST_CASE("packed products of all sizes, transposed or not, added or not") {
  test::with_plain_and_every_isa([] {
    for (const Product& s : {Product{1, 1, 1},
                             {7, 5, 3},
                             {12, 32, 256},
                             {13, 33, 257},
                             {25, 70, 600},
                             {6, 16, 40},
                             {200, 300, 20},
                             {1, 200, 30},
                             {3, 100, 15}}) {
      CAPTURE(s.m);
      CAPTURE(s.n);
      CAPTURE(s.k);
      for (const bool ta : {false, true}) {
        for (const bool tb : {false, true}) {
          for (const int beta : {0, 1, -2}) {
            CHECK(error_of<float>(s, ta, tb, static_cast<float>(beta)) < 2e-6);
            CHECK(error_of<double>(s, ta, tb, beta) < 1e-14);
          }
        }
      }
    }
  });
}
