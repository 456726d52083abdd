// A small training run of bin/mnist, for tests that stop it in every way and resume it.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "../../core/io/checkpoint_folder.h"
#include "../support/paths.h"
#include "../support/process.h"
#include "../support/program.h"

namespace gradus::test {

namespace fs = std::filesystem;
using nlohmann::json;

inline const std::string program = build_folder() + "/bin/mnist";
constexpr int64_t epochs = 3;
constexpr int64_t steps_per_epoch = 25;

/// With running statistics and dropout; the command adds everything else that a training run can
/// have: state of the optimizer, a schedule, averaged weights, augmentation.
constexpr const char* small_net = R"({"layers": [
  {"name": "conv", "type": "Conv2d", "options": {"in_channels": 1, "out_channels": 4,
                                                 "kernel_size": 5, "stride": 2}},
  {"name": "norm", "type": "BatchNorm2d", "options": {"num_features": 4}},
  {"name": "relu", "type": "ReLU"},
  {"name": "flatten", "type": "Flatten"},
  {"name": "dropout", "type": "Dropout", "options": {"p": 0.2}},
  {"name": "fc", "type": "Linear", "options": {"in_features": 576, "out_features": 10}}]})";

/// A folder to train in. Of 216 images, 18 are held out.
struct Place : TemporaryFolder {
  Place() { std::ofstream(path() / "net.json") << small_net; }
  fs::path run() const { return path() / "run"; }
  fs::path log() const { return path() / "log"; }

  std::vector<std::string> start_command(const std::string& every = "1") const {
    return {program,
            "train",
            "--dataset=synthetic",
            "--samples=216",
            "--epochs=3",
            "--seed=11",
            "--batch-size=8",
            "--ema=0.9",
            "--threads=1",
            "--workers=2",
            "--augment=shift,rotate=10",
            "--keep=2",
            "--checkpoint-every=" + every,
            "--model",
            path() / "net.json",
            "--out",
            run()};
  }
  std::vector<std::string> resume_command() const {
    return {program, "train", "--threads=1", "--resume", run()};
  }
  /// Starts the run, or resumes it if there is something to resume.
  std::vector<std::string> next_command() const {
    return has_checkpoint() ? resume_command() : start_command();
  }
  bool has_checkpoint() const { return fs::exists(run()) && !files("checkpoint-").empty(); }
  /// The files of the run whose names begin with `prefix`.
  std::vector<fs::path> files(const std::string& prefix) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(run())) {
      if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path());
    }
    return found;
  }
  bool has_step(int64_t step) const {
    const auto all = fs::exists(run()) ? files("checkpoint-") : std::vector<fs::path>();
    return std::any_of(all.begin(), all.end(), [&](const fs::path& file) {
      return std::stoll(file.filename().string().substr(11)) >= step;
    });
  }
};

inline std::string joined(const std::vector<std::string>& command) {
  std::string text;
  for (const std::string& word : command) text += "'" + word + "' ";
  return text;
}

/// The lines of metrics.jsonl without what depends on the clock.
inline std::vector<json> metrics(const fs::path& run) {
  std::vector<json> lines;
  std::ifstream in(run / "metrics.jsonl");
  for (std::string line; std::getline(in, line);) {
    lines.push_back(json::parse(line));
    lines.back().erase("seconds");
    lines.back().erase("images_per_second");
  }
  return lines;
}

/// The tensors of the last checkpoint: weights, averages, optimizer, schedule, random streams.
inline std::map<std::string, std::string> last_state(const fs::path& run) {
  std::map<std::string, std::string> bytes;
  CheckpointFolder folder(run);
  const auto loaded = folder.load_newest();
  REQUIRE(loaded.has_value());
  CHECK(loaded->step == epochs * steps_per_epoch);
  for (const auto& [name, value] : loaded->checkpoint.tensors) {
    bytes[name].assign(static_cast<const char*>(value.raw_data()),
                       static_cast<size_t>(value.nbytes()));
  }
  return bytes;
}

/// An undisturbed run, and the seconds it took.
struct Reference {
  Place place;
  double seconds = 0;

  Reference() {
    const auto begin = std::chrono::steady_clock::now();
    const Outcome outcome = run(joined(place.start_command()));
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
};

inline const Reference& reference() {
  static const Reference run;
  return run;
}

/// The digits that follow `words` in `text`.
inline std::string number_after(const std::string& text, const std::string& words) {
  const size_t at = text.find(words);
  REQUIRE_MESSAGE(at != std::string::npos, text);
  const size_t begin = at + words.size();
  return text.substr(begin, text.find_first_not_of("0123456789", begin) - begin);
}

/// Finishes the run of `place` and checks that it has the same bits as the uninterrupted one.
inline Outcome finish_and_compare(const Place& place) {
  Outcome outcome = run(joined(place.next_command()));
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err, outcome.out);
  const fs::path expected = reference().place.run();
  CHECK(read_text(place.run() / "model.safetensors") == read_text(expected / "model.safetensors"));
  CHECK(metrics(place.run()) == metrics(expected));
  CHECK(metrics(place.run()).size() == epochs);
  CHECK(last_state(place.run()) == last_state(expected));
  CHECK(place.files(".gradus").empty());
  return outcome;
}

/// Trains until the checkpoint of `step`, then stops cleanly.
inline void train_to(const Place& place, int64_t step) {
  Process process(place.start_command(), place.log());
  REQUIRE(process.wait_until([&] { return place.has_step(step); }));
  process.send(SIGTERM);
  REQUIRE(process.wait() == 128 + SIGTERM);
}

/// Runs `command`, kills it at the checkpoint of `step`, and lets the run of `place` continue to
/// its end.
inline void kill_and_resume(const Place& place, const std::vector<std::string>& command,
                            int64_t step) {
  Process process(command, place.log());
  REQUIRE(process.wait_until([&] { return place.has_step(step); }));
  process.send(SIGKILL);
  process.wait();
  REQUIRE(run(joined(place.resume_command())).status == 0);
}

inline fs::path newest_checkpoint(const Place& place) {
  const CheckpointFolder folder(place.run());
  return folder.file_of(folder.steps().back());
}

}  // namespace gradus::test
