#include "checkpoint_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "../base/error.h"
#include "atomic_file.h"

namespace gradus {
namespace {

namespace fs = std::filesystem;

constexpr const char* checkpoints_op = "checkpoints";
constexpr std::string_view name_prefix = "checkpoint-";
constexpr std::string_view name_suffix = ".safetensors";
constexpr std::string_view damaged = ".damaged";

std::string name_of(int64_t step) {
  return str(name_prefix, step, name_suffix);
}

/// The step of a file of this name; nothing if it is not a checkpoint.
std::optional<int64_t> step_of(const std::string& name) {
  if (!name.starts_with(name_prefix)) return {};
  int64_t step = 0;
  std::from_chars(name.data() + name_prefix.size(), name.data() + name.size(), step);
  if (step < 0 || name != name_of(step)) return {};
  return step;
}

/// The checkpoints in a folder, damaged ones too: steps, ascending, and names.
std::vector<std::pair<int64_t, std::string>> checkpoints_in(const fs::path& folder) {
  std::vector<std::pair<int64_t, std::string>> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const size_t size = name.size() - (name.ends_with(damaged) ? damaged.size() : 0);
    if (const auto step = step_of(name.substr(0, size))) found.emplace_back(*step, name);
  }
  require<IoError>(!error, checkpoints_op, "check its name and permissions",
                   "cannot read the folder '", folder.string(), "': ", error.message());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

CheckpointFolder::CheckpointFolder(fs::path folder, const CheckpointFolderOptions& options)
    : folder_(std::move(folder)) {
  set_keep(options.keep);
  lock_ = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  require<IoError>(
      lock_ >= 0, checkpoints_op, "check that it exists and is a folder that may be read",
      "cannot open the folder '", folder_.string(), "': ", std::generic_category().message(errno));
  closing_ = {nullptr, [handle = lock_](const void*) { ::close(handle); }};
  // Some network file systems cannot lock folders: there, concurrent processes are not noticed.
  require<IoError>(::flock(lock_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK, checkpoints_op,
                   "wait for its end, or choose another folder", "another process is at work in '",
                   folder_.string(), "'");
}

void CheckpointFolder::check_still_there() const {
  struct stat opened {};
  struct stat found {};
  const bool is_there = ::fstat(lock_, &opened) == 0 && ::stat(folder_.c_str(), &found) == 0;
  require<IoError>(is_there && opened.st_dev == found.st_dev && opened.st_ino == found.st_ino,
                   checkpoints_op, "it was moved or removed; what was saved is where it went",
                   "the folder '", folder_.string(), "' is ",
                   is_there ? "another one now" : "not there any more");
}

fs::path CheckpointFolder::file_of(int64_t step) const {
  return folder_ / name_of(step);
}

std::vector<int64_t> CheckpointFolder::steps() const {
  std::vector<int64_t> steps;
  for (const auto& [step, name] : checkpoints_in(folder_)) {
    if (name == name_of(step)) steps.push_back(step);
  }
  return steps;
}

void CheckpointFolder::set_keep(int64_t keep) {
  require(keep >= 1, checkpoints_op, "without a checkpoint there is nothing to go on from",
          "keep must be at least 1, got ", keep);
  options_.keep = keep;
}

void CheckpointFolder::save(int64_t step, const Checkpoint& checkpoint) {
  require(step >= 0, checkpoints_op, "give the number of steps done so far",
          "steps are counted from 0, got ", step);
  check_still_there();
  remove_half_written();
  save_checkpoint(file_of(step), checkpoint);
  remove_old(step);
}

/// Checkpoints are written only under the lock: partial files that exist now are abandoned.
void CheckpointFolder::remove_half_written() {
  if (std::exchange(is_tidy_, true)) return;
  remove_temporary_files(folder_,
                         [](const std::string& name) { return step_of(name).has_value(); });
}

void CheckpointFolder::remove_old(int64_t newest) const {
  std::vector<int64_t> old = steps();
  std::erase_if(old, [&](int64_t step) { return step > newest; });
  old.resize(old.size() - std::min(old.size(), static_cast<size_t>(options_.keep)));
  std::error_code ignored;  // one that stays does no harm
  for (const int64_t step : old) {
    if (step != best_) fs::remove(file_of(step), ignored);
  }
}

std::optional<CheckpointFolder::Loaded> CheckpointFolder::load_newest(
    const std::function<void(const std::string&)>& notify) {
  const std::vector<int64_t> all = steps();
  for (auto step = all.rbegin(); step != all.rend(); ++step) {
    const fs::path file = file_of(*step);
    try {
      return Loaded{*step, load_checkpoint(file)};
    } catch (const ReadError&) {
      throw;  // the next attempt may succeed
    } catch (const IoError& error) {
      const std::string aside = str(file.filename().string(), damaged);
      std::error_code failed;
      fs::rename(file, folder_ / aside, failed);
      if (notify) notify(error.detail() + (failed ? "; passed over" : "; set aside as " + aside));
    }
  }
  return {};
}

bool CheckpointFolder::empty() const {
  return checkpoints_in(folder_).empty();
}

void CheckpointFolder::clear(std::optional<int64_t> except) {
  for (const auto& [step, name] : checkpoints_in(folder_)) {
    if (name == name_of(except.value_or(-1))) continue;
    std::error_code error;
    fs::remove(folder_ / name, error);
    require<IoError>(!error, checkpoints_op, "check that the folder is writable", "cannot remove '",
                     (folder_ / name).string(), "': ", error.message());
  }
}

}  // namespace gradus
