// The loop of a training: epochs, checkpoints, going on, the best epoch, NaN, and its folder.
#include "../../train/loop.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../../core/ops.h"
#include "../../nn/dropout.h"
#include "../../nn/linear.h"
#include "../../nn/loss.h"
#include "../../nn/norm.h"
#include "../../nn/sequential.h"
#include "../../optim/adam.h"
#include "../../optim/schedule.h"
#include "../support/errors.h"
#include "../support/temporary_folder.h"
#include "../support/text.h"

using namespace gradus;
using namespace gradus::training;
using nlohmann::json;
using test::message_of;
namespace fs = std::filesystem;

namespace {

constexpr int64_t samples = 24, batch_size = 8, steps_per_epoch = 3;

data::TensorDataset points() {
  Rng rng(1);
  const Tensor x = randn({samples, 4}, rng);
  return data::TensorDataset(x, to(sum(x, {1}) > 0, int64));
}

/// A net with running statistics and dropout, and all that trains it.
struct Training {
  data::DataLoader loader{points(), {.batch_size = batch_size}};
  nn::Sequential net{nn::Linear(4, 6), nn::BatchNorm1d(6), nn::Dropout({.p = 0.2}),
                     nn::Linear(6, 2)};
  optim::Adam adam{net.named_parameters(), {.lr = 0.05}};
  optim::Schedule schedule{adam, optim::CosineAnnealingLR{.T_max = 20}};
  int64_t steps = 0;
  std::function<void()> before_step = {};
  int64_t bad_step = 0;  ///< gives NaN, once
  std::ostringstream said;

  /// Trains, and measures what `measure` gives.
  int run(LoopOptions options, const Loop::Measure& measure = {}) {
    options.console = Console(said);
    Loop loop(loader, std::move(options));
    loop.keep("model", net).keep("adam", adam).keep("schedule", schedule);
    const int signal = loop.run(
        [&](const data::Batch& batch) -> Values {
          ++steps;
          if (before_step) before_step();
          Tape tape(loop.tape_options());
          Tensor loss = nn::cross_entropy(net(batch.x), batch.y);
          if (steps == bad_step) loss = loss * std::nan("");
          tape.backward(loss);
          if (loop.accept(loss)) adam.step();
          adam.zero_grad();
          schedule.step();
          return {{"loss", loss.item()}};
        },
        measure);
    lines = loop.metrics();
    return signal;
  }
  std::string lines;  ///< of metrics.jsonl

  Training() { manual_seed(2); }
  std::vector<float> weights() const { return net.named_parameters()[0].tensor.to_vector<float>(); }
};

/// metrics.jsonl without what depends on the clock.
std::vector<json> epochs_in(const std::string& lines) {
  std::vector<json> epochs;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    epochs.push_back(json::parse(line));
    epochs.back().erase("seconds");
    epochs.back().erase("samples_per_second");
  }
  return epochs;
}

}  // namespace

TEST_CASE("a loop runs all steps of all epochs, and tells their means") {
  Training training;
  int measured = 0;
  CHECK(training.run({.epochs = 3}, [&] { return Values{{"test_score", 0.5 * ++measured}}; }) == 0);
  CHECK(training.steps == 3 * steps_per_epoch);
  const auto epochs = epochs_in(training.lines);
  REQUIRE(epochs.size() == 3);
  CHECK(epochs[2].at("epoch") == 3);
  CHECK(epochs[2].at("test_score") == 1.5);
  CHECK(epochs[2].at("train_loss").get<double>() < epochs[0].at("train_loss").get<double>());
}

TEST_CASE("a run that an error ended goes on from its last checkpoint, with the same bits") {
  const test::TemporaryFolder folder;
  const auto options = [&](const char* name) {
    return LoopOptions{.epochs = 3, .folder = RunFolder::open(folder / name), .save = {.steps = 2}};
  };
  Training whole;
  whole.run(options("whole"));
  for (const int64_t stop : {1, 4, 6, 8}) {
    CAPTURE(stop);
    const std::string name = str("stopped-", stop);
    Training stopped;
    stopped.before_step = [&] {
      if (stopped.steps == stop) throw std::runtime_error("the power is gone");
    };
    CHECK_THROWS(stopped.run(options(name.c_str())));
    Training resumed;
    resumed.run(options(name.c_str()));
    CHECK(test::contains(stopped.said.str(), "kept     "));
    CHECK(test::contains(resumed.said.str(), "resumed  after step "));
    CHECK(resumed.weights() == whole.weights());
    CHECK(epochs_in(resumed.lines) == epochs_in(whole.lines));
    CHECK(test::read_text(folder / name / "metrics.jsonl") == resumed.lines);
  }
}

