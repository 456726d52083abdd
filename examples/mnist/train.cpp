#include "train.h"

#include <gradus/core/base/text.h>
#include <gradus/gradus.h>

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../support/console.h"
#include "../support/numerics.h"
#include "../support/process.h"
#include "../support/progress.h"
#include "../support/run_folder.h"
#include "../support/stop_signal.h"
#include "../support/system.h"
#include "augment.h"
#include "checkpoint.h"
#include "evaluate.h"
#include "models.h"
#include "recipe.h"

namespace gradus::examples {

namespace {

using nlohmann::json;

std::unique_ptr<nn::Sequential> make_net(const TrainOptions& options, const data::Found& data) {
  if (options.model.ends_with(".json")) return nn::from_json_file(options.model);
  const Shape image = data.test->get(0).x.shape();
  if (image[1] != image[2]) {
    throw ShapeError("train", str("--model ", options.model, " takes square images, not ", image),
                     "give a model file");
  }
  const Task task{
      .channels = image[0], .side = image[1], .classes = static_cast<int64_t>(data.classes.size())};
  return nn::from_json(model_json(options.model, options.norm, task));
}

/// The value that a black pixel has become. Colour images are padded with their mean, 0.
double background(const data::Found& data) {
  if (data.normalization.size() != 1) return 0;
  return -data.normalization[0].mean / data.normalization[0].std;
}

json to_json(const std::vector<data::Normalization>& normalization) {
  json mean = json::array(), std = json::array();
  for (const data::Normalization& channel : normalization) {
    mean.push_back(channel.mean);
    std.push_back(channel.std);
  }
  return {{"mean", mean}, {"std", std}};
}

struct EpochResult {
  double loss = 0, accuracy = 0, seconds = 0;
  int64_t images = 0;
  double images_per_second() const { return static_cast<double>(images) / seconds; }
};

/// What the last bits of a result depend on.
std::string system_text() {
  const SystemInfo info = system_info();
  return str("gradus ", info.version, ", ", info.instruction_set, ", ", info.blas);
}

std::string loss_text(double loss, double accuracy) {
  return str("loss ", fixed(loss, 4), ", accuracy ", fixed(100 * accuracy, 2), " %");
}

json to_json(const EpochResult& train, const Evaluation& test) {
  return {{"train_loss", train.loss},
          {"train_accuracy", train.accuracy},
          {"test_loss", test.loss},
          {"test_accuracy", test.accuracy},
          {"images_per_second", train.images_per_second()},
          {"seconds", train.seconds}};
}

/// So many bad steps in a row are no accident.
constexpr int64_t most_skipped_in_row = 10;

EpochResult result_of(const EpochSums& sums) {
  const auto images = static_cast<double>(std::max<int64_t>(sums.images, 1));
  return {.loss = sums.loss / images,
          .accuracy = sums.correct / images,
          .seconds = sums.seconds,
          .images = sums.images};
}

/// One run of the program.
class Training {
 public:
  // With --json, standard output belongs to the JSON line alone.
  Training(const TrainOptions& options, std::optional<InterruptedRun> interrupted)
      : options_(options),
        interrupted_(std::move(interrupted)),
        save_interval_(parse_save_interval(options.checkpoint_every)),
        console_(options.json ? Console::standard_error() : Console::standard_output()) {}

  /// Returns the exit status.
  int run() {
    try {
      return run_to_the_end();
    } catch (const NotFinite&) {
      say_what_is_kept();  // the error says what can be done with it
      throw;
    } catch (const std::exception&) {
      say_how_to_go_on();
      throw;
    }
  }

 private:
  int run_to_the_end() {
    const Stopwatch watch;
    open_folder();
    print_system(console_);
    prepare();
    if (interrupted_) {
      go_on();
    } else if (folder_) {
      save();  // from here on there is always something to go on from
      folder_->remove_older_run(state_.step);
      folder_->write_config(config_);
    }
    if (folder_) stop_.emplace();
    while (state_.epoch < options_.epochs && run_batches()) end_epoch();
    if (state_.epoch < options_.epochs) return stopped();
    if (profile_) print_profile();
    if (options_.profile && !profile_) console_.say("profile", "no step was left to measure");
    if (folder_) {
      const auto averaged = averaged_weights();
      folder_->write_metrics(metrics_);  // once more, to have the last line flushed
      folder_->write_model(*net_);
      console_.say("saved", folder_->path().string());
    }
    finish(watch.seconds());
    return 0;
  }

