// bin/course with a small course of its own: what it says of right, wrong and broken code,
// progress, and watching on a terminal.
#include <doctest/doctest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "../support/paths.h"
#include "../support/program.h"
#include "../support/terminal.h"

using namespace gradus::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const std::string program = build_folder() + "/bin/course";

const std::string half_open =
    "// 1.1  Half of a number.\n#include \"course.h\"\n\n"
    "double half(double x) {\n  // TODO: half of x.\n  course::todo(\"half of x\");\n}\n";

std::string half_of(const std::string& body) {
  return "// 1.1  Half of a number.\n#include \"course.h\"\n\ndouble half(double x) { " + body +
         " }\n";
}

/// Two exercises, the first with three wrong solutions.
struct Course : TemporaryFolder {
  Course() {
    const auto write = [&](const std::string& name, const std::string& text) {
      fs::create_directories((path() / name).parent_path());
      write_text(path() / name, text);
    };
    write("1-halves/01-half.cpp", half_open);
    write("1-halves/01-half.test.cpp",
          "// limit: 1\n#include COURSE_FILE\nint main() {\n  return course::run([] {\n"
          "    if (half(4) == 8) course::fail(\"half(4) is 8.\", \"That is twice.\");\n"
          "    course::same(\"half(4)\", half(4), 2.0, \"Divide by two.\");\n  });\n}\n");
    write("1-halves/01-half.hint.md", "Multiplying by 0.5 is the same.\n");
    write("solutions/1-halves/01-half.cpp", half_of("return x / 2;"));
    write("wrong/1-halves/01-half-1.cpp", "// expect: That is twice\n" + half_of("return 2 * x;"));
    write("wrong/1-halves/01-half-2.cpp", "// expect: Divide by two\n" + half_of("return x;"));
    write("wrong/1-halves/01-half-3.cpp", "// expect: is nan\n" + half_of("return x * NAN;"));
    write("1-halves/02-tensor.cpp",
          "// 1.2  A tensor.\n#include \"course.h\"\ngradus::Tensor made() {\n"
          "  // TODO\n  course::todo(\"a tensor\");\n}\n");
    write("1-halves/02-tensor.test.cpp",
          "#include COURSE_FILE\nusing namespace gradus;\nint main() {\n  return course::run([] {\n"
          "    course::same(\"it\", made(), tensor({1.0, 2.0}));\n  });\n}\n");
    write("1-halves/README.md", "# 1. Halves\n");
  }
  fs::path mine(const std::string& name = "01-half.cpp") const {
    return path() / "mine/1-halves" / name;
  }
  std::string options() const {
    return " --course '" + path().string() + "' --dir '" + (path() / "mine").string() + "' ";
  }
  Outcome run(const std::string& arguments) const {
    return gradus::test::run(program + options() + arguments);
  }
  /// What is said of this text in the place of the first exercise.
  Outcome say_of(const std::string& text) const {
    fs::create_directories(mine().parent_path());
    write_text(mine(), text);
    return run("check 1.1");
  }
};

/// bin/course on a terminal of 80 by 24.
struct Watching : TerminalProcess {
  explicit Watching(const Course& course, const std::vector<std::string>& more = {})
      : TerminalProcess(command(course, more), course.path().string(), 80, 24) {}

