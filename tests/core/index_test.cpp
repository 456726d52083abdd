#include <doctest/doctest.h>

#include "../../core/base/error.h"
#include "../../core/base/parallel_for.h"
#include "checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

using Ints = std::vector<int64_t>;

Tensor places(std::initializer_list<int64_t> values, const Shape& shape) {
  return tensor(values, shape);
}

}  // namespace

TEST_CASE("gather replaces the index along one dimension") {
  const Tensor x = places({10, 11, 12, 20, 21, 22}, {2, 3});
  CHECK(gather(x, 1, places({2, 0, 1, 1}, {2, 2})).to_vector<int64_t>() == Ints{12, 10, 21, 21});
  CHECK(gather(x, 0, places({1, 0, 1}, {1, 3})).to_vector<int64_t>() == Ints{20, 11, 22});
  CHECK(gather(x, 0, places({1, 0}, {1, 2})).to_vector<int64_t>() == Ints{20, 11});
  CHECK(gather(x, 1, zeros({2, 0}, int64)).shape() == Shape{2, 0});
}

TEST_CASE("gather reads strided tensors, strided indices and every type") {
  const Tensor x = places({10, 20, 11, 21, 12, 22}, {3, 2}).transpose(0, 1);
  const Tensor index = places({2, 1, 0, 1}, {2, 2}).transpose(0, 1);
  CHECK(gather(x, 1, index).to_vector<int64_t>() == Ints{12, 10, 21, 21});
  for (DType dtype : {float32, float64, int32, uint8}) {
    CHECK(values(gather(to(x, dtype), 1, index)) == std::vector<double>{12, 10, 21, 21});
  }
  CHECK(gather(eq(x, 12), 1, index).to_vector<bool>() ==
        std::vector<bool>{true, false, false, false});
}

TEST_CASE("a 0-d tensor gathers itself") {
  CHECK(gather(full({}, 7.0), 0, full({}, 0, int64)).item() == 7);
}

TEST_CASE("scatter_add adds what meets in one place") {
  const Tensor index = places({0, 2, 0, 1}, {4});
  CHECK(scatter_add({3}, 0, index, tensor({1.0, 2.0, 4.0, 8.0})).to_vector<double>() ==
        std::vector<double>{5, 8, 2});
  const Tensor rows = places({1, 1, 0, 1}, {2, 2});
  CHECK(scatter_add({2, 3}, 0, rows, tensor({1.0, 2.0, 4.0, 8.0}, {2, 2})).to_vector<double>() ==
        std::vector<double>{4, 0, 0, 1, 10, 0});
  CHECK(scatter_add({3}, 0, zeros({0}, int64), zeros({0})).to_vector<float>() ==
        std::vector<float>{0, 0, 0});
}

TEST_CASE("scatter_add is the transpose of gather") {
  const Tensor x = random({3, 4}), y = random({3, 5}, 2);
  const Tensor index = places({3, 0, 1, 1, 2, 0, 0, 0, 3, 3, 2, 1, 2, 1, 2}, {3, 5});
  const double forward = sum(mul(gather(x, 1, index), y)).item();
  CHECK(sum(mul(x, scatter_add({3, 4}, 1, index, y))).item() == doctest::Approx(forward));
}

TEST_CASE("scatter_add has the same bits on one and two threads") {
  Rng generator(5);
  const Tensor source = randn({2000, 40}, generator);
  const Tensor index = to(mul(rand({2000, 40}, generator), 10), int64);
  const int before = num_threads();
  set_num_threads(1);
  const auto one = scatter_add({10, 40}, 0, index, source).to_vector<float>();
  set_num_threads(2);
  CHECK(scatter_add({10, 40}, 0, index, source).to_vector<float>() == one);
  set_num_threads(before);
}

TEST_CASE("index_select copies slices, also repeated ones") {
  const Tensor x = places({10, 11, 12, 20, 21, 22}, {2, 3});
  CHECK(index_select(x, 0, places({1, 0, 1}, {3})).to_vector<int64_t>() ==
        Ints{20, 21, 22, 10, 11, 12, 20, 21, 22});
  CHECK(index_select(x, -1, places({2, 0}, {2})).to_vector<int64_t>() == Ints{12, 10, 22, 20});
  CHECK(index_select(x, 0, zeros({0}, int64)).shape() == Shape{0, 3});
  CHECK(index_select(x.transpose(0, 1), 0, places({2}, {1})).to_vector<int64_t>() == Ints{12, 22});
}

