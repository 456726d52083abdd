#include "gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "../core/base/error.h"

namespace gradus::data {

namespace {

constexpr int gzip_window = 16 + MAX_WBITS;  // 16: expect gzip's header and check its trailer
constexpr size_t max_step = std::numeric_limits<uInt>::max();

// zlib's interface lacks const for historical reasons; it does not write to its input.
Bytef* input_of(std::span<const std::byte> bytes) {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
}

Bytef* output_of(std::span<std::byte> bytes) {
  return reinterpret_cast<Bytef*>(bytes.data());
}

}  // namespace

struct GzipReader::State {
  z_stream stream{};
  std::span<const std::byte> rest;
  std::string name;
  bool ended = false;  // the trailer of the last member has been read and is right

  State(std::span<const std::byte> file, std::string n) : rest(file), name(std::move(n)) {
    if (inflateInit2(&stream, gzip_window) != Z_OK) {
      throw Error("gzip", "zlib cannot be started", "there is probably no memory left");
    }
  }
  ~State() { inflateEnd(&stream); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  [[noreturn]] void fail(std::string_view what) const {
    throw IoError("gzip", str(name, ": ", what), "delete the file and get it again");
  }
  size_t step(std::span<std::byte> out);
  void end_member();
};

/// One call of inflate; returns the number of bytes it wrote.
size_t GzipReader::State::step(std::span<std::byte> out) {
  const uInt available = static_cast<uInt>(std::min(rest.size(), max_step));
  const uInt wanted = static_cast<uInt>(std::min(out.size(), max_step));
  stream.next_in = input_of(rest);
  stream.avail_in = available;
  stream.next_out = output_of(out);
  stream.avail_out = wanted;
  const int result = inflate(&stream, Z_NO_FLUSH);
  rest = rest.subspan(available - stream.avail_in);
  const size_t written = wanted - stream.avail_out;
  if (result == Z_STREAM_END) {
    end_member();
  } else if (result == Z_BUF_ERROR || (result == Z_OK && written == 0 && rest.empty())) {
    fail("the gzip data ends early; the file was not copied or downloaded completely");
  } else if (result != Z_OK) {
    fail(str("the gzip data is damaged (", stream.msg ? stream.msg : "unknown error", ")"));
  }
  return written;
}

void GzipReader::State::end_member() {
  if (rest.empty()) {
    ended = true;
  } else if (is_gzip(rest)) {
    inflateReset(&stream);  // concatenated files are one file, as for gunzip
  } else {
    fail(str(rest.size(), " unexpected bytes behind the end of the gzip data"));
  }
}

GzipReader::GzipReader(std::span<const std::byte> file, std::string name)
    : state_(std::make_unique<State>(file, std::move(name))) {}
GzipReader::~GzipReader() = default;
GzipReader::GzipReader(GzipReader&&) noexcept = default;
GzipReader& GzipReader::operator=(GzipReader&&) noexcept = default;

size_t GzipReader::read(std::span<std::byte> out) {
  size_t done = 0;
  while (done < out.size() && !state_->ended) done += state_->step(out.subspan(done));
  return done;
}

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

std::vector<std::byte> gzip(std::span<const std::byte> bytes) {
  if (bytes.size() > max_step) {
    throw Error("gzip", str("cannot compress ", bytes.size(), " bytes"),
                "at most 4 GiB are compressed at once; write it without .gz");
  }
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw Error("gzip", str("cannot compress ", bytes.size(), " bytes"),
                "there is probably no memory left");
  }
  std::vector<std::byte> file(deflateBound(&stream, static_cast<uLong>(bytes.size())));
  stream.next_in = input_of(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = output_of(file);
  stream.avail_out = static_cast<uInt>(file.size());
  const int result = deflate(&stream, Z_FINISH);  // one call: the output was sized for it
  file.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) {
    throw Error("gzip", str("cannot compress ", bytes.size(), " bytes"),
                "there is probably no memory left");
  }
  return file;
}

}  // namespace gradus::data
