#include <doctest/doctest.h>

#include <array>

#include "../../core/base/error.h"
#include "../../core/tape.h"
#include "checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

using Ints = std::vector<int64_t>;

Tensor numbers(const Shape& shape) {
  return reshape(arange(shape.numel()), shape);
}

Ints padded(const Tensor& x, const Ints& pads, PadMode mode = PadMode::constant, double value = 0) {
  return pad(x, pads, mode, value).to_vector<int64_t>();
}

}  // namespace

TEST_CASE("cat joins along a dimension, also empty tensors and views") {
  const Tensor a = numbers({2, 2}), b = add(numbers({2, 1}), 10);
  CHECK(cat({a, b}, 1).to_vector<int64_t>() == Ints{0, 1, 10, 2, 3, 11});
  CHECK(cat({a, transpose(b, 0, 1)}).to_vector<int64_t>() == Ints{0, 1, 2, 3, 10, 11});
  CHECK(cat({a, zeros({0, 2}, int64), a}, 0).shape() == Shape{4, 2});
  CHECK(cat({transpose(a, 0, 1)}, -1).to_vector<int64_t>() == Ints{0, 2, 1, 3});
}

TEST_CASE("stack puts equal tensors side by side along a new dimension") {
  const Tensor a = numbers({2}), b = add(a, 10);
  CHECK(stack({a, b}).to_vector<int64_t>() == Ints{0, 1, 10, 11});
  CHECK(stack({a, b}, -1).to_vector<int64_t>() == Ints{0, 10, 1, 11});
  CHECK(stack({full({}, 1), full({}, 2)}).to_vector<float>() == std::vector<float>{1, 2});
}

TEST_CASE("cat and stack name the tensor that does not fit") {
  CHECK_THROWS_WITH_AS(cat({zeros({2, 3}), zeros({2, 4})}, 0),
                       "[cat] tensor 1 is [2,4], tensor 0 is [2,3]. Hint: all sizes but that of "
                       "dimension 0 must be equal",
                       ShapeError);
  CHECK_THROWS_AS(cat({zeros({2, 3}), zeros({2})}), ShapeError);
  CHECK_THROWS_AS(cat({zeros({2, 3})}, 2), IndexError);
  CHECK_THROWS_AS(cat({zeros({})}), ShapeError);
  CHECK_THROWS_AS(cat(std::vector<Tensor>{}), ValueError);
  CHECK_THROWS_AS(cat({zeros({2}), zeros({2}, float64)}), DTypeError);
  CHECK_THROWS_WITH_AS(stack({zeros({2}), zeros({3})}),
                       "[stack] tensor 1 is [3], tensor 0 is [2]. Hint: all shapes must be equal",
                       ShapeError);
  CHECK_THROWS_AS(stack({zeros({2}), zeros({2})}, 3), IndexError);
  CHECK_THROWS_AS(stack(std::vector<Tensor>{}), ValueError);
}

TEST_CASE("repeat puts copies side by side, as torch.Tensor.repeat does") {
  const Tensor x = numbers({2, 2});
  CHECK(repeat(x, {1, 2}).to_vector<int64_t>() == Ints{0, 1, 0, 1, 2, 3, 2, 3});
  CHECK(repeat(x, {2, 1}).to_vector<int64_t>() == Ints{0, 1, 2, 3, 0, 1, 2, 3});
  CHECK(repeat(x, {3, 1, 2}).shape() == Shape{3, 2, 4});
  CHECK(repeat(x, {0, 1}).shape() == Shape{0, 2});
  CHECK(repeat(full({}, 7, int64), {3}).to_vector<int64_t>() == Ints{7, 7, 7});
  CHECK_THROWS_WITH_AS(repeat(x, {2}),
                       "[repeat] repeats [2] do not fit [2,2]. Hint: one number from 0 up for each "
                       "dimension, new ones first",
                       ShapeError);
  CHECK_THROWS_AS(repeat(x, {1, -1}), ShapeError);
}

