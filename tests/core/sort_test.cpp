// Sorting, the k largest, and selecting by mask.
#include <doctest/doctest.h>

#include <limits>

#include "../../core/base/parallel_for.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

using Ints = std::vector<int64_t>;
using Doubles = std::vector<double>;
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("sort puts the elements of one dimension in order, and says where each stood") {
  const Tensor x = tensor({3.0, 1.0, 2.0, 9.0, 7.0, 8.0}, {2, 3});
  CHECK(values(sort(x).values) == Doubles{1, 2, 3, 7, 8, 9});
  CHECK(sort(x).indices.to_vector<int64_t>() == Ints{1, 2, 0, 1, 2, 0});
  CHECK(values(sort(x, 0, true).values) == Doubles{9, 7, 8, 3, 1, 2});
  CHECK(argsort(x, -1, true).to_vector<int64_t>() == Ints{0, 2, 1, 0, 2, 1});
}

TEST_CASE("equal elements stay in the order they have, upwards and downwards") {
  const Tensor x = tensor({2.0, 1.0, 2.0, 1.0, 2.0});
  CHECK(argsort(x).to_vector<int64_t>() == Ints{1, 3, 0, 2, 4});
  CHECK(argsort(x, 0, true).to_vector<int64_t>() == Ints{0, 2, 4, 1, 3});
  CHECK(topk(x, 2).indices.to_vector<int64_t>() == Ints{0, 2});
  CHECK(topk(x, 3, 0, false).indices.to_vector<int64_t>() == Ints{1, 3, 0});
}

TEST_CASE("NaN counts as larger than every number") {
  const Tensor x = tensor({not_a_number, 1.0, infinity, not_a_number, -infinity});
  CHECK(argsort(x).to_vector<int64_t>() == Ints{4, 1, 2, 0, 3});
  CHECK(argsort(x, 0, true).to_vector<int64_t>() == Ints{0, 3, 2, 1, 4});
  CHECK(std::isnan(topk(x, 1).values.item()));
}

TEST_CASE("every number type sorts, views too, and so do rows of one and of none") {
  const Tensor x = tensor({3.0, 0.0, 200.0, 7.0}, {2, 2}).transpose(0, 1);
  for (DType dtype : {float32, float64, int64, int32, uint8}) {
    CHECK(values(sort(to(x, dtype), 0).values) == Doubles{0, 7, 3, 200});
  }
  CHECK_THROWS_AS(sort(zeros({2}, boolean)), DTypeError);
  CHECK(sort(full({}, 5)).values.item() == 5);
  CHECK(sort(full({}, 5)).indices.shape() == Shape{});
  CHECK(sort(zeros({2, 0})).values.shape() == Shape{2, 0});
  CHECK(sort(zeros({0, 2}), 1).indices.shape() == Shape{0, 2});
}

TEST_CASE("topk takes the first k of the sorted elements") {
  const Tensor x = random({4, 50});
  for (int64_t k : {0, 1, 7, 49, 50}) {
    check_close(topk(x, k).values, narrow(sort(x, 1, true).values, 1, 0, k));
    check_close(topk(x, k, 1, false).values, narrow(sort(x, 1).values, 1, 0, k));
  }
  CHECK(message_of([&] { topk(x, 51); }) ==
        "[topk] k is 51, dimension -1 of [4,50] has 50 elements. Hint: k goes from 0 to "
        "the size of the dimension");
  CHECK_THROWS_AS(topk(x, -1), ValueError);
  CHECK_THROWS_AS(topk(x, 1, 2), IndexError);
}

TEST_CASE("the gradient of a sorted value goes to where it stood") {
  const Tensor x = random({3, 4});
  check_gradients([](const auto& t) { return square(sort(t[0], 0, true).values); }, {x});
  check_gradients([](const auto& t) { return square(topk(t[0], 2).values); }, {x});
}

