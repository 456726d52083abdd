// The folder of a run: what its files say.
#pragma once

#include <gradus/datasets/dataset.h>
#include <gradus/nn/sequential.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "evaluate.h"

namespace gradus::examples {

struct SavedRunOptions {
  std::string run;      ///< folder that `mnist train --out` wrote
  std::string dataset;  ///< empty: the one it was trained on
  std::string data_directory;
  bool json = false;
  bool show = false;  ///< predict: also print and keep what the net saw
};

/// A run that has ended.
struct SavedRun {
  nlohmann::json config;
  std::unique_ptr<nn::Sequential> net;
};

/// Throws IoError, which says what to do, for a folder that is not one, or whose run has not ended.
SavedRun open_run(const std::filesystem::path& path);

/// config.json, an object. Throws IoError.
nlohmann::json read_config(const std::filesystem::path& run);

/// How the images of a run were normalized: once, or for each channel. Throws IoError if its
/// configuration does not say.
std::vector<data::Normalization> normalization_of(const nlohmann::json& config);

/// The name of a class, or its number.
std::string class_name(const nlohmann::json& config, int64_t label);

/// The test images of the data that the run had, where it had them, unless something else is asked
/// for.
DataRequest wanted_data(const SavedRunOptions& options, const nlohmann::json& config);

}  // namespace gradus::examples
