// What a report shows, as data: a page of sections, each of figures, each of panels. html.h turns
// a page into one file.
//
//   report::Figure& figure = section.figure("error", "Test error against batch size");
//   figure.x = {.label = "images per batch", .log = true};
//   figure.y = {.label = "test error, %"};
//   figure.see = "Batch norm's error rises below 8 images; that of the others does not change.";
//   figure.line("batch", {.x = {64, 16, 4}, .y = {2.1, 2.2, 4.0}, .low = {...}, .high = {...}});
//
// All text is plain UTF-8; `code` between backquotes, **bold** text and [text](address) are marked
// up. Names of series decide on their colours: none, batch, layer, instance and group have the same
// one in every figure, also as the first word of a name ("batch, moving average").
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace gradus::report {

/// A number as figures and tables write it: at most so many significant digits, but all of a whole
/// number: "0.0123", "12,300", "1.2×10⁻⁵", and "–" for NaN.
std::string number(double value, int digits = 3);

/// Points in order of x. `low` and `high`, the interval around each y, may be empty. Points that
/// are not finite leave a gap.
struct Curve {
  std::vector<double> x, y;
  std::vector<double> low, high;
};

/// How a series is drawn.
enum class Mark {
  line,    ///< a line; the interval as a band
  points,  ///< points; the interval as whiskers
  dashed,  ///< a dashed line, of no colour unless its name has one: theory, published values
  steps,   ///< a histogram: y[i] between x[i] and x[i + 1], so x has one value more
  level    ///< a dashed line at height y[0] over the whole width
};

/// One curve of a chart, or one colour of its bars.
struct Series {
  std::string name;
  Curve curve;
  Mark mark = Mark::line;
};

/// An axis: what it measures, with its unit, and what it covers if not all values.
struct Axis {
  std::string label;
  bool log = false;
  std::optional<double> from, to;
};

/// Curves over two axes. An axis without a label is its figure's.
struct Chart {
  std::string title;  ///< shown if the figure has several panels
  std::string link;   ///< where the title leads: "#batch-size"
  Axis x, y;
  std::vector<Series> series;

  Chart& add(std::string name, Curve curve, Mark mark) {
    series.push_back({std::move(name), std::move(curve), mark});
    return *this;
  }
  Chart& line(std::string name, Curve curve) {
    return add(std::move(name), std::move(curve), Mark::line);
  }
  Chart& points(std::string name, Curve curve) {
    return add(std::move(name), std::move(curve), Mark::points);
  }
  Chart& dashed(std::string name, Curve curve) {
    return add(std::move(name), std::move(curve), Mark::dashed);
  }
  Chart& steps(std::string name, Curve curve) {
    return add(std::move(name), std::move(curve), Mark::steps);
  }
  Chart& level(std::string name, double y_value) {
    return add(std::move(name), {.x = {}, .y = {y_value}, .low = {}, .high = {}}, Mark::level);
  }
};

/// Horizontal bars with whiskers: a group of bars per entry of `groups`, in it one per series,
/// whose curve has y (and low, high) by group and no x. With one series, groups decide on the
/// colours.
struct Bars {
  std::string title, link;
  Axis value;  ///< without a label: the figure's y
  std::vector<std::string> groups;
  std::vector<Series> series;
};

/// Coloured cells; with their numbers in them unless there are too many. Cells that are not finite
/// are shown as missing.
struct HeatMap {
  std::string title, link;
  std::string x, y;                        ///< what columns and rows are
  std::vector<std::string> columns, rows;  ///< their names, or empty
  int64_t width = 0;                       ///< cells per row; 0: as many as columns have names
  std::vector<double> values;              ///< row by row
  bool diverging = false;                  ///< two colours, for values on both sides of zero
  bool log = false;                        ///< colours by the logarithm
  int digits = 3;                          ///< significant ones of the numbers
};

/// A small image; gray from `black` to `white`, or with two colours for the signs.
struct Picture {
  int64_t width = 0, height = 0;
  std::vector<double> values;  ///< row by row
  std::string caption;
  double black = 0, white = 1;
  bool diverging = false;  ///< white is 0, the largest absolute value has full colour
};

/// Images side by side, in rows of `per_row` (0: as many as fit).
struct Pictures {
  std::string title, link;
  std::vector<Picture> pictures;
  int per_row = 0;
};

/// What a cell of a table says beyond its text.
enum class Tone { plain, good, partly, bad, open };

/// A cell of a table.
struct Cell {
  std::string text;
  Tone tone = Tone::plain;
};

/// Cells below a row of column names.
struct Table {
  std::string title, link;
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
};

/// A drawing that was made elsewhere: SVG text of one's own program, which becomes part of the page
/// as it is.
struct Graphic {
  std::string title, link;
  std::string svg;
};

/// One of a figure's pictures.
using Panel = std::variant<Chart, Bars, HeatMap, Pictures, Table, Graphic>;

/// The title of a panel of any kind.
inline const std::string& title_of(const Panel& panel) {
  return std::visit([](const auto& one) -> const std::string& { return one.title; }, panel);
}

/// A figure and what is said about it.
struct Figure {
  std::string id;         ///< unique in the page; names the files of slides
  std::string title;      ///< what is plotted against what
  std::string see;        ///< one sentence: what to see
  std::string published;  ///< what the paper reports, with its source
  std::string ours;       ///< the same quantity here
  std::string settings;   ///< net, data, steps, rates, and how much smaller than the paper's
  std::string seeds;      ///< "5 seeds; bands are 95 % intervals of the mean"
  std::string data;       ///< address of the file with the numbers, relative to the page
  Axis x, y;              ///< of all charts that have none; these share one scale
  std::deque<Panel> panels;

  /// A further panel; the reference stays valid.
  template <class P>
  P& add(P panel) {
    return std::get<P>(panels.emplace_back(std::move(panel)));
  }
  /// A further chart: one of several small ones.
  Chart& chart(std::string panel_title, Axis x_axis = {}, Axis y_axis = {}) {
    return add(Chart{.title = std::move(panel_title),
                     .link = {},
                     .x = std::move(x_axis),
                     .y = std::move(y_axis),
                     .series = {}});
  }
  /// Into the last chart, or into the first one.
  Chart& line(std::string name, Curve curve) {
    return last().line(std::move(name), std::move(curve));
  }
  Chart& points(std::string name, Curve curve) {
    return last().points(std::move(name), std::move(curve));
  }
  Chart& dashed(std::string name, Curve curve) {
    return last().dashed(std::move(name), std::move(curve));
  }
  Chart& steps(std::string name, Curve curve) {
    return last().steps(std::move(name), std::move(curve));
  }
  Chart& level(std::string name, double y_value) { return last().level(std::move(name), y_value); }

 private:
  Chart& last() {
    Chart* chart_at_end = panels.empty() ? nullptr : std::get_if<Chart>(&panels.back());
    return chart_at_end != nullptr ? *chart_at_end : chart({});
  }
};

/// Figures that belong together.
struct Section {
  std::string id, title;
  std::string paper;  ///< below the title
  std::string text;   ///< an introduction; an empty line starts a new paragraph
  std::deque<Figure> figures;

  /// A further figure; the reference stays valid.
  Figure& figure(std::string figure_id, std::string figure_title) {
    Figure& added = figures.emplace_back();
    added.id = std::move(figure_id);
    added.title = std::move(figure_title);
    return added;
  }
};

/// A page that is written again and again while its subject lasts: it tells its age, reloads
/// itself, and says so if there has been no news for two minutes.
struct Live {
  int64_t written = 0;  ///< now, in seconds since 1970
  int64_t reload = 10;  ///< seconds
};

/// The whole report.
struct Page {
  std::string title;
  std::string lead;    ///< what it is about, in two sentences
  std::string notice;  ///< what to know first, if anything
  std::optional<Live> live;
  bool lists_figures = false;  ///< in the contents, below their sections
  std::string preview;         ///< why figures are but previews, if so
  std::vector<std::pair<std::string, std::string>> facts;  ///< machine, data, version ...
  Section first;                                           ///< of the first page
  std::deque<Section> sections;

  /// A further section; the reference stays valid.
  Section& section(std::string section_id, std::string section_title) {
    Section& added = sections.emplace_back();
    added.id = std::move(section_id);
    added.title = std::move(section_title);
    return added;
  }
};

}  // namespace gradus::report
