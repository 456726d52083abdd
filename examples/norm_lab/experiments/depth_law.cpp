// How gradients grow towards the input of a net that has not been trained.
//
// With batch norm the squared length of the gradient grows by the same factor in every layer. For
// wide nets it is known: (B - 2) / (B - 3), or with relu and large batches B pi / (pi - 1).
#include <gradus/core/grad.h>
#include <gradus/core/ops.h>

#include <cmath>
#include <numbers>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace {

const double relu_limit = std::numbers::pi / (std::numbers::pi - 1);

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
    const Tensor w =
        randn({net.width, net.width}) * std::sqrt(gain / static_cast<double>(net.width));
    before_norms.push_back(linear(x, w));
    x = normalized(before_norms.back(), net.norm, 0);
    if (net.with_relu) x = relu(x);
  }
  std::vector<double> squares;
  for (const Tensor& g : grad(x, before_norms, {.gradient = randn(x.shape())})) {
    squares.push_back(sum(square(g)).item());
  }
  return squares;
}

/// The factor per layer, away from both ends.
double rate_of(const std::vector<double>& squares) {
  std::vector<double> layers, logarithms;
  for (size_t i = 1; i + 3 < squares.size(); ++i) {
    layers.push_back(-static_cast<double>(i));
    logarithms.push_back(std::log(squares[i]));
  }
  return std::exp(fit_line(layers, logarithms).slope);
}

void run(Lab& lab) {
  const auto depth = lab.pick<int64_t>(12, 14), width = lab.pick<int64_t>(128, 1536);
  const int64_t seeds = lab.pick<int64_t>(lab.seeds(), std::max<int64_t>(lab.seeds(), 10));
  const auto measure = [&](const Net& net) {
    lab.measure({{"norm", name_of(net.norm)},
                 {"activation", net.with_relu ? "relu" : "linear"},
                 {"batch", net.batch},
                 {"width", net.width},
                 {"depth", net.depth}},
                seeds, [&](uint64_t) -> json {
                  const std::vector<double> squares = squared_gradients(net);
                  std::vector<double> relative;
                  for (const double s : squares) relative.push_back(s / squares.back());
                  return {{"rate", rate_of(squares)}, {"squares", relative}};
                });
  };
  for (const bool with_relu : {false, true}) {
    for (const int64_t batch : {8, 16, 32, 64, 128, 256}) {
      if (batch <= 64 || with_relu) measure({Norm::batch, with_relu, batch, width, depth});
    }
    for (const Norm norm : {Norm::none, Norm::layer, Norm::group}) {
      for (const int64_t batch : {8, 32}) {  // they do not depend on it
        measure({norm, with_relu, batch, lab.pick<int64_t>(128, 512), depth});
      }
    }
  }
}

/// The rate with relu for an infinite batch, since it is linear in 1 / B: 2 at(256) - at(128).
Interval limit_of(const Results& with_relu) {
  std::vector<double> limits = with_relu.where({{"norm", "batch"}, {"batch", 256}}).each("rate");
  const auto half = with_relu.where({{"norm", "batch"}, {"batch", 128}}).each("rate");
  limits.resize(std::min(limits.size(), half.size()));
  for (size_t seed = 0; seed < limits.size(); ++seed) limits[seed] = 2 * limits[seed] - half[seed];
  return mean_interval(limits);
}

void draw(const Results& results, report::Section& section) {
  auto& rates = section.figure("depth-law-rate", "Growth of the squared gradient per layer");
  rates.x = {.label = "batch size", .log = true};
  rates.y = {.label = "factor per layer"};
  rates.see =
      "With batch norm gradients grow in every layer, by the factor that theory gives; with "
      "the others they do not.";
  rates.published =
      "Batch norm, wide nets: (B - 2) / (B - 3) without an activation; towards "
      "π / (π - 1) = 1.467 with relu as B grows (Yang et al. 2019, Theorem 8)";
  const Interval limit = limit_of(results.where({{"activation", "relu"}}));
  rates.ours =
      str("relu, extrapolated to an infinite batch from 128 and 256: ", fixed(limit.mean, 3), " (",
          fixed(limit.low, 3), " to ", fixed(limit.high, 3), ")");
  for (const char* activation : {"linear", "relu"}) {
    auto& chart = rates.chart(activation);
    report::Curve theory;
    for (const json& norm : results.distinct("norm")) {
      const Results some = results.where({{"norm", norm}, {"activation", activation}});
      chart.points(norm.get<std::string>(), some.over("batch", "rate"));
      if (norm == "batch") theory.x = some.over("batch", "rate").x;
    }
    const bool is_linear = std::string(activation) == "linear";
    for (const double batch : theory.x) {
      theory.y.push_back(is_linear ? (batch - 2) / (batch - 3) : relu_limit);
    }
    chart.dashed(is_linear ? "theory" : "theory, infinite batch", theory);
  }

  auto& layers = section.figure("depth-law-layers", "Squared gradient by layer, batch of 32, relu");
  layers.x = {.label = "layer"};
  layers.y = {.label = "squared gradient, that of the last layer is 1", .log = true};
  layers.see = "A straight line: the same factor in every layer.";
  for (const json& norm : results.distinct("norm")) {
    layers.line(norm.get<std::string>(),
                results.where({{"norm", norm}, {"activation", "relu"}, {"batch", 32}})
                    .curve("", "squares"));
  }
}

}  // namespace

Experiment depth_law() {
  return {.name = "depth-law",
          .title = "Gradients against depth, before training",
          .paper = "Yang et al. 2019, A mean field theory of batch normalization",
          .smaller =
              "14 layers of 1,536 units (512 without batch norm) on random inputs; a preview has "
              "12 of 128. Theory is for infinitely wide nets.",
          .run = run,
          .draw = draw};
}

}  // namespace gradus::lab
