#include "verify.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include <gradus/core/base/error.h>
#include <gradus/core/base/parallel_for.h>
#include <gradus/core/base/text.h>

#include "check.h"

namespace course {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

/// A file to test, and what came of it.
struct Task {
  const Exercise* exercise;
  fs::path file;
  Checked checked = {};
};

/// Tests all, several at a time.
void run_all(std::vector<Task>& tasks) {
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < tasks.size(); i = next++) {
      try {
        tasks[i].checked = check(*tasks[i].exercise, tasks[i].file);
      } catch (const gradus::Error& error) {
        tasks[i].checked = {.outcome = Outcome::failed, .message = error.what()};
      }
    }
  };
  std::vector<std::jthread> workers;
  for (int i = 1; i < gradus::num_threads(); ++i) workers.emplace_back(work);
  work();
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

const char* name_of(Outcome outcome) {
  constexpr const char* names[] = {"passed", "failed", "does not compile", "crashed", "too slow"};
  return names[static_cast<size_t>(outcome)];
}

/// The texts after "// expect: " at the beginning of a file.
std::vector<std::string> expected_words(const fs::path& file) {
  std::vector<std::string> words;
  std::string text = text_of(file);
  constexpr std::string_view start = "// expect: ";
  for (size_t at = text.find(start); at != std::string::npos; at = text.find(start, at + 1)) {
    const size_t begin = at + start.size();
    words.push_back(text.substr(begin, text.find('\n', begin) - begin));
  }
  return words;
}

}  // namespace

int verify(Student& student, std::span<const Exercise> exercises, bool as_json) {
  std::vector<Task> tasks;
  for (const Exercise& exercise : exercises)
    tasks.push_back({&exercise, student.file_of(exercise)});
  run_all(tasks);
  json list = json::array();
  size_t done = 0;
  std::vector<std::vector<std::string>> rows;
  for (const Task& task : tasks) {
    const bool is_passed = task.checked.outcome == Outcome::passed;
    done += is_passed ? 1 : 0;
    if (is_passed) student.set_done(*task.exercise);
    rows.push_back({task.exercise->name, name_of(task.checked.outcome), task.exercise->title});
    list.push_back({{"name", task.exercise->name},
                    {"title", task.exercise->title},
                    {"outcome", name_of(task.checked.outcome)},
                    {"passed", is_passed},
                    {"message", task.checked.message},
                    {"seconds", task.checked.seconds}});
  }
  if (as_json) {
    std::cout << json{{"passed", done}, {"exercises", exercises.size()}, {"results", list}}.dump(
                     -1, ' ', false, json::error_handler_t::replace)
              << '\n';
  } else {
    std::cout << gradus::aligned_table(rows, "lll") << done << " of " << exercises.size()
              << " passed\n";
  }
  return done == exercises.size() ? 0 : 1;
}

int audit(std::span<const Exercise> exercises) {
  std::vector<Task> tasks;
  for (const Exercise& exercise : exercises) {
    tasks.push_back({&exercise, exercise.original});
    tasks.push_back({&exercise, exercise.solution});
    for (const fs::path& wrong : exercise.wrong) tasks.push_back({&exercise, wrong});
  }
  run_all(tasks);
  int problems = 0;
  const auto problem = [&](const fs::path& file, const std::string& what) {
    ++problems;
    std::cout << file.string() << ": " << what << '\n';
  };
  for (const Task& task : tasks) {
    const Checked& checked = task.checked;
    const bool passes = checked.outcome == Outcome::passed;
    const bool fails = checked.outcome == Outcome::failed && !checked.message.empty();
    if (task.file == task.exercise->original) {
      if (!fails) {
        problem(task.file,
                gradus::str("as it is given it must fail with a message, but: ",
                            name_of(checked.outcome), ". ", first_line(checked.message)));
      }
    } else if (task.file == task.exercise->solution) {
      if (!passes) problem(task.file, "the solution fails: " + checked.message);
    } else {
      const auto words = expected_words(task.file);
      if (passes) problem(task.file, "it is wrong, but passes");
      if (words.empty()) problem(task.file, "it has no line \"// expect: WORDS\"");
      for (const std::string& expected : words) {
        if (!passes && checked.message.find(expected) == std::string::npos) {
          problem(task.file,
                  gradus::str("its message lacks \"", expected, "\": ", checked.message));
        }
      }
    }
  }
  for (const Exercise& exercise : exercises) {
    const std::string text = text_of(exercise.original);
    constexpr int most_lines = 60;
    if (std::ranges::count(text, '\n') > most_lines) problem(exercise.original, "too long");
    if (text.find("TODO") == std::string::npos) problem(exercise.original, "no TODO");
    if (text_of(exercise.hint).empty()) problem(exercise.original, "no hint");
    if (exercise.wrong.size() < 3) problem(exercise.original, "fewer than three wrong solutions");
  }
  std::cout << exercises.size() << " exercises, " << tasks.size() << " files tested, " << problems
            << " problems\n";
  return problems == 0 ? 0 : 1;
}

}  // namespace course
