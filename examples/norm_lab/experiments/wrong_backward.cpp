// A well-known mistake: normalize with the biased variance, divided by M, but differentiate as if
// it had been divided by M - 1. For large sets nobody notices.
#include "../experiment.h"
#include "../microscope.h"

namespace gradus::lab {

namespace wrong_backward_parts {

json measured(int64_t m) {
  const Tensor x = randn({1, m}, float64), u = randn({1, m}, float64);
  const Parts parts = parts_of(x, 0);
  const Tensor centred = u - mean(u, {1}, true), along = sum(u * parts.x_hat, {1}, true);
  const auto n = static_cast<double>(m);
  const Tensor right = parts.r * (centred - parts.x_hat * along / n);
  const Tensor wrong = parts.r * (centred - parts.x_hat * along / (n - 1));
  return {{"error", norm(wrong - right).item() / norm(right).item()}};
}

void run(Lab& lab) {
  for (const int64_t m : {3, 4, 8, 16, 32, 64, 128, 512, 1600}) {
    lab.measure({{"elements", m}}, lab.pick<int64_t>(20, 200),
                [&](uint64_t) { return measured(m); });
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure =
      section.figure("wrong-backward", "Relative error of the gradient by size of a set");
  figure.x = {.label = "elements of a set", .log = true};
  figure.y = {.label = "median of the relative error", .log = true};
  figure.see =
      "A test with a tolerance of 1 % finds the mistake only in sets of less than some 30 "
      "elements.";
  figure.published = "computed in the same way elsewhere: 15 % at M = 4, 2.7 % at 8, 0.5 % at 32";
  figure.settings = "x and u normal, float64, eps 0";
  report::Curve curve;
  for (const json& m : results.distinct("elements")) {
    const Interval error = results.where({{"elements", m}}).median("error");
    curve.x.push_back(m.get<double>());
    curve.y.push_back(error.mean);
    curve.low.push_back(error.low);
    curve.high.push_back(error.high);
  }
  figure.line("relative error", curve);
  figure.seeds = "medians over many random inputs; the band is their 95 % interval by bootstrap";
}

}  // namespace wrong_backward_parts

Experiment wrong_backward() {
  return {.name = "wrong-backward",
          .title = "The wrong backward pass",
          .paper = "docs/normalization.md, Backward",
          .smaller = "",
          .run = wrong_backward_parts::run,
          .draw = wrong_backward_parts::draw};
}

}  // namespace gradus::lab
