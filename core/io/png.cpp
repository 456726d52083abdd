#include "png.h"

#include <array>
#include <string>
#include <string_view>

#include "../base/error.h"
#include "deflate.h"

namespace gradus {
namespace {

constexpr int64_t max_png_bytes = int64_t{1} << 30;  // chunks, however well compressed, end at 2^31

void append_big_endian(std::string& bytes, uint32_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    bytes += static_cast<char>(value >> shift & 0xffU);
  }
}

void append_chunk(std::string& png, std::string_view type, std::string_view data) {
  append_big_endian(png, static_cast<uint32_t>(data.size()));
  const std::string checked = str(type, data);
  png += checked;
  append_big_endian(png, add_to_crc32(0, std::as_bytes(std::span(checked))));
}

uint32_t adler32(std::string_view bytes) {
  uint32_t low = 1, high = 0;
  for (const char byte : bytes) {
    low = (low + static_cast<uint8_t>(byte)) % 65521;
    high = (high + low) % 65521;
  }
  return high << 16U | low;
}

void check(const PngImage& image) {
  const int64_t width = image.width, height = image.height, channels = image.channels;
  constexpr const char* hint = "pixels hold height rows of width times channels bytes";
  require<ShapeError>(width >= 1 && height >= 1 && channels >= 1 && channels <= 4, "encode_png",
                      hint, "expected at least one pixel of 1 to 4 channels, got ", width, " x ",
                      height, " with ", channels, " channels");
  require<ShapeError>(
      width <= max_png_bytes / channels && height <= max_png_bytes / (width * channels + 1),
      "encode_png", "write a part of it, or a smaller copy", "an image of ", width, " x ", height,
      " pixels is too large");
  require<ShapeError>(static_cast<int64_t>(image.pixels.size()) == width * height * channels,
                      "encode_png", hint, width, " x ", height, " pixels with ", channels,
                      " channels are ", width * height * channels, " bytes, got ",
                      image.pixels.size());
}

}  // namespace

std::vector<std::byte> encode_png(const PngImage& image) {
  check(image);
  const size_t row_bytes = static_cast<size_t>(image.width * image.channels);
  std::string rows;  // each after a 0: "unfiltered"
  rows.reserve(image.pixels.size() + static_cast<size_t>(image.height));
  for (size_t i = 0; i < image.pixels.size(); ++i) {
    if (i % row_bytes == 0) rows += '\0';
    rows += static_cast<char>(image.pixels[i]);
  }
  const std::array<std::span<const std::byte>, 1> parts = {std::as_bytes(std::span(rows))};
  std::string data = "\x78\x01";  // a zlib stream
  for (const std::byte byte : deflated("encode_png", parts, Frame::none)) {
    data += static_cast<char>(byte);
  }
  append_big_endian(data, adler32(rows));

  constexpr std::string_view color_types("\x00\x04\x02\x06", 4);  // by channels
  std::string header;
  append_big_endian(header, static_cast<uint32_t>(image.width));
  append_big_endian(header, static_cast<uint32_t>(image.height));
  header += '\x08';  // bits of each channel
  header += color_types[static_cast<size_t>(image.channels - 1)];
  header += std::string_view("\0\0\0", 3);
  std::string png = "\x89PNG\r\n\x1a\n";
  append_chunk(png, "IHDR", header);
  append_chunk(png, "IDAT", data);
  append_chunk(png, "IEND", {});
  const auto bytes = std::as_bytes(std::span(png));
  return {bytes.begin(), bytes.end()};
}

}  // namespace gradus
