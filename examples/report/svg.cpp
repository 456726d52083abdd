#include "svg.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include <gradus/core/base/text.h>

namespace gradus::report {

std::string escaped(std::string_view text) {
  std::string xml;
  xml.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        xml += "&amp;";
        break;
      case '<':
        xml += "&lt;";
        break;
      case '>':
        xml += "&gt;";
        break;
      case '"':
        xml += "&quot;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= ' ' || c == '\n') xml += c;  // XML has no others
    }
  }
  return xml;
}

std::string coordinate(double value) {
  std::string text = fixed(value, 1);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

std::string element(const char* name, std::string_view attributes, std::string_view content) {
  if (content.empty()) return str('<', name, attributes, "/>");
  return str('<', name, attributes, '>', content, "</", name, '>');
}

std::string path(std::string_view css, std::string_view d) {
  return element("path", with("class", css, "d", d));
}

std::string rect(std::string_view css, double x, double y, double width, double height) {
  return element("rect", with("class", css, "x", x, "y", y, "width", width, "height", height));
}

std::string point(double x, double y) {
  return str(coordinate(x), ',', coordinate(y), ' ');
}

std::string moved(double x, double y, std::string_view body) {
  return element("g", with("transform", str("translate(", coordinate(x), ' ', coordinate(y), ')')),
                 body);
}

std::string text_at(double x, double y, std::string_view text, std::string_view css) {
  if (css.empty()) return element("text", with("x", x, "y", y), escaped(text));
  return element("text", with("class", css, "x", x, "y", y), escaped(text));
}

double text_width(std::string_view text) {
  double characters = 0;
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;  // UTF-8
    if (!continues) {
      characters += std::string_view(" .,:;il'|()").find(c) != std::string_view::npos ? 0.5 : 1;
    }
  }
  return 7.7 * characters;
}

double text_width(const std::vector<std::string>& texts) {
  double width = 0;
  for (const std::string& text : texts) width = std::max(width, text_width(text));
  return width;
}

std::vector<std::string> wrapped(std::string_view text, double width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    std::string& line = lines.back();
    if (!line.empty() && text_width(str(line, ' ', word)) > width) {
      lines.emplace_back(word);
    } else {
      line += str(line.empty() ? "" : " ", word);
    }
  }
  return lines;
}

// --- How series look -----------------------------------------------------------------------------

namespace {

using Words = std::pair<std::string_view, std::string_view>;

// First words of the names of series, and their colours.
constexpr std::array<Words, 9> known_colours = {{{"none", "none"},
                                                 {"batch", "batch"},
                                                 {"layer", "layer"},
                                                 {"instance", "instance"},
                                                 {"group", "group"},
                                                 {"theory", "ink"},
                                                 {"published", "ink"},
                                                 {"expected", "ink"},
                                                 {"chance", "ink"}}};
// Those of other words, in turn.
constexpr std::array<std::string_view, 4> colours = {"teal", "red", "ochre", "sky"};

std::string first_word(std::string_view name) {
  const auto* end = std::find_if(name.begin(), name.end(),
                                 [](unsigned char c) { return std::isalnum(c) == 0 && c < 0x80; });
  return {name.begin(), end};
}

std::string_view known_colour(std::string_view word) {
  const auto* row = std::find_if(known_colours.begin(), known_colours.end(),
                                 [&](const Words& known) { return known.first == word; });
  return row == known_colours.end() ? std::string_view() : row->second;
}

bool is_norm(std::string_view name) {
  const std::string_view colour = known_colour(first_word(name));
  return !colour.empty() && colour != "ink";
}

}  // namespace

Looks::Looks(const Figure& figure) {
  // Groups of bars stand for series if there is but one.
  std::vector<std::pair<Series, bool>> all;
  for (const Panel& panel : figure.panels) {
    if (const auto* chart = std::get_if<Chart>(&panel)) {
      for (const Series& series : chart->series) {
        all.emplace_back(series, series.mark != Mark::level);
      }
    } else if (const auto* bars = std::get_if<Bars>(&panel)) {
      for (const Series& series : bars->series) {
        all.emplace_back(Series{series.name, {}, Mark::steps}, bars->series.size() > 1);
      }
      if (bars->series.size() > 1) continue;
      for (const std::string& group : bars->groups) {
        if (is_norm(group)) all.emplace_back(Series{group, {}, Mark::steps}, false);
      }
    }
  }
  for (const auto& [series, in_legend] : all) add(series, in_legend);
}

void Looks::add(const Series& series, bool in_legend) {
  if (in_legend && std::none_of(legend_.begin(), legend_.end(),
                                [&](const Series& other) { return other.name == series.name; })) {
    legend_.push_back({series.name, {}, series.mark});
  }
  if (looks_.contains(series.name)) return;
  std::string_view colour = known_colour(first_word(series.name));
  const bool is_reference = series.mark == Mark::level || series.mark == Mark::dashed;
  if (colour.empty() && is_reference) colour = "ink";
  if (colour.empty()) {
    const std::string key = series.name.substr(0, series.name.find(','));
    colour = colours_.try_emplace(key, colours[colours_.size() % colours.size()]).first->second;
  }
  looks_[series.name] = {colour, variants_[colour]++};
}

std::string Looks::css(const std::string& name) const {
  const auto found = looks_.find(name);
  if (found == looks_.end()) return "c-ink";
  const Look& look = found->second;
  return str("c-", look.colour, look.variant == 0 ? "" : str(" v", (look.variant - 1) % 3 + 1));
}

std::string Looks::marker(const std::string& name, double x, double y) const {
  // By colour: what tells norms apart without colours.
  const auto found = looks_.find(name);
  const std::string_view colour = found == looks_.end() ? "ink" : found->second.colour;
  if (colour == "batch" || colour == "teal") {
    return str('M', point(x - 3.3, y - 3.3), "h6.6v6.6h-6.6z");
  }
  if (colour == "layer" || colour == "red") return str('M', point(x, y - 4.6), "l4.3,7.4h-8.6z");
  if (colour == "instance" || colour == "ochre") {
    return str('M', point(x, y - 4.9), "l4.9,4.9l-4.9,4.9l-4.9,-4.9z");
  }
  if (colour == "group" || colour == "sky") return str('M', point(x, y + 4.6), "l4.3,-7.4h-8.6z");
  return str('M', point(x - 3.7, y), "a3.7,3.7 0 1 0 7.4,0a3.7,3.7 0 1 0 -7.4,0z");
}

std::string Looks::sample(const Series& series) const {
  if (series.mark == Mark::steps) return rect("bar", 8, 1, 12, 12);
  if (series.mark == Mark::dashed) return path("line dashed", "M1,7H29");
  const std::string line = series.mark == Mark::points ? "" : path("line", "M1,7H29");
  return line + path("dot", marker(series.name, 15, 7));
}

}  // namespace gradus::report
