// What bin/mnist shows on terminals of several widths.
#include <doctest/doctest.h>

#include <regex>

#include "../../train/console.h"
#include "../support/terminal.h"
#include "small_run.h"

using namespace gradus;
using namespace gradus::test;

namespace {

/// Times and rates, which differ from run to run, as one word; runs of spaces as one.
std::string comparable(std::string text) {
  text = std::regex_replace(text, std::regex("\\s+"), " ");
  return std::regex_replace(text, std::regex("[0-9]+ images/s, [0-9:]+"), "RATE");
}

std::string joined_rows(const Screen& screen) {
  std::string text;
  for (const std::string& row : screen.rows()) text += row + "\n";
  return text;
}

bool is_progress(const std::string& row) {
  return std::regex_search(row, std::regex("^epoch .*[0-9]%"));  // elsewhere there is a space
}

int progress_rows(const Screen& screen) {
  const auto rows = screen.rows();
  return static_cast<int>(std::count_if(rows.begin(), rows.end(), is_progress));
}

std::vector<std::string> command_on_terminal(int epochs = 3) {
  return {program,
          "train",
          "--dataset=synthetic",
          "--samples=216",
          "--epochs=" + std::to_string(epochs),
          "--batch-size=8",
          "--threads=1",
          "--model=net.json",
          "--out",
          "run",
          "--overwrite",
          "--keep=1"};
}

/// What the same training prints into a file, without the lines that stand in for the bar.
std::string plain_output(const Place& place, int epochs = 3) {
  const Outcome outcome =
      run("cd '" + place.path().string() + "' && " + joined(command_on_terminal(epochs)));
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  return std::regex_replace(outcome.out, std::regex("epoch [^\n]*images/s  loss[^\n]*\n"), "");
}

}  // namespace

TEST_CASE("the help of every program fits a terminal of 80 columns") {
  for (const std::string command :
       {"mnist", "mnist train", "mnist eval", "mnist predict", "mnist export", "mnist report",
        "mnist data", "norm_lab", "norm_lab list", "norm_lab run", "norm_lab report",
        "norm_lab compare", "course", "course run", "course audit", "tape_tour"}) {
    CAPTURE(command);
    const std::string file = build_folder() + "/bin/" + command.substr(0, command.find(' '));
    if (!std::filesystem::exists(file)) continue;  // some builds have not all of them
    const Outcome help = run(build_folder() + "/bin/" + command + " --help");
    CHECK(help.status == 0);
    CHECK(contains(help.out, "Usage: "));
    std::istringstream rows(help.out);
    for (std::string row; std::getline(rows, row);) {
      CHECK_MESSAGE(columns_of(row) <= 80, row);
    }
  }
}

TEST_CASE("on a terminal of any width there is one line of progress, and the same text remains") {
  const Place place;
  const std::string expected = comparable(plain_output(place));
  for (const int width : {120, 80, 60, 40}) {
    CAPTURE(width);
    TerminalProcess process(command_on_terminal(), place.path(), width);
    bool seen = false;
    process.watch([&](const Screen& screen) {
      seen = seen || progress_rows(screen) == 1;
      CHECK(progress_rows(screen) <= 1);
      CHECK(screen.full_rows() == 0);
      return false;
    });
    CHECK(process.wait() == 0);
    CHECK(seen);
    CHECK_MESSAGE(comparable(joined_rows(process.screen())) == expected,
                  joined_rows(process.screen()));
    for (const std::string& row : process.screen().rows()) {
      CHECK(columns_of(row) <= width);
    }
  }
}

TEST_CASE("a terminal that becomes narrower and wider again keeps one line of progress") {
  const Place place;
  constexpr int many = 20;  // so that it is still running after the last change
  const std::string expected = comparable(plain_output(place, many));
  for (const bool keeps_text : {true, false}) {  // terminals differ in what they do with long rows
    CAPTURE(keeps_text);
    TerminalProcess process(command_on_terminal(many), place.path(), 120);
    const auto change = [&](size_t width) {
      process.resize(static_cast<int>(width), [&](Screen& screen) {
        keeps_text ? screen.resize(width) : screen.cut(width);
      });
      return process.watch([&](const Screen& screen) {
        const auto rows = screen.rows();
        return progress_rows(screen) == 1 && is_progress(rows.back()) &&
               static_cast<size_t>(columns_of(rows.back())) < width;
      });
    };
    REQUIRE(process.watch([](const Screen& screen) { return progress_rows(screen) == 1; }));
    CHECK(change(50));
    CHECK(change(40));
    CHECK(change(90));
    process.watch([](const Screen&) { return false; });
    CHECK(process.wait() == 0);
    CHECK(progress_rows(process.screen()) == 0);
    if (!keeps_text) continue;
    process.screen().resize(200);
    CHECK_MESSAGE(comparable(joined_rows(process.screen())) == expected,
                  joined_rows(process.screen()));
  }
}

TEST_CASE("a terminal that knows no sequences gets the lines that a file gets") {
  const Place place;
  std::vector<std::string> command = command_on_terminal();
  command.insert(command.begin(), {"/usr/bin/env", "TERM=dumb"});
  TerminalProcess process(command, place.path(), 200);
  process.watch([](const Screen&) { return false; });
  CHECK(process.wait() == 0);
  const std::string text = joined_rows(process.screen());
  CHECK(occurrences(text, "images/s  loss ") == 30);
  CHECK_FALSE(contains(text, "█"));
}
