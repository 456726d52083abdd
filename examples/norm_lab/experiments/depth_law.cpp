// How gradients grow towards the input of a net that has not been trained: with batch norm their
// squared length grows by the same factor in every layer. For wide nets it is known.
#include <gradus/core/grad.h>
#include <gradus/core/ops.h>

#include <cmath>
#include <numbers>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace depth_law_parts {

/// The factors for wide nets, with relu for large batches.
double linear_theory(double batch) {
  return (batch - 2) / (batch - 3);
}
const double relu_theory = std::numbers::pi / (std::numbers::pi - 1);

struct Net {
  Norm norm;
  bool with_relu;
  int64_t batch, width, depth;
};

/// Squared lengths of the gradients with respect to the layers' inputs of the norms, the first
/// layer first, for a random gradient of the last.
std::vector<double> squared_gradients(const Net& net) {
  Tensor x = randn({net.batch, net.width});
  x.requires_grad_();
  Tape tape;
  std::vector<Tensor> before_norms;
  for (int64_t layer = 0; layer < net.depth; ++layer) {
    const double gain = net.with_relu ? 2 : 1;  // keeps the variance if there is no norm
    const double scale = std::sqrt(gain / static_cast<double>(net.width));
    before_norms.push_back(linear(x, randn({net.width, net.width}) * scale));
    x = normalized(before_norms.back(), net.norm, 0);
    if (net.with_relu) x = relu(x);
  }
  std::vector<double> squares;
  const std::vector<Tensor> gradients = grad(x, before_norms, {.gradient = randn(x.shape())});
  squares.reserve(gradients.size());
  for (const Tensor& g : gradients) squares.push_back(sum(square(g)).item());
  return squares;
}

void run(Lab& lab) {
  const auto depth = lab.pick<int64_t>(12, 14), width = lab.pick<int64_t>(128, 1536);
  const auto measure = [&](const Net& net, int64_t seeds) {
    lab.measure({{"norm", name_of(net.norm)},
                 {"activation", net.with_relu ? "relu" : "linear"},
                 {"batch", net.batch},
                 {"width", net.width},
                 {"depth", net.depth}},
                seeds, [&](uint64_t seed) -> json {
                  // Or nets for all sizes of the batch would have the same weights.
                  manual_seed(1000 * seed + static_cast<uint64_t>(net.batch));
                  std::vector<double> squares = squared_gradients(net);
                  for (double& square : squares) square /= squares.back();
                  const std::span<const double> inner(squares.begin() + 1, squares.end() - 3);
                  return {{"rate", 1 / growth_of(inner)}, {"squares", squares}};
                });
  };
  const int64_t seeds = lab.seeds(), more = lab.full() ? 5 * seeds : seeds;
  for (const bool with_relu : {false, true}) {
    for (const int64_t batch : {8, 16, 32, 64, 128, 256}) {
      if (batch <= 64 || with_relu) measure({Norm::batch, with_relu, batch, width, depth}, more);
    }
    for (const Norm norm : {Norm::none, Norm::layer, Norm::group}) {
      for (const int64_t batch : {8, 32}) {  // they do not depend on it
        measure({norm, with_relu, batch, lab.pick<int64_t>(128, 512), depth}, seeds);
      }
    }
  }
}

/// The rates with batch norm, and with relu also for an infinite batch, beside the theory: what a
/// finite one adds is proportional to 1 / B, as long as B is small against the width.
std::string rates_beside_theory(const Results& results) {
  const auto rates = [&](const char* activation, double batch) {
    return results.where({{"norm", "batch"}, {"activation", activation}, {"batch", batch}})
        .each("rate");
  };
  std::string text;
  for (const double b : {8, 16, 32, 64}) {
    text += str("B = ", b, ": ", text_of(mean_interval(rates("linear", b)), 4), ", theory ",
                fixed(linear_theory(b), 3), "; ");
  }
  const Interval relu = mean_interval(limits_of(rates("relu", 128), rates("relu", 64)));
  return str(text, "relu, extrapolated from 64 and 128 to an infinite batch: ", text_of(relu, 4));
}

void draw(const Results& results, report::Section& section) {
  auto& rates = section.figure("depth-law-rate", "Growth of the squared gradient per layer");
  rates.x = {.label = "batch size", .log = true};
  rates.y = {.label = "factor per layer"};
  rates.see =
      "With batch norm gradients grow in every layer, by the factor that theory gives (for 64 "
      "images the nets are not quite wide enough); with the others they do not.";
  rates.published =
      "Batch norm, wide nets: (B - 2) / (B - 3) without an activation; towards "
      "π / (π - 1) = 1.467 with relu as B grows (Yang et al. 2019, Theorem 8)";
  rates.ours = rates_beside_theory(results);
  for (const char* activation : {"linear", "relu"}) {
    auto& chart = rates.chart(activation);
    report::Curve theory;
    for (const char* norm : {"none", "layer", "group", "batch"}) {
      const Results some = results.where({{"norm", norm}, {"activation", activation}});
      chart.points(norm, some.over("batch", "rate"));
      theory.x = some.over("batch", "rate").x;
    }
    const bool is_linear = std::string(activation) == "linear";
    for (const double batch : theory.x) {
      theory.y.push_back(is_linear ? linear_theory(batch) : relu_theory);
    }
    chart.dashed(is_linear ? "theory" : "theory, infinite batch", theory);
  }

  auto& layers = section.figure("depth-law-layers", "Squared gradient by layer, batch of 32, relu");
  layers.x = {.label = "layer"};
  layers.y = {.label = "squared gradient, that of the last layer is 1", .log = true};
  layers.see = "A straight line: the same factor in every layer.";
  const Results at_32 = results.where({{"activation", "relu"}, {"batch", 32}});
  for (const char* norm : {"none", "layer", "group", "batch"}) {
    layers.line(norm, at_32.where({{"norm", norm}}).curve("", "squares"));
  }
}

}  // namespace depth_law_parts

Experiment depth_law() {
  return {
      .name = "depth-law",
      .title = "Gradients against depth, before training",
      .paper = "Yang et al. 2019, A mean field theory of batch normalization",
      .smaller =
          "14 layers of 1,536 units (512 without batch norm) on random inputs; a preview has 12 of "
          "128. Theory is for infinite width.",
      .run = depth_law_parts::run,
      .draw = depth_law_parts::draw};
}

}  // namespace gradus::lab
