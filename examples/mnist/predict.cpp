#include "predict.h"

#include <gradus/core/base/text.h>
#include <gradus/gradus.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <system_error>

#include "../../train/parse_json.h"
#include "../support/image.h"
#include "../support/system.h"
#include "answer.h"
#include "evaluate.h"

namespace gradus::examples {

namespace {

using nlohmann::json;

/// A run that has ended.
struct SavedRun {
  json config;
  std::unique_ptr<nn::Sequential> net;
};

SavedRun open_run(const std::filesystem::path& path) {
  for (const char* name : {"config.json", "model.json", "model.safetensors"}) {
    std::error_code error;
    require<IoError>(std::filesystem::exists(path / name, error), "run folder",
                     "give the folder that `mnist train --out` wrote; a run that was stopped goes "
                     "on with `mnist train --resume`",
                     path.string(), " has no ", name);
  }
  const std::filesystem::path file = path / "config.json";
  std::ifstream in(file);
  const int reason = errno;
  require<IoError>(in.good(), "run folder", "check its permissions", "cannot open ", file.string(),
                   ": ", std::generic_category().message(reason));
  const std::string text(std::istreambuf_iterator<char>(in), {});
  json config = training::parse_json(text);
  require<IoError>(config.is_object(), "run folder",
                   "it is damaged; `mnist train --resume` writes it again", file.string(),
                   " is not a JSON object");
  return {std::move(config), training::RunFolder::read_model(path)};
}

data::Normalization normalization_of(const json& config) {
  std::vector<double> mean, std;
  try {
    config.at("normalization").at("mean").get_to(mean);
    config.at("normalization").at("std").get_to(std);
  } catch (const json::exception&) {
    throw IoError("run folder", "config.json does not say how images were normalized",
                  R"(it needs "normalization": {"mean": [0.13], "std": [0.31]})");
  }
  require(mean.size() == 1 && std.size() == 1, "predict", "train one on gray images",
          "the net was trained on colour images; predict reads gray ones");
  require<IoError>(std::isfinite(mean[0]) && std::isfinite(std[0]) && std[0] > 0, "run folder",
                   "both must be numbers, and std above 0",
                   "config.json has a normalization of mean ", mean[0], " and std ", std[0]);
  return {.mean = mean[0], .std = std[0]};
}

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

/// Whether the classes are the ten digits.
bool reads_digits(const json& config) {
  return config.value("classes", json()) == json{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
}

std::string class_name(const json& config, int64_t label) {
  try {
    return config.at("classes").at(static_cast<size_t>(label)).get<std::string>();
  } catch (const json::exception&) {
    return std::to_string(label);
  }
}

/// Names of files may be any bytes, JSON is UTF-8: what is not becomes a replacement character.
std::string as_text(const json& j) {
  return j.dump(-1, ' ', false, json::error_handler_t::replace);
}

const char* answer_name(const Answer& answer) {
  if (answer.content == Content::empty) return "empty";
  if (answer.content == Content::several) return "several";
  return answer.is_sure() ? "digit" : "unsure";
}

json as_json(const Answer& answer, const std::string& file, const json& config) {
  json best = json::array();
  std::vector<double> probabilities(answer.guesses.size());
  for (const Guess& guess : answer.guesses) {
    probabilities[static_cast<size_t>(guess.label)] = guess.probability;
    if (best.size() == 3) continue;
    best.push_back({{"label", guess.label},
                    {"name", class_name(config, guess.label)},
                    {"probability", guess.probability}});
  }
  json result = {{"label", nullptr}, {"name", nullptr}, {"probability", nullptr}};
  if (answer.is_sure()) result = best.front();
  result["file"] = file;
  result["answer"] = answer_name(answer);
  result["probabilities"] = probabilities;
  result["best"] = std::move(best);
  return result;
}

std::string in_words(const Answer& answer, const json& config) {
  if (answer.content == Content::empty) return "empty";
  if (answer.content == Content::several) return "several digits?";
  const auto words = [&](const Guess& guess) {
    return str(class_name(config, guess.label), " (", fixed(100 * guess.probability, 1), " %)");
  };
  if (answer.is_sure()) return words(answer.guesses.front());
  std::string text = "unsure: " + words(answer.guesses.front());
  for (size_t i = 1; i < std::min<size_t>(3, answer.guesses.size()); ++i) {
    text += ", " + words(answer.guesses[i]);
  }
  return text;
}

// --- What the net saw ----------------------------------------------------------------------------

/// The file that shows what the net saw of `file`, in the current folder: digit-28x28.png for
/// scans/digit.jpg, images-17-28x28.png for data/images:17.
std::string shown_name(const std::string& file) {
  const std::filesystem::path path(file);
  std::string name = path.filename().string();
  const size_t colon = name.rfind(':');
  if (colon != std::string::npos) {
    name[colon] = '-';
  } else {
    name = path.stem().string();
  }
  return name + "-28x28.png";
}

/// Throws ValueError where one picture would take the place of another.
void check_shown_names(const std::vector<std::string>& files) {
  std::map<std::string, std::string> file_of;
  for (const std::string& file : files) {
    const std::string name = shown_name(file);
    for (const std::string& other : files) {
      std::error_code none;
      require(!std::filesystem::equivalent(name, other, none), "predict",
              "call the command in another folder", "--show of ", file, " would replace ", other);
    }
    const std::string& first = file_of.emplace(name, file).first->second;
    require(first == file, "predict", "call the command once for each, in different folders",
            "--show of ", first, " and of ", file, " would both write ", name);
  }
}

/// Two characters for each pixel, which are about as wide as high then.
std::string as_characters(const Tensor& gray) {
  constexpr std::string_view shades = " .:-=+*#%@";
  const auto width = static_cast<size_t>(gray.size(1));
  std::string text;
  size_t count = 0;
  for (const uint8_t value : gray.to_vector<uint8_t>()) {
    text += std::string(2, shades[value * shades.size() / 256]);
    if (++count % width == 0) text += '\n';
  }
  return text;
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
  const auto [config, net] = open_run(options.run);
  training::Console console(options.json ? std::cerr : std::cout);
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
  const auto [config, net] = open_run(options.run);
  const data::Normalization normalization = normalization_of(config);
  net->eval();
  const Reader reader{*net, normalization, reads_digits(config)};
  if (options.show) check_shown_names(files);
  json results = json::array();
  for (const std::string& file : files) {
    const Answer answer = answer_to(reader, file);
    if (options.json) {
      results.push_back(as_json(answer, file, config));
    } else {
      std::cout << file << ": " << in_words(answer, config) << '\n';
    }
    if (options.show && answer.seen.defined()) {
      write_png(shown_name(file), answer.seen);
      (options.json ? std::cerr : std::cout)
          << as_characters(answer.seen) << "written to " << shown_name(file) << '\n';
    }
  }
  if (options.json) std::cout << as_text(results) << std::endl;
}

}  // namespace gradus::examples
