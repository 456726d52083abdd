// What `mnist predict` makes of a picture before a net sees it.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "../../core/base/random.h"
#include "../../core/ops.h"
#include "../../datasets/synthetic.h"
#include "../../examples/mnist/ink.h"
#include "../support/processor_time.h"

using namespace gradus;
using examples::Content;
using examples::find_ink;

namespace {

constexpr int64_t size = 140;

/// Ink of digit number `index`, 0 or 1, as a picture of size x size.
std::vector<double> drawn(int64_t index) {
  static const data::Batch digits = data::synthetic_digits(10, {.seed = 4});
  const std::vector<uint8_t> small = digits.x.select(0, index).to_vector<uint8_t>();
  constexpr int64_t times = 4, margin = (size - 28 * times) / 2;
  std::vector<double> ink(size_t{size} * size, 0);
  for (int64_t i = 0; i < 784 * times * times; ++i) {
    const int64_t y = i / (28 * times), x = i % (28 * times);
    const bool is_ink = small[static_cast<size_t>(y / times * 28 + x / times)] > 100;
    ink[static_cast<size_t>((y + margin) * size + x + margin)] = is_ink ? 1 : 0;
  }
  return ink;
}

/// The gray value of a place, where paper is and where ink is.
using Level = std::function<double(double y, double x)>;

/// A picture with ink on paper; coordinates go from 0 to 1.
Tensor picture(const std::vector<double>& ink, int64_t width, const Level& paper,
               double ink_level) {
  std::vector<uint8_t> pixels;
  const auto height = static_cast<int64_t>(ink.size()) / width;
  for (int64_t i = 0; i < height * width; ++i) {
    const int64_t row = i / width, column = i % width;
    const double below = paper(static_cast<double>(row) / static_cast<double>(height),
                               static_cast<double>(column) / static_cast<double>(width));
    const double share = ink[static_cast<size_t>(i)];
    pixels.push_back(static_cast<uint8_t>(std::lround(below + share * (ink_level - below))));
  }
  return tensor(pixels, {height, width});
}

Tensor on_even_paper(int64_t index, double paper, double ink_level) {
  return picture(
      drawn(index), size, [=](double, double) { return paper; }, ink_level);
}

/// The mean difference of two digits, 0 to 255, where it is least: one may be a pixel further on.
double difference(const Tensor& a, const Tensor& b) {
  double least = 255;
  const Tensor one = to(a, float32), other = to(b, float32).narrow(0, 1, 26).narrow(1, 1, 26);
  for (int64_t y = 0; y < 3; ++y) {
    for (int64_t x = 0; x < 3; ++x) {
      const Tensor moved = one.narrow(0, y, 26).narrow(1, x, 26);
      least = std::min(least, mean(abs(sub(moved, other))).item());
    }
  }
  return least;
}

/// What is found of digit number `index` in black on white.
const Tensor& plain(int64_t index) {
  static const std::vector<examples::Ink> all = [] {
    std::vector<examples::Ink> found;
    for (int64_t i = 0; i < 10; ++i) found.push_back(find_ink(on_even_paper(i, 255, 0)));
    return found;
  }();
  const examples::Ink& ink = all[static_cast<size_t>(index)];
  REQUIRE(ink.content == Content::digit);
  return ink.digit;
}

/// Checks that each digit looks to the net as it does in black on white.
void check_all_digits(const Level& paper, double ink_level) {
  for (int64_t i = 0; i < 10; ++i) {
    CAPTURE(i);
    const auto found = find_ink(picture(drawn(i), size, paper, ink_level));
    REQUIRE(found.content == Content::digit);
    CHECK(difference(found.digit, plain(i)) < 4);
  }
}

std::vector<double> beside(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> both;
  for (int64_t y = 0; y < size; ++y) {
    both.insert(both.end(), a.begin() + y * size, a.begin() + (y + 1) * size);
    both.insert(both.end(), b.begin() + y * size, b.begin() + (y + 1) * size);
  }
  return both;
}

}  // namespace

TEST_CASE("ink is found whatever the brightness of paper and ink") {
  const auto even = [](double level) { return [=](double, double) { return level; }; };
  check_all_digits(even(215), 40);
  check_all_digits(even(255), 200);
  check_all_digits(even(0), 255);
  check_all_digits(even(60), 140);
}

TEST_CASE("light from one side, a dark rim and the grain of the paper do not matter") {
  check_all_digits([](double, double x) { return 230 - 100 * x; }, 40);
  check_all_digits([](double y, double) { return 130 + 100 * y; }, 40);
  check_all_digits(
      [](double y, double x) {
        return 220 - 120 * ((y - 0.5) * (y - 0.5) + (x - 0.5) * (x - 0.5));
      },
      30);
  Rng rng(1);
  const std::vector<float> grain = randn({size, size}, rng).to_vector<float>();
  check_all_digits(
      [&](double y, double x) {
        return 180 + 5 * std::clamp(grain[static_cast<size_t>(std::lround((y * size + x) * size))],
                                    -3.0F, 3.0F);
      },
      40);
}

