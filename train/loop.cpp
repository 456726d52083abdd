#include "loop.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "../core/base/error.h"
#include "../core/system_info.h"
#include "parse_json.h"

namespace gradus::training {

namespace {

using nlohmann::json;

/// So many bad steps in a row are no accident.
constexpr int64_t most_skipped_in_row = 10;

/// What the last bits of a result depend on.
std::string system_text() {
  const SystemInfo info = system_info();
  return str("gradus ", info.version, ", ", info.instruction_set);
}

/// How often something happened: a whole number from 0 to 2^40, so that products of two fit.
int64_t count(const json& j, const std::string& key) {
  const json& value = j.at(key);
  require(value.is_number_unsigned() && value.get<uint64_t>() >> 40 == 0, "checkpoint", "", key);
  return value.get<int64_t>();
}

EpochSums epoch_sums(const json& j, const std::string& unit) {
  EpochSums sums{.samples = count(j, unit), .seconds = j.at("seconds")};
  for (const auto& [key, value] : j.items()) {
    const std::string name = key == "correct" ? "accuracy" : key;  // so it was called in 0.1
    if (key != unit && key != "seconds") sums.sums.push_back({name, value});
  }
  return sums;
}

distributed::Communicator& ranks_of(const LoopOptions& options) {
  return options.ranks != nullptr ? *options.ranks : distributed::one_process();
}

/// Names that a step did not return are dropped; a checkpoint has them sorted, a step in its order.
void add(Values& sums, Values values, double weight) {
  for (Value& value : values) {
    value.number *= weight;
    for (const Value& sum : sums) value.number += sum.name == value.name ? sum.number : 0;
  }
  sums = std::move(values);
}

}  // namespace

std::string to_text(const LoopState& s, const LoopOptions& options) {
  json j = {{"epoch", s.epoch},
            {"batch", s.batch},
            {"step", s.step},
            {"skipped_in_row", s.skipped_in_row},
            {"running", {{options.unit, s.running.samples}, {"seconds", s.running.seconds}}}};
  for (const Value& sum : s.running.sums) j["running"][sum.name] = sum.number;
  if (s.best_step) j["best"] = {{"step", *s.best_step}, {options.best, s.best_value}};
  return j.dump();
}

LoopState loop_state(const std::string& text, const LoopOptions& options) {
  try {
    const json j = parse_json(text);
    LoopState s{.epoch = count(j, "epoch"),
                .batch = count(j, "batch"),
                .step = count(j, "step"),
                .skipped_in_row = count(j, "skipped_in_row"),
                .running = epoch_sums(j.at("running"), options.unit)};
    if (j.contains("best") && !options.best.empty()) {
      s.best_step = count(j["best"], "step");
      s.best_value = j["best"].at(options.best);
    }
    return s;
  } catch (const std::exception&) {
    throw IoError("checkpoint", "it does not say where the training stands: " + text,
                  "another version of this program wrote it; start a new run");
  }
}

void check_same_config(const std::string& saved, const std::string& now,
                       const std::vector<std::string>& may_change) {
  const json before = parse_json(saved), present = parse_json(now);
  std::vector<std::string> changes;
  for (const auto& [key, value] : present.items()) {
    if (std::find(may_change.begin(), may_change.end(), key) != may_change.end()) continue;
    const json old = before.is_object() ? before.value(key, json()) : json();
    if (old != value) changes.push_back(str(key, " was ", old.dump(), " and is ", value.dump()));
  }
  require(changes.empty(), "resume",
          "resume with the same data and version of the program, or start a new run",
          "this would not be the same training: ", joined(changes));
}

// --- Loop ----------------------------------------------------------------------------------------

Loop::Loop(data::DataLoader& loader, LoopOptions options)
    : loader_(loader), options_(std::move(options)), exceptions_(std::uncaught_exceptions()) {
  require<Error>(options_.ranks != nullptr || distributed::launched_processes() <= 1, "train",
                 "give the loop its .ranks, or start it without mpirun", "one of ",
                 distributed::launched_processes(), " processes, in a program that trains on one");
  watch_.skip = [this](const std::string& what) {
    if (!options_.skip_nan || ++state_.skipped_in_row > most_skipped_in_row) return false;
    options_.console.say("skipped", what);
    return true;
  };
  watch_.advice = [this] { return advice(); };
}

Loop::~Loop() {
  if (std::uncaught_exceptions() > exceptions_) say_how_to_go_on();
}

int Loop::run(const Step& step, const Measure& measure) {
  try {
    return run_epochs(step, measure);
  } catch (const std::exception& error) {
    try {
      tell({Standing::failed, error.what()});
    } catch (const std::exception&) {  // the first error is the one to know
    }
    throw;
  }
}

int Loop::run_epochs(const Step& step, const Measure& measure) {
  const RunFolder* const folder = options_.folder && options_.record ? &*options_.folder : nullptr;
  const std::string steps = options_.folder ? begin(*options_.folder) : "";
  if (ranks_of(options_).size() > 1) follow_first_rank();
  if (folder != nullptr || !options_.tensorboard.empty()) {
    recorder_.begin(loader_.dataset(), {state_.epoch, state_.step, steps, options_.config},
                    {folder, options_.tensorboard, options_.probe});
  }
  tell({});
  while (state_.epoch < options_.epochs && run_batches(step)) end_epoch(measure);
  if (state_.epoch == options_.epochs) {
    if (options_.folder)
      options_.folder->write("metrics.jsonl", metrics_);  // so that it is flushed
    tell({Standing::finished});
    return 0;
  }
  options_.console.say("stopped", str("by ", signal_name(signal_), " after step ", state_.step));
  tell({Standing::stopped, str("by ", signal_name(signal_))});
  say_how_to_go_on();
  return signal_;
}

/// Returns the steps that were recorded before.
std::string Loop::begin(RunFolder& folder) {
  std::string steps;
  if (const auto newest = folder.take_newest()) {
    go_on(folder, newest->step, newest->checkpoint);
    steps = newest->checkpoint.text("steps");
  } else {
    save();  // from here on there is always something to resume from
    folder.remove_older_run(state_.step);
  }
  folder.write("config.json", parse_json(options_.config).dump(2) + "\n");
  stop_.emplace();
  return steps;
}

void Loop::go_on(RunFolder& folder, int64_t step, const Checkpoint& checkpoint) {
  check_same_config(checkpoint.text("config"), options_.config, options_.may_change);
  state_ = loop_state(checkpoint.text("training"), options_);
  const int64_t begun = state_.epoch + (state_.batch > 0 ? 1 : 0);
  require(options_.epochs >= begun, "resume",
          "it is the number of all epochs, those before included", options_.words.epochs, " ",
          options_.epochs, " is less than the ", begun, " that the run has begun");
  parts_.load(checkpoint);
  metrics_ = checkpoint.text("metrics");
  folder.remove_half_written();
  folder.write("metrics.jsonl", metrics_);
  first_step_ = step;
  saved_ = folder.checkpoints().file_of(step);
  // Earlier checkpoints name a BLAS at the end, too, which made the matrix products.
  if (const std::string& system = checkpoint.text("system"); !system.starts_with(system_text())) {
    options_.console.say("warning", str(system, " began this run, this is ", system_text(),
                                        ": the last digits may differ"));
  }
  options_.console.say("resumed", str("after step ", step, " of ", steps()));
  if (checkpoint.text("config") != options_.config) save();  // from here on it is another one
}

/// Starts where rank 0 does, whose folder nobody else may be able to read.
void Loop::follow_first_rank() {
  distributed::Communicator& ranks = ranks_of(options_);
  std::string file;
  if (!saved_.empty()) {
    std::ifstream in(saved_, std::ios::binary);
    file.assign(std::istreambuf_iterator<char>(in), {});
  }
  file = ranks.broadcast_text(file);
  if (ranks.rank() == 0 || file.empty()) return;
  const auto copy = std::filesystem::temp_directory_path() /
                    str("gradus-start-", ::getpid(), "-", ranks.rank(), ".safetensors");
  const std::unique_ptr<const std::filesystem::path, void (*)(const std::filesystem::path*)>
      removed(&copy, [](const std::filesystem::path* path) {
        std::error_code error;
        std::filesystem::remove(*path, error);
      });
  std::ofstream(copy, std::ios::binary) << file;
  const Checkpoint checkpoint = load_checkpoint(copy);
  state_ = loop_state(checkpoint.text("training"), options_);
  parts_.load(checkpoint);
  metrics_ = checkpoint.text("metrics");
  first_step_ = state_.step;
  stop_.emplace();
}

int Loop::signal_of_any_rank() const {
  return static_cast<int>(ranks_of(options_).max(stop_ ? stop_->received() : 0));
}

/// What rank 0 measures, to all.
Values Loop::measured(const Measure& measure) {
  if (!measure) return {};
  distributed::Communicator& ranks = ranks_of(options_);
  json told = json::array();
  if (ranks.rank() == 0) {
    Values values = measure();
    check(values);
    if (ranks.size() == 1) return values;
    for (const Value& value : values) told.push_back({value.name, value.number});
  }
  Values values;
  for (const json& value : json::parse(ranks.broadcast_text(told.dump()))) {
    values.push_back({value[0], value[1]});
  }
  return values;
}

/// Runs the remaining batches of the current epoch. False if a signal asked to stop.
bool Loop::run_batches(const Step& step) {
  const Stopwatch watch;
  const double seconds_before = state_.running.seconds;
  const int64_t samples = loader_.dataset().size();
  const auto done = [&] { return std::min(state_.batch * loader_.options().batch_size, samples); };
  Progress progress(options_.console, str("epoch ", state_.epoch + 1, "/", options_.epochs),
                    samples, done(), options_.unit);
  loader_.set_epoch(state_.epoch, state_.batch);
  for (const data::Batch& batch : loader_) {
    run_step(step, batch);
    state_.running.seconds = seconds_before + watch.seconds();
    progress.update(done(), state_.running.means());
    if (since_news_.seconds() >= options_.news_seconds) tell({});
    signal_ = signal_of_any_rank();
    if (signal_ != 0) {
      save();
      return false;
    }
    const SaveInterval& every = options_.save;
    const bool is_due =
        every.steps > 0 ? state_.step % every.steps == 0 : since_save_.seconds() >= every.seconds;
    if (is_due) save();
  }
  return true;
}

void Loop::run_step(const Step& step, const data::Batch& batch) {
  Values values;
  recorder_.begin_step(state_.batch + 1 == loader_.size());
  watch_.step(str("at step ", state_.step + 1), {{"the inputs of this batch", batch.x}},
              [&] { values = step(batch); });
  const int64_t samples = loader_.samples_of(state_.batch);
  ++state_.step;
  ++state_.batch;
  if (watch_.skipped()) return;
  check(values);
  recorder_.end_step(state_.step, values);
  add(state_.running.sums, values, static_cast<double>(samples));
  state_.running.samples += samples;
  state_.skipped_in_row = 0;
}

void Loop::end_epoch(const Measure& measure) {
  const Values values = measured(measure);
  if (const std::string& best = options_.best; !best.empty()) {
    const auto value = std::ranges::find(values, best, &Value::name);
    require(value != values.end(), "train",
            "`best` names one of the values that are measured after an epoch", "no value \"", best,
            "\" is measured, by which the best checkpoint is to be chosen");
    const double sign = best.ends_with("loss") ? -1 : 1;
    if (!state_.best_step || sign * value->number > sign * state_.best_value) {
      state_.best_step = state_.step;
      state_.best_value = value->number;
    }
  }
  ++state_.epoch;
  state_.batch = 0;
  report(std::exchange(state_.running, {}), values);
  save();
  if (since_news_.seconds() >= options_.news_seconds) tell({});
}

void Loop::report(const EpochSums& train, const Values& measured) {
  Values told;
  for (const Value& mean : train.means()) told.push_back({"train_" + mean.name, mean.number});
  told.insert(told.end(), measured.begin(), measured.end());
  const double rate = static_cast<double>(train.samples) / train.seconds;
  json line = {
      {"epoch", state_.epoch}, {options_.unit + "_per_second", rate}, {"seconds", train.seconds}};
  for (const Value& value : told) line[value.name] = value.number;
  Values recorded = told;
  recorded.push_back({options_.unit + "_per_second", rate});
  recorder_.end_epoch(state_.epoch, state_.step, recorded);
  metrics_ += line.dump() + "\n";
  if (options_.folder) options_.folder->append("metrics.jsonl", line.dump() + "\n");
  options_.console.say(str("epoch ", state_.epoch, "/", options_.epochs),
                       str(summary(told), "   ", fixed(rate, 0), " ", options_.unit, "/s, ",
                           clock_text(train.seconds)));
}

// --- Saving --------------------------------------------------------------------------------------

void Loop::save() {
  recorder_.flush();
  if (!options_.folder) return;
  Checkpoint checkpoint = parts_.save();
  if (const NamedTensor* bad = first_not_finite(checkpoint.tensors))
    throw NotFinite("train", str(bad->name, " holds NaN or infinity after step ", state_.step),
                    advice().always);
  checkpoint.metadata = options_.texts;
  checkpoint.metadata["training"] = to_text(state_, options_);
  checkpoint.metadata["config"] = options_.config;
  checkpoint.metadata["metrics"] = metrics_;
  checkpoint.metadata["steps"] = recorder_.steps();
  checkpoint.metadata["system"] = system_text();
  CheckpointFolder& checkpoints = options_.folder->checkpoints();
  checkpoints.set_best(state_.best_step);
  checkpoints.save(state_.step, checkpoint);
  saved_ = checkpoints.file_of(state_.step);
  since_save_ = Stopwatch();
}

/// Writes what is only written now and then, and tells that there is news.
void Loop::tell(const News& news) {
  if (!options_.folder || saved_.empty()) return;
  if (options_.record) options_.folder->write("steps.jsonl", recorder_.steps());
  const RandomScope random;  // a net that is built to be shown draws its weights first
  if (options_.on_news) options_.on_news(news);
  since_news_ = Stopwatch();
}

bool Loop::is_kept() const {
  std::error_code error;
  return !saved_.empty() && std::filesystem::exists(saved_, error);
}

void Loop::say_how_to_go_on() {
  if (!is_kept()) return;
  options_.console.say("kept", saved_.string());
  const std::string& command = options_.words.go_on;
  if (!is_finite_ || command.empty()) return;  // an error says what can be done with a NaN
  options_.console.print("go on    " + command + " " +
                         shell_word(options_.folder->path().string()) + "\n");
}

// --- NaN -----------------------------------------------------------------------------------------

/// What helps against the NaN that ends this training run. Merely resuming from a checkpoint
/// repeats it.
Advice Loop::advice() {
  is_finite_ = false;
  const Words& words = options_.words;
  const bool kept = is_kept();
  const std::string how = kept ? str("go on with ", words.resume, " ",
                                     shell_word(options_.folder->path().string()), " ")
                               : "";
  return {.always = kept ? str(saved_.filename().string(), " is kept; ", words.gentler,
                               " takes a new run, with another ", words.out)
                         : "try " + words.gentler,
          .to_skip = options_.skip_nan ? "" : str(", or ", how, words.skip)};
}

void Loop::check(const Values& values) {
  for (const Value& value : values) {
    if (std::isfinite(value.number)) continue;
    std::string name = value.name;
    std::replace(name.begin(), name.end(), '_', ' ');
    throw NotFinite("train", str("the ", name, " is ", value.number, " after step ", state_.step),
                    advice().always);
  }
}

}  // namespace gradus::training
