#include <doctest/doctest.h>

#include "../../core/base/error.h"
#include "../../core/base/parallel_for.h"
#include "../../core/matmul/gemm_kernel.h"
#include "../../core/tape.h"
#include "checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

/// [batch, m, k] x [batch, k, n] by the definition.
Tensor naive(const Tensor& a, const Tensor& b) {
  const int64_t batch = a.size(0), m = a.size(1), k = a.size(2), n = b.size(2);
  const auto x = values(a), y = values(b);
  std::vector<double> out(static_cast<size_t>(batch * m * n), 0);
  for (int64_t s = 0; s < batch; ++s) {
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        for (int64_t p = 0; p < k; ++p) {
          out[static_cast<size_t>((s * m + i) * n + j)] +=
              x[static_cast<size_t>((s * m + i) * k + p)] *
              y[static_cast<size_t>((s * k + p) * n + j)];
        }
      }
    }
  }
  return tensor(out, {batch, m, n});
}

Tensor naive_2d(const Tensor& a, const Tensor& b) {
  return naive(unsqueeze(a, 0), unsqueeze(b, 0)).squeeze(0);
}

Tensor product_of(const std::vector<Tensor>& x) {
  return matmul(x[0], x[1]);
}

std::vector<const char*> names_on(const Tape& tape) {
  std::vector<const char*> names;
  for (size_t i = 0; i < tape.size(); ++i) names.push_back(tape[i].op);
  return names;
}

int count(const Tape& tape, std::string_view name) {
  int n = 0;
  for (const char* found : names_on(tape)) n += found == name;
  return n;
}

}  // namespace

TEST_CASE("matmul of two matrices is the sum of products") {
  const Tensor a = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {2, 3});
  const Tensor b = tensor({1.0, 0.0, 0.0, 1.0, 2.0, -1.0}, {3, 2});
  const Tensor c = matmul(a, b);
  CHECK(c.shape() == Shape{2, 2});
  CHECK(c.to_vector<double>() == std::vector<double>{7, -1, 16, -1});
}

TEST_CASE("matmul gives every mix of vectors, matrices and batches PyTorch's shape") {
  const auto shape = [](const Shape& a, const Shape& b) {
    return matmul(random(a), random(b)).shape();
  };
  CHECK(shape({3}, {3}) == Shape{});
  CHECK(shape({3}, {3, 4}) == Shape{4});
  CHECK(shape({2, 3}, {3}) == Shape{2});
  CHECK(shape({5, 2, 3}, {3}) == Shape{5, 2});
  CHECK(shape({3}, {5, 3, 4}) == Shape{5, 4});
  CHECK(shape({5, 2, 3}, {3, 4}) == Shape{5, 2, 4});
  CHECK(shape({2, 3}, {5, 3, 4}) == Shape{5, 2, 4});
  CHECK(shape({7, 1, 2, 3}, {5, 3, 4}) == Shape{7, 5, 2, 4});
  CHECK(shape({1, 2, 3}, {1, 3, 4}) == Shape{1, 2, 4});
}

TEST_CASE("a batched product is the product of each pair") {
  const Tensor a = random({4, 3, 5}), b = random({4, 5, 2}, 2);
  check_close(matmul(a, b), naive(a, b));
  const Tensor one = random({5, 2}, 3);
  check_close(matmul(a, one), naive(a, expand(one, {4, 5, 2})));
  const Tensor row = random({3, 5}, 4);
  check_close(matmul(row, b), naive(expand(row, {4, 3, 5}), b));
}

