// The exercises of the course, as files.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace course {

struct Exercise {
  std::string name;   ///< "2.1"
  std::string title;  ///< "The gradient of a broadcast sum"
  std::filesystem::path original, test, hint, solution;
  std::vector<std::filesystem::path> wrong;  ///< tempting solutions that are not right
  std::filesystem::path relative;            ///< "2-tensors/01-broadcast.cpp"
  double seconds = 10;                       ///< that its test may take
};

/// All exercises in a folder like examples/course, in order. Throws gradus::IoError if there are
/// none.
std::vector<Exercise> exercises_in(const std::filesystem::path& folder);

/// The exercise of this name, "2.1", or of this file. Throws gradus::ValueError, with what was
/// probably meant.
const Exercise& find(std::span<const Exercise> exercises, const std::string& name);

/// The text of a file; empty if it cannot be read.
std::string text_of(const std::filesystem::path& file);

/// The rest of the first line of a text that begins with `start`; empty if there is none.
std::string rest_of_line(const std::string& text, const std::string& start);

}  // namespace course
