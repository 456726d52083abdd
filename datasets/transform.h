// Transforms of images: scaling, and random variations (augmentation).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "../core/base/random.h"
#include "../core/tensor.h"

namespace gradus::data {

/// Maps an image [C, H, W] to another one: a pure function of the image and of the random numbers
/// that it draws. It never changes its argument, and several threads may call it at once. The
/// structs below are transforms, and so is any function of this form.
using Transform = std::function<Tensor(const Tensor& image, Rng& random)>;

/// A float32 image [C, H, W] in row-major order, for reading.
struct ImageView {
  Tensor image;  ///< keeps the pixels alive
  int64_t channels, height, width;

  std::span<const float> row(int64_t channel, int64_t y) const {
    return {image.data<float>() + (channel * height + y) * width, static_cast<size_t>(width)};
  }
};

/// Throws DTypeError or ShapeError in the name of `op` if `image` is anything else.
ImageView view_image(const char* op, const Tensor& image);

/// Options of apply.
struct ApplyOptions {
  int64_t first = 0;  ///< image i draws from random.fork(first + i)
  /// The numbers of the images in errors, those in a data set; empty: 0, 1, ...
  std::span<const int64_t> numbers = {};
};

/// Applies a transform to every image of a batch [N, C, H, W]. Each has random numbers of its own,
/// so the result does not depend on how many images there are, nor on the order of processing.
/// Throws what the transform throws, with the image's number as module path: "[affine] (sample 17)
/// ...". Throws ShapeError if the results have different shapes or types.
Tensor apply(const Transform& transform, const Tensor& images, const Rng& random,
             const ApplyOptions& options = {});

// --- Scaling -------------------------------------------------------------------------------------
//
// Images are float32 [C, H, W] from here on; ToFloat makes them. Another type or number of
// dimensions throws DTypeError or ShapeError, invalid options throw ValueError.

/// Bytes to floats, 0...255 to 0...1; floats stay as they are. (torchvision: ToTensor)
struct ToFloat {
  Tensor operator()(const Tensor& image, Rng& random) const;
};

/// (x - mean) / std, with one mean and std for all channels or one for each.
struct Normalize {
  std::vector<double> mean = {0};  ///< one, or one per channel
  std::vector<double> std = {1};   ///< likewise; positive

  Tensor operator()(const Tensor& image, Rng& random) const;
  /// The inverse transform, to look at what a net sees.
  Normalize inverse() const;
};

/// Maps [from_min, from_max] linearly to [to_min, to_max]; values outside stay outside.
struct MinMaxScale {
  double from_min = 0, from_max = 1;
  double to_min = 0, to_max = 1;

  Tensor operator()(const Tensor& image, Rng& random) const;
  MinMaxScale inverse() const { return {to_min, to_max, from_min, from_max}; }
};

// --- Geometry ------------------------------------------------------------------------------------
//
// Between pixels, images are interpolated linearly in both directions (bilinear); outside, they
// have the value `fill`. For normalized images that should be the normalized background, (0 - mean)
// / std, not 0. A geometry that changes nothing returns the same bits.

/// Options of affine. Throws ValueError for values that are not finite or outside these ranges.
struct AffineOptions {
  double angle = 0;                          ///< degrees, clockwise
  std::array<double, 2> translate = {0, 0};  ///< pixels to the right, and down
  double scale = 1;                          ///< above 1 enlarges; positive
  std::array<double, 2> shear = {0, 0};      ///< degrees in (-90, 90), along x and along y
  double fill = 0;                           ///< around the image
};

/// Rotates, shears and scales about the centre of the image, then shifts it. Shifts by whole pixels
/// and rotations by multiples of 90 degrees of square images move pixels exactly. (torchvision:
/// functional.affine; its angle is clockwise, that of rotate is not)
Tensor affine(const Tensor& image, const AffineOptions& options);
/// Rotates by `degrees` counter-clockwise.
Tensor rotate(const Tensor& image, double degrees, double fill = 0);
/// Cuts out `height` x `width` pixels, the first at (top, left); pixels outside the image are
/// `fill`.
Tensor crop(const Tensor& image, int64_t top, int64_t left, int64_t height, int64_t width,
            double fill = 0);
/// Mirrors left and right.
Tensor horizontal_flip(const Tensor& image);
/// The pixel at (row, column) comes from (row + displacement[1], column + displacement[0]):
/// displacement is float32 [2, H, W], in pixels.
Tensor displace(const Tensor& image, const Tensor& displacement, double fill = 0);

/// Shifts by a whole number of pixels in [-pixels, pixels], across and down.
struct RandomShift {
  int64_t pixels = 2;  ///< the most; at least 0
  double fill = 0;     ///< around the image

