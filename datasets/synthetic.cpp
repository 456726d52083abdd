#include "synthetic.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <string_view>
#include <vector>

#include "../core/base/parallel_for.h"
#include "../core/base/random.h"

namespace gradus::data {

namespace {

constexpr int side = 28;
constexpr int pixels = side * side;

// --- The ways to write a digit -------------------------------------------------------------------

struct Point {
  float x, y;
};

/// A stroke of the pen through some points, bent smoothly or straight from point to point.
struct Stroke {
  bool bent;
  std::vector<Point> points;
};

using Glyph = std::vector<Stroke>;

/// A digit and one way to write it, as in SVG: "C x,y x,y ..." is a curve through the points, "L
/// x,y x,y ..." are lines, in a box from (-1, -1), top left, to (1, 1).
struct Way {
  size_t digit;
  std::string_view strokes;
};
constexpr Way all_ways[] = {
    {0, "C .1,-1 -.55,-.6 -.6,.3 -.1,1 .5,.6 .6,-.4 .1,-1"},
    {0, "C 0,-.9 -.75,-.4 -.75,.4 0,.9 .75,.4 .75,-.4 0,-.9"},
    {0, "C .35,-.9 -.4,-.75 -.6,.2 -.1,.95 .5,.5 .5,-.5 -.1,-1"},
    {1, "L 0,-1 0,1"},
    {1, "L -.35,-.6 .05,-1 .05,1"},
    {1, "L -.35,-.65 0,-1 0,1 L -.4,1 .4,1"},
    {2, "C -.6,-.5 -.1,-1 .5,-.6 .25,0 -.6,.95 L -.6,.95 .65,.9"},
    {2, "C -.6,-.65 0,-1 .5,-.5 .1,.3 -.45,.9 -.65,.6 -.3,.5 .2,.85 .7,.8"},
    {2, "C -.55,-.8 .2,-.95 .5,-.5 0,.2 -.65,.9 C -.65,.9 0,.75 .65,.95"},
    {3, "C -.55,-.75 0,-1 .5,-.6 .25,-.15 -.15,-.05 C -.15,-.05 .45,.1 .55,.6 0,1 -.6,.75"},
    {3, "L -.5,-.95 .5,-.95 -.05,-.2 C -.05,-.2 .5,0 .55,.6 0,1 -.6,.75"},
    {4, "L -.35,-1 -.55,.1 .6,.1 L .3,-.7 .25,1"},
    {4, "L .3,1 .3,-1 -.65,.3 .65,.3"},
    {4, "C -.5,-.9 -.55,-.2 -.2,.1 .35,-.1 L .45,-.95 .35,1"},
    {5, "L .55,-.95 -.35,-.95 -.45,-.15 C -.45,-.15 .2,-.3 .6,.3 .1,.95 -.6,.8"},
    {5, "C .5,-1 -.2,-.9 -.4,-.3 .2,.05 .35,.6 -.1,1 -.55,.8"},
    {5, "L -.3,-.9 -.35,-.1 L -.3,-.9 .6,-1 C -.35,-.1 .3,-.1 .5,.4 .05,.95 -.5,.85"},
    {6, "C .3,-1 -.35,-.4 -.55,.4 -.1,1 .45,.7 .3,.1 -.2,.1 -.5,.5"},
    {6, "L .2,-1 -.4,.2 C -.4,.2 -.45,.75 0,1 .45,.65 .2,.15 -.35,.4"},
    {6, "C -.1,-1 -.45,-.2 -.45,.6 .05,.95 .55,.5 .1,.05 -.4,.45"},
    {7, "L -.6,-.9 .55,-.9 -.1,1"},
    {7, "L -.55,-.85 .55,-.9 -.05,1 L -.25,.05 .5,0"},
    {7, "L -.55,-.55 -.5,-.9 C -.5,-.9 .1,-.8 .6,-.95 .25,-.2 .05,1"},
    {8, "C .05,-1 -.45,-.6 0,-.1 .5,.5 0,1 -.5,.55 -.05,-.05 .45,-.6 .05,-1"},
    {8, "C 0,-1 -.4,-.55 0,-.1 .4,-.55 0,-1 C 0,-.1 -.55,.45 0,1 .55,.45 0,-.1"},
    {8, "C .45,-.8 -.1,-1 -.4,-.55 .1,-.05 .4,.55 -.1,1 -.5,.6 0,0 .5,-.75"},
    {9, "C .4,-.6 0,-1 -.5,-.55 -.1,-.1 .4,-.5 L .42,-.7 .3,1"},
    {9, "C .4,-.55 -.05,-.95 -.5,-.5 -.05,-.05 .4,-.5 .45,.2 .2,.9 -.4,.85"},
    {9, "C .35,-.8 -.25,-.95 -.5,-.45 0,-.15 .45,-.75 .25,.2 -.05,1"},
};

Glyph parse_glyph(std::string_view text) {
  Glyph glyph;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    if (*at == 'C' || *at == 'L') {
      glyph.push_back({*at == 'C', {}});
      at += 2;
    }
    Point& p = glyph.back().points.emplace_back();
    for (float* number : {&p.x, &p.y}) at = std::from_chars(at, end, *number).ptr + 1;
  }
  return glyph;
}

/// The ways of each digit.
std::array<std::vector<Glyph>, 10> parse_glyphs() {
  std::array<std::vector<Glyph>, 10> glyphs;
  for (const auto& [digit, strokes] : all_ways) glyphs[digit].push_back(parse_glyph(strokes));
  return glyphs;
}

// --- From points to segments ---------------------------------------------------------------------

struct Segment {
  Point from, to;
};

/// The point at t in [0, 1] of the Catmull-Rom spline between b and c.
Point spline(Point a, Point b, Point c, Point d, float t) {
  const auto along = [t](float p, float q, float r, float s) {
    return q + .5F * t * (r - p + t * (2 * p - 5 * q + 4 * r - s + t * (3 * (q - r) + s - p)));
  };
  return {along(a.x, b.x, c.x, d.x), along(a.y, b.y, c.y, d.y)};
}

void add_segments(std::span<const Point> points, bool bent, std::vector<Segment>& segments) {
  const int steps = bent ? 5 : 1;  // a segment of a curve is then about two pixels long
  const size_t last = points.size() - 1;
  for (size_t i = 0; i < last; ++i) {
    const Point a = points[i > 0 ? i - 1 : 0], b = points[i], c = points[i + 1];
    Point from = b;
    for (int step = 1; step <= steps; ++step) {
      const float t = static_cast<float>(step) / static_cast<float>(steps);
      const Point to = bent ? spline(a, b, c, points[std::min(i + 2, last)], t) : c;
      segments.push_back({from, to});
      from = to;
    }
  }
}

/// Where the box of a glyph lands in the image: turned, scaled, sheared, shifted.
struct Placement {
  float xx, xy, yx, yy, x0, y0;

