// A folder that holds one training run.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include <gradus/nn/sequential.h>

namespace gradus::examples {

/// The files of a run: `config.json` (how it was started), `model.json` (the net),
/// `model.safetensors` (its weights, under PyTorch's names) and `metrics.jsonl` (one JSON object
/// per epoch).
class RunFolder {
 public:
  /// Makes the folder, if need be. Throws IoError where it cannot be written, and where it already
  /// holds a run, unless `overwrite`.
  static RunFolder create(const std::filesystem::path& path, bool overwrite);
  /// Throws IoError where the folder does not hold a finished run.
  static RunFolder open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }

  void write_config(const nlohmann::json& config) const;
  nlohmann::json read_config() const;
  /// Adds a line to metrics.jsonl.
  void append_metrics(const nlohmann::json& metrics) const;
  /// Writes model.json and model.safetensors.
  void write_model(const nn::Sequential& net) const;
  std::unique_ptr<nn::Sequential> read_model() const;

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace gradus::examples
