// The transforms that interpolate: affine maps and elastic distortion.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "../core/base/error.h"
#include "transform.h"

namespace gradus::data {

namespace {

// --- Interpolation -------------------------------------------------------------------------------

/// In coordinates of an image with a border of one pixel, from 0 to size + 1: what is further out
/// than that is all border. A NaN is as far out as can be.
float inside(float position, int64_t size) {
  return std::min(std::max(0.F, position + 1), static_cast<float>(size + 1));
}

/// The image whose row comes from the points that `source(row, x, y)` writes, interpolated between
/// the four pixels around each.
template <class Source>
Tensor warp(const char* op, const ImageView& view, double fill, const Source& source) {
  constexpr int64_t most = 1 << 15;  // a plane has fewer than 2^31 pixels then
  require<ShapeError>(view.height <= most && view.width <= most, op, "crop or shrink it first",
                      "images have at most ", most, " rows and columns, got ", view.image.shape());
  // With a border there is no case for the outside: pixel (y, x) is at (y + 1, x + 1), and there
  // are two more columns and rows after the last.
  const int64_t stride = view.width + 3, plane = (view.height + 3) * stride;
  const Tensor bordered = crop(view.image, -1, -1, view.height + 3, stride, fill);
  const auto width = static_cast<size_t>(view.width);
  std::vector<float> x(width), y(width);
  std::vector<int32_t> corner(width);              // the pixel to the upper left of each point ...
  std::vector<float> rights(width), downs(width);  // ... and how far the point is from it
  Tensor result = Tensor::empty({view.channels, view.height, view.width}, float32);
  float* const to = result.mutable_data<float>();
  for (int64_t row = 0; row < view.height; ++row) {
    source(row, x.data(), y.data());
    for (size_t i = 0; i < width; ++i) {  // for all channels at once; loops that vectorize
      const float across = inside(x[i], view.width), along = inside(y[i], view.height);
      const auto left = static_cast<int32_t>(across), above = static_cast<int32_t>(along);
      corner[i] = above * static_cast<int32_t>(stride) + left;
      rights[i] = across - static_cast<float>(left);
      downs[i] = along - static_cast<float>(above);
    }
    for (int64_t c = 0; c < view.channels; ++c) {
      const float* const origin = bordered.data<float>() + c * plane;
      float* const out = to + (c * view.height + row) * view.width;
      for (size_t i = 0; i < width; ++i) {
        const float* const p = origin + corner[i];
        const float right = rights[i], left = 1 - right, down = downs[i];
        const float above = p[0] * left + p[1] * right;
        const float below = p[stride] * left + p[stride + 1] * right;
        out[i] = above * (1 - down) + below * down;
      }
    }
  }
  return result;
}

// --- Affine maps ---------------------------------------------------------------------------------

/// [xx xy; yx yy], about the centre of the image.
struct Matrix {
  double xx, xy, yx, yy;

