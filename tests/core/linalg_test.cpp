// Eigenvalues, singular values and linear systems.
#include <doctest/doctest.h>

#include <limits>

#include "../../core/grad.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

Tensor symmetric(const Shape& shape, uint64_t seed = 1) {
  const Tensor x = random(shape, seed);
  return x + transpose(x, -2, -1);
}

Tensor transposed(const Tensor& x) {
  return transpose(x, -2, -1);
}

}  // namespace

TEST_CASE("a symmetric matrix is its eigenvectors times its eigenvalues") {
  const Tensor a = tensor({2.0, 1.0, 1.0, 2.0}, {2, 2});
  check_close(eigh(a).values, tensor({1.0, 3.0}));
  const double h = std::sqrt(0.5);
  check_close(abs(eigh(a).vectors), full({2, 2}, h, float64));
  for (const Shape& shape : {Shape{1, 1}, Shape{7, 7}, Shape{2, 3, 5, 5}}) {
    const Tensor m = symmetric(shape);
    const auto [values, vectors] = eigh(m);
    check_close(matmul(vectors * unsqueeze(values, -2), transposed(vectors)), m, 1e-13);
    check_close(matmul(transposed(vectors), vectors), expand(eye(shape.back(), {}, float64), shape),
                1e-13);
    CHECK(all(narrow(values, -1, 0, shape.back() - 1) <= narrow(values, -1, 1, shape.back() - 1))
              .item() == 1);
  }
}

TEST_CASE("a matrix is its singular vectors times its singular values, tall, wide or in a batch") {
  const Tensor diagonal = tensor({0.0, -3.0, 2.0, 0.0, 0.0, 0.0}, {3, 2});
  check_close(svd(diagonal).s, tensor({3.0, 2.0}));
  for (const Shape& shape : {Shape{5, 3}, Shape{3, 5}, Shape{4, 4}, Shape{2, 2, 6, 3}}) {
    const Tensor a = random(shape);
    const auto [u, s, vh] = svd(a);
    const int64_t k = std::min(a.size(-2), a.size(-1));
    CHECK(u.shape().back() == k);
    CHECK(vh.size(-2) == k);
    check_close(matmul(u * unsqueeze(s, -2), vh), a, 1e-13);
    const Tensor one = eye(k, {}, float64);
    check_close(matmul(transposed(u), u) - one, zeros_like(matmul(transposed(u), u)), 1e-13);
    check_close(matmul(vh, transposed(vh)) - one, zeros_like(matmul(vh, transposed(vh))), 1e-13);
  }
}

TEST_CASE("the sign of vectors is fixed: their largest component is positive") {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    for (const Tensor& vectors :
         {eigh(symmetric({6, 6}, seed)).vectors, svd(random({6, 4}, seed)).u}) {
      check_close(amax(vectors, {0}), amax(abs(vectors), {0}));
    }
  }
}

TEST_CASE("the same matrix has the same bits alone and in a batch") {
  const Tensor a = symmetric({8, 5, 5});
  const Tensor all = eigh(a).vectors;
  CHECK(eigh(a[3]).vectors.to_vector<double>() == all[3].contiguous().to_vector<double>());
}

TEST_CASE("solve finds x with A x = b, for one right side or several") {
  const Tensor a = tensor({2.0, 1.0, 1.0, 3.0}, {2, 2});
  check_close(solve(a, tensor({5.0, 10.0})), tensor({1.0, 3.0}));
  const Tensor batch = random({3, 4, 4}), b = random({3, 4, 2}, 2);
  check_close(matmul(batch, solve(batch, b)), b);
  const Tensor single = select(b, -1, 0);
  check_close(unsqueeze(solve(batch, single), -1), narrow(solve(batch, b), -1, 0, 1));
  CHECK(solve(a.to(float32), ones({2})).dtype() == float32);
}

TEST_CASE("matrices without elements give what fits") {
  CHECK(eigh(zeros({0, 3, 3})).vectors.shape() == Shape{0, 3, 3});
  CHECK(eigh(zeros({0, 0})).values.shape() == Shape{0});
  CHECK(svd(zeros({0, 3})).vh.shape() == Shape{0, 3});
  CHECK(solve(zeros({0, 0}), zeros({0, 2})).shape() == Shape{0, 2});
  const Tensor x = zeros({0, 0}).requires_grad_(), wide = zeros({0, 3}).requires_grad_();
  const Tape tape;
  CHECK(grad(sum(eigh(x).values), {x})[0].shape() == Shape{0, 0});
  CHECK(grad(sum(svd(wide).s), {wide})[0].shape() == Shape{0, 3});
}

TEST_CASE("the eigenvalues alone have a gradient if some are equal, their vectors have none") {
  const Tensor x = eye(3, {}, float64).requires_grad_();
  const Tape tape;
  const Eigh e = eigh(x);
  check_close(grad(sum(square(e.values)), {x}, {.retain = true})[0], eye(3, {}, float64) * 2.0);
  CHECK(message_of([&] { grad(sum(select(e.vectors, 1, 0)), {x}); }) ==
        "[eigh] eigenvalues are equal up to rounding: their vectors are not unique, and have no "
        "gradient. Hint: use the eigenvalues alone, or a matrix whose eigenvalues differ");
}

TEST_CASE("singular vectors have no gradient for equal values and for 0, the values have one") {
  const Tensor x = eye(3, {}, float64).requires_grad_();
  const Tensor flat = matmul(random({4, 2}), random({2, 3}, 2)).requires_grad_();  // of rank 2
  const Tape tape;
  check_close(grad(sum(svd(x).s), {x})[0], eye(3, {}, float64));
  CHECK(message_of([&] {
          grad(sum(svd(x).u), {x});
        }).starts_with("[svd] singular values are equal up to rounding: their vectors are"));
  CHECK(message_of([&] {
          grad(sum(svd(flat).vh), {flat});
        }).starts_with("[svd] a singular value is 0 up to rounding: their vectors are not unique"));
}

TEST_CASE("second derivatives of the largest eigenvalue, which goes through the vectors") {
  check_gradients([](const auto& t) { return amax(eigh(t[0] + transpose(t[0], 0, 1)).values); },
                  {random({4, 4})});
}

TEST_CASE("mistakes are named") {
  const Tensor a = random({3, 3});
  CHECK(message_of([&] { eigh(a); }).starts_with("[eigh] the matrix [3,3] is not symmetric"));
  CHECK(message_of([&] {
          eigh(random({3, 2}));
        }) == "[eigh] expected square matrices, got [3,2]. Hint: it has as many rows as columns");
  CHECK(message_of([&] { svd(random({3})); }) ==
        "[svd] expected a matrix or [...,m,n], got [3]. Hint: reshape it");
  CHECK(message_of([&] {
          svd(full({2, 2}, std::numeric_limits<double>::quiet_NaN()));
        }) == "[svd] NaN or infinity in the input [2,2]. Hint: LAPACK expects finite numbers");
  CHECK(message_of([&] {
          solve(ones({2, 2}), ones({2}));
        }) ==
        "[solve] matrix 0 is singular. Hint: its rows depend on each other: there is no or no "
        "unique solution");
  CHECK(message_of([&] { solve(a, random({2})); }) ==
        "[solve] a right side [2] does not go with the matrix [3,3]. Hint: for [...,n,n] it is "
        "[...,n] or [...,n,k]");
  CHECK_THROWS_AS(solve(a, ones({3})), DTypeError);
  CHECK_THROWS_AS(eigh(eye(2, {}, int64)), DTypeError);
}
