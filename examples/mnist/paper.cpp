#include "paper.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <gradus/core/ops.h>

namespace gradus::examples {

namespace {

constexpr size_t terms = 6;
using Terms = std::array<double, terms>;

/// 1, x, y, x^2, xy, y^2 with coordinates from -1 to 1.
Terms terms_at(const Plane& picture, int64_t row, int64_t column) {
  const auto scaled = [](int64_t i, int64_t n) {
    return n > 1 ? 2 * static_cast<double>(i) / static_cast<double>(n - 1) - 1 : 0;
  };
  const double y = scaled(row, picture.height), x = scaled(column, picture.width);
  return {1, x, y, x * x, x * y, y * y};
}

double dot(const Terms& a, const Terms& b) {
  double sum = 0;
  for (size_t i = 0; i < terms; ++i) sum += a[i] * b[i];
  return sum;
}

/// Sums for the normal equations A c = b of a least squares fit.
struct NormalEquations {
  std::array<Terms, terms> a{};
  Terms b{};

  void add(const Terms& t, double value) {
    for (size_t i = 0; i < terms; ++i) {
      b[i] += t[i] * value;
      for (size_t j = i; j < terms; ++j) a[i][j] += t[i] * t[j];
    }
  }

  /// By elimination. A is positive definite but for pictures of a few pixels; the little that is
  /// added to its diagonal makes it so for them.
  Terms solve() {
    for (size_t i = 0; i < terms; ++i) {
      for (size_t j = 0; j < i; ++j) a[i][j] = a[j][i];
      a[i][i] += 1e-6 * a[0][0];
    }
    for (size_t i = 0; i < terms; ++i) {
      for (size_t j = i + 1; j < terms; ++j) {
        const double factor = a[j][i] / a[i][i];
        for (size_t k = i; k < terms; ++k) a[j][k] -= factor * a[i][k];
        b[j] -= factor * b[i];
      }
    }
    Terms c{};
    for (size_t i = terms; i-- > 0;) c[i] = (b[i] - dot(a[i], c)) / a[i][i];
    return c;
  }
};

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Some thousand places of a picture, evenly.
struct Sample {
  Terms place;
  double value;
};

std::vector<Sample> samples_of(const Plane& picture) {
  constexpr int64_t per_side = 100;
  const int64_t step = std::max(picture.height, picture.width) / per_side + 1;
  std::vector<Sample> samples;
  for (int64_t y = step / 2; y < picture.height; y += step) {
    for (int64_t x = step / 2; x < picture.width; x += step) {
      samples.push_back({terms_at(picture, y, x), picture.at(y, x)});
    }
  }
  if (samples.empty()) samples.push_back({terms_at(picture, 0, 0), picture.at(0, 0)});
  return samples;
}

/// The standard deviation of a normal distribution with the median of distances that these have.
double spread(const std::vector<Sample>& samples, const Terms& surface) {
  constexpr double per_median = 1.4826;
  std::vector<double> distances;
  distances.reserve(samples.size());
  for (const Sample& s : samples) distances.push_back(std::abs(s.value - dot(surface, s.place)));
  return per_median * median(distances);
}

}  // namespace

Plane shrunk(const Tensor& gray, int64_t largest_side) {
  const int64_t height = gray.size(0), width = gray.size(1);
  const int64_t by = (std::max(height, width) + largest_side - 1) / largest_side;
  const Tensor rows = gray.contiguous();
  const uint8_t* const pixels = rows.data<uint8_t>();
  return make_plane((height + by - 1) / by, (width + by - 1) / by, [&](int64_t y, int64_t x) {
    const int64_t bottom = std::min(height, (y + 1) * by), right = std::min(width, (x + 1) * by);
    int64_t sum = 0;
    for (int64_t i = y * by; i < bottom; ++i) {
      for (int64_t j = x * by; j < right; ++j) sum += pixels[i * width + j];
    }
    const int64_t count = (bottom - y * by) * (right - x * by);
    return static_cast<float>(sum) / static_cast<float>(count);
  });
}

Contrast contrast_to_paper(const Plane& picture) {
  const std::vector<Sample> samples = samples_of(picture);
  std::vector<double> values;
  values.reserve(samples.size());
  for (const Sample& s : samples) values.push_back(s.value);
  constexpr double least_noise = 2;  // of 255: what rounding and JPEG make of even paper
  Terms surface{median(values)};
  double noise = std::max(least_noise, spread(samples, surface));
  for (int fit = 0; fit < 20; ++fit) {
    NormalEquations equations;
    for (const Sample& s : samples) {
      const bool is_paper = std::abs(s.value - dot(surface, s.place)) <= 2 * noise;
      if (is_paper) equations.add(s.place, s.value);
    }
    if (equations.a[0][0] == 0) break;
    const Terms before = surface;
    surface = equations.solve();
    if (surface == before) break;
    noise = std::max(least_noise, spread(samples, surface));
  }
  return {make_plane(picture.height, picture.width,
                     [&](int64_t y, int64_t x) {
                       const double paper = dot(surface, terms_at(picture, y, x));
                       return picture.at(y, x) - static_cast<float>(paper);
                     }),
          noise};
}

}  // namespace gradus::examples
