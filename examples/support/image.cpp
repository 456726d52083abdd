#include "image.h"

#include <png.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <vector>

#include <gradus/core/base/error.h>
#include <gradus/core/ops.h>
#include <gradus/datasets/file.h>

namespace gradus::examples {

namespace {

constexpr int64_t largest_side = 4096;

[[noreturn]] void fail(const std::string& name, const std::string& what,
                       const char* hint = "save it again with a picture program") {
  throw IoError("read_image", str(name, " ", what), hint);
}

void check_size(const std::string& name, int64_t height, int64_t width) {
  if (height >= 1 && width >= 1 && height <= largest_side && width <= largest_side) return;
  throw IoError("read_image", str(name, " has ", width, "x", height, " pixels"),
                str("pictures may have 1 to ", largest_side, " pixels on a side"));
}

Tensor gray_tensor(const std::vector<uint8_t>& pixels, int64_t height, int64_t width) {
  return tensor(pixels, {height, width});
}

// --- PNG -----------------------------------------------------------------------------------------

Tensor read_png(std::span<const std::byte> bytes, const std::string& name) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const std::unique_ptr<png_image, decltype(&png_image_free)> freed(&image, &png_image_free);
  const auto damaged = [&] { fail(name, str("is a damaged PNG: ", image.message)); };
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) damaged();
  check_size(name, image.height, image.width);
  image.format = PNG_FORMAT_GRAY;
  std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(image));
  const png_color white = {255, 255, 255};
  if (png_image_finish_read(&image, &white, pixels.data(), 0, nullptr) == 0) damaged();
  return gray_tensor(pixels, image.height, image.width);
}

// --- PGM -----------------------------------------------------------------------------------------

bool is_space(std::byte b) {
  return b == std::byte{' '} || (b >= std::byte{'\t'} && b <= std::byte{'\r'});
}

/// Walks through a PGM file.
struct PgmReader {
  std::span<const std::byte> rest;
  const std::string& name;

  /// The next number; '#' starts a comment that goes to the end of the line.
  int64_t number(const char* what) {
    while (!rest.empty() && (is_space(rest.front()) || rest.front() == std::byte{'#'})) {
      const bool is_comment = rest.front() == std::byte{'#'};
      const auto next =
          is_comment ? std::find(rest.begin(), rest.end(), std::byte{'\n'}) : rest.begin() + 1;
      rest = rest.subspan(static_cast<size_t>(next - rest.begin()));
    }
    const char* const begin = reinterpret_cast<const char*>(rest.data());
    uint32_t value = 0;
    const auto [end, error] = std::from_chars(begin, begin + rest.size(), value);
    if (error != std::errc()) {
      fail(name, rest.empty() ? std::string("is truncated") : str("has a damaged PGM ", what));
    }
    rest = rest.subspan(static_cast<size_t>(end - begin));
    return value;
  }
};

Tensor read_pgm(std::span<const std::byte> bytes, const std::string& name) {
  PgmReader reader{bytes.subspan(2), name};
  const int64_t width = reader.number("header"), height = reader.number("header");
  const int64_t brightest = reader.number("header");
  check_size(name, height, width);
  if (brightest < 1 || brightest > 255) {
    fail(name, str("has gray values up to ", brightest), "save it with 8 bits per pixel");
  }
  // A white space, then a byte for each pixel; or a space and a digit at least.
  const bool binary = bytes[1] == std::byte{'5'};
  const auto count = static_cast<size_t>(height * width);
  if (reader.rest.size() < (binary ? count + 1 : 2 * count)) fail(name, "is truncated");
  std::vector<uint8_t> pixels(count);
  const auto in_range = [&](int64_t value) {
    return static_cast<uint8_t>(std::min(value, brightest) * 255 / brightest);
  };
  if (binary) {
    const auto values = reader.rest.subspan(1, count);
    std::transform(values.begin(), values.end(), pixels.begin(),
                   [&](std::byte b) { return in_range(std::to_integer<int64_t>(b)); });
  } else {
    for (uint8_t& pixel : pixels) pixel = in_range(reader.number("pixel"));
  }
  return gray_tensor(pixels, height, width);
}

// --- From a picture to a digit -------------------------------------------------------------------

struct Box {
  int64_t top, left, bottom, right;  // the last two are one beyond
};

