#include "first_page.h"

#include <gradus/core/base/text.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "nets.h"

namespace gradus::lab {

namespace {

/// Figures of sections whose first panels the page begins with, and short titles.
constexpr std::array<std::pair<const char*, const char*>, 6> glances = {
    {{"batch-size-error", "Small batches"},
     {"sigmoid-mlp-error", "Speed of training"},
     {"largest-lr-largest", "Largest learning rate"},
     {"depth-law-layers", "Gradients against depth"},
     {"coupling", "Samples that touch each other"},
     {"train-eval-gap-error", "Training and evaluation mode"}}};

/// The panel of batch norm, or else the first one, under another title, which leads to the figure
/// it is from; with the figure's axes.
report::Panel glance_of(const report::Figure& figure, const std::string& title) {
  report::Panel panel = figure.panels.front();
  for (const report::Panel& one : figure.panels) {
    if (report::title_of(one) == "batch") panel = one;
  }
  const auto take = [](report::Axis& axis, const report::Axis& from) {
    if (axis.label.empty()) axis = from;
  };
  if (auto* chart = std::get_if<report::Chart>(&panel)) {
    take(chart->x, figure.x);
    take(chart->y, figure.y);
  } else if (auto* bars = std::get_if<report::Bars>(&panel)) {
    take(bars->value, figure.y);
  }
  std::visit(
      [&](auto& one) {
        one.title = one.title.empty() ? title : str(title, ": ", one.title);
        one.link = '#' + figure.id;
      },
      panel);
  return panel;
}

/// The norms by their error at four images per batch, best first, and which one that makes.
std::string at_four_images(const Results& all) {
  std::vector<std::pair<Interval, std::string>> errors;
  for (const Norm norm : all_norms) {
    const Results some = all.where({{"norm", name_of(norm)}, {"batch", 4}});
    if (!some.empty()) errors.emplace_back(some.mean("error"), name_of(norm));
  }
  if (errors.empty()) return {};
  std::sort(errors.begin(), errors.end(),
            [](const auto& a, const auto& b) { return a.first.mean < b.first.mean; });
  std::vector<std::string> words;
  words.reserve(errors.size());
  for (const auto& [error, name] : errors) {
    words.push_back(str(name, ' ', report::number(error.mean, 2), " % (",
                        report::number(error.low, 2), " to ", report::number(error.high, 2), ")"));
  }
  return str(
      "Which norm at four images per batch? Test errors here: ", joined(words),
      ". Take group norm or another one that sees one image at a time: batch norm's mean and "
      "variance become noise as batches shrink, theirs do not change: "
      "[batch-size](#batch-size).\n\n");
}

}  // namespace

void add_first_page(report::Page& page, const ResultsOf& results) {
  page.first.text += at_four_images(results("batch-size"));
  page.first.text +=
      "Why is the gradient of a bias before a norm zero? The norm subtracts the mean of each set, "
      "so "
      "a number that is added to the whole set changes nothing, and the gradients of the set sum "
      "to "
      "zero. The bias of a channel is such a number for batch and instance norm; for layer and "
      "group "
      "norm, whose sets have several channels, what all channels have in common is.";
  report::Figure figure;
  figure.id = "glance";
  figure.title = "Six figures at a glance";
  for (const auto& [id, title] : glances) {
    for (const report::Section& section : page.sections) {
      for (const report::Figure& one : section.figures) {
        if (one.id == id && !one.panels.empty()) figure.panels.push_back(glance_of(one, title));
      }
    }
  }
  figure.see = "Titles lead to the figures, with settings, seeds and what the papers report.";
  if (!figure.panels.empty()) page.first.figures.push_front(std::move(figure));
}

}  // namespace gradus::lab
