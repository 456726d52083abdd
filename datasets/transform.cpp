#include "transform.h"

#include <algorithm>
#include <cmath>
#include <exception>

#include "../core/base/denormals.h"
#include "../core/io/elements.h"
#include "dataset.h"

namespace gradus::data {

namespace {

/// Calls the transform; its errors say which sample they are about.
Tensor transformed(const Transform& transform, const Tensor& image, Rng random, int64_t number) {
  const DenormalScope mode;  // the transforms here are kernels, too
  try {
    return transform(image, random).contiguous();
  } catch (Error& error) {
    error.add_module(str("sample ", number));
    throw;
  } catch (const std::exception& error) {
    throw Error("transform", str("sample ", number, ": ", error.what()),
                "the transform threw this, for this sample");
  }
}

/// A new image with each value v of channel c as f(c, v).
template <class F>
Tensor map_channels(const ImageView& view, const F& f) {
  Tensor result = Tensor::empty(view.image.shape(), float32);
  const int64_t plane = view.height * view.width;
  const float* from = view.image.data<float>();
  float* to = result.mutable_data<float>();
  for (int64_t c = 0; c < view.channels; ++c) {
    for (int64_t i = 0; i < plane; ++i) to[c * plane + i] = f(c, from[c * plane + i]);
  }
  return result;
}

void check_probability(const char* op, double p) {
  require(p >= 0 && p <= 1, op, "it is a probability: 0.5 is every second time",
          "p must be in [0, 1], got ", p);
}

/// No image is larger, and sums of a few such numbers do not overflow.
constexpr int64_t max_pixels = int64_t{1} << 40;

/// Throws unless there can be so many pixels around an image.
void check_pixels(const char* op, const char* name, const char* hint, int64_t pixels) {
  require(pixels >= 0 && pixels <= max_pixels, op, hint, name,
          " must not be negative or huge, got ", pixels);
}

bool is_range(const std::array<double, 2>& range) {
  return range[0] <= range[1] && std::isfinite(range[0]) && std::isfinite(range[1]);
}

/// Uniform in 0, 1, ..., most.
int64_t draw(int64_t most, Rng& random) {
  return static_cast<int64_t>(random.below(static_cast<uint64_t>(most) + 1));
}

}  // namespace

ImageView view_image(const char* op, const Tensor& image) {
  require<DTypeError>(image.dtype() == float32, op, "put ToFloat first",
                      "expected a float32 image, got ", image.dtype(), " ", image.shape());
  require<ShapeError>(image.dim() == 3, op,
                      "unsqueeze a dimension for gray images; apply() takes batches",
                      "expected an image [C,H,W], got ", image.shape());
  const Shape& shape = image.shape();
  return {image.contiguous(), shape[0], shape[1], shape[2]};
}

Tensor apply(const Transform& transform, const Tensor& images, const Rng& random,
             const ApplyOptions& options) {
  constexpr const char* op = "transform";
  require(transform != nullptr, op, "give a function from image to image",
          "the transform is empty");
  require<ShapeError>(images.dim() >= 1 && images.size(0) > 0, op,
                      "a batch has one image at least; stack() makes one of images",
                      "expected a batch [N,C,H,W], got ", images.shape());
  const int64_t count = images.size(0);
  require(options.numbers.empty() || static_cast<int64_t>(options.numbers.size()) == count, op,
          "one number per image", "there are ", options.numbers.size(), " numbers for ", count,
          " images");
  Tensor batch, first;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t number = options.numbers.empty() ? i : options.numbers[static_cast<size_t>(i)];
    const Tensor one = transformed(transform, images.select(0, i),
                                   random.fork(static_cast<uint64_t>(options.first + i)), number);
    if (i == 0) {
      first = one;
      Shape shape = one.shape();
      shape.insert(0, count);
      batch = Tensor::empty(shape, one.dtype());
    }
    require<ShapeError>(one.shape() == first.shape() && one.dtype() == first.dtype(), op,
                        "a transform must give every image of a batch the same shape and type",
                        "sample ", number, " became ", one.dtype(), " ", one.shape(),
                        ", others of the batch ", first.dtype(), " ", first.shape());
    std::ranges::copy(bytes_of(one), mutable_bytes_of(batch).begin() + i * one.nbytes());
  }
  return batch;
}

