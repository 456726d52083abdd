#include "layer_program.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <regex>
#include <thread>

#include "measure.h"

namespace gradus::bench {

namespace {

struct Options {
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  double seconds = 0.3;
  std::string filter;
  bool json = false;
};

void measure_layers(const Options& options, const LayerBackend& backend) {
  backend.set_threads(options.threads);
  std::printf("%s, %d threads, forward + backward\n", backend.name, options.threads);
  const std::regex filter(options.filter);
  nlohmann::ordered_json results = nlohmann::ordered_json::object();
  for (const LayerCase& layer : layer_cases()) {
    const std::string name = layer.name();
    if (!std::regex_search(name, filter)) continue;
    const std::function<void()> step = backend.make_step(layer);
    if (!step) continue;
    const double milliseconds = 1e3 * median_seconds(options.seconds, step);
    std::printf("%-44s %9.4f ms", name.c_str(), milliseconds);
    results[name]["ms"] = milliseconds;
    if (backend.limit != nullptr) {
      const double share = 1e3 * backend.limit(layer) / milliseconds;
      std::printf("  %4.0f %% of what the machine can do", 100 * share);
      results[name]["limit_share"] = share;
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  if (options.json) std::printf("%s\n", results.dump().c_str());
}

}  // namespace

int run_layer_program(int argc, char** argv, const LayerBackend& backend) {
  CLI::App app("Forward and backward time of single layers.");
  Options options;
  app.add_option("--threads", options.threads)->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--seconds", options.seconds, "for each layer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--filter", options.filter, "only names that match this regular expression");
  app.add_flag("--json", options.json, "the last line is an object with the results");
  CLI11_PARSE(app, argc, argv);
  try {
    measure_layers(options, backend);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
  return 0;
}

}  // namespace gradus::bench
