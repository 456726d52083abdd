#include "transform.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>

#include "../core/base/denormals.h"
#include "../core/base/error.h"
#include "dataset.h"
#include "image.h"

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

Tensor empty_batch(int64_t count, const Tensor& sample) {
  Shape shape = sample.shape();
  shape.insert(0, count);
  return Tensor::empty(shape, sample.dtype());
}

void check_same_form(const Tensor& expected, const Tensor& found, int64_t number) {
  if (found.shape() == expected.shape() && found.dtype() == expected.dtype()) return;
  throw ShapeError("transform",
                   str("sample ", number, " became ", name_of(found.dtype()), " ", found.shape(),
                       ", others of the batch ", name_of(expected.dtype()), " ", expected.shape()),
                   "a transform must give every image of a batch the same shape and type");
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
  if (p >= 0 && p <= 1) return;
  throw ValueError(op, str("p must be in [0, 1], got ", p),
                   "it is a probability: 0.5 is every second time");
}

/// No image is larger, and sums of a few such numbers do not overflow.
constexpr int64_t max_pixels = int64_t{1} << 40;

bool is_range(const std::array<double, 2>& range) {
  return range[0] <= range[1] && std::isfinite(range[0]) && std::isfinite(range[1]);
}

}  // namespace

ImageView view_image(const char* op, const Tensor& image) {
  if (image.dtype() != float32) {
    throw DTypeError(
        op, str("expected a float32 image, got ", name_of(image.dtype()), " ", image.shape()),
        "put ToFloat first");
  }
  if (image.dim() != 3) {
    throw ShapeError(op, str("expected an image [C,H,W], got ", image.shape()),
                     "unsqueeze a dimension for gray images; apply() takes batches");
  }
  const Shape& shape = image.shape();
  return {image.contiguous(), shape[0], shape[1], shape[2]};
}

Tensor apply(const Transform& transform, const Tensor& images, const Rng& random,
             const ApplyOptions& options) {
  if (!transform) {
    throw ValueError("transform", "the transform is empty", "give a function from image to image");
  }
  if (images.dim() < 1 || images.size(0) == 0) {
    throw ShapeError("transform", str("expected a batch [N,C,H,W], got ", images.shape()),
                     "a batch has one image at least; stack() makes one of images");
  }
  const int64_t count = images.size(0);
  if (!options.numbers.empty() && static_cast<int64_t>(options.numbers.size()) != count) {
    throw ValueError("transform",
                     str("there are ", options.numbers.size(), " numbers for ", count, " images"),
                     "one number per image");
  }
  Tensor batch, first;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t number = options.numbers.empty() ? i : options.numbers[static_cast<size_t>(i)];
    const Tensor one = transformed(transform, images.select(0, i),
                                   random.fork(static_cast<uint64_t>(options.first + i)), number);
    if (i == 0) {
      first = one;
      batch = empty_batch(count, one);
    }
    check_same_form(first, one, number);
    const auto bytes = static_cast<size_t>(one.nbytes());
    if (bytes == 0) continue;
    auto* const to = static_cast<std::byte*>(batch.raw_mutable_data());
    std::memcpy(to + static_cast<size_t>(i) * bytes, one.raw_data(), bytes);
  }
  return batch;
}

// --- Scaling -------------------------------------------------------------------------------------

Tensor ToFloat::operator()(const Tensor& image, Rng&) const {
  if (image.dtype() == float32) return image;
  if (image.dtype() != uint8) {
    throw DTypeError("to_float", str("expected uint8 or float32, got ", name_of(image.dtype())),
                     "convert it with .to(float32)");
  }
  const Tensor bytes = image.contiguous();
  Tensor result = Tensor::empty(image.shape(), float32);
  const uint8_t* const from = bytes.data<uint8_t>();
  std::transform(from, from + bytes.numel(), result.mutable_data<float>(),
                 [](uint8_t byte) { return static_cast<float>(byte) / 255; });
  return result;
}

