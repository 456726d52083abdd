// Heat maps and pictures as SVG.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>

#include <gradus/core/base/text.h>
#include <gradus/core/io/png.h>

#include "svg.h"

namespace gradus::report {

namespace {

using Pixel = std::array<uint8_t, 4>;  // red, green, blue, opacity

std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8U | (i + k < bytes.size() ? std::to_integer<uint32_t>(bytes[i + k]) : 0U);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() ? digits[group >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return text;
}

std::string png_address(int64_t width, int64_t height, std::span<const Pixel> pixels) {
  std::vector<uint8_t> channels;
  channels.reserve(4 * pixels.size());
  for (const Pixel& pixel : pixels) channels.insert(channels.end(), pixel.begin(), pixel.end());
  return "data:image/png;base64," +
         base64(encode_png({.width = width, .height = height, .channels = 4, .pixels = channels}));
}

// The colour of positive and negative values on white and on black: their opacity is the size.
Pixel tinted(double amount) {
  const auto opacity = static_cast<uint8_t>(std::lround(255 * std::min(1.0, std::abs(amount))));
  return amount < 0 ? Pixel{0xe0, 0x7b, 0x00, opacity} : Pixel{0x2f, 0x6f, 0xd0, opacity};
}

// How values of a heat map become shades: -1 ... 1, the share of full colour.
struct Shades {
  Scale scale;
  bool diverging;

  explicit Shades(const HeatMap& map) : diverging(map.diverging) {
    std::vector<double> values = map.values;
    std::erase_if(values,
                  [&](double value) { return !std::isfinite(value) || (map.log && value <= 0); });
    if (values.empty()) values = {1};
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    scale = {.log = map.log, .low = *low, .high = *high};
    if (diverging) scale = {.low = 0, .high = std::max({std::abs(*low), std::abs(*high), 1e-300})};
  }
  bool can_show(double value) const { return std::isfinite(value) && (!scale.log || value > 0); }
  double operator()(double value) const {
    if (diverging) return scale(value);
    return scale.low < scale.high ? palest + (1 - palest) * scale(value) : 0.5;
  }
  static constexpr double palest = 0.04;
};

std::string cell(double x, double y, double width, double height, double shade) {
  return element("rect",
                 with("class", shade < 0 ? "cell below" : "cell", "x", x, "y", y, "width", width,
                      "height", height, "fill-opacity", fixed(std::min(1.0, std::abs(shade)), 2)));
}

// What the shades of a map without numbers mean.
std::string key(const Shades& shades, double right, double y) {
  const double low = shades.diverging ? -shades.scale.high : shades.scale.low;
  const std::string high_text = number(shades.scale.high);
  double x = right - text_width(high_text);
  std::string body = text_at(right, y, high_text, "end");
  for (int i = 10; i >= 0; --i) {
    x -= 9;
    const double share = i / 10.0;
    body += cell(x - 4, y - 11, 9, 12,
                 shades.diverging ? 2 * share - 1 : Shades::palest + (1 - Shades::palest) * share);
  }
  return body + text_at(x - 9, y, number(low), "end");
}

constexpr double widest_row_name = 165;

// Where the cells of a heat map are.
struct Grid {
  size_t columns, rows;
  double left, top, width, height;  // the last two of a cell

