// Runs experiments: what is there already is not measured again.
#pragma once

#include <gradus/datasets/open_dataset.h>
#include <gradus/train/progress.h>
#include <gradus/train/stop_signal.h>

#include <array>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "experiment.h"

namespace gradus::lab {

/// How experiments are run.
struct RunOptions {
  bool full = false;
  std::string dataset = "auto";       ///< see data::OpenOptions
  std::string data = {};              ///< the folder with its files; empty: it is looked for
  std::optional<int64_t> seeds = {};  ///< of each measurement; by default 2, in full 6
  std::filesystem::path out = {};     ///< where results go
};

/// Measures, and keeps the results of each experiment in a file of lines, `out`/NAME.jsonl, in the
/// order of the experiment. So a run that was stopped goes on where it was, and the number of
/// threads changes nothing but the time.
class Runner {
 public:
  /// Throws IoError if `out` holds results of the other kind, quick or full, or of other data.
  Runner(const RunOptions& options, training::Console& console);

  /// Returns 0, or the number of the signal that stopped it.
  int run(const std::vector<const Experiment*>& experiments);

  // --- What Lab does ---

  void measure(const json& settings, int64_t seeds, uint64_t first_seed, const Lab::Measurement& f);
  bool full() const { return options_.full; }
  int64_t seeds() const { return options_.seeds.value_or(full() ? 6 : 2); }
  data::Batch images(data::Split split, int64_t n);

 private:
  void begin(const Experiment& experiment);
  void count(const std::vector<const Experiment*>& experiments);
  void append(const std::vector<Record>& records);
  const data::Found& found_data();
  void check_folder();

  RunOptions options_;
  training::Console& console_;
  std::mutex images_;                // guards what follows: several seeds may ask at once
  std::array<data::Batch, 2> held_;  // the images that have been asked for, by Split
  std::optional<data::Found> data_;
  bool counting_ = false;
  int64_t planned_ = 0, done_ = 0;
  std::filesystem::path file_;  // of the current experiment
  Results known_;               // what is in it
  training::StopSignal* stop_ = nullptr;
  training::Progress* progress_ = nullptr;
};

/// What the folder of a run says about it: lab.json.
json load_facts(const std::filesystem::path& folder);
/// The file of an experiment.
std::filesystem::path results_file(const std::filesystem::path& folder, const std::string& name);

}  // namespace gradus::lab
