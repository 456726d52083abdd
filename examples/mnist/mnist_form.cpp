#include "mnist_form.h"

#include <algorithm>
#include <cmath>

#include <gradus/core/ops.h>

namespace gradus::examples {

namespace {

constexpr int64_t side = 28, inner = 20;
constexpr int64_t fine = 4;  // strokes are measured and changed at so many times the resolution

/// Mean of the rectangle; what lies outside of the plane is 0.
double area_mean(const Plane& plane, double top, double left, double size) {
  const double bottom = top + size, right = left + size;
  const auto first = [](double at) { return static_cast<int64_t>(std::floor(at)); };
  const auto end = [](double at, int64_t n) {
    return std::min(n, static_cast<int64_t>(std::ceil(at)));
  };
  double sum = 0;
  for (int64_t y = first(top); y < end(bottom, plane.height); ++y) {
    const auto fy = static_cast<double>(y);
    const double rows = std::min(bottom, fy + 1) - std::max(top, fy);
    for (int64_t x = first(left); x < end(right, plane.width); ++x) {
      const auto fx = static_cast<double>(x);
      sum += rows * (std::min(right, fx + 1) - std::max(left, fx)) * plane.at(y, x);
    }
  }
  return sum / (size * size);
}

/// `plane` on a square of `to` pixels, its longer side filled, at the top left.
Plane fitted(const Plane& plane, int64_t to) {
  const double step =
      static_cast<double>(std::max(plane.height, plane.width)) / static_cast<double>(to);
  return make_plane(to, to, [&](int64_t y, int64_t x) {
    return area_mean(plane, static_cast<double>(y) * step, static_cast<double>(x) * step, step);
  });
}

/// Twice the area of the ink over the length of its outline.
double stroke_width(const Plane& ink) {
  double area = 0, outline = 0;
  for (int64_t y = -1; y < ink.height; ++y) {
    for (int64_t x = -1; x < ink.width; ++x) {
      const float here = ink.or_zero(y, x);
      area += here;
      outline += std::hypot(ink.or_zero(y + 1, x) - here, ink.or_zero(y, x + 1) - here);
    }
  }
  return outline > 0 ? 2 * area / outline : 0;
}

/// The largest value within `radius` (dilation), or the smallest (erosion), of each place.
Plane spread_ink(const Plane& ink, double radius, bool largest) {
  const auto reach = static_cast<int64_t>(std::ceil(radius));
  return make_plane(ink.height, ink.width, [&](int64_t y, int64_t x) {
    float best = ink.at(y, x);
    for (int64_t dy = -reach; dy <= reach; ++dy) {
      for (int64_t dx = -reach; dx <= reach; ++dx) {
        if (static_cast<double>(dy * dy + dx * dx) > radius * radius) continue;
        const float value = ink.or_zero(y + dy, x + dx);
        best = largest ? std::max(best, value) : std::min(best, value);
      }
    }
    return best;
  });
}

/// A plane with `by` empty pixels around it.
Plane padded(const Plane& plane, int64_t by) {
  return make_plane(plane.height + 2 * by, plane.width + 2 * by,
                    [&](int64_t y, int64_t x) { return plane.or_zero(y - by, x - by); });
}

/// The part that holds ink.
Plane cropped(const Plane& plane) {
  constexpr float ink = 0.25F;
  Box box;
  for (int64_t y = 0; y < plane.height; ++y) {
    for (int64_t x = 0; x < plane.width; ++x) {
      if (plane.at(y, x) >= ink) box.add(y, x);
    }
  }
  return make_plane(box.height(), box.width(),
                    [&](int64_t y, int64_t x) { return plane.at(box.top + y, box.left + x); });
}

struct Centre {
  double mass, y, x;
};

template <class Value>
Centre centre_of_mass(int64_t height, int64_t width, const Value& value) {
  Centre c{0, 0, 0};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const auto v = static_cast<double>(value(y, x));
      c.mass += v;
      c.y += v * (static_cast<double>(y) + 0.5);
      c.x += v * (static_cast<double>(x) + 0.5);
    }
  }
  if (c.mass > 0) c = {c.mass, c.y / c.mass, c.x / c.mass};
  return c;
}

}  // namespace

bool has_mnist_form(const Tensor& gray) {
  if (gray.shape() != Shape{side, side}) return false;
  const std::vector<uint8_t> pixels = gray.to_vector<uint8_t>();
  const auto at = [&](int64_t y, int64_t x) { return pixels[static_cast<size_t>(y * side + x)]; };
  const Centre c = centre_of_mass(side, side, at);
  constexpr double middle = 14, tolerance = 3;
  return std::abs(c.y - middle) <= tolerance && std::abs(c.x - middle) <= tolerance;
}

Tensor mnist_form(const Plane& ink) {
  // In pixels of the fine plane.
  constexpr double thin = 1.5 * fine, thick = 4.5 * fine, usual = 2.4 * fine;
  Plane strokes = fitted(cropped(ink), inner * fine);
  const double width = stroke_width(strokes);
  if (width < thin || width > thick) {
    const double radius = std::min(std::abs(usual - width) / 2, 2.0 * fine);
    strokes = spread_ink(padded(strokes, 2 * fine), radius, width < thin);
    strokes = fitted(cropped(strokes), inner * fine);
  }
  const Plane digit = fitted(strokes, inner);
  const Centre c =
      centre_of_mass(inner, inner, [&](int64_t y, int64_t x) { return digit.at(y, x); });
  const int64_t down = std::llround(14 - c.y), right = std::llround(14 - c.x);
  std::vector<uint8_t> out(size_t{side} * side, 0);
  for (int64_t y = 0; y < inner; ++y) {
    for (int64_t x = 0; x < inner; ++x) {
      const int64_t i = y + down, j = x + right;
      if (i < 0 || i >= side || j < 0 || j >= side) continue;
      out[static_cast<size_t>(i * side + j)] =
          static_cast<uint8_t>(std::lround(255 * digit.at(y, x)));
    }
  }
  return tensor(out, {side, side});
}

}  // namespace gradus::examples
