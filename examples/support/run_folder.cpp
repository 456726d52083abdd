#include "run_folder.h"

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>

#include <gradus/core/base/error.h>
#include <gradus/core/serialize.h>
#include <gradus/nn/model_json.h>

namespace gradus::examples {

namespace fs = std::filesystem;

RunFolder RunFolder::create(const fs::path& path, bool overwrite) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error || !fs::is_directory(path)) {
    throw IoError("run folder", str("cannot make ", path.string(), ": ",
                                    error ? error.message() : "a file is in the way"));
  }
  RunFolder folder(path);
  CheckpointFolder& checkpoints = folder.checkpoints_.emplace(path);
  const bool holds_a_run = fs::exists(path / "model.safetensors") || !checkpoints.steps().empty();
  if (holds_a_run && !overwrite) {
    throw IoError("run folder", str(path.string(), " already holds a run"),
                  "choose another --out, pass --overwrite, or go on with it: --resume");
  }
  for (const char* name : {"metrics.jsonl", "model.safetensors", "model.json"}) {
    fs::remove(path / name, error);
  }
  checkpoints.clear();
  return folder;
}

RunFolder RunFolder::resume(const fs::path& path) {
  RunFolder folder(path);
  folder.checkpoints_.emplace(path);
  return folder;
}

RunFolder RunFolder::open(const fs::path& path) {
  for (const char* name : {"config.json", "model.json", "model.safetensors"}) {
    if (fs::exists(path / name)) continue;
    throw IoError("run folder", str(path.string(), " has no ", name),
                  "give the folder that `mnist train --out` wrote; a run that was stopped goes on "
                  "with `mnist train --resume`");
  }
  return RunFolder(path);
}

void RunFolder::write_config(const nlohmann::json& config) const {
  write_file_atomically(path_ / "config.json", config.dump(2) + "\n");
}

nlohmann::json RunFolder::read_config() const {
  std::ifstream in(path_ / "config.json");
  auto config = nlohmann::json::parse(in, nullptr, false);
  if (!config.is_object()) {
    throw IoError("run folder", str((path_ / "config.json").string(), " is not a JSON object"));
  }
  return config;
}

std::string RunFolder::append_metrics(const nlohmann::json& metrics) const {
  std::string line = metrics.dump() + "\n";
  std::ofstream out(path_ / "metrics.jsonl", std::ios::app);
  out << line << std::flush;
  if (!out) {
    throw IoError("run folder", str("cannot write ", (path_ / "metrics.jsonl").string(), ": ",
                                    std::generic_category().message(errno)));
  }
  return line;
}

void RunFolder::write_metrics(const std::string& lines) const {
  write_file_atomically(path_ / "metrics.jsonl", lines);
}

void RunFolder::write_model(const nn::Sequential& net) const {
  write_file_atomically(path_ / "model.json", nn::to_json(net) + "\n");
  save_safetensors(path_ / "model.safetensors", net.state_dict(), {{"format", "pt"}});
}

std::unique_ptr<nn::Sequential> RunFolder::read_model() const {
  auto net = nn::from_json_file(path_ / "model.json");
  net->load_state_dict(load_safetensors(path_ / "model.safetensors").tensors);
  return net;
}

}  // namespace gradus::examples
