// A guided tour along the tape: what is recorded, how it is replayed, how gradients get gradients,
// and how all of that is checked. Read the pages next to their source: the function and the
// chapters are in pages.cpp, the formulas in rules.cpp.
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

#include "pages.h"
#include "screen.h"

namespace {

constexpr const char* help = R"(A guided tour along the tape, entry by entry, with all values.

Usage: tape_tour [--all]

On a terminal, keys step through it: space, enter, n or → for the next page,
b, p or ← for the one before, 1 to 5 for a chapter, q to quit.

  --all     prints all pages; so does a run whose input or output is not a
            terminal
  --help    prints this
)";

void print_all(const std::vector<tour::Page>& pages) {
  int chapter = 0;
  for (const tour::Page& page : pages) {
    std::cout << (chapter == 0 ? "" : "\n") << (page.chapter == chapter ? "-- " : "== ")
              << page.chapter << ". " << page.title << "\n\n";
    chapter = page.chapter;
    for (const std::string& line : page.lines) {
      std::cout << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
    }
  }
}

int run(int argc, char** argv) {
  bool all = !tour::is_interactive();
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      std::cout << help;
      return 0;
    }
    if (argument != "--all") {
      std::cerr << "tape_tour: there is no argument \"" << argument
                << "\". Hint: tape_tour --help says what there is\n";
      return 1;
    }
    all = true;
  }
  const auto pages = tour::all_pages();
  if (!all) return tour::step_through(pages);
  print_all(pages);
  if (std::cout.flush()) return 0;
  std::cerr
      << "tape_tour: standard output could not be written. Hint: check what it goes to: a full "
         "disk, a closed pipe\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "tape_tour: " << error.what() << '\n';
    return 1;
  }
}
