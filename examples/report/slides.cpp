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

using Row = std::vector<std::string>;

// The numbers of a panel, row by row.
struct RowsOf {
  std::vector<Row> operator()(const Chart& chart) const {
    return of(chart.title, chart.series, {});
  }
  std::vector<Row> operator()(const Bars& bars) const {
    return of(bars.title, bars.series, bars.groups);
  }
  std::vector<Row> operator()(const HeatMap& map) const {
    const size_t columns = map.width > 0 ? static_cast<size_t>(map.width) : map.columns.size();
    const auto name = [](const Row& names, size_t i) {
      return i < names.size() ? names[i] : str(i);
    };
    std::vector<Row> rows;
    for (size_t i = 0; i < map.values.size(); ++i) {
      rows.push_back({map.title, name(map.rows, i / columns), name(map.columns, i % columns),
                      str(map.values[i]), "", ""});
    }
    return rows;
  }
  std::vector<Row> operator()(const Pictures& /*pictures*/) const { return {}; }
  std::vector<Row> operator()(const Graphic& /*graphic*/) const { return {}; }
  std::vector<Row> operator()(const Table& table) const {
    std::vector<Row> rows = {table.columns};
    for (const std::vector<Cell>& cells : table.rows) {
      Row& row = rows.emplace_back();
      for (const Cell& cell : cells) row.push_back(cell.text);
    }
    return rows;
  }

 private:
  static std::vector<Row> of(const std::string& title, const std::vector<Series>& all,
                             const Row& groups) {
    const auto at = [](const std::vector<double>& values, size_t i) {
      return i < values.size() ? str(values[i]) : "";
    };
    std::vector<Row> rows;
    for (const auto& [name, curve, mark] : all) {
      for (size_t i = 0; i < curve.y.size(); ++i) {
        rows.push_back({title, name, i < groups.size() ? groups[i] : at(curve.x, i), at(curve.y, i),
                        at(curve.low, i), at(curve.high, i)});
      }
    }
    return rows;
  }
};

}  // namespace

std::string csv(const Figure& figure) {
  std::string lines;
  for (const Panel& panel : figure.panels) {
    std::vector<Row> rows = std::visit(RowsOf(), panel);
    const bool has_head = std::holds_alternative<Table>(panel) || !lines.empty();
    if (!has_head) rows.insert(rows.begin(), {"panel", "series", "x", "y", "low", "high"});
    for (Row& row : rows) {
      for (std::string& field : row) {
        if (field.find_first_of(",\"\n") == std::string::npos) continue;
        std::string quoted;
        for (const char c : field) quoted += c == '"' ? "\"\"" : std::string(1, c);
        field = str('"', quoted, '"');
      }
      lines += joined(row, ",") + '\n';
    }
  }
  return lines;
}

std::string svg(const Figure& figure, bool preview) {
  constexpr double margin = 20, gap = 26;
  const Looks looks(figure);
  std::vector<std::pair<std::string, Drawing>> drawings;
  for (const Panel& panel : figure.panels) {
    Drawing drawing = draw(panel, figure, looks);
    if (!drawing.body.empty()) drawings.emplace_back(title_of(panel), std::move(drawing));
  }
  if (drawings.empty()) return {};
  const size_t columns = std::min<size_t>(3, drawings.size());
  const double width = 2 * margin + static_cast<double>(columns) * (panel_width + gap) - gap;
  std::string body;
  double y = margin;
  for (const std::string& line :
       wrapped(figure.title, (width - 2 * margin - (preview ? 100 : 0)) / 1.25)) {
    body += text_at(margin, y += 17, line, "heading");
    y += 4;
  }
  if (preview) body += text_at(width - margin, margin + 15, "PREVIEW", "end stamp");
  double x = margin;
  if (looks.legend().size() > 1) {
    y += 12;
    for (const Series& series : looks.legend()) {
      const double needed = 36 + text_width(series.name) + 18;
      if (x > margin && x + needed > width - margin) {
        x = margin;
        y += 22;
      }
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