  void open_folder() {
    if (interrupted_ || !options_.out.empty()) arguments_ = arguments_text(options_.arguments);
    if (interrupted_) {
      folder_.emplace(std::move(interrupted_->folder));
    } else if (!options_.out.empty()) {
      folder_.emplace(RunFolder::create(options_.out, options_.overwrite));
    }
    if (folder_) folder_->checkpoints().set_keep(options_.keep);
  }

  void prepare() {
    check_data_is_used(options_.dataset, options_.data_directory);
    data_ = open_data({.name = options_.dataset,
                       .directory = options_.data_directory,
                       .samples = options_.samples},
                      console_);
    if (folder_) record_data();
    manual_seed(options_.seed);
    net_ = interrupted_ ? nn::from_json(interrupted_->newest.checkpoint.text("net"))
                        : make_net(options_, data_);
    check_model_fits();
    if (!interrupted_ && !options_.init.empty()) load_initial_weights();
    parameters_ = net_->named_parameters();
    buffers_ = net_->named_buffers();
    optimizer_ = make_optimizer(options_.optimizer, options_.lr, parameters_);
    peak_lr_ = optimizer_->lr();
    if (options_.ema > 0) {
      ema_.emplace(parameters_,
                   optim::EMAOptions{.decay = options_.ema, .warmup = true, .buffers = buffers_});
    }
    console_.say("model", str(options_.model, ", ", net_->parameter_count(), " parameters; ",
                              options_.optimizer, ", batch ", options_.batch_size, ", seed ",
                              options_.seed));
    loader_ = std::make_unique<data::DataLoader>(
        split_training_images(),
        data::LoaderOptions{.batch_size = options_.batch_size,
                            .seed = options_.seed,
                            .num_workers = options_.workers,
                            .transform = parse_augmentation(options_.augment, background(data_))});
    const int64_t steps = loader_->size() * options_.epochs;
    schedule_.emplace(*optimizer_, make_schedule(options_.schedule, *optimizer_, steps));
    if (folder_) config_ = config();
  }

  /// Holds out the images for validation, the same shares of all classes; returns the others.
  data::DatasetPtr split_training_images() {
    data::DatasetPtr images = data_.train;
    if (options_.samples > 0 && options_.samples < images->size()) {
      images = data::share(data::Subset(images, 0, options_.samples));
    }
    const int64_t size = images->size(), held_out = options_.validation.value_or(size / 12);
    if (held_out >= size) {
      throw ValueError(
          "train", str("--validation ", held_out, " leaves none of ", size, " images to train on"),
          "one in twelve is usual; 0 holds out none");
    }
    if (held_out > 0) {
      const double share = static_cast<double>(held_out) / static_cast<double>(size);
      const auto parts =
          data::random_split(images, {1 - share, share}, {.seed = options_.seed, .stratify = true});
      images = parts[0];
      validation_ = parts[1];
    }
    console_.say("images", str(images->size(), " to train, ", held_out, " for validation, ",
                               data_.test->size(), " to test"));
    return images;
  }

  void load_initial_weights() {
    NamedTensors weights = load_safetensors(options_.init).tensors;
    Checkpoint checkpoint{.tensors = weights};
    if (NamedTensors of_model = checkpoint.part("model"); !of_model.empty()) weights = of_model;
    net_->load_state_dict(weights);
    console_.say("init", "weights from " + options_.init);
  }

  /// "auto" is the data that was found now, where it was found, also where other data can be found
  /// when going on.
  void record_data() {
    std::vector<std::string> arguments = options_.arguments;
    const auto record = [&](const std::string& option, const std::string& value) {
      if (value.empty()) return;
      std::erase_if(arguments, [&](const std::string& a) { return a.starts_with(option + "="); });
      arguments.push_back(option + "=" + value);
    };
    record("--dataset", data_.key);
    record("--data", data_folder());
    arguments_ = arguments_text(arguments);
  }

  std::string data_folder() const { return absolute(data_.folder); }

  /// To be found from other folders too.
  static std::string absolute(const std::filesystem::path& path) {
    std::error_code error;
    const auto whole = std::filesystem::absolute(path, error);
    return path.empty() || error ? "" : whole.lexically_normal().string();
  }

  /// With --ema it is the averages that are tested and kept: the net has them while this lives.
  std::unique_ptr<optim::EMAScope> averaged_weights() const {
    return ema_ ? std::make_unique<optim::EMAScope>(*ema_) : nullptr;
  }