  bool is_identity() const { return xx == 1 && xy == 0 && yx == 0 && yy == 1; }
};

Matrix operator*(const Matrix& a, const Matrix& b) {
  return {a.xx * b.xx + a.xy * b.yx, a.xx * b.xy + a.xy * b.yy, a.yx * b.xx + a.yy * b.yx,
          a.yx * b.xy + a.yy * b.yy};
}

/// The inverse of a rotation; exact for multiples of 90 degrees.
Matrix inverse_rotation(double degrees) {
  const double quarters = std::nearbyint(degrees / 90);
  const double rest = (degrees - 90 * quarters) * std::numbers::pi / 180;
  double c = std::cos(rest), s = std::sin(rest);
  for (int k = static_cast<int>(std::fmod(quarters, 4)) & 3; k > 0; --k) {
    c = -std::exchange(s, c);
  }
  return {c, s, -s, c};
}

/// The inverse of rotation * shear along y * shear along x * scale. With y pointing down, positive
/// angles turn clockwise.
Matrix inverse_matrix(const AffineOptions& o) {
  const double shear_x = std::tan(o.shear[0] * std::numbers::pi / 180);
  const double shear_y = std::tan(o.shear[1] * std::numbers::pi / 180);
  return Matrix{1 / o.scale, 0, 0, 1 / o.scale} * Matrix{1, shear_x, 0, 1} *
         Matrix{1, 0, shear_y, 1} * inverse_rotation(o.angle);
}

void check(const AffineOptions& o) {
  const bool finite =
      std::isfinite(o.angle) && std::isfinite(o.translate[0]) && std::isfinite(o.translate[1]);
  const bool sheared = std::abs(o.shear[0]) < 90 && std::abs(o.shear[1]) < 90;
  require(finite && sheared && o.scale > 0 && std::isfinite(o.scale), "affine",
          "{} changes nothing",
          "scale must be positive, shear between -90 and 90 degrees, all finite: got angle ",
          o.angle, ", translate [", o.translate[0], ", ", o.translate[1], "], scale ", o.scale,
          ", shear [", o.shear[0], ", ", o.shear[1], "]");
}

bool is_whole(double value) {
  return value == std::nearbyint(value) && std::abs(value) < 1e9;
}

void check_not_negative(const char* op, const char* name, double value) {
  require(value >= 0 && std::isfinite(value), op, "0 is none", name,
          " must be finite and not negative, got ", value);
}

void check_scale_range(const char* op, double min, double max) {
  require(min > 0 && min <= max && std::isfinite(max), op,
          "give the smaller one first; {1, 1} changes nothing",
          "scales must be positive and in order, got [", min, ", ", max, "]");
}

// --- Smooth noise --------------------------------------------------------------------------------

/// Uniform in [-1, 1), with 24 random bits each.
void fill_with_noise(std::span<float> out, Rng& random) {
  const uint64_t blocks = (out.size() + 3) / 4;
  const Rng from = random.take(4 * blocks + 4);  // whole blocks, the first may be begun
  for (uint64_t block = 0; block < blocks; ++block) {
    const auto words = philox(from.seed, from.stream, from.position / 4 + 1 + block);
    for (size_t i = 4 * block; i < std::min<size_t>(4 * block + 4, out.size()); ++i) {
      out[i] = static_cast<float>(words[i % 4] >> 8) * 0x1p-23F - 1;
    }
  }
}

/// The half of a Gaussian that sums to 1: weights of distance 0, 1, ... up to three sigma.
std::vector<float> gaussian_weights(double sigma) {
  const auto bell = [sigma](size_t distance) {
    const double z = static_cast<double>(distance) / sigma;
    return std::exp(-0.5 * z * z);
  };
  std::vector<float> weights(static_cast<size_t>(std::ceil(3 * sigma)) + 1);
  double sum = 1;
  for (size_t d = 1; d < weights.size(); ++d) sum += 2 * bell(d);
  for (size_t d = 0; d < weights.size(); ++d) weights[d] = static_cast<float>(bell(d) / sum);
  return weights;
}

/// Adds up neighbours that are `step` elements apart, of `count` that lie so; outside of them
/// everything is 0.
void smooth(std::span<const float> from, size_t step, size_t count, std::span<const float> weights,
            float* to) {
  const auto add = [](std::span<const float> values, float weight, float* sums) {
    for (size_t i = 0; i < values.size(); ++i) sums[i] += weight * values[i];
  };
  add(from, weights[0], to);
  for (size_t d = 1; d < std::min(weights.size(), count); ++d) {
    add(from.first(from.size() - d * step), weights[d], to + d * step);
    add(from.subspan(d * step), weights[d], to);
  }
}

/// Smooths along the rows and along the columns of a plane.
void smooth(std::span<float> plane, size_t width, std::span<const float> weights) {
  std::vector<float> across(plane.size());
  for (size_t at = 0; at < plane.size(); at += width) {
    smooth(plane.subspan(at, width), 1, width, weights, &across[at]);
  }
  std::fill(plane.begin(), plane.end(), 0.F);
  smooth(across, width, plane.size() / width, weights, plane.data());
}

}  // namespace

Tensor affine(const Tensor& image, const AffineOptions& options) {
  const ImageView view = view_image("affine", image);
  check(options);
  const Matrix m = inverse_matrix(options);
  const double right = options.translate[0], down = options.translate[1];
  if (m.is_identity() && is_whole(right) && is_whole(down)) {
    return crop(view.image, -static_cast<int64_t>(down), -static_cast<int64_t>(right), view.height,
                view.width, options.fill);
  }
  const double centre_x = static_cast<double>(view.width - 1) / 2;
  const double centre_y = static_cast<double>(view.height - 1) / 2;
  return warp("affine", view, options.fill, [&](int64_t row, float* xs, float* ys) {
    const double y = static_cast<double>(row) - centre_y - down;
    const double x = -centre_x - right;  // of column 0
    const auto x0 = static_cast<float>(m.xx * x + m.xy * y + centre_x);
    const auto y0 = static_cast<float>(m.yx * x + m.yy * y + centre_y);
    const auto dx = static_cast<float>(m.xx), dy = static_cast<float>(m.yx);
    for (int32_t i = 0; i < static_cast<int32_t>(view.width); ++i) {
      xs[i] = x0 + dx * static_cast<float>(i);
      ys[i] = y0 + dy * static_cast<float>(i);
    }
  });
}

Tensor rotate(const Tensor& image, double degrees, double fill) {
  return affine(image, {.angle = -degrees, .fill = fill});
}

Tensor displace(const Tensor& image, const Tensor& displacement, double fill) {
  const ImageView view = view_image("displace", image);
  const ImageView by = view_image("displace", displacement);
  require<ShapeError>(by.channels == 2 && by.height == view.height && by.width == view.width,
                      "displace", "one distance in rows and one in columns per pixel",
                      "expected a displacement [2,", view.height, ",", view.width,
                      "] for an image ", image.shape(), ", got ", displacement.shape());
  const float* const dx = by.image.data<float>();
  const float* const dy = dx + view.height * view.width;
  return warp("displace", view, fill, [&](int64_t row, float* xs, float* ys) {
    for (int32_t i = 0; i < static_cast<int32_t>(view.width); ++i) {
      xs[i] = static_cast<float>(i) + dx[row * view.width + i];
      ys[i] = static_cast<float>(row) + dy[row * view.width + i];
    }
  });
}

Tensor RandomRotation::operator()(const Tensor& image, Rng& random) const {
  check_not_negative("random_rotation", "degrees", degrees);
  return rotate(image, random.uniform(-degrees, degrees), fill);
}

Tensor RandomScale::operator()(const Tensor& image, Rng& random) const {
  check_scale_range("random_scale", min, max);
  return affine(image, {.scale = random.uniform(min, max), .fill = fill});
}

Tensor RandomAffine::operator()(const Tensor& image, Rng& random) const {
  const ImageView view = view_image("random_affine", image);
  check_not_negative("random_affine", "degrees", degrees);
  check_not_negative("random_affine", "translate", translate[0]);
  check_not_negative("random_affine", "translate", translate[1]);
  check_not_negative("random_affine", "shear", shear);
  check_scale_range("random_affine", scale[0], scale[1]);
  const auto shift = [&](double share, int64_t size) {
    const double most = share * static_cast<double>(size);
    return std::nearbyint(random.uniform(-most, most));
  };
  // What stands in braces is evaluated from left to right.
  return affine(image,
                {.angle = random.uniform(-degrees, degrees),
                 .translate = {shift(translate[0], view.width), shift(translate[1], view.height)},
                 .scale = random.uniform(scale[0], scale[1]),
                 .shear = {random.uniform(-shear, shear), 0},
                 .fill = fill});
}

Tensor ElasticTransform::operator()(const Tensor& image, Rng& random) const {
  const ImageView view = view_image("elastic_transform", image);
  check_not_negative("elastic_transform", "alpha", alpha);
  require(sigma > 0 && sigma <= 1000, "elastic_transform", "it smooths the displacement, in pixels",
          "sigma must be in (0, 1000], got ", sigma);
  if (alpha == 0) return view.image;
  Tensor displacement = Tensor::empty({2, view.height, view.width}, float32);
  const std::span<float> both(displacement.mutable_data<float>(),
                              static_cast<size_t>(displacement.numel()));
  fill_with_noise(both, random);
  const std::vector<float> weights = gaussian_weights(sigma);
  for (const auto plane : {both.first(both.size() / 2), both.subspan(both.size() / 2)}) {
    smooth(plane, static_cast<size_t>(view.width), weights);
  }
  for (float& d : both) d *= static_cast<float>(alpha);
  return displace(view.image, displacement, fill);
}

}  // namespace gradus::data
