#include "run_folder.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

#include "../core/base/error.h"
#include "../core/io/atomic_file.h"
#include "../core/io/safetensors.h"
#include "../nn/model_json.h"

namespace gradus::training {

namespace fs = std::filesystem;

namespace {

constexpr const char* run_folder_op = "run folder";

/// What every run writes besides checkpoints.
constexpr std::array run_files = {"config.json",      "metrics.jsonl", "processes.jsonl",
                                  "steps.jsonl",      "layers.jsonl",  "model.json",
                                  "model.safetensors"};

}  // namespace

RunFolder::RunFolder(fs::path path, RunFolderOptions options)
    : path_(std::move(path)), options_(std::move(options)) {
  options_.files.insert(options_.files.begin(), run_files.begin(), run_files.end());
}

/// Folders that are not empty stay: remove() refuses them.
RunFolder::~RunFolder() {
  std::error_code ignored;
  for (const fs::path& folder : made_) {
    if (!fs::remove(folder, ignored)) return;
  }
}

void RunFolder::make() {
  std::error_code error, not_found;
  fs::path folder = fs::absolute(path_, error);
  for (; !fs::exists(folder, error) && folder.has_relative_path(); folder = folder.parent_path()) {
    if (folder.has_filename()) made_.push_back(folder);  // else the same without its last '/'
  }
  fs::create_directories(path_, error);
  require<IoError>(
      fs::is_directory(path_, not_found), run_folder_op,
      str("choose another ", options_.words.out, ", in a folder that you may write to"),
      "cannot make ", path_.string(), ": ", error ? error.message() : "a file is in the way");
  for (const fs::path& made : made_) {
    const fs::path parent = made.parent_path();
    const bool is_flushed = sync_folder(parent);
    require<IoError>(is_flushed, run_folder_op, "check the disk it is on",
                     "cannot flush the folder ", parent.string(), ": ",
                     std::generic_category().message(errno));
  }
}

RunFolder RunFolder::create(const fs::path& path, RunFolderOptions options) {
  RunFolder folder(path, std::move(options));
  folder.make();
  try {
    folder.lock();
  } catch (...) {
    folder.made_.clear();  // another process that was starting at the same time has it
    throw;
  }
  std::vector<std::string> found;
  if (!folder.checkpoints().empty()) found.emplace_back("checkpoints");
  for (const std::string& name : folder.options_.files) {
    std::error_code error;
    if (fs::exists(fs::symlink_status(path / name, error))) found.push_back(name);
  }
  const Words& words = folder.options_.words;
  require<IoError>(found.empty() || folder.options_.overwrite, run_folder_op,
                   str("choose another ", words.out, ", pass ", words.overwrite,
                       " to delete these files, or go on with the run: ", words.resume),
                   path.string(), " already holds a run: ", joined(found));
  return folder;
}

RunFolder RunFolder::resume(const fs::path& path, RunFolderOptions options, const Notify& notify) {
  RunFolder folder(path, std::move(options));
  folder.lock();
  folder.newest_ = folder.checkpoints().load_newest(notify);
  require<IoError>(folder.newest_.has_value(), "resume",
                   str("give the folder that ", folder.options_.words.program, " wrote"),
                   "there is no checkpoint to go on from in '", path.string(), "'");
  return folder;
}

RunFolder RunFolder::open(const fs::path& path, RunFolderOptions options, const Notify& notify) {
  std::error_code error;
  const bool has_run = fs::is_directory(path, error) && !CheckpointFolder(path).steps().empty();
  return has_run ? resume(path, std::move(options), notify) : create(path, std::move(options));
}

void RunFolder::remove_older_run(int64_t step) {
  made_.clear();  // the folder holds something
  remove_half_written();
  checkpoints().clear(step);
  for (const std::string& name : options_.files) {
    std::error_code error;
    fs::remove(path_ / name, error);
    require<IoError>(!error, run_folder_op, "choose another " + options_.words.out,
                     "cannot remove ", (path_ / name).string(), ": ", error.message());
  }
}

void RunFolder::remove_half_written() {
  checkpoints().remove_half_written();
  remove_temporary_files(path_, [this](const std::string& name) {
    return std::ranges::find(options_.files, name) != options_.files.end();
  });
}

fs::path RunFolder::target(const char* name) const {
  checkpoints().check_still_there();
  return path_ / name;
}

void RunFolder::write(const char* name, const std::string& text) const {
  write_file_atomically(target(name), text);
}

void RunFolder::append(const char* name, const std::string& lines) const {
  const fs::path path = target(name);
  std::ofstream out(path, std::ios::app);
  out << lines << std::flush;
  require<IoError>(
      out.good(), run_folder_op,
      str("check that the folder is there, writable and has space; then ", options_.words.resume),
      "cannot write ", path.string(), ": ", std::generic_category().message(errno));
}

void RunFolder::write_model(const nn::Sequential& net) const {
  write("model.json", nn::to_json(net) + "\n");
  save_safetensors(target("model.safetensors"), net.state_dict(), {{"format", "pt"}});
}

std::unique_ptr<nn::Sequential> RunFolder::read_model(const fs::path& path) {
  auto net = nn::from_json_file(path / "model.json");
  net->load_state_dict(load_safetensors(path / "model.safetensors").tensors);
  return net;
}

}  // namespace gradus::training
