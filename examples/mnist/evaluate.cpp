#include "evaluate.h"

#include <gradus/core/base/text.h>
#include <gradus/datasets/idx.h>
#include <gradus/datasets/loader.h>
#include <gradus/nn/loss.h>
#include <gradus/nn/mode.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace gradus::examples {

double count_correct(const Tensor& logits, const Tensor& labels) {
  return sum(eq(argmax(logits.detach(), 1), labels)).item();
}

double Evaluation::standard_error() const {
  return std::sqrt(accuracy * (1 - accuracy) / static_cast<double>(std::max<int64_t>(images, 1)));
}

std::string accuracy_text(const Evaluation& test) {
  return str("test accuracy ", fixed(100 * test.accuracy, 2), " % +- ",
             fixed(100 * test.standard_error(), 2), " % (standard error, ", test.images,
             " images)");
}

data::Found open_data(const std::string& name, const std::string& directory, Console& console,
                      int64_t samples) {
  data::OpenOptions options{.name = name, .directory = directory};
  options.notify = [&console](const std::string& text) { console.say("", text); };
  if (samples > 0) {
    options.synthetic_train = std::min(samples, options.synthetic_train);
    options.synthetic_test = std::min(samples, options.synthetic_test);
  }
  data::Found found = data::open_dataset(options);
  console.say("data", found.why);
  return found;
}

std::string fingerprint(const data::Dataset& dataset) {
  std::vector<int64_t> some;
  const int64_t stride = (dataset.size() + 999) / 1000;
  for (int64_t i = 0; i < dataset.size(); i += stride) some.push_back(i);
  return str(dataset.size(),
             " images, sha256 of some: ", data::payload_sha256(dataset.gather(some).x),
             ", of the labels: ", data::payload_sha256(to(dataset.targets(), int32)));
}

Evaluation evaluate(nn::Module& net, const data::Dataset& dataset) {
  const nn::ModeScope evaluating(net, nn::Mode::evaluation);
  double loss_sum = 0, correct = 0;
  data::DataLoader loader({&dataset, [](const data::Dataset*) {}},  // shared without being owned
                          {.batch_size = 250, .shuffle = false});
  for (const auto& [x, y] : loader) {
    const Tensor logits = net(x);
    loss_sum += nn::cross_entropy(logits, y, {.reduction = Reduction::sum}).item();
    correct += count_correct(logits, y);
  }
  const auto images = static_cast<double>(std::max<int64_t>(dataset.size(), 1));
  return {.accuracy = correct / images, .loss = loss_sum / images, .images = dataset.size()};
}

}  // namespace gradus::examples
