// The checkpoints of one training run in a folder: the last few and the best.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint.h"

namespace gradus {

/// How many checkpoints a CheckpointFolder keeps.
struct CheckpointFolderOptions {
  int64_t keep = 3;  ///< of the latest, at least 1; in addition to the best
};

/// Files `checkpoint-<step>.safetensors`. A new one is on disk before an old one is removed, so
/// there is a complete one at every moment, wherever the process is killed.
///
/// One process at a time can have a folder open; the lock ends with the process, however that ends.
/// Opening changes nothing in it.
class CheckpointFolder {
 public:
  /// Throws IoError if there is no such folder or another process has it open, ValueError for
  /// `keep` below 1.
  explicit CheckpointFolder(std::filesystem::path folder,
                            const CheckpointFolderOptions& options = {});
  CheckpointFolder(CheckpointFolder&& other) noexcept = default;

  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path file_of(int64_t step) const;
  /// Throws IoError if path() no longer leads to the folder that was opened, since it was moved or
  /// removed: another run may be using one that has taken its place. save() checks this first.
  void check_still_there() const;
  /// The steps that have checkpoints, ascending.
  std::vector<int64_t> steps() const;

  /// Saves, and then removes those before the last `keep`, except the best. Throws IoError as
  /// save_checkpoint does; the others then stay.
  void save(int64_t step, const Checkpoint& checkpoint);
  /// Removes partially written checkpoints that killed processes left, and no other files. The
  /// first save() does so.
  void remove_half_written();
  /// Changes how many are kept. Throws ValueError below 1.
  void set_keep(int64_t keep);
  /// The checkpoint of this step stays until another one is named.
  void set_best(std::optional<int64_t> step) { best_ = step; }

  /// A checkpoint that was found, and the step at which it was saved.
  struct Loaded {
    int64_t step;           ///< as passed to save()
    Checkpoint checkpoint;  ///< intact: its checksum matches
  };
  /// The newest intact one; nothing if there is none. A damaged one is set aside by adding
  /// ".damaged" to its name, and `notify` is called with one line about it. Throws ReadError for
  /// one that cannot be read, which may be intact, and leaves it where it is.
  std::optional<Loaded> load_newest(const std::function<void(const std::string&)>& notify = {});
  /// Whether there are checkpoints, damaged ones included.
  bool empty() const;
  /// Removes all checkpoints but that of step `except`, damaged ones too. Throws IoError if one
  /// cannot be removed.
  void clear(std::optional<int64_t> except = {});

 private:
  void remove_old(int64_t newest) const;

  std::filesystem::path folder_;
  CheckpointFolderOptions options_;
  std::optional<int64_t> best_;
  int lock_ = -1;
  std::shared_ptr<const void> closing_;  // of the lock
  bool is_tidy_ = false;                 // no partial files of earlier processes are left
};

}  // namespace gradus
