// Weights before a norm have no scale, so any fixed learning rate will do: what is too large for
// them makes them longer, and so the next step smaller.
#include <gradus/core/ops.h>
#include <gradus/optim/sgd.h>

#include <cmath>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace lr_decades_parts {

constexpr double usual_rate = 0.05;  // of weights that have a scale

/// Weights before norms get `rate`, all others the usual one.
json trained(Norm norm, double rate, int64_t steps, uint64_t seed, const data::Batch& images,
             const data::Batch& test) {
  nn::Sequential net = mlp(norm, {.widths = {784, 100, 100, 10}, .bias = false});
  NamedTensors before_norms, others;
  for (const NamedTensor& parameter : net.named_parameters()) {
    (parameter.name.starts_with("fc") ? before_norms : others).push_back(parameter);
  }
  optim::SGD sgd({{.parameters = before_norms, .lr = rate}, {.parameters = others}},
                 {.lr = usual_rate});
  const Tensor& weight = before_norms[1].tensor;
  const double initial = gradus::norm(weight.detach()).item();
  json at, lengths;
  double recent = 0;
  const auto each = [&](int64_t step, double loss) {
    recent = step == 0 ? loss : 0.95 * recent + 0.05 * loss;
    if (step % (steps / 20) == 0) {
      at.push_back(step);
      lengths.push_back(gradus::norm(weight.detach()).item() / initial);
    }
    return true;
  };
  const std::vector<double> losses =
      train(net, sgd, images, {.batch = 64, .steps = steps, .seed = seed, .each = each});
  const bool diverged = !std::isfinite(losses.back());
  return {{"step", at},
          {"length", lengths},
          {"final_length", diverged ? NAN : lengths.back().get<double>()},
          {"loss", diverged ? NAN : recent},
          {"diverged", diverged ? 1 : 0},
          {"error", 100 * (diverged ? 0.9 : error_of(net, test))}};
}

void run(Lab& lab) {
  const std::vector<double> rates = lab.pick<std::vector<double>>(
      {0.01, 0.1, 1, 10, 100}, {0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100});
  const auto steps = lab.pick<int64_t>(60, 600), images = lab.pick<int64_t>(2000, 10000);
  for (const Norm norm : vector_norms) {
    for (const double rate : rates) {
      lab.measure({{"norm", name_of(norm)}, {"rate", rate}, {"steps", steps}, {"images", images}},
                  [&](uint64_t seed) {
                    return trained(norm, rate, steps, seed, lab.train_images(images),
                                   lab.test_images(lab.pick<int64_t>(500, 2000)));
                  });
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& errors = section.figure("lr-decades-error",
                                "Test error against the rate of weights that a "
                                "norm follows");
  errors.x = {.label = "learning rate of the weights before norms", .log = true};
  errors.y = {.label = "test error, %", .log = true};
  errors.see = "With a norm, rates over four decades work; without one, large ones do not.";
  errors.published = "Any fixed rate will do for weights without a scale (Arora, Li & Lyu 2018)";
  auto& lengths = section.figure("lr-decades-length", "Length of the second layer's weights");
  lengths.x = {.label = "step"};
  lengths.y = {.label = "length, at the start 1", .log = true};
  lengths.see =
      "The larger the rate, the longer the weights become, and the smaller the next step.";
  for (const json& norm : results.distinct("norm")) {
    const Results some = results.where({{"norm", norm}});
    errors.line(norm.get<std::string>(), some.over("rate", "error"));
    if (norm != "batch" && norm != "layer") continue;
    auto& chart = lengths.chart(norm.get<std::string>());
    for (const double rate : {0.01, 0.1, 1.0, 10.0, 100.0}) {
      chart.line(str("rate ", rate), some.where({{"rate", rate}}).curve("step", "length"));
    }
  }
}

}  // namespace lr_decades_parts

Experiment lr_decades() {
  return {.name = "lr-decades",
          .title = "Learning rates over four decades",
          .paper =
              "Arora, Li & Lyu 2018, Theoretical analysis of auto rate-tuning by batch "
              "normalization",
          .smaller =
              "Two hidden layers of 100 units, 600 steps of 64 on 10,000 digits. Weights and "
              "biases of norms and the last layer have the rate 0.05.",
          .run = lr_decades_parts::run,
          .draw = lr_decades_parts::draw};
}

}  // namespace gradus::lab
