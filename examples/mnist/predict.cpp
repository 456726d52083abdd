#include "predict.h"

#include <gradus/core/base/text.h>
#include <gradus/gradus.h>

#include <charconv>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "../support/image.h"
#include "../support/numerics.h"
#include "../support/run_folder.h"
#include "../support/system.h"
#include "evaluate.h"

namespace gradus::examples {

namespace {

using nlohmann::json;

data::Normalization normalization_of(const json& config) {
  std::vector<double> mean, std;
  try {
    config.at("normalization").at("mean").get_to(mean);
    config.at("normalization").at("std").get_to(std);
  } catch (const json::exception&) {
    throw IoError("run folder", "config.json does not say how images were normalized",
                  R"(it needs "normalization": {"mean": [0.13], "std": [0.31]})");
  }
  if (mean.size() != 1 || std.size() != 1) {
    throw ValueError("predict", "the net was trained on colour images; predict reads gray ones",
                     "train one on gray images");
  }
  if (!std::isfinite(mean[0]) || !std::isfinite(std[0]) || std[0] <= 0) {
    throw IoError("run folder",
                  str("config.json has a normalization of mean ", mean[0], " and std ", std[0]),
                  "both must be numbers, and std above 0");
  }
  return {.mean = mean[0], .std = std[0]};
}

/// What the configuration says under `key`; `otherwise` where it says nothing. Throws IoError where
/// it is of another type.
template <class T>
T setting(const json& config, const char* key, const T& otherwise) {
  try {
    return config.value(key, otherwise);
  } catch (const json::exception&) {
    throw IoError("run folder", str("config.json has ", config.at(key), " for ", key),
                  "it is not as `mnist train --out` wrote it");
  }
}

std::string class_name(const json& config, int64_t label) {
  try {
    return config.at("classes").at(static_cast<size_t>(label)).get<std::string>();
  } catch (const json::exception&) {
    return std::to_string(label);
  }
}

/// Image number `index` of an IDX file, [H, W].
Tensor read_idx_image(const std::string& file, int64_t index) {
  const Tensor images = data::read_idx(file);
  if (images.dim() == 3 && images.dtype() == uint8 && index < images.size(0)) {
    return images.select(0, index);
  }
  throw IndexError(
      "predict",
      str(file, " holds ", images.dtype(), " ", images.shape(), ", no image number ", index),
      "images are bytes [N,H,W], counted from 0");
}

/// The picture that "digit.png" or "t10k-images-idx3-ubyte:17" names, [28, 28] gray.
Tensor read_digit(const std::string& name) {
  const size_t colon = name.rfind(':');
  std::error_code ignored;
  if (colon != std::string::npos && !std::filesystem::exists(name, ignored)) {
    uint32_t index = 0;
    const char* const end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + colon + 1, end, index);
    if (error == std::errc() && rest == end) return read_idx_image(name.substr(0, colon), index);
  }
  return to_mnist_form(read_image(name));
}

/// Names of files may be any bytes, JSON is UTF-8: what is not becomes a replacement character.
std::string as_text(const json& j) {
  return j.dump(-1, ' ', false, json::error_handler_t::replace);
}

Tensor as_input(const Tensor& digit, const data::Normalization& n) {
  const Tensor unit = div(to(digit, float32), 255);
  return div(sub(unit, n.mean), n.std).reshape({1, 1, digit.size(0), digit.size(1)});
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

}  // namespace

void evaluate_run(const SavedRunOptions& options) {
  const RunFolder folder = RunFolder::open(options.run);
  const json config = folder.read_config();
  const auto net = folder.read_model();
  Console console = options.json ? Console::standard_error() : Console::standard_output();
  print_system(console);
  const data::Found found = open_data(wanted_data(options, config), console);
  const Evaluation result = evaluate(*net, *found.test);
  console.say("", str(accuracy_text(result), ", loss ", fixed(result.loss, 4)));
  if (!options.json) return;
  std::cout << json{{"test_accuracy", result.accuracy},
                    {"test_loss", result.loss},
                    {"images", result.images},
                    {"dataset", found.key}}
                   .dump()
            << std::endl;
}

void predict(const SavedRunOptions& options, const std::vector<std::string>& files) {
  const RunFolder folder = RunFolder::open(options.run);
  const json config = folder.read_config();
  const data::Normalization normalization = normalization_of(config);
  const auto net = folder.read_model();
  net->eval();
  json results = json::array();
  for (const std::string& file : files) {
    const Tensor logits = (*net)(as_input(read_digit(file), normalization));
    const Tensor p = softmax(logits, 1).reshape({-1});
    const auto best = static_cast<int64_t>(argmax(p).item());
    const double confidence = p.select(0, best).item();
    if (!std::isfinite(confidence)) {
      throw NotFinite("predict", str("the net gives NaN for ", file), "its weights may be damaged");
    }
    if (options.json) {
      results.push_back({{"file", file},
                         {"label", best},
                         {"name", class_name(config, best)},
                         {"probability", confidence},
                         {"probabilities", p.to_vector<float>()}});
    } else {
      std::cout << file << ": " << class_name(config, best) << " (" << std::fixed
                << std::setprecision(1) << 100 * confidence << " %)\n";
    }
  }
  if (options.json) std::cout << as_text(results) << std::endl;
}

}  // namespace gradus::examples
