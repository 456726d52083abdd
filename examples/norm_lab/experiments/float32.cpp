// The variance in float32 of numbers far from 0, and what becomes of the gradient: the mean of
// squares minus the square of the mean loses all digits, two passes lose few.
#include <gradus/core/grad.h>

#include "../experiment.h"
#include "../microscope.h"

namespace gradus::lab {

namespace float32_parts {

constexpr int64_t count = 4096;
constexpr double least_error = 1e-9;  // shown for 0, which a logarithm cannot show

float one_pass(const std::vector<float>& x) {
  float sum = 0, squares = 0;
  for (const float value : x) {
    sum += value;
    squares += value * value;
  }
  const auto n = static_cast<float>(x.size());
  return squares / n - (sum / n) * (sum / n);
}

float two_passes(const std::vector<float>& x) {
  float sum = 0, squares = 0;
  for (const float value : x) sum += value;
  const float mean = sum / static_cast<float>(x.size());
  for (const float value : x) squares += (value - mean) * (value - mean);
  return squares / static_cast<float>(x.size());
}

/// dx of a batch norm of one channel in the type of x.
Tensor gradient_at(const Tensor& x, const Tensor& g) {
  Tensor leaf = x.clone();
  leaf.requires_grad_();
  Tape tape;
  return grad(normalized(leaf, Norm::batch, 1e-12), {leaf}, {.gradient = g})[0];
}

json measured(double offset) {
  const Tensor x = to(randn({count, 1}, float64) + offset, float32), exact = to(x, float64);
  const double truth = var(exact, {}, 0).item();
  const std::vector<float> values = x.to_vector<float>();
  const auto error = [&](double variance) {
    return std::max(std::abs(variance - truth) / truth, least_error);
  };
  const Tensor g = randn({count, 1}, float64);
  const Tensor dx = gradient_at(exact, g);
  const Tensor rounded = to(gradient_at(x, to(g, float32)), float64);
  return {{"one_pass", error(one_pass(values))},
          {"two_passes", error(two_passes(values))},
          {"library", error(batch_norm_train(x).variance.item())},
          {"one_pass_negative", one_pass(values) < 0 ? 1 : 0},
          {"gradient", std::max(norm(rounded - dx).item() / norm(dx).item(), least_error)}};
}

void run(Lab& lab) {
  for (const double offset : {1.0, 10.0, 100.0, 1e3, 1e4, 1e5}) {
    lab.measure({{"offset", offset}}, [&](uint64_t) { return measured(offset); });
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("float32-variance", "Relative error in float32 by offset");
  figure.x = {.label = "mean of the numbers, their standard deviation is 1", .log = true};
  figure.y = {.label = "relative error", .log = true};
  figure.see =
      "One pass is useless from an offset of some 1,000 on, where its variance can be "
      "negative; the library's has all digits.";
  figure.settings =
      "4,096 normal numbers, rounded to float32 first; the truth is float64's of the "
      "same numbers";
  figure.line("mean of squares minus squared mean", results.over("offset", "one_pass"));
  figure.line("two passes, plain sums", results.over("offset", "two_passes"));
  figure.line("this library", results.over("offset", "library"));
  figure.line("its gradient of batch norm", results.over("offset", "gradient"));
}

}  // namespace float32_parts

Experiment float32_statistics() {
  return {.name = "float32",
          .title = "Statistics in float32",
          .paper = "docs/normalization.md, Numbers",
          .smaller = "",
          .run = float32_parts::run,
          .draw = float32_parts::draw};
}

}  // namespace gradus::lab
