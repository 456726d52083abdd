// The page: text and tables, with the drawings of svg.h in them.
#include "html.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <functional>
#include <set>
#include <span>
#include <string_view>

#include <gradus/core/base/text.h>
#include <gradus/core/io/atomic_file.h>

#include "embedded.h"
#include "svg.h"

namespace gradus::report {

namespace {

// `code` between backquotes, **bold** text and [text](address), the rest escaped.
std::string marked_up(std::string_view text) {
  std::string html;
  while (!text.empty()) {
    const size_t bold_end = text.starts_with("**") ? text.find("**", 2) : std::string_view::npos;
    const size_t code_end = text[0] == '`' ? text.find('`', 1) : std::string_view::npos;
    const size_t middle = text[0] == '[' ? text.find(']') : std::string_view::npos;
    const bool is_link = middle != std::string_view::npos && text.substr(middle).starts_with("](");
    const size_t link_end = is_link ? text.find(')', middle) : std::string_view::npos;
    size_t used = std::max<size_t>(1, std::min(text.size(), text.find_first_of("`[*")));
    if (bold_end != std::string_view::npos) {
      html += element("b", "", escaped(text.substr(2, bold_end - 2)));
      used = bold_end + 2;
    } else if (code_end != std::string_view::npos) {
      html += element("code", "", escaped(text.substr(1, code_end - 1)));
      used = code_end + 1;
    } else if (link_end != std::string_view::npos) {
      const std::string_view address = text.substr(middle + 2, link_end - middle - 2);
      html += element("a", with("href", address), escaped(text.substr(1, middle - 1)));
      used = link_end + 1;
    } else {
      html += escaped(text.substr(0, used));
    }
    text.remove_prefix(used);
  }
  return html;
}

std::string paragraphs(std::string_view text, std::string_view css) {
  std::string html;
  while (!text.empty()) {
    const size_t end = std::min(text.size(), text.find("\n\n"));
    html += element("p", with("class", css), marked_up(text.substr(0, end))) + '\n';
    text.remove_prefix(std::min(text.size(), end + 2));
  }
  return html;
}

std::string json(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    // No tag may end the script that holds it.
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '<' ? "\\u003c" : std::string(1, c == '\n' ? ' ' : c);
  }
  return quoted + '"';
}

std::string json(const std::vector<double>& values) {
  std::string list = "[";
  for (const double value : values) {
    list += str(list.size() > 1 ? "," : "", std::isfinite(value) ? str(value) : "null");
  }
  return list + ']';
}

// The numbers of a chart, for the script.
std::string values_of(const Chart& chart, const std::string& x_label, const Looks& looks) {
  std::string list;
  for (const Series& series : chart.series) {
    if (series.mark == Mark::level) continue;
    const Curve& curve = series.curve;
    list += str(list.empty() ? "" : ",", "{\"name\":", json(series.name),
                ",\"css\":", json(looks.css(series.name)), ",\"x\":", json(curve.x),
                ",\"y\":", json(curve.y));
    if (!curve.low.empty()) {
      list += str(",\"low\":", json(curve.low), ",\"high\":", json(curve.high));
    }
    list += '}';
  }
  return element("script", with("type", "application/json"),
                 str("{\"label\":", json(x_label), ",\"series\":[", list, "]}"));
}

std::string svg_element(const Drawing& drawing, std::string_view label, std::string_view flip,
                        bool hidden) {
  const std::string box = str("0 0 ", coordinate(panel_width), ' ', coordinate(drawing.height));
  const std::string xml = element(
      "svg",
      with("class", "chart", "viewBox", box, "role", "img", "aria-label", label, "data-flip", flip),
      drawing.body);
  return hidden ? "<svg hidden" + xml.substr(4) : xml;
}

// A panel's class, and what it shows; one overload for each kind.
struct Shown {
  std::string css, html;
};

struct Painter {
  const Figure& figure;
  const Looks& looks;

