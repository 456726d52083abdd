// The distribution of gradients before training: without a norm, a few weights of a deep net get
// most of the gradient.
#include <gradus/core/ops.h>

#include <algorithm>
#include <cmath>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace heavy_tails_parts {

json measured(Norm norm, int64_t layers, const data::Batch& images) {
  MlpShape shape{.widths = {784}};
  shape.widths.insert(shape.widths.end(), static_cast<size_t>(layers), 100);
  shape.widths.push_back(10);
  nn::Sequential net = mlp(norm, shape);
  he_initialize(net);
  const std::vector<Tensor> gradients = gradient_of(net, images);
  const NamedTensors names = net.named_parameters();
  const std::string middle = str("fc", layers / 2, ".weight");
  std::vector<double> sizes, values;
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (names[i].name != middle) continue;
    values = to(gradients[i], float64).to_vector<double>();
  }
  for (const double value : values) sizes.push_back(std::abs(value));
  json shares;
  const std::vector<double> places = {0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999};
  const double typical = std::max(median(sizes), 1e-30);
  json rarities;
  for (const double place : places) {
    rarities.push_back(1 - place);
    shares.push_back(percentile(sizes, place) / typical);
  }
  return {{"rarity", rarities},
          {"size", shares},
          {"kurtosis", excess_kurtosis(values)},
          {"largest", *std::max_element(sizes.begin(), sizes.end()) / typical}};
}

void run(Lab& lab) {
  for (const Norm norm : vector_norms) {
    for (const int64_t layers : {4, 20}) {
      lab.measure({{"norm", name_of(norm)}, {"layers", layers}},
                  [&](uint64_t) { return measured(norm, layers, lab.train_images(256)); });
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("heavy-tails-size", "Size of the largest gradients");
  figure.x = {.label = "share of weights with a larger one", .log = true};
  figure.y = {.label = "size, the median is 1", .log = true};
  figure.see = "The steeper towards the left, the heavier the tail.";
  figure.published =
      "ResNet-110 at the start: heavy tails without batch norm, light ones with it "
      "(Bjorck et al. 2018; histograms without printed numbers)";
  figure.settings = "weights of the middle layer, 256 images";
  for (const json& layers : results.distinct("layers")) {
    auto& chart = figure.chart(str(layers.get<int64_t>(), " layers"));
    for (const json& norm : results.distinct("norm")) {
      const Results some = results.where({{"norm", norm}, {"layers", layers}});
      chart.line(norm.get<std::string>(), some.curve("rarity", "size"));
    }
  }
}

}  // namespace heavy_tails_parts

Experiment heavy_tails() {
  return {.name = "heavy-tails",
          .title = "Tails of the gradient before training",
          .paper = "Bjorck et al. 2018, Understanding batch normalization",
          .smaller = "4 and 20 layers of 100 units, rather than ResNet-110.",
          .run = heavy_tails_parts::run,
          .draw = heavy_tails_parts::draw};
}

}  // namespace gradus::lab
