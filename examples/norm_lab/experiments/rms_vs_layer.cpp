// What layer norm's mean is good for: error and time with it and without it.
#include <gradus/core/grad.h>
#include <gradus/core/ops.h>
#include <gradus/core/tape.h>
#include <gradus/nn/norm.h>
#include <gradus/optim/adam.h>

#include "../draw.h"
#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace rms_vs_layer_parts {

constexpr int64_t rows_per_call = 256;

std::unique_ptr<nn::Module> make_norm(const std::string& norm, int64_t size) {
  if (norm == "layer") return std::make_unique<nn::LayerNorm>(size);
  return std::make_unique<nn::RMSNorm>(size);
}

/// Forward and backward, so many times. How long it takes is in the seconds of the record.
json repeat(const std::string& norm, int64_t features, int64_t calls) {
  const auto layer = make_norm(norm, features);
  const Tensor x = randn({rows_per_call, features}).requires_grad_(), g = randn(x.shape());
  for (int64_t i = 0; i < calls; ++i) {
    Tape tape;
    const Tensor y = (*layer)(x);
    grad(y, {x}, {.gradient = g});
  }
  return {{"calls", calls}};
}

void run(Lab& lab) {
  const auto images = lab.pick<int64_t>(1024, 6016), epochs = lab.pick<int64_t>(3, 8);
  const auto work = lab.pick<int64_t>(20'000'000, 200'000'000);
  for (const std::string norm : {"layer", "root mean square"}) {
    lab.measure(
        {{"part", "error"}, {"norm", norm}, {"images", images}}, [&](uint64_t seed) -> json {
          nn::Sequential net =
              mlp([&](int64_t units, const Shape&) { return make_norm(norm, units); },
                  {.widths = {784, 128, 128, 10}});
          optim::Adam adam(net.named_parameters(), {.lr = 1e-3});
          train(net, adam, lab.train_images(images), {.steps = epochs * images / 64, .seed = seed});
          return {{"error", 100 * error_of(net, lab.test_images(lab.pick(1000, 5000)))}};
        });
  }
  for (const int64_t features : {64, 256, 1024, 4096}) {
    for (const std::string norm : {"layer", "root mean square"}) {
      lab.measure({{"part", "time"}, {"norm", norm}, {"features", features}}, [&](uint64_t) {
        return repeat(norm, features, work / (rows_per_call * features));
      });
    }
  }
}

/// Of forward and backward together, from the seconds that the measurements took.
Interval nanoseconds_per_element(const Results& results) {
  std::vector<double> times;
  for (const Record& record : results.records()) {
    const double elements =
        number(record.values["calls"]) * rows_per_call * number(record.settings["features"]);
    times.push_back(record.seconds * 1e9 / elements);
  }
  return mean_interval(times);
}

void draw(const Results& results, report::Section& section) {
  auto& errors = section.figure("rms-vs-layer-error", "Test error with and without the mean");
  errors.y = {.label = "test error, %"};
  errors.see = "The mean makes no difference to the error.";
  errors.published = "Comparable results in less time (Zhang & Sennrich 2019)";
  draw_bars(errors, results.where({{"part", "error"}}), "norm", "error");

  auto& times = section.figure("rms-vs-layer-time", "Time of one element, forward and backward");
  times.x = {.label = "features", .log = true};
  times.y = {.label = "nanoseconds per element", .from = 0};
  times.see = "The root mean square norm takes somewhat less time, or the same.";
  for (const json& norm : results.distinct("norm")) {
    report::Curve curve;
    for (const json& features : results.distinct("features")) {
      curve.x.push_back(number(features));
      add_interval(
          curve, nanoseconds_per_element(results.where({{"norm", norm}, {"features", features}})));
    }
    times.line(norm, curve);
  }
}

}  // namespace rms_vs_layer_parts

Experiment rms_vs_layer() {
  return {.name = "rms-vs-layer",
          .title = "Root mean square norm against layer norm: error and time",
          .paper = "Zhang & Sennrich 2019, Root mean square layer normalization",
          .smaller =
              "784-128-128-10, 6,016 digits, 8 epochs; a preview has 1,024 digits and 3 "
              "epochs. Times are of this machine, two measurements at once.",
          .run = rms_vs_layer_parts::run,
          .draw = rms_vs_layer_parts::draw};
}

}  // namespace gradus::lab