  static std::vector<std::string> command(const Course& course,
                                          const std::vector<std::string>& more) {
    std::vector<std::string> words = {program, "--course", course.path().string(), "--dir",
                                      (course.path() / "mine").string()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::string text() {
    std::string text;
    for (const std::string& row : screen().rows()) text += row + "\n";
    return text;
  }
  /// True once these words are on the screen, with the keys below them.
  bool shows(const std::string& words) {
    const auto is_there = [&](const Screen&) {
      return contains(text(), words) && contains(text(), "q quit");
    };
    return is_there(screen()) || watch(is_there);
  }
};

}  // namespace

TEST_CASE("course: what is said of right, unfinished and wrong code") {
  const Course course;
  CHECK(course.run("check 1.1").out == "Not done yet: half of x.\n");
  CHECK(course.say_of(half_of("return x / 2;")).out == "passed\n");
  const Outcome twice = course.say_of(half_of("return 2 * x;"));
  CHECK(twice.status == 1);
  CHECK(twice.out == "half(4) is 8.\nThat is twice.\n");
  CHECK(course.say_of(half_of("return x / 3;")).out ==
        "half(4) is 1.33333, expected 2.\nDivide by two.\n");
}

TEST_CASE("course: code that does not compile, loops, crashes, throws or exits gets a message") {
  const Course course;
  const Outcome broken = course.say_of(half_of("return y;"));
  CHECK(broken.status == 1);
  CHECK(contains(broken.out, "01-half.cpp:4:32: error: "));
  CHECK_FALSE(contains(broken.out, course.path().string()));
  CHECK(contains(course.say_of(half_of("for (volatile int i = 0;;) i = i + 1;")).out,
                 "It ran for more than 1 seconds and was stopped: an endless loop?"));
  CHECK(contains(course.say_of(half_of("return *static_cast<volatile double*>(nullptr) + x;")).out,
                 "Your code crashed: Segmentation fault.\nUsually "));
  CHECK(contains(course.say_of(half_of("return gradus::zeros({2}).item() + x;")).out,
                 "An operation refused its arguments:\n["));
  CHECK(contains(course.say_of(half_of("throw std::runtime_error(\"no\"); return x;")).out,
                 "An exception ended the test: no"));
  CHECK(contains(course.say_of(half_of("std::exit(0); return x;")).out,
                 "The program ended by itself, with status 0, before the test had finished."));
  CHECK(contains(course.say_of(" \n").out, "The file is empty."));
  CHECK(contains(
      course.say_of(half_of("std::vector<double> all(size_t{1} << 33, x); return all[7];")).out,
      "An exception ended the test: std::bad_alloc"));
}

TEST_CASE("course: tensors that are undefined, or of another type, shape or with NaN") {
  const Course course;
  const auto say_of = [&](const std::string& made) {
    fs::create_directories(course.mine().parent_path());
    write_text(course.mine("02-tensor.cpp"),
               "#include \"course.h\"\ngradus::Tensor made() { return " + made + "; }\n");
    return course.run("check 1.2").out;
  };
  CHECK(say_of("gradus::tensor({1.0, 2.0})") == "passed\n");
  CHECK(contains(say_of("{}"), "it is an undefined tensor."));
  CHECK(contains(say_of("gradus::tensor({1.0f, 2.0f})"),
                 "it has the type float32, expected float64."));
  CHECK(contains(say_of("gradus::tensor({1.0, 2.0, 3.0})"), "it has the shape [3], expected [2]."));
  CHECK(contains(say_of("gradus::tensor({1.0, std::nan(\"\")})"),
                 "it is wrong in 1 of 2 elements. At [1] it is nan, expected 2."));
}

TEST_CASE("course: verify notes what is done, and gives marks as JSON") {
  const Course course;
  (void)course.say_of(half_of("return x / 2;"));
  const Outcome outcome = course.run("verify --json");
  CHECK(outcome.status == 1);
  const json marks = json::parse(outcome.out);
  CHECK(marks.at("passed") == 1);
  CHECK(marks.at("exercises") == 2);
  CHECK(marks.at("results")[0].at("outcome") == "passed");
  CHECK(marks.at("results")[1].at("message") == "Not done yet: a tensor.\n");
  CHECK(json::parse(read_text(course.path() / "mine/progress.json")).at("done") == json{"1.1"});
  CHECK(contains(course.run("verify").out, "1 of 2 passed"));
}

TEST_CASE("course: the files of the student stay") {
  const Course course;
  (void)course.say_of(half_of("return 17;"));
  (void)course.run("verify");
  CHECK(read_text(course.mine()) == half_of("return 17;"));
  write_text(course.path() / "mine/progress.json", "{");
  CHECK(contains(course.run("verify").err, "progress.json is damaged. Hint: remove it"));
}

TEST_CASE("course: the code of a text is compiled and run, with changes of the student") {
  const Course course;
  write_text(course.path() / "1-halves/README.md",
             "# 1. Halves\n\n```cpp\n#include <iostream>\n```\n\nThen:\n\n```cpp\n"
             "int main() {\n  std::cout << 42 / 2 << '\\n';\n}\n```\n\n```sh\nexit 3\n```\n");
  CHECK(course.run("run 1").out == "21\n");
  write_text(course.mine("README.md"), "```cpp\nint main() { return x; }\n```\n");
  const Outcome outcome = course.run("run 1");
  CHECK(outcome.status == 1);
  CHECK_MESSAGE(contains(outcome.out, "README.md.cpp:2:"), outcome.out, outcome.err);
}

TEST_CASE("course: names that do not exist, and a folder without a course") {
  const Course course;
  CHECK(contains(course.run("check 1.3").err, "[course] there is no exercise \"1.3\". Hint: "));
  CHECK(contains(gradus::test::run(program + " --course /nowhere list").err,
                 "there are no exercises in '/nowhere'"));
  CHECK(contains(gradus::test::run(program + course.options() + "< /dev/null").err,
                 "standard input is not a terminal"));
}

TEST_CASE("course: the audit finds what is wrong with a course") {
  const Course course;
  const auto audit = [&] { return course.run("audit").out; };
  // The second exercise has no solution, hint or wrong ones.
  const std::string said = audit();
  CHECK(contains(said, "02-tensor.cpp: the solution fails: [course] there is no file"));
  CHECK(contains(said, "02-tensor.cpp: no hint"));
  CHECK(contains(said, "02-tensor.cpp: fewer than three wrong solutions"));
  CHECK_FALSE(contains(said, "01-half"));
  write_text(course.path() / "wrong/1-halves/01-half-1.cpp", half_of("return x / 2;"));
  write_text(course.path() / "wrong/1-halves/01-half-2.cpp",
             "// expect: no such words\n" + half_of("return x;"));
  write_text(course.path() / "1-halves/01-half.cpp", half_of("return x / 2;"));
  const std::string worse = audit();
  CHECK(contains(worse, "01-half-1.cpp: it is wrong, but passes"));
  CHECK(contains(worse, "01-half-1.cpp: it has no line \"// expect: WORDS\""));
  CHECK(contains(worse, "01-half-2.cpp: its message lacks \"no such words\""));
  CHECK(contains(worse, "01-half.cpp: as it is given it must fail with a message"));
}

TEST_CASE("course: on a terminal, saving tests, and keys do the rest") {
  for (const bool poll : {false, true}) {
    CAPTURE(poll);
    const Course course;
    Watching watching(course,
                      poll ? std::vector<std::string>{"--poll"} : std::vector<std::string>{});
    REQUIRE_MESSAGE(watching.shows("Not done yet: half of x."), watching.text());
    watching.type("s");
    CHECK_MESSAGE(watching.shows("The solution can be seen once"), watching.text());
    watching.type("h");
    CHECK_MESSAGE(watching.shows("Multiplying by 0.5"), watching.text());
    write_text(course.mine(), half_of("return 2 * x;"));
    CHECK_MESSAGE(watching.shows("That is twice."), watching.text());
    // As an editor saves: a new file takes the place of the old one.
    write_text(course.mine("new"), half_of("for (volatile int i = 0;;) i = i + 1;"));
    fs::rename(course.mine("new"), course.mine());
    CHECK_MESSAGE(watching.shows("an endless loop?"), watching.text());
    write_text(course.mine(), half_of("return x / 2;"));
    CHECK_MESSAGE(watching.shows("Passed."), watching.text());
    CHECK(contains(watching.text(), "1/2 done"));
    watching.type("s");
    CHECK_MESSAGE(watching.shows("return x / 2;"), watching.text());
    fs::remove(course.mine());  // as editors do for a moment
    CHECK_MESSAGE(watching.shows("there is no file"), watching.text());
    write_text(course.mine(), half_of("return x / 2;"));
    CHECK_MESSAGE(watching.shows("Passed."), watching.text());
    watching.type("n");
    CHECK_MESSAGE(watching.shows("Not done yet: a tensor."), watching.text());
    watching.type("l");
    REQUIRE_MESSAGE(watching.watch([&](const Screen&) {
      return contains(watching.text(), " x 1.1  Half of a number\n>. 1.2  A tensor\n") &&
             contains(watching.text(), "Which one");
    }),
                    watching.text());
    watching.type("1.1\n");
    CHECK_MESSAGE(watching.shows("Passed."), watching.text());
    watching.type("r");
    REQUIRE_MESSAGE(watching.shows("(y: yes)"), watching.text());
    watching.type("y");
    CHECK_MESSAGE(watching.shows("Not done yet: half of x."), watching.text());
    CHECK(read_text(course.mine()) == half_open);
    CHECK(read_text(course.mine("01-half.cpp.before")) == half_of("return x / 2;"));
    watching.type("q");
    watching.watch([](const Screen&) { return false; });
    CHECK(watching.wait() == 0);
    CHECK(watching.is_as_usual());
  }
}

TEST_CASE("course: it goes on where the student was, and Ctrl-C gives the terminal back") {
  const Course course;
  write_text(course.path() / "none", "");
  (void)course.run("verify");
  write_text(course.path() / "mine/progress.json", R"({"current": "1.2", "done": ["1.1"]})");
  Watching watching(course);
  CHECK_MESSAGE(watching.shows("Not done yet: a tensor."), watching.text());
  watching.type("\x03");
  watching.watch([](const Screen&) { return false; });
  CHECK(watching.wait() == 128 + SIGINT);
  CHECK(watching.is_as_usual());
}
