#include <doctest/doctest.h>

#include "../../core/base/error.h"
#include "../support/errors.h"
#include "checks.h"

using namespace gradus;
using test::check_close;
using test::message_of;
using test::random;
using test::values;

namespace {

const Tensor row = tensor({1.0, 2.0, 4.0}, {1, 1, 3});

}  // namespace

TEST_CASE("nearest upsampling repeats elements") {
  CHECK(values(upsample(row, {.scale_factor = 2})) == std::vector<double>{1, 1, 2, 2, 4, 4});
  CHECK(values(upsample(row, {.size = {5}})) == std::vector<double>{1, 1, 2, 2, 4});
  CHECK(values(upsample(row, {.size = {2}})) == std::vector<double>{1, 2});
  const Tensor plane = tensor({1.0, 2.0, 3.0, 4.0}, {1, 1, 2, 2});
  CHECK(values(upsample(plane, {.size = {2, 4}})) == std::vector<double>{1, 1, 2, 2, 3, 3, 4, 4});
  CHECK(upsample(zeros({2, 3, 4, 5, 6}), {.scale_factor = 1.5}).shape() == Shape{2, 3, 6, 7, 9});
}

TEST_CASE("linear upsampling interpolates between centres, or between corners") {
  const auto linear = [](bool corners) {
    return values(
        upsample(row, {.size = {6}, .mode = UpsampleMode::linear, .align_corners = corners}));
  };
  CHECK(linear(false) == std::vector<double>{1, 1.25, 1.75, 2.5, 3.5, 4});
  const std::vector<double> expected = {1, 1.4, 1.8, 2.4, 3.2, 4};
  const std::vector<double> found = linear(true);
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-14));
  }
  // A plane that is linear in both directions stays so.
  const Tensor plane = tensor({0.0, 1.0, 2.0, 3.0}, {1, 1, 2, 2});
  check_close(
      upsample(plane, {.size = {3, 3}, .mode = UpsampleMode::linear, .align_corners = true}),
      tensor({0.0, 0.5, 1.0, 1.0, 1.5, 2.0, 2.0, 2.5, 3.0}, {1, 1, 3, 3}));
}

TEST_CASE("upsampling to the same size changes nothing") {
  const Tensor x = random({2, 3, 4, 5});
  CHECK(values(upsample(x, {.size = {4, 5}})) == values(x));
  CHECK(values(upsample(x, {.size = {4, 5}, .mode = UpsampleMode::linear})) == values(x));
}

TEST_CASE("an empty batch can be upsampled") {
  CHECK(upsample(zeros({0, 3, 4, 5}), {.scale_factor = 2}).shape() == Shape{0, 3, 8, 10});
}

TEST_CASE("upsampling needs a size that makes sense") {
  CHECK(message_of([] { upsample(row, {}); }) ==
        "[upsample] needs either a size or a scale_factor. Hint: give one of the two");
  CHECK(message_of([] { upsample(row, {.size = {2}, .scale_factor = 2}); }) ==
        "[upsample] needs either a size or a scale_factor. Hint: give one of the two");
  CHECK(message_of([] { upsample(row, {.scale_factor = 0.2}); }) ==
        "[upsample] dimension 2 of [1,1,3] would get size 0. Hint: 1 to 16777216 is possible");
  CHECK_THROWS_AS(upsample(row, {.scale_factor = 1e30}), ValueError);
  CHECK_THROWS_AS(upsample(row, {.size = {int64_t{1} << 60}}), ValueError);
  CHECK(message_of([] { upsample(row, {.size = {4}, .align_corners = true}); }) ==
        "[upsample] align_corners is for linear modes. Hint: use UpsampleMode::linear, or leave "
        "align_corners out");
  CHECK_THROWS_AS(upsample(row, {.size = {0}}), ValueError);
  CHECK_THROWS_AS(upsample(row, {.scale_factor = -1}), ValueError);
  CHECK_THROWS_AS(upsample(row, {.size = {2, 2}}), ShapeError);
  CHECK_THROWS_AS(upsample(zeros({3, 4}), {.size = {2}}), ShapeError);
  CHECK_THROWS_AS(upsample(zeros({1, 3, 0}), {.size = {2}}), ShapeError);
  CHECK_THROWS_AS(upsample(zeros({1, 3, 4}, int64), {.size = {2}}), DTypeError);
}

TEST_CASE("a factor that rounding left just below a whole size gives this size") {
  const auto size_after = [](int64_t size, double factor, UpsampleMode mode) {
    return upsample(zeros({1, 1, size}), {.scale_factor = factor, .mode = mode}).size(2);
  };
  for (const UpsampleMode mode : {UpsampleMode::nearest, UpsampleMode::linear}) {
    CHECK(size_after(88, 120.0 / 88, mode) == 120);
    CHECK(size_after(100, 0.29, mode) == 29);
    CHECK(size_after(100, 0.2999999, mode) == 29);
    CHECK(size_after(3, 0.999999999, mode) == 2);
    for (int64_t in = 1; in <= 60; ++in) {
      for (int64_t out = 1; out <= 60; ++out) {
        const double factor = static_cast<double>(out) / static_cast<double>(in);
        if (size_after(in, factor, mode) == out) continue;
        FAIL_CHECK(in, " to ", out, " gives ", size_after(in, factor, mode));
      }
    }
  }
}
