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

TrainFigures measure(const TrainOptions& options, Trainee& trainee) {
  TrainFigures figures;
  // They also warm up. Ten of the usual batches tell whether two programs learn the same.
  const auto first_steps = std::clamp(static_cast<int>(640 / options.batch_size), 1, 10);
  for (int i = 0; i < first_steps; ++i) {
    figures.first_loss += trainee.train_step() / first_steps;
    if (i > 0) continue;
    const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    figures.first_step_seconds =
        options.started_at > 0 ? now.count() - options.started_at : seconds_since_start();
  }
  figures.train_seconds = median_seconds(0.6 * options.seconds, [&] { trainee.train_step(); });
  figures.infer_seconds =
      median_seconds(0.25 * options.seconds, [&] { trainee.infer(options.batch_size); });
  figures.peak_rss_mib = peak_rss_mib();
  figures.infer_one_seconds = median_seconds(0.15 * options.seconds, [&] { trainee.infer(1); });
  return figures;
}

void run(const TrainOptions& options, const TrainBackend& backend) {
  const std::unique_ptr<Trainee> trainee = backend.make_trainee(options);
  TrainFigures figures = measure(options, *trainee);
  const auto images = static_cast<double>(options.batch_size);
  const double train = images / figures.train_seconds, infer = images / figures.infer_seconds;
  std::cout << backend.name << ", " << options.net << " (" << trainee->parameter_count()
            << " parameters), batch " << options.batch_size << ", " << options.threads
            << " threads: training " << std::lround(train) << " images/s, inference "
            << std::lround(infer) << " images/s, of one image " << 1e6 * figures.infer_one_seconds
            << " us, first step after " << std::lround(1e3 * figures.first_step_seconds)
            << " ms, peak memory " << std::lround(figures.peak_rss_mib)
            << " MiB, loss of the first steps " << figures.first_loss << '\n';
  if (backend.report != nullptr) backend.report(options, *trainee, figures);
  if (!options.json) return;
  const nlohmann::ordered_json result = {
      {"net", options.net},
      {"batch_size", options.batch_size},
      {"threads", options.threads},
      {"instruction_set", figures.instruction_set},
      {"parameters", trainee->parameter_count()},
      {"first_loss", figures.first_loss},
      {"train_images_per_second", train},
      {"infer_images_per_second", infer},
      {"infer_one_seconds", figures.infer_one_seconds},
      {"train_limit_share", figures.train_limit_seconds / figures.train_seconds},
      {"infer_limit_share", figures.infer_limit_seconds / figures.infer_seconds},
      {"infer_one_limit_share", figures.infer_one_limit_seconds / figures.infer_one_seconds},
      {"peak_rss_mib", figures.peak_rss_mib},
      {"first_step_seconds", figures.first_step_seconds}};
  std::cout << result.dump() << std::endl;
}

void add_options(CLI::App& app, TrainOptions& o) {
  app.add_option("--net", o.net)->check(CLI::IsMember(net_names()))->capture_default_str();
  app.add_option("--width", o.size.width, "of basic and norm-*: factor of all channels")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--depth", o.size.depth, "of basic and norm-*: number of last convolutions")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--batch-size", o.batch_size)->check(CLI::Range(1, 65'536))->capture_default_str();
  app.add_option("--threads", o.threads)->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--seconds", o.seconds, "of measuring")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--started-at", o.started_at,
                 "$EPOCHREALTIME right before the start, to know the first step's time to less "
                 "than 10 ms")
      ->check(CLI::PositiveNumber);
  app.add_flag("--channels-last", o.channels_last, "of PyTorch: images as [N, H, W, C] in memory");
  app.add_flag("--json", o.json, "the last line is an object with the results");
}

/// The parts of all nets as one object, for peers that are not programs of this library.
void print_nets() {
  nlohmann::ordered_json nets = nlohmann::ordered_json::object();
  for (const std::string& name : net_names()) {
    for (const auto& [part, layers] : net_case(name).parts) {
      nets[name][part] = nlohmann::ordered_json::parse(layers);
    }
  }
  std::cout << nets.dump() << '\n';
}

}  // namespace

int run_train_program(int argc, char** argv, const TrainBackend& backend) {
  CLI::App app("Images per second in training and inference, in memory, on random images.");
  TrainOptions options;
  options.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  bool wants_nets = false;
  add_options(app, options);
  app.add_flag("--print-nets", wants_nets, "print the layers of all nets as JSON, and end");
  CLI11_PARSE(app, argc, argv);
  try {
    if (wants_nets) {
      print_nets();
    } else {
      run(options, backend);
    }
  } catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return 1;
  }
  return 0;
}

}  // namespace gradus::bench
