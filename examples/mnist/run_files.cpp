#include "run_files.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>
#include <gradus/core/io/atomic_file.h>
#include <gradus/core/io/checkpoint_folder.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/nn/model_json.h>

#include <algorithm>
#include <array>
#include <span>

#include "../../train/parse_json.h"
#include "saved_run.h"

namespace gradus::examples {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr const char* op = "run folder";

std::vector<json> lines_of(const fs::path& file) {
  std::vector<json> lines = training::parse_json_lines(training::text_of_file(op, file));
  require<IoError>(std::ranges::all_of(lines, [](const json& line) { return line.is_object(); }),
                   op, "`mnist train --resume` writes it again", file.string(),
                   " has a line that is no JSON object");
  return lines;
}

/// Newest first. Checkpoints come and go while a run lasts.
std::vector<fs::path> checkpoints_of(const fs::path& run) {
  std::vector<std::pair<int64_t, fs::path>> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(run, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("checkpoint-") || entry.path().extension() != ".safetensors") continue;
    found.emplace_back(std::strtoll(name.c_str() + 11, nullptr, 10), entry.path());
  }
  std::ranges::sort(found, std::greater<>());
  std::vector<fs::path> files;
  files.reserve(found.size());
  for (auto& [step, file] : found) files.push_back(std::move(file));
  return files;
}

std::unique_ptr<nn::Sequential> newest_net(const fs::path& run) {
  for (const fs::path& file : checkpoints_of(run)) {
    try {
      const Checkpoint checkpoint = load_checkpoint(file);
      auto net = nn::from_json(checkpoint.text("net"));
      net->load_state_dict(checkpoint.part("model"));
      return net;
    } catch (const Error&) {  // damaged, or just removed
    }
  }
  std::error_code error;
  if (!fs::exists(run / "model.safetensors", error)) return nullptr;
  return training::RunFolder::read_model(run);
}

/// Whether a process works in the folder.
bool is_locked(const fs::path& run) {
  try {
    const CheckpointFolder folder(run);
    return false;
  } catch (const IoError&) {
    return true;
  }
}

}  // namespace

std::optional<double> RunFiles::of_epoch(size_t index, const std::string& key) const {
  const json value = epochs.at(index).value(key, json());
  if (!value.is_number()) return {};
  return value.get<double>();
}

int64_t RunFiles::epochs_in_all() const {
  const json epochs_asked = config.value("epochs", json());
  return epochs_asked.is_number_integer() ? epochs_asked.get<int64_t>() : 0;
}

std::optional<double> RunFiles::steps_per_epoch() const {
  for (const json& line : layers) {
    const json epoch = line.value("epoch", json()), step = line.value("step", json());
    if (!epoch.is_number() || !step.is_number()) continue;
    if (epoch > 0 && step > 0) return step.get<double>() / epoch.get<double>();
  }
  return {};
}

namespace {

/// How the run stands, if no process works on it.
training::News standing_of(const RunFiles& run) {
  using training::Standing;
  const json status = training::parse_json(training::text_of_file(op, run.path / "status.json"));
  if (status.is_object() && status.value("standing", json()) == "failed") {
    const json text = status.value("text", json());
    return {Standing::failed, text.is_string() ? text.get<std::string>() : ""};
  }
  const bool has_ended = run.epochs_in_all() == 0 || std::ssize(run.epochs) >= run.epochs_in_all();
  return {has_ended ? Standing::finished : Standing::stopped};
}

}  // namespace

void write_status(const fs::path& run, const training::News& news) {
  constexpr std::array<const char*, 4> names = {"running", "finished", "stopped", "failed"};
  const std::string text =
      json{{"standing", names[static_cast<size_t>(news.standing)]}, {"text", news.text}}.dump(
          -1, ' ', false, json::error_handler_t::replace) +
      "\n";
  write_file_atomically(op, run / "status.json", {std::as_bytes(std::span(text))});
}

RunFiles read_run(const fs::path& path) {
  std::error_code error;
  require<IoError>(fs::exists(path, error), op, "give the folder that `mnist train --out` wrote",
                   "there is no folder '", path.string(), "'");
  require<IoError>(fs::exists(path / "config.json", error), op,
                   "give the folder that `mnist train --out` wrote", path.string(),
                   " holds no run: there is no config.json in it");
  RunFiles run{.path = path,
               .name = fs::absolute(path, error).lexically_normal().filename().string(),
               .config = read_config(path)};
  if (run.name.empty()) {  // "run/"
    run.name = fs::absolute(path, error).lexically_normal().parent_path().filename().string();
  }
  const auto read = [&](const char* name, const auto& from) {
    try {
      from(path / name);
    } catch (const IoError&) {
      run.problems.push_back(str(name, " is damaged"));
    }
  };
  read("metrics.jsonl", [&](const fs::path& file) { run.epochs = lines_of(file); });
  read("layers.jsonl", [&](const fs::path& file) { run.layers = lines_of(file); });
  read("processes.jsonl", [&](const fs::path& file) { run.starts = lines_of(file); });
  read("steps.jsonl", [&](const fs::path& file) {
    run.steps = training::StepLog::from_jsonl(training::text_of_file(op, file));
  });
  read("answers.json", [&](const fs::path& file) {
    const std::string text = training::text_of_file(op, file);
    if (!text.empty()) run.answers = answers_of(training::parse_json(text));
  });
  read("status.json",
       [&](const fs::path&) { run.news = is_locked(path) ? training::News{} : standing_of(run); });
  read("model.safetensors", [&](const fs::path&) { run.net = newest_net(path); });
  return run;
}

}  // namespace gradus::examples