  std::string label(const std::string& title) const {
    return title.empty() ? figure.title : str(figure.title, ": ", title);
  }
  Shown operator()(const Chart& chart) const {
    std::string html;
    for (const std::string_view flip : {"", "x", "y", "xy"}) {
      const bool x = flip.find('x') != std::string_view::npos,
                 y = flip.find('y') != std::string_view::npos;
      if (!can_flip(figure, chart, x, y)) continue;
      const Drawing drawing = draw(chart, figure, scales_of(figure, chart, x, y), looks);
      html += svg_element(drawing, label(chart.title), flip, !flip.empty());
    }
    const std::string& x_label = chart.x.label.empty() ? figure.x.label : chart.x.label;
    return {"", html + values_of(chart, x_label, looks)};
  }
  Shown operator()(const auto& other) const {  // bars, heat maps
    return {"", svg_element(draw(other, figure, looks), label(other.title), "", false)};
  }
  Shown operator()(const Pictures& pictures) const {
    std::string html;
    for (const Picture& picture : pictures.pictures) {
      html += element("div", "",
                      element("img", with("src", png_address(picture), "alt", picture.caption)) +
                          marked_up(picture.caption));
    }
    const std::string style = pictures.per_row > 0 ? str("grid-template-columns:repeat(",
                                                         pictures.per_row, ",minmax(0,1fr))")
                                                   : "";
    return {"wide", element("div", with("class", "pictures", "style", style), html)};
  }
  Shown operator()(const Table& table) const;
  Shown operator()(const Graphic& graphic) const {
    return {"wide", element("div", with("class", "scroll graphic"), graphic.svg)};
  }
};

bool is_number(std::string_view text) {
  static constexpr std::string_view signs = "−";
  if (text.starts_with(signs)) text.remove_prefix(signs.size());
  return !text.empty() && (text == "–" || (text[0] >= '0' && text[0] <= '9')) && text.size() < 24 &&
         text.find_first_of("abcdfghijklmnopqrstuvwyz") == std::string_view::npos;
}

Shown Painter::operator()(const Table& table) const {
  // A column is one of numbers if all of its cells are; a table with sentences becomes a list on a
  // phone.
  std::vector<bool> numbers(table.columns.size(), !table.rows.empty());
  bool prose = false;
  for (const std::vector<Cell>& row : table.rows) {
    for (size_t c = 0; c < row.size() && c < numbers.size(); ++c) {
      numbers[c] = numbers[c] && is_number(row[c].text);
      prose = prose || row[c].text.size() > 40;
    }
  }
  const auto css = [&](size_t c) {
    return c > 0 && c < numbers.size() && numbers[c] ? "num" : "text";
  };
  std::string head, body;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    head += element("th", with("class", css(c)), marked_up(table.columns[c]));
  }
  for (const std::vector<Cell>& row : table.rows) {
    std::string cells;
    for (size_t c = 0; c < row.size(); ++c) {
      constexpr std::array<const char*, 5> tones = {"", "tone good", "tone partly", "tone bad",
                                                    "tone open"};
      std::string text = marked_up(row[c].text);
      if (row[c].tone != Tone::plain) {
        text = element("span", with("class", tones[static_cast<size_t>(row[c].tone)]), text);
      }
      cells += element(
          "td",
          with("class", css(c), "data-name", c < table.columns.size() ? table.columns[c] : ""),
          text);
    }
    body += element("tr", "", cells) + '\n';
  }
  const std::string html =
      element("table", with("class", prose ? "prose" : "numbers"),
              element("thead", "", element("tr", "", head)) + element("tbody", "", body));
  return {"table", element("div", with("class", "scroll"), html)};
}

std::string legend_of(const Looks& looks) {
  if (looks.legend().size() < 2) return {};
  std::string items;
  for (const Series& series : looks.legend()) {
    const std::string sample =
        element("svg", with("viewBox", "0 0 30 14", "aria-hidden", "true"), looks.sample(series));
    items += element("li", with("class", looks.css(series.name), "data-series", series.name),
                     sample + element("span", "", escaped(series.name)));
  }
  return element("div", with("class", "switches"), element("ul", with("class", "legend"), items));
}

// A figure may be named as its section is; it is the section that links lead to then.
std::string id_of(const Figure& figure, const Section& section) {
  return figure.id == section.id ? figure.id + "-figure" : figure.id;
}

// With links to what the page has not as mere text: a report of some experiments is complete, too.
std::string without_dead_links(const Page& page, std::string_view html) {
  std::set<std::string, std::less<>> ids;
  for (const Figure& figure : page.first.figures) ids.insert(id_of(figure, page.first));
  for (const Section& section : page.sections) {
    ids.insert(section.id);
    for (const Figure& figure : section.figures) ids.insert(id_of(figure, section));
  }
  constexpr std::string_view begin = "<a href=\"#", end = "</a>";
  std::string kept;
  for (size_t at = html.find(begin); at != std::string_view::npos; at = html.find(begin)) {
    const std::string_view id =
        html.substr(at + begin.size(), html.find('"', at + begin.size()) - at - begin.size());
    const size_t text = html.find('>', at) + 1, close = html.find(end, at);
    const bool leads = ids.contains(id);
    kept += html.substr(0, leads ? close + end.size() : at);
    if (!leads) kept += html.substr(text, close - text);
    html.remove_prefix(close + end.size());
  }
  return kept += html;
}

