// A folder that holds one training run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../core/io/checkpoint_folder.h"
#include "../nn/sequential.h"
#include "values.h"

namespace gradus::training {

/// What a program calls these things, for the hints of errors: its options, if it has a command
/// line. The defaults are for the author of a program.
struct Words {
  std::string out = "folder";                       ///< "--out"
  std::string overwrite = ".overwrite = true";      ///< "--overwrite"
  std::string resume = "RunFolder::resume";         ///< "--resume"
  std::string program = "the program that trains";  ///< "`mnist train --out`"
  std::string go_on = {};                           ///< "mnist train --resume", a command
  std::string epochs = ".epochs";                   ///< "--epochs"
  std::string gentler = "a smaller learning rate or norm of the gradient";  ///< against NaN
  std::string skip = "and .skip_nan = true";                                ///< "--on-nan skip"
};

/// Options of a RunFolder.
struct RunFolderOptions {
  bool overwrite = false;  ///< a new run may replace an old one
  int64_t keep = 3;        ///< of the latest checkpoints, at least 1; in addition to the best
  Words words = {};        ///< for hints
  /// Further files that the program writes into the folder, "report.html": parts of the run, too.
  std::vector<std::string> files = {};
};

/// The files of a run: `config.json` (how it was started), `model.json` (the net),
/// `model.safetensors` (its weights, under PyTorch's names), `metrics.jsonl` (one JSON object per
/// epoch), what a Recorder writes, and checkpoints. The folder is locked: one process at a time
/// works in it.
///
/// A folder that was created for a run which then saved nothing is removed.
class RunFolder {
 public:
  /// Called with one line about a damaged checkpoint that is skipped.
  using Notify = std::function<void(const std::string&)>;

  /// Creates the folder if necessary. Throws IoError if it cannot be created, or if it already
  /// contains any file of a run, unless `overwrite`. Removes nothing: see remove_older_run.
  static RunFolder create(const std::filesystem::path& path, RunFolderOptions options = {});
  /// A run to resume, from its newest() checkpoint. Throws IoError if there is no folder, no intact
  /// checkpoint in it, or another process using it.
  static RunFolder resume(const std::filesystem::path& path, RunFolderOptions options = {},
                          const Notify& notify = {});
  /// Resumes the run if there is one to resume, and starts it otherwise.
  static RunFolder open(const std::filesystem::path& path, RunFolderOptions options = {},
                        const Notify& notify = {});
  RunFolder(RunFolder&& other) noexcept = default;
  ~RunFolder();

  const std::filesystem::path& path() const { return path_; }
  CheckpointFolder& checkpoints() { return checkpoints_.value(); }
  const CheckpointFolder& checkpoints() const { return checkpoints_.value(); }
  /// The checkpoint that a run is resumed from; nothing for a new one.
  const std::optional<CheckpointFolder::Loaded>& newest() const { return newest_; }
  /// The same, moved out: newest() is then empty and holds no memory.
  std::optional<CheckpointFolder::Loaded> take_newest() { return std::exchange(newest_, {}); }

  /// Once the first checkpoint of a new run, that of `step`, is on disk: removes the files of the
  /// run that it replaces, and no others. Throws IoError if one cannot be removed.
  void remove_older_run(int64_t step);
  /// Removes partial files that killed processes left. Only once it is clear that this process
  /// writes to the folder.
  void remove_half_written();

  /// Writes a text file, "config.json" for one, completely or not at all.
  void write(const char* name, const std::string& text) const;
  /// Adds complete lines to a text file, "metrics.jsonl" for one.
  void append(const char* name, const std::string& lines) const;
  /// Writes model.json and model.safetensors.
  void write_model(const nn::Sequential& net) const;
  /// The net that write_model wrote to this folder, whether the run has ended or not.
  static std::unique_ptr<nn::Sequential> read_model(const std::filesystem::path& path);

 private:
  RunFolder(std::filesystem::path path, RunFolderOptions options);
  /// Creates the folder and its parents, and flushes their names to disk.
  void make();
  void lock() { checkpoints_.emplace(path_, CheckpointFolderOptions{.keep = options_.keep}); }
  /// The path of a file to write, if the folder is still the one that was opened.
  std::filesystem::path target(const char* name) const;

  std::filesystem::path path_;
  RunFolderOptions options_;
  std::vector<std::filesystem::path> made_;  // folders, the outermost last
  std::optional<CheckpointFolder> checkpoints_;
  std::optional<CheckpointFolder::Loaded> newest_;
};

}  // namespace gradus::training
