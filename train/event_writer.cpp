#include "event_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "../core/base/error.h"
#include "../core/base/warning.h"
#include "../core/io/atomic_file.h"
#include "../core/io/crc32c.h"
#include "../core/io/png.h"
#include "../core/io/protobuf.h"
#include "../core/ops.h"
#include "../core/tape.h"

namespace gradus::training {

namespace fs = std::filesystem;
using namespace protobuf;

namespace {

constexpr const char* file_op = "event writer";

std::string with_checksum(std::string_view content) {
  const uint32_t checksum = crc32c(std::as_bytes(std::span(content)));
  return str(content, raw(std::rotr(checksum, 15) + 0xa282ead8U));  // "masked"
}

/// A reader gives up at the first text that is not UTF-8.
void check_utf8(const char* op, const char* what, std::string_view text) {
  try {
    (void)nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw ValueError(op, str("the ", what, " is not valid UTF-8"), "use UTF-8, or plain ASCII");
  }
}

/// How the value of a summary begins.
std::string tagged(const char* op, std::string_view tag) {
  require(!tag.empty(), op, "name what is shown: \"loss/train\"", "the tag is empty");
  check_utf8(op, "tag", tag);
  return bytes(1, tag);
}

/// The seconds in the name of a new file: readers go by names, so it must come after all others,
/// also within a second and if the clock was put back.
uint64_t next_time(const fs::path& folder, std::string_view prefix, double now) {
  auto next = static_cast<uint64_t>(std::max(0.0, now));
  std::error_code ignored;
  for (fs::directory_iterator it(folder, ignored), end; it != end; it.increment(ignored)) {
    const std::string name = it->path().filename().string();
    uint64_t time = 0;
    if (!name.starts_with(prefix)) continue;
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), time);
    next = std::max(next, time + 1);
  }
  return next;
}

}  // namespace

EventWriter::EventWriter(const fs::path& folder, EventWriterOptions options)
    : clock_(std::move(options.clock)) {
  std::error_code error, not_found;
  fs::create_directories(folder, error);
  require<IoError>(fs::is_directory(folder, not_found), file_op, "choose one that you may write to",
                   "cannot make the folder '", folder.string(),
                   "': ", error ? error.message() : "a file is in the way");
  add_record(real(1, now()) + bytes(3, "brain.Event:2"));
  // A SessionLog whose status is START. The first in a folder is only the start of a run to parts
  // of TensorBoard; the second is a restart, which purges.
  for (int i = 0; options.purge_step && i < 2; ++i) {
    add_record(real(1, now()) + integer(2, *options.purge_step) + bytes(7, integer(1, 1)));
  }
  std::array<char, 256> host = {"localhost"};
  ::gethostname(host.data(), host.size() - 1);
  constexpr std::string_view prefix = "events.out.tfevents.";
  std::string time = str(next_time(folder, prefix, now()));
  time.insert(0, 10 - std::min<size_t>(10, time.size()), '0');
  for (int number = 0; file_ < 0; ++number) {
    path_ = folder / str(prefix, time, ".", host.data(), ".", ::getpid(), ".", number);
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    check(file_ >= 0 || errno == EEXIST || errno == EINTR, "create");
  }
}

EventWriter::~EventWriter() {
  try {
    flush();
  } catch (const Error& failure) {
    warn(failure.op(), failure.detail(), "the last events are lost; " + failure.hint());
  }
  ::close(file_);
}

void EventWriter::add_scalar(std::string_view tag, double value, int64_t step) {
  add_value(step, tagged("add_scalar", tag) + single(2, static_cast<float>(value)));
}