// --- Scaling -------------------------------------------------------------------------------------

Tensor ToFloat::operator()(const Tensor& image, Rng&) const {
  if (image.dtype() == float32) return image;
  require<DTypeError>(image.dtype() == uint8, "to_float", "convert it with .to(float32)",
                      "expected uint8 or float32, got ", image.dtype());
  const Tensor bytes = image.contiguous();
  Tensor result = Tensor::empty(image.shape(), float32);
  const uint8_t* const from = bytes.data<uint8_t>();
  std::transform(from, from + bytes.numel(), result.mutable_data<float>(),
                 [](uint8_t byte) { return static_cast<float>(byte) / 255; });
  return result;
}

Tensor Normalize::operator()(const Tensor& image, Rng&) const {
  const ImageView view = view_image("normalize", image);
  const bool fits = mean.size() == 1 || static_cast<int64_t>(mean.size()) == view.channels;
  require<ShapeError>(fits && mean.size() == std.size(), "normalize",
                      "give one of each, or one of each per channel", "got ", mean.size(),
                      " means and ", std.size(), " standard deviations for an image ",
                      image.shape());
  for (size_t k = 0; k < mean.size(); ++k) check_normalization("normalize", {mean[k], std[k]});
  return map_channels(view, [&](int64_t channel, float value) {
    const size_t k = mean.size() == 1 ? 0 : static_cast<size_t>(channel);
    return static_cast<float>((value - mean[k]) / std[k]);
  });
}

Normalize Normalize::inverse() const {
  Normalize back{{}, {}};
  for (size_t k = 0; k < std::min(mean.size(), std.size()); ++k) {
    back.mean.push_back(-mean[k] / std[k]);
    back.std.push_back(1 / std[k]);
  }
  return back;
}

Tensor MinMaxScale::operator()(const Tensor& image, Rng&) const {
  const ImageView view = view_image("min_max_scale", image);
  const double from = from_max - from_min, to = to_max - to_min;
  require(from > 0 && to > 0 && std::isfinite(from) && std::isfinite(to), "min_max_scale",
          "give the smaller one first, and finite ones", "minima must be below maxima, got from [",
          from_min, ", ", from_max, "] to [", to_min, ", ", to_max, "]");
  const double factor = to / from;
  return map_channels(view, [&](int64_t, float value) {
    return static_cast<float>((value - from_min) * factor + to_min);
  });
}

// --- Cutting, mirroring, erasing -----------------------------------------------------------------

Tensor crop(const Tensor& image, int64_t top, int64_t left, int64_t height, int64_t width,
            double fill) {
  const ImageView view = view_image("crop", image);
  require(height >= 1 && width >= 1, "crop", "it is counted in pixels",
          "the size must be positive, got ", height, " x ", width);
  const auto [least, most] = std::minmax({top, left, height, width});
  require(least >= -max_pixels && most <= max_pixels, "crop",
          "positions and sizes go up to 2^40 pixels; what lies outside of the image is filled",
          "there is no image of ", height, " x ", width, " pixels at (", top, ", ", left, ")");
  if (top == 0 && left == 0 && height == view.height && width == view.width) return view.image;
  Tensor result = Tensor::empty({view.channels, height, width}, float32);
  float* const to = result.mutable_data<float>();
  std::fill(to, to + result.numel(), static_cast<float>(fill));
  // The part of a row that the image has: columns [begin, end) of the result.
  const int64_t begin = std::clamp<int64_t>(-left, 0, width);
  const int64_t end = std::clamp<int64_t>(view.width - left, begin, width);
  for (int64_t c = 0; c < view.channels; ++c) {
    for (int64_t y = std::max<int64_t>(0, -top); y < std::min(height, view.height - top); ++y) {
      const auto row = view.row(c, top + y);
      std::copy_n(row.begin() + (left + begin), end - begin, to + (c * height + y) * width + begin);
    }
  }
  return result;
}

