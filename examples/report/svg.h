// Panels as SVG. Coordinates are pixels of a picture that is 440 wide; colours and fonts come from
// the style sheet, by class.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <gradus/core/base/text.h>

#include "report.h"
#include "scale.h"

namespace gradus::report {

/// The width of a panel; a phone shows it four fifths of that size.
constexpr double panel_width = 440;

/// Text as it stands in XML.
std::string escaped(std::string_view text);

/// A number as a coordinate: one decimal, and none if it is zero.
std::string coordinate(double value);

/// The attributes of an element: `with("x", 1, "class", "bar")`.
template <class... Rest>
std::string with(const char* name, const auto& value, const Rest&... rest) {
  std::string xml = str(' ', name, "=\"");
  if constexpr (std::is_floating_point_v<std::remove_cvref_t<decltype(value)>>) {
    xml += coordinate(value);
  } else {
    xml += escaped(str(value));
  }
  xml += '"';
  if constexpr (sizeof...(rest) > 0) xml += with(rest...);
  return xml;
}

/// An XML element; `attributes` are those of `with`, and `content` is XML already.
std::string element(const char* name, std::string_view attributes, std::string_view content = {});

/// @{
/// Elements with a class of the style sheet; `d` is a path, made of letters and `point`s.
std::string path(std::string_view css, std::string_view d);
std::string rect(std::string_view css, double x, double y, double width, double height);
std::string point(double x, double y);
/// @}

/// Elements in another place.
std::string moved(double x, double y, std::string_view body);

/// A line of text in a picture; `css` has its classes: start (default), middle or end, and others.
std::string text_at(double x, double y, std::string_view text, std::string_view css = {});

/// @{
/// The estimated width in pixels of text, or of the widest of some.
double text_width(std::string_view text);
double text_width(const std::vector<std::string>& texts);
/// @}

/// Text in lines of at most a width, broken at spaces.
std::vector<std::string> wrapped(std::string_view text, double width);

/// How the series of a figure look: the same name looks the same in all of its panels.
class Looks {
 public:
  explicit Looks(const Figure& figure);
  /// Classes of the style sheet: a colour, and a pattern of dashes if several series share it.
  std::string css(const std::string& name) const;
  /// The outline of a marker around a point.
  std::string marker(const std::string& name, double x, double y) const;
  /// What a legend lists, if there is more than one: the series of charts and bars, in order.
  const std::vector<Series>& legend() const { return legend_; }
  /// The sample in a legend, 30 by 14 pixels.
  std::string sample(const Series& series) const;

 private:
  struct Look {
    std::string_view colour;
    size_t variant;
  };
  void add(const Series& series, bool in_legend);

  std::map<std::string, Look> looks_;
  std::map<std::string, std::string_view> colours_;  // by name, up to a comma
  std::map<std::string_view, size_t> variants_;      // by colour
  std::vector<Series> legend_;
};

/// The scales of a chart in its figure. Charts that take an axis from the figure share its scale.
struct Scales {
  Scale x, y;
};
/// A flipped axis is logarithmic if it was linear, and linear if it was logarithmic.
Scales scales_of(const Figure& figure, const Chart& chart, bool flip_x = false,
                 bool flip_y = false);
/// Whether it makes sense to flip these axes: all values can be shown, and a linear scale would
/// hide the small ones.
bool can_flip(const Figure& figure, const Chart& chart, bool flip_x, bool flip_y);

/// A panel that is drawn: `body` is a list of elements.
struct Drawing {
  double height;
  std::string body;
};

/// @{
/// Draws a panel.
Drawing draw(const Chart& chart, const Figure& figure, const Scales& scales, const Looks& looks);
Drawing draw(const Bars& bars, const Figure& figure, const Looks& looks);
Drawing draw(const HeatMap& map);
Drawing draw(const Pictures& pictures);
/// Of a table or a drawing from elsewhere, nothing.
Drawing draw(const Panel& panel, const Figure& figure, const Looks& looks);
/// @}

/// A picture as an address that holds all bytes of a PNG image.
std::string png_address(const Picture& picture);

}  // namespace gradus::report
