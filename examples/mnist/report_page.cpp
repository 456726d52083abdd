#include "report_page.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <functional>

#include "../report/html.h"

namespace gradus::examples {

using nlohmann::json;
using report::Curve;
using report::Figure;
using training::Standing;

namespace {

constexpr size_t many_points = 400;

/// A text of the configuration; empty if it does not say.
std::string setting(const RunFiles& run, const char* key) {
  const json value = run.config.value(key, json());
  return value.is_string() ? value.get<std::string>() : "";
}

/// What net, data and results are, in two sentences.
std::string lead_of(const RunFiles& run) {
  const std::string model = setting(run, "model"), data = setting(run, "dataset");
  std::string text = model.empty() ? "A net" : model;
  if (run.net) {
    text += str(" with ", report::number(static_cast<double>(run.net->parameter_count())),
                " parameters");
  }
  if (!data.empty()) text += str(", trained on ", data);
  if (run.epochs.empty()) return text + ". No epoch has ended yet.";
  const size_t last = run.epochs.size() - 1;
  text += str(", after ", run.epochs.size());
  if (run.epochs_in_all() > 0) text += str(" of ", run.epochs_in_all());
  text += run.epochs.size() == 1 && run.epochs_in_all() <= 1 ? " epoch" : " epochs";
  if (const auto accuracy = run.of_epoch(last, "test_accuracy")) {
    text += str(": **", fixed(100 * *accuracy, 2), " %** of the test set right");
  }
  return text + ".";
}

std::string notice_of(const RunFiles& run) {
  const std::string how = run.news.text.empty() ? "" : " " + run.news.text;
  const int64_t step = run.steps.ranges().empty() ? 0 : run.steps.ranges().back().last;
  std::vector<std::string> sentences;
  if (run.news.standing == Standing::stopped) {
    const std::string command = "mnist train --resume " + shell_word(run.path.string());
    sentences.push_back(
        str("The run was stopped", how, " after step ", step,
            setting(run, "model").empty() ? "." : str("; `", command, "` continues it.")));
  }
  if (run.news.standing == Standing::failed) {
    sentences.push_back(str("The run ended with an error after step ", step, ":", how));
  }
  for (const std::string& problem : run.problems) sentences.push_back(problem + " and left out.");
  return joined(sentences, " ");
}

/// Where the lowest value of a curve is: "1.7 %, after epoch 3".
std::string lowest(const Curve& curve) {
  const auto least = std::ranges::min_element(curve.y, [](double a, double b) {
    return std::isnan(b) ? !std::isnan(a) : a < b;  // NaN last
  });
  if (least == curve.y.end() || std::isnan(*least)) return {};
  const auto epoch = curve.x[static_cast<size_t>(least - curve.y.begin())];
  return str(report::number(*least), " %, after epoch ", epoch);
}

bool has_points(const Curve& curve) {
  return std::ranges::any_of(curve.y, [](double y) { return std::isfinite(y); });
}

/// A value that a logarithmic axis cannot show.
bool has_zero(const report::Series& series) {
  return std::ranges::any_of(series.curve.y, [](double y) { return y <= 0; });
}

void add_curves(report::Section& first, const RunFiles& run) {
  Figure figure{.id = "curves", .title = "Loss and error"};
  figure.x.label = run.steps_per_epoch() ? "epoch" : "step";
  report::Chart loss{.title = "Loss", .y = {.label = "cross entropy", .log = true}};
  report::Chart error{.title = "Error", .y = {.label = "% of images wrong", .log = true}};
  const Curve steps = step_curve(run, "loss", many_points, true);
  if (has_points(steps)) loss.line("train", steps);
  figure.see =
      "Train: while the net was learning; the loss as means of some steps, in a band of their "
      "range, "
      "the error as the mean of each epoch.";
  for (const std::string kind : {"train", "validation", "test"}) {
    const Curve errors = error_curve(run, kind + "_accuracy");
    const Curve losses = epoch_curve(run, kind + "_loss");
    if (has_points(losses) && kind != "train") loss.line(kind, losses);
    if (has_points(errors)) error.line(kind, errors);
    if (kind == "validation" && has_points(errors)) {
      figure.see += str(" The validation error is lowest, ", lowest(errors), ".");
    }
  }
  error.y.log = std::ranges::none_of(error.series, has_zero);
  for (report::Chart& chart : {std::ref(loss), std::ref(error)}) {
    if (!chart.series.empty()) figure.add(std::move(chart));
  }
  if (!figure.panels.empty()) first.figures.push_back(std::move(figure));

  Figure pace{.id = "pace", .title = "Learning rate and speed"};
  pace.x.label = run.steps_per_epoch() ? "epoch" : "step";
  pace.see = "The learning rate of each step, and the images trained on per second in each epoch.";
  if (const Curve rate = step_curve(run, "lr", many_points); !rate.x.empty()) {
    pace.chart("Learning rate", {}, {.label = "learning rate"}).line("learning rate", rate);
  }
  if (const Curve speed = epoch_curve(run, "images_per_second"); has_points(speed)) {
    const double highest = *std::ranges::max_element(speed.y);
    pace.chart("Speed", {}, {.label = "images per second", .from = 0, .to = 1.1 * highest})
        .line("speed", speed);
  }
  if (!pace.panels.empty()) first.figures.push_back(std::move(pace));
}

void add_configuration(report::Page& page, const RunFiles& run) {
  report::Section& section = page.section("configuration", "Configuration");
  Figure& options = section.figure("options", "Options");
  options.see = "`config.json`: what the run was started with, and what its data were.";
  auto& table = options.add(report::Table{.columns = {"option", "value"}});
  for (const auto& [key, value] : run.config.items()) {
    if (!value.is_null() && value != "") table.rows.push_back({{key}, {setting_text(value)}});
  }
  if (run.starts.empty()) return;
  Figure& processes = section.figure("processes", "Processes");
  processes.see = run.starts.size() == 1
                      ? "One process trained from beginning to end."
                      : str(run.starts.size(), " processes trained, one after the other.");
  auto& rows = processes.add(report::Table{.columns = {"from step", "at", "on", "gradus", "git"}});
  for (const json& start : run.starts) {
    std::string git;
    if (const json state = start.value("git", json()); state.is_object()) {
      git = str(state.value("commit", "").substr(0, 12), " (", state.value("branch", ""), ")",
                state.value("changed", false) ? ", with changes" : "");
    }
    const int64_t threads = start.value("threads", int64_t{0});
    rows.rows.push_back(
        {{setting_text(start.value("step", json()))},
         {start.value("time", "")},
         {str(start.value("processor", ""), ", ", start.value("instruction_set", ""), ", ", threads,
              threads == 1 ? " thread" : " threads")},
         {start.value("gradus", "")},
         {git}});
  }
}

/// "14 s", "2.5 min", "3.1 h".
std::string duration_text(double seconds) {
  if (seconds < 100) return fixed(seconds, seconds < 10 ? 1 : 0) + " s";
  if (seconds < 6000) return fixed(seconds / 60, 1) + " min";
  return fixed(seconds / 3600, 1) + " h";
}

void add_facts(report::Page& page, const RunFiles& run) {
  const auto fact = [&](const char* name, const std::string& text) {
    if (!text.empty()) page.facts.emplace_back(name, text);
  };
  double seconds = 0;
  for (size_t e = 0; e < run.epochs.size(); ++e) seconds += run.of_epoch(e, "seconds").value_or(0);
  fact("Folder", run.path.string());
  if (seconds > 0) fact("Training time", duration_text(seconds));
  if (!run.layers.empty()) {
    const double memory = run.layers.back().value("peak_memory_mib", 0.0);
    if (memory > 0) fact("Peak memory", report::number(memory) + " MiB");
  }
  if (!run.starts.empty()) {
    const json& start = run.starts.back();
    fact("Processor", start.value("processor", ""));
    fact("Threads", str(start.value("threads", 0)));
    fact("Gradus", start.value("gradus", ""));
    fact("Begun", run.starts.front().value("time", ""));
  }
}

}  // namespace

Curve step_curve(const RunFiles& run, const std::string& value, size_t most_points,
                 bool with_range) {
  Curve curve;
  const double scale = run.steps_per_epoch().value_or(1);
  const training::StepLog thinned = run.steps.thinned(most_points);
  for (const training::StepRange& range : thinned.ranges()) {
    const auto found = std::ranges::find(range.values, value, &training::StepValue::name);
    if (found == range.values.end()) continue;
    curve.x.push_back(static_cast<double>(range.first + range.last) / 2 / scale);
    curve.y.push_back(found->mean);
    if (!with_range) continue;
    curve.low.push_back(found->min);
    curve.high.push_back(found->max);
  }
  return curve;
}

Curve epoch_curve(const RunFiles& run, const std::string& value, double factor) {
  Curve curve;
  for (size_t e = 0; e < run.epochs.size(); ++e) {
    curve.x.push_back(run.of_epoch(e, "epoch").value_or(static_cast<double>(e + 1)));
    curve.y.push_back(factor * run.of_epoch(e, value).value_or(missing));
  }
  return curve;
}

Curve error_curve(const RunFiles& run, const std::string& accuracy) {
  Curve curve = epoch_curve(run, accuracy);
  for (double& y : curve.y) y = 100 * (1 - y);
  return curve;
}

std::string setting_text(const json& value) {
  if (value.is_null()) return "–";
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  std::string shorter;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.size(), text.find_first_not_of("0123456789abcdef", begin));
    constexpr size_t digest = 64, shown = 8;  // of digests, the beginning is enough
    shorter +=
        end - begin == digest ? text.substr(begin, shown) + "…" : text.substr(begin, end - begin);
    if (end < text.size()) shorter += text[end];
    begin = end + 1;
  }
  return shorter;
}