TEST_CASE("derivatives of gather, scatter_add and index_select, first and second order") {
  const Tensor index = places({2, 0, 2, 1, 1, 1}, {3, 2});
  check_gradients([&](const std::vector<Tensor>& x) { return square(gather(x[0], 0, index)); },
                  {random({3, 4})});
  check_gradients([&](const std::vector<Tensor>& x) { return square(gather(x[0], 1, index)); },
                  {random({4, 3})});
  check_gradients(
      [&](const std::vector<Tensor>& x) {
        return square(scatter_add({3, 4}, 1, index, x[0]));
      },
      {random({3, 2})});
  for (int64_t dim : {0, 1}) {
    check_gradients(
        [&](const std::vector<Tensor>& x) {
          return square(index_select(x[0], dim, places({2, 0, 2}, {3})));
        },
        {random({3, 4})});
  }
}

TEST_CASE("index errors name the offending index and the valid range") {
  const Tensor x = zeros({2, 3});
  CHECK_THROWS_WITH_AS(gather(x, 1, places({0, 3}, {1, 2})),
                       "[gather] index 3 is out of range for dimension 1 of [2,3]: indices [1,2]. "
                       "Hint: indices go from 0 to 2",
                       IndexError);
  CHECK_THROWS_AS(gather(x, 1, places({0, -1}, {1, 2})), IndexError);
  CHECK_THROWS_AS(gather(x, 1, places({0, 1}, {2})), ShapeError);
  CHECK_THROWS_AS(gather(x, 1, zeros({3, 1}, int64)), ShapeError);
  CHECK_THROWS_AS(gather(x, 2, places({0}, {1, 1})), IndexError);
  CHECK_THROWS_AS(gather(x, 1, zeros({1, 2})), DTypeError);
  CHECK_THROWS_WITH_AS(index_select(x, 1, places({0, 3}, {2})),
                       "[index_select] index 3 is out of range for dimension 1 of [2,3]: indices "
                       "[2]. Hint: indices go from 0 to 2",
                       IndexError);
  CHECK_THROWS_AS(index_select(x, 1, zeros({1})), DTypeError);
  CHECK_THROWS_AS(index_select(x, 1, zeros({1, 1}, int64)), ShapeError);
  CHECK_THROWS_WITH_AS(index_select(zeros({0, 3}), 0, places({0}, {1})),
                       "[index_select] index 0 is out of range for dimension 0 of [0,3]: indices "
                       "[1]. Hint: that dimension is empty",
                       IndexError);
  CHECK_THROWS_AS(scatter_add({2}, 0, places({2}, {1}), zeros({1})), IndexError);
  CHECK_THROWS_AS(scatter_add({2}, 0, places({1}, {1}), zeros({2})), ShapeError);
}

TEST_CASE("one_hot has as many classes as the largest asks for, unless it is told") {
  CHECK(one_hot(places({2, 0}, {2})).shape() == Shape{2, 3});
  CHECK(one_hot(zeros({4}, int64)).shape() == Shape{4, 1});
  CHECK_THROWS_AS(one_hot(places({-1}, {1})), IndexError);
  CHECK_THROWS_WITH_AS(one_hot(zeros({0}, int64)),
                       "[one_hot] classes [0] do not say how many there are. Hint: give the number "
                       "of classes",
                       ShapeError);
  CHECK_THROWS_WITH_AS(
      one_hot(places({0}, {1}), 0),
      "[one_hot] expected at least 1 class, got 0. Hint: leave it out for as many as "
      "the largest class asks for",
      ValueError);
}

TEST_CASE("one_hot has a one at each class") {
  const Tensor y = one_hot(places({2, 0}, {2}), 3);
  CHECK(y.dtype() == int64);
  CHECK(y.shape() == Shape{2, 3});
  CHECK(y.to_vector<int64_t>() == Ints{0, 0, 1, 1, 0, 0});
  CHECK(one_hot(full({}, 1, int64), 2).to_vector<int64_t>() == Ints{0, 1});
  CHECK(one_hot(zeros({0}, int64), 4).shape() == Shape{0, 4});
  CHECK_THROWS_WITH_AS(
      one_hot(places({0, 5}, {2}), 4),
      "[one_hot] class 5 is out of range for 4 classes, classes [2]. Hint: classes "
      "go from 0 to 3",
      IndexError);
  CHECK_THROWS_AS(one_hot(places({-1}, {1}), 4), IndexError);
  CHECK_THROWS_AS(one_hot(places({0}, {1}), 0), ValueError);
  CHECK_THROWS_AS(one_hot(zeros({2}), 4), DTypeError);
}
