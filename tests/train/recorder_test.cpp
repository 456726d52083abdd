// What a run records besides its metrics: steps, layers, processes.
#include "../../train/recorder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../../core/ops.h"
#include "../../nn/activation.h"
#include "../../nn/linear.h"
#include "../../nn/loss.h"
#include "../../nn/norm.h"
#include "../../nn/recurrent.h"
#include "../../nn/sequential.h"
#include "../../optim/schedule.h"
#include "../../optim/sgd.h"
#include "../../train/loop.h"
#include "../support/errors.h"
#include "../support/event_file.h"
#include "../support/temporary_folder.h"
#include "../support/text.h"

using namespace gradus;
using namespace gradus::training;
using nlohmann::json;
using test::message_of;
namespace fs = std::filesystem;

namespace {

std::vector<json> lines_of(const std::string& text) {
  std::vector<json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

std::vector<json> lines_of(const fs::path& path) {
  return lines_of(test::read_text(path));
}

/// Numbers without a pattern.
double number_of(int64_t step) {
  return std::fmod(static_cast<double>(step) * 0.7548776662466927, 1);
}

StepLog steps_up_to(int64_t last) {
  StepLog log;
  for (int64_t step = 1; step <= last; ++step) log.add(step, {{"loss", number_of(step)}});
  return log;
}

constexpr int64_t samples = 24, batch_size = 8, steps_per_epoch = 3, hidden = 6;

data::TensorDataset points() {
  Rng rng(1);
  const Tensor x = randn({samples, 4}, rng);
  return data::TensorDataset(x, to(sum(x, {1}) > 0, int64));
}

/// A net with a norm and a unit that never lights up, trained at rates that fall.
struct Training {
  data::DataLoader loader{points(), {.batch_size = batch_size}};
  nn::Sequential net{nn::Linear(4, hidden), nn::BatchNorm1d(hidden), nn::ReLU(),
                     nn::Linear(hidden, 2)};
  optim::SGD sgd{net.named_parameters(), {.lr = 0.5}};
  optim::Schedule schedule{sgd, optim::ExponentialLR{.gamma = 0.5}};
  std::ostringstream said;
  std::vector<News> news;
  int64_t stop_at = 0;
  int64_t steps = 0;

  Training() {
    manual_seed(2);
    const NoGrad pause;
    net.get_parameter("1.bias")[0].fill_(-100.0);
  }
  void run(LoopOptions options) {
    options.console = Console(said);
    options.on_news = [this](const News& one) { news.push_back(one); };
    Loop loop(loader, std::move(options));
    loop.keep("model", net).keep("sgd", sgd).keep("schedule", schedule);
    loop.run([&](const data::Batch& batch) -> Values {
      if (++steps == stop_at) throw std::runtime_error("the power is gone");
      Tape tape(loop.tape_options());
      const Tensor loss = nn::cross_entropy(net(batch.x), batch.y);
      tape.backward(loss);
      if (loop.accept(loss)) sgd.step();
      sgd.zero_grad();
      schedule.step();
      return {{"loss", loss.item()}};
    });
  }
};

/// The layer of this name in a line of layers.jsonl.
json layer(const json& line, const std::string& name) {
  for (const json& one : line.at("layers")) {
    if (one.at("name") == name) return one;
  }
  FAIL("no layer ", name);
  return {};
}

/// The weights after a step, from its checkpoint.
Tensor weights_after(const fs::path& run, int64_t step, const std::string& name) {
  const fs::path file = run / str("checkpoint-", step, ".safetensors");
  for (const NamedTensor& one : load_checkpoint(file).part("model")) {
    if (one.name == name) return one.tensor;
  }
  FAIL("no tensor ", name);
  return {};
}

}  // namespace

TEST_SUITE("steps") {
  TEST_CASE("each of a few steps has a range of its own") {
    StepLog log;
    log.add(1, {{"loss", 2.5}, {"accuracy", 0.5}});
    log.add(2, {{"loss", 1.5}, {"accuracy", 0.75}});
    CHECK(log.to_jsonl() ==
          R"({"first":1,"last":1,"steps":1,"loss":[2.5,2.5,2.5],"accuracy":[0.5,0.5,0.5]})"
          "\n"
          R"({"first":2,"last":2,"steps":1,"loss":[1.5,1.5,1.5],"accuracy":[0.75,0.75,0.75]})"
          "\n");
  }

  TEST_CASE("many steps are at most 2000 ranges with the least, mean and largest value of each") {
    constexpr int64_t steps = 10000;
    const StepLog log = steps_up_to(steps);
    CHECK(log.width() == 8);
    REQUIRE(log.ranges().size() == steps / 8);
    int64_t next = 1;
    for (const StepRange& range : log.ranges()) {
      CHECK(range.first == next);
      double low = 1, high = 0, total = 0;
      for (; next <= range.last; ++next) {
        low = std::min(low, number_of(next));
        high = std::max(high, number_of(next));
        total += number_of(next);
      }
      REQUIRE(range.values.size() == 1);
      CHECK(range.values[0].min == low);
      CHECK(range.values[0].max == high);
      CHECK(range.values[0].mean == doctest::Approx(total / 8));
    }
    CHECK(next == steps + 1);
  }

  TEST_CASE("ranges stay where they are, wherever a process stopped") {
    const std::string whole = steps_up_to(4500).to_jsonl();
    for (const int64_t stop : {1, 2, 1999, 2000, 2001, 2003, 4001, 4499}) {
      CAPTURE(stop);
      StepLog log = StepLog::from_jsonl(steps_up_to(stop).to_jsonl());
      for (int64_t step = stop + 1; step <= 4500; ++step) {
        log.add(step, {{"loss", number_of(step)}});
      }
      CHECK(log.to_jsonl() == whole);
    }
  }

  TEST_CASE("skipped steps leave gaps") {
    StepLog log;
    for (int64_t step = 1; step <= 3000; ++step) {
      if (step % 3 != 0) log.add(step, {{"loss", 1}});
    }
    CHECK(log.width() == 1);
    for (int64_t step = 3001; step <= 4000; ++step) log.add(step, {{"loss", 1}});
    CHECK(log.width() == 2);
    CHECK(log.ranges()[1].first == 4);
    CHECK(log.ranges()[1].steps == 1);
  }

  TEST_CASE("a thinned log covers the same steps") {
    const StepLog log = steps_up_to(3000).thinned(500);
    CHECK(log.ranges().size() == 375);
    CHECK(log.ranges().back().last == 3000);
  }

  TEST_CASE("a last line that was cut off is left out, and any other damage is an error") {
    const std::string text = steps_up_to(3).to_jsonl();
    CHECK(StepLog::from_jsonl(text.substr(0, text.size() - 5)).ranges().size() == 2);
    for (const char* const bad :
         {"x", "[]", "{}", R"({"first":2,"last":1,"steps":1})", R"({"first":0,"last":1,"steps":1})",
          R"({"first":1,"last":1,"steps":1,"loss":[1]})", R"({"first":1,"last":2,"steps":3})",
          R"({"first":1,"last":9223372036854775807,"steps":1})",
          R"({"first":1,"last":1,"steps":1,"loss":[null,1,1]})"}) {
      CAPTURE(bad);
      CHECK(message_of([&] {
              StepLog::from_jsonl(str(bad, "\n"));
            }).starts_with("[steps] line 1 is not one of steps. Hint: "));
    }
  }
}

TEST_CASE("a run records loss and learning rate of each step") {
  const test::TemporaryFolder folder;
  Training training;
  training.run({.epochs = 2, .folder = RunFolder::create(folder / "run")});
  const auto steps = lines_of(folder / "run/steps.jsonl");
  REQUIRE(steps.size() == 2 * steps_per_epoch);
  for (size_t i = 0; i < steps.size(); ++i) {
    CHECK(steps[i].at("first") == i + 1);
    CHECK(steps[i].at("lr").at(1) == 0.5 * std::pow(0.5, i));  // the rate that it was made with
  }
  double mean_loss = 0;
  for (size_t i = 3; i < 6; ++i) mean_loss += steps[i].at("loss").at(1).get<double>() / 3;
  const auto epochs = lines_of(folder / "run/metrics.jsonl");
  CHECK(mean_loss == doctest::Approx(epochs.at(1).at("train_loss").get<double>()));
}

TEST_CASE("what is recorded of layers agrees with the checkpoints") {
  const test::TemporaryFolder folder;
  Training training;
  training.run({.epochs = 2,
                .folder = RunFolder::create(folder / "run", {.keep = 100}),
                .save = {.steps = 1}});
  const auto lines = lines_of(folder / "run/layers.jsonl");
  REQUIRE(lines.size() == 3);  // before the first epoch, and after each
  CHECK(layer(lines[0], "0").at("parameters").at("weight").count("update_norm") == 0);
  for (const int64_t epoch : {1, 2}) {
    CAPTURE(epoch);
    const json& line = lines[static_cast<size_t>(epoch)];
    const int64_t step = epoch * steps_per_epoch;
    CHECK(line.at("epoch") == epoch);
    CHECK(line.at("step") == step);
    for (const char* const name : {"0", "3"}) {
      CAPTURE(name);
      const json recorded = layer(line, name).at("parameters").at("weight");
      const Tensor now = weights_after(folder / "run", step, str(name, ".weight"));
      const Tensor before = weights_after(folder / "run", step - 1, str(name, ".weight"));
      const double size = norm(now).item(), update = norm(now - before).item();
      CHECK(recorded.at("numel") == now.numel());
      CHECK(recorded.at("norm").get<double>() == doctest::Approx(size));
      CHECK(recorded.at("update_norm").get<double>() == doctest::Approx(update));
      CHECK(recorded.at("update_ratio").get<double>() == doctest::Approx(update / size));
      // Plain gradient descent: the update is the gradient times the rate of the step.
      const double rate = 0.5 * std::pow(0.5, step - 1);
      CHECK(recorded.at("gradient_norm").get<double>() == doctest::Approx(update / rate));
      const Histogram expected = histogram(now, LayerLog::histogram_bins);
      CHECK(recorded.at("histogram").at("counts") == expected.counts.to_vector<int64_t>());
      CHECK(recorded.at("histogram").at("low") == expected.edges[0].item());
    }
    const Tensor variance = weights_after(folder / "run", step, "1.running_var");
    const json recorded = layer(line, "1").at("buffers").at("running_var");
    CHECK(recorded.at("mean").get<double>() == doctest::Approx(mean(variance).item()));
    CHECK(recorded.at("max").get<double>() == max(variance).item());

    nn::Sequential net(nn::Linear(4, hidden), nn::BatchNorm1d(hidden), nn::ReLU());
    NamedTensors state =
        load_checkpoint(folder / "run" / str("checkpoint-", step, ".safetensors")).part("model");
    std::erase_if(state, [](const NamedTensor& one) { return one.name.starts_with("3."); });
    net.load_state_dict(state);
    net.eval();
    std::vector<int64_t> all(samples);
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
    const Tensor y = net(points().gather(all).x);
    const json output = layer(line, "2").at("output");
    CHECK(output.at("mean").get<double>() == doctest::Approx(mean(y).item()));
    CHECK(output.at("zeros").get<double>() == doctest::Approx(mean(to(y == 0, float64)).item()));
    CHECK(output.at("histogram").at("counts") ==
          histogram(y, LayerLog::histogram_bins).counts.to_vector<int64_t>());
    CHECK(output.at("units") == hidden);
    CHECK(output.at("dead") == 1);
  }
}

TEST_CASE("recording changes no bit of the training, nor of its random numbers") {
  const test::TemporaryFolder folder;
  std::vector<std::vector<float>> next;
  for (const bool record : {true, false}) {
    manual_seed(3);
    Training training;
    training.run({.epochs = 2,
                  .folder = RunFolder::create(folder / (record ? "recorded" : "plain")),
                  .record = record});
    next.push_back(randn({3}).to_vector<float>());
    CHECK(training.net.is_training());
  }
  CHECK(next[0] == next[1]);
  for (const char* const name : {"0.weight", "1.running_mean"}) {
    CHECK(weights_after(folder / "recorded", 6, name).to_vector<float>() ==
          weights_after(folder / "plain", 6, name).to_vector<float>());
  }
  CHECK_FALSE(fs::exists(folder / "plain/layers.jsonl"));
}

TEST_CASE("resuming doubles nothing and loses nothing") {
  const test::TemporaryFolder folder;
  const auto options = [&](const char* name) {
    return LoopOptions{.epochs = 3, .folder = RunFolder::open(folder / name), .save = {.steps = 2}};
  };
  Training whole;
  whole.run(options("whole"));
  for (const int64_t stop : {2, 4, 6, 7, 8}) {
    CAPTURE(stop);
    const std::string name = str("stopped-", stop);
    Training stopped, resumed;
    stopped.stop_at = stop;
    CHECK_THROWS(stopped.run(options(name.c_str())));
    test::write_text(folder / name / "layers.jsonl",
                     test::read_text(folder / name / "layers.jsonl") + R"({"epoch": 1, "lay)");
    resumed.run(options(name.c_str()));
    CHECK(test::read_text(folder / name / "steps.jsonl") ==
          test::read_text(folder / "whole/steps.jsonl"));
    auto layers = lines_of(folder / name / "layers.jsonl");
    auto expected = lines_of(folder / "whole/layers.jsonl");
    for (auto* const lines : {&layers, &expected}) {
      for (json& line : *lines) line.erase("peak_memory_mib");
    }
    const bool same_layers = layers == expected;  // not in CHECK, which would print all of them
    CHECK(same_layers);
    const auto processes = lines_of(folder / name / "processes.jsonl");
    REQUIRE(processes.size() == 2);
    CHECK(processes[0].at("step") == 0);
    CHECK(processes[1].at("step") == std::max((stop - 1) / 2 * 2, (stop - 1) / 3 * 3));
    CHECK(processes[1].at("threads").get<int>() > 0);
  }
}

TEST_CASE("a run tells how it stands: at the beginning, now and then, and at its end") {
  const test::TemporaryFolder folder;
  Training quiet;
  quiet.run({.epochs = 1, .folder = RunFolder::create(folder / "quiet")});
  REQUIRE(quiet.news.size() == 2);  // it lasts less than 30 s
  CHECK(quiet.news[0].standing == Standing::running);
  CHECK(quiet.news[1].standing == Standing::finished);

  Training often;
  often.run({.epochs = 2, .folder = RunFolder::create(folder / "often"), .news_seconds = 0});
  CHECK(often.news.size() == 1 + 2 * (steps_per_epoch + 1) + 1);

  Training failed;
  failed.stop_at = 2;
  CHECK_THROWS(failed.run({.epochs = 1, .folder = RunFolder::create(folder / "failed")}));
  CHECK(failed.news.back().standing == Standing::failed);
  CHECK(failed.news.back().text == "the power is gone");
}

TEST_CASE("of several nets, layers are recorded under their names, without outputs") {
  nn::Sequential first(nn::Linear(2, 3)), second(nn::Linear(3, 1));
  LayerLog log;
  log.watch("generator", first);
  log.watch("judge", second);
  const json line = json::parse(log.line(1, 10, [] {}));
  CHECK(line.at("layers").size() == 2);
  CHECK(layer(line, "generator.0").at("parameters").contains("bias"));
  CHECK_FALSE(layer(line, "judge.0").contains("output"));
}

TEST_CASE(
    "a net that takes something else, and weights that are NaN, are recorded as far as known") {
  nn::Sequential net(nn::Linear(2, 3));
  LayerLog log;
  log.watch("model", net);
  {
    const NoGrad pause;
    net.get_parameter("0.weight").fill_(std::nan(""));
  }
  const json line = json::parse(log.line(1, 10, [&] { net(ones({4, 7})); }));
  const json recorded = layer(line, "0");
  CHECK(recorded.at("parameters").at("weight").at("norm").is_null());
  CHECK_FALSE(recorded.at("parameters").at("weight").contains("histogram"));
  CHECK_FALSE(recorded.contains("output"));
}

TEST_CASE("events go to TensorBoard: each step once, also after a restart; epochs and layers") {
  const test::TemporaryFolder folder;
  const auto options = [&] {
    return LoopOptions{.epochs = 3,
                       .folder = RunFolder::open(folder / "run"),
                       .save = {.steps = 2},
                       .tensorboard = folder / "events"};
  };
  Training stopped, resumed;
  stopped.stop_at = 6;
  CHECK_THROWS(stopped.run(options()));
  CHECK(test::steps_of(folder / "events", "step/loss") == std::vector<int64_t>{1, 2, 3, 4, 5});
  resumed.run(options());
  const std::vector<int64_t> steps = {1, 2, 3, 4, 5, 6, 7, 8, 9}, epochs = {3, 6, 9};
  CHECK(test::steps_of(folder / "events", "step/loss") == steps);
  CHECK(test::steps_of(folder / "events", "step/lr") == steps);
  CHECK(test::steps_of(folder / "events", "train/loss") == epochs);
  CHECK(test::steps_of(folder / "events", "update_ratio/0.weight") == epochs);
  CHECK(test::steps_of(folder / "events", "dead_units/2") == std::vector<int64_t>{0, 3, 6, 9});
  CHECK(test::steps_of(folder / "events", "weights/3.bias") == std::vector<int64_t>{0, 3, 6, 9});
  CHECK(test::steps_of(folder / "events", "config") == std::vector<int64_t>{0});
}

TEST_CASE("events need no run folder") {
  const test::TemporaryFolder folder;
  Training training;
  training.run({.epochs = 1, .tensorboard = folder / "events"});
  CHECK(test::steps_of(folder / "events", "step/loss") == std::vector<int64_t>{1, 2, 3});
  CHECK(training.news.empty());
}

TEST_CASE("units of sequences are their features") {
  nn::Sequential net(nn::LSTM({.input_size = 3, .hidden_size = 5, .batch_first = true}),
                     nn::Linear(5, 2));
  LayerLog log;
  log.watch("model", net);
  const json line = json::parse(log.line(1, 10, [&] { net(randn({4, 7, 3})); }));
  CHECK(layer(line, "0").at("output").at("units") == 5);
  CHECK(layer(line, "1").at("output").at("units") == 2);
  CHECK(line.at("input") == std::vector<int64_t>{7, 3});
  CHECK(line.at("samples") == 4);
}

TEST_CASE("nothing to train on is recorded, too") {
  const test::TemporaryFolder folder;
  const RunFolder run = RunFolder::create(folder / "run");
  const data::TensorDataset none(zeros({0, 4}), zeros({0}, int64));
  Recorder recorder;
  recorder.begin(none, {}, {.folder = &run});
  CHECK(lines_of(folder / "run/layers.jsonl").size() == 1);
}
