#include "exercises.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>

namespace course {

namespace fs = std::filesystem;

namespace {

/// The number that a name begins with, "02-record"; 0 if there is none.
int number_of(const fs::path& path) {
  int number = 0;
  for (const char c : path.filename().string()) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) return number;
    number = 10 * number + (c - '0');
  }
  return 0;
}

std::vector<fs::path> sorted_entries(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) entries.push_back(entry.path());
  std::ranges::sort(entries);
  return entries;
}

Exercise exercise_of(const fs::path& course, const fs::path& test) {
  constexpr std::string_view ending = ".test.cpp";
  std::string stem = test.filename().string();
  stem.resize(stem.size() - ending.size());
  const fs::path chapter = test.parent_path().filename();
  Exercise exercise{.name = gradus::str(number_of(chapter), ".", number_of(stem)),
                    .original = test.parent_path() / (stem + ".cpp"),
                    .test = test,
                    .hint = test.parent_path() / (stem + ".hint.md"),
                    .solution = course / "solutions" / chapter / (stem + ".cpp"),
                    .relative = chapter / (stem + ".cpp")};
  exercise.title = rest_of_line(text_of(exercise.original), "// " + exercise.name + " ");
  const size_t begin = exercise.title.find_first_not_of(' ');
  exercise.title = begin == std::string::npos ? stem : exercise.title.substr(begin);
  if (exercise.title.ends_with('.')) exercise.title.pop_back();
  const std::string limit = rest_of_line(text_of(test), "// limit: ");
  if (!limit.empty()) exercise.seconds = std::stod(limit);
  for (const fs::path& wrong : sorted_entries(course / "wrong" / chapter)) {
    const std::string name = wrong.filename().string();
    if (name.starts_with(stem + "-") && wrong.extension() == ".cpp")
      exercise.wrong.push_back(wrong);
  }
  return exercise;
}

}  // namespace

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string rest_of_line(const std::string& text, const std::string& start) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.size(), text.find('\n', at));
    const std::string line = text.substr(at, end - at);
    if (line.starts_with(start)) return line.substr(start.size());
    at = end + 1;
  }
  return {};
}

std::vector<Exercise> exercises_in(const fs::path& folder) {
  std::vector<Exercise> exercises;
  for (const fs::path& chapter : sorted_entries(folder)) {
    if (number_of(chapter) == 0) continue;
    for (const fs::path& file : sorted_entries(chapter)) {
      if (file.filename().string().ends_with(".test.cpp")) {
        exercises.push_back(exercise_of(folder, file));
      }
    }
  }
  gradus::require<gradus::IoError>(!exercises.empty(), "course",
                                   "the folder is examples/course of the source code",
                                   "there are no exercises in '", folder.string(), "'");
  return exercises;
}

const Exercise& find(std::span<const Exercise> exercises, const std::string& name) {
  std::vector<std::string> names;
  for (const Exercise& exercise : exercises) {
    const bool is_it =
        name == exercise.name || fs::path(name).filename() == exercise.relative.filename();
    if (is_it) return exercise;
    names.push_back(exercise.name);
  }
  const std::string meant = gradus::nearest_word(name, names);
  throw gradus::ValueError(
      "course", gradus::str("there is no exercise \"", name, "\""),
      meant.empty() ? "`course list` lists them" : gradus::str("did you mean ", meant, "?"));
}

}  // namespace course
