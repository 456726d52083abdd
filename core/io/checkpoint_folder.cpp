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

constexpr const char* op = "checkpoints";
constexpr std::string_view prefix = "checkpoint-";
constexpr std::string_view suffix = ".safetensors";
constexpr std::string_view damaged = ".damaged";

std::string name_of(int64_t step) {
  return str(prefix, step, suffix);
}

/// The step of a file of this name; nothing where it is no checkpoint.
std::optional<int64_t> step_of(const std::string& name) {
  if (!name.starts_with(prefix)) return {};
  int64_t step = 0;
  std::from_chars(name.data() + prefix.size(), name.data() + name.size(), step);
  if (step < 0 || name != name_of(step)) return {};
  return step;
}

/// The step of a checkpoint of this name, damaged or not.
std::optional<int64_t> step_of_any(std::string name) {
  if (name.ends_with(damaged)) name.resize(name.size() - damaged.size());
  return step_of(name);
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) {
    throw IoError(op, str("cannot read the folder '", folder.string(), "': ", error.message()),
                  "check its name and permissions");
  }
  return names;
}

}  // namespace

CheckpointFolder::CheckpointFolder(fs::path folder, const CheckpointFolderOptions& options)
    : folder_(std::move(folder)) {
  set_keep(options.keep);
  lock();
}

CheckpointFolder::CheckpointFolder(CheckpointFolder&& other) noexcept
    : folder_(std::move(other.folder_)),
      options_(other.options_),
      best_(other.best_),
      lock_(std::exchange(other.lock_, -1)),
      is_tidy_(other.is_tidy_) {}

CheckpointFolder::~CheckpointFolder() {
  if (lock_ >= 0) ::close(lock_);
}

void CheckpointFolder::lock() {
  lock_ = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) {
    throw IoError(op,
                  str("cannot open the folder '", folder_.string(),
                      "': ", std::generic_category().message(errno)),
                  "check that it exists and is a folder that may be read");
  }
  // Some network file systems lock no folders: there, two processes at a time are not noticed.
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(std::exchange(lock_, -1));
  throw IoError(op, str("another process is at work in '", folder_.string(), "'"),
                "wait for its end, or choose another folder");
}

void CheckpointFolder::check_still_there() const {
  struct stat opened {};
  struct stat found {};
  const bool is_there = ::fstat(lock_, &opened) == 0 && ::stat(folder_.c_str(), &found) == 0;
  if (is_there && opened.st_dev == found.st_dev && opened.st_ino == found.st_ino) return;
  throw IoError(op,
                str("the folder '", folder_.string(), "' is ",
                    is_there ? "another one now" : "not there any more"),
                "it was moved or removed; what was saved is where it went");
}

fs::path CheckpointFolder::file_of(int64_t step) const {
  return folder_ / name_of(step);
}

std::vector<int64_t> CheckpointFolder::steps() const {
  std::vector<int64_t> steps;
  for (const std::string& name : names_in(folder_)) {
    if (const auto step = step_of(name)) steps.push_back(*step);
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

void CheckpointFolder::set_keep(int64_t keep) {
  if (keep < 1) {
    throw ValueError(op, str("keep must be at least 1, got ", keep),
                     "without a checkpoint there is nothing to go on from");
  }
  options_.keep = keep;
}

void CheckpointFolder::save(int64_t step, const Checkpoint& checkpoint) {
  if (step < 0) {
    throw ValueError(op, str("steps are counted from 0, got ", step),
                     "give the number of steps done so far");
  }
  check_still_there();
  remove_half_written();
  save_checkpoint(file_of(step), checkpoint);
  remove_old(step);
}

/// Checkpoints are written under the lock alone: what is half written now is nobody's any more.
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
  const std::vector<std::string> names = names_in(folder_);
  return std::none_of(names.begin(), names.end(),
                      [](const std::string& name) { return step_of_any(name).has_value(); });
}

void CheckpointFolder::clear(std::optional<int64_t> except) {
  for (const std::string& name : names_in(folder_)) {
    if (!step_of_any(name) || (except && name == name_of(*except))) continue;
    std::error_code error;
    fs::remove(folder_ / name, error);
    if (!error) continue;
    throw IoError(op, str("cannot remove '", (folder_ / name).string(), "': ", error.message()),
                  "check that the folder is writable");
  }
}

}  // namespace gradus
