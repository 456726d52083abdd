// Pools over one and three dimensions, adaptive ones, and the way back.
#include <doctest/doctest.h>

#include "../../core/base/error.h"
#include "../../core/grad.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "checks.h"

using namespace gradus;
using test::check_close;
using test::message_of;
using test::random;
using test::values;

namespace {

/// The elements of a window over contiguous x [C,D,H,W], and how many it would have with padding.
struct Window {
  std::vector<double> elements;
  std::vector<int64_t> places;
  double extent = 1;
};

Window window_at(const Tensor& x, const Pool3dOptions& o, int64_t channel, const Size3& output) {
  const Size3 in{x.size(1), x.size(2), x.size(3)}, stride = o.stride.value_or(o.kernel_size);
  const int64_t volume = in[0] * in[1] * in[2];
  Window window;
  for (size_t i = 0; i < 3; ++i) {
    const int64_t begin = output[i] * stride[i] - o.padding[i];
    window.extent *=
        static_cast<double>(std::min(begin + o.kernel_size[i], in[i] + o.padding[i]) - begin);
  }
  const Size3& k = o.kernel_size;
  for (int64_t p = 0; p < k[0] * k[1] * k[2]; ++p) {
    const Size3 tap{p / (k[1] * k[2]), p / k[2] % k[1], p % k[2]};
    Size3 at;
    bool inside = true;
    for (size_t i = 0; i < 3; ++i) {
      at[i] = output[i] * stride[i] + tap[i] * o.dilation[i] - o.padding[i];
      inside = inside && at[i] >= 0 && at[i] < in[i];
    }
    if (!inside) continue;
    window.places.push_back((at[0] * in[1] + at[1]) * in[2] + at[2]);
    window.elements.push_back(x.data<double>()[channel * volume + window.places.back()]);
  }
  return window;
}

double sum_of(const Window& window) {
  double sum = 0;
  for (double e : window.elements) sum += e;
  return sum;
}

/// `value(window)` for all windows of x [C,D,H,W] that give an output of shape `y`.
template <class Value>
std::vector<double> naive_pool(const Tensor& x, const Pool3dOptions& o, const Shape& y,
                               const Value& value) {
  std::vector<double> result;
  for (int64_t c = 0; c < y[0]; ++c) {
    for (int64_t d = 0; d < y[1]; ++d) {
      for (int64_t h = 0; h < y[2]; ++h) {
        for (int64_t w = 0; w < y[3]; ++w) result.push_back(value(window_at(x, o, c, {d, h, w})));
      }
    }
  }
  return result;
}

Tensor as_tensor(const std::vector<double>& numbers, const Shape& shape) {
  return tensor(numbers, shape);
}

const Pool3dOptions cases[] = {
    {.kernel_size = 2},
    {.kernel_size = {1, 3, 2}, .stride = Size3{2, 1, 1}},
    {.kernel_size = 3, .stride = 2, .padding = 1},
    {.kernel_size = {2, 3, 2}, .stride = Size3{3, 2, 3}, .padding = {1, 1, 0}, .ceil_mode = true},
    {.kernel_size = 2, .stride = 3, .padding = 1, .ceil_mode = true},
};

}  // namespace

TEST_CASE("max_pool3d finds the largest element of each window, and where it is") {
  std::vector<Pool3dOptions> all(std::begin(cases), std::end(cases));
  all.push_back({.kernel_size = 2, .stride = 1, .dilation = {2, 1, 3}});
  const Tensor x = floor(mul(random({2, 5, 6, 7}), 2));  // with equal elements
  for (const Pool3dOptions& o : all) {
    const auto [y, indices] = max_pool3d_with_indices(x, o);
    const auto place_of = [](const Window& w) {
      const auto largest = std::max_element(w.elements.begin(), w.elements.end());
      return static_cast<double>(w.places[static_cast<size_t>(largest - w.elements.begin())]);
    };
    CHECK(values(indices) == naive_pool(x, o, y.shape(), place_of));
    CHECK(values(y) == values(gather(flatten(x, 1), 1, flatten(indices, 1))));
    CHECK(values(max_pool3d(x, o)) == values(y));
  }
}

TEST_CASE("avg_pool3d divides the sum of each window as it is told") {
  const Tensor x = random({2, 5, 6, 7});
  for (Pool3dOptions o : cases) {
    Tensor y = avg_pool3d(x, o);
    const auto average = [](const Window& w) { return sum_of(w) / w.extent; };
    check_close(y, as_tensor(naive_pool(x, o, y.shape(), average), y.shape()));
    o.count_include_pad = false;
    const auto inner = [](const Window& w) {
      return sum_of(w) / static_cast<double>(w.elements.size());
    };
    y = avg_pool3d(x, o);
    check_close(y, as_tensor(naive_pool(x, o, y.shape(), inner), y.shape()));
    o.divisor_override = 5;
    const auto fifth = [](const Window& w) { return sum_of(w) / 5; };
    y = avg_pool3d(x, o);
    check_close(y, as_tensor(naive_pool(x, o, y.shape(), fifth), y.shape()));
  }
}

