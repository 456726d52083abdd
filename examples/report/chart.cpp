// Charts and bars as SVG.
#include <algorithm>
#include <cmath>

#include <gradus/core/base/text.h>

#include "svg.h"

namespace gradus::report {

namespace {

constexpr double chart_height = 280, right_margin = 14;
constexpr double below_ticks = 22, below_label = 20;  // what these need below the plot
constexpr size_t most_markers = 24;                   // of a line; more would be a wall

const Axis& axis_in(const Figure& figure, const Chart& chart, bool is_x) {
  const Axis& own = is_x ? chart.x : chart.y;
  return !own.label.empty() ? own : is_x ? figure.x : figure.y;
}

void append(std::vector<double>& values, const std::vector<double>& more) {
  values.insert(values.end(), more.begin(), more.end());
}

// What an axis has to show, and the intervals around it.
struct Values {
  std::vector<double> values, intervals;

  void add(const Chart& chart, bool is_x) {
    for (const Series& series : chart.series) {
      append(values, is_x ? series.curve.x : series.curve.y);
      if (is_x) continue;
      append(intervals, series.curve.low);
      append(intervals, series.curve.high);
      if (series.mark == Mark::steps) values.push_back(0);
    }
  }
  void add(const Bars& bars) {
    for (const Series& series : bars.series) {
      append(values, series.curve.y);
      append(intervals, series.curve.low);
      append(intervals, series.curve.high);
    }
  }
};

// Those of all charts that share the axis.
Values values_along(const Figure& figure, const Chart& chart, bool is_x) {
  const auto has_own = [&](const Chart& one) { return !(is_x ? one.x : one.y).label.empty(); };
  Values all;
  if (has_own(chart)) all.add(chart, is_x);
  for (const Panel& panel : figure.panels) {
    const auto* other = std::get_if<Chart>(&panel);
    if (has_own(chart) || other == nullptr || has_own(*other)) continue;
    all.add(*other, is_x);
  }
  return all;
}

// The plot in its panel, and how values become pixels in it.
struct Area {
  double left, top, width, height = 0;
  Scale x_scale, y_scale;
  double shift = 0;  // to the right

