#include "run_files.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>
#include <gradus/core/io/checkpoint_folder.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/nn/model_json.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "../../train/parse_json.h"
#include "saved_run.h"

namespace gradus::examples {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// Empty if there is no such file.
std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<json> lines_of(const fs::path& file) {
  std::vector<json> lines = training::parse_json_lines(text_of(file));
  require<IoError>(std::ranges::all_of(lines, [](const json& line) { return line.is_object(); }),
                   "run folder", "it is damaged; `mnist train --resume` writes it again",
                   file.string(), " has a line that is no JSON object");
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
    const double epoch = line.value("epoch", 0.0), step = line.value("step", 0.0);
    if (epoch > 0 && step > 0) return step / epoch;
  }
  return {};
}

RunFiles read_run(const fs::path& path) {
  std::error_code error;
  require<IoError>(fs::exists(path / "config.json", error), "run folder",
                   "give the folder that `mnist train --out` wrote", path.string(),
                   " holds no run: there is no config.json in it");
  RunFiles run{.path = path,
               .name = fs::absolute(path, error).lexically_normal().filename().string(),
               .config = read_config(path),
               .epochs = lines_of(path / "metrics.jsonl"),
               .layers = lines_of(path / "layers.jsonl"),
               .starts = lines_of(path / "processes.jsonl"),
               .steps = training::StepLog::from_jsonl(text_of(path / "steps.jsonl")),
               .answers = {},
               .net = newest_net(path),
               .news = {}};
  if (run.name.empty()) run.name = fs::absolute(path, error).parent_path().filename().string();
  if (const std::string text = text_of(path / "answers.json"); !text.empty()) {
    run.answers = answers_of(training::parse_json(text));
  }
  using training::Standing;
  const bool has_ended = std::ssize(run.epochs) == run.epochs_in_all();
  run.news.standing = is_locked(path) ? Standing::running
                      : has_ended     ? Standing::finished
                                      : Standing::stopped;
  return run;
}

}  // namespace gradus::examples
