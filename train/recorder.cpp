#include "recorder.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

#include "../core/base/error.h"
#include "../core/base/parallel_for.h"
#include "../core/base/run_program.h"
#include "../core/base/text.h"
#include "../core/ops.h"
#include "../core/system_info.h"
#include "parse_json.h"

namespace gradus::training {

namespace {

using nlohmann::json;

/// What git prints; nothing if it fails, or is not installed.
std::optional<std::string> git(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"git", "--no-optional-locks"});
  try {
    const FinishedProgram finished = run_program("git", "", std::move(arguments));
    return finished.status == 0 ? std::optional(finished.output) : std::nullopt;
  } catch (const IoError&) {
    return {};
  }
}

/// The commit that the working folder is at, and whether files of it have been changed since.
json git_state() {
  const auto commit = git({"rev-parse", "HEAD"}),
             branch = git({"rev-parse", "--abbrev-ref", "HEAD"});
  const auto changes = git({"status", "--porcelain", "--untracked-files=no"});
  if (!commit || !branch || !changes) return {};
  const auto first_line = [](const std::string& text) { return text.substr(0, text.find('\n')); };
  return {{"commit", first_line(*commit)},
          {"branch", first_line(*branch)},
          {"changed", !changes->empty()}};
}

std::string utc_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::array<char, 32> text{};
  gmtime_r(&now, &parts);
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string process_line(int64_t step) {
  const SystemInfo info = system_info();
  json line = {{"step", step},
               {"time", utc_time()},
               {"gradus", info.version},
               {"processor", info.processor},
               {"instruction_set", info.instruction_set},
               {"threads", num_threads()}};
  if (json git = git_state(); !git.is_null()) line["git"] = std::move(git);
  return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

/// The lines of a file for which `is_wanted` is true.
std::string lines_of(const std::filesystem::path& path,
                     const std::function<bool(const json&)>& is_wanted) {
  std::string kept;
  for (const json& line : parse_json_lines(text_of_file("run folder", path))) {
    if (line.is_object() && is_wanted(line)) kept += line.dump() + "\n";
  }
  return kept;
}

/// Of a data set, evenly spaced: 128 samples, or fewer if they are large.
data::Batch some_of(const data::Dataset& dataset) {
  if (dataset.size() == 0) return {};
  constexpr int64_t most = 128, most_bytes = int64_t{8} << 20;
  const int64_t bytes = std::max<int64_t>(dataset.get(0).x.nbytes(), 1);
  const int64_t count = std::clamp<int64_t>(most_bytes / bytes, 1, std::min(most, dataset.size()));
  std::vector<int64_t> indices;
  indices.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) indices.push_back(i * dataset.size() / count);
  return dataset.gather(indices);
}

/// "test_loss" as "test/loss", for TensorBoard to group.
std::string tag_of(std::string name) {
  const size_t end = name.find('_');
  if (end != std::string::npos) name[end] = '/';
  return name;
}

}  // namespace

void Recorder::begin(const data::Dataset& dataset, const RunStart& start, RecorderOptions options) {
  options_ = std::move(options);
  steps_ = StepLog::from_jsonl(start.steps);
  batch_ = some_of(dataset);
  if (!options_.tensorboard.empty()) {
    events_.emplace(options_.tensorboard,
                    EventWriterOptions{.purge_step = start.step > 0 ? std::optional(start.step + 1)
                                                                    : std::nullopt});
    if (start.step == 0) events_->add_text("config", "```json\n" + start.config + "\n```", 0);
  }
  if (const RunFolder* const folder = options_.folder; folder != nullptr) {
    const auto is_before = [&](const json& line) {
      const json at = line.value("epoch", json());
      return start.step > 0 && at.is_number_integer() && at.get<int64_t>() <= start.epoch;
    };
    const auto all = [](const json&) { return true; };
    folder->write("steps.jsonl", start.steps);
    folder->write("layers.jsonl", lines_of(folder->path() / "layers.jsonl", is_before));
    folder->write("processes.jsonl",
                  lines_of(folder->path() / "processes.jsonl", all) + process_line(start.step));
  }
  if (start.step == 0) record_layers(0, 0);
}

void Recorder::begin_step(bool is_last) {
  if (!is_on()) return;
  rates_.clear();
  for (const auto& [name, optimizer] : optimizers_) {
    rates_.push_back({optimizers_.size() == 1 ? "lr" : "lr." + name, optimizer->lr()});
  }
  sees_layers_ = is_last;
  if (sees_layers_) layers_.begin_step();
}

void Recorder::see_gradients() {
  if (sees_layers_) layers_.see_gradients();
}

void Recorder::end_step(int64_t step, Values values) {
  if (!is_on()) return;
  values.insert(values.end(), rates_.begin(), rates_.end());
  steps_.add(step, values);
  if (sees_layers_) layers_.end_step();
  sees_layers_ = false;
  if (!events_) return;
  for (const Value& value : values) events_->add_scalar("step/" + value.name, value.number, step);
}

void Recorder::end_epoch(int64_t epoch, int64_t step, const Values& values) {
  if (!is_on()) return;
  if (events_) {
    for (const Value& value : values) events_->add_scalar(tag_of(value.name), value.number, step);
  }
  record_layers(epoch, step);
}

void Recorder::record_layers(int64_t epoch, int64_t step) {
  const std::string line = layers_.line(epoch, step, [&] {
    if (options_.probe) return options_.probe(batch_);
    if (layers_.nets().size() == 1) (*layers_.nets().front().second)(batch_.x);
  });
  if (options_.folder != nullptr) options_.folder->append("layers.jsonl", line + "\n");
  if (!events_) return;
  const json layers = json::parse(line).at("layers");
  for (const json& layer : layers) {
    const json parameters = layer.value("parameters", json::object());
    for (const auto& [own, parameter] : parameters.items()) {
      const std::string name = LayerLog::joined(layer.at("name"), own);
      for (const char* const what : {"gradient_norm", "update_ratio"}) {
        const json value = parameter.value(what, json());
        if (value.is_number()) events_->add_scalar(str(what, "/", name), value, step);
      }
    }
    const json dead = layer.value("output", json::object()).value("dead", json());
    if (dead.is_number()) {
      events_->add_scalar(str("dead_units/", layer.at("name").get<std::string>()), dead, step);
    }
  }
  for (const auto& [net, module] : layers_.nets()) {
    for (const auto& [name, tensor] : module->named_parameters()) {
      if (tensor.numel() == 0 || !all_finite(tensor)) continue;
      events_->add_histogram("weights/" + layers_.full_name(net, name), tensor, step);
    }
  }
}

void Recorder::flush() {
  if (events_) events_->flush();
}

}  // namespace gradus::training
