// What a net gets wrong, as a section of its report.
#include <gradus/core/base/text.h>

#include <cmath>
#include <limits>

#include "report_page.h"

namespace gradus::examples {

namespace {

using report::Figure;

constexpr size_t most_classes = 20;  // whose counts can be read in a map

std::string percent(double share) {
  return std::isnan(share) ? "–" : fixed(100 * share, 2);
}

void add_confusions(report::Section& section, const Answers& answers) {
  const size_t classes = answers.classes.size();
  Figure& figure = section.figure("confusion", "What is taken for what");
  const Answers::Confusion worst = answers.worst_confusion();
  const auto worst_class = [&] {
    size_t found = 0;
    for (size_t c = 1; c < classes; ++c) {
      if (answers.recall(c) < answers.recall(found)) found = c;
    }
    return found;
  }();
  figure.see = worst.count == 0
                   ? "Every answer is right."
                   : str("Most often, **", answers.classes[worst.label], "** is taken for **",
                         answers.classes[worst.answer], "**: ", worst.count, " of ",
                         answers.images_of(worst.label), " times. Of the classes, **",
                         answers.classes[worst_class], "** is recognized worst, ",
                         percent(answers.recall(worst_class)), " %.");
  figure.see +=
      " Recall: of the images of a class, those that are recognized. Precision: of the answers "
      "with "
      "a class, those that are right.";
  if (classes <= most_classes) {
    // Long names have no room over columns: numbers stand for them.
    const bool are_short = std::ranges::all_of(
        answers.classes, [](const std::string& name) { return name.size() < 3; });
    std::vector<std::string> rows = answers.classes, columns = answers.classes;
    for (size_t c = 0; !are_short && c < classes; ++c) {
      columns[c] = str(c);
      rows[c] = str(c, " ", answers.classes[c]);
    }
    auto& map = figure.add(report::HeatMap{.title = "Test images; colours by the logarithm",
                                           .x = "answer",
                                           .y = "label",
                                           .columns = std::move(columns),
                                           .rows = std::move(rows),
                                           .log = true,
                                           .digits = 6});
    for (const int64_t count : answers.counts) {
      map.values.push_back(count > 0 ? static_cast<double>(count)
                                     : std::numeric_limits<double>::quiet_NaN());
    }
  }
  auto& table = figure.add(report::Table{
      .title = "Classes", .columns = {"class", "images", "recall, %", "precision, %"}});
  for (size_t c = 0; c < classes; ++c) {
    table.rows.push_back({{answers.classes[c]},
                          {report::number(static_cast<double>(answers.images_of(c)))},
                          {percent(answers.recall(c))},
                          {percent(answers.precision(c))}});
  }
}

void add_mistakes(report::Section& section, const Answers& answers) {
  if (answers.mistakes.empty()) return;
  Figure& figure = section.figure("mistakes", "The worst mistakes");
  figure.see =
      str("The ", answers.mistakes.size(),
          " test images whose class the net thought least likely, worst first. Below each: "
          "what it is, and the likeliest three answers.");
  auto& panel = figure.add(report::Pictures{});
  for (const Mistake& mistake : answers.mistakes) {
    report::Picture& picture = panel.pictures.emplace_back();
    picture.width = mistake.width;
    picture.height = mistake.height;
    picture.values.assign(mistake.pixels.begin(), mistake.pixels.end());
    picture.white = 255;
    const auto name = [&](int64_t label) { return answers.classes[static_cast<size_t>(label)]; };
    picture.caption = str("is **", name(mistake.label), "**: says");
    for (size_t g = 0; g < mistake.guesses.size(); ++g) {
      const double probability = 100 * mistake.probabilities[g];
      picture.caption += str(g == 0 ? " " : ", ", name(mistake.guesses[g]), " (",
                             probability < 0.5 ? "<1" : fixed(probability, 0), "\u00a0%)");
    }
  }
}

}  // namespace

void add_answers(report::Page& page, const RunFiles& run) {
  if (!run.answers) return;
  report::Section& section = page.section("answers", "What it gets wrong");
  section.text = str("Answers to the test images after epoch ", run.answers->epoch, ".");
  add_confusions(section, *run.answers);
  add_mistakes(section, *run.answers);
}

}  // namespace gradus::examples