TEST_CASE("matmul reads transposed and strided matrices right") {
  const Tensor a = random({5, 3}), b = random({4, 5}, 2);
  const Tensor expected = naive_2d(transpose(a, 0, 1), transpose(b, 0, 1));
  check_close(matmul(transpose(a, 0, 1), transpose(b, 0, 1)), expected);
  const Tensor wide = random({6, 10}, 3);
  const Tensor window = narrow(narrow(wide, 0, 1, 3), 1, 2, 5);  // rows 10 apart
  const Tensor sparse = slice(wide, 1, 0, 5, 2);                 // columns 2 apart
  check_close(matmul(window, transpose(b, 0, 1)), naive_2d(window, transpose(b, 0, 1)));
  check_close(matmul(sparse, transpose(b, 0, 1)), naive_2d(sparse, transpose(b, 0, 1)));
  const Tensor repeated = expand(random({1, 5}, 4), {3, 5});
  check_close(matmul(repeated, transpose(b, 0, 1)), naive_2d(repeated, transpose(b, 0, 1)));
  const Tensor column = slice(wide, 1, 3, 1);
  check_close(matmul(transpose(column, 0, 1), column), naive_2d(transpose(column, 0, 1), column));
}

TEST_CASE("a transposed matrix is handed to gemm as it is: no copy on the tape") {
  const Tensor a = random({3, 4}).requires_grad_(), b = random({5, 4}, 2).requires_grad_();
  Tape tape;
  const Tensor c = matmul(a, transpose(b, 0, 1));
  CHECK(count(tape, "contiguous") == 0);
  const Tensor strided = slice(a, 1, 0, 2, 2);
  matmul(strided, random({2, 2}, 3));
  CHECK(count(tape, "contiguous") == 1);
}

TEST_CASE("many matrices times one matrix are one product") {
  const Tensor a = random({6, 3, 4}).requires_grad_();
  Tape tape;
  matmul(a, random({4, 2}, 2));
  CHECK(count(tape, "matmul") == 1);
  CHECK(count(tape, "expand") == 0);
  for (size_t i = 0; i < tape.size(); ++i) {
    if (std::string_view(tape[i].op) == "matmul") CHECK(tape[i].flops == 2.0 * 6 * 3 * 4 * 2);
  }
}

TEST_CASE("empty matrices multiply: no rows, no columns, or sums of nothing") {
  CHECK(matmul(zeros({0, 3}), zeros({3, 2})).shape() == Shape{0, 2});
  CHECK(matmul(zeros({2, 3}), zeros({3, 0})).shape() == Shape{2, 0});
  CHECK(matmul(zeros({0, 2, 3}), zeros({0, 3, 4})).shape() == Shape{0, 2, 4});
  CHECK(matmul(zeros({2, 0}), zeros({0, 2})).to_vector<float>() == std::vector<float>(4, 0.0F));
  CHECK(matmul(zeros({3, 2, 0}), zeros({3, 0, 1})).to_vector<float>() ==
        std::vector<float>(6, 0.0F));
}

TEST_CASE("derivatives of matmul, first and second order, in every mix of dimensions") {
  check_gradients(product_of, {random({2, 3}), random({3, 4}, 2)});
  check_gradients(product_of, {random({3}), random({3}, 2)});
  check_gradients(product_of, {random({3}), random({3, 2}, 2)});
  check_gradients(product_of, {random({2, 3}), random({3}, 2)});
  check_gradients(product_of, {random({2, 2, 3}), random({3, 2}, 2)});
  check_gradients(product_of, {random({2, 3}), random({2, 3, 2}, 2)});
  check_gradients(product_of, {random({2, 1, 2, 3}), random({2, 3, 1}, 2)});
}

TEST_CASE("matmul errors name both shapes") {
  CHECK_THROWS_WITH_AS(
      matmul(zeros({2, 3}), zeros({4, 2})),
      "[matmul] inner sizes differ: [2,3] times [4,2] pairs 3 columns with 4 rows. "
      "Hint: the last size of the first must be the last but one of the second",
      ShapeError);
  CHECK_THROWS_AS(matmul(zeros({3}), zeros({5})), ShapeError);
  CHECK_THROWS_AS(matmul(zeros({}), zeros({3})), ShapeError);
  CHECK_THROWS_AS(matmul(zeros({2, 2, 3}), zeros({3, 3, 2})), ShapeError);
  CHECK_THROWS_AS(matmul(zeros({2, 3}), zeros({3, 2}, float64)), DTypeError);
  CHECK_THROWS_AS(matmul(zeros({2, 3}, int64), zeros({3, 2}, int64)), DTypeError);
}

