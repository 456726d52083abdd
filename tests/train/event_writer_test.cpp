// Event files, read by a reader of their own.
#include "../../train/event_writer.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "../../core/io/crc32c.h"
#include "../../core/io/png.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "../support/event_file.h"
#include "../support/temporary_folder.h"
#include "../support/warnings.h"

using namespace gradus;
using namespace gradus::test;
using gradus::training::EventWriter;
namespace fs = std::filesystem;

namespace {

/// Files may grow to so many bytes only, as on a full disk.
class FileLimit {
 public:
  explicit FileLimit(uint64_t bytes) : before_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit = {.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, before_handler_);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  void (*before_handler_)(int);
  rlimit before_{};
};

uint32_t crc32c_of(const std::string& text) {
  return crc32c(std::as_bytes(std::span(text)));
}

}  // namespace

TEST_CASE("CRC-32C is that of the standard") {
  CHECK(crc32c_of("123456789") == 0xe3069283U);
  CHECK(crc32c_of("") == 0);
  // RFC 3720, B.4
  CHECK(crc32c_of(std::string(32, '\0')) == 0x8a9136aaU);
  CHECK(crc32c_of(std::string(32, '\xff')) == 0x62a8ab43U);
}

TEST_CASE("an event file begins with its version, and is named as TensorBoard expects") {
  const TemporaryFolder folder;
  EventWriter writer(folder / "runs" / "first", {.clock = [] { return 1234.5; }});
  writer.flush();
  CHECK(writer.path().parent_path() == folder / "runs" / "first");
  CHECK(writer.path().filename().string().starts_with("events.out.tfevents.0000001234."));
  const std::vector<Message> events = events_of(writer.path());
  REQUIRE(events.size() == 1);
  CHECK(events[0].texts.at(3) == "brain.Event:2");
  CHECK(events[0].real(1) == 1234.5);
}

TEST_CASE("a scalar is an event with time, step, tag and value") {
  const TemporaryFolder folder;
  double time = 1000;
  EventWriter writer(folder.path(), {.clock = [&] { return time; }});
  time = 1001.25;
  writer.add_scalar("loss/train", 0.5, 7);
  writer.add_scalar("zero", 0, 0);
  writer.add_scalar("before", -1, -3);
  writer.add_scalar("large", std::numeric_limits<double>::quiet_NaN(), int64_t{1} << 40);
  writer.flush();
  const std::vector<Message> events = events_of(writer.path());
  REQUIRE(events.size() == 5);
  CHECK(events[1].real(1) == 1001.25);
  CHECK(events[1].integer(2) == 7);
  CHECK(value_of(events[1]).texts.at(1) == "loss/train");
  CHECK(number_at<float>(value_of(events[1]).texts.at(2), 0) == 0.5F);
  CHECK(number_at<float>(value_of(events[2]).texts.at(2), 0) == 0.0F);
  CHECK(events[3].integer(2) == -3);
  CHECK(events[4].integer(2) == int64_t{1} << 40);
  CHECK(std::isnan(number_at<float>(value_of(events[4]).texts.at(2), 0)));
}

TEST_CASE("an image is a PNG file: gray or colours, uint8 or shares of 1, any strides") {
  const TemporaryFolder folder;
  EventWriter writer(folder.path());
  const Tensor bytes = tensor(std::vector<uint8_t>{0, 51, 102, 153, 204, 255}, {2, 3});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor shares = tensor(std::vector<float>{-1, 0.2F, 0.4F, 0.6F, 0.8F, 7}, {2, 3});
  writer.add_image("bytes", bytes, 1);
  writer.add_image("shares", shares.unsqueeze(0).to(float64), 2);
  writer.add_image("turned", bytes.transpose(0, 1), 3);
  writer.add_image("colours", tensor(std::vector<float>{1, nan, 0, 1, 0.2F, 0.4F}, {3, 1, 2}), 4);
  writer.flush();
  const std::vector<Message> events = events_of(writer.path());
  REQUIRE(events.size() == 5);
  const auto check = [&](size_t i, const char* tag, const PngImage& image) {
    CHECK(value_of(events[i]).texts.at(1) == tag);
    const Message content = value_of(events[i]).message(4);
    CHECK(content.integer(1) == image.height);
    CHECK(content.integer(2) == image.width);
    CHECK(content.integer(3) == image.channels);
    const std::vector<std::byte> png = encode_png(image);
    CHECK(content.texts.at(4) ==
          std::string(reinterpret_cast<const char*>(png.data()), png.size()));
  };
  const std::vector<uint8_t> plain = bytes.to_vector<uint8_t>();
  const std::vector<uint8_t> turned = {0, 153, 51, 204, 102, 255};
  const std::vector<uint8_t> colours = {255, 0, 51, 0, 255, 102};
  check(1, "bytes", {.width = 3, .height = 2, .pixels = plain});
  check(2, "shares", {.width = 3, .height = 2, .pixels = plain});
  check(3, "turned", {.width = 2, .height = 3, .pixels = turned});
  check(4, "colours", {.width = 2, .height = 1, .channels = 3, .pixels = colours});
}