TEST_CASE("a dark frame, a desk beside the paper and a line along the border are no ink") {
  check_all_digits(
      [](double y, double x) {
        return std::min({y, x, 1 - y, 1 - x}) < 0.04 ? 10 : 240;
      },
      30);
  check_all_digits([](double y, double x) { return std::min(y, x) < 0.05 ? 60 : 200; }, 30);
  check_all_digits([](double, double x) { return x > 0.96 && x < 0.98 ? 55 : 120; }, 30);
}

TEST_CASE("squares of the paper, fainter than the ink, are no ink") {
  check_all_digits(
      [](double y, double x) {
        const bool is_line = std::fmod(y * size, 20) < 1 || std::fmod(x * size, 20) < 1;
        return 125 - 20 * x - (is_line ? 18 : 0);
      },
      25);
}

TEST_CASE("thin strokes on a large picture become as wide as those of MNIST") {
  std::vector<double> ink(size_t{400} * 400, 0);
  for (size_t y = 60; y < 340; ++y) {
    for (size_t x = 200; x < 203; ++x) ink[y * 400 + x] = 1;
  }
  const auto found = find_ink(picture(
      ink, 400, [](double, double) { return 250; }, 20));
  REQUIRE(found.content == Content::digit);
  CHECK(sum(to(found.digit, float32)).item() > 255 * 20 * 1.5);  // it is 20 high
}

TEST_CASE("what has the form of MNIST already stays as it is") {
  const Tensor& digit = plain(3);
  const auto again = find_ink(digit);
  CHECK(again.content == Content::digit);
  CHECK(again.digit.to_vector<uint8_t>() == digit.to_vector<uint8_t>());
}

TEST_CASE("a digit has its centre of mass in the middle of 28x28 and fits 20x20") {
  for (int64_t i = 0; i < 10; ++i) {
    const Tensor& digit = plain(i);
    REQUIRE(digit.shape() == Shape{28, 28});
    const Tensor ink = to(digit, float64), place = add(arange(28, float64), 0.5);
    const double mass = sum(ink).item();
    CHECK(std::abs(sum(mul(sum(ink, {1}), place)).item() / mass - 14) <= 0.51);
    CHECK(std::abs(sum(mul(sum(ink, {0}), place)).item() / mass - 14) <= 0.51);
  }
}

TEST_CASE("a picture without ink is empty") {
  const auto content = [](const Level& paper) {
    return find_ink(picture(std::vector<double>(size_t{size} * size, 0), size, paper, 0)).content;
  };
  for (const double level : {0.0, 100.0, 255.0}) {
    CHECK(content([=](double, double) { return level; }) == Content::empty);
  }
  CHECK(content([](double, double x) { return 230 - 100 * x; }) == Content::empty);
  CHECK(content([](double y, double x) {
          return std::min({y, x, 1 - y, 1 - x}) < 0.05 ? 10 : 240;
        }) == Content::empty);
  CHECK(find_ink(full({1, 1}, 9, uint8)).content == Content::empty);
  CHECK(find_ink(full({1, 4096}, 9, uint8)).content == Content::empty);
}

TEST_CASE("noise is never a digit") {
  Rng rng(2);
  for (const int64_t side : {28, 64, 300}) {
    CAPTURE(side);
    const Tensor even = rand({side, side}, rng);
    CHECK(find_ink(to(mul(even, 255), uint8)).content != Content::digit);
    for (const double share : {0.05, 0.15, 0.35, 0.5}) {
      CAPTURE(share);
      const Tensor dots = to(mul(to(lt(even, share), float32), 255), uint8);
      CHECK(find_ink(dots).content != Content::digit);
    }
  }
}

TEST_CASE("two digits are several, beside each other and above each other") {
  for (int64_t i = 0; i < 10; ++i) {
    CAPTURE(i);
    const std::vector<double> a = drawn(i), b = drawn((i + 3) % 10);
    std::vector<double> stacked = a;
    stacked.insert(stacked.end(), b.begin(), b.end());
    const Level paper = [](double, double) { return 240; };
    CHECK(find_ink(picture(beside(a, b), 2 * size, paper, 20)).content == Content::several);
    CHECK(find_ink(picture(stacked, size, paper, 20)).content == Content::several);
  }
}

TEST_CASE("a stroke that broke off is part of the digit") {
  std::vector<double> five(size_t{size} * size, 0);
  const auto stroke = [&](size_t top, size_t bottom, size_t left, size_t right) {
    for (size_t y = top; y < bottom; ++y) {
      for (size_t x = left; x < right; ++x) five[y * size + x] = 1;
    }
  };
  stroke(20, 30, 55, 100);  // the bar, apart from the rest
  stroke(34, 70, 40, 50);
  stroke(62, 72, 40, 95);
  stroke(62, 120, 86, 96);
  stroke(112, 122, 40, 96);
  const auto found = find_ink(picture(
      five, size, [](double, double) { return 240; }, 20));
  CHECK(found.content == Content::digit);
}

TEST_CASE("the largest pictures are looked at in linear time") {
  Rng rng(3);
  const Tensor dots = to(mul(to(lt(rand({2048, 2048}, rng), 0.5), float32), 255), uint8);
  CHECK(test::processor_seconds([&] { find_ink(dots); }) < 10);  // it is some 0.3 s in debug
}
