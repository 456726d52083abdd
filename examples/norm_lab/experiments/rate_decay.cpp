// Weight decay before a norm: it does not regularize, since the function does not depend on the
// length of the weights, but it changes the length, and so the effective learning rate.
#include <gradus/core/ops.h>
#include <gradus/optim/sgd.h>

#include <cmath>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace rate_decay_parts {

json trained(Norm norm, double rate, double decay, int64_t steps, uint64_t seed,
             const data::Batch& images, const data::Batch& test) {
  nn::Sequential net = mlp(norm, {.widths = {784, 100, 100, 10}, .bias = false});
  NamedTensors before_norms, others;
  for (const NamedTensor& parameter : net.named_parameters()) {
    (parameter.name.starts_with("fc") ? before_norms : others).push_back(parameter);
  }
  optim::SGD sgd(
      {{.parameters = before_norms, .lr = rate, .weight_decay = decay}, {.parameters = others}},
      {.lr = 0.05});
  const std::vector<double> losses =
      train(net, sgd, images, {.batch = 64, .steps = steps, .seed = seed});
  const double length = gradus::norm(before_norms[1].tensor.detach()).item();
  const bool diverged = !std::isfinite(losses.back()) || !std::isfinite(length);
  return {{"error", 100 * (diverged ? 0.9 : error_of(net, test))},
          {"train_loss", diverged ? NAN : loss_of(net, images)},
          {"length", length},
          {"effective", std::log10(rate / (length * length))}};
}

/// The share of the weights before norms that are below 1 % of the largest of their layer.
json sparsity(const char* kind, double decay, int64_t steps, uint64_t seed,
              const data::Batch& images, const data::Batch& test) {
  nn::Sequential net = mlp(Norm::batch, {.widths = {784, 100, 100, 10}, .bias = false});
  const bool is_l1 = std::string(kind) == "l1";
  optim::SGD sgd(net.named_parameters(),
                 {.lr = 0.1, .weight_decay = is_l1 ? 0 : decay, .l1_decay = is_l1 ? decay : 0});
  train(net, sgd, images, {.batch = 64, .steps = steps, .seed = seed});
  const Tensor w = abs(net.get_parameter("fc1.weight").detach());
  return {{"error", 100 * error_of(net, test)},
          {"near_zero", 100 * mean(to(w < max(w).item() * 0.01, float32)).item()}};
}

void run(Lab& lab) {
  const auto rates = lab.pick<std::vector<double>>({0.1, 1}, {0.03, 0.1, 0.3, 1, 3});
  const auto products = lab.pick<std::vector<double>>({1e-4, 1e-2}, {1e-4, 1e-3, 1e-2, 3e-2, 1e-1});
  const auto steps = lab.pick<int64_t>(60, 600), images = lab.pick<int64_t>(2000, 10000);
  for (const Norm norm : {Norm::none, Norm::batch}) {
    for (const double rate : rates) {
      for (const double product : products) {
        lab.measure(
            {{"norm", name_of(norm)}, {"rate", rate}, {"product", product}, {"steps", steps}},
            [&](uint64_t seed) {
              return trained(norm, rate, product / rate, steps, seed, lab.train_images(images),
                             lab.test_images(lab.pick<int64_t>(500, 2000)));
            });
      }
    }
  }
  for (const char* kind : {"l1", "l2"}) {
    for (const double decay : {0.0, 1e-4, 1e-3}) {
      lab.measure({{"kind", kind}, {"decay", decay}, {"steps", steps}}, [&](uint64_t seed) {
        return sparsity(kind, decay, steps, seed, lab.train_images(images),
                        lab.test_images(lab.pick<int64_t>(500, 2000)));
      });
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& map = section.figure("rate-decay-map", "Test error by rate, and rate times decay");
  map.see = "With batch norm, columns are nearly of one colour: only the product counts.";
  map.published =
      "Weight decay before a norm acts only through the effective rate (van Laarhoven "
      "2017; CIFAR-10)";
  auto& effective = section.figure("rate-decay-effective", "Effective rate after training");
  effective.x = {.label = "rate times decay", .log = true};
  effective.y = {.label = "log10 of rate / squared length"};
  effective.see = "For large products it depends on the product alone, as its square root.";
  for (const json& norm : results.distinct("norm")) {
    const Results some = results.where({{"norm", norm}});
    report::HeatMap errors = some.grid("rate", "product", "error");
    errors.title = norm.get<std::string>();
    errors.x = "rate times decay";
    errors.log = true;
    map.add(errors);
    if (norm != "batch") continue;  // without a norm the length counts for itself
    for (const json& rate : some.distinct("rate")) {
      effective.line(str("rate ", rate.get<double>()),
                     some.where({{"rate", rate}}).over("product", "effective"));
    }
  }
  auto& zeros = section.figure("rate-decay-sparse", "Weights near zero in the first layer");
  report::Bars bars{.value = {.label = "% below a hundredth of the largest"}};
  for (const json& decay : results.distinct("decay"))
    bars.groups.push_back(str(decay.get<double>()));
  for (const json& kind : results.distinct("kind")) {
    report::Curve curve = results.where({{"kind", kind}}).over("decay", "near_zero");
    curve.x.clear();
    bars.series.push_back({.name = kind == "l1" ? "L1 decay" : "L2 decay", .curve = curve});
  }
  zeros.add(bars);
  zeros.see = "L1 sends many weights to zero, L2 none.";
  zeros.settings = "batch norm, rate 0.1; groups are the strength of the decay";
}

}  // namespace rate_decay_parts

Experiment rate_decay() {
  return {.name = "rate-decay",
          .title = "Learning rate and weight decay",
          .paper = "van Laarhoven 2017, L2 regularization versus batch and weight normalization",
          .smaller =
              "Two hidden layers of 100 units, 600 steps of 64 on 10,000 digits; decay only "
              "of the weights before norms.",
          .run = rate_decay_parts::run,
          .draw = rate_decay_parts::draw};
}

}  // namespace gradus::lab