Tensor horizontal_flip(const Tensor& image) {
  const ImageView view = view_image("horizontal_flip", image);
  Tensor result = Tensor::empty(image.shape(), float32);
  float* to = result.mutable_data<float>();
  for (int64_t y = 0; y < view.channels * view.height; ++y) {
    const auto row = view.row(0, y);
    to = std::reverse_copy(row.begin(), row.end(), to);
  }
  return result;
}

Tensor RandomShift::operator()(const Tensor& image, Rng& random) const {
  const ImageView view = view_image("random_shift", image);
  check_pixels("random_shift", "pixels", "it is the largest shift in each direction", pixels);
  const int64_t right = draw(2 * pixels, random) - pixels;
  const int64_t down = draw(2 * pixels, random) - pixels;
  return crop(image, -down, -right, view.height, view.width, fill);
}

Tensor RandomCrop::operator()(const Tensor& image, Rng& random) const {
  const ImageView view = view_image("random_crop", image);
  check_pixels("random_crop", "padding", "it is the number of pixels added on each side", padding);
  const int64_t rows = view.height + 2 * padding - size[0];
  const int64_t columns = view.width + 2 * padding - size[1];
  require<ShapeError>(size[0] >= 1 && size[1] >= 1 && rows >= 0 && columns >= 0, "random_crop",
                      "more padding makes the image larger", "cannot cut ", size[0], " x ", size[1],
                      " out of ", image.shape(), " with padding ", padding);
  const int64_t top = draw(rows, random), left = draw(columns, random);
  return crop(image, top - padding, left - padding, size[0], size[1], fill);
}

Tensor RandomHorizontalFlip::operator()(const Tensor& image, Rng& random) const {
  check_probability("random_horizontal_flip", p);
  return random.uniform() < p ? horizontal_flip(image)
                              : view_image("random_horizontal_flip", image).image;
}

Tensor RandomErasing::operator()(const Tensor& image, Rng& random) const {
  const ImageView view = view_image("random_erasing", image);
  check_probability("random_erasing", p);
  require(is_range(scale) && scale[0] >= 0 && scale[1] <= 1 && is_range(ratio) && ratio[0] > 0,
          "random_erasing", "give the smaller one first",
          "scale must be a range in [0, 1] and ratio one above 0, got scale [", scale[0], ", ",
          scale[1], "], ratio [", ratio[0], ", ", ratio[1], "]");
  if (random.uniform() >= p) return view.image;
  const auto area = static_cast<double>(view.height * view.width);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double wanted = area * random.uniform(scale[0], scale[1]);
    const double form = std::exp(random.uniform(std::log(ratio[0]), std::log(ratio[1])));
    const auto rows = static_cast<int64_t>(std::lround(std::sqrt(wanted * form)));
    const auto columns = static_cast<int64_t>(std::lround(std::sqrt(wanted / form)));
    if (rows < 1 || columns < 1 || rows > view.height || columns > view.width) continue;
    const int64_t top = draw(view.height - rows, random);
    const int64_t left = draw(view.width - columns, random);
    Tensor result = view.image.clone();
    float* const first = result.mutable_data<float>() + top * view.width + left;
    for (int64_t row = 0; row < view.channels * view.height; ++row) {  // of all channels
      if (row % view.height >= rows) continue;
      std::fill_n(first + row * view.width, columns, static_cast<float>(value));
    }
    return result;
  }
  return view.image;
}

// --- Composition ---------------------------------------------------------------------------------

Tensor Compose::operator()(const Tensor& image, Rng& random) const {
  Tensor result = image;
  for (const Transform& transform : transforms) {
    require(transform != nullptr, "compose", "give functions from image to image",
            "one of the transforms is empty");
    result = transform(result, random);
  }
  return result;
}

}  // namespace gradus::data
