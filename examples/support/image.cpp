#include "image.h"

#include <cstdio>  // before jpeglib.h, which needs it

#include <jerror.h>
#include <jpeglib.h>
#include <png.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <csetjmp>
#include <memory>
#include <vector>

#include <gradus/core/base/error.h>
#include <gradus/core/io/input_file.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/core/ops.h>

namespace gradus::examples {

namespace {

constexpr int64_t largest_side = 4096;

[[noreturn]] void fail(const std::string& name, const std::string& what,
                       const char* hint = "save it again with a picture program") {
  throw IoError("read_image", str(name, " ", what), hint);
}

void check_size(const std::string& name, int64_t height, int64_t width) {
  require<IoError>(height >= 1 && width >= 1 && height <= largest_side && width <= largest_side,
                   "read_image", str("pictures may have 1 to ", largest_side, " pixels on a side"),
                   name, " has ", width, "x", height, " pixels");
}

// --- PNG -----------------------------------------------------------------------------------------

Picture read_png(std::span<const std::byte> bytes, const std::string& name) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const std::unique_ptr<png_image, decltype(&png_image_free)> freed(&image, &png_image_free);
  const auto damaged = [&] { fail(name, str("is a damaged PNG: ", image.message)); };
  if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) damaged();
  check_size(name, image.height, image.width);
  const bool has_alpha = (image.format & PNG_FORMAT_FLAG_ALPHA) != 0;
  image.format = has_alpha ? PNG_FORMAT_GA : PNG_FORMAT_GRAY;
  std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(image));
  if (png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr) == 0) damaged();
  const int64_t height = image.height, width = image.width;
  if (!has_alpha) return {tensor(pixels, {height, width}), {}};
  const Tensor both = tensor(pixels, {height, width, 2});
  return {both.select(2, 0).contiguous(), both.select(2, 1).contiguous()};
}

// --- JPEG ----------------------------------------------------------------------------------------

/// libjpeg must not get control back where it calls error_exit: it jumps out of it, to `on_error`.
struct JpegDecoder {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf on_error{};
  char message[JMSG_LENGTH_MAX] = "";

  JpegDecoder();
  ~JpegDecoder() { jpeg_destroy_decompress(&info); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;
};

[[noreturn]] void give_up(j_common_ptr info) {
  auto& decoder = *static_cast<JpegDecoder*>(info->client_data);
  if (decoder.message[0] == '\0') info->err->format_message(info, decoder.message);
  std::longjmp(decoder.on_error, 1);  // NOLINT(cert-err52-cpp): the frames between are libjpeg's
}

/// Level -1 is a warning: data are missing or wrong, and would be made up.
void refuse_damage(j_common_ptr info, int level) {
  if (level < 0 && info->err->msg_code != JWRN_EXTRANEOUS_DATA) give_up(info);
}

/// A small file can ask for large pictures to be gone through any number of times.
void limit_scans(j_common_ptr info) {
  constexpr int most_scans = 64;
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= most_scans) return;
  auto& decoder = *static_cast<JpegDecoder*>(info->client_data);
  std::snprintf(decoder.message, sizeof decoder.message, "more than %d scans", most_scans);
  give_up(info);
}

JpegDecoder::JpegDecoder() {
  info.err = jpeg_std_error(&errors);
  errors.error_exit = give_up;
  errors.emit_message = refuse_damage;
  info.client_data = this;
}

/// Runs `step`, which must have nothing that a jump would leave undone; false where libjpeg failed.
template <class Step>
bool succeeds(JpegDecoder& decoder, const Step& step) {
  if (setjmp(decoder.on_error) != 0) return false;  // NOLINT(cert-err52-cpp): see give_up
  step(&decoder.info);
  return true;
}

