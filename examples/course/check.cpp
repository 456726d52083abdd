#include "check.h"

#include <csignal>
#include <cstdlib>
#include <cstring>

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>

#include "course_config.h"
#include "process.h"

namespace course {

namespace fs = std::filesystem;

namespace {

constexpr double seconds_to_compile = 120;

/// A folder that is removed with what is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "gradus-course-XXXXXX").string();
    gradus::require<gradus::IoError>(::mkdtemp(name.data()) != nullptr, "course",
                                     "check that /tmp has space", "cannot make a folder: ", name);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.size(), text.find('\n', at));
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

/// What a compiler says, with the names of files as the student knows them and without the way to
/// them.
std::string shortened(const std::string& text, const Exercise& exercise, const fs::path& file) {
  std::string kept;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.size(), text.find('\n', at));
    std::string line = text.substr(at, end - at);
    at = end + 1;
    for (const fs::path& path : {file, exercise.test}) {
      const size_t begin = line.find(path.string());
      if (begin != std::string::npos) {
        line.replace(begin, path.string().size(), path.filename().string());
      }
    }
    const bool is_way =
        line.starts_with("In file included from") ||
        (line.starts_with("  ") && line.find_first_not_of(' ') == line.find("from "));
    if (!is_way) kept += line + "\n";
  }
  return kept;
}

/// What a signal usually means.
std::string crash_text(int signal, const std::string& output) {
  std::string text = gradus::str("Your code crashed: ", ::strsignal(signal), ".");
  if (signal == SIGSEGV || signal == SIGABRT || signal == SIGBUS) {
    text += "\nUsually an index beyond the end of an array, an endless recursion, or an assertion.";
  }
  return output.empty() ? text : text + "\n" + output;
}

}  // namespace

Checked check(const Exercise& exercise, const fs::path& file) {
  std::error_code error;
  const fs::path whole = fs::absolute(file, error);
  gradus::require<gradus::IoError>(fs::exists(whole, error), "course",
                                   "`r` (reset) writes the exercise again", "there is no file '",
                                   file.string(), "'");
  const TemporaryFolder folder;
  const std::string program = (folder.path() / "exercise").string();
  std::vector<std::string> command = words_of(compile_command);
  for (const std::string& word : {gradus::str("-DCOURSE_FILE=\"", whole.string(), "\""),
                                  exercise.test.string(), std::string("-o"), program}) {
    command.push_back(word);
  }
  for (const std::string& word : words_of(link_command)) command.push_back(word);
  Ended ended = run_with_limit(command, seconds_to_compile);
  Checked checked{.message = shortened(ended.output, exercise, whole), .seconds = ended.seconds};
  if (ended.status != 0) {
    checked.outcome = ended.is_too_slow ? Outcome::too_slow : Outcome::does_not_compile;
    if (ended.is_too_slow) checked.message = "The compiler took too long.";
    return checked;
  }
  ended = run_with_limit({program}, exercise.seconds);
  checked.seconds += ended.seconds;
  if (ended.is_too_slow) {
    checked.outcome = Outcome::too_slow;
    checked.message = gradus::str("It ran for more than ", exercise.seconds,
                                  " seconds and was stopped: an endless loop?\n", ended.output);
  } else if (ended.signal != 0) {
    checked.outcome = Outcome::crashed;
    checked.message = crash_text(ended.signal, ended.output);
  } else {
    checked.outcome = ended.status == 0 ? Outcome::passed : Outcome::failed;
    checked.message = ended.output;
    if (checked.outcome == Outcome::failed && checked.message.empty()) {
      checked.message = gradus::str("The program ended by itself, with status ", ended.status,
                                    ", before the test had finished.");
    }
  }
  return checked;
}

}  // namespace course
