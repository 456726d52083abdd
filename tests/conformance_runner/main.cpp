// Runs folders of conformance cases (tests/conformance/README.md) against the library.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "../../core/base/error.h"
#include "report.h"
#include "runner.h"

using namespace gradus::conformance;

int main(int argc, char** argv) {
  CLI::App app("Compares the library with results computed elsewhere.");
  std::vector<std::string> folders;
  RunOptions options;
  bool allow_unsupported = false, as_json = false, verbose = false;
  app.add_option("DIR", folders, "folders of cases, as tests/conformance/README.md describes them")
      ->required();
  app.add_option("--groups", options.groups, "run these groups only, separated by commas")
      ->delimiter(',');
  app.add_flag("--allow-unsupported", allow_unsupported,
               "end well where cases need what the library does not have");
  app.add_flag("--json", as_json, "write the report as JSON");
  app.add_flag("--verbose", verbose, "name every unsupported case and show every failure in full");
  CLI11_PARSE(app, argc, argv);

  try {
    const Report report = run_folders({folders.begin(), folders.end()}, options);
    if (as_json) {
      std::cout << to_json(report).dump(1) << '\n';
    } else {
      print(std::cout, report, verbose);
    }
    return succeeded(report, allow_unsupported) ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
