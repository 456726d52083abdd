#include "first_page.h"

#include <gradus/core/base/text.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

namespace gradus::lab {

namespace {

/// A panel that the page begins with: its figure, its title there (or else the first panel is
/// taken), and a short title.
struct Glance {
  const char *figure, *panel, *title;
};
constexpr std::array glances = {Glance{"batch-size-error", "fully connected", "Small batches"},
                                Glance{"sigmoid-mlp-error", "", "Speed of training"},
                                Glance{"largest-lr-largest", "", "Largest learning rate"},
                                Glance{"depth-law-layers", "", "Gradients before training"},
                                Glance{"coupling", "batch", "Influence of each sample"},
                                Glance{"lr-decades-error", "", "Rates of the hidden layers"}};

/// The panel under its short title, which leads to the figure, and with the figure's axes.
report::Panel panel_of(const report::Figure& figure, const Glance& glance) {
  report::Panel panel = figure.panels.front();
  for (const report::Panel& one : figure.panels) {
    if (report::title_of(one) == glance.panel) panel = one;
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
        one.title = one.title.empty() ? glance.title : str(glance.title, ": ", one.title);
        one.link = '#' + figure.id;
      },
      panel);
  return panel;
}

/// The error of each norm, best first, and whether they differ.
std::string errors_at_four(const Results& results) {
  std::vector<std::pair<Interval, std::string>> errors;
  for (const json& norm : results.distinct("norm")) {
    errors.emplace_back(results.where({{"norm", norm}}).mean("error"), norm.get<std::string>());
  }
  std::sort(errors.begin(), errors.end(),
            [](const auto& a, const auto& b) { return a.first.mean < b.first.mean; });
  std::vector<std::string> words;
  words.reserve(errors.size());
  for (const auto& [error, name] : errors) words.push_back(str(name, ' ', text_of(error), " %"));
  const bool differ = below(errors.front().first, errors.back().first);
  return joined(words, "; ") + (differ ? "." : ", which are not told apart.");
}

std::string at_four_images(const Results& all, bool preview) {
  std::string text =
      "**Which norm at four images per batch?** In a fully connected net layer norm or group norm: "
      "their statistics come from one image, whatever the batch, while batch norm would estimate "
      "those of a unit from four values. In a convolutional net any: four images bring hundreds of "
      "values per channel.";
  const Results some = all.where({{"batch", 4}});
  for (const json& net : some.distinct("net")) {
    if (preview) break;  // two seeds do not decide
    text += str(" Test errors here, ", net.get<std::string>(), ": ",
                errors_at_four(some.where({{"net", net}})));
  }
  return all.empty() ? "" : text + " [The experiment](#batch-size).\n\n";
}

}  // namespace

void add_first_page(report::Page& page, const ResultsOf& results) {
  page.first.text += at_four_images(results("batch-size"), !page.preview.empty());
  page.first.text +=
      "**Why is the gradient of a bias before a norm zero?** The norm subtracts the mean of "
      "each set of numbers that it normalizes together. So a number that is added to the whole "
      "set changes nothing, and the gradients of the set sum to zero. With batch and instance "
      "norm, that sum is the gradient of a channel's bias. With layer and group norm, whose "
      "sets have several channels, only the sum over the biases of a set is zero.";
  report::Figure figure;
  figure.id = "glance";
  figure.title = "At a glance";
  for (const Glance& glance : glances) {
    for (const report::Section& section : page.sections) {
      for (const report::Figure& one : section.figures) {
        if (one.id != glance.figure || one.panels.empty()) continue;
        figure.panels.push_back(panel_of(one, glance));
      }
    }
  }
  figure.see = "Titles lead to the figures, with settings, seeds and what the papers report.";
  if (!figure.panels.empty()) page.first.figures.push_front(std::move(figure));
}

}  // namespace gradus::lab
