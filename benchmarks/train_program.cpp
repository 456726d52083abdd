#include "train_program.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "measure.h"
#include "process.h"

namespace gradus::bench {

namespace {

TrainFigures measure(const TrainOptions& options, const TrainBackend& backend,
                     std::unique_ptr<Trainee>& trainee) {
  TrainFigures figures;
  trainee = backend.make_trainee(options);
  trainee->train_step();
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  figures.first_step_seconds =
      options.started_at > 0 ? now.count() - options.started_at : seconds_since_start();
  figures.train_seconds = median_seconds(0.7 * options.seconds, [&] { trainee->train_step(); });
  figures.infer_seconds = median_seconds(0.3 * options.seconds, [&] { trainee->infer_step(); });
  figures.peak_rss_mib = peak_rss_mib();
  return figures;
}

void run(const TrainOptions& options, const TrainBackend& backend) {
  std::unique_ptr<Trainee> trainee;
  const TrainFigures figures = measure(options, backend, trainee);
  const auto images = static_cast<double>(options.batch_size);
  const double train = images / figures.train_seconds, infer = images / figures.infer_seconds;
  std::cout << backend.name << ", " << options.net << ", batch " << options.batch_size << ", "
            << options.threads << " threads: training " << std::lround(train)
            << " images/s, inference " << std::lround(infer) << " images/s, first step after "
            << std::lround(1e3 * figures.first_step_seconds) << " ms, peak memory "
            << std::lround(figures.peak_rss_mib) << " MiB\n";
  trainee->report(std::cout, figures);
  if (!options.json) return;
  const nlohmann::ordered_json result = {{"net", options.net},
                                         {"batch_size", options.batch_size},
                                         {"threads", options.threads},
                                         {"train_images_per_second", train},
                                         {"infer_images_per_second", infer},
                                         {"peak_rss_mib", figures.peak_rss_mib},
                                         {"first_step_seconds", figures.first_step_seconds}};
  std::cout << result.dump() << std::endl;
}

void add_options(CLI::App& app, TrainOptions& o) {
  std::vector<std::string> names;
  for (const NetCase& net : net_cases()) names.push_back(net.name);
  app.add_option("--net", o.net)->check(CLI::IsMember(names))->capture_default_str();
  app.add_option("--batch-size", o.batch_size)->check(CLI::Range(1, 65'536))->capture_default_str();
  app.add_option("--threads", o.threads)->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--seconds", o.seconds, "of measuring")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--started-at", o.started_at,
                 "$EPOCHREALTIME right before the start, to know the first step's time to less "
                 "than 10 ms")
      ->check(CLI::PositiveNumber);
  app.add_flag("--json", o.json, "the last line is an object with the results");
}

}  // namespace

int run_train_program(int argc, char** argv, const TrainBackend& backend) {
  CLI::App app("Images per second in training and inference, in memory, on random images.");
  TrainOptions options;
  options.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  add_options(app, options);
  CLI11_PARSE(app, argc, argv);
  try {
    run(options, backend);
  } catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return 1;
  }
  return 0;
}

}  // namespace gradus::bench
