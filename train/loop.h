// The loop around the steps of a training: epochs, progress, checkpoints, going on, NaN, signals.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "../datasets/loader.h"
#include "../nn/module.h"
#include "console.h"
#include "nan_watch.h"
#include "parts.h"
#include "progress.h"
#include "run_folder.h"
#include "stop_signal.h"
#include "values.h"

namespace gradus::training {

/// How often to save: after so many steps or, where that is 0, when so much time has passed.
struct SaveInterval {
  int64_t steps = 0;    ///< a checkpoint whenever their number is a multiple of it
  double seconds = 30;  ///< a checkpoint when the last one is that old
};

/// How a Loop runs.
struct LoopOptions {
  int64_t epochs = 1;                    ///< of the whole training, those before included
  std::optional<RunFolder> folder = {};  ///< where to keep the run; without one, nothing is kept
  SaveInterval save = {};                ///< and after each epoch
  /// The value by which the best checkpoint is chosen, one of those that are measured after an
  /// epoch: the highest counts, or the lowest where its name ends in "loss". Empty: none is the
  /// best.
  std::string best = {};
  /// Leave out a step that gives NaN, and say so, unless it is the eleventh in a row.
  bool skip_nan = false;
  std::string unit = "samples";  ///< what a batch has, in progress and metrics
  Console console = Console();   ///< where progress and results go
  /// What makes this the training that it is, a JSON object: goes to config.json, and a run goes on
  /// only where it is the same, but for the keys in `may_change`.
  std::string config = "{}";
  std::vector<std::string> may_change = {"version", "data", "epochs"};  ///< keys of `config`
  std::map<std::string, std::string> texts = {};  ///< more texts for checkpoints, by name
  Words words = {};                               ///< for hints
};

/// What the steps of one epoch gave.
struct EpochSums {
  Values sums = {};     ///< of what each step returned, times the samples of its batch
  int64_t samples = 0;  ///< in the batches so far
  double seconds = 0;   ///< that training took

  Values means() const {
    Values means = sums;
    for (Value& mean : means) mean.number /= static_cast<double>(samples > 0 ? samples : 1);
    return means;
  }
};

/// Where a training stands between two steps, besides the state of its parts.
struct LoopState {
  int64_t epoch = 0;                      ///< that is running, from 0
  int64_t batch = 0;                      ///< of it that are done
  int64_t step = 0;                       ///< that are done, of all epochs
  int64_t skipped_in_row = 0;             ///< steps before this one that gave NaN
  EpochSums running = {};                 ///< of the epoch that is running
  std::optional<int64_t> best_step = {};  ///< after the epoch that did best
  double best_value = 0;                  ///< what it gave
};

/// As text, for a checkpoint; `unit` and `best` as in the options.
std::string to_text(const LoopState& state, const LoopOptions& options);
/// Throws IoError if the text is none of to_text.
LoopState loop_state(const std::string& text, const LoopOptions& options);

/// Throws ValueError, naming what differs, unless a run with the configuration `now` would be the
/// one with the configuration `saved`, both JSON, apart from the keys in `may_change`.
void check_same_config(const std::string& saved, const std::string& now,
                       const std::vector<std::string>& may_change);

/// Runs epochs of steps. What a step does is up to you:
///
///     training::Loop loop(loader, {.epochs = 5, .folder = training::RunFolder::open("run")});
///     loop.keep("model", net).keep("optimizer", adam);
///     loop.run(
///         [&](const data::Batch& batch) -> training::Values {
///           Tape tape(loop.tape_options());
///           const Tensor loss = nn::cross_entropy(net(batch.x), batch.y);
///           tape.backward(loss);
///           if (loop.accept(loss)) adam.step();
///           adam.zero_grad();
///           return {{"loss", loss.item()}};
///         },
///         [&] { return training::Values{{"test_accuracy", accuracy(net, test)}}; });
///
/// On a terminal a line shows how far the epoch is, with running means of what the steps returned.
/// With a folder, metrics.jsonl gets a line for each epoch and a checkpoint is saved now and then:
/// a process that is killed, or stopped by Ctrl-C, goes on from there, bit by bit as if nothing had
/// been.
class Loop {
 public:
  /// Computes one batch, and changes weights. Returns means over the batch.
  using Step = std::function<Values(const data::Batch& batch)>;
  /// Measures the net after an epoch; names like "test_loss" and "validation_accuracy".
  using Measure = std::function<Values()>;

  /// The loader must live longer; its batches are those of an epoch.
  Loop(data::DataLoader& loader, LoopOptions options);
  /// Where an exception ends the training, says what is kept and how to go on.
  ~Loop();

  /// A part of the training, for checkpoints. Nets are watched for NaN as well.
  template <class T>
  Loop& keep(const std::string& name, T& part) {
    parts_.add(name, part);
    if constexpr (std::is_base_of_v<nn::Module, T>) {
      watch_.add(part.named_parameters(), part.named_buffers());
    }
    return *this;
  }

  /// Runs all epochs, or what is left of them. Returns 0, or the number of the signal (SIGINT,
  /// SIGTERM, SIGHUP) that stopped it in good order; without a folder, signals do what they always
  /// do. Throws NotFinite for NaN, IoError where nothing can be saved, ValueError for a checkpoint
  /// of another training.
  int run(const Step& step, const Measure& measure = {});

  /// See NanWatch.
  /// @{
  TapeOptions tape_options() const { return watch_.tape_options(); }
  bool accept(const Tensor& loss) { return watch_.accept(loss); }
  /// @}
  /// Throws NotFinite, with advice, where one of them is NaN or infinite.
  void check(const Values& values);

  const LoopState& state() const { return state_; }
  /// Steps of all epochs.
  int64_t steps() const { return loader_.size() * options_.epochs; }
  /// Steps that were done when this process began.
  int64_t first_step() const { return first_step_; }
  /// The lines of metrics.jsonl, also without a folder: JSON with "epoch", "train_loss" ...
  const std::string& metrics() const { return metrics_; }
  /// What was kept; nullptr without a folder.
  const RunFolder* folder() const { return options_.folder ? &*options_.folder : nullptr; }

 private:
  void begin(RunFolder& folder);
  void go_on(RunFolder& folder, int64_t step, const Checkpoint& checkpoint);
  bool run_batches(const Step& step);
  void run_step(const Step& step, const data::Batch& batch);
  void end_epoch(const Measure& measure);
  void report(const EpochSums& train, const Values& measured);
  void save();
  bool is_kept() const;
  Advice advice();
  void say_how_to_go_on();

  data::DataLoader& loader_;
  LoopOptions options_;
  Parts parts_;
  NanWatch watch_;
  LoopState state_;
  std::string metrics_;
  int64_t first_step_ = 0;
  std::filesystem::path saved_;  // the last checkpoint
  Stopwatch since_save_;
  std::optional<StopSignal> stop_;
  const int exceptions_;   // under way when it was made
  bool is_finite_ = true;  // else going on alone repeats what happened
};

}  // namespace gradus::training