std::string html_of(const Figure& figure, const Section& section, bool preview) {
  const Looks looks(figure);
  std::string panels;
  bool is_wide = false;
  for (const Panel& panel : figure.panels) {
    const auto [title, link] =
        std::visit([](const auto& one) { return std::pair(one.title, one.link); }, panel);
    const Shown shown = std::visit(Painter{figure, looks}, panel);
    std::string head;
    if (!title.empty()) {
      head = element(
          "h4", "",
          link.empty() ? marked_up(title) : element("a", with("href", link), escaped(title)));
    }
    panels += element("div", with("class", shown.css.empty() ? "panel" : "panel " + shown.css),
                      head + shown.html) +
              '\n';
    is_wide = is_wide || !shown.css.empty();
  }
  std::string rows;
  const auto row = [&](const char* name, const std::string& text, const char* css) {
    if (!text.empty()) {
      rows += element("dt", "", name) + element("dd", with("class", css), marked_up(text));
    }
  };
  row("Published", figure.published, "number");
  row("Here", figure.ours, "number");
  row("Settings", figure.settings, "text");
  row("Seeds", figure.seeds, "text");
  if (!figure.data.empty()) row("Data", str('[', figure.data, "](", figure.data, ')'), "text");
  std::string caption = element("p", with("class", "see"), marked_up(figure.see));
  if (!rows.empty()) caption += element("dl", "", rows);
  const std::string stamp = preview ? element("span", with("class", "stamp"), "preview") : "";
  return element(
             "figure",
             with("id", id_of(figure, section), "class",
                  figure.panels.size() == 1 && !is_wide ? "single"
                  : is_wide                             ? "several tables"
                                                        : "several"),
             element("header", "", element("h3", "", marked_up(figure.title) + stamp)) + '\n' +
                 element("div", with("class", "plots"),
                         legend_of(looks) +
                             element("div", with("class", str("panels of", figure.panels.size())),
                                     panels)) +
                 '\n' + element("figcaption", "", caption)) +
         '\n';
}

// The script changes it; without one it is true as well.
std::string live_line(const Live& live) {
  const std::time_t time = live.written;
  std::tm parts{};
  std::array<char, 40> text{};
  gmtime_r(&time, &parts);
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return element("p",
                 with("id", "live", "role", "status", "data-written", live.written, "data-reload",
                      live.reload),
                 str("Written at ", text.data(), ", before the run had ended."));
}

std::string figures_of(const Section& section, bool preview) {
  std::string html;
  for (const Figure& figure : section.figures) html += html_of(figure, section, preview);
  return html;
}

}  // namespace

std::string html(const Page& page) {
  const bool preview = !page.preview.empty();
  std::string facts, contents, sections;
  for (const auto& [name, value] : page.facts) {
    facts += element("li", "", element("b", "", escaped(name)) + ' ' + marked_up(value));
  }
  const auto list_figures = [&](const Section& section, const char* css) {
    for (const Figure& figure : section.figures) {
      contents += element(
          "li", with("class", css),
          element("a", with("href", '#' + id_of(figure, section)), marked_up(figure.title)));
    }
  };
  if (page.lists_figures) list_figures(page.first, "");
  for (const Section& section : page.sections) {
    contents +=
        element("li", "", element("a", with("href", '#' + section.id), escaped(section.title)));
    if (page.lists_figures) list_figures(section, "figure");
    std::string head = element("h2", "", marked_up(section.title));
    if (!section.paper.empty()) {
      head += element("p", with("class", "paper"), marked_up(section.paper));
    }
    sections += element("section", with("id", section.id),
                        head + paragraphs(section.text, "text") + figures_of(section, preview)) +
                '\n';
  }
  std::string first = element("h1", "", marked_up(page.title)) + paragraphs(page.lead, "lead");
  if (page.live) first += live_line(*page.live);
  if (!page.notice.empty()) first += element("p", with("class", "banner"), marked_up(page.notice));
  if (preview) first += element("p", with("class", "banner"), marked_up(page.preview));
  if (!facts.empty()) first += element("ul", with("class", "facts"), facts);
  first += paragraphs(page.first.text, "text") + figures_of(page.first, preview);
  const std::string main = element("section", with("id", "first"), first) + '\n' + sections;
  return str(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n<title>",
      escaped(page.title), "</title>\n<style>\n", chart_css, page_css,
      "</style>\n</head>\n<body>\n<nav><details open><summary>Contents</summary><ol>", contents,
      "</ol></details></nav>\n<main>\n", without_dead_links(page, main), "</main>\n<script>\n",
      page_js, "</script>\n</body>\n</html>\n");
}

void write_html(const Page& page, const std::filesystem::path& path) {
  const std::string text = html(page);
  write_file_atomically("report", path, {std::as_bytes(std::span(text))});
}

}  // namespace gradus::report
