// Several runs side by side.
#include <gradus/core/base/text.h>
#include <gradus/train/progress.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "report_page.h"

namespace gradus::examples {

namespace {

using nlohmann::json;
using report::Curve;
using report::Figure;

/// Names of folders, or whole paths if two folders have the same name.
std::vector<std::string> names_of(const std::vector<RunFiles>& runs) {
  std::set<std::string> distinct;
  for (const RunFiles& run : runs) distinct.insert(run.name);
  std::vector<std::string> names;
  names.reserve(runs.size());
  for (const RunFiles& run : runs) {
    names.push_back(distinct.size() == runs.size() ? run.name : run.path.string());
  }
  return names;
}

/// The best and the last value of a curve, as "0.71, last 0.73".
std::string best_and_last(const Curve& curve) {
  double best = std::nan(""), last = std::nan("");
  for (const double y : curve.y) {
    if (!std::isfinite(y)) continue;
    best = std::isnan(best) ? y : std::min(best, y);
    last = y;
  }
  if (std::isnan(last)) return "–";
  if (best == last) return report::number(last);
  return str(report::number(best), ", last ", report::number(last));
}

void add_results(report::Section& first, const std::vector<RunFiles>& runs,
                 const std::vector<std::string>& names) {
  Figure& figure = first.figure("results", "Results");
  auto& table = figure.add(report::Table{.columns = {"run", "test error, %", "test loss",
                                                     "validation error, %", "train loss", "epochs",
                                                     "training time", "images/s", "parameters"}});
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < runs.size(); ++i) {
    const RunFiles& run = runs[i];
    double seconds = 0, images = 0;
    for (size_t e = 0; e < run.epochs.size(); ++e) {
      const double epoch = run.of_epoch(e, "seconds").value_or(0);
      seconds += epoch;
      images += epoch * run.of_epoch(e, "images_per_second").value_or(0);
    }
    const Curve errors = error_curve(run, "test_accuracy");
    if (!errors.y.empty() && errors.y.back() < least) {
      least = errors.y.back();
      figure.see = str("After the last epoch, **", names[i], "** has the lowest test error, ",
                       report::number(least),
                       " %. Best value of an epoch, and that of the last one "
                       "if it is another.");
    }
    table.rows.push_back(
        {{names[i]},
         {best_and_last(errors)},
         {best_and_last(epoch_curve(run, "test_loss"))},
         {best_and_last(error_curve(run, "validation_accuracy"))},
         {best_and_last(epoch_curve(run, "train_loss"))},
         {str(run.epochs.size(), run.epochs_in_all() > 0 ? str(" of ", run.epochs_in_all()) : "")},
         {training::clock_text(seconds)},
         {seconds > 0 && images > 0 ? report::number(images / seconds) : "–"},
         {run.net ? report::number(static_cast<double>(run.net->parameter_count())) : "–"}});
  }
  if (figure.see.empty()) figure.see = "No epoch has ended yet.";
}

void add_differences(report::Section& first, const std::vector<RunFiles>& runs,
                     const std::vector<std::string>& names) {
  Figure& figure = first.figure("differences", "Options that differ");
  report::Table table{.columns = names};
  table.columns.insert(table.columns.begin(), "option");
  std::set<std::string> keys;
  for (const RunFiles& run : runs) {
    for (const auto& [key, value] : run.config.items()) keys.insert(key);
  }
  for (const std::string& key : keys) {
    std::set<json> values;
    std::vector<report::Cell> row = {{key}};
    for (const RunFiles& run : runs) {
      const json value = run.config.value(key, json());
      values.insert(value);
      row.push_back({setting_text(value)});
    }
    if (values.size() > 1) table.rows.push_back(std::move(row));
  }
  figure.see = table.rows.empty() ? "All options are the same."
                                  : "All others, of those in `config.json`, are the same.";
  if (!table.rows.empty()) figure.add(std::move(table));
}

void add_curves(report::Section& first, const std::vector<RunFiles>& runs,
                const std::vector<std::string>& names) {
  const auto panel = [&](Figure& figure, const char* title, report::Axis y,
                         const std::function<Curve(const RunFiles&)>& curve_of) {
    report::Chart chart{.title = title, .y = std::move(y)};
    for (size_t i = 0; i < runs.size(); ++i) {
      Curve curve = curve_of(runs[i]);
      const bool shown = std::ranges::any_of(curve.y, [](double v) { return std::isfinite(v); });
      if (shown) chart.line(names[i], std::move(curve));
    }
    const auto has_zero = [](const report::Series& series) {
      return std::ranges::any_of(series.curve.y, [](double v) { return v <= 0; });
    };
    if (std::ranges::any_of(chart.series, has_zero)) chart.y.log = false;
    if (!chart.series.empty()) figure.add(std::move(chart));
  };
  Figure curves{.id = "curves", .title = "Curves"};
  curves.see = "Axes can be switched between linear and logarithmic, and runs hidden.";
  curves.x.label = "epoch";
  panel(curves, "Test error", {.label = "% of images wrong", .log = true},
        [](const RunFiles& run) { return error_curve(run, "test_accuracy"); });
  panel(curves, "Validation error", {.label = "% of images wrong", .log = true},
        [](const RunFiles& run) { return error_curve(run, "validation_accuracy"); });
  panel(curves, "Test loss", {.label = "cross entropy", .log = true},
        [](const RunFiles& run) { return epoch_curve(run, "test_loss"); });
  panel(curves, "Training loss, means of some steps", {.label = "cross entropy", .log = true},
        [](const RunFiles& run) { return step_curve(run, "loss", 80); });
  Figure pace{.id = "pace", .title = "Learning rate and speed"};
  pace.see = "The learning rate of each step, and the images trained on per second in each epoch.";
  pace.x.label = "epoch";
  panel(pace, "Learning rate", {.label = "learning rate"},
        [](const RunFiles& run) { return step_curve(run, "lr", 400); });
  panel(pace, "Speed", {.label = "images per second", .from = 0},
        [](const RunFiles& run) { return epoch_curve(run, "images_per_second"); });
  for (Figure& figure : {std::ref(curves), std::ref(pace)}) {
    if (!figure.panels.empty()) first.figures.push_back(std::move(figure));
  }
}

}  // namespace

report::Page comparison_page(const std::vector<RunFiles>& runs) {
  const std::vector<std::string> names = names_of(runs);
  report::Page page{.title = str(runs.size(), " runs"), .lead = joined(names)};
  page.lists_figures = true;
  add_results(page.first, runs, names);
  add_differences(page.first, runs, names);
  add_curves(page.first, runs, names);
  return page;
}

}  // namespace gradus::examples
