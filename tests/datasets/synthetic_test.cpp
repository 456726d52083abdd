#include "../../datasets/synthetic.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "../../core/base/parallel_for.h"
#include "../../datasets/idx.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

constexpr int64_t pixels = 28 * 28;

std::span<const uint8_t> image(const Batch& digits, int64_t i) {
  return {digits.x.data<uint8_t>() + i * pixels, pixels};
}

int64_t distance(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  int64_t sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

int64_t label_of_nearest(const Batch& known, std::span<const uint8_t> sought) {
  int64_t best = 0, best_distance = INT64_MAX;
  for (int64_t i = 0; i < known.x.size(0); ++i) {
    const int64_t d = distance(image(known, i), sought);
    if (d < best_distance) best = i, best_distance = d;
  }
  return known.y.data<int64_t>()[best];
}

/// Number of images, of all, whose nearest neighbour among `known` is the same digit.
int right_answers(const Batch& known, const Batch& asked) {
  int right = 0;
  for (int64_t i = 0; i < asked.x.size(0); ++i) {
    right += label_of_nearest(known, image(asked, i)) == asked.y.data<int64_t>()[i] ? 1 : 0;
  }
  return right;
}

}  // namespace

TEST_CASE("synthetic digits come as MNIST does") {
  const Batch digits = synthetic_digits(50);
  CHECK(digits.x.shape() == Shape{50, 28, 28});
  CHECK(digits.x.dtype() == uint8);
  CHECK(digits.y.shape() == Shape{50});
  CHECK(digits.y.dtype() == int64);
  CHECK(synthetic_digits(0).x.shape() == Shape{0, 28, 28});
}

TEST_CASE("an image is a function of seed and number alone") {
  const Batch all = synthetic_digits(300, {.seed = 3});
  const Batch part = synthetic_digits(100, {.seed = 3, .first = 150});
  for (int64_t i = 0; i < 100; ++i) {
    REQUIRE(distance(image(all, 150 + i), image(part, i)) == 0);
    REQUIRE(all.y.data<int64_t>()[150 + i] == part.y.data<int64_t>()[i]);
  }
  CHECK(payload_sha256(synthetic_digits(300, {.seed = 4}).x) != payload_sha256(all.x));
}

TEST_CASE("the digits do not depend on the number of threads") {
  const int threads = num_threads();
  set_num_threads(1);
  const Batch one = synthetic_digits(500);
  set_num_threads(3);
  const Batch three = synthetic_digits(500);
  set_num_threads(threads);
  CHECK(payload_sha256(one.x) == payload_sha256(three.x));
}

TEST_CASE("all digits are drawn, about evenly, and no image twice") {
  const Batch digits = synthetic_digits(2000);
  std::array<int, 10> counts{};
  std::set<std::string> distinct;
  for (int64_t i = 0; i < 2000; ++i) {
    ++counts[static_cast<size_t>(digits.y.data<int64_t>()[i])];
    distinct.emplace(image(digits, i).begin(), image(digits, i).end());
  }
  CHECK(*std::min_element(counts.begin(), counts.end()) > 140);
  CHECK(*std::max_element(counts.begin(), counts.end()) < 260);
  CHECK(distinct.size() == 2000);
}

TEST_CASE("ink is bright, in the middle, and most of the paper is dark") {
  const Batch digits = synthetic_digits(200);
  for (int64_t i = 0; i < 200; ++i) {
    const auto pixel = image(digits, i);
    const auto ink = std::count_if(pixel.begin(), pixel.end(), [](uint8_t v) { return v > 100; });
    CHECK(ink > 15);
    CHECK(ink < 300);
    CHECK(*std::max_element(pixel.begin(), pixel.end()) >= 180);
    CHECK(std::all_of(pixel.begin(), pixel.begin() + 28, [](uint8_t v) { return v < 100; }));
  }
}

TEST_CASE("digits can be told apart, but not without effort") {
  const Batch asked = synthetic_digits(100, {.first = 1'000'000});
  const int with_many = right_answers(synthetic_digits(2000), asked);
  const int with_few = right_answers(synthetic_digits(20), asked);
  CHECK(with_many >= 90);  // nearest neighbours in pixels: a weak classifier
  CHECK(with_few < 70);
}

TEST_CASE("synthetic digits refuse negative numbers") {
  CHECK_THROWS_AS(synthetic_digits(-1), ValueError);
  CHECK_THROWS_AS(synthetic_digits(1, {.first = -1}), ValueError);
}
