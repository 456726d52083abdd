#include "run_folder.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

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
  if (fs::exists(path / "model.safetensors") && !overwrite) {
    throw IoError("run folder", str(path.string(), " already holds a run"),
                  "choose another --out, or pass --overwrite");
  }
  for (const char* name : {"metrics.jsonl", "model.safetensors", "model.json"}) {
    fs::remove(path / name, error);
  }
  return RunFolder(path);
}

RunFolder RunFolder::open(const fs::path& path) {
  for (const char* name : {"config.json", "model.json", "model.safetensors"}) {
    if (fs::exists(path / name)) continue;
    throw IoError("run folder", str(path.string(), " has no ", name),
                  "give the folder that `mnist train --out` wrote");
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

void RunFolder::append_metrics(const nlohmann::json& metrics) const {
  std::ofstream out(path_ / "metrics.jsonl", std::ios::app);
  out << metrics.dump() << std::endl;
  if (!out) throw IoError("run folder", str("cannot write ", (path_ / "metrics.jsonl").string()));
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