TEST_CASE("repeat never shares memory with its input") {
  const Tensor x = ones({1, 2});
  for (const Shape& repeats : {Shape{1, 1}, Shape{3, 1}, Shape{1, 1, 1}}) {
    Tensor y = repeat(x, repeats);
    y.fill_(5);
    CHECK(x.to_vector<float>() == std::vector<float>{1, 1});
    CHECK(y.is_contiguous());
  }
}

TEST_CASE("flip turns dimensions around") {
  const Tensor x = numbers({2, 3});
  CHECK(flip(x, {1}).to_vector<int64_t>() == Ints{2, 1, 0, 5, 4, 3});
  CHECK(flip(x, {0, -1}).to_vector<int64_t>() == Ints{5, 4, 3, 2, 1, 0});
  CHECK(flip(transpose(x, 0, 1), {0}).to_vector<int64_t>() == Ints{2, 5, 1, 4, 0, 3});
  CHECK(flip(x, {}).to_vector<int64_t>() == x.to_vector<int64_t>());
  CHECK(flip(zeros({0, 2}), {0}).shape() == Shape{0, 2});
  CHECK_THROWS_AS(flip(x, {2}), IndexError);
  CHECK_THROWS_AS(flip(x, {0, 0}), IndexError);
}

TEST_CASE("constant padding adds values around, negative pads crop") {
  const Tensor x = numbers({2, 2});
  CHECK(padded(x, {1, 0}, PadMode::constant, 9) == Ints{9, 0, 1, 9, 2, 3});
  CHECK(padded(x, {0, 0, 0, 1}) == Ints{0, 1, 2, 3, 0, 0});
  CHECK(padded(x, {-1, 1, 1, -1}, PadMode::constant, 9) == Ints{9, 9, 1, 9});
  CHECK(padded(transpose(x, 0, 1), {0, 1}) == Ints{0, 2, 0, 1, 3, 0});
  CHECK(pad(numbers({3}), std::array<int64_t, 2>{-2, -1}).shape() == Shape{0});
  CHECK(padded(zeros({0}, int64), {1, 1}, PadMode::constant, 4) == Ints{4, 4});
}

TEST_CASE("reflect, replicate and circular padding") {
  const Tensor x = numbers({4});
  CHECK(padded(x, {3, 2}, PadMode::reflect) == Ints{3, 2, 1, 0, 1, 2, 3, 2, 1});
  CHECK(padded(x, {2, 1}, PadMode::replicate) == Ints{0, 0, 0, 1, 2, 3, 3});
  CHECK(padded(x, {2, 4}, PadMode::circular) == Ints{2, 3, 0, 1, 2, 3, 0, 1, 2, 3});
  CHECK(padded(numbers({2, 2}), {1, 0, 0, 1}, PadMode::reflect) == Ints{1, 0, 1, 3, 2, 3, 1, 0, 1});
}

TEST_CASE("pad errors") {
  CHECK_THROWS_WITH_AS(pad(zeros({2, 3}), Ints{1, 1, 1}),
                       "[pad] expected up to 2 pairs of pads for [2,3], got 3 numbers. Hint: list "
                       "(begin, end) for each dimension, the last one first",
                       ShapeError);
  CHECK_THROWS_AS(pad(zeros({3}), Ints{1, 1, 1, 1}), ShapeError);
  CHECK_THROWS_WITH_AS(pad(zeros({3}), Ints{-3, -1}),
                       "[pad] pads (-3, -1) take more than the 3 elements of dimension 0 of [3]. "
                       "Hint: negative pads cut that many elements off",
                       ShapeError);
  CHECK_THROWS_AS(pad(zeros({3}), Ints{-4, 4}), ShapeError);
  CHECK_THROWS_AS(pad(zeros({3}), Ints{INT64_MAX, INT64_MAX}), ValueError);
  CHECK_THROWS_WITH_AS(pad(zeros({1, 1, 3}), Ints{3, 0}, PadMode::reflect),
                       "[pad] pads (3, 0) for dimension 2 of [1,1,3]: a reflection must be shorter "
                       "than the size. Hint: use less padding, or PadMode::constant",
                       ShapeError);
  CHECK_THROWS_AS(pad(zeros({3}), Ints{4, 0}, PadMode::circular), ShapeError);
  CHECK_THROWS_AS(pad(zeros({3}), Ints{-1, 0}, PadMode::replicate), ShapeError);
  CHECK_THROWS_AS(pad(zeros({0}), Ints{1, 0}, PadMode::replicate), ShapeError);
}