TEST_CASE("pools of pairs in float32 are those in float64, at every width") {
  Rng rng(8);
  for (int64_t width = 2; width < 40; ++width) {
    for (const bool ceil : {false, true}) {
      CAPTURE(width);
      const Tensor x = randn({2, 3, 5, width}, rng);
      const auto results = [&](DType type) {
        const Tensor at = x.to(type).detach().requires_grad_();
        Tape tape;
        const Tensor y = avg_pool2d(at, {.kernel_size = 2, .ceil_mode = ceil});
        return std::vector{y.detach().to(float64), grad(sum(square(y)), {at})[0].to(float64)};
      };
      const auto found = results(float32), expected = results(float64);
      for (size_t i = 0; i < 2; ++i) CHECK(amax(abs(found[i] - expected[i])).item() < 1e-6);
    }
  }
}

TEST_CASE("pools of one dimension work on rows") {
  const Tensor x = tensor({1.0, 5.0, 2.0, 5.0, 3.0}, {1, 1, 5});
  const auto [y, indices] = max_pool1d_with_indices(x, {.kernel_size = 3, .stride = 1});
  CHECK(values(y) == std::vector<double>{5, 5, 5});
  CHECK(values(indices) == std::vector<double>{1, 1, 3});
  CHECK(values(max_pool1d(x, {.ceil_mode = true})) == std::vector<double>{5, 5, 3});
  CHECK(values(max_pool1d(x, {.stride = 1, .dilation = 3})) == std::vector<double>{5, 5});
  CHECK(values(avg_pool1d(x, {})) == std::vector<double>{3, 3.5});
  CHECK(values(avg_pool1d(x, {.kernel_size = 3, .padding = 1})) ==
        std::vector<double>{2, 10.0 / 3});
  CHECK(values(avg_pool1d(x, {.kernel_size = 3, .padding = 1, .count_include_pad = false})) ==
        std::vector<double>{3, 10.0 / 3});
}

TEST_CASE("adaptive pools cover the input with windows that may overlap") {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0, 5.0}, {1, 1, 5});
  CHECK(values(adaptive_avg_pool1d(x, 2)) == std::vector<double>{2, 4});
  CHECK(values(adaptive_avg_pool1d(x, 3)) == std::vector<double>{1.5, 3, 4.5});
  CHECK(values(adaptive_avg_pool1d(x, 1)) == std::vector<double>{3});
  CHECK(values(adaptive_max_pool1d(x, 3).values) == std::vector<double>{2, 4, 5});
  CHECK(values(adaptive_max_pool1d(x, 3).indices) == std::vector<double>{1, 3, 4});
  // More outputs than inputs: elements repeat.
  CHECK(values(adaptive_avg_pool1d(narrow(x, 2, 0, 2), 4)) == std::vector<double>{1, 1, 2, 2});
  CHECK(values(adaptive_max_pool1d(narrow(x, 2, 0, 2), 4).indices) ==
        std::vector<double>{0, 0, 1, 1});
}

TEST_CASE("adaptive pools to divisors of the size are plain pools") {
  const Tensor x = random({2, 3, 4, 6, 9});
  const Pool3dOptions windows{.kernel_size = {2, 6, 3}};
  check_close(adaptive_avg_pool3d(x, {2, 1, 3}), avg_pool3d(x, windows));
  const auto adaptive = adaptive_max_pool3d(x, {2, 1, 3});
  const auto plain = max_pool3d_with_indices(x, windows);
  CHECK(values(adaptive.values) == values(plain.values));
  CHECK(values(adaptive.indices) == values(plain.indices));
  const Tensor ties = floor(random({2, 3, 6, 9}));
  CHECK(values(adaptive_max_pool2d(ties, {3, 3}).indices) ==
        values(max_pool2d_with_indices(ties, {.kernel_size = {2, 3}}).indices));
}

TEST_CASE("global average pooling is the mean") {
  const Tensor x = random({2, 3, 4, 5, 6});
  check_close(adaptive_avg_pool3d(x, 1), mean(x, {2, 3, 4}, true), 1e-13);
}