  Point operator()(Point p) const { return {xx * p.x + xy * p.y + x0, yx * p.x + yy * p.y + y0}; }
};

float uniform(Rng& generator, double lo, double hi) {
  return static_cast<float>(generator.uniform(lo, hi));
}

Placement random_placement(Rng& generator) {
  const float angle = uniform(generator, -.26, .26);  // 15 degrees
  const float width = uniform(generator, 6, 9.5), height = uniform(generator, 7.5, 10);
  const float shear = uniform(generator, -.1, .35);  // people lean to the right
  const float c = std::cos(angle), s = std::sin(angle);
  return {.xx = c * width,
          .xy = -(shear * c + s) * height,
          .yx = s * width,
          .yy = (c - shear * s) * height,
          .x0 = side / 2.F - .5F + uniform(generator, -2, 2),
          .y0 = side / 2.F - .5F + uniform(generator, -2, 2)};
}

std::vector<Segment> write_glyph(const Glyph& glyph, Rng& generator) {
  constexpr double wobble = .08;
  const Placement place = random_placement(generator);
  std::vector<Segment> segments;
  std::vector<Point> points;
  for (const Stroke& stroke : glyph) {
    points.clear();
    for (const Point p : stroke.points) {
      points.push_back(place(
          {p.x + uniform(generator, -wobble, wobble), p.y + uniform(generator, -wobble, wobble)}));
    }
    add_segments(points, stroke.bent, segments);
  }
  return segments;
}

// --- From segments to pixels ---------------------------------------------------------------------

float squared_distance(const Segment& s, float x, float y) {
  const float dx = s.to.x - s.from.x, dy = s.to.y - s.from.y;
  const float px = x - s.from.x, py = y - s.from.y;
  const float length2 = std::max(dx * dx + dy * dy, 1e-6F);
  const float t = std::clamp((px * dx + py * dy) / length2, 0.F, 1.F);
  const float ex = px - t * dx, ey = py - t * dy;
  return ex * ex + ey * ey;
}

/// Full ink up to the pen's radius, none one pixel further out.
void draw(std::span<const Segment> segments, float radius, std::array<float, pixels>& ink) {
  const float reach = radius + 1;
  ink.fill(reach * reach);  // at first, squared distances to the nearest segment
  const auto touched = [reach](float a, float b) {  // the pixels that the pen can touch
    return std::pair(std::max(0, static_cast<int>(std::floor(std::min(a, b) - reach))),
                     std::min(side, static_cast<int>(std::ceil(std::max(a, b) + reach)) + 1));
  };
  for (const Segment& s : segments) {
    const auto [top, bottom] = touched(s.from.y, s.to.y);
    const auto [left, right] = touched(s.from.x, s.to.x);
    for (int row = top; row < bottom; ++row) {
      for (int column = left; column < right; ++column) {
        float& best = ink[static_cast<size_t>(row) * side + static_cast<size_t>(column)];
        best = std::min(best,
                        squared_distance(s, static_cast<float>(column), static_cast<float>(row)));
      }
    }
  }
  for (float& d2 : ink) d2 = std::clamp(reach - std::sqrt(d2), 0.F, 1.F);
}

/// Scales ink to bytes and adds noise: a little paper grain if the background is not clean.
void develop(std::span<const float> ink, Rng& generator, uint8_t* image) {
  const float peak = uniform(generator, 200, 255);
  const float grain = uniform(generator, 0, 12) / 128;
  const Rng noise = generator.take(pixels / 4);
  for (size_t i = 0; i < pixels; i += 16) {
    const auto words = philox(noise.seed, noise.stream, noise.position / 4 + 1 + i / 16);
    for (size_t j = 0; j < 16; ++j) {
      const auto byte = static_cast<float>(words[j / 4] >> 8 * (j % 4) & 0xff);
      const float value = peak * ink[i + j] + grain * (byte - 127.5F);
      image[i + j] = static_cast<uint8_t>(std::clamp(value, 0.F, 255.F));
    }
  }
}

}  // namespace