TEST_CASE("linear is x times the transposed weight plus the bias") {
  const Tensor x = random({4, 3}), w = random({2, 3}, 2), b = random({2}, 3);
  check_close(linear(x, w, b), add(naive_2d(x, transpose(w, 0, 1)), b));
  check_close(linear(x, w), naive_2d(x, transpose(w, 0, 1)));
  check_close(linear(transpose(random({3, 4}), 0, 1), w),
              naive_2d(transpose(random({3, 4}), 0, 1), transpose(w, 0, 1)));
}

TEST_CASE("linear takes any number of leading dimensions, also none and empty ones") {
  const Tensor w = ones({2, 3}), b = ones({2});
  CHECK(linear(ones({3}), w, b).to_vector<float>() == std::vector<float>{4, 4});
  CHECK(linear(ones({5, 4, 3}), w, b).shape() == Shape{5, 4, 2});
  CHECK(linear(ones({0, 3}), w, b).shape() == Shape{0, 2});
  CHECK(linear(ones({4, 0}), ones({2, 0}), b).to_vector<float>() == std::vector<float>(8, 1.0F));
}

TEST_CASE("derivatives of linear, first and second order") {
  const TensorFunction f = [](const std::vector<Tensor>& x) { return linear(x[0], x[1], x[2]); };
  check_gradients(f, {random({4, 3}), random({2, 3}, 2), random({2}, 3)});
  check_gradients(f, {random({2, 2, 3}), random({2, 3}, 2), random({2}, 3)});
  check_gradients(f, {random({3}), random({2, 3}, 2), random({2}, 3)});
}

TEST_CASE("linear errors name the features that were expected") {
  CHECK_THROWS_WITH_AS(
      linear(zeros({2, 4}), zeros({5, 3})),
      "[linear] expected 3 input features, got input [2,4] for weight [5,3]. Hint: "
      "the last size of the input must be the last size of the weight",
      ShapeError);
  CHECK_THROWS_AS(linear(zeros({2, 3}), zeros({5, 3}), zeros({4})), ShapeError);
  CHECK_THROWS_AS(linear(zeros({2, 3}), zeros({3})), ShapeError);
  CHECK_THROWS_AS(linear(zeros({2, 3}), zeros({5, 3}, float64)), DTypeError);
}

TEST_CASE("products have the same bits on one, two and three threads") {
  Rng generator(5);
  const Tensor a = randn({300, 200}, generator), b = randn({200, 170}, generator);
  const Tensor many = randn({40, 20, 30}, generator), more = randn({40, 30, 25}, generator);
  const int before = num_threads();
  set_num_threads(1);
  const auto tall = matmul(a, b).to_vector<float>();
  const auto wide = matmul(transpose(b, 0, 1), transpose(a, 0, 1)).to_vector<float>();
  const auto batch = matmul(many, more).to_vector<float>();
  for (int threads : {2, 3}) {
    set_num_threads(threads);
    CHECK(matmul(a, b).to_vector<float>() == tall);
    CHECK(matmul(transpose(b, 0, 1), transpose(a, 0, 1)).to_vector<float>() == wide);
    CHECK(matmul(many, more).to_vector<float>() == batch);
  }
  set_num_threads(before);
}

TEST_CASE("gemm adds beta times the old contents, and does not read them for beta 0") {
  const float a[] = {1, 2, 3, 4}, b[] = {1, 0, 0, 1};
  float c[] = {10, 20, 30, 40};
  kernels::gemm<float>({true, false, 2, 2, 2, a, 2, b, 2, 0.5F, c, 2});
  CHECK(std::vector<float>(c, c + 4) == std::vector<float>{6, 13, 17, 24});
  const float nan = std::nanf("");
  float d[] = {nan, nan, nan, nan};
  kernels::gemm<float>({false, false, 2, 2, 2, a, 2, b, 2, 0, d, 2});
  CHECK(std::vector<float>(d, d + 4) == std::vector<float>{1, 2, 3, 4});
}
