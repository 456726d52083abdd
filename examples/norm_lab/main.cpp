// The normalization lab: what the papers say about batch, layer, instance and group norm, measured
// side by side. What an experiment is: experiment.h. Which there are: experiments.cpp.
#include <gradus/core/base/error.h>
#include <gradus/core/base/parallel_for.h>
#include <gradus/core/distributed/communicator.h>
#include <gradus/datasets/open_dataset.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <iostream>

#include "../report/html.h"
#include "../support/option_checks.h"
#include "../support/system.h"
#include "runner.h"
#include "summary.h"

namespace {

using namespace gradus;
using namespace gradus::lab;
using examples::not_empty;
using examples::one_of;
using examples::whole_number;
using training::Console;

/// What the command line says.
struct CommandLine {
  RunOptions run;
  std::vector<std::string> names;    // of experiments
  std::vector<std::string> folders;  // of results
  bool quick = false, json = false, png = false, csv = false;
  int threads = 0;
};

std::vector<std::string> experiment_names() {
  std::vector<std::string> names;
  for (const Experiment& experiment : experiments()) names.emplace_back(experiment.name);
  return names;
}

int list(const CommandLine& line) {
  json all = json::array();
  std::vector<std::vector<std::string>> rows;
  for (const Experiment& experiment : experiments()) {
    rows.push_back({experiment.name, experiment.title, experiment.paper});
    all.push_back(
        {{"name", experiment.name}, {"title", experiment.title}, {"paper", experiment.paper}});
  }
  std::cout << (line.json ? all.dump() + "\n" : aligned_table(rows, "lll"));
  return 0;
}

void write_report(const std::filesystem::path& folder, const CommandLine& line, Console& console) {
  const report::Page page = report_page(folder);
  report::write_html(page, folder / "report.html");
  console.say("report", (folder / "report.html").string());
  if (line.csv) report::write_csv(page, folder / "figures");
  const bool converted = !line.png || report::write_pictures(page, folder / "figures");
  if (!line.csv && !line.png) return;
  console.say("figures", str((folder / "figures").string(),
                             converted ? "" : ": as SVG alone, for lack of rsvg-convert"));
}

int run(CommandLine line) {
  Console console(line.json ? std::cerr : std::cout);
  require(!(line.quick && line.run.full), "norm_lab", "leave out one of them",
          "--quick and --full exclude each other");
  if (line.run.out.empty()) line.run.out = line.run.full ? "norm_lab-full" : "norm_lab-quick";
  examples::print_system(console);
  std::vector<const Experiment*> chosen;
  for (const std::string& name : line.names) {
    if (name != "all") chosen.push_back(&find_experiment(name));
  }
  if (chosen.size() < line.names.size()) {
    chosen.clear();
    for (const Experiment& experiment : experiments()) chosen.push_back(&experiment);
  }
  Runner runner(line.run, console);
  if (const int signal = runner.run(chosen); signal != 0) {
    console.say("stopped", str("by ", training::signal_name(signal),
                               "; the same command goes on where it was"));
    return 128 + signal;
  }
  write_summary(line.run.out);
  write_report(line.run.out, line, console);
  if (line.json) std::cout << summary(line.run.out).dump() << '\n';
  return 0;
}

int run(int argc, char** argv) {
  CommandLine line;
  CLI::App app("What normalization does, measured on small nets.", "norm_lab");
  app.formatter(std::make_shared<gradus::examples::HelpFormatter>());
  app.require_subcommand(1);
  CLI::App& list_command = *app.add_subcommand("list", "the experiments");
  CLI::App& run_command = *app.add_subcommand("run", "run experiments, and write their report");
  std::vector<std::string> names = experiment_names();
  names.emplace_back("all");
  run_command.add_option("NAME", line.names, "experiments, or all")
      ->required()
      ->check(one_of(names));
  run_command.add_flag("--quick", line.quick, "a preview of a few minutes; the default");
  run_command.add_flag("--full", line.run.full, "what verdicts on claims are made of");
  run_command.add_option("--data", line.run.data, "folder that holds the files of MNIST")
      ->check(not_empty());
  run_command
      .add_option("--dataset", line.run.dataset,
                  "auto, synthetic, mnist, fashion-mnist, kmnist ...")
      ->check(one_of(data::dataset_names()));
  run_command.add_option("--seeds", line.run.seeds, "of each measurement; default: 2, in full 6")
      ->check(whole_number(1, 1000));
  run_command
      .add_option("--out", line.run.out,
                  "folder for results; a run that is there goes on; default: "
                  "norm_lab-quick or norm_lab-full")
      ->check(not_empty());
  run_command.add_option("--threads", line.threads, "default: one per processor")
      ->check(whole_number(1, 1024));
  CLI::App& report_command =
      *app.add_subcommand("report", "write the report of results: report.html in their folder");
  report_command.add_option("DIR", line.folders, "folder of results")->required()->expected(1);
  report_command.add_flag("--png", line.png, "also each figure as SVG and PNG, for slides");
  report_command.add_flag("--csv", line.csv, "also the numbers of each figure");
  CLI::App& compare_command =
      *app.add_subcommand("compare", "the numbers of two folders whose intervals do not overlap");
  compare_command.add_option("DIR", line.folders, "two folders of results")
      ->required()
      ->expected(2);
  for (CLI::App* command : {&list_command, &run_command}) {
    command->add_flag("--json", line.json, "results as one line of JSON, alone on standard output");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error) == 0 ? 0 : 1;
    const std::string meant =
        examples::suggestion(app, std::vector<std::string>(argv + 1, argv + argc));
    if (status != 0 && !meant.empty()) std::cerr << meant << '\n';
    return status;
  }
  if (line.threads > 0) set_num_threads(line.threads);
  std::signal(SIGPIPE, SIG_IGN);
  if (list_command.parsed()) return list(line);
  if (run_command.parsed()) return run(line);
  if (compare_command.parsed()) {
    std::cout << comparison(line.folders[0], line.folders[1]);
    return 0;
  }
  Console console;
  write_report(line.folders[0], line, console);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int processes = gradus::distributed::launched_processes();
    gradus::require<gradus::Error>(processes <= 1, "norm_lab",
                                   "it runs as one, and --jobs uses the processors",
                                   "started as one of ", processes, " processes");
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "norm_lab: " << error.what() << '\n';
    return 1;
  }
}
