#include "resume.h"

#include <gradus/core/base/error.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "../../train/parse_json.h"

namespace gradus::examples {

using nlohmann::json;

const training::Words& our_words() {
  static const training::Words words = {.out = "--out",
                                        .overwrite = "--overwrite",
                                        .resume = "--resume",
                                        .program = "`mnist train --out`",
                                        .go_on = "mnist train --resume",
                                        .epochs = "--epochs",
                                        .gentler = "a smaller --lr or --clip-grad-norm",
                                        .skip = "--on-nan skip"};
  return words;
}

const std::vector<std::string>& our_files() {
  static const std::vector<std::string> files = {"answers.json", "report.html", "status.json"};
  return files;
}

std::string arguments_text(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    try {
      (void)json(argument).dump();
    } catch (const json::exception&) {
      throw ValueError("train", argument + " cannot be recorded: it is not UTF-8",
                       "rename the file, or give a link to it that has another name");
    }
  }
  return json(arguments).dump();
}

std::vector<std::string> recorded_arguments(const std::string& text) {
  try {
    return training::parse_json(text).get<std::vector<std::string>>();
  } catch (const json::exception&) {
    throw IoError("resume", "the checkpoint does not say how the run was started",
                  "it is of another program or damaged; start a new run");
  }
}

training::SaveInterval parse_save_interval(const std::string& text) {
  static const std::map<std::string, double> seconds = {{"s", 1}, {"m", 60}, {"h", 3600}};
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const auto unit = seconds.find(end);
  if (std::isfinite(number) && number > 0 && number <= 1e9 && end != text.c_str()) {
    if (unit != seconds.end()) return {.seconds = number * unit->second};
    const bool is_whole = *end == '\0' && number == std::floor(number);
    if (is_whole) return {.steps = static_cast<int64_t>(number)};
  }
  throw ValueError("train", str("--checkpoint-every ", text, " is not possible"),
                   "200 means steps; 30s, 5m and 1h mean time");
}

}  // namespace gradus::examples