TEST_CASE("triangles of a matrix, and of every matrix of a batch") {
  const Tensor x = add(numbers({2, 3}), 1);
  CHECK(tril(x).to_vector<int64_t>() == Ints{1, 0, 0, 4, 5, 0});
  CHECK(triu(x).to_vector<int64_t>() == Ints{1, 2, 3, 0, 5, 6});
  CHECK(tril(x, 1).to_vector<int64_t>() == Ints{1, 2, 0, 4, 5, 6});
  CHECK(triu(x, -1).to_vector<int64_t>() == Ints{1, 2, 3, 4, 5, 6});
  CHECK(tril(stack({x, x})).shape() == Shape{2, 2, 3});
  CHECK(triu(zeros({0, 3})).shape() == Shape{0, 3});
  CHECK_THROWS_WITH_AS(tril(zeros({3})),
                       "[tril] expected matrices in the last two dimensions, got [3]. Hint: "
                       "unsqueeze() makes a row or a column of a vector",
                       ShapeError);
}

TEST_CASE("derivatives of rearrangements, first and second order") {
  const std::vector<TensorFunction> functions = {
      [](const std::vector<Tensor>& x) {
        return cat({x[0], x[1], x[0]}, 0);
      },
      [](const std::vector<Tensor>& x) {
        return stack({x[1], x[0]}, 1);
      },
      [](const std::vector<Tensor>& x) {
        return mul(repeat(x[0], {2, 1, 2}), repeat(x[1], {1, 2}));
      },
      [](const std::vector<Tensor>& x) { return mul(flip(x[0], {0}), x[1]); },
      [](const std::vector<Tensor>& x) {
        return pad(mul(x[0], x[1]), Ints{-1, 2, 1, 0});
      },
      [](const std::vector<Tensor>& x) {
        return pad(mul(x[0], x[1]), Ints{1, 2, 1, 0}, PadMode::reflect);
      },
      [](const std::vector<Tensor>& x) {
        return pad(mul(x[0], x[1]), Ints{1, 2, 1, 0}, PadMode::replicate);
      },
      [](const std::vector<Tensor>& x) {
        return pad(mul(x[0], x[1]), Ints{1, 2, 1, 0}, PadMode::circular);
      },
      [](const std::vector<Tensor>& x) { return add(tril(x[0]), triu(x[1], 1)); }};
  for (const TensorFunction& f : functions) {
    check_gradients([&f](const std::vector<Tensor>& x) { return square(f(x)); },
                    {random({2, 3}), random({2, 3}, 2)});
  }
}

TEST_CASE("unbind undoes stack") {
  const Tensor x = test::random({5, 3, 2});
  for (const int64_t dim : {0, 1, -1}) {
    const std::vector<Tensor> slices = unbind(x, dim);
    CHECK(static_cast<int64_t>(slices.size()) == x.size(dim));
    check_close(stack(slices, dim), x, 0);
    check_close(slices.back(), select(x, dim, -1), 0);
  }
  CHECK(unbind(zeros({0, 3})).empty());
  CHECK_THROWS_AS(unbind(zeros({})), ShapeError);
}

TEST_CASE("gradients of all slices come together in time proportional to their number") {
  const Tensor x = test::random({64, 2}).requires_grad_();
  Tape tape;
  const Tensor y = stack(unbind(x));
  int64_t written = 0;
  tape.on_replay([&](const ReplayEvent& event) {
    for (const Tensor& g : event.gradients) written += g.defined() ? g.numel() : 0;
  });
  tape.backward(sum(mul(y, y)));
  check_close(x.grad(), mul(x.detach(), 2));
  CHECK(written < 64 * 2 * 4 * 7);  // 64 one by one would write 64 * 64 * 2
}
