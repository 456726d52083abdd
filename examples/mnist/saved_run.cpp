#include "saved_run.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>
#include <gradus/train/run_folder.h>

#include <cmath>
#include <system_error>

#include "../../train/parse_json.h"

namespace gradus::examples {

using nlohmann::json;

namespace {

/// What the configuration says under `key`; `otherwise` where it says nothing. Throws IoError where
/// it is of another type.
template <class T>
T setting(const json& config, const char* key, const T& otherwise) {
  try {
    return config.value(key, otherwise);
  } catch (const json::exception&) {
    throw IoError("run folder", str("config.json has ", config.at(key).dump(), " for ", key),
                  "it is not as `mnist train --out` wrote it");
  }
}

}  // namespace

json read_config(const std::filesystem::path& run) {
  const std::filesystem::path file = run / "config.json";
  const std::string text = training::text_of_file("run folder", file);
  json config = training::parse_json(text);
  require<IoError>(config.is_object(), "run folder",
                   "it is damaged; `mnist train --resume` writes it again", file.string(),
                   " is not a JSON object");
  return config;
}

SavedRun open_run(const std::filesystem::path& path) {
  constexpr const char* give = "give the folder that `mnist train --out` wrote";
  std::error_code error;
  require<IoError>(std::filesystem::exists(path, error), "run folder", give, "there is no folder '",
                   path.string(), "'");
  require<IoError>(std::filesystem::exists(path / "config.json", error), "run folder", give,
                   path.string(), " has no config.json");
  for (const char* name : {"model.json", "model.safetensors"}) {
    require<IoError>(
        std::filesystem::exists(path / name, error), "run folder",
        str("wait for its end; one that was stopped goes on with `mnist train --resume ",
            shell_word(path.string()), "`"),
        path.string(), " has no ", name, ": its run has not ended");
  }
  return {read_config(path), training::RunFolder::read_model(path)};
}

std::vector<data::Normalization> normalization_of(const json& config) {
  std::vector<double> mean, std;
  try {
    config.at("normalization").at("mean").get_to(mean);
    config.at("normalization").at("std").get_to(std);
  } catch (const json::exception&) {
    throw IoError("run folder", "config.json does not say how images were normalized",
                  R"(it needs "normalization": {"mean": [0.13], "std": [0.31]})");
  }
  std::vector<data::Normalization> channels;
  for (size_t c = 0; c < std::min(mean.size(), std.size()); ++c) {
    require<IoError>(std::isfinite(mean[c]) && std::isfinite(std[c]) && std[c] > 0, "run folder",
                     "both must be numbers, and std above 0",
                     "config.json has a normalization of mean ", mean[c], " and std ", std[c]);
    channels.push_back({.mean = mean[c], .std = std[c]});
  }
  require<IoError>(!channels.empty() && mean.size() == std.size(), "run folder",
                   "both have a number for each channel", "config.json has a normalization of ",
                   mean.size(), " means and ", std.size(), " stds");
  return channels;
}

std::string class_name(const json& config, int64_t label) {
  try {
    return config.at("classes").at(static_cast<size_t>(label)).get<std::string>();
  } catch (const json::exception&) {
    return std::to_string(label);
  }
}

/// The test images of the data that the run had, where it had them, unless something else is asked
/// for.
DataRequest wanted_data(const SavedRunOptions& options, const json& config) {
  const std::string trained_on =
      setting(config, "dataset", std::string());  // empty: a folder of the user's own
  DataRequest request{.name = trained_on.empty() ? "auto" : trained_on,
                      .directory = options.data_directory,
                      .samples = setting(config, "samples", int64_t{0}),
                      .test_only = true};
  const bool same_data = options.dataset.empty() || options.dataset == trained_on;
  if (!same_data) {
    request.name = options.dataset;
  } else if (request.directory.empty()) {
    request.directory = setting(config, "data", std::string());
    request.of_the_run = !request.directory.empty();
  }
  check_data_is_used(request.name, options.data_directory);
  return request;
}

}  // namespace gradus::examples
