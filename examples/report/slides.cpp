// Figures as files of their own.
#include <cstdlib>
#include <span>

#include <gradus/core/base/text.h>
#include <gradus/core/io/atomic_file.h>

#include "embedded.h"
#include "html.h"
#include "svg.h"

namespace gradus::report {

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  write_file_atomically("report", path, {std::as_bytes(std::span(text))});
}

template <class F>
void for_each_figure(const Page& page, F run) {
  for (const Figure& figure : page.first.figures) run(figure);
  for (const Section& section : page.sections) {
    for (const Figure& figure : section.figures) run(figure);
  }
}

// Quoted if need be.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

std::string at(const std::vector<double>& values, size_t i) {
  return i < values.size() ? str(values[i]) : "";
}

struct Lines {
  std::string operator()(const Chart& chart) const {
    std::string lines;
    for (const Series& series : chart.series) {
      const Curve& curve = series.curve;
      for (size_t i = 0; i < curve.y.size(); ++i) {
        lines += str(field(chart.title), ',', field(series.name), ',', at(curve.x, i), ',',
                     at(curve.y, i), ',', at(curve.low, i), ',', at(curve.high, i), '\n');
      }
    }
    return lines;
  }
  std::string operator()(const Bars& bars) const {
    std::string lines;
    for (const Series& series : bars.series) {
      for (size_t i = 0; i < bars.groups.size(); ++i) {
        lines += str(field(bars.title), ',', field(series.name), ',', field(bars.groups[i]), ',',
                     at(series.curve.y, i), ',', at(series.curve.low, i), ',',
                     at(series.curve.high, i), '\n');
      }
    }
    return lines;
  }
  std::string operator()(const HeatMap& map) const {
    std::string lines;
    const auto columns = map.width > 0 ? static_cast<size_t>(map.width) : map.columns.size();
    for (size_t i = 0; i < map.values.size(); ++i) {
      const size_t r = i / columns, c = i % columns;
      lines +=
          str(field(map.title), ',', r < map.rows.size() ? field(map.rows[r]) : str(r), ',',
              c < map.columns.size() ? field(map.columns[c]) : str(c), ',', map.values[i], ",,\n");
    }
    return lines;
  }
  std::string operator()(const Pictures& /*pictures*/) const { return {}; }
  std::string operator()(const Table& table) const {
    std::string lines;
    for (const std::string& column : table.columns)
      lines += str(lines.empty() ? "" : ",", field(column));
    lines += '\n';
    for (const std::vector<Cell>& row : table.rows) {
      for (size_t c = 0; c < row.size(); ++c) lines += str(c == 0 ? "" : ",", field(row[c].text));
      lines += '\n';
    }
    return lines;
  }
};

}  // namespace

std::string csv(const Figure& figure) {
  std::string lines;
  for (const Panel& panel : figure.panels) {
    const std::string more = std::visit(Lines(), panel);
    if (!std::holds_alternative<Table>(panel) && lines.empty())
      lines = "panel,series,x,y,low,high\n";
    lines += more;
  }
  return lines;
}

std::string svg(const Figure& figure, bool preview) {
  constexpr double margin = 20, gap = 26;
  const Looks looks(figure);
  std::vector<std::pair<std::string, Drawing>> drawings;
  for (const Panel& panel : figure.panels) {
    if (const auto* chart = std::get_if<Chart>(&panel))
      drawings.emplace_back(chart->title, draw(*chart, figure, scales_of(figure, *chart), looks));
    if (const auto* bars = std::get_if<Bars>(&panel))
      drawings.emplace_back(bars->title, draw(*bars, figure, looks));
    if (const auto* map = std::get_if<HeatMap>(&panel))
      drawings.emplace_back(map->title, draw(*map));
    if (const auto* pictures = std::get_if<Pictures>(&panel))
      drawings.emplace_back(pictures->title, draw(*pictures));
  }
  if (drawings.empty()) return {};
  const size_t columns = std::min<size_t>(3, drawings.size());
  const double width = 2 * margin + static_cast<double>(columns) * (panel_width + gap) - gap;
  std::string body;
  double y = margin;
  for (const std::string& line : wrapped(figure.title, (width - 2 * margin) / 1.25)) {
    body += text_at(margin, y += 17, line, "heading");
    y += 4;
  }
  if (preview) body += text_at(width - margin, y += 16, "PREVIEW", "end stamp");
  double x = margin;
  if (looks.legend().size() > 1) {
    y += 12;
    for (const Series& series : looks.legend()) {
      const double needed = 36 + text_width(series.name) + 18;
      if (x > margin && x + needed > width - margin) x = margin, y += 22;
      body += moved(x, y,
                    element("g", with("class", looks.css(series.name)), looks.sample(series)) +
                        text_at(36, 12, series.name, "label"));
      x += needed;
    }
    y += 16;
  }
  double bottom = y;
  for (size_t i = 0; i < drawings.size(); ++i) {
    const auto& [title, drawing] = drawings[i];
    if (i % columns == 0) y = bottom + (i == 0 ? 14 : gap);
    double top = y;
    const double left = margin + static_cast<double>(i % columns) * (panel_width + gap);
    if (!title.empty()) body += text_at(left, top += 14, title, "title");
    body += moved(left, top + (title.empty() ? 0 : 8), drawing.body);
    bottom = std::max(bottom, top + 8 + drawing.height);
  }
  const double height = bottom + margin;
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" +
         element("svg",
                 with("xmlns", "http://www.w3.org/2000/svg", "width", width, "height", height,
                      "viewBox", str("0 0 ", coordinate(width), ' ', coordinate(height))),
                 element("style", "", chart_css) +
                     element("rect", with("class", "page", "width", width, "height", height, "fill",
                                          "#fff")) +
                     body) +
         '\n';
}

bool write_pictures(const Page& page, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  bool converts = std::system("rsvg-convert --version > /dev/null 2>&1") ==
                  0;  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
  for_each_figure(page, [&](const Figure& figure) {
    const std::string picture = svg(figure, !page.preview.empty());
    if (picture.empty()) return;
    const std::filesystem::path path = folder / (figure.id + ".svg");
    write(path, picture);
    const std::string png = (folder / (figure.id + ".png")).string();
    const std::string command =
        str("rsvg-convert --zoom 2 --output '", png, "' '", path.string(), "'");
    converts = converts &&
               std::system(command.c_str()) == 0;  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
  });
  return converts;
}

void write_csv(const Page& page, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  for_each_figure(page,
                  [&](const Figure& figure) { write(folder / (figure.id + ".csv"), csv(figure)); });
}

}  // namespace gradus::report