  /// One image through the net, so that a model that does not fit is known before the first epoch.
  void check_model_fits() {
    const int64_t first[] = {0};
    net_->eval();
    const Tensor logits = (*net_)(data_.test->gather(first).x);
    net_->train();
    const auto classes = static_cast<int64_t>(data_.classes.size());
    if (logits.dim() == 2 && logits.size(1) == classes) return;
    throw ShapeError("train", str("the model gives ", logits.shape(), " for one image"),
                     str("it must give one score for each of ", classes, " classes"));
  }

  // --- Epochs and steps ---

  /// Runs the rest of the batches of the present epoch. False where a signal asked to stop.
  bool run_batches() {
    const Stopwatch watch;
    EpochSums& sums = state_.running;
    const double seconds_before = sums.seconds;
    const int64_t images = loader_->dataset().size();
    const auto images_done = [&] { return std::min(state_.batch * options_.batch_size, images); };
    Progress progress(console_, str("epoch ", state_.epoch + 1, "/", options_.epochs), images,
                      images_done());
    loader_->set_epoch(state_.epoch, state_.batch);
    for (const data::Batch& batch : *loader_) {
      train_step(batch);
      sums.seconds = seconds_before + watch.seconds();
      const EpochResult so_far = result_of(sums);
      progress.update(images_done(), so_far.loss, so_far.accuracy);
      if (stop_ && stop_->received() != 0) {
        save();
        return false;
      }
      if (save_is_due()) save();
    }
    return true;
  }

  void train_step(const data::Batch& batch) {
    StepUndo before(buffers_);
    const auto [logits, loss] = compute(batch, {.profile = is_profiled()});
    const std::string problem = not_finite(loss);
    if (problem.empty()) {
      update_weights();
      state_.skipped_in_row = 0;
      state_.running.loss += loss * static_cast<double>(batch.y.numel());
      state_.running.correct += count_correct(logits, batch.y);
      state_.running.images += batch.y.numel();
    } else {
      before.undo();
      stop_or_skip(problem, batch);
    }
    optimizer_->zero_grad();
    schedule_->step();
    ++state_.step;
    ++state_.batch;
  }

  struct Computed {
    Tensor logits;
    double loss;
  };
  /// Loss and gradients; of a loss that is not finite no gradients.
  Computed compute(const data::Batch& batch, const TapeOptions& options) {
    Tape tape(options);
    const Tensor logits = (*net_)(batch.x);
    const Tensor loss = nn::cross_entropy(logits, batch.y);
    const double value = loss.item();
    if (std::isfinite(value)) tape.backward(loss);
    if (options.profile) profile_ = tape.profile();
    return {logits.detach(), value};
  }

  bool is_profiled() const {
    return options_.profile &&
           state_.step + 1 == std::min(first_step_ + 50, loader_->size() * options_.epochs);
  }

  void update_weights() {
    if (options_.clip_grad_norm) optim::clip_grad_norm_(parameters_, *options_.clip_grad_norm);
    optimizer_->step();
    if (ema_) ema_->update();
  }

  std::string not_finite(double loss) const {
    if (!std::isfinite(loss)) return str("the loss is ", loss);
    const NamedTensor* bad = first_gradient_not_finite(parameters_);
    return bad == nullptr ? "" : str("the gradient of ", bad->name, " is not finite");
  }

  /// What --on-nan says, for a step that has been undone.
  void stop_or_skip(const std::string& problem, const data::Batch& batch) {
    const std::string what = str(problem, " at step ", state_.step + 1);
    if (options_.on_nan == "skip" && ++state_.skipped_in_row <= most_skipped_in_row) {
      console_.say("skipped", what);
      return;
    }
    optimizer_->zero_grad();
    throw_not_finite(what, {.inputs = {{"the images of this batch", batch.x}},
                            .parameters = parameters_,
                            .repeat = [&](const TapeOptions& tape) { compute(batch, tape); },
                            .advice = advice()});
  }

  /// What helps against NaN. Going on from a checkpoint alone repeats it.
  Advice advice() const {
    if (!is_kept()) {
      return {.always = "try a smaller --lr or --clip-grad-norm",
              .to_skip = options_.on_nan == "skip" ? "" : ", or --on-nan skip"};
    }
    const std::string folder = folder_->path().string();
    return {.always = str(saved_file().filename().string(),
                          " is kept; a smaller --lr or "
                          "--clip-grad-norm takes a new run, with another --out"),
            .to_skip = options_.on_nan == "skip"
                           ? ""
                           : str(", or go on with --resume ", folder, " --on-nan skip")};
  }

