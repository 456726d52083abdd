// All that the files of a run say, whether it has ended or not, for its report.
#pragma once

#include <gradus/nn/sequential.h>
#include <gradus/train/loop.h>
#include <gradus/train/step_log.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "answers.h"

namespace gradus::examples {

struct RunFiles {
  std::filesystem::path path;
  std::string name;                     ///< of the folder
  nlohmann::json config;                ///< config.json
  std::vector<nlohmann::json> epochs;   ///< metrics.jsonl
  std::vector<nlohmann::json> layers;   ///< layers.jsonl
  std::vector<nlohmann::json> starts;   ///< processes.jsonl
  training::StepLog steps;              ///< steps.jsonl
  std::optional<Answers> answers;       ///< answers.json
  std::unique_ptr<nn::Sequential> net;  ///< with its newest weights; null if there are none
  training::News news;                  ///< how the run stands
  std::vector<std::string> problems;    ///< "steps.jsonl is damaged": what is left out

  /// A number of an epoch; nothing if it was not measured.
  std::optional<double> of_epoch(size_t index, const std::string& key) const;
  /// The epochs that were asked for; 0 if that is not known.
  int64_t epochs_in_all() const;
  /// Steps of an epoch; nothing before the first one has ended.
  std::optional<double> steps_per_epoch() const;
};

/// Reads what is there; only config.json must be. Changes nothing, and minds no process that
/// trains. What is damaged is left out. Throws IoError for a folder that holds no run.
RunFiles read_run(const std::filesystem::path& path);

/// Writes status.json, from which read_run knows why a run ended. Throws IoError.
void write_status(const std::filesystem::path& run, const training::News& news);

}  // namespace gradus::examples