  Tensor operator()(const Tensor& image, Rng& random) const;
};

/// Rotates by an angle in [-degrees, degrees].
struct RandomRotation {
  double degrees = 10;  ///< the most, either way; at least 0
  double fill = 0;      ///< around the image

  Tensor operator()(const Tensor& image, Rng& random) const;
};

/// Scales by a factor in [min, max].
struct RandomScale {
  double min = 0.9, max = 1.1;
  double fill = 0;  ///< around the image

  Tensor operator()(const Tensor& image, Rng& random) const;
};

/// All of these in one interpolation.
struct RandomAffine {
  double degrees = 0;                        ///< rotation in [-degrees, degrees]
  std::array<double, 2> translate = {0, 0};  ///< share of width and height, to whole pixels
  std::array<double, 2> scale = {1, 1};      ///< factor between these
  double shear = 0;                          ///< along x, in [-shear, shear] degrees
  double fill = 0;                           ///< around the image

  Tensor operator()(const Tensor& image, Rng& random) const;
};

/// Cuts out `size` = {height, width} at a random position, of the image with `padding` pixels of
/// `fill` on each side.
struct RandomCrop {
  std::array<int64_t, 2> size;  ///< height, width; required
  int64_t padding = 0;          ///< pixels on each side before the cut; at least 0
  double fill = 0;              ///< of the padding

  Tensor operator()(const Tensor& image, Rng& random) const;
};

/// Mirrors left and right with probability p.
struct RandomHorizontalFlip {
  double p = 0.5;  ///< in [0, 1]

  Tensor operator()(const Tensor& image, Rng& random) const;
};

/// Overwrites a random rectangle with probability p (Zhong et al., arXiv 1708.04896; cutout, with a
/// fixed square, is DeVries and Taylor, arXiv 1708.04552). The area of the rectangle, as a fraction
/// of the image, is in `scale`, and height / width in `ratio`; after ten rectangles that do not
/// fit, the image stays as it is.
struct RandomErasing {
  double p = 0.5;                              ///< in [0, 1]
  std::array<double, 2> scale = {0.02, 0.33};  ///< least and largest share of the area
  std::array<double, 2> ratio = {0.3, 3.3};    ///< least and largest height / width
  double value = 0;                            ///< of the pixels in it

  Tensor operator()(const Tensor& image, Rng& random) const;
};

/// Elastic distortion (Simard, Steinkraus and Platt, "Best practices for convolutional neural
/// networks applied to visual document analysis", ICDAR 2003): each pixel is displaced by alpha
/// times uniform noise in [-1, 1], smoothed by a Gaussian. The defaults are the paper's for MNIST;
/// pixels then move by about 1.4 (standard deviation alpha / (sigma sqrt(12 pi))).
struct ElasticTransform {
  double alpha = 34;  ///< pixels; at least 0
  double sigma = 4;   ///< of the Gaussian, in pixels; in (0, 1000]
  double fill = 0;    ///< around the image

  Tensor operator()(const Tensor& image, Rng& random) const;
};

// --- Composition ---------------------------------------------------------------------------------

/// One transform after the other, drawing from one generator.
struct Compose {
  std::vector<Transform> transforms = {};  ///< in the order they are applied; none changes nothing

  Tensor operator()(const Tensor& image, Rng& random) const;
};

}  // namespace gradus::data