TEST_CASE("a run goes on only as the training that it is") {
  const test::TemporaryFolder folder;
  const auto train = [&](const std::string& config, int64_t epochs) {
    Training().run({.epochs = epochs, .folder = RunFolder::open(folder / "run"), .config = config});
  };
  const auto run = [&](const std::string& config, int64_t epochs) {
    return message_of([&] { train(config, epochs); });
  };
  train(R"({"lr": 0.05, "data": "here"})", 2);
  train(R"({"lr": 0.05, "data": "there"})", 3);  // where the data are may change
  CHECK(run(R"({"lr": 0.06, "data": "here"})", 3) ==
        "[resume] this would not be the same training: lr was 0.05 and is 0.06. Hint: resume with "
        "the same data and version of the program, or start a new run");
  CHECK(run(R"({"lr": 0.05})", 2)
            .starts_with("[resume] .epochs 2 is less than the 3 that the run "
                         "has begun. Hint: "));
}

TEST_CASE("the best checkpoint is kept: the highest value, of a loss the lowest") {
  for (const std::string name : {"validation_score", "validation_loss"}) {
    CAPTURE(name);
    const test::TemporaryFolder folder;
    const std::vector<double> values = {0.3, 0.9, 0.1, 0.5, 0.4};
    size_t epoch = 0;
    Training().run({.epochs = 5,
                    .folder = RunFolder::create(folder / "run", {.keep = 1}),
                    .save = {.seconds = 1e9},
                    .best = name},
                   [&] {
                     return Values{{name, values[epoch++]}};
                   });
    const int64_t best = (name == "validation_loss" ? 3 : 2) * steps_per_epoch;
    CHECK(CheckpointFolder(folder / "run").steps() ==
          std::vector<int64_t>{best, 5 * steps_per_epoch});
  }
}

TEST_CASE("a best checkpoint by a value that is not measured is an error") {
  const auto run = [](const Loop::Measure& measure) {
    return message_of([&] { Training().run({.epochs = 2, .best = "validation_scor"}, measure); });
  };
  const std::string message =
      "[train] no value \"validation_scor\" is measured, by which the best "
      "checkpoint is to be chosen. Hint: `best` names one of the values that "
      "are measured after an epoch";
  CHECK(run([] { return Values{{"validation_score", 1.0}}; }) == message);
  CHECK(run({}) == message);
}

TEST_CASE("a step with NaN stops the loop, or is left out") {
  Training training;
  training.bad_step = 2;
  CHECK(message_of([&] {
          training.run({});
        }).starts_with("[train] the loss is nan at step 2, but not when the step was repeated"));
  training.steps = 0;
  CHECK(training.run({.skip_nan = true}) == 0);
  CHECK(training.steps == steps_per_epoch);
  CHECK(test::contains(training.said.str(), "skipped  the loss is nan at step 2\n"));
  CHECK(epochs_in(training.lines).at(0).at("train_loss").is_number_float());
}

TEST_CASE("what is measured must be finite") {
  Training training;
  CHECK(message_of([&] { training.run({}, [] {
                           return Values{{"test_loss", 1.0 / 0.0}};
                         }); }) ==
        "[train] the test loss is inf after step 3. Hint: try a smaller learning rate or norm of "
        "the gradient");
}

TEST_CASE("nothing is left of a folder in which nothing was saved") {
  const test::TemporaryFolder folder;
  { const RunFolder run = RunFolder::create(folder / "a/b/run"); }
  CHECK_FALSE(fs::exists(folder / "a"));
  fs::create_directory(folder / "own");
  { const RunFolder run = RunFolder::create(folder / "own/run/"); }
  CHECK(fs::is_empty(folder / "own"));
  { const RunFolder run = RunFolder::create(folder / "own"); }
  CHECK(fs::exists(folder / "own"));  // was there before
  Training().run({.folder = RunFolder::create(folder / "a/run")});
  CHECK(fs::exists(folder / "a/run/config.json"));
}

TEST_CASE("a folder that holds a run is refused, replaced or gone on with") {
  const test::TemporaryFolder folder;
  const fs::path path = folder / "run";
  CHECK(message_of([&] { RunFolder::resume(path); }).find("cannot open the folder") !=
        std::string::npos);
  Training().run({.folder = RunFolder::open(path)});
  CHECK(message_of([&] {
          RunFolder::create(path);
        }).starts_with("[run folder] " + path.string() + " already holds a run: "));
  CHECK_FALSE(RunFolder::create(path, {.overwrite = true}).newest().has_value());
  CHECK(RunFolder::open(path).newest()->step == steps_per_epoch);
  Training again;
  again.run({.folder = RunFolder::create(path, {.overwrite = true})});
  CHECK(again.steps == steps_per_epoch);
}
