// Pictures that people give to `mnist predict`, and those that nobody should.
#include <doctest/doctest.h>

#include <fstream>

#include "../../core/ops.h"
#include "../../examples/support/image.h"
#include "../support/errors.h"
#include "../support/paths.h"
#include "../support/processor_time.h"
#include "../support/temporary_folder.h"
#include "../support/text.h"

using namespace gradus;
using examples::parse_image;
using test::contains;
using test::message_of;

namespace {

Tensor parse(const std::string& file) {
  return parse_image(std::as_bytes(std::span(file)), "a.pgm").gray;
}

/// A picture that the fuzzer starts from.
std::filesystem::path seed(const std::string& name) {
  return std::filesystem::path(test::source_folder()) / "tests/fuzz/corpus/image" / name;
}

constexpr std::string_view usual_hint = ". Hint: save it again with a picture program";

std::string error_of(const std::string& file) {
  return test::without(message_of([&] { parse(file); }), usual_hint);
}

}  // namespace

TEST_CASE("PGM pictures are read as text and as bytes, with comments") {
  const std::vector<uint8_t> expected = {0, 85, 170, 255};
  const Tensor text = parse("P2 # a comment\n2 2\n#another\n3\n0 1 2 9\n");
  CHECK(text.shape() == Shape{2, 2});
  CHECK(text.to_vector<uint8_t>() == expected);
  CHECK(parse(std::string("P5 2 2 255\n\x00\x55\xaa\xff", 15)).to_vector<uint8_t>() == expected);
}

TEST_CASE("a damaged PGM picture is refused with the reason") {
  CHECK(error_of("") ==
        "[read_image] a.pgm is neither PNG nor JPEG nor PGM. Hint: convert it to one of them");
  CHECK(message_of([] { parse("P5"); }).ends_with(usual_hint));
  CHECK(error_of("P5") == "[read_image] a.pgm is truncated");
  CHECK(error_of("P5 2 2 255\n123") == "[read_image] a.pgm is truncated");
  CHECK(error_of("P2 2 2 255 1 2 3 # 4") == "[read_image] a.pgm is truncated");
  CHECK(error_of("P2 2 2 255 1 2 3 x") == "[read_image] a.pgm has a damaged PGM pixel");
  CHECK(error_of("P2 -1 2 255 1") == "[read_image] a.pgm has a damaged PGM header");
  CHECK(error_of("P2 99999999999999999999 1 255") == "[read_image] a.pgm has a damaged PGM header");
  CHECK(error_of("P5 4097 1 255\n") ==
        "[read_image] a.pgm has 4097x1 pixels. Hint: pictures may have 1 to 4096 pixels on a side");
  CHECK(error_of("P5 0 1 255\n").find("0x1 pixels") != std::string::npos);
  CHECK(error_of("P5 1 1 65535\n12") ==
        "[read_image] a.pgm has gray values up to 65535. Hint: save it with 8 bits per pixel");
}

TEST_CASE("a PGM picture of one long line is read in linear time") {
  std::string file = "P2 1000 1000 255";
  for (int i = 0; i < 1'000'000; ++i) file += " 1";
  const auto read = [&] { CHECK(parse(file).shape() == Shape{1000, 1000}); };
  CHECK(test::processor_seconds(read) < 5);  // it is some 20 ms
}

TEST_CASE("a damaged PNG picture is refused with what libpng says") {
  CHECK(error_of("\x89PNG\r\n\x1a\n").starts_with("[read_image] a.pgm is a damaged PNG: "));
}

TEST_CASE("JPEG pictures are read, plain, progressive and standing on their side") {
  const auto pixel = [](int64_t y, int64_t x) { return static_cast<double>(10 * x + 5 * y + 20); };
  const auto check = [&](const char* name, bool is_turned) {
    CAPTURE(name);
    const Tensor gray = examples::read_image(seed(name)).gray;
    REQUIRE(gray.shape() == (is_turned ? Shape{16, 8} : Shape{8, 16}));
    for (int64_t y = 0; y < 8; ++y) {
      for (int64_t x = 0; x < 16; ++x) {
        const Tensor found =
            is_turned ? gray.select(0, x).select(0, 7 - y) : gray.select(0, y).select(0, x);
        CHECK(std::abs(to(found, float64).item() - pixel(y, x)) < 6);  // quality 90
      }
    }
  };
  check("gray.jpg", false);
  check("progressive.jpg", false);
  check("on-its-side.jpg", true);
}

TEST_CASE("a damaged JPEG picture is refused, as is one with parts missing") {
  const auto error = [](const char* name) {
    return message_of([&] { examples::read_image(seed(name)); });
  };
  CHECK(error_of("\xFF\xD8\xFF\xD9").starts_with("[read_image] a.pgm is a damaged JPEG: "));
  CHECK(
      contains(error("cut.jpg"), "cut.jpg is a damaged JPEG: Premature end of JPEG file. Hint: "));
  CHECK(contains(error("print.jpg"), "print.jpg is a damaged JPEG: Unsupported color conversion"));
  CHECK(contains(error("wide.jpg"), "wide.jpg has 4097x8 pixels. Hint: "));
  const std::string file = test::read_text(seed("gray.jpg"));
  for (size_t size = 0; size < file.size() - 1; ++size) {
    CAPTURE(size);
    CHECK_FALSE(error_of(file.substr(0, size)).empty());
  }
}

TEST_CASE("what is no file is refused") {
  const test::TemporaryFolder folder;
  const auto error = [](const std::filesystem::path& path) {
    return message_of([&] { examples::read_image(path); });
  };
  CHECK(error(folder / "none").find("there is no file") != std::string::npos);
  CHECK(error(folder.path()).find("is a directory") != std::string::npos);
  CHECK(error("/dev/zero").find("is a device") != std::string::npos);
}

TEST_CASE("a PNG picture that is written is read again") {
  const test::TemporaryFolder folder;
  const Tensor gray = tensor(std::vector<uint8_t>{0, 1, 127, 128, 254, 255}, {2, 3});
  examples::write_png(folder / "a.png", gray);
  const examples::Picture read = examples::read_image(folder / "a.png");
  CHECK(read.gray.shape() == Shape{2, 3});
  CHECK(read.gray.to_vector<uint8_t>() == gray.to_vector<uint8_t>());
  CHECK_FALSE(read.alpha.defined());
}

TEST_CASE("what is transparent in a PNG picture is kept apart from its gray values") {
  const examples::Picture white = examples::read_image(seed("white-ink.png"));
  REQUIRE(white.alpha.defined());
  CHECK(white.alpha.select(0, 12).select(0, 20).to_vector<uint8_t>().front() == 255);
  CHECK(white.gray.select(0, 12).select(0, 20).to_vector<uint8_t>().front() == 255);
  CHECK(white.alpha.select(0, 0).select(0, 0).to_vector<uint8_t>().front() == 0);
}