TEST_CASE("a PNG file has a header and checked chunks, and fits its pixels") {
  const std::vector<uint8_t> pixels = {0, 255};
  const std::vector<std::byte> png = encode_png({.width = 2, .height = 1, .pixels = pixels});
  const std::string text(reinterpret_cast<const char*>(png.data()), png.size());
  CHECK(text.starts_with(
      std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\2\0\0\0\1\x08\0\0\0\0", 29)));
  CHECK(text.ends_with("IEND\xae\x42\x60\x82"));
  CHECK(encode_png({.width = 2, .height = 1, .pixels = pixels}) == png);
  CHECK(message_of([&] { encode_png({.width = 2, .height = 2, .pixels = pixels}); }) ==
        "[encode_png] 2 x 2 pixels with 1 channels are 4 bytes, got 2. Hint: pixels hold height "
        "rows of width times channels bytes");
  CHECK(message_of([&] { encode_png({.width = 2, .height = 1, .channels = 5}); })
            .starts_with("[encode_png] expected at least one pixel of 1 to 4 channels, got 2 x 1 "
                         "with 5 channels."));
  const int64_t huge = int64_t{1} << 62;
  CHECK(message_of([&] {
          encode_png({.width = huge, .height = huge, .channels = 4});
        }).find("is too large") != std::string::npos);
  CHECK(message_of([&] { encode_png({.width = 1 << 20, .height = huge}); }).find("too large") !=
        std::string::npos);
}

TEST_CASE("a histogram counts elements of any type between the smallest and the largest") {
  const TemporaryFolder folder;
  EventWriter writer(folder.path());
  writer.add_histogram("weights", tensor(std::vector<float>{-1, 0, 1, 3}, {2, 2}), 1, 4);
  writer.add_histogram("labels", full({3}, 1LL << 60, int64), 2);
  writer.add_histogram("mask", eq(tensor(std::vector<float>{1, 2}, {2}), 1), 3, 2);
  writer.add_histogram("default", linspace(0, 1, 65), 4);
  writer.flush();
  const std::vector<Message> events = events_of(writer.path());
  REQUIRE(events.size() == 5);
  const Message weights = value_of(events[1]).message(5);
  CHECK(weights.real(1) == -1);
  CHECK(weights.real(2) == 3);
  CHECK(weights.real(3) == 4);
  CHECK(weights.real(4) == 3);
  CHECK(weights.real(5) == 11);
  CHECK(weights.reals(6) == std::vector<double>{0, 1, 2, 3});
  CHECK(weights.reals(7) == std::vector<double>{1, 1, 1, 1});
  const Message labels = value_of(events[2]).message(5);
  CHECK(labels.real(1) == 1LL << 60);
  CHECK(labels.real(2) == 1LL << 60);
  CHECK(labels.reals(6) == std::vector<double>{1LL << 60});
  CHECK(labels.reals(7) == std::vector<double>{3});
  CHECK(value_of(events[3]).message(5).reals(7) == std::vector<double>{1, 1});
  CHECK(value_of(events[4]).message(5).reals(7).size() == 64);
}

TEST_CASE("a text is a tensor of one string for the text plugin") {
  const TemporaryFolder folder;
  EventWriter writer(folder.path());
  const std::string long_text(300, 'x');
  writer.add_text("notes", "**größer** als " + long_text, 4);
  writer.flush();
  const std::vector<Message> events = events_of(writer.path());
  REQUIRE(events.size() == 2);
  const Message value = value_of(events[1]);
  CHECK(value.texts.at(1) == "notes");
  CHECK(value.message(8).integer(1) == 7);                        // DT_STRING
  CHECK(value.message(8).message(2).message(2).integer(1) == 1);  // [1]
  CHECK(value.message(8).texts.at(8) == "**größer** als " + long_text);
  CHECK(value.message(9).message(1).texts.at(1) == "text");
}

TEST_CASE("what is added is read, not recorded on a tape") {
  const TemporaryFolder folder;
  EventWriter writer(folder.path());
  Tensor x = ones({2, 2});
  x.requires_grad_();
  const Tape tape;
  const Tensor y = x * 0.5;
  const size_t before = tape.size();
  writer.add_image("image", y, 0);
  writer.add_histogram("histogram", y, 0);
  CHECK(tape.size() == before);
}

TEST_CASE("a resumed run says from which step on earlier events are void") {
  const TemporaryFolder folder;
  for (const int64_t step : {0, 40}) {
    EventWriter writer(folder.path(), {.purge_step = step});
    writer.add_scalar("loss", 1, step);
    writer.flush();
    const std::vector<Message> events = events_of(writer.path());
    REQUIRE(events.size() == 4);
    CHECK(events[0].texts.at(3) == "brain.Event:2");
    for (const size_t i : {1U, 2U}) {  // twice: TensorBoard takes the first for the start of a run
      CHECK(events[i].message(7).integer(1) == 1);  // START
      CHECK(events[i].integer(2) == step);
    }
  }
}

TEST_CASE("each writer has a file of its own, the newest with the last name") {
  const TemporaryFolder folder;
  std::string last;
  for (const double time :
       {5000.0, 5000.0, 5000.9, 4000.0, 6000.0}) {  // also if the clock goes back
    const EventWriter writer(folder.path(), {.clock = [&] { return time; }});
    const std::string name = writer.path().filename();
    CHECK(name > last);
    last = name;
  }
  CHECK(last.starts_with("events.out.tfevents.0000006000."));
  CHECK(folder.files().size() == 5);
}

TEST_CASE("flush writes what was added since the last time, and the destructor flushes") {
  const TemporaryFolder folder;
  fs::path path;
  {
    EventWriter writer(folder.path());
    path = writer.path();
    writer.add_scalar("a", 1, 1);
    CHECK(fs::file_size(path) == 0);
    writer.flush();
    const std::string before = content_of(path);
    CHECK(records_of(before).size() == 2);
    writer.flush();
    CHECK(content_of(path) == before);
    writer.add_scalar("b", 1, 1);
    CHECK(content_of(path) == before);
  }
  CHECK(events_of(path).size() == 3);
}

TEST_CASE("a file that was cut off anywhere is readable up to there") {
  const TemporaryFolder folder;
  EventWriter writer(folder.path());
  std::vector<size_t> ends;
  for (int64_t step = 0; step < 3; ++step) {
    writer.add_scalar("loss", 1, step);
    writer.flush();
    ends.push_back(content_of(writer.path()).size());
  }
  const std::string whole = content_of(writer.path());
  for (size_t size = 0; size <= whole.size(); ++size) {
    const auto complete = static_cast<size_t>(
        std::count_if(ends.begin(), ends.end(), [&](size_t end) { return end <= size; }));
    const size_t found = records_of(whole.substr(0, size)).size();
    CHECK((found == complete + 1 || (complete == 0 && found == 0)));
  }
}

TEST_CASE("on a full disk nothing is lost: flush says so, and can be called again") {
  const TemporaryFolder folder;
  EventWriter writer(folder.path());
  writer.add_scalar("before", 1, 1);
  writer.flush();
  const uint64_t size = fs::file_size(writer.path());
  for (int64_t step = 2; step < 10; ++step) writer.add_scalar("after", 1, step);
  {
    const FileLimit limit(size + 100);
    CHECK(message_of([&] { writer.flush(); }) ==
          "[event writer] cannot write '" + writer.path().string() +
              "': File too large. Hint: check that the folder exists, is writable and has space");
    CHECK(fs::file_size(writer.path()) == size + 100);
    CHECK(events_of(writer.path()).size() >= 2);
    CHECK_THROWS_AS(writer.flush(), IoError);
    writer.add_scalar("after", 1, 10);
  }
  writer.flush();
  const std::vector<Message> events = events_of(writer.path());
  REQUIRE(events.size() == 11);
  for (size_t i = 1; i < events.size(); ++i) CHECK(events[i].integer(2) == static_cast<int64_t>(i));
}

TEST_CASE("a writer whose folder has vanished throws, and at its end only warns") {
  const TemporaryFolder folder;
  const Warnings warnings;
  {
    EventWriter writer(folder / "run");
    writer.flush();
    fs::remove_all(folder / "run");
    writer.add_scalar("loss", 1, 1);
    CHECK(message_of([&] { writer.flush(); }).find("No such file or directory. Hint:") !=
          std::string::npos);
    EventWriter idle(folder / "idle");
    idle.flush();
    fs::remove_all(folder / "idle");  // nothing is lost
    CHECK(warnings.text().empty());
  }
  CHECK(warnings.text().find("idle") == std::string::npos);
  CHECK(warnings.text().starts_with("gradus: warning: [event writer] cannot write '"));
  CHECK(warnings.text().find("Hint: the last events are lost; check") != std::string::npos);
}

TEST_CASE("a folder that cannot be made is an error") {
  const TemporaryFolder folder;
  std::ofstream(folder / "file") << "text";
  CHECK(message_of([&] {
          const EventWriter writer(folder / "file");
        }).starts_with("[event writer] cannot make the folder '"));
  CHECK(message_of([&] {
          const EventWriter writer(folder / "file" / "run");
        }).find("Not a directory") != std::string::npos);
  CHECK_THROWS_AS(EventWriter(""), IoError);
}

TEST_CASE("what cannot be shown is an error, and leaves the file as it was") {
  const TemporaryFolder folder;
  EventWriter writer(folder.path());
  const auto image = [&](const Tensor& x) {
    return message_of([&] { writer.add_image("x", x, 0); });
  };
  CHECK(image(zeros({2, 4, 4})) ==
        "[add_image] expected [H, W], [1, H, W] or [3, H, W], got [2,4,4]. Hint: select one image "
        "of a batch, and put channels first");
  CHECK(image(zeros({8, 1, 4, 4})).find("got [8,1,4,4]") != std::string::npos);
  CHECK(image(zeros({3, 0, 4})).find("got [3,0,4]") != std::string::npos);
  CHECK(
      image(zeros({4, 4}, int64)) ==
      "[add_image] expected uint8 (0 to 255) or floating point (0 to 1), got int64. Hint: convert "
      "it: .to(uint8), or .to(float32) and divide");
  const auto histogram = [&](const Tensor& x, int64_t bins = 4) {
    return message_of([&] { writer.add_histogram("w", x, 0, bins); });
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(histogram(zeros({0, 3})) ==
        "[add_histogram] 'w' has no elements, shape [0,3]. Hint: leave it out");
  CHECK(
      histogram(tensor(std::vector<float>{1, nan}, {2})) ==
      "[add_histogram] the elements of 'w', shape [2], go from nan to nan. Hint: leave it out, or "
      "find out where they are from");
  CHECK(histogram(tensor(std::vector<float>{1, -HUGE_VALF}, {2})).find("go from -inf to 1.") !=
        std::string::npos);
  CHECK(histogram(tensor(std::vector<double>{-1e308, 1e308}, {2})).find("-1e+308 to 1e+308.") !=
        std::string::npos);
  CHECK(histogram(zeros({3}), 0).starts_with("[add_histogram] bins must be at least 1, got 0."));
  CHECK(message_of([&] { writer.add_scalar("", 1, 0); }) ==
        "[add_scalar] the tag is empty. Hint: name what is shown: \"loss/train\"");
  CHECK(message_of([&] { writer.add_scalar("\xff", 1, 0); }) ==
        "[add_scalar] the tag is not valid UTF-8. Hint: use UTF-8, or plain ASCII");
  CHECK(message_of([&] {
          writer.add_text("x", "\xc3", 0);
        }).starts_with("[add_text] the text is not valid UTF-8."));
  writer.flush();
  CHECK(events_of(writer.path()).size() == 1);
}
