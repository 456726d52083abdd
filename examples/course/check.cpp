#include "check.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include <gradus/core/base/error.h>
#include <gradus/core/base/run_program.h>
#include <gradus/core/base/text.h>
#include <gradus/train/progress.h>

#include "course.h"
#include "course_config.h"

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
std::string shortened(const std::string& text, const std::vector<fs::path>& names) {
  std::string kept;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.size(), text.find('\n', at));
    std::string line = text.substr(at, end - at);
    at = end + 1;
    for (const fs::path& path : names) {
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

/// A program that has ended, and how long it took.
struct Ended : gradus::FinishedProgram {
  double seconds = 0;
  /// What it printed: messages for the student come first.
  std::string said() const {
    constexpr size_t most = size_t{16} << 10;
    return (output + errors).substr(0, most);
  }
};

Ended run(std::vector<std::string> command, double seconds) {
  const gradus::training::Stopwatch watch;
  Ended ended{gradus::run_program("course", "install it, or build the course again",
                                  std::move(command), {}, seconds)};
  ended.seconds = watch.seconds();
  return ended;
}

/// Code of a student: it may not fill the disk or the memory.
Ended run_carefully(const std::string& program, double seconds) {
  return run({"sh", "-c", "ulimit -f 131072; ulimit -v 16777216; exec \"$0\"", program}, seconds);
}

/// What a signal usually means.
std::string crash_text(int signal, const std::string& said) {
  std::string text = gradus::str("Your code crashed: ", ::strsignal(signal), ".\n");
  if (signal == SIGSEGV || signal == SIGABRT || signal == SIGBUS) {
    text +=
        "Usually an index beyond the end of an array, an endless recursion, an assertion, or an "
        "exception of another type.\n";
  } else if (signal == SIGXFSZ) {
    text += "It printed more than 64 MiB: an endless loop?\n";
  }
  return text + said;
}

/// Compiles and links a program.
Ended compile(const std::vector<std::string>& sources, const std::string& program) {
  std::vector<std::string> command = words_of(compile_command);
  command.insert(command.end(), sources.begin(), sources.end());
  command.insert(command.end(), {"-o", program});
  for (const std::string& word : words_of(link_command)) command.push_back(word);
  return run(std::move(command), seconds_to_compile);
}

/// What the compiler said, as the message for a student.
Checked not_compiled(const Ended& ended, const std::vector<fs::path>& names) {
  Checked checked{.outcome = Outcome::does_not_compile, .seconds = ended.seconds};
  if (ended.is_too_slow) {
    checked.outcome = Outcome::too_slow;
    checked.message = "The compiler took too long.\n";
  } else {
    checked.message = shortened(ended.said(), names);
  }
  return checked;
}

/// How a program ended that ran for at most so many seconds, for a student.
Checked judged(const Ended& ended, double seconds, int status_if_passed) {
  Checked checked{.message = ended.said(), .seconds = ended.seconds};
  if (ended.is_too_slow) {
    checked.outcome = Outcome::too_slow;
    checked.message = gradus::str("It ran for more than ", seconds,
                                  " seconds and was stopped: an endless loop?\n", ended.said());
  } else if (constexpr int by_signal = 128; ended.status > by_signal) {
    checked.outcome = Outcome::crashed;
    checked.message = crash_text(ended.status - by_signal, ended.said());
  } else {
    checked.outcome = ended.status == status_if_passed ? Outcome::passed : Outcome::failed;
    if (checked.outcome == Outcome::failed && checked.message.empty()) {
      checked.message = gradus::str("The program ended by itself, with status ", ended.status,
                                    ", before the test had finished.\n");
    }
  }
  return checked;
}

}  // namespace

Checked check(const Exercise& exercise, const fs::path& file) {
  std::error_code error;
  const fs::path whole = fs::absolute(file, error);
  gradus::require<gradus::IoError>(fs::exists(whole, error), "course",
                                   "`r` (reset) writes the exercise again", "there is no file '",
                                   file.string(), "'");
  if (text_of(whole).find_first_not_of(" \t\n\r") == std::string::npos) {
    return {.outcome = Outcome::failed,
            .message = "The file is empty. `r` (reset) writes the exercise again.\n"};
  }
  const TemporaryFolder folder;
  const std::string program = (folder.path() / "exercise").string();
  const Ended compiled = compile(
      {gradus::str("-DCOURSE_FILE=\"", whole.string(), "\""), exercise.test.string()}, program);
  if (compiled.status != 0) return not_compiled(compiled, {whole, exercise.test});
  Checked checked = judged(run_carefully(program, exercise.seconds), exercise.seconds, passed);
  checked.seconds += compiled.seconds;
  return checked;
}

Checked run_text(const fs::path& text) {
  std::string code;
  bool is_code = false;
  std::istringstream lines(text_of(text));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      is_code = line == "```cpp";
      line.clear();
    }
    code += (is_code ? line : "") + "\n";  // so that errors name the line of the text
  }
  const TemporaryFolder folder;
  const fs::path source = folder.path() / "README.md.cpp";
  std::ofstream(source) << code;
  const std::string program = (folder.path() / "chapter").string();
  const Ended compiled = compile({source.string()}, program);
  if (compiled.status != 0) return not_compiled(compiled, {source});
  constexpr double seconds = 120;
  return judged(run_carefully(program, seconds), seconds, 0);
}

}  // namespace course