report::Page report_page(RunFiles run, int64_t now) {
  report::Page page{.title = run.name};
  page.lists_figures = true;
  if (run.news.standing == Standing::running) page.live = report::Live{.written = now};
  // What is not as expected in a file leaves out what is made of it.
  const auto attempt = [&](const char* file, const std::function<void()>& add) {
    const size_t sections = page.sections.size(), figures = page.first.figures.size();
    try {
      add();
    } catch (const json::exception&) {
      while (page.sections.size() > sections) page.sections.pop_back();
      while (page.first.figures.size() > figures) page.first.figures.pop_back();
      run.problems.push_back(str(file, " is damaged"));
    }
  };
  attempt("processes.jsonl", [&] { add_facts(page, run); });
  attempt("layers.jsonl", [&] {
    const std::string dead = dead_units_text(run);
    if (!dead.empty()) page.first.text = dead + " See [dead units](#dead-units).";
  });
  attempt("metrics.jsonl", [&] { add_curves(page.first, run); });
  add_answers(page, run);
  attempt("layers.jsonl", [&] { add_net(page, run); });
  attempt("layers.jsonl", [&] { add_layers(page, run); });
  attempt("processes.jsonl", [&] { add_configuration(page, run); });
  std::ranges::sort(run.problems);
  run.problems.erase(std::unique(run.problems.begin(), run.problems.end()), run.problems.end());
  page.lead = lead_of(run);
  page.notice = notice_of(run);
  return page;
}

std::filesystem::path write_report(const std::filesystem::path& run, const training::News& news) {
  write_status(run, news);
  RunFiles files = read_run(run);
  files.news = news;
  std::filesystem::path path = run / "report.html";
  report::write_html(report_page(std::move(files), std::time(nullptr)), path);
  return path;
}

void report(const std::vector<std::string>& runs, const std::string& file) {
  std::vector<RunFiles> files;
  files.reserve(runs.size());
  for (const std::string& run : runs) {
    const auto is_same = [&](const RunFiles& other) {
      std::error_code error;
      return std::filesystem::equivalent(other.path, run, error);
    };
    if (std::ranges::none_of(files, is_same)) files.push_back(read_run(run));
  }
  const bool is_one = files.size() == 1;
  std::filesystem::path path = file;
  if (file.empty()) path = is_one ? files[0].path / "report.html" : "comparison.html";
  const report::Page page =
      is_one ? report_page(std::move(files[0]), std::time(nullptr)) : comparison_page(files);
  try {
    report::write_html(page, path);
  } catch (const IoError& error) {
    if (!file.empty()) throw;
    throw IoError(error.op(), error.detail(), "name another file: --out FILE");
  }
  training::Console().say("report", path.string());
}

}  // namespace gradus::examples
