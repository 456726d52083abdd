// The training loop: epochs, progress, checkpoints, resuming, NaN, signals.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "../core/distributed/communicator.h"
#include "../datasets/loader.h"
#include "../nn/module.h"
#include "console.h"
#include "nan_watch.h"
#include "parts.h"
#include "progress.h"
#include "recorder.h"
#include "run_folder.h"
#include "stop_signal.h"
#include "values.h"

namespace gradus::training {

/// How often to save: after so many steps or, if that is 0, when so much time has passed.
struct SaveInterval {
  int64_t steps = 0;    ///< a checkpoint whenever the number of steps is a multiple of it
  double seconds = 30;  ///< a checkpoint when the last one is that old
};

/// How a run stands.
enum class Standing { running, finished, stopped, failed };

/// What is told of a run while it lasts, for who shows it.
struct News {
  Standing standing = Standing::running;
  std::string text = {};  ///< "by SIGINT", or the text of the error
};

/// How a Loop runs.
struct LoopOptions {
  int64_t epochs = 1;                    ///< in total, including those before resuming
  std::optional<RunFolder> folder = {};  ///< where to keep the run; without one, nothing is kept
  SaveInterval save = {};                ///< and after each epoch
  /// The value by which the best checkpoint is chosen, one of those that are measured after an
  /// epoch: the highest is best, or the lowest if its name ends in "loss". Empty: none is the best.
  /// Throws ValueError if it is not measured.
  std::string best = {};
  /// Skip a step that gives NaN, and say so, unless it is the eleventh in a row.
  bool skip_nan = false;
  std::string unit = "samples";  ///< of batches, in progress and metrics
  /// With a folder, also record steps, layers and processes: see Recorder.
  bool record = true;
  /// A folder for event files, which TensorBoard shows (see Recorder); empty: none are written.
  std::filesystem::path tensorboard = {};
  /// Applies the nets to a batch that stays the same, so that their outputs are recorded. By
  /// default the one net that is kept is called on its x; of several nets no outputs are known.
  std::function<void(const data::Batch&)> probe = {};
  /// With a folder, called when its files have news: at the beginning, every `news_seconds`, and at
  /// the end, whatever that is. Random numbers drawn there leave no trace. What it throws ends the
  /// training, unless that is at an end.
  std::function<void(const News&)> on_news = {};
  double news_seconds = 30;     ///< between two calls of on_news
  Console console = Console();  ///< where progress and results go
  /// What identifies this training run, a JSON object: goes to config.json, and a run is resumed
  /// only if it is the same, except for the keys in `may_change`.
  std::string config = "{}";
  std::vector<std::string> may_change = {"version", "data", "epochs"};  ///< keys of `config`
  std::map<std::string, std::string> texts = {};  ///< more texts for checkpoints, by name
  Words words = {};                               ///< for hints
  /// Where several processes train one net (optim::DataParallel): each has a Loop, and the folder
  /// is that of rank 0, which saves, measures and prints. A signal to one of them stops all.
  distributed::Communicator* ranks = nullptr;
};

/// The results of the steps of one epoch.
struct EpochSums {
  Values sums = {};     ///< of what each step returned, times the samples of its batch
  int64_t samples = 0;  ///< in the batches so far, without skipped ones
  double seconds = 0;   ///< of training time

