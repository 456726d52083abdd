// A folder that holds one training run.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include <gradus/core/io/checkpoint_folder.h>
#include <gradus/nn/sequential.h>

namespace gradus::examples {

/// The files of a run: `config.json` (how it was started), `model.json` (the net),
/// `model.safetensors` (its weights, under PyTorch's names), `metrics.jsonl` (one JSON object per
/// epoch) and checkpoints. Where a run is created or continued, the folder is locked.
class RunFolder {
 public:
  /// Makes the folder, if need be. Throws IoError where it cannot be made, and where it already
  /// holds any file of a run, unless `overwrite`. Removes nothing: see remove_older_run.
  static RunFolder create(const std::filesystem::path& path, bool overwrite);
  /// A run to go on with. Throws IoError where there is no folder, or where another process is at
  /// work in it.
  static RunFolder resume(const std::filesystem::path& path);
  /// A finished run, for reading. Throws IoError where the folder does not hold one.
  static RunFolder open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }

  /// Once the first checkpoint of a new run, that of `step`, is on the disk: removes the files of
  /// the run that it takes the place of, and no others. Throws IoError where one cannot be removed.
  void remove_older_run(int64_t step);

  /// Removes what earlier processes that were killed have left half written of these files. Not
  /// before it is clear that this process writes them.
  void remove_half_written();

  void write_config(const nlohmann::json& config) const;
  nlohmann::json read_config() const;
  /// Adds a line to metrics.jsonl; returns the line.
  std::string append_metrics(const nlohmann::json& metrics) const;
  /// Replaces all lines of metrics.jsonl.
  void write_metrics(const std::string& lines) const;
  /// Writes model.json and model.safetensors.
  void write_model(const nn::Sequential& net) const;
  std::unique_ptr<nn::Sequential> read_model() const;
  /// Of a run that was created or continued.
  CheckpointFolder& checkpoints() { return checkpoints_.value(); }
  const CheckpointFolder& checkpoints() const { return checkpoints_.value(); }

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  /// The path of a file to write, where the folder is still the one that was opened.
  std::filesystem::path target(const char* name) const;

  std::filesystem::path path_;
  std::optional<CheckpointFolder> checkpoints_;
};

}  // namespace gradus::examples