Box ink_box(const std::vector<uint8_t>& ink, int64_t height, int64_t width) {
  Box box{height, width, 0, 0};
  for (int64_t i = 0; i < height * width; ++i) {
    if (ink[static_cast<size_t>(i)] < 32) continue;
    box = {std::min(box.top, i / width), std::min(box.left, i % width),
           std::max(box.bottom, i / width + 1), std::max(box.right, i % width + 1)};
  }
  return box;
}

/// Mean ink of the part of the picture that one target pixel covers.
double area_mean(const std::vector<uint8_t>& ink, int64_t width, double top, double left,
                 double bottom, double right) {
  double sum = 0, area = 0;
  for (auto y = static_cast<int64_t>(top); y < static_cast<int64_t>(std::ceil(bottom)); ++y) {
    for (auto x = static_cast<int64_t>(left); x < static_cast<int64_t>(std::ceil(right)); ++x) {
      const auto fy = static_cast<double>(y), fx = static_cast<double>(x);
      const double part = (std::min(bottom, fy + 1) - std::max(top, fy)) *
                          (std::min(right, fx + 1) - std::max(left, fx));
      sum += part * ink[static_cast<size_t>(y * width + x)];
      area += part;
    }
  }
  return area > 0 ? sum / area : 0;
}

}  // namespace

Tensor parse_image(std::span<const std::byte> bytes, const std::string& name) {
  constexpr size_t signature = 8;
  const auto* const start = reinterpret_cast<const unsigned char*>(bytes.data());
  if (bytes.size() >= signature && png_sig_cmp(start, 0, signature) == 0) {
    return read_png(bytes, name);
  }
  if (bytes.size() >= 2 && start[0] == 'P' && (start[1] == '5' || start[1] == '2')) {
    return read_pgm(bytes, name);
  }
  fail(name, "is neither PNG nor PGM", "convert it to one of them");
}

Tensor read_image(const std::filesystem::path& path) {
  constexpr uint64_t at_most = uint64_t{256} << 20;  // the largest that is taken, as text
  return parse_image(data::read_file("read_image", path, at_most), path.string());
}

Tensor to_mnist_form(const Tensor& gray) {
  const int64_t height = gray.size(0), width = gray.size(1);
  std::vector<uint8_t> ink = gray.to_vector<uint8_t>();
  double border = 0;
  for (int64_t x = 0; x < width; ++x) {
    border += ink[static_cast<size_t>(x)] + ink[static_cast<size_t>((height - 1) * width + x)];
  }
  const bool dark_on_bright = border / static_cast<double>(2 * width) > 127;
  if (height == 28 && width == 28 && !dark_on_bright) return gray;
  if (dark_on_bright) {
    for (uint8_t& pixel : ink) pixel = static_cast<uint8_t>(255 - pixel);
  }
  const Box box = ink_box(ink, height, width);
  std::vector<uint8_t> out(size_t{28} * 28, 0);
  if (box.bottom <= box.top) return gray_tensor(out, 28, 28);  // an empty picture

  constexpr int64_t inner = 20;
  const double scale =
      static_cast<double>(std::max(box.bottom - box.top, box.right - box.left)) / inner;
  std::vector<double> digit(inner * inner, 0);
  double mass = 0, mass_y = 0, mass_x = 0;
  for (int64_t i = 0; i < inner * inner; ++i) {
    const int64_t row = i / inner, column = i % inner;
    const auto y = static_cast<double>(row), x = static_cast<double>(column);
    const double top = static_cast<double>(box.top) + y * scale;
    const double left = static_cast<double>(box.left) + x * scale;
    const double value =
        area_mean(ink, width, top, left, std::min(top + scale, static_cast<double>(box.bottom)),
                  std::min(left + scale, static_cast<double>(box.right)));
    digit[static_cast<size_t>(i)] = value;
    mass += value;
    mass_y += value * (y + 0.5);
    mass_x += value * (x + 0.5);
  }
  const int64_t shift_y = std::llround(14 - mass_y / mass),
                shift_x = std::llround(14 - mass_x / mass);
  for (int64_t i = 0; i < inner * inner; ++i) {
    const int64_t y = i / inner + shift_y, x = i % inner + shift_x;
    if (y < 0 || y >= 28 || x < 0 || x >= 28) continue;
    out[static_cast<size_t>(y * 28 + x)] =
        static_cast<uint8_t>(std::clamp(digit[static_cast<size_t>(i)], 0.0, 255.0));
  }
  return gray_tensor(out, 28, 28);
}

}  // namespace gradus::examples