Tensor Normalize::operator()(const Tensor& image, Rng&) const {
  const ImageView view = view_image("normalize", image);
  const auto fits = [&](size_t size) {
    return size == 1 || static_cast<int64_t>(size) == view.channels;
  };
  if (mean.size() != std.size() || !fits(mean.size())) {
    throw ShapeError("normalize",
                     str("got ", mean.size(), " means and ", std.size(),
                         " standard deviations for an image ", image.shape()),
                     "give one of each, or one of each per channel");
  }
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

namespace {

bool is_finite_range(double min, double max) {
  return min < max && std::isfinite(max - min);
}

}  // namespace

Tensor MinMaxScale::operator()(const Tensor& image, Rng&) const {
  const ImageView view = view_image("min_max_scale", image);
  if (!is_finite_range(from_min, from_max) || !is_finite_range(to_min, to_max)) {
    throw ValueError("min_max_scale",
                     str("minima must be below maxima, got from [", from_min, ", ", from_max,
                         "] to [", to_min, ", ", to_max, "]"),
                     "give the smaller one first, and finite ones");
  }
  const double factor = (to_max - to_min) / (from_max - from_min);
  return map_channels(view, [&](int64_t, float value) {
    return static_cast<float>((value - from_min) * factor + to_min);
  });
}

MinMaxScale MinMaxScale::inverse() const {
  return {.from_min = to_min, .from_max = to_max, .to_min = from_min, .to_max = from_max};
}

// --- Cutting, mirroring, erasing -----------------------------------------------------------------

Tensor crop(const Tensor& image, int64_t top, int64_t left, int64_t height, int64_t width,
            double fill) {
  const ImageView view = view_image("crop", image);
  if (height < 1 || width < 1) {
    throw ValueError("crop", str("the size must be positive, got ", height, " x ", width),
                     "it is counted in pixels");
  }
  const auto [least, most] = std::minmax({top, left, height, width});
  if (least < -max_pixels || most > max_pixels) {
    throw ValueError(
        "crop",
        str("there is no image of ", height, " x ", width, " pixels at (", top, ", ", left, ")"),
        "positions and sizes go up to 2^40 pixels; what lies outside of the image is filled");
  }
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
  for (int64_t c = 0; c < view.channels; ++c) {
    for (int64_t y = 0; y < view.height; ++y) {
      const auto row = view.row(c, y);
      to = std::reverse_copy(row.begin(), row.end(), to);
    }
  }
  return result;
}

Tensor RandomShift::operator()(const Tensor& image, Rng& random) const {
  const ImageView view = view_image("random_shift", image);
  if (pixels < 0 || pixels > max_pixels) {
    throw ValueError("random_shift", str("pixels must not be negative or huge, got ", pixels),
                     "it is the largest shift in each direction");
  }
  const auto draw = [&] {
    return static_cast<int64_t>(random.below(2 * static_cast<uint64_t>(pixels) + 1)) - pixels;
  };
  const int64_t right = draw(), down = draw();
  return crop(image, -down, -right, view.height, view.width, fill);
}

Tensor RandomCrop::operator()(const Tensor& image, Rng& random) const {
  const ImageView view = view_image("random_crop", image);
  if (padding < 0 || padding > max_pixels) {
    throw ValueError("random_crop", str("padding must not be negative or huge, got ", padding),
                     "it is the number of pixels added on each side");
  }
  const int64_t rows = view.height + 2 * padding - size[0];
  const int64_t columns = view.width + 2 * padding - size[1];
  if (size[0] < 1 || size[1] < 1 || rows < 0 || columns < 0) {
    throw ShapeError("random_crop",
                     str("cannot cut ", size[0], " x ", size[1], " out of ", image.shape(),
                         " with padding ", padding),
                     "more padding makes the image larger");
  }
  const auto top = static_cast<int64_t>(random.below(static_cast<uint64_t>(rows) + 1));
  const auto left = static_cast<int64_t>(random.below(static_cast<uint64_t>(columns) + 1));
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
  if (!is_range(scale) || scale[0] < 0 || scale[1] > 1 || !is_range(ratio) || !(ratio[0] > 0)) {
    throw ValueError("random_erasing",
                     str("scale must be a range in [0, 1] and ratio one above 0, "
                         "got scale [",
                         scale[0], ", ", scale[1], "], ratio [", ratio[0], ", ", ratio[1], "]"),
                     "give the smaller one first");
  }
  if (random.uniform() >= p) return view.image;
  const auto area = static_cast<double>(view.height * view.width);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double wanted = area * random.uniform(scale[0], scale[1]);
    const double form = std::exp(random.uniform(std::log(ratio[0]), std::log(ratio[1])));
    const auto rows = static_cast<int64_t>(std::lround(std::sqrt(wanted * form)));
    const auto columns = static_cast<int64_t>(std::lround(std::sqrt(wanted / form)));
    if (rows < 1 || columns < 1 || rows > view.height || columns > view.width) continue;
    const auto top =
        static_cast<int64_t>(random.below(static_cast<uint64_t>(view.height - rows) + 1));
    const auto left =
        static_cast<int64_t>(random.below(static_cast<uint64_t>(view.width - columns) + 1));
    Tensor result = view.image.clone();
    float* const pixels = result.mutable_data<float>();
    for (int64_t c = 0; c < view.channels; ++c) {
      for (int64_t y = top; y < top + rows; ++y) {
        std::fill_n(pixels + (c * view.height + y) * view.width + left, columns,
                    static_cast<float>(value));
      }
    }
    return result;
  }
  return view.image;
}

// --- Composition ---------------------------------------------------------------------------------

Tensor Compose::operator()(const Tensor& image, Rng& random) const {
  Tensor result = image;
  for (const Transform& transform : transforms) {
    if (!transform) {
      throw ValueError("compose", "one of the transforms is empty",
                       "give functions from image to image");
    }
    result = transform(result, random);
  }
  return result;
}

}  // namespace gradus::data
