// The student's folder: copies of the exercises, and which of them are done.
#pragma once

#include <filesystem>
#include <set>
#include <span>
#include <string>

#include "exercises.h"

namespace course {

/// A folder with a copy of every exercise and progress.json. Files that are there already are the
/// student's, and stay.
class Student {
 public:
  /// Makes the folder if necessary. Throws gradus::IoError if that fails, or if progress.json is
  /// damaged.
  Student(std::filesystem::path folder, std::span<const Exercise> exercises);

  std::filesystem::path file_of(const Exercise& exercise) const {
    return folder_ / exercise.relative;
  }
  bool is_done(const Exercise& exercise) const { return done_.contains(exercise.name); }
  size_t done() const { return done_.size(); }
  void set_done(const Exercise& exercise);
  /// The exercise that is worked on: at first the first one that is not done.
  const Exercise& current() const;
  void set_current(const Exercise& exercise);
  /// The next exercise that is not done, after the current one or from the beginning; the current
  /// one if all others are done.
  const Exercise& next() const;
  /// Writes the exercise as it was; what was there is kept beside it as FILE.before.
  void reset(const Exercise& exercise) const;

 private:
  void read();
  void save();

  std::filesystem::path folder_;
  std::span<const Exercise> exercises_;
  std::set<std::string> done_;
  std::string current_;
};

}  // namespace course