  double x(size_t column) const { return left + width * static_cast<double>(column); }
  double y(size_t row) const { return top + height * static_cast<double>(row); }
};

std::string cells_of(const HeatMap& map, const Grid& grid, const Shades& shades,
                     const std::vector<std::string>& texts, bool with_numbers) {
  const double gap = grid.width > 12 ? 1.5 : 0;
  const double width = grid.width - gap, height = grid.height - gap;
  std::string body;
  for (size_t i = 0; i < grid.columns * grid.rows; ++i) {
    const size_t row = i / grid.columns, column = i % grid.columns;
    const double x = grid.x(column), y = grid.y(row);
    const bool shown = shades.can_show(map.values[i]);
    const double shade = shown ? shades(map.values[i]) : 0;
    std::string marks =
        shown ? cell(x, y, width, height, shade) : rect("missing", x, y, width, height);
    if (with_numbers) {
      marks += text_at(x + width / 2, y + height / 2 + 4.7, texts[i],
                       std::abs(shade) > 0.7 ? "middle on" : "middle name");
    }
    const auto name = [](const std::string& axis, const std::vector<std::string>& names, size_t n) {
      if (n >= names.size()) return std::string();
      return axis.empty() ? names[n] : str(axis, ' ', names[n]);
    };
    const std::string row_name = name(map.y, map.rows, row);
    const std::string tip = str(row_name, row_name.empty() ? "" : ", ",
                                name(map.x, map.columns, column), ": ", texts[i]);
    body += element("g", with("data-tip", tip), marks);
  }
  return body;
}

// A map of many cells. Each is several pixels wide: not every program keeps its edges sharp.
std::string image_of(const HeatMap& map, const Grid& grid, const Shades& shades) {
  const size_t side = std::max<size_t>(1, 480 / grid.columns);
  const size_t width = grid.columns * side, height = grid.rows * side;
  std::vector<Pixel> pixels(width * height);
  for (size_t i = 0; i < pixels.size(); ++i) {
    const double value = map.values[i / width / side * grid.columns + i % width / side];
    pixels[i] = shades.can_show(value) ? tinted(shades(value)) : Pixel{128, 128, 128, 60};
  }
  const double x = grid.left, y = grid.top, w = grid.x(grid.columns) - x, h = grid.y(grid.rows) - y;
  const std::string address =
      png_address(static_cast<int64_t>(width), static_cast<int64_t>(height), pixels);
  return element("image", with("class", "pixels", "x", x, "y", y, "width", w, "height", h,
                               "preserveAspectRatio", "none", "href", address)) +
         rect("outline", x, y, w, h);
}

// Names of rows and columns, as many as fit.
std::string names_of(const HeatMap& map, const Grid& grid) {
  std::string body;
  const auto every = [](double needed, double size) {
    return static_cast<size_t>(std::max(1.0, std::ceil(needed / size)));
  };
  for (size_t r = 0; r < std::min(grid.rows, map.rows.size()); r += every(15, grid.height)) {
    const std::vector<std::string> lines = wrapped(map.rows[r], widest_row_name);
    double y = grid.y(r) + grid.height / 2 + 4.2 - 7.5 * static_cast<double>(lines.size() - 1);
    for (const std::string& line : lines) {
      body += text_at(grid.left - 7, y, line, "end name");
      y += 15;
    }
  }
  const size_t step = every(text_width(map.columns) + 4, grid.width);
  for (size_t c = 0; c < std::min(grid.columns, map.columns.size()); c += step) {
    body +=
        text_at(grid.x(c) + grid.width / 2, grid.y(grid.rows) + 16, map.columns[c], "middle name");
  }
  return body;
}

}  // namespace

std::string png_address(const Picture& picture) {
  std::vector<Pixel> pixels;
  pixels.reserve(picture.values.size());
  double largest = 1e-300;
  for (const double value : picture.values) largest = std::max(largest, std::abs(value));
  for (const double value : picture.values) {
    const double share = (value - picture.black) / (picture.white - picture.black);
    const auto gray = static_cast<uint8_t>(std::lround(255 * std::clamp(share, 0.0, 1.0)));
    pixels.push_back(picture.diverging ? tinted(value / largest) : Pixel{gray, gray, gray, 255});
  }
  return png_address(picture.width, picture.height, pixels);
}

Drawing draw(const HeatMap& map) {
  const size_t columns = map.width > 0 ? static_cast<size_t>(map.width) : map.columns.size();
  const size_t rows = columns == 0 ? 0 : map.values.size() / columns;
  if (rows == 0) return {0, {}};
  const std::vector<std::string> texts = numbers(map.values, map.digits);
  double left = 1, lines = 1;
  for (const std::string& name : map.rows) {
    const std::vector<std::string> parts = wrapped(name, widest_row_name);
    left = std::max(left, text_width(parts) + 9);
    lines = std::max(lines, static_cast<double>(parts.size()));
  }
  const double width = (panel_width - left - 1) / static_cast<double>(columns);
  const bool with_numbers = text_width(texts) + 4 <= width;
  const double height = with_numbers ? std::clamp(width, 24.0, 34.0) : std::min(width, 34.0);
  const Grid grid{.columns = columns,
                  .rows = rows,
                  .left = left,
                  .top = map.y.empty() && with_numbers ? 2.0 : 26.0,
                  .width = width,
                  .height = lines > 1 ? std::max(height, 15 * lines + 3) : height};
  const Shades shades(map);
  const bool as_image = map.values.size() > 1024;
  std::string body =
      as_image ? image_of(map, grid, shades) : cells_of(map, grid, shades, texts, with_numbers);
  body += names_of(map, grid);
  if (!map.y.empty()) body += text_at(2, 14, map.y, "label");
  if (!with_numbers) body += key(shades, panel_width - 1, 14);
  double bottom = grid.y(rows) + (map.columns.empty() ? 2 : 22);
  if (!map.x.empty()) {
    body += text_at((left + panel_width) / 2, bottom + 14, map.x, "middle label");
    bottom += 20;
  }
  return {bottom, body};
}

Drawing draw(const Pictures& pictures) {
  const auto count = pictures.pictures.size();
  const size_t per_row = pictures.per_row > 0 ? static_cast<size_t>(pictures.per_row) : 5;
  const double width = panel_width / static_cast<double>(per_row);
  std::string body;
  double top = 0, end = 0;
  for (size_t i = 0; i < count; ++i) {
    const Picture& picture = pictures.pictures[i];
    const double x = width * static_cast<double>(i % per_row);
    if (i % per_row == 0) top = end;
    const double side = width - 8, height = side * static_cast<double>(picture.height) /
                                            static_cast<double>(picture.width);
    body += element("image", with("class", "pixels", "x", x + 4, "y", top + 4, "width", side,
                                  "height", height, "href", png_address(picture)));
    double y = top + height + 18;
    for (const std::string& line : wrapped(picture.caption, width)) {
      body += text_at(x + width / 2, y, line, "middle");
      y += 15;
    }
    end = std::max(end, y);
  }
  return {end, body};
}

}  // namespace gradus::report
