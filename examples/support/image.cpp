#include "image.h"

#include <png.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <vector>

#include <gradus/core/base/error.h>
#include <gradus/core/ops.h>

namespace gradus::examples {

namespace {

constexpr int64_t largest_side = 4096;

void check_size(const std::filesystem::path& path, int64_t height, int64_t width) {
  if (height >= 1 && width >= 1 && height <= largest_side && width <= largest_side) return;
  throw IoError("read_image", str(path.string(), " has ", width, "x", height, " pixels"),
                str("pictures may have 1 to ", largest_side, " pixels on a side"));
}

Tensor gray_tensor(const std::vector<uint8_t>& pixels, int64_t height, int64_t width) {
  return tensor(pixels, {height, width});
}

Tensor read_png(const std::filesystem::path& path, const std::vector<char>& bytes) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const auto fail = [&] {
    const std::string why = image.message;
    png_image_free(&image);
    return IoError("read_image", str(path.string(), " is a damaged PNG: ", why));
  };
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) throw fail();
  try {
    check_size(path, image.height, image.width);
  } catch (...) {
    png_image_free(&image);
    throw;
  }
  image.format = PNG_FORMAT_GRAY;
  std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(image));
  const png_color white = {255, 255, 255};
  if (png_image_finish_read(&image, &white, pixels.data(), 0, nullptr) == 0) throw fail();
  return gray_tensor(pixels, image.height, image.width);
}

/// Reads the next number of a PGM header; '#' starts a comment.
int64_t pgm_number(const std::filesystem::path& path, std::istream& in) {
  in >> std::ws;
  while (in.peek() == '#') {
    in.ignore(1 << 20, '\n');
    in >> std::ws;
  }
  int64_t n = -1;
  if (!(in >> n) || n < 0) {
    throw IoError("read_image", str(path.string(), " has a damaged PGM header"));
  }
  return n;
}

Tensor read_pgm(const std::filesystem::path& path, std::ifstream& in) {
  char magic[2] = {};
  in.read(magic, 2);
  const bool binary = magic[1] == '5';
  const int64_t width = pgm_number(path, in), height = pgm_number(path, in);
  const int64_t brightest = pgm_number(path, in);
  check_size(path, height, width);
  if (brightest < 1 || brightest > 255) {
    throw IoError("read_image", str(path.string(), " has gray values up to ", brightest),
                  "save it with 8 bits per pixel");
  }
  std::vector<uint8_t> pixels(static_cast<size_t>(height * width));
  if (binary) {
    in.get();  // the one white space behind the header
    in.read(reinterpret_cast<char*>(pixels.data()), static_cast<std::streamsize>(pixels.size()));
  }
  for (uint8_t& pixel : pixels) {
    const int64_t value = binary ? pixel : pgm_number(path, in);
    pixel = static_cast<uint8_t>(std::min(value, brightest) * 255 / brightest);
  }
  if (!in) throw IoError("read_image", str(path.string(), " is truncated"));
  return gray_tensor(pixels, height, width);
}

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

Tensor read_image(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path)) {
    throw IoError("read_image", str("cannot read ", path.string()), "does the file exist?");
  }
  std::array<unsigned char, 8> head{};
  in.read(reinterpret_cast<char*>(head.data()), head.size());
  in.clear();
  in.seekg(0);
  if (png_sig_cmp(head.data(), 0, head.size()) == 0) {
    return read_png(path, std::vector<char>(std::istreambuf_iterator<char>(in), {}));
  }
  if (head[0] == 'P' && (head[1] == '5' || head[1] == '2')) return read_pgm(path, in);
  throw IoError("read_image", str(path.string(), " is neither PNG nor PGM"),
                "convert it to one of them");
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
