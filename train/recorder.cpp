#include "recorder.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../core/base/parallel_for.h"
#include "../core/system_info.h"
#include "parse_json.h"

namespace gradus::training {

namespace {

using nlohmann::json;

/// The output of a command; empty if it fails.
std::string output_of(const char* command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command, "r"), ::pclose);
  std::string text;
  std::array<char, 256> part;
  while (pipe && std::fgets(part.data(), part.size(), pipe.get()) != nullptr) text += part.data();
  return text;
}

/// The commit that the working folder is at, and whether files of it have been changed since.
json git_state() {
  std::istringstream words(output_of("git rev-parse HEAD --abbrev-ref HEAD 2> /dev/null"));
  std::string commit, branch;
  if (!(words >> commit >> branch)) return {};
  const std::string changes = output_of(
      "GIT_OPTIONAL_LOCKS=0 git status --porcelain --untracked-files=no 2> /dev/null | head -n 1");
  return {{"commit", commit}, {"branch", branch}, {"changed", !changes.empty()}};
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
               {"blas", info.blas},
               {"threads", num_threads()}};
  if (json git = git_state(); !git.is_null()) line["git"] = std::move(git);
  return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

/// The complete lines of a file for which `is_wanted` is true.
std::string lines_of(const std::filesystem::path& path,
                     const std::function<bool(const json&)>& is_wanted) {
  std::ifstream in(path);
  std::string kept;
  for (std::string line; std::getline(in, line) && !in.eof();) {
    const json object = parse_json(line);
    if (object.is_object() && is_wanted(object)) kept += line + "\n";
  }
  return kept;
}

/// Of a data set, evenly spaced: some hundred samples, or fewer if they are large.
data::Batch some_of(const data::Dataset& dataset) {
  constexpr int64_t most = 256, most_bytes = int64_t{8} << 20;
  const int64_t bytes = std::max<int64_t>(dataset.get(0).x.nbytes(), 1);
  const int64_t count = std::clamp<int64_t>(most_bytes / bytes, 1, std::min(most, dataset.size()));
  std::vector<int64_t> indices;
  indices.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) indices.push_back(i * dataset.size() / count);
  return dataset.gather(indices);
}

}  // namespace

void Recorder::begin(const RunFolder& folder, int64_t epoch, int64_t step, const std::string& steps,
                     const data::Dataset& dataset, std::function<void(const data::Batch&)> probe) {
  is_on_ = true;
  batch_ = some_of(dataset);
  probe_ = std::move(probe);
  steps_ = StepLog::from_jsonl(steps);
  const auto is_before = [&](const json& line) {
    const json at = line.value("epoch", json());
    return step > 0 && at.is_number_integer() && at.get<int64_t>() <= epoch;
  };
  folder.write("steps.jsonl", steps);
  folder.write("layers.jsonl", lines_of(folder.path() / "layers.jsonl", is_before));
  const auto all = [](const json&) { return true; };
  folder.write("processes.jsonl",
               lines_of(folder.path() / "processes.jsonl", all) + process_line(step));
  if (step == 0) end_epoch(folder, 0, 0);
}

void Recorder::begin_step(bool is_last) {
  if (!is_on_) return;
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
  if (!is_on_) return;
  values.insert(values.end(), rates_.begin(), rates_.end());
  steps_.add(step, values);
  if (sees_layers_) layers_.end_step();
  sees_layers_ = false;
}

void Recorder::end_epoch(const RunFolder& folder, int64_t epoch, int64_t step) {
  const auto apply = [&] {
    if (probe_) return probe_(batch_);
    if (layers_.nets().size() == 1) (*layers_.nets().front().second)(batch_.x);
  };
  folder.append("layers.jsonl", layers_.line(epoch, step, apply) + "\n");
}

}  // namespace gradus::training