TEST_CASE("lp_pool takes norms of windows") {
  const Tensor x = tensor({3.0, 4.0, 12.0, 5.0, 8.0}, {1, 1, 5});
  CHECK(values(lp_pool1d(x, 2, {})) == std::vector<double>{5, 13});
  CHECK(values(lp_pool1d(x, 1, {})) == std::vector<double>{7, 17});
  CHECK(values(lp_pool1d(x, 1, {.ceil_mode = true})) == std::vector<double>{7, 17, 16});
  const Tensor plane = tensor({1.0, 1.0, 1.0, 1.0}, {1, 2, 2});
  CHECK(values(lp_pool2d(plane, 2, {})) == std::vector<double>{2});
  CHECK_THROWS_AS(lp_pool1d(x, 0, {}), ValueError);
  CHECK_THROWS_AS(lp_pool1d(x, HUGE_VAL, {}), ValueError);
  CHECK_THROWS_AS(lp_pool1d(x, 2, {.padding = 1}), ValueError);
}

TEST_CASE("lp_pool of a window of zeros has gradient 0, and its powers may be no floats") {
  for (const double p : {0.5, 1.5, 2.0, 3.0}) {
    CAPTURE(p);
    const Tensor x = tensor({0.0, 0.0, 0.0, 4.0}, {1, 1, 4}).requires_grad_();
    Tape tape;
    const Tensor y = lp_pool1d(x, p, {});
    check_close(y.detach(), tensor({0.0, 4.0}, {1, 1, 2}), 1e-13);
    const Tensor first = grad(sum(y), {x}, {.create_graph = true})[0];
    check_close(first.detach(), tensor({0.0, 0.0, 0.0, 1.0}, {1, 1, 4}), 1e-13);
    CHECK(all_finite(grad(sum(first), {x})[0]));
  }
  const Tensor large = tensor({3e20F, 4e20F}, {1, 1, 2});
  CHECK(lp_pool1d(large, 2, {}).item() == doctest::Approx(5e20));
}

TEST_CASE("unpooling puts the largest elements back") {
  const Tensor x = tensor({1.0, 5.0, 2.0, 3.0, 4.0, 0.0, 7.0, 6.0}, {1, 2, 4});
  const auto [y, indices] = max_pool2d_with_indices(x, {});
  CHECK(values(max_unpool2d(y, indices, {2, 4})) == std::vector<double>{0, 5, 0, 0, 0, 0, 7, 0});
  const Tensor volume = random({2, 3, 4, 6, 4});
  const auto pooled = max_pool3d_with_indices(volume, {});
  const Tensor back = max_unpool3d(pooled.values, pooled.indices, {4, 6, 4});
  CHECK(values(where(ne(back, 0), volume, zeros_like(volume))) == values(back));
  CHECK(sum(back).item() == doctest::Approx(sum(pooled.values).item()));
  const Tensor row = tensor({1.0, 2.0}, {1, 2}), places = tensor({int64_t{1}, int64_t{2}}, {1, 2});
  CHECK(values(max_unpool1d(row, places, 4)) == std::vector<double>{0, 1, 2, 0});
  CHECK_THROWS_AS(max_unpool1d(row, places, 2), IndexError);
  CHECK_THROWS_AS(max_unpool1d(row, places.to(int32), 4), DTypeError);
  CHECK_THROWS_AS(max_unpool1d(row, narrow(places, 1, 0, 1), 4), ShapeError);
}

TEST_CASE("pools take a single sample, and an empty batch") {
  const Tensor x = random({1, 2, 4, 5, 6});
  check_close(max_pool3d(select(x, 0, 0), {}), select(max_pool3d(x, {}), 0, 0));
  check_close(avg_pool3d(select(x, 0, 0), {}), select(avg_pool3d(x, {}), 0, 0));
  CHECK(max_pool1d(zeros({2, 6}), {}).shape() == Shape{2, 3});
  CHECK(max_pool1d(zeros({0, 2, 6}), {}).shape() == Shape{0, 2, 3});
  CHECK(max_pool3d_with_indices(zeros({0, 2, 4, 4, 4}), {}).indices.shape() ==
        Shape{0, 2, 2, 2, 2});
  CHECK(adaptive_avg_pool3d(zeros({0, 2, 4, 4, 4}), 1).shape() == Shape{0, 2, 1, 1, 1});
  CHECK(adaptive_max_pool2d(zeros({0, 2, 4, 4}), 3).values.shape() == Shape{0, 2, 3, 3});
}

TEST_CASE("NaN wins in pools of all dimensions") {
  Tensor x = zeros({1, 2, 2, 2}, float64);
  x.mutable_data<double>()[5] = std::nan("");
  CHECK(std::isnan(max_pool3d(x, {}).item()));
  CHECK(max_pool3d_with_indices(x, {}).indices.item() == 5);
  CHECK(std::isnan(adaptive_max_pool3d(x, 1).values.item()));
}

