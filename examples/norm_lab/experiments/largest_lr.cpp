// How large a learning rate each norm can take: the same net at rates over four decades.
#include <gradus/optim/sgd.h>

#include <cmath>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace largest_lr_parts {

/// A net that has learned something has less than half of its test images wrong.
constexpr double learned = 0.5;

json swept(Norm norm, const std::vector<double>& rates, int64_t steps, uint64_t seed,
           const data::Batch& images, const data::Batch& test) {
  json error;
  double largest = rates[0], best = 1, best_rate = rates[0];
  for (const double rate : rates) {
    manual_seed(seed);
    nn::Sequential net = cnn(norm, {8, 16, 16});
    optim::SGD sgd(net.named_parameters(), {.lr = rate});
    train(net, sgd, images, {.batch = 64, .steps = steps, .seed = seed});
    const double wrong = error_of(net, test);
    error.push_back(100 * wrong);
    if (wrong < learned) largest = rate;
    if (wrong < best) best_rate = rate;
    best = std::min(best, wrong);
  }
  return {{"rate", rates},
          {"error", error},
          {"largest", std::log10(largest)},
          {"best_error", 100 * best},
          {"best_rate", std::log10(best_rate)},
          {"error_at_smallest", error[0]}};
}

void run(Lab& lab) {
  const std::vector<double> rates = lab.pick<std::vector<double>>(
      {0.01, 0.1, 1, 10}, {0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30});
  const auto steps = lab.pick<int64_t>(40, 300), images = lab.pick<int64_t>(2000, 10000);
  for (const Norm norm : all_norms) {
    lab.measure({{"norm", name_of(norm)}, {"steps", steps}, {"images", images}},
                [&](uint64_t seed) {
                  return swept(norm, rates, steps, seed, lab.train_images(images),
                               lab.test_images(lab.pick<int64_t>(500, 2000)));
                });
  }
}

void draw(const Results& results, report::Section& section) {
  auto& errors = section.figure("largest-lr-error", "Test error against the learning rate");
  errors.x = {.label = "learning rate", .log = true};
  errors.y = {.label = "test error, %", .log = true};
  errors.see = "Nets with a norm learn at rates at which the one without does not.";
  errors.published =
      "ResNet-110, CIFAR-10: without batch norm only small rates converge; large "
      "ones need it and test better (Bjorck et al. 2018)";
  auto& largest = section.figure("largest-lr-largest", "Largest rate at which a net learns");
  report::Bars bars{.value = {.label = "learning rate"}};
  report::Series series{.name = "largest rate"};
  for (const json& norm : results.distinct("norm")) {
    const Results some = results.where({{"norm", norm}});
    errors.line(norm.get<std::string>(), some.curve("rate", "error"));
    const Interval rate = some.mean("largest");
    bars.groups.push_back(norm);
    series.curve.y.push_back(std::pow(10, rate.mean));
    series.curve.low.push_back(std::pow(10, rate.low));
    series.curve.high.push_back(std::pow(10, rate.high));
  }
  bars.series.push_back(series);
  largest.add(bars);
  largest.see =
      "The largest of the rates with a test error below one half; geometric means over the seeds.";
  largest.settings = "plain SGD, batches of 64";
}

}  // namespace largest_lr_parts

Experiment largest_lr() {
  return {.name = "largest-lr",
          .title = "Largest stable learning rate",
          .paper = "Bjorck et al. 2018, Understanding batch normalization",
          .smaller =
              "Three convolutions of 8, 16 and 16 channels and 300 steps on 10,000 digits, "
              "rather than ResNet-110 on CIFAR-10.",
          .run = largest_lr_parts::run,
          .draw = largest_lr_parts::draw};
}

}  // namespace gradus::lab