TEST_CASE("unique gives each value once, in order") {
  CHECK(unique(tensor<int64_t>({3, 1, 3, 2, 1})).to_vector<int64_t>() == Ints{1, 2, 3});
  CHECK(values(unique(tensor({2.0, 2.0, 1.0, 1.0}, {2, 2}))) == Doubles{1, 2});
  CHECK(unique(zeros({0})).shape() == Shape{0});
}

TEST_CASE("nonzero lists the places of what is not 0, row by row") {
  const Tensor x = tensor({0.0, 5.0, -1.0, 0.0, 0.0, not_a_number}, {2, 3});
  CHECK(nonzero(x).shape() == Shape{3, 2});
  CHECK(nonzero(x).to_vector<int64_t>() == Ints{0, 1, 0, 2, 1, 2});
  CHECK(nonzero(transpose(x, 0, 1)).to_vector<int64_t>() == Ints{1, 0, 2, 0, 2, 1});
  CHECK(nonzero(zeros({2, 2})).shape() == Shape{0, 2});
  CHECK(nonzero(ones({})).shape() == Shape{1, 0});
}

TEST_CASE("masked_select lists the elements where the mask is true; the mask broadcasts") {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {2, 3});
  CHECK(values(masked_select(x, gt(x, 2.5))) == Doubles{3, 4, 5, 6});
  CHECK(values(masked_select(x, tensor({true, false, true}))) == Doubles{1, 3, 4, 6});
  CHECK(masked_select(x, lt(x, 0)).shape() == Shape{0});
  CHECK_THROWS_AS(masked_select(x, ones({2}, boolean)), ShapeError);
  CHECK_THROWS_AS(masked_select(x, x), DTypeError);
  check_gradients(
      [](const auto& t) {
        return square(masked_select(t[0], tensor({true, false, true})));
      },
      {x});
}

TEST_CASE("scatter writes a source to the places that gather would read") {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0}, {2, 2});
  const Tensor index = tensor<int64_t>({1, 0}, {1, 2});
  const Tensor source = tensor({10.0, 20.0}, {1, 2});
  CHECK(values(scatter(x, 0, index, source)) == Doubles{1, 20, 10, 4});
  CHECK(values(scatter(x, 0, index, -1)) == Doubles{1, -1, -1, 4});
  CHECK(values(x) == Doubles{1, 2, 3, 4});
  CHECK(scatter(eq(x, 4), 0, index, eq(source, 20)).to_vector<bool>() ==
        std::vector<bool>{false, true, false, true});
  CHECK(scatter(full({}, 1), 0, zeros({}, int64), full({}, 7)).item() == 7);
}

TEST_CASE("where scattered elements meet, the last one stays and gets the gradient") {
  const Tensor index = tensor<int64_t>({1, 1, 0, 1});
  Tensor x = zeros({3}, float64), source = tensor({10.0, 20.0, 30.0, 40.0});
  CHECK(values(scatter(x, 0, index, source)) == Doubles{30, 40, 0});
  x.requires_grad_();
  source.requires_grad_();
  Tape tape;
  tape.backward(scatter(x, 0, index, source), {.gradient = tensor({1.0, 2.0, 3.0})});
  CHECK(values(x.grad()) == Doubles{0, 0, 3});
  CHECK(values(source.grad()) == Doubles{0, 0, 1, 2});
}

TEST_CASE("scatter checks index, shapes and types") {
  const Tensor x = zeros({2, 3});
  const Tensor index = tensor<int64_t>({0, 2}, {2, 1});
  CHECK(message_of([&] { scatter(x, 0, index, 1); }) ==
        "[scatter] index 2 is out of range for dimension 0 of [2,3]: indices [2,1]. Hint: indices "
        "go from 0 to 1");
  CHECK(message_of([&] {
          scatter(x, 1, index, zeros({2, 2}));
        }) ==
        "[scatter] index [2,1] and source [2,2] must have one shape. Hint: each index says where "
        "one element of the source goes");
  CHECK_THROWS_AS(scatter(x, 1, index, zeros({2, 1}, float64)), DTypeError);
  CHECK_THROWS_AS(scatter(x, 1, to(index, int32), 1), DTypeError);
}