  double x(double value) const { return std::clamp(x_scale(value), -2.0, 3.0) * width + shift; }
  // What a logarithmic scale cannot show lies at its lower end. For bars.
  double x_or_end(double value) const {
    return x_scale.can_show(value) ? std::clamp(x_scale(value), 0.0, 1.0) * width : 0;
  }
  double y(double value) const {
    return y_scale.can_show(value) ? (1 - std::clamp(y_scale(value), -2.0, 3.0)) * height : height;
  }
};

// A series by its name, which hovering and legends ask for.
std::string named(const Looks& looks, const std::string& name, const std::string& body) {
  return element("g", with("class", looks.css(name), "data-series", name), body);
}

// Calls `run(first, last)` for every stretch of points that are shown.
void for_each_stretch(size_t count, const auto& is_shown, const auto& run) {
  for (size_t first = 0, last = 0; first < count; first = last + 1) {
    for (last = first; last < count && is_shown(last);) ++last;
    if (last > first) run(first, last);
  }
}

// A path through points, without those that fall on the one before.
std::string points_of(const Area& area, const std::vector<double>& xs,
                      const std::vector<double>& ys, size_t first, size_t last, bool backwards) {
  std::string all, before;
  for (size_t k = first; k < last; ++k) {
    const size_t i = backwards ? first + last - 1 - k : k;
    const std::string next = point(area.x(xs[i]), area.y(ys[i]));
    if (next != before) all += next;
    before = next;
  }
  return all;
}

std::string steps_of(const Area& area, const Curve& curve) {
  const size_t count = std::min(curve.y.size(), curve.x.size() - 1);
  std::string outline;
  for (size_t i = 0; i < count; ++i) {
    outline += point(area.x(curve.x[i]), area.y(curve.y[i]));
    outline += point(area.x(curve.x[i + 1]), area.y(curve.y[i]));
  }
  const double base = area.y(0);
  return path("steps", str('M', point(area.x(curve.x[0]), base), outline,
                           point(area.x(curve.x[count]), base)));
}

std::string whisker(double x1, double y1, double x2, double y2) {
  const double dx = x1 == x2 ? 4 : 0, dy = 4 - dx;
  const auto stroke = [](double ax, double ay, double bx, double by) {
    return str('M', point(ax, ay), point(bx, by));
  };
  return path("whisker", stroke(x1, y1, x2, y2) + stroke(x1 - dx, y1 - dy, x1 + dx, y1 + dy) +
                             stroke(x2 - dx, y2 - dy, x2 + dx, y2 + dy));
}

std::string line_of(const Area& area, const Series& series, const Looks& looks) {
  const Curve& curve = series.curve;
  const size_t count = std::min(curve.x.size(), curve.y.size());
  const auto is_shown = [&](size_t i) {
    return area.x_scale.can_show(curve.x[i]) && area.y_scale.can_show(curve.y[i]);
  };
  const auto has_interval = [&](size_t i) {
    return i < curve.low.size() && i < curve.high.size() && is_shown(i) &&
           std::isfinite(curve.low[i]) && std::isfinite(curve.high[i]);
  };
  std::string body, markers;
  if (series.mark == Mark::line) {
    for_each_stretch(count, has_interval, [&](size_t first, size_t last) {
      body += path("band", str('M', points_of(area, curve.x, curve.high, first, last, false),
                               points_of(area, curve.x, curve.low, first, last, true), 'z'));
    });
  }
  for_each_stretch(count, is_shown, [&](size_t first, size_t last) {
    if (series.mark != Mark::points) {
      body += path(series.mark == Mark::dashed ? "line dashed" : "line",
                   'M' + points_of(area, curve.x, curve.y, first, last, false));
    }
    const bool few = series.mark == Mark::line && count <= most_markers;
    if (!few && series.mark != Mark::points && last - first > 1) return;
    for (size_t i = first; i < last; ++i) {
      const double x = area.x(curve.x[i]);
      if (series.mark == Mark::points && has_interval(i)) {
        body += whisker(x, area.y(curve.low[i]), x, area.y(curve.high[i]));
      }
      markers += looks.marker(series.name, x, area.y(curve.y[i]));
    }
  });
  return markers.empty() ? body : body + path("dot", markers);
}

std::string series_of(const Area& area, const Series& series, const Looks& looks) {
  if (series.curve.y.empty() || series.mark == Mark::level) return {};
  if (series.mark != Mark::steps) return named(looks, series.name, line_of(area, series, looks));
  return series.curve.x.size() < 2 ? "" : named(looks, series.name, steps_of(area, series.curve));
}

// Lines over the whole width, each with its name above it, or below if that is taken.
std::string levels_of(const Area& area, const Chart& chart, const Looks& looks) {
  std::vector<std::pair<double, std::string>> levels;
  for (const Series& series : chart.series) {
    const bool is_level = series.mark == Mark::level && !series.curve.y.empty();
    if (is_level && area.y_scale.can_show(series.curve.y[0])) {
      levels.emplace_back(area.y(series.curve.y[0]), series.name);
    }
  }
  std::sort(levels.begin(), levels.end());
  std::string body;
  double free_from = 0;
  for (const auto& [y, name] : levels) {
    const double text_y = y - 18 >= free_from ? y - 6 : std::max(y + 15, free_from + 12);
    free_from = text_y + 3;
    body += named(looks, name,
                  path("line dashed", str('M', point(0, y), 'h', coordinate(area.width))) +
                      text_at(area.width - 2, text_y, name, "end note"));
  }
  return body;
}

// Marks below the plot, labelled as long as labels do not run into each other.
std::string x_ticks(const Area& area, const std::vector<Tick>& ticks) {
  std::string body;
  double free_from = -area.left;
  for (const Tick& tick : ticks) {
    const double x = area.x(tick.value), half = text_width(tick.label) / 2;
    if (x < -0.5 || x > area.width + 0.5) continue;
    const bool labelled = !tick.label.empty() && x - half >= free_from;
    body += path("axis", str('M', point(x, area.height), labelled ? "v5" : "v3"));
    if (!labelled) continue;
    const double centre = std::min(x, area.width + right_margin - half);
    body += text_at(centre, area.height + below_ticks - 4, tick.label, "middle");
    free_from = centre + half + 6;
  }
  return body;
}

// The line below the plot, and what it measures.
std::string x_axis_of(const Area& area, const Axis& axis) {
  std::string line = path("axis", str('M', point(0, area.height), 'h', coordinate(area.width)));
  if (axis.label.empty()) return line;
  const double y = area.height + below_ticks + below_label - 7;
  return line + text_at(area.width / 2, y, axis.label, "middle label");
}

std::string scale_text(const Scale& scale) {
  return str(scale.low, ' ', scale.high, scale.log ? " log" : "");
}

}  // namespace

Scales scales_of(const Figure& figure, const Chart& chart, bool flip_x, bool flip_y) {
  const auto scale = [&](bool is_x, bool flip) {
    Axis axis = axis_in(figure, chart, is_x);
    axis.log = axis.log != flip;
    const Values all = values_along(figure, chart, is_x);
    return scale_over(axis, all.values, !is_x, all.intervals);
  };
  return {scale(true, flip_x), scale(false, flip_y)};
}

bool can_flip(const Figure& figure, const Chart& chart, bool flip_x, bool flip_y) {
  const auto can = [&](bool is_x) {
    const Axis& axis = axis_in(figure, chart, is_x);
    if (axis.from || axis.to) return false;
    std::vector<double> values = values_along(figure, chart, is_x).values;
    std::erase_if(values, [](double value) { return !std::isfinite(value); });
    if (axis.log || values.empty()) return axis.log;
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    return *low > 0 && *high >= 8 * *low;
  };
  return (!flip_x || can(true)) && (!flip_y || can(false));
}

Drawing draw(const Chart& chart, const Figure& figure, const Scales& scales, const Looks& looks) {
  const Axis& x_axis = axis_in(figure, chart, true);
  const Axis& y_axis = axis_in(figure, chart, false);
  const std::vector<Tick> y_ticks = ticks_of(scales.y, 6);
  double left = 9;
  for (const Tick& tick : y_ticks) left = std::max(left, text_width(tick.label) + 9);
  Area area{.left = left,
            .top = y_axis.label.empty() ? 10.0 : 30.0,
            .width = panel_width - left - right_margin,
            .x_scale = scales.x,
            .y_scale = scales.y};
  area.height = chart_height - area.top - below_ticks - (x_axis.label.empty() ? 0 : below_label);

  std::string body;
  for (const Tick& tick : y_ticks) {
    if (tick.label.empty()) continue;
    const double y = area.y(tick.value);
    body += path("grid", str('M', point(0, y), 'h', coordinate(area.width))) +
            text_at(-7, y + 4.5, tick.label, "end");
  }
  Values xs, ys;
  if (scales.x.log) xs.add(chart, true);
  ys.add(chart, false);
  const std::vector<Tick> at_values = ticks_at(xs.values, 8);
  body += x_ticks(area, at_values.empty() ? ticks_of(scales.x, 6) : at_values) +
          x_axis_of(area, x_axis);
  std::string plot;
  // Points of several series stand side by side: their whiskers would cover each other.
  const auto points =
      std::count_if(chart.series.begin(), chart.series.end(),
                    [](const Series& series) { return series.mark == Mark::points; });
  double shift = -2.5 * static_cast<double>(points - 1);
  for (const Series& series : chart.series) {
    area.shift = series.mark == Mark::points ? shift : 0;
    plot += series_of(area, series, looks);
    if (series.mark == Mark::points) shift += 5;
  }
  area.shift = 0;
  plot += levels_of(area, chart, looks);
  const bool cut = x_axis.from || x_axis.to || y_axis.from || y_axis.to ||
                   std::any_of(ys.intervals.begin(), ys.intervals.end(), [&](double value) {
                     return value < scales.y.low || value > scales.y.high;
                   });
  body += element("svg",
                  with("class", "plot", "width", area.width, "height", area.height, "overflow",
                       cut ? "hidden" : "visible", "data-x", scale_text(scales.x), "data-y",
                       scale_text(scales.y)),
                  plot);
  const std::string label = y_axis.label.empty() ? "" : text_at(2, 14, y_axis.label, "label");
  return {chart_height, label + moved(area.left, area.top, body)};
}

namespace {

struct Drawn {
  const Figure& figure;
  const Looks& looks;
  Drawing operator()(const Chart& chart) const {
    return draw(chart, figure, scales_of(figure, chart), looks);
  }
  Drawing operator()(const Bars& bars) const { return draw(bars, figure, looks); }
  Drawing operator()(const Table& /*table*/) const { return {0, {}}; }
  Drawing operator()(const Graphic& /*graphic*/) const { return {0, {}}; }
  Drawing operator()(const auto& other) const { return draw(other); }
};

}  // namespace

Drawing draw(const Panel& panel, const Figure& figure, const Looks& looks) {
  return std::visit(Drawn{figure, looks}, panel);
}

// --- Bars ----------------------------------------------------------------------------------------

namespace {

constexpr double bar_height = 15, between_groups = 12, widest_name = 150;

// One bar with its whisker and its number.
std::string bar_of(const Area& area, const Bars& bars, const Series& series, size_t group,
                   double top, const std::string& text, const Looks& looks) {
  const Curve& curve = series.curve;
  const bool one_series = bars.series.size() == 1;
  const std::string& group_name = bars.groups[group];
  const double base = area.x_or_end(0), end = area.x_or_end(curve.y[group]);
  std::string body =
      rect("bar", std::min(base, end), top + 1, std::abs(end - base), bar_height - 2);
  std::string tip =
      str(group_name, one_series ? "" : ", ", one_series ? "" : series.name, ": ", text);
  double right = std::max(base, end);
  if (group < curve.low.size() && group < curve.high.size() &&
      std::isfinite(curve.low[group] + curve.high[group])) {
    const double low = area.x_or_end(curve.low[group]), high = area.x_or_end(curve.high[group]);
    body += whisker(low, top + bar_height / 2, high, top + bar_height / 2);
    tip += str(" (", number(curve.low[group]), " to ", number(curve.high[group]), ')');
    right = std::max(right, high);
  }
  body += text_at(right + 7, top + bar_height / 2 + 4.5, text, "value");
  const std::string& name =
      one_series && looks.css(group_name) != "c-ink" ? group_name : series.name;
  return element("g", with("class", looks.css(name), "data-series", name, "data-tip", tip), body);
}

}  // namespace

Drawing draw(const Bars& bars, const Figure& figure, const Looks& looks) {
  const Axis& axis = bars.value.label.empty() ? figure.y : bars.value;
  Values all;
  all.add(bars);
  const std::vector<std::string> texts = numbers(all.values);
  for (const Panel& panel : figure.panels) {  // those that share the axis
    const auto* other = std::get_if<Bars>(&panel);
    if (bars.value.label.empty() && other != nullptr && other->value.label.empty()) all.add(*other);
  }
  if (!axis.log) all.values.push_back(0);
  double gutter = 9;
  for (const std::string& group : bars.groups) {
    gutter = std::max(gutter, text_width(wrapped(group, widest_name)) + 9);
  }
  const auto count = static_cast<double>(bars.series.size());
  const double group_height = count * bar_height + between_groups;
  Area area{.left = gutter,
            .top = 6,
            .width = panel_width - gutter - text_width(texts) - 10,
            .height = group_height * static_cast<double>(bars.groups.size()),
            .x_scale = scale_over(axis, all.values, true, all.intervals),
            .y_scale = {}};

  std::string body;
  const std::vector<Tick> ticks = ticks_of(area.x_scale, 4);
  for (const Tick& tick : ticks) {
    if (!tick.label.empty()) {
      body += path("grid", str('M', point(area.x(tick.value), 0), 'v', coordinate(area.height)));
    }
  }
  body += x_ticks(area, ticks) + x_axis_of(area, axis);
  for (size_t g = 0; g < bars.groups.size(); ++g) {
    const double middle = group_height * (static_cast<double>(g) + 0.5);
    const std::vector<std::string> lines = wrapped(bars.groups[g], widest_name);
    double y = middle + 4.5 - 7.5 * static_cast<double>(lines.size() - 1);
    for (const std::string& line : lines) {
      body += text_at(-8, y, line, "end name");
      y += 15;
    }
    double top = middle - bar_height * count / 2;
    size_t at = g;  // of the number among all
    for (const Series& series : bars.series) {
      if (g < series.curve.y.size()) body += bar_of(area, bars, series, g, top, texts[at], looks);
      top += bar_height;
      at += series.curve.y.size();
    }
  }
  return {area.top + area.height + below_ticks + (axis.label.empty() ? 0 : below_label),
          moved(area.left, area.top, body)};
}

}  // namespace gradus::report
