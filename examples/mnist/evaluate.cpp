#include "evaluate.h"

#include <gradus/core/base/text.h>
#include <gradus/datasets/idx.h>
#include <gradus/datasets/loader.h>
#include <gradus/nn/loss.h>
#include <gradus/nn/training_mode.h>

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

namespace {

constexpr const char* where_else = "--data FOLDER says where the files are";

data::Found find_data(const DataRequest& request, training::Console& console) {
  data::OpenOptions options{
      .name = request.name, .directory = request.directory, .test_only = request.test_only};
  options.notify = [&console](const std::string& text) { console.say("", text); };
  if (request.samples > 0) {
    options.synthetic_train = std::min(request.samples, options.synthetic_train);
    options.synthetic_test = std::min(request.samples, options.synthetic_test);
  }
  try {
    return data::open_dataset(options);
  } catch (const IoError& error) {
    const std::string& hint = error.hint();
    throw IoError(error.op(), error.detail(), hint.empty() ? where_else : hint + "; " + where_else);
  }
}

void check_holds_images(const data::DatasetPtr& images, const char* kind,
                        const data::Found& found) {
  require<IoError>(images == nullptr || images->size() > 0, "data", where_else, found.name,
                   found.folder.empty() ? "" : " from ", found.folder.string(), " has no ", kind,
                   " images");
}

}  // namespace

void check_data_is_used(const std::string& name, const std::string& directory) {
  require(name != "synthetic" || directory.empty(), "data",
          "leave it out, or name other data with --dataset",
          "--data does nothing here: synthetic images come from no files");
}

data::Found open_data(const DataRequest& request, training::Console& console) {
  data::Found found = find_data(request, console);
  check_holds_images(found.train, "training", found);
  check_holds_images(found.test, "test", found);
  console.say("data", request.of_the_run
                          ? str(found.name, " from ", request.directory, ", where the run had it")
                          : found.why);
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

Evaluation evaluate(
    nn::Module& net, const data::Dataset& dataset,
    const std::function<void(const data::Batch& batch, const Tensor& logits)>& look) {
  const nn::ModeScope evaluating(net, nn::Mode::evaluation);
  double loss_sum = 0, correct = 0;
  data::DataLoader loader({&dataset, [](const data::Dataset*) {}},  // shared without being owned
                          {.batch_size = 250, .shuffle = false});
  for (const data::Batch& batch : loader) {
    const Tensor logits = net(batch.x);
    loss_sum += nn::cross_entropy(logits, batch.y, {.reduction = Reduction::sum}).item();
    correct += count_correct(logits, batch.y);
    if (look) look(batch, logits);
  }
  const auto images = static_cast<double>(std::max<int64_t>(dataset.size(), 1));
  return {.accuracy = correct / images, .loss = loss_sum / images, .images = dataset.size()};
}

}  // namespace gradus::examples
