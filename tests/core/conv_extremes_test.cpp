// Winograd's algorithm beside numbers that its transforms cannot take: nothing reaches outputs that
// do not see it.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "../../core/base/parallel_for.h"
#include "../../core/ops.h"
#include "../support/isa.h"

using namespace gradus;
using gradus::test::with_every_isa;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
const float extremes[] = {
    1e5F,  1e8F,   -1e12F,   1e20F,     1e37F,
    1e38F, -3e38F, infinity, -infinity, std::numeric_limits<float>::quiet_NaN()};

float& at(Tensor& x, std::initializer_list<int64_t> index) {
  int64_t offset = 0;
  int d = 0;
  for (int64_t i : index) offset += i * x.strides()[d++];
  return x.mutable_data<float>()[offset];
}

/// Whether the largest difference is at most `tolerance`, and what is not finite is so in both and
/// in the same way.
bool agrees(const Tensor& found, const Tensor& expected, double tolerance) {
  const auto a = found.to_vector<float>(), b = expected.to_vector<float>();
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) != std::isnan(b[i])) return false;
    if (std::isnan(a[i]) || a[i] == b[i]) continue;
    if (!(std::abs(a[i] - b[i]) <= tolerance)) return false;
  }
  return true;
}

Tensor without_winograd(const Tensor& x, const Tensor& w, const Tensor& bias, int64_t padding) {
  return conv2d(x, w, bias, {.padding = padding, .winograd = false});
}

}  // namespace

TEST_CASE("one extreme pixel reaches the outputs that see it and no others") {
  with_every_isa([] {
    const Tensor w = full({16, 16, 3, 3}, 0.5);
    for (const float v : extremes) {
      CAPTURE(v);
      for (const int64_t images : {1, 31, 32}) {
        Tensor x = ones({images, 16, 6, 6});
        at(x, {0, 0, 2, 2}) = v;
        Tensor y = conv2d(x, w);
        const float seen = 71.5F + 0.5F * v;
        for (int64_t i = 0; i < 4; ++i) {
          for (int64_t j = 0; j < 4; ++j) {
            CAPTURE(i);
            CAPTURE(j);
            const float found = at(y, {0, 0, i, j});
            if (i == 3 || j == 3) {
              CHECK(found == 72);
            } else if (std::isnan(v)) {
              CHECK(std::isnan(found));
            } else {
              CHECK((found == seen || std::abs(found - seen) <= 5e-6F * std::abs(seen)));
            }
          }
        }
        Tensor dx = conv2d_input_gradient(x, w, {images, 16, 8, 8});
        CHECK(at(dx, {0, 0, 5, 5}) == 72);
        CHECK(at(dx, {0, 0, 0, 0}) == 8);
      }
    }
  });
}

TEST_CASE("tiles that are out of range are what the direct kernel makes of them, bit by bit") {
  with_every_isa([] {
    for (const float v : extremes) {
      if (std::isnan(v)) continue;  // which has many bit patterns
      CAPTURE(v);
      Rng generator(1);
      Tensor x = abs(randn({2, 17, 4, 4}, generator)) + 0.1;
      const Tensor w = randn({19, 17, 3, 3}, generator), bias = randn({19}, generator);
      at(x, {1, 3, 0, 0}) = v;
      const Tensor y = select(conv2d(x, w, bias, {.padding = 1}), 0, 1);
      const Tensor expected = select(without_winograd(x, w, bias, 1), 0, 1);
      const auto found = y.to_vector<float>(), direct = expected.to_vector<float>();
      const Tensor with_relu = conv2d(x, w, bias, {.padding = 1, .relu = true});
      CHECK(select(with_relu, 0, 1).to_vector<float>() == relu(y).to_vector<float>());
      // Outputs (0 ... 1, 0 ... 1) of 4x4 see the pixel.
      for (size_t i = 0; i < found.size(); ++i) {
        if (i % 16 / 4 > 1 || i % 4 > 1) CHECK(found[i] == direct[i]);
      }
      // The others are rounded as numbers of the size of v are.
      const double rounding = 5e-6 * std::abs(static_cast<double>(v));
      CHECK(agrees(y, expected, rounding));
      const Tensor backward = permute(w, {1, 0, 2, 3});
      const Tensor dx = conv2d_input_gradient(x, backward, {2, 19, 6, 6});
      CHECK(agrees(dx, conv2d_input_gradient(x, backward, {2, 19, 6, 6}, {.winograd = false}),
                   rounding));
    }
  });
}

TEST_CASE("an output that sees only zeros is the bias, whatever is beside it") {
  with_every_isa([] {
    const Tensor w = full({16, 16, 3, 3}, 0.1), bias = arange(0, 16).to(float32) * 0.3;
    for (const float v : {1e-7F, 1.F, 3e5F, infinity}) {
      CAPTURE(v);
      Tensor x = zeros({1, 16, 18, 18});
      at(x, {0, 5, 8, 9}) = v;
      const auto y = conv2d(x, w, bias).to_vector<float>(), b = bias.to_vector<float>();
      for (int64_t i = 0; i < 16 * 16 * 16; ++i) {
        const int64_t row = i / 16 % 16, column = i % 16;
        const bool sees = row >= 6 && row <= 8 && column >= 7 && column <= 9;
        if (!sees) CHECK(y[static_cast<size_t>(i)] == b[static_cast<size_t>(i / 256)]);
      }
    }
  });
}

