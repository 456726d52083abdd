// The transforms that interpolate: affine maps and elastic distortion.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "../core/base/error.h"
#include "image.h"
#include "transform.h"

namespace gradus::data {

namespace {

// --- Interpolation -------------------------------------------------------------------------------

/// Where the pixels of one row come from, in pixels of the source.
struct RowOfPoints {
  std::vector<float> x, y;

  explicit RowOfPoints(size_t width) : x(width), y(width) {}
};

/// An image with a border of `fill` around it, so that interpolation needs no case for the outside:
/// pixel (y, x) is at (y + 1, x + 1), with two more columns and rows behind the last.
class BorderedImage {
 public:
  BorderedImage(const ImageView& view, float fill)
      : height_(view.height),
        width_(view.width),
        stride_(view.width + 3),
        pixels_(static_cast<size_t>(view.channels * plane()), fill),
        corner_(static_cast<size_t>(view.width)),
        right_(corner_.size()),
        down_(corner_.size()) {
    for (int64_t c = 0; c < view.channels; ++c) {
      for (int64_t y = 0; y < height_; ++y) {
        const auto row = view.row(c, y);
        std::copy(row.begin(), row.end(), pixels_.begin() + (c * plane() + (y + 1) * stride_ + 1));
      }
    }
  }

  /// Finds the pixels around the points: for all channels at once, in loops that vectorize.
  void go_to(const RowOfPoints& points) {
    const auto stride = static_cast<int32_t>(stride_);
    for (size_t i = 0; i < corner_.size(); ++i) {
      const float column = inside(points.x[i], width_), row = inside(points.y[i], height_);
      const auto left = static_cast<int32_t>(column), above = static_cast<int32_t>(row);
      corner_[i] = above * stride + left;
      right_[i] = column - static_cast<float>(left);
      down_[i] = row - static_cast<float>(above);
    }
  }

  /// The values of one channel there.
  void read(int64_t channel, float* to) const {
    const float* const origin = pixels_.data() + channel * plane();
    for (size_t i = 0; i < corner_.size(); ++i) {
      const float* const p = origin + corner_[i];
      const float right = right_[i], left = 1 - right, down = down_[i];
      const float above = p[0] * left + p[1] * right;
      const float below = p[stride_] * left + p[stride_ + 1] * right;
      to[i] = above * (1 - down) + below * down;
    }
  }

 private:
  int64_t plane() const { return (height_ + 3) * stride_; }

  /// In coordinates of the bordered image, from 0 to size + 1: what is further out than one pixel
  /// is all border. A NaN is as far out as can be.
  static float inside(float position, int64_t size) {
    return std::min(std::max(0.F, position + 1), static_cast<float>(size + 1));
  }

  int64_t height_, width_, stride_;
  std::vector<float> pixels_;
  std::vector<int32_t> corner_;      // the pixel to the upper left of each point ...
  std::vector<float> right_, down_;  // ... and how far the point is from it
};

void check_size(const char* op, const ImageView& view) {
  constexpr int64_t most = 1 << 15;  // a plane has fewer than 2^31 pixels then
  if (view.height <= most && view.width <= most) return;
  throw ShapeError(op,
                   str("images have at most ", most, " rows and columns, got ", view.image.shape()),
                   "crop or shrink it first");
}

/// The image whose row y comes from the points that `source(y, points)` writes.
template <class Source>
Tensor warp(const char* op, const ImageView& view, double fill, const Source& source) {
  check_size(op, view);
  BorderedImage bordered(view, static_cast<float>(fill));
  RowOfPoints points(static_cast<size_t>(view.width));
  Tensor result = Tensor::empty({view.channels, view.height, view.width}, float32);
  float* const to = result.mutable_data<float>();
  for (int64_t y = 0; y < view.height; ++y) {
    source(y, points);
    bordered.go_to(points);
    for (int64_t c = 0; c < view.channels; ++c) {
      bordered.read(c, to + (c * view.height + y) * view.width);
    }
  }
  return result;
}

// --- Affine maps ---------------------------------------------------------------------------------

struct Direction {
  double cos, sin;
};

/// Exact for multiples of 90 degrees.
Direction direction(double degrees) {
  const double quarters = std::nearbyint(degrees / 90);
  const double rest = (degrees - 90 * quarters) * std::numbers::pi / 180;
  const double c = std::cos(rest), s = std::sin(rest);
  switch (static_cast<int>(std::fmod(quarters, 4)) & 3) {
    case 0:
      return {c, s};
    case 1:
      return {-s, c};
    case 2:
      return {-c, -s};
    default:
      return {s, -c};
  }
}

/// [xx xy; yx yy], about the centre of the image.
struct Matrix {
  double xx, xy, yx, yy;

