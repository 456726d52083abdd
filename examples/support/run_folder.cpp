#include "run_folder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <vector>

#include <gradus/core/base/error.h>
#include <gradus/core/io/atomic_file.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/nn/model_json.h>

#include "json.h"

namespace gradus::examples {

namespace fs = std::filesystem;

namespace {

/// All that a run writes besides checkpoints.
constexpr std::array run_files = {"config.json", "metrics.jsonl", "model.json",
                                  "model.safetensors"};

/// Makes a folder, and those above it where they are missing, and flushes their names to the disk.
void make_folder(const fs::path& path) {
  std::error_code error;
  std::vector<fs::path> parents;
  fs::path folder = fs::absolute(path, error);
  for (; !fs::exists(folder, error) && folder.has_relative_path(); folder = folder.parent_path()) {
    parents.push_back(folder.parent_path());
  }
  fs::create_directories(path, error);
  std::error_code not_found;
  if (!fs::is_directory(path, not_found)) {
    throw IoError(
        "run folder",
        str("cannot make ", path.string(), ": ", error ? error.message() : "a file is in the way"),
        "choose another --out, in a folder that you may write to");
  }
  for (const fs::path& parent : parents) {
    if (sync_folder(parent)) continue;
    throw IoError("run folder",
                  str("cannot flush the folder ", parent.string(), ": ",
                      std::generic_category().message(errno)),
                  "check the disk it is on");
  }
}

}  // namespace

RunFolder RunFolder::create(const fs::path& path, bool overwrite) {
  make_folder(path);
  RunFolder folder(path);
  const CheckpointFolder& checkpoints = folder.checkpoints_.emplace(path);
  std::string found = checkpoints.empty() ? "" : "checkpoints";
  std::error_code error;
  for (const char* name : run_files) {
    const bool is_there = fs::symlink_status(path / name, error).type() != fs::file_type::not_found;
    if (is_there) found += (found.empty() ? "" : ", ") + std::string(name);
  }
  if (!found.empty() && !overwrite) {
    throw IoError("run folder", str(path.string(), " already holds a run: ", found),
                  "choose another --out, pass --overwrite to delete these files, or go on with the "
                  "run: --resume");
  }
  return folder;
}

void RunFolder::remove_older_run(int64_t step) {
  remove_half_written();
  checkpoints().clear(step);
  for (const char* name : run_files) {
    std::error_code error;
    fs::remove(path_ / name, error);
    if (!error) continue;
    throw IoError("run folder",
                  str("cannot remove ", (path_ / name).string(), ": ", error.message()),
                  "choose another --out");
  }
}

void RunFolder::remove_half_written() {
  checkpoints().remove_half_written();
  remove_temporary_files(path_, [](const std::string& name) {
    return std::find(run_files.begin(), run_files.end(), name) != run_files.end();
  });
}

RunFolder RunFolder::resume(const fs::path& path) {
  RunFolder folder(path);
  folder.checkpoints_.emplace(path);
  return folder;
}

RunFolder RunFolder::open(const fs::path& path) {
  for (const char* name : {"config.json", "model.json", "model.safetensors"}) {
    std::error_code error;
    if (fs::exists(path / name, error)) continue;
    throw IoError("run folder", str(path.string(), " has no ", name),
                  "give the folder that `mnist train --out` wrote; a run that was stopped goes on "
                  "with `mnist train --resume`");
  }
  return RunFolder(path);
}

fs::path RunFolder::target(const char* name) const {
  checkpoints().check_still_there();
  return path_ / name;
}

void RunFolder::write_config(const nlohmann::json& config) const {
  write_file_atomically(target("config.json"), config.dump(2) + "\n");
}

nlohmann::json RunFolder::read_config() const {
  const fs::path path = path_ / "config.json";
  std::ifstream in(path);
  if (!in) {
    throw IoError("run folder",
                  str("cannot open ", path.string(), ": ", std::generic_category().message(errno)),
                  "check its permissions");
  }
  const std::string text(std::istreambuf_iterator<char>(in), {});
  auto config = parse_json(text);
  if (!config.is_object()) {
    throw IoError("run folder", str(path.string(), " is not a JSON object"),
                  "it is damaged; `mnist train --resume` writes it again");
  }
  return config;
}

std::string RunFolder::append_metrics(const nlohmann::json& metrics) const {
  std::string line = metrics.dump() + "\n";
  const fs::path path = target("metrics.jsonl");
  std::ofstream out(path, std::ios::app);
  out << line << std::flush;
  if (!out) {
    throw IoError("run folder",
                  str("cannot write ", path.string(), ": ", std::generic_category().message(errno)),
                  "check that the folder is there, writable and has space; then --resume");
  }
  return line;
}

void RunFolder::write_metrics(const std::string& lines) const {
  write_file_atomically(target("metrics.jsonl"), lines);
}

void RunFolder::write_model(const nn::Sequential& net) const {
  write_file_atomically(target("model.json"), nn::to_json(net) + "\n");
  save_safetensors(target("model.safetensors"), net.state_dict(), {{"format", "pt"}});
}

std::unique_ptr<nn::Sequential> RunFolder::read_model() const {
  auto net = nn::from_json_file(path_ / "model.json");
  net->load_state_dict(load_safetensors(path_ / "model.safetensors").tensors);
  return net;
}

}  // namespace gradus::examples