  Evaluation evaluate_on(const data::Dataset& images, const char* name) const {
    const Evaluation result = evaluate(*net_, images);
    if (std::isfinite(result.loss)) return result;
    throw NotFinite("train",
                    str("the ", name, " loss is ", result.loss, " after step ", state_.step),
                    advice().always);
  }

  void end_epoch() {
    const EpochResult result = result_of(state_.running);
    std::optional<Evaluation> validation;
    {
      const auto averaged = averaged_weights();
      state_.test = evaluate_on(*data_.test, "test");  // told, and used for nothing
      if (validation_) validation = evaluate_on(*validation_, "validation");
    }
    if (validation && (!state_.best_step || validation->accuracy > state_.best_accuracy)) {
      state_.best_step = state_.step;
      state_.best_accuracy = validation->accuracy;
    }
    ++state_.epoch;
    state_.batch = 0;
    state_.running = {};
    state_.train_loss = result.loss;
    state_.seconds += result.seconds;
    state_.images += result.images;
    report(result, validation);
    save();
  }

  void report(const EpochResult& train, const std::optional<Evaluation>& validation) {
    const Evaluation& test = state_.test;
    if (folder_) {
      json line = to_json(train, test);
      line["epoch"] = state_.epoch;
      if (validation) {
        line["validation_loss"] = validation->loss;
        line["validation_accuracy"] = validation->accuracy;
      }
      metrics_ += folder_->append_metrics(line);
    }
    const std::string in_validation =
        validation ? "   validation " + loss_text(validation->loss, validation->accuracy) : "";
    console_.say(
        str("epoch ", state_.epoch, "/", options_.epochs),
        str("train ", loss_text(train.loss, train.accuracy), in_validation, "   test ",
            loss_text(test.loss, test.accuracy), "   ", fixed(train.images_per_second(), 0),
            " images/s, ", clock_text(train.seconds)));
  }

  // --- Saving and going on ---

  TrainingParts parts() { return {*net_, *optimizer_, *schedule_, ema_ ? &*ema_ : nullptr}; }

  bool save_is_due() const {
    if (save_interval_.steps > 0) return state_.step % save_interval_.steps == 0;
    return since_save_.seconds() >= save_interval_.seconds;
  }

  void save() {
    if (!folder_) return;
    Checkpoint checkpoint = save_parts(parts());
    if (const NamedTensor* bad = first_not_finite(checkpoint.tensors)) {
      throw NotFinite("train", str(bad->name, " holds NaN or infinity after step ", state_.step),
                      advice().always);
    }
    checkpoint.metadata = {{"training", to_text(state_)}, {"config", config_.dump()},
                           {"arguments", arguments_},     {"net", nn::to_json(*net_)},
                           {"metrics", metrics_},         {"system", system_text()}};
    folder_->checkpoints().set_best(state_.best_step);
    folder_->checkpoints().save(state_.step, checkpoint);
    saved_step_ = state_.step;
    since_save_ = Stopwatch();
  }

  void go_on() {
    const auto& [step, checkpoint] = interrupted_->newest;
    check_same_run(checkpoint.text("config"), config_);
    state_ = training_state(checkpoint.text("training"));
    check_epochs();
    load_parts(checkpoint, parts());
    metrics_ = checkpoint.text("metrics");
    folder_->remove_half_written();
    folder_->write_config(config_);
    folder_->write_metrics(metrics_);
    saved_step_ = step;
    if (checkpoint.text("system") != system_text()) {
      console_.say("warning", str(checkpoint.text("system"), " began this run, this is ",
                                  system_text(), ": the last digits may differ"));
    }
    console_.say("resumed", str("after step ", step, " of ", loader_->size() * options_.epochs));
    const bool other_epochs = options_.epochs != recorded_epochs(checkpoint.text("config"));
    first_step_ = step;
    interrupted_.reset();
    if (other_epochs) save();  // from here on the run has so many
  }

  void check_epochs() const {
    const int64_t begun = state_.epoch + (state_.batch > 0 ? 1 : 0);
    if (options_.epochs >= begun) return;
    throw ValueError(
        "resume",
        str("--epochs ", options_.epochs, " is less than the ", begun, " that the run has begun"),
        "it is the number of all epochs, those before included");
  }