  Values means() const {
    Values means = sums;
    for (Value& mean : means) mean.number /= static_cast<double>(samples > 0 ? samples : 1);
    return means;
  }
};

/// The progress of a training run between two steps, besides the state of its parts.
struct LoopState {
  int64_t epoch = 0;                      ///< the current one, from 0
  int64_t batch = 0;                      ///< batches finished in it
  int64_t step = 0;                       ///< steps finished in all epochs
  int64_t skipped_in_row = 0;             ///< steps before this one that gave NaN
  EpochSums running = {};                 ///< of the current epoch
  std::optional<int64_t> best_step = {};  ///< after the best epoch
  double best_value = 0;                  ///< of that epoch
};

/// As text, for a checkpoint; `unit` and `best` as in the options.
std::string to_text(const LoopState& state, const LoopOptions& options);
/// Throws IoError if the text is not one of to_text.
LoopState loop_state(const std::string& text, const LoopOptions& options);

/// Throws ValueError, naming what differs, unless the configurations `now` and `saved`, both JSON,
/// are the same except for the keys in `may_change`.
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
/// On a terminal a line shows the progress of the epoch, with running means of what the steps
/// returned. With a folder, metrics.jsonl gets a line for each epoch, a Recorder writes more about
/// steps and layers, and checkpoints are saved regularly: a run that was killed, or stopped by
/// Ctrl-C, is resumed from there, with the same bits as if nothing had happened.
class Loop {
 public:
  /// Computes one batch, and changes weights. Returns means over the batch.
  using Step = std::function<Values(const data::Batch& batch)>;
  /// Measures the net after an epoch; names like "test_loss" and "validation_accuracy".
  using Measure = std::function<Values()>;

  /// The loader must outlive it; its batches are those of an epoch.
  Loop(data::DataLoader& loader, LoopOptions options);
  /// If an exception ends the training, says what is kept and how to resume.
  ~Loop();

  /// Adds a part of the training to checkpoints. Nets are watched for NaN as well.
  template <class T>
  Loop& keep(const std::string& name, T& part) {
    parts_.add(name, part);
    if constexpr (std::is_base_of_v<nn::Module, T>) {
      watch_.add(part.named_parameters(), part.named_buffers());
      recorder_.watch(name, part);
    }
    if constexpr (std::is_base_of_v<optim::Optimizer, T>) recorder_.watch(name, part);
    return *this;
  }

  /// Runs all epochs, or the remaining ones. Returns 0, or the number of the signal (SIGINT,
  /// SIGTERM, SIGHUP) that stopped it cleanly; without a folder, signals have their usual effect.
  /// Throws NotFinite for NaN, IoError if nothing can be saved, ValueError for a checkpoint of
  /// another training run.
  int run(const Step& step, const Measure& measure = {});

  /// See NanWatch.
  /// @{
  TapeOptions tape_options() const { return watch_.tape_options(); }
  bool accept(const Tensor& loss) {
    const bool accepted = watch_.accept(loss);
    if (accepted) recorder_.see_gradients();
    return accepted;
  }
  /// @}
  /// Throws NotFinite, with advice, if one of them is NaN or infinite.
  void check(const Values& values);

  const LoopState& state() const { return state_; }
  /// Steps of all epochs.
  int64_t steps() const { return loader_.size() * options_.epochs; }
  /// The number of steps that were done when this process started.
  int64_t first_step() const { return first_step_; }
  /// The lines of metrics.jsonl, also without a folder: JSON with "epoch", "train_loss" ...
  const std::string& metrics() const { return metrics_; }
  /// The event file, for more events; nullptr without one, or before run().
  EventWriter* events() { return recorder_.events(); }
  /// The folder of the run; nullptr without one.
  const RunFolder* folder() const { return options_.folder ? &*options_.folder : nullptr; }

 private:
  int run_epochs(const Step& step, const Measure& measure);
  std::string begin(RunFolder& folder);
  void follow_first_rank();
  int signal_of_any_rank() const;
  Values measured(const Measure& measure);
  void go_on(RunFolder& folder, int64_t step, const Checkpoint& checkpoint);
  bool run_batches(const Step& step);
  void run_step(const Step& step, const data::Batch& batch);
  void end_epoch(const Measure& measure);
  void report(const EpochSums& train, const Values& measured);
  void save();
  void tell(const News& news);
  bool is_kept() const;
  Advice advice();
  void say_how_to_go_on();

  data::DataLoader& loader_;
  LoopOptions options_;
  Parts parts_;
  NanWatch watch_;
  Recorder recorder_;
  LoopState state_;
  std::string metrics_;
  int64_t first_step_ = 0;
  std::filesystem::path saved_;  // the last checkpoint
  Stopwatch since_save_, since_news_;
  std::optional<StopSignal> stop_;
  int signal_ = 0;         // that ends the training
  const int exceptions_;   // in flight at construction
  bool is_finite_ = true;  // else merely resuming repeats what happened
};

}  // namespace gradus::training
