// Ioffe and Szegedy's first experiment: a sigmoid net on binary images, with the distribution of
// what goes into one of its units.
#include <gradus/core/ops.h>
#include <gradus/nn/init.h>
#include <gradus/optim/sgd.h>

#include <algorithm>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace sigmoid_mlp_parts {

/// Pixels that are brighter than the mean become 1, the others 0.
data::Batch binary(const data::Batch& images) {
  return {to(images.x > 0.0, float32), images.y};
}

nn::Sequential sigmoid_net(Norm norm) {
  nn::Sequential net = mlp(norm, {.activation = [](const Tensor& x) { return sigmoid(x); }});
  for (const NamedTensor& parameter : net.named_parameters()) {
    if (parameter.tensor.dim() == 2) nn::normal_(parameter.tensor, 0, 0.1);
  }
  return net;
}

json trained(Norm norm, int64_t steps, uint64_t seed, const data::Batch& images,
             const data::Batch& test) {
  nn::Sequential net = sigmoid_net(norm);
  std::vector<double> unit;  // what goes into the first sigmoid of the last hidden layer
  net.get_submodule("norm3").add_forward_hook([&](nn::Module&, const Tensor&, const Tensor& y) {
    const std::vector<float> inputs = select(y.detach(), 1, 0).contiguous().to_vector<float>();
    unit.insert(unit.end(), inputs.begin(), inputs.end());
  });
  json at, error, low, middle, high;
  optim::SGD sgd(net.named_parameters(), {.lr = 0.1});
  const auto each = [&](int64_t step, double) {
    if (step % (steps / 40) != 0 && step != steps - 1) return true;
    unit.clear();
    error.push_back(100 * error_of(net, test));
    at.push_back(step);
    low.push_back(percentile(unit, 0.15));
    middle.push_back(median(unit));
    high.push_back(percentile(unit, 0.85));
    net.train();
    return true;
  };
  train(net, sgd, images, {.batch = 60, .steps = steps, .seed = seed, .each = each});
  int64_t steps_to_20 = steps;
  for (size_t i = error.size(); i-- > 0;) {
    if (error[i].get<double>() < 20) steps_to_20 = at[i].get<int64_t>();
  }
  double movement = 0;  // of the median, in units of the spread at the same time
  for (size_t i = 1; i < middle.size(); ++i) {
    const double spread = high[i].get<double>() - low[i].get<double>();
    movement += std::abs(middle[i].get<double>() - middle[i - 1].get<double>()) / spread;
  }
  return {{"step", at},
          {"error", error},
          {"p15", low},
          {"p50", middle},
          {"p85", high},
          {"final_error", error.back()},
          {"steps_to_20", steps_to_20},
          {"movement", movement / static_cast<double>(middle.size() - 1)}};
}

void run(Lab& lab) {
  const auto steps = lab.pick<int64_t>(200, 6000), images = lab.pick<int64_t>(2000, 10000);
  for (const Norm norm : vector_norms) {
    lab.measure({{"norm", name_of(norm)}, {"steps", steps}, {"images", images}},
                [&](uint64_t seed) {
                  return trained(norm, steps, seed, binary(lab.train_images(images)),
                                 binary(lab.test_images(lab.pick<int64_t>(500, 2000))));
                });
  }
}

void draw(const Results& results, report::Section& section) {
  auto& errors = section.figure("sigmoid-mlp-error", "Test error of a sigmoid net by step");
  errors.x = {.label = "step"};
  errors.y = {.label = "test error, %", .log = true};
  errors.see = "Without a norm the net stands still for long; with batch norm it learns at once.";
  errors.published =
      "MNIST, 50,000 steps of 60 images: curves without printed numbers (Ioffe & "
      "Szegedy 2015, Fig. 1a)";
  auto& unit = section.figure("sigmoid-mlp-unit",
                              "What goes into one sigmoid: 15th, 50th and 85th percentile");
  unit.x = {.label = "step"};
  unit.y = {.label = "input of the sigmoid"};
  unit.see = "Batch norm keeps the distribution in place; without it, it drifts.";
  unit.published = "The same percentiles, as curves (Fig. 1b and 1c)";
  for (const json& norm : results.distinct("norm")) {
    const Results some = results.where({{"norm", norm}});
    errors.line(norm.get<std::string>(), some.curve("step", "error"));
    auto& chart = unit.chart(norm.get<std::string>());
    report::Curve band = some.curve("step", "p50");
    band.low = some.curve("step", "p15").y;
    band.high = some.curve("step", "p85").y;
    chart.line(norm.get<std::string>(), band);
    for (const double y : band.low) unit.y.from = std::min(unit.y.from.value_or(0), y);
    for (const double y : band.high) unit.y.to = std::max(unit.y.to.value_or(0), y);
  }
  unit.seeds = "means over the seeds; the band is from the 15th to the 85th percentile";
}

}  // namespace sigmoid_mlp_parts

Experiment sigmoid_mlp() {
  return {.name = "sigmoid-mlp",
          .title = "Batch norm in a sigmoid net",
          .paper = "Ioffe & Szegedy 2015, Fig. 1",
          .smaller =
              "The paper's net, 784-100-100-100-10, with weights of standard deviation 0.1 "
              "and rate 0.1; 6,000 steps rather than 50,000, and 10,000 images.",
          .run = sigmoid_mlp_parts::run,
          .draw = sigmoid_mlp_parts::draw};
}

}  // namespace gradus::lab