/// The orientation that a camera noted in the EXIF block of a JPEG file, 1 to 8; 1, upright, where
/// there is none.
int exif_orientation(std::span<const uint8_t> block) {
  constexpr std::string_view start("Exif\0\0", 6);
  if (block.size() < start.size() + 8 || !std::equal(start.begin(), start.end(), block.begin())) {
    return 1;
  }
  const std::span<const uint8_t> tiff = block.subspan(start.size());
  const bool little_endian = tiff[0] == 'I';
  const auto number = [&](size_t at, size_t bytes) {  // 0 beyond the end
    size_t value = 0;
    for (size_t i = 0; i < bytes && at + bytes <= tiff.size(); ++i) {
      value = value * 256 + tiff[little_endian ? at + bytes - 1 - i : at + i];
    }
    return value;
  };
  constexpr size_t orientation_tag = 0x112, entry_size = 12;
  const size_t directory = number(4, 4), entries = number(directory, 2);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + i * entry_size;
    if (number(entry, 2) != orientation_tag) continue;
    const size_t value = number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

/// Turned and mirrored so that it stands as it was seen.
Tensor upright(Tensor gray, int orientation) {
  const auto is_one_of = [&](std::initializer_list<int> some) {
    return std::find(some.begin(), some.end(), orientation) != some.end();
  };
  if (orientation >= 5) gray = gray.transpose(0, 1);
  if (is_one_of({2, 3, 6, 7})) gray = flip(gray, {1});
  if (is_one_of({3, 4, 7, 8})) gray = flip(gray, {0});
  return gray.contiguous();
}

Picture read_jpeg(std::span<const std::byte> bytes, const std::string& name) {
  JpegDecoder decoder;
  const auto check = [&](bool success) {
    if (!success) fail(name, str("is a damaged JPEG: ", decoder.message));
  };
  check(succeeds(decoder, [&](j_decompress_ptr info) {
    jpeg_create_decompress(info);
    info->progress = &decoder.progress;
    decoder.progress.progress_monitor = limit_scans;
    jpeg_mem_src(info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_save_markers(info, JPEG_APP0 + 1, 0xFFFF);  // EXIF
    jpeg_read_header(info, TRUE);
    info->out_color_space = JCS_GRAYSCALE;
  }));
  const int64_t height = decoder.info.image_height, width = decoder.info.image_width;
  check_size(name, height, width);
  int orientation = 1;
  for (auto* block = decoder.info.marker_list; block != nullptr; block = block->next) {
    if (orientation == 1) orientation = exif_orientation({block->data, block->data_length});
  }
  std::vector<uint8_t> pixels(static_cast<size_t>(height * width));
  check(succeeds(decoder, [&](j_decompress_ptr info) {
    jpeg_start_decompress(info);
    while (info->output_scanline < info->output_height) {
      JSAMPROW row = pixels.data() + static_cast<size_t>(info->output_scanline) * info->image_width;
      jpeg_read_scanlines(info, &row, 1);
    }
    jpeg_finish_decompress(info);
  }));
  return {upright(tensor(pixels, {height, width}), orientation), {}};
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

Picture read_pgm(std::span<const std::byte> bytes, const std::string& name) {
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
  return {tensor(pixels, {height, width}), {}};
}

}  // namespace

Picture parse_image(std::span<const std::byte> bytes, const std::string& name) {
  constexpr size_t signature = 8;
  const auto* const start = reinterpret_cast<const unsigned char*>(bytes.data());
  if (bytes.size() >= signature && png_sig_cmp(start, 0, signature) == 0) {
    return read_png(bytes, name);
  }
  if (bytes.size() >= 3 && start[0] == 0xFF && start[1] == 0xD8 && start[2] == 0xFF) {
    return read_jpeg(bytes, name);
  }
  if (bytes.size() >= 2 && start[0] == 'P' && (start[1] == '5' || start[1] == '2')) {
    return read_pgm(bytes, name);
  }
  fail(name, "is neither PNG nor JPEG nor PGM", "convert it to one of them");
}

Picture read_image(const std::filesystem::path& path) {
  constexpr uint64_t at_most = uint64_t{256} << 20;  // the largest that is taken, as text
  return parse_image(read_file("read_image", path, at_most), path.string());
}

void write_png(const std::filesystem::path& path, const Tensor& gray) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.format = PNG_FORMAT_GRAY;
  image.height = static_cast<png_uint_32>(gray.size(0));
  image.width = static_cast<png_uint_32>(gray.size(1));
  const std::vector<uint8_t> pixels = gray.to_vector<uint8_t>();
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::vector<std::byte> file(size);
  if (png_image_write_to_memory(&image, file.data(), &size, 0, pixels.data(), 0, nullptr) == 0) {
    throw IoError("write_png", str(path.string(), ": ", image.message), "try a smaller picture");
  }
  write_file_atomically(path, std::span<const std::byte>(file.data(), size));
}

}  // namespace gradus::examples