void EventWriter::add_image(std::string_view tag, const Tensor& image, int64_t step) {
  constexpr const char* op = "add_image";
  const std::string value = tagged(op, tag);
  const NoGrad pause;
  const Tensor planes = image.dim() == 2 ? image.unsqueeze(0) : image;
  require<ShapeError>(
      planes.numel() > 0 && planes.dim() == 3 && (planes.size(0) == 1 || planes.size(0) == 3), op,
      "select one image of a batch, and put channels first",
      "expected [H, W], [1, H, W] or [3, H, W], got ", image.shape());
  require<DTypeError>(image.dtype() == uint8 || is_floating(image.dtype()), op,
                      "convert it: .to(uint8), or .to(float32) and divide",
                      "expected uint8 (0 to 255) or floating point (0 to 1), got ", image.dtype());
  std::vector<uint8_t> pixels;
  pixels.reserve(static_cast<size_t>(image.numel()));
  for (double shade : planes.permute({1, 2, 0}).to(float64).to_vector<double>()) {
    if (image.dtype() != uint8) shade *= 255;
    shade = shade > 0 ? std::min(shade, 255.0) : 0;  // 0 for NaN
    pixels.push_back(static_cast<uint8_t>(std::lround(shade)));
  }
  const int64_t channels = planes.size(0), height = planes.size(1), width = planes.size(2);
  const std::vector<std::byte> png =
      encode_png({.width = width, .height = height, .channels = channels, .pixels = pixels});
  add_value(step, value + bytes(4, integer(1, height) + integer(2, width) + integer(3, channels) +
                                       bytes(4, packed(png))));
}

void EventWriter::add_histogram(std::string_view tag, const Tensor& values, int64_t step,
                                int64_t bins) {
  constexpr const char* op = "add_histogram";
  const std::string value = tagged(op, tag);
  const NoGrad pause;
  const Tensor x = values.to(float64);
  require<ShapeError>(x.numel() > 0, op, "leave it out", "'", tag, "' has no elements, shape ",
                      x.shape());
  const double low = amin(x).item(), high = amax(x).item();
  require(std::isfinite(high - low), op, "leave it out, or find out where they are from",
          "the elements of '", tag, "', shape ", x.shape(), ", go from ", low, " to ", high);
  require(bins >= 1, op, "it is the number of intervals", "bins must be at least 1, got ", bins);
  const auto count = static_cast<double>(x.numel());
  std::vector<double> limits = {high}, counts = {count};
  if (low < high) {
    const Histogram result = histogram(x, bins);
    limits = result.edges.narrow(0, 1, bins).to_vector<double>();
    counts = result.counts.to(float64).to_vector<double>();
  }
  add_value(step, value + bytes(5, real(1, low) + real(2, high) + real(3, count) +
                                       real(4, sum(x).item()) + real(5, sum(square(x)).item()) +
                                       bytes(6, packed(limits)) + bytes(7, packed(counts))));
}

void EventWriter::add_text(std::string_view tag, std::string_view text, int64_t step) {
  const std::string value = tagged("add_text", tag);
  check_utf8("add_text", "text", text);
  const std::string one_element = bytes(2, integer(1, 1));
  const std::string strings = integer(1, 7) + bytes(2, one_element) + bytes(8, text);
  const std::string plugin = bytes(1, bytes(1, "text"));
  add_value(step, value + bytes(8, strings) + bytes(9, plugin));
}

void EventWriter::flush() {
  if (buffer_.empty()) return;
  struct stat status {};
  const bool is_deleted = ::fstat(file_, &status) == 0 && status.st_nlink == 0;
  if (is_deleted) errno = ENOENT;  // writing would succeed, but nobody could read it
  check(!is_deleted, "write");
  // After an error, all of the buffer is written again, over what came to disk of it.
  for (size_t done = 0; done < buffer_.size();) {
    const ssize_t written = ::pwrite(file_, buffer_.data() + done, buffer_.size() - done,
                                     static_cast<off_t>(size_ + done));
    check(written >= 0 || errno == EINTR, "write");
    if (written > 0) done += static_cast<size_t>(written);
  }
  check(::fsync(file_) == 0, "write");
  if (size_ == 0) check(sync_folder(path_.parent_path()), "flush the folder of");
  size_ += buffer_.size();
  buffer_.clear();
}

void EventWriter::add_record(std::string_view event) {
  buffer_ += with_checksum(raw(uint64_t{event.size()})) + with_checksum(event);
}

void EventWriter::add_value(int64_t step, std::string_view value) {
  add_record(real(1, now()) + integer(2, step) + bytes(5, bytes(1, value)));
}

double EventWriter::now() const {
  if (clock_) return clock_();
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void EventWriter::check(bool done, const char* what) const {
  require<IoError>(done, file_op, "check that the folder exists, is writable and has space",
                   "cannot ", what, " '", path_.string(),
                   "': ", std::generic_category().message(errno));
}

}  // namespace gradus::training