Batch synthetic_digits(int64_t count, const SyntheticOptions& options) {
  require(count >= 0 && options.first >= 0 && count <= INT64_MAX - options.first,
          "synthetic_digits", "first is the number of the first digit, count how many there are",
          "counts must not be negative, nor overflow together, got count ", count, ", first ",
          options.first);
  static const std::array<std::vector<Glyph>, 10> glyphs = parse_glyphs();
  Tensor images = Tensor::empty({count, side, side}, uint8);
  Tensor labels = Tensor::empty({count}, int64);
  uint8_t* const image = images.mutable_data<uint8_t>();
  int64_t* const label = labels.mutable_data<int64_t>();
  const Rng all(options.seed, Stream::augmentation);
  parallel_for(count, 64, [&](int64_t begin, int64_t end) {
    std::array<float, pixels> ink;
    for (int64_t i = begin; i < end; ++i) {
      Rng generator = all.fork(static_cast<uint64_t>(options.first + i));
      const uint64_t digit = generator.below(10);
      const Glyph& glyph = glyphs[digit][generator.below(glyphs[digit].size())];
      const std::vector<Segment> segments = write_glyph(glyph, generator);
      draw(segments, uniform(generator, .5, 1.6), ink);
      develop(ink, generator, image + i * pixels);
      label[i] = static_cast<int64_t>(digit);
    }
  });
  return {std::move(images), std::move(labels)};
}

}  // namespace gradus::data