  int stopped() {
    console_.say("stopped",
                 str("by ", signal_name(stop_->received()), " after step ", state_.step));
    say_how_to_go_on();
    return 128 + stop_->received();
  }

  /// Of the last checkpoint, where one was saved.
  std::filesystem::path saved_file() const { return folder_->checkpoints().file_of(*saved_step_); }

  bool is_best_kept() const {
    std::error_code error;
    return folder_ && validation_ && state_.best_step &&
           std::filesystem::exists(folder_->checkpoints().file_of(*state_.best_step), error);
  }

  bool is_kept() const {
    std::error_code error;
    return folder_ && saved_step_ && std::filesystem::exists(saved_file(), error);
  }

  void say_what_is_kept() {
    if (is_kept()) console_.say("kept", saved_file().string());
  }

  void say_how_to_go_on() {
    if (!is_kept()) return;
    say_what_is_kept();
    console_.print("go on    mnist train --resume " + folder_->path().string() + "\n");
  }

  json config() const {
    return {{"version", system_info().version},
            {"dataset", data_.key},
            {"data", data_folder()},
            {"normalization", to_json(data_.normalization)},
            {"train_data", fingerprint(*data_.train)},
            {"test_data", fingerprint(*data_.test)},
            {"classes", data_.classes},
            {"model", options_.model},
            {"norm", options_.model == "cnn" ? json(options_.norm) : json()},
            {"init", absolute(options_.init)},
            {"epochs", options_.epochs},
            {"batch_size", options_.batch_size},
            {"lr", peak_lr_},
            {"optimizer", options_.optimizer},
            {"schedule", options_.schedule},
            {"clip_grad_norm", options_.clip_grad_norm ? json(*options_.clip_grad_norm) : json()},
            {"ema", options_.ema},
            {"augment", options_.augment},
            {"seed", options_.seed},
            {"samples", options_.samples},
            {"validation", validation_ ? validation_->size() : 0}};
  }

  void print_profile() {
    std::ostringstream table;
    profile_->print(table, measure_ceilings());
    console_.print("one step, by operation:\n" + table.str());
  }

  void finish(double seconds) {
    const Evaluation& test = state_.test;
    const EpochResult total{
        .loss = state_.train_loss, .seconds = state_.seconds, .images = state_.images};
    console_.say("", accuracy_text(test));
    if (is_best_kept()) {
      console_.say("best",
                   str(folder_->checkpoints().file_of(*state_.best_step).filename().string(), ": ",
                       fixed(100 * state_.best_accuracy, 2), " % of ", validation_->size(),
                       " validation images right"));
    }
    if (!options_.json) return;
    std::cout << json{{"test_accuracy", test.accuracy},
                      {"train_loss", total.loss},
                      {"images_per_second", total.images_per_second()},
                      {"seconds", seconds},
                      {"epochs", options_.epochs},
                      {"seed", options_.seed},
                      {"threads", num_threads()},
                      {"peak_rss_mib", peak_rss_mib()}}
                     .dump()
              << std::endl;
  }

  const TrainOptions& options_;
  std::optional<InterruptedRun> interrupted_;  // until it has been taken up
  const SaveInterval save_interval_;
  Console console_;
  std::optional<RunFolder> folder_;
  data::Found data_;
  data::DatasetPtr validation_;  // images that are held out; null where there are none
  std::unique_ptr<nn::Sequential> net_;
  NamedTensors parameters_, buffers_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  std::optional<optim::Schedule> schedule_;
  std::optional<optim::EMA> ema_;
  std::unique_ptr<data::DataLoader> loader_;
  double peak_lr_ = 0;
  std::optional<Profile> profile_;  // of one step, with --profile
  json config_;                     // with a folder, what config.json says
  std::string arguments_;           // as a checkpoint records them
  TrainingState state_;
  std::string metrics_;     // all lines of metrics.jsonl
  int64_t first_step_ = 0;  // of this process
  std::optional<int64_t> saved_step_;
  Stopwatch since_save_;
  std::optional<StopSignal> stop_;
};

}  // namespace

int train(const TrainOptions& options) {
  return Training(options, {}).run();
}

int resume(const TrainOptions& options, InterruptedRun run) {
  return Training(options, std::move(run)).run();
}

}  // namespace gradus::examples
