// bin/tape_tour: all pages as text, and stepping through them on a terminal.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "../support/paths.h"
#include "../support/program.h"
#include "../support/terminal.h"

using namespace gradus::test;

namespace {

const std::string program = build_folder() + "/bin/tape_tour";

/// The tour on a terminal of this size.
struct Tour : TerminalProcess {
  explicit Tour(int width = 80, int height = 24)
      : TerminalProcess({program}, build_folder(), width, height) {}

  std::string text() {
    std::string text;
    for (const std::string& row : screen().rows()) text += row + "\n";
    return text;
  }
  /// True once the first row begins so, and the last one is there.
  bool shows(const std::string& title) {
    const auto is_there = [&](const Screen& screen) {
      const auto rows = screen.rows();
      return !rows.empty() && rows.front().starts_with(title) && contains(rows.back(), "space");
    };
    return is_there(screen()) || watch(is_there);
  }
  int end() {
    watch([](const Screen&) { return false; });
    return wait();
  }
};

}  // namespace

TEST_CASE("tape_tour --all prints every chapter, with formulas and numbers") {
  const Outcome outcome = run(program + " --all");
  CHECK(outcome.status == 0);
  CHECK(outcome.err.empty());
  for (int chapter = 1; chapter <= 5; ++chapter) {
    CHECK(occurrences(outcome.out, "== " + std::to_string(chapter) + ". ") == 1);
  }
  CHECK(contains(outcome.out, " → %2   h = tanh(%1)              (0.462, -0.964)\n"));
  CHECK(contains(outcome.out,
                 "rule       tanh: da = g · (1 − y²)\n"
                 "da =       (0.5, -1) · (1 − (0.462, -0.964)²)\n"
                 "   =       (0.393, -0.0707)  → %1 (z)\n"));
  CHECK(contains(outcome.out, "where (0.462, -0.964) was: together (0.855, -1.11)"));
  CHECK(contains(outcome.out, "w.grad() is (0.855, -1.11)"));
  CHECK(contains(outcome.out, "d s / d w is (1.21, -0.262)"));
  CHECK(contains(outcome.out, "approximate: yes"));
  CHECK(contains(outcome.out, "second order: passed"));
}

TEST_CASE("without a terminal at either end, tape_tour prints everything") {
  const std::string all = run(program + " --all").out;
  CHECK(run(program + " < /dev/null").out == all);
}

TEST_CASE("tape_tour --help says what there is, and a wrong argument is an error") {
  const Outcome help = run(program + " --help"), wrong = run(program + " --al");
  CHECK(help.status == 0);
  CHECK(contains(help.out, "--all"));
  CHECK(wrong.status == 1);
  CHECK(wrong.out.empty());
  CHECK(wrong.err ==
        "tape_tour: there is no argument \"--al\". Hint: tape_tour --help says what there is\n");
}

TEST_CASE("keys step forwards and backwards through the tour") {
  Tour tour;
  REQUIRE(tour.shows("1/28  1. "));
  tour.type(" ");
  CHECK(tour.shows("2/28  2. "));
  tour.type("\r");
  CHECK(tour.shows("3/28  2. Recording leaf w"));
  tour.type("\x1b[C");  // →
  CHECK(tour.shows("4/28  2. Recording z = mul(%0, x)"));
  CHECK(contains(tour.text(), " → %1   z = mul(%0, x)            (0.5, -2)\n"));
  tour.type("\x1b[D");  // ←
  CHECK(tour.shows("3/28"));
  tour.type("nn");
  CHECK(tour.shows("5/28"));
  tour.type("bp");
  CHECK(tour.shows("3/28"));
  tour.type("3");
  CHECK(tour.shows("8/28  3. Replay"));
  tour.type("x1");  // x is no key
  CHECK(tour.shows("1/28"));
  tour.type("b2");  // there is nothing before the first page
  CHECK(tour.shows("2/28"));
  tour.type("q");
  CHECK(tour.end() == 0);
}

TEST_CASE("every page fits a terminal of 80 columns and 24 rows") {
  Tour tour;
  for (int page = 1; page <= 28; ++page) {
    REQUIRE(tour.shows(std::to_string(page) + "/28"));
    CHECK(tour.screen().rows().size() == 24);
    CHECK(tour.screen().full_rows() == 0);
    CHECK_FALSE(contains(tour.text(), "enlarge"));
    tour.type(" ");
  }
}

TEST_CASE("a small terminal gets lines that are broken, and says if there is more") {
  for (const int width : {60, 40, 20, 5}) {
    CAPTURE(width);
    Tour tour(width, 12);
    tour.watch([](const Screen& screen) { return screen.rows().size() == 12; });
    tour.type("3");
    const std::string title =
        std::string("8/28  3. Replay").substr(0, static_cast<size_t>(width - 1));
    tour.watch([&](const Screen& screen) {
      const auto rows = screen.rows();
      return !rows.empty() && rows.front().starts_with(title);
    });
    CHECK(tour.screen().full_rows() == 0);
    CHECK(tour.screen().rows().size() <= 12);
    tour.type("q");
    CHECK(tour.end() == 0);
  }
}

TEST_CASE("the screen is drawn anew when its size changes") {
  Tour tour(80, 24);
  REQUIRE(tour.shows("1/28"));
  tour.resize(50, [](Screen& screen) { screen.cut(50); });
  CHECK(tour.watch([](const Screen& screen) {
    const auto rows = screen.rows();
    const auto begins = [](const std::string& row) { return row.starts_with("nothing was"); };
    return !rows.empty() && contains(rows.back(), "space") && screen.full_rows() == 0 &&
           std::any_of(rows.begin(), rows.end(), begins);
  }));
  tour.type("q");
  CHECK(tour.end() == 0);
}

TEST_CASE("the terminal is given back as it was, however the tour ends") {
  struct Ending {
    std::string keys;
    int signal, status;
  };
  for (const Ending& ending :
       {Ending{"q", 0, 0}, Ending{"\x03", 0, 128 + SIGINT}, Ending{"", SIGTERM, 128 + SIGTERM}}) {
    Tour tour;
    REQUIRE(tour.shows("1/28"));
    CHECK_FALSE(tour.is_as_usual());
    tour.type(ending.keys);
    if (ending.signal != 0) tour.send(ending.signal);
    CHECK(tour.end() == ending.status);
    CHECK(tour.is_as_usual());
    CHECK(tour.text().empty());  // the screen from before
  }
}

TEST_CASE("a terminal that knows no sequences gets the pages as text") {
  TerminalProcess process({"/usr/bin/env", "TERM=dumb", program}, build_folder(), 200);
  CHECK_FALSE(process.watch([](const Screen&) { return false; }));
  CHECK(process.wait() == 0);
  const auto rows = process.screen().rows();
  CHECK(std::any_of(rows.begin(), rows.end(),
                    [](const std::string& row) { return row.starts_with("== 5. "); }));
}
