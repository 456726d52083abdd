#include "student.h"

#include <gradus/core/base/error.h>
#include <gradus/core/io/atomic_file.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace course {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

void copy_to(const fs::path& from, const fs::path& to, fs::copy_options options) {
  std::error_code error;
  fs::copy_file(from, to, options, error);
  gradus::require<gradus::IoError>(!error, "course", "check that you may write there",
                                   "cannot write ", to.string(), ": ", error.message());
}

}  // namespace

Student::Student(fs::path folder, std::span<const Exercise> exercises)
    : folder_(std::move(folder)), exercises_(exercises) {
  for (const Exercise& exercise : exercises_) {
    const fs::path file = file_of(exercise);
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    gradus::require<gradus::IoError>(!error, "course", "name another folder: --dir FOLDER",
                                     "cannot make ", file.parent_path().string(), ": ",
                                     error.message());
    copy_to(exercise.original, file, fs::copy_options::skip_existing);
    const fs::path text = exercise.original.parent_path() / "README.md";
    if (fs::exists(text, error)) {
      copy_to(text, file.parent_path() / "README.md", fs::copy_options::skip_existing);
    }
  }
  read();
}

void Student::read() {
  const std::string text = text_of(folder_ / "progress.json");
  if (text.empty()) return;
  try {
    const json progress = json::parse(text);
    done_.merge(progress.at("done").get<std::set<std::string>>());
    if (current_.empty()) current_ = progress.at("current");
  } catch (const json::exception&) {
    throw gradus::IoError("course", (folder_ / "progress.json").string() + " is damaged",
                          "remove it: `course verify` finds out again what is done");
  }
  std::erase_if(done_, [&](const std::string& name) {  // of another version of the course
    return std::ranges::none_of(exercises_, [&](const Exercise& e) { return e.name == name; });
  });
}

void Student::set_done(const Exercise& exercise) {
  done_.insert(exercise.name);
  save();
}

const Exercise& Student::current() const {
  for (const Exercise& exercise : exercises_) {
    if (exercise.name == current_) return exercise;
  }
  for (const Exercise& exercise : exercises_) {
    if (!is_done(exercise)) return exercise;
  }
  return exercises_.front();
}

void Student::set_current(const Exercise& exercise) {
  current_ = exercise.name;
  save();
}

const Exercise& Student::next() const {
  const auto at = static_cast<size_t>(&current() - exercises_.data());
  for (size_t i = 1; i <= exercises_.size(); ++i) {
    const Exercise& exercise = exercises_[(at + i) % exercises_.size()];
    if (!is_done(exercise)) return exercise;
  }
  return current();
}

void Student::reset(const Exercise& exercise) const {
  const fs::path file = file_of(exercise);
  std::error_code error;
  if (fs::exists(file, error)) {
    copy_to(file, file.string() + ".before", fs::copy_options::overwrite_existing);
  }
  copy_to(exercise.original, file, fs::copy_options::overwrite_existing);
}

void Student::save() {
  read();  // another process, `course check`, may have noted something meanwhile
  const std::string text = json{{"current", current_}, {"done", done_}}.dump(2) + "\n";
  gradus::write_file_atomically("course", folder_ / "progress.json",
                                {std::as_bytes(std::span(text))});
}

}  // namespace course
