// What a norm costs: time of a forward and a backward pass, and memory that the tape keeps.
#include <gradus/core/grad.h>
#include <gradus/core/ops.h>
#include <gradus/train/progress.h>

#include <algorithm>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace cost_parts {

json measured(Norm norm, int64_t batch, int64_t repetitions) {
  const Shape shape = {batch, 32, 14, 14};
  const std::unique_ptr<nn::Module> layer = norm_layer(norm, 32, {14, 14});
  const Tensor x = randn(shape), g = randn(shape);
  std::vector<Tensor> inputs = weights_of(*layer);
  inputs.push_back(x.clone().requires_grad_());
  std::vector<double> times;
  int64_t saved = 0;
  for (int64_t i = 0; i < repetitions; ++i) {
    const training::Stopwatch watch;
    Tape tape;
    const Tensor y = (*layer)(inputs.back());
    saved = tape.saved_bytes();
    grad(y, inputs, {.gradient = g});
    times.push_back(watch.seconds());
  }
  int64_t buffers = 0;
  for (const NamedTensor& buffer : layer->named_buffers()) buffers += buffer.tensor.nbytes();
  return {{"microseconds", 1e6 * *std::min_element(times.begin(), times.end())},
          {"saved_bytes", saved},
          {"parameters", layer->parameter_count()},
          {"buffer_bytes", buffers}};
}

void run(Lab& lab) {
  for (const int64_t batch : {4, 64}) {
    for (const Norm norm : {Norm::batch, Norm::layer, Norm::instance, Norm::group}) {
      lab.measure({{"norm", name_of(norm)}, {"batch", batch}},
                  [&](uint64_t) { return measured(norm, batch, lab.pick<int64_t>(20, 200)); });
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("cost", "Time of a forward and a backward pass of one norm");
  figure.see = "The four norms differ little: all read and write the same numbers.";
  figure.settings =
      "[4 or 64, 32, 14, 14], float32, the fastest of many repetitions; times differ "
      "from run to run";
  for (const json& batch : results.distinct("batch")) {
    report::Bars bars{.title = str("batch of ", batch.get<int64_t>()),
                      .value = {.label = "microseconds"}};
    report::Series series{.name = "microseconds"};
    for (const json& norm : results.distinct("norm")) {
      const Interval time = results.where({{"norm", norm}, {"batch", batch}}).mean("microseconds");
      bars.groups.push_back(norm);
      series.curve.y.push_back(time.mean);
      series.curve.low.push_back(time.low);
      series.curve.high.push_back(time.high);
    }
    bars.series.push_back(series);
    figure.add(bars);
  }
}

}  // namespace cost_parts

Experiment cost() {
  return {.name = "cost",
          .title = "Time and memory of a norm",
          .paper = "popular claims 6 and 13",
          .smaller = "One layer on one thread; other layers and sizes: `bench_norm`.",
          .run = cost_parts::run,
          .draw = cost_parts::draw};
}

}  // namespace gradus::lab
