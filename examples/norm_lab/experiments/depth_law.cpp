// How gradients grow towards the input of a net that has not been trained.
//
// With batch norm the squared length of the gradient grows by the same factor in every layer, and
// in the limit of wide nets this factor is known: (B - 2) / (B - 3) without an activation, and
// pi / (pi - 1) with relu and a large batch B.
#include <gradus/core/grad.h>
#include <gradus/core/ops.h>

#include <cmath>
#include <numbers>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace {

const double relu_limit = std::numbers::pi / (std::numbers::pi - 1);

double linear_rate(double batch) {
  return (batch - 2) / (batch - 3);
}

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
  const auto depth = lab.pick<int64_t>(12, 22), width = lab.pick<int64_t>(128, 512);
  const int64_t seeds = lab.pick<int64_t>(lab.seeds(), std::max<int64_t>(lab.seeds(), 10));
  for (const Norm norm : vector_norms) {
    for (const bool with_relu : {false, true}) {
      for (const int64_t batch : {8, 16, 32, 64, 128, 256}) {
        const Net net{norm, with_relu, batch, width, depth};
        if (batch > 32 && norm != Norm::batch) continue;  // theirs do not depend on it
        lab.measure({{"norm", name_of(norm)},
                     {"activation", with_relu ? "relu" : "linear"},
                     {"batch", batch},
                     {"width", width},
                     {"depth", depth}},
                    seeds, [&](uint64_t) -> json {
                      const std::vector<double> squares = squared_gradients(net);
                      std::vector<double> relative;
                      for (const double s : squares) relative.push_back(s / squares.back());
                      return {{"rate", rate_of(squares)}, {"squares", relative}};
                    });
      }
    }
  }
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
      theory.y.push_back(is_linear ? linear_rate(batch) : relu_limit);
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
          .smaller = "22 layers of 512 units on random inputs; a preview has 12 of 128.",
          .run = run,
          .draw = draw};
}

}  // namespace gradus::lab