  bool is_identity() const { return xx == 1 && xy == 0 && yx == 0 && yy == 1; }
};

Matrix operator*(const Matrix& a, const Matrix& b) {
  return {a.xx * b.xx + a.xy * b.yx, a.xx * b.xy + a.xy * b.yy, a.yx * b.xx + a.yy * b.yx,
          a.yx * b.xy + a.yy * b.yy};
}

/// The inverse of rotation * shear along y * shear along x * scale. With y pointing down, positive
/// angles turn clockwise.
Matrix inverse_matrix(const AffineOptions& o) {
  const Direction turn = direction(o.angle);
  const double shear_x = std::tan(o.shear[0] * std::numbers::pi / 180);
  const double shear_y = std::tan(o.shear[1] * std::numbers::pi / 180);
  return Matrix{1 / o.scale, 0, 0, 1 / o.scale} * Matrix{1, shear_x, 0, 1} *
         Matrix{1, 0, shear_y, 1} * Matrix{turn.cos, turn.sin, -turn.sin, turn.cos};
}

void check(const AffineOptions& o) {
  const bool finite =
      std::isfinite(o.angle) && std::isfinite(o.translate[0]) && std::isfinite(o.translate[1]);
  const bool sheared = std::abs(o.shear[0]) < 90 && std::abs(o.shear[1]) < 90;
  if (finite && sheared && o.scale > 0 && std::isfinite(o.scale)) return;
  throw ValueError("affine",
                   str("scale must be positive, shear between -90 and 90 degrees, all finite: got ",
                       "angle ", o.angle, ", translate [", o.translate[0], ", ", o.translate[1],
                       "], scale ", o.scale, ", shear [", o.shear[0], ", ", o.shear[1], "]"),
                   "{} changes nothing");
}

bool is_whole(double value) {
  return value == std::nearbyint(value) && std::abs(value) < 1e9;
}

void check_not_negative(const char* op, const char* name, double value) {
  if (value >= 0 && std::isfinite(value)) return;
  throw ValueError(op, str(name, " must be finite and not negative, got ", value), "0 is none");
}

void check_scale_range(const char* op, double min, double max) {
  if (min > 0 && min <= max && std::isfinite(max)) return;
  throw ValueError(op, str("scales must be positive and in order, got [", min, ", ", max, "]"),
                   "give the smaller one first; {1, 1} changes nothing");
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
  const auto reach = static_cast<size_t>(std::ceil(3 * sigma));
  std::vector<double> weights;
  double sum = 0;
  for (size_t distance = 0; distance <= reach; ++distance) {
    const double z = static_cast<double>(distance) / sigma;
    weights.push_back(std::exp(-0.5 * z * z));
    sum += distance == 0 ? weights.back() : 2 * weights.back();
  }
  std::vector<float> normalized(weights.size());
  std::transform(weights.begin(), weights.end(), normalized.begin(),
                 [sum](double weight) { return static_cast<float>(weight / sum); });
  return normalized;
}

/// Adds `weight` times `from` to `to`.
void add_scaled(std::span<const float> from, float weight, float* to) {
  for (size_t i = 0; i < from.size(); ++i) to[i] += weight * from[i];
}

/// Smooths along the rows and along the columns of a plane; outside of it everything is 0.
void smooth(std::span<float> plane, size_t width, std::span<const float> weights) {
  std::vector<float> across(plane.size()), down(plane.size());
  const size_t height = plane.size() / width;
  for (size_t y = 0; y < height; ++y) {
    const auto row = std::span<const float>(plane).subspan(y * width, width);
    float* const to = across.data() + y * width;
    add_scaled(row, weights[0], to);
    for (size_t d = 1; d < std::min(weights.size(), width); ++d) {
      add_scaled(row.first(width - d), weights[d], to + d);
      add_scaled(row.subspan(d), weights[d], to);
    }
  }
  const std::span<const float> all = across;  // a shift by d rows is one by d * width elements
  add_scaled(all, weights[0], down.data());
  for (size_t d = 1; d < std::min(weights.size(), height); ++d) {
    add_scaled(all.first(all.size() - d * width), weights[d], down.data() + d * width);
    add_scaled(all.subspan(d * width), weights[d], down.data());
  }
  std::copy(down.begin(), down.end(), plane.begin());
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
  const auto source = [&](int64_t row, RowOfPoints& points) {
    const double y = static_cast<double>(row) - centre_y - down;
    const double x = -centre_x - right;  // of column 0
    const auto x0 = static_cast<float>(m.xx * x + m.xy * y + centre_x);
    const auto y0 = static_cast<float>(m.yx * x + m.yy * y + centre_y);
    const auto dx = static_cast<float>(m.xx), dy = static_cast<float>(m.yx);
    for (size_t i = 0; i < points.x.size(); ++i) {
      const auto column = static_cast<float>(static_cast<int32_t>(i));
      points.x[i] = x0 + dx * column;
      points.y[i] = y0 + dy * column;
    }
  };
  return warp("affine", view, options.fill, source);
}

Tensor rotate(const Tensor& image, double degrees, double fill) {
  return affine(image, {.angle = -degrees, .fill = fill});
}

Tensor displace(const Tensor& image, const Tensor& displacement, double fill) {
  const ImageView view = view_image("displace", image);
  const ImageView by = view_image("displace", displacement);
  if (by.channels != 2 || by.height != view.height || by.width != view.width) {
    throw ShapeError("displace",
                     str("expected a displacement [2,", view.height, ",", view.width,
                         "] for an image ", image.shape(), ", got ", displacement.shape()),
                     "one distance in rows and one in columns per pixel");
  }
  const float* const dx = by.image.data<float>();
  const float* const dy = dx + view.height * view.width;
  return warp("displace", view, fill, [&](int64_t y, RowOfPoints& points) {
    for (size_t i = 0; i < points.x.size(); ++i) {
      const int64_t at = y * view.width + static_cast<int64_t>(i);
      points.x[i] = static_cast<float>(static_cast<int32_t>(i)) + dx[at];
      points.y[i] = static_cast<float>(y) + dy[at];
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
  AffineOptions drawn{.fill = fill};
  drawn.angle = random.uniform(-degrees, degrees);
  drawn.translate[0] = shift(translate[0], view.width);
  drawn.translate[1] = shift(translate[1], view.height);
  drawn.scale = random.uniform(scale[0], scale[1]);
  drawn.shear[0] = random.uniform(-shear, shear);
  return affine(image, drawn);
}

Tensor ElasticTransform::operator()(const Tensor& image, Rng& random) const {
  const ImageView view = view_image("elastic_transform", image);
  check_not_negative("elastic_transform", "alpha", alpha);
  if (!(sigma > 0 && sigma <= 1000)) {
    throw ValueError("elastic_transform", str("sigma must be in (0, 1000], got ", sigma),
                     "it smooths the displacement, in pixels");
  }
  if (alpha == 0) return view.image;
  Tensor displacement = Tensor::empty({2, view.height, view.width}, float32);
  float* const data = displacement.mutable_data<float>();
  const std::span<float> both(data, static_cast<size_t>(displacement.numel()));
  fill_with_noise(both, random);
  const std::vector<float> weights = gaussian_weights(sigma);
  for (const auto plane : {both.first(both.size() / 2), both.subspan(both.size() / 2)}) {
    smooth(plane, static_cast<size_t>(view.width), weights);
  }
  for (float& d : both) d *= static_cast<float>(alpha);
  return displace(view.image, displacement, fill);
}

}  // namespace gradus::data