TEST_CASE("an extreme weight does not reach outputs that see no input under it") {
  with_every_isa([] {
    const Tensor x = ones({2, 16, 8, 8});
    for (const float v : extremes) {
      CAPTURE(v);
      Tensor w = full({16, 16, 3, 3}, 0.5);
      at(w, {3, 2, 0, 0}) = v;
      // The direct kernel computes all of it.
      const Tensor y = conv2d(x, w, {}, {.padding = 1});
      CHECK(agrees(y, without_winograd(x, w, {}, 1), 0));
      const Conv2dOptions options = {.padding = 1, .winograd = false};
      const Tensor dx = conv2d_input_gradient(x, w, x.shape(), {.padding = 1});
      CHECK(agrees(dx, conv2d_input_gradient(x, w, x.shape(), options), 0));
    }
  });
}

TEST_CASE("an extreme pixel or gradient reaches no weight's gradient that does not see it") {
  with_every_isa([] {
    for (const float v : extremes) {
      CAPTURE(v);
      for (const bool in_gradient : {false, true}) {
        CAPTURE(in_gradient);
        Tensor x = ones({9, 16, 14, 10}), g = full({9, 16, 14, 10}, 0.5);
        at(in_gradient ? g : x, {4, 3, 0, 0}) =
            v;  // its taps are (0 ... 1, 0 ... 1), or the others
        Tensor dw = conv2d_weight_gradient(g, x, {16, 16, 3, 3}, {.padding = 1});
        for (int64_t o = 0; o < 16; ++o) {
          for (int64_t c = 0; c < 16; ++c) {
            for (int64_t k = 0; k < 9; ++k) {
              const bool may_see = in_gradient ? o == 3 : c == 3;
              const bool sees =
                  may_see && (in_gradient ? k / 3 >= 1 && k % 3 >= 1 : k / 3 <= 1 && k % 3 <= 1);
              // Zeros of the padding times what is not finite are NaN.
              const bool open = sees || (in_gradient && may_see && !std::isfinite(v));
              const auto rows = static_cast<float>(k / 3 == 1 ? 14 : 13);
              const auto columns = static_cast<float>(k % 3 == 1 ? 10 : 9);
              const float expected = 0.5F * 9 * rows * columns;
              const float found = at(dw, {o, c, k / 3, k % 3});
              if (!open) CHECK(std::abs(found - expected) <= 1e-5F * expected);
              if (sees && std::isinf(v)) CHECK(found == v);
              if (sees && std::isfinite(v)) {
                const float whole = expected + (in_gradient ? v - 0.5F : 0.5F * (v - 1));
                CHECK(std::abs(found - whole) <= 1e-5F * std::abs(whole));
              }
            }
          }
        }
      }
    }
  });
}

TEST_CASE("infinities in a weight gradient by the direct kernel stay what they are") {
  with_every_isa([] {
    for (const int64_t size : {5, 40}) {  // short rows and long ones
      CAPTURE(size);
      Tensor x = ones({1, 2, size, size}), g = ones({1, 2, size - 2, size - 2});
      at(x, {0, 0, 1, 0}) = infinity;
      at(x, {0, 1, size - 1, size - 1}) = infinity;
      Tensor dw = conv2d_weight_gradient(g, x, {2, 2, 3, 3});
      const auto expected = static_cast<float>((size - 2) * (size - 2));
      for (int64_t k = 0; k < 9; ++k) {
        CAPTURE(k);
        CHECK(at(dw, {0, 0, k / 3, k % 3}) == (k % 3 == 0 && k / 3 <= 1 ? infinity : expected));
        CHECK(at(dw, {1, 1, k / 3, k % 3}) == (k == 8 ? infinity : expected));
      }
    }
  });
}

TEST_CASE("extreme pixels: the same bits in every batch and on any number of threads") {
  Rng generator(1);
  Tensor x = randn({50, 16, 9, 9}, generator);
  for (int64_t i = 0; i < 10; ++i) at(x, {5 * i, i, i % 9, (3 * i) % 9}) = extremes[i];
  const Tensor w = randn({16, 16, 3, 3}, generator);
  const int usual = num_threads();
  with_every_isa([&] {
    const Tensor all = conv2d(x, w);
    for (const int threads : {1, 3}) {
      set_num_threads(threads);
      for (int64_t i = 0; i < 50; i += 5) {
        const Tensor one = conv2d(narrow(x, 0, i, 1), w), same = narrow(all, 0, i, 1);
        CHECK(std::memcmp(one.raw_data(), contiguous(same).raw_data(), 16 * 49 * 4) == 0);
      }
      set_num_threads(usual);
    }
  });
}
