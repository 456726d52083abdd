#include "synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>
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

Stroke curve(std::vector<Point> points) {
  return {true, std::move(points)};
}
Stroke lines(std::vector<Point> points) {
  return {false, std::move(points)};
}

using Ways = std::array<std::vector<Glyph>, 10>;

/// In a box from (-1, -1), top left, to (1, 1).
Ways make_ways() {
  const Stroke oval =
      curve({{.1F, -1}, {-.55F, -.6F}, {-.6F, .3F}, {-.1F, 1}, {.5F, .6F}, {.6F, -.4F}, {.1F, -1}});
  const Stroke round_oval = curve(
      {{0, -.9F}, {-.75F, -.4F}, {-.75F, .4F}, {0, .9F}, {.75F, .4F}, {.75F, -.4F}, {0, -.9F}});
  const Stroke open_oval = curve({{.35F, -.9F},
                                  {-.4F, -.75F},
                                  {-.6F, .2F},
                                  {-.1F, .95F},
                                  {.5F, .5F},
                                  {.5F, -.5F},
                                  {-.1F, -1}});
  Ways ways;
  ways[0] = {{oval}, {round_oval}, {open_oval}};
  ways[1] = {{lines({{0, -1}, {0, 1}})},
             {lines({{-.35F, -.6F}, {.05F, -1}, {.05F, 1}})},
             {lines({{-.35F, -.65F}, {0, -1}, {0, 1}}), lines({{-.4F, 1}, {.4F, 1}})}};
  ways[2] = {{curve({{-.6F, -.5F}, {-.1F, -1}, {.5F, -.6F}, {.25F, 0}, {-.6F, .95F}}),
              lines({{-.6F, .95F}, {.65F, .9F}})},
             {curve({{-.6F, -.65F},
                     {0, -1},
                     {.5F, -.5F},
                     {.1F, .3F},
                     {-.45F, .9F},
                     {-.65F, .6F},
                     {-.3F, .5F},
                     {.2F, .85F},
                     {.7F, .8F}})},
             {curve({{-.55F, -.8F}, {.2F, -.95F}, {.5F, -.5F}, {0, .2F}, {-.65F, .9F}}),
              curve({{-.65F, .9F}, {0, .75F}, {.65F, .95F}})}};
  ways[3] = {{curve({{-.55F, -.75F}, {0, -1}, {.5F, -.6F}, {.25F, -.15F}, {-.15F, -.05F}}),
              curve({{-.15F, -.05F}, {.45F, .1F}, {.55F, .6F}, {0, 1}, {-.6F, .75F}})},
             {lines({{-.5F, -.95F}, {.5F, -.95F}, {-.05F, -.2F}}),
              curve({{-.05F, -.2F}, {.5F, 0}, {.55F, .6F}, {0, 1}, {-.6F, .75F}})}};
  ways[4] = {{lines({{-.35F, -1}, {-.55F, .1F}, {.6F, .1F}}), lines({{.3F, -.7F}, {.25F, 1}})},
             {lines({{.3F, 1}, {.3F, -1}, {-.65F, .3F}, {.65F, .3F}})},
             {curve({{-.5F, -.9F}, {-.55F, -.2F}, {-.2F, .1F}, {.35F, -.1F}}),
              lines({{.45F, -.95F}, {.35F, 1}})}};
  ways[5] = {{lines({{.55F, -.95F}, {-.35F, -.95F}, {-.45F, -.15F}}),
              curve({{-.45F, -.15F}, {.2F, -.3F}, {.6F, .3F}, {.1F, .95F}, {-.6F, .8F}})},
             {curve({{.5F, -1},
                     {-.2F, -.9F},
                     {-.4F, -.3F},
                     {.2F, .05F},
                     {.35F, .6F},
                     {-.1F, 1},
                     {-.55F, .8F}})},
             {lines({{-.3F, -.9F}, {-.35F, -.1F}}), lines({{-.3F, -.9F}, {.6F, -1}}),
              curve({{-.35F, -.1F}, {.3F, -.1F}, {.5F, .4F}, {.05F, .95F}, {-.5F, .85F}})}};
  ways[6] = {{curve({{.3F, -1},
                     {-.35F, -.4F},
                     {-.55F, .4F},
                     {-.1F, 1},
                     {.45F, .7F},
                     {.3F, .1F},
                     {-.2F, .1F},
                     {-.5F, .5F}})},
             {lines({{.2F, -1}, {-.4F, .2F}}),
              curve({{-.4F, .2F}, {-.45F, .75F}, {0, 1}, {.45F, .65F}, {.2F, .15F}, {-.35F, .4F}})},
             {curve({{-.1F, -1},
                     {-.45F, -.2F},
                     {-.45F, .6F},
                     {.05F, .95F},
                     {.55F, .5F},
                     {.1F, .05F},
                     {-.4F, .45F}})}};
  ways[7] = {{lines({{-.6F, -.9F}, {.55F, -.9F}, {-.1F, 1}})},
             {lines({{-.55F, -.85F}, {.55F, -.9F}, {-.05F, 1}}), lines({{-.25F, .05F}, {.5F, 0}})},
             {lines({{-.55F, -.55F}, {-.5F, -.9F}}),
              curve({{-.5F, -.9F}, {.1F, -.8F}, {.6F, -.95F}, {.25F, -.2F}, {.05F, 1}})}};
  ways[8] = {{curve({{.05F, -1},
                     {-.45F, -.6F},
                     {0, -.1F},
                     {.5F, .5F},
                     {0, 1},
                     {-.5F, .55F},
                     {-.05F, -.05F},
                     {.45F, -.6F},
                     {.05F, -1}})},
             {curve({{0, -1}, {-.4F, -.55F}, {0, -.1F}, {.4F, -.55F}, {0, -1}}),
              curve({{0, -.1F}, {-.55F, .45F}, {0, 1}, {.55F, .45F}, {0, -.1F}})},
             {curve({{.45F, -.8F},
                     {-.1F, -1},
                     {-.4F, -.55F},
                     {.1F, -.05F},
                     {.4F, .55F},
                     {-.1F, 1},
                     {-.5F, .6F},
                     {0, 0},
                     {.5F, -.75F}})}};
  ways[9] = {{curve({{.4F, -.6F}, {0, -1}, {-.5F, -.55F}, {-.1F, -.1F}, {.4F, -.5F}}),
              lines({{.42F, -.7F}, {.3F, 1}})},
             {curve({{.4F, -.55F},
                     {-.05F, -.95F},
                     {-.5F, -.5F},
                     {-.05F, -.05F},
                     {.4F, -.5F},
                     {.45F, .2F},
                     {.2F, .9F},
                     {-.4F, .85F}})},
             {curve({{.35F, -.8F},
                     {-.25F, -.95F},
                     {-.5F, -.45F},
                     {0, -.15F},
                     {.45F, -.75F},
                     {.25F, .2F},
                     {-.05F, 1}})}};
  return ways;
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
  constexpr int steps = 5;  // a segment is then about two pixels long
  const size_t last = points.size() - 1;
  for (size_t i = 0; i < last; ++i) {
    const Point b = points[i], c = points[i + 1];
    if (!bent) {
      segments.push_back({b, c});
      continue;
    }
    const Point a = points[i > 0 ? i - 1 : 0], d = points[std::min(i + 2, last)];
    Point from = b;
    for (int step = 1; step <= steps; ++step) {
      const Point to = spline(a, b, c, d, static_cast<float>(step) / steps);
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

struct Range {
  int begin, end;
};

/// The pixels that a pen reaching `reach` beyond [a, b] can touch.
Range touched(float a, float b, float reach) {
  return {std::max(0, static_cast<int>(std::floor(std::min(a, b) - reach))),
          std::min(side, static_cast<int>(std::ceil(std::max(a, b) + reach)) + 1)};
}

/// Full ink up to the pen's radius, none one pixel further out.
void draw(std::span<const Segment> segments, float radius, std::array<float, pixels>& ink) {
  const float reach = radius + 1;
  std::array<float, pixels> nearest;  // squared distance to the nearest segment
  nearest.fill(reach * reach);
  for (const Segment& s : segments) {
    const Range rows = touched(s.from.y, s.to.y, reach), columns = touched(s.from.x, s.to.x, reach);
    for (int row = rows.begin; row < rows.end; ++row) {
      for (int column = columns.begin; column < columns.end; ++column) {
        float& best = nearest[static_cast<size_t>(row) * side + static_cast<size_t>(column)];
        best = std::min(best,
                        squared_distance(s, static_cast<float>(column), static_cast<float>(row)));
      }
    }
  }
  std::transform(nearest.begin(), nearest.end(), ink.begin(),
                 [&](float d2) { return std::clamp(reach - std::sqrt(d2), 0.F, 1.F); });
}

/// Scales ink to bytes and adds noise: a little paper grain where the background is not clean.
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
  if (count < 0 || options.first < 0 ||
      count > std::numeric_limits<int64_t>::max() - options.first) {
    throw ValueError("synthetic_digits",
                     str("counts must not be negative, nor overflow together, got count ", count,
                         ", first ", options.first),
                     "first is the number of the first digit, count how many there are");
  }
  static const Ways all_ways = make_ways();
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
      const std::vector<Glyph>& ways = all_ways[digit];
      const Glyph& glyph = ways[generator.below(ways.size())];
      const std::vector<Segment> segments = write_glyph(glyph, generator);
      draw(segments, uniform(generator, .5, 1.6), ink);
      develop(ink, generator, image + i * pixels);
      label[i] = static_cast<int64_t>(digit);
    }
  });
  return {std::move(images), std::move(labels)};
}

}  // namespace gradus::data
