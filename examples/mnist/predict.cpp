#include "predict.h"

#include <gradus/core/base/text.h>
#include <gradus/gradus.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <system_error>

#include "../support/image.h"
#include "answer.h"
#include "saved_run.h"

namespace gradus::examples {

namespace {

using nlohmann::json;

/// Whether the classes are the ten digits.
bool reads_digits(const json& config) {
  return config.value("classes", json()) == json{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
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

}  // namespace

void predict(const SavedRunOptions& options, const std::vector<std::string>& files) {
  const auto [config, net] = open_run(options.run);
  const auto normalization = normalization_of(config);
  require(normalization.size() == 1, "predict", "train one on gray images",
          "the net was trained on colour images; predict reads gray ones");
  net->eval();
  const Reader reader{*net, normalization[0], reads_digits(config)};
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
