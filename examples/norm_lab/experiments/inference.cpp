// A net that tests well, and how to ruin its answers without touching its weights: training mode
// left on, the wrong preprocessing, other images than it was trained on.
#include <gradus/core/ops.h>
#include <gradus/optim/sgd.h>

#include <algorithm>

#include "../experiment.h"
#include "../nets.h"

namespace gradus::lab {

namespace inference_parts {

/// Error in per cent with batch norms in training mode, on batches of so many images. The running
/// statistics change, but nobody looks at them any more.
double error_in_training_mode(nn::Module& net, const data::Batch& images, int64_t batch) {
  net.train();
  int64_t wrong = 0;
  const int64_t count = images.x.size(0) / batch * batch;
  for (int64_t begin = 0; begin < count; begin += batch) {
    const Tensor answers = argmax(net(images.x.narrow(0, begin, batch)), 1);
    wrong += sum(to(answers != images.y.narrow(0, begin, batch), int64)).item<int64_t>();
  }
  net.eval();
  return 100 * static_cast<double>(wrong) / static_cast<double>(count);
}

/// In the order of the labels: a batch has images of one or two classes.
data::Batch sorted_by_class(const data::Batch& images) {
  return rows(images, argsort(images.y).to_vector<int64_t>());
}

json measured(Norm norm, int64_t steps, uint64_t seed, const data::Batch& images,
              const data::Batch& test) {
  nn::Sequential net = cnn(norm, {8, 16});
  optim::SGD sgd(net.named_parameters(), {.lr = 0.03, .momentum = 0.9});
  train(net, sgd, images, {.batch = 64, .steps = steps, .seed = seed});
  const auto changed = [&](const std::function<Tensor(const Tensor&)>& change) {
    return 100 * error_of(net, {change(test.x), test.y});
  };
  // Pixels are (byte / 255 - 0.1307) / 0.3081, for the digits.
  constexpr double mean = 0.1307, deviation = 0.3081;
  return {
      {"right", 100 * error_of(net, test)},
      {"train_error", 100 * error_of(net, images)},
      {"not_standardized", changed([&](const Tensor& x) { return x * deviation + mean; })},
      {"bytes", changed([&](const Tensor& x) { return (x * deviation + mean) * 255.0; })},
      {"inverted",
       changed([&](const Tensor& x) { return (1.0 - (x * deviation + mean) - mean) / deviation; })},
      {"faint",
       changed([&](const Tensor& x) { return ((x * deviation + mean) * 0.3 - mean) / deviation; })},
      {"shifted", changed([](const Tensor& x) { return roll(roll(x, 4, 2), 4, 3); })},
      {"training_1", error_in_training_mode(net, test, 1)},
      {"training_4", error_in_training_mode(net, test, 4)},
      {"training_64", error_in_training_mode(net, test, 64)},
      {"training_sorted", error_in_training_mode(net, sorted_by_class(test), 64)}};
}

void run(Lab& lab) {
  const auto steps = lab.pick<int64_t>(120, 600), images = lab.pick<int64_t>(2000, 10000);
  for (const Norm norm : all_norms) {
    lab.measure({{"norm", name_of(norm)}, {"steps", steps}, {"images", images}},
                [&](uint64_t seed) {
                  return measured(norm, steps, seed, lab.train_images(images),
                                  lab.test_images(lab.pick<int64_t>(512, 2048)));
                });
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("inference", "Test error of one and the same net");
  figure.see =
      "Batch norm left in training mode doubles the error on single images and on sorted batches; "
      "four mixed images, of 196 values per channel each, do as well as the running statistics. "
      "Missing preprocessing costs nets with batch norm most, those with instance norm nearly "
      "nothing; no norm helps against dark strokes or shifted digits.";
  report::Bars bars{.value = {.label = "test error, %"}};
  const std::vector<std::pair<const char*, const char*>> causes = {
      {"right", "as it should be"},
      {"training_64", "training mode, batches of 64"},
      {"training_4", "training mode, batches of 4"},
      {"training_1", "training mode, one image"},
      {"training_sorted", "training mode, sorted by class"},
      {"not_standardized", "pixels from 0 to 1"},
      {"bytes", "pixels from 0 to 255"},
      {"inverted", "dark on bright"},
      {"faint", "a third of the contrast"},
      {"shifted", "moved by 4 pixels"}};
  for (const auto& [name, text] : causes) bars.groups.emplace_back(text);
  for (const json& norm : results.distinct("norm")) {
    report::Series series{.name = norm.get<std::string>()};
    for (const auto& [name, text] : causes) {
      const Interval error = results.where({{"norm", norm}}).mean(name);
      series.curve.y.push_back(error.mean);
      series.curve.low.push_back(error.low);
      series.curve.high.push_back(error.high);
    }
    bars.series.push_back(series);
  }
  figure.add(bars);
}

}  // namespace inference_parts

Experiment inference() {
  return {.name = "inference",
          .title = "Ruined predictions",
          .paper = "popular claims 12 and 19",
          .smaller = "Two convolutions of 8 and 16 channels, 600 steps of 64 on 10,000 digits.",
          .run = inference_parts::run,
          .draw = inference_parts::draw};
}

}  // namespace gradus::lab
