// The course: exercises that are tested whenever they are saved. What it is about: README.md.
#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <iostream>
#include <optional>

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>

#include "../support/option_checks.h"
#include "check.h"
#include "course_config.h"
#include "verify.h"
#include "watch.h"

namespace {

using namespace course;

struct CommandLine {
  std::string course = course_folder, folder = "my-course", name, file;
  std::string chapter;
  bool poll = false, json = false;
};

/// The exercises of one chapter, "2", or all.
std::vector<Exercise> chosen(const CommandLine& line) {
  const std::string& chapter = line.chapter;
  std::vector<Exercise> exercises = exercises_in(line.course);
  if (!chapter.empty()) {
    std::erase_if(exercises, [&](const Exercise& e) { return !e.name.starts_with(chapter + "."); });
    gradus::require(!exercises.empty(), "course", "`course list` lists all exercises",
                    "there is no chapter ", chapter);
  }
  return exercises;
}

int check_one(const CommandLine& line) {
  const std::vector<Exercise> exercises = exercises_in(line.course);
  const Exercise& exercise = find(exercises, line.name);
  std::optional<Student> student;
  std::filesystem::path file = line.file;
  if (line.file.empty()) file = student.emplace(line.folder, exercises).file_of(exercise);
  const Checked checked = check(exercise, file);
  if (student && checked.outcome == Outcome::passed) student->set_done(exercise);
  std::cout << checked.message << (checked.outcome == Outcome::passed ? "passed\n" : "");
  return checked.outcome == Outcome::passed ? 0 : 1;
}

/// The code of a chapter's text, which may have been changed.
int run_chapter(const CommandLine& line) {
  const std::vector<Exercise> exercises = chosen(line);
  const Student student(line.folder, exercises_in(line.course));
  const std::filesystem::path text = student.file_of(exercises.front()).parent_path() / "README.md";
  const Checked checked = run_text(text);
  std::cout << checked.message;
  return checked.outcome == Outcome::passed ? 0 : 1;
}

int list(const CommandLine& line) {
  std::vector<std::vector<std::string>> rows;
  for (const Exercise& exercise : exercises_in(line.course)) {
    rows.push_back({exercise.name, exercise.title, exercise.relative.string()});
  }
  std::cout << gradus::aligned_table(rows, "lll");
  return 0;
}

int run(int argc, char** argv) {
  CommandLine line;
  CLI::App app(
      "A course in Gradus: without a command, tests the exercise you work on whenever you "
      "save it.",
      "course");
  app.formatter(std::make_shared<gradus::examples::HelpFormatter>());
  app.add_option("--dir", line.folder, "where your exercises are")->capture_default_str();
  app.add_option("--course", line.course, "where the course is, for authors");
  app.add_flag("--poll", line.poll,
               "look at the file again and again, where the system does not tell of changes: some "
               "containers and network disks");
  app.require_subcommand(0, 1);
  app.fallthrough();
  CLI::App& verify_command = *app.add_subcommand("verify", "test all exercises");
  verify_command.add_flag("--json", line.json, "with messages, for marks: one line of JSON");
  CLI::App& check_command = *app.add_subcommand("check", "test one exercise");
  check_command.add_option("NAME", line.name, "2.1, or the name of its file")->required();
  check_command.add_option("FILE", line.file, "other than the one in --dir");
  CLI::App& text_command = *app.add_subcommand(
      "run", "compile and run the code of a chapter's text, README.md in your folder");
  text_command.add_option("CHAPTER", line.chapter, "1 to 8")->required();
  CLI::App& list_command = *app.add_subcommand("list", "the exercises");
  CLI::App& audit_command =
      *app.add_subcommand("audit", "for authors: exercises fail, solutions pass, wrong ones fail");
  audit_command.add_option("CHAPTER", line.chapter, "only this one");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error) == 0 ? 0 : 1;
    const std::string meant =
        gradus::examples::suggestion(app, std::vector<std::string>(argv + 1, argv + argc));
    if (status != 0 && !meant.empty()) std::cerr << meant << '\n';
    return status;
  }
  std::signal(SIGPIPE, SIG_IGN);
  if (app.get_option("--dir")->count() == 0 &&
      std::filesystem::exists(exercises_in(line.course).front().relative)) {
    line.folder = ".";  // called in the folder itself
  }
  if (text_command.parsed()) return run_chapter(line);
  if (list_command.parsed()) return list(line);
  if (audit_command.parsed()) return audit(chosen(line));
  if (check_command.parsed()) return check_one(line);
  const std::vector<Exercise> exercises = exercises_in(line.course);
  Student student(line.folder, exercises);
  if (verify_command.parsed()) return verify(student, exercises, line.json);
  return watch(student, exercises, line.poll);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "course: " << error.what() << '\n';
    return 1;
  }
}