TEST_CASE("a pool says in its own name what does not fit") {
  CHECK(message_of([] {
          max_pool1d(zeros({2, 3, 4, 5}), {});
        }) ==
        "[max_pool1d] expected [N,C,L] or [C,L], got [2,3,4,5]. Hint: unsqueeze(x, 0) adds "
        "channels or a batch of one, flatten() joins dimensions");
  CHECK(message_of([] {
          avg_pool3d(zeros({2, 3, 4}), {});
        }) ==
        "[avg_pool3d] expected [N,C,D,H,W] or [C,D,H,W], got [2,3,4]. Hint: unsqueeze(x, 0) adds "
        "channels or a batch of one, flatten() joins dimensions");
  CHECK(
      message_of([] {
        max_pool3d(zeros({1, 2, 4, 4, 1}), {});
      }) ==
      "[max_pool3d] the window [2,2,2] is larger than the padded input: input [1,2,4,4,1], "
      "padding [0,0,0], dilation [1,1,1]. Hint: use a smaller window or dilation, or more padding");
  CHECK(message_of([] {
          max_pool1d(zeros({1, 2, 4}), {.padding = 2});
        }) ==
        "[max_pool1d] padding [2] for kernel_size [2]. Hint: padding may be at most half of the "
        "kernel");
  CHECK(message_of([] {
          avg_pool1d(zeros({1, 2, 4}), {.stride = 0});
        }) ==
        "[avg_pool1d] kernel_size [2], stride [0], dilation [1] must be at least 1. Hint: 1 is the "
        "next element; without a stride, windows do not overlap");
  CHECK(message_of([] {
          adaptive_max_pool3d(zeros({2, 0, 4, 4, 4}), 2);
        }) ==
        "[adaptive_max_pool3d] only the batch may be empty, got [2,0,4,4,4]. Hint: there is "
        "nothing for a window to see");
  CHECK(message_of([] {
          adaptive_avg_pool1d(zeros({2, 3, 4}), 0);
        }) ==
        "[adaptive_avg_pool1d] output_size [0] must be at least 1. Hint: 1 averages or takes the "
        "largest of everything");
  CHECK_THROWS_AS(max_pool1d(zeros({1, 2, 4}, int64), {}), DTypeError);
  CHECK_THROWS_AS(avg_pool1d(zeros({1, 2, 4}), {.divisor_override = 0}), ValueError);
  CHECK_THROWS_AS(avg_pool1d(zeros({1, 2, 4}), {.dilation = 2}), ValueError);
}

TEST_CASE("alpha_dropout keeps mean 0 and variance 1") {
  Rng data(1), generator(2, Stream::dropout);
  const Tensor x = randn({400, 500}, data, float64);
  for (const double p : {0.1, 0.5, 0.8}) {
    const Tensor y = alpha_dropout(x, p, generator);
    CHECK(mean(y).item() == doctest::Approx(0).epsilon(0.01));
    CHECK(var(y).item() == doctest::Approx(1).epsilon(0.02));
  }
  CHECK(generator.position == static_cast<uint64_t>(3 * x.numel()));
}

TEST_CASE("alpha_dropout gives all that it drops one value, and scales the rest") {
  Rng generator(2);
  const double p = 0.25, alpha = 1.6732632423543772 * 1.0507009873554805;
  const double a = 1 / std::sqrt((1 - p) * (1 + p * alpha * alpha)), b = a * p * alpha;
  int dropped = 0;
  for (double y : values(alpha_dropout(ones({1000}, float64), p, generator))) {
    const bool is_dropped = std::abs(y - (b - a * alpha)) < 1e-12;
    dropped += is_dropped ? 1 : 0;
    CHECK((is_dropped || std::abs(y - (a + b)) < 1e-12));
  }
  CHECK(dropped == doctest::Approx(250).epsilon(0.15));
  CHECK(values(alpha_dropout(ones({3}, float64), 0, generator)) == std::vector<double>{1, 1, 1});
  CHECK(values(alpha_dropout(ones({3}, float64), 1, generator)) == std::vector<double>{0, 0, 0});
  CHECK_THROWS_AS(alpha_dropout(ones({3}), 1.5, generator), ValueError);
}

TEST_CASE("unflatten splits one dimension") {
  const Tensor x = zeros({2, 12, 5});
  CHECK(unflatten(x, 1, {3, 4}).shape() == Shape{2, 3, 4, 5});
  CHECK(unflatten(x, -2, {2, -1, 3}).shape() == Shape{2, 2, 2, 3, 5});
  CHECK(unflatten(zeros({0, 4}), 1, {2, -1}).shape() == Shape{0, 2, 2});
  CHECK(message_of([&] {
          unflatten(x, 1, {5, 2});
        }) ==
        "[unflatten] shape [5,2] does not hold the 12 elements of [12]. Hint: the product of all "
        "sizes stays; one may be -1, for what is left");
  CHECK(message_of([&] { unflatten(x, 1, {}); }) ==
        "[unflatten] cannot split dimension 1 of [2,12,5] into []. Hint: the product of the sizes "
        "is the size of the dimension");
  CHECK_THROWS_AS(unflatten(x, 3, {1}), IndexError);
}

TEST_CASE("a pool refuses the options of another") {
  const Tensor x = ones({1, 1, 4, 4, 4}), plane = ones({1, 1, 4, 4}), row = ones({1, 1, 4});
  CHECK(message_of([&] { max_pool2d(plane, {.divisor_override = 3}); }) ==
        "[max_pool2d] divisor_override is for averages. Hint: leave it out, or use avg_pool2d");
  CHECK(message_of([&] { max_pool1d_with_indices(row, {.count_include_pad = false}); }) ==
        "[max_pool1d] count_include_pad is for averages. Hint: leave it out, or use avg_pool1d");
  CHECK_THROWS_AS(max_pool1d(row, {.divisor_override = 3}), ValueError);
  CHECK_THROWS_AS(max_pool2d(plane, {.count_include_pad = false}), ValueError);
  CHECK_THROWS_AS(max_pool2d_with_indices(plane, {.divisor_override = 3}), ValueError);
  CHECK_THROWS_AS(max_pool3d(x, {.divisor_override = 3}), ValueError);
  CHECK_THROWS_AS(max_pool3d_with_indices(x, {.count_include_pad = false}), ValueError);
  CHECK_THROWS_AS(lp_pool1d(row, 2, {.divisor_override = 3}), ValueError);
  CHECK_THROWS_AS(lp_pool1d(row, 2, {.count_include_pad = false}), ValueError);
  CHECK(message_of([&] { lp_pool2d(plane, 2, {.divisor_override = 3}); }) ==
        "[lp_pool2d] divisor_override is for averages. Hint: leave it out, or use avg_pool2d");
  CHECK_THROWS_AS(lp_pool2d(plane, 2, {.count_include_pad = false}), ValueError);
}

TEST_CASE("max_unpool refuses sizes whose product overflows") {
  const int64_t huge = int64_t{1} << 40;
  CHECK_THROWS_AS(max_unpool2d(ones({1, 1, 1, 1}), zeros({1, 1, 1, 1}, int64), {huge, huge}),
                  Error);
  CHECK_THROWS_AS(
      max_unpool3d(ones({1, 1, 1, 1, 1}), zeros({1, 1, 1, 1, 1}, int64), {huge, huge, huge}),
      Error);
}

TEST_CASE("the tape shows pools of all dimensions with their options") {
  const Tensor x = ones({1, 2, 4, 4}).requires_grad_(), row = select(x, 0, 0);
  Tape tape;
  const auto last = [&] { return tape[tape.size() - 1]; };
  max_pool1d(row.detach().requires_grad_(), {.stride = 1});
  CHECK(std::string(last().op) == "max_pool1d");
  CHECK(tape.options(last()).starts_with("kernel_size=2, stride=1, padding=0, dilation=1"));
  adaptive_avg_pool2d(x, {1, 2});
  CHECK(std::string(last().op) == "adaptive_avg_pool2d");
  CHECK(tape.options(last()) == "output_size=[1,2]");
  adaptive_max_pool3d(x, 2);
  CHECK(std::string(last().op) == "adaptive_max_pool3d");
  lp_pool2d(x, 3, {.ceil_mode = true});
  max_unpool2d(x, zeros({1, 2, 4, 4}, int64), 4);
  upsample(x, {.scale_factor = 2, .mode = UpsampleMode::linear});
  std::vector<std::string> outer;  // spans that are in no other
  for (const SpanEntry& span : tape.spans()) {
    if (span.parent < 0) outer.push_back(span.name + ": " + span.options);
  }
  CHECK(outer == std::vector<std::string>{
                     "lp_pool2d: norm_type=3, kernel_size=2, stride=none, padding=0, dilation=1, "
                     "ceil_mode=true, count_include_pad=true, divisor_override=none",
                     "max_unpool2d: ",
                     "upsample: size=[], scale_factor=2, mode=linear, align_corners=false"});
}
