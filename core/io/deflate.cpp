#include "deflate.h"

#include <zlib.h>

#include <cstring>
#include <memory>

namespace gradus {
namespace {

constexpr size_t buffer_bytes = 65536;
constexpr size_t max_step = size_t{1} << 30;  // zlib counts in 32 bits

// zlib's interface lacks const for historical reasons; it does not write to its input.
Bytef* zlib_bytes(const void* bytes) {
  return static_cast<Bytef*>(const_cast<void*>(bytes));
}

class Inflater {
 public:
  Inflater(InputFile& from, uint64_t bytes, Frame frame, std::string what)
      : from_(from), rest_(bytes), frame_(frame), what_(std::move(what)), buffer_(buffer_bytes) {
    stream_.next_in = buffer_.data();
    check(inflateInit2(&stream_, static_cast<int>(frame)) == Z_OK,
          " cannot be unfolded: zlib fails");
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  size_t read_some(void* to, size_t n) {
    const auto wanted = static_cast<uInt>(std::min(n, max_step));
    stream_.next_out = static_cast<Bytef*>(to);
    stream_.avail_out = wanted;
    while (stream_.avail_out == wanted && !ended_) {
      if (stream_.avail_in < 2) refill();
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result == Z_STREAM_END) {
        end_member();
        continue;
      }
      check(result != Z_BUF_ERROR, " ends early; the file was not copied or downloaded completely");
      check(result == Z_OK, " is damaged (", stream_.msg ? stream_.msg : "unknown error", ")");
    }
    return wanted - stream_.avail_out;
  }

 private:
  template <class... Why>
  void check(bool holds, const Why&... why) const {
    require<IoError>(holds, from_.op(), "delete the file and get it again", what_, why...);
  }

  /// Reads more, and keeps what has not been used yet.
  void refill() {
    std::memmove(buffer_.data(), stream_.next_in, stream_.avail_in);
    const uint64_t n = std::min<uint64_t>(rest_, buffer_.size() - stream_.avail_in);
    from_.read(buffer_.data() + stream_.avail_in, n);
    rest_ -= n;
    stream_.next_in = buffer_.data();
    stream_.avail_in += static_cast<uInt>(n);
  }

  /// After the last byte of a gzip file, whose checksum and length were right, or of other data.
  void end_member() {
    if (stream_.avail_in < 2) refill();
    const uint64_t left = stream_.avail_in + rest_;
    ended_ = left == 0;
    const auto next = std::as_bytes(std::span(stream_.next_in, stream_.avail_in));
    check(ended_ || (frame_ == Frame::gzip && is_gzip(next)), " is followed by ", left,
          " unexpected bytes");
    if (!ended_) inflateReset(&stream_);
  }

  InputFile& from_;
  uint64_t rest_;  // bytes that are still in the file
  Frame frame_;
  std::string what_;
  std::vector<Bytef> buffer_;
  z_stream stream_{};
  bool ended_ = false;
};

}  // namespace

InputFile::ReadSome inflated(InputFile& compressed, uint64_t bytes, Frame frame, std::string what) {
  const auto inflater = std::make_shared<Inflater>(compressed, bytes, frame, std::move(what));
  return [inflater](uint64_t, void* to, size_t n) { return inflater->read_some(to, n); };
}

std::vector<std::byte> deflated(const char* op, std::span<const std::span<const std::byte>> parts,
                                Frame frame) {
  z_stream stream{};
  const int started = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                                   static_cast<int>(frame), 8, Z_DEFAULT_STRATEGY);
  require<Error>(started == Z_OK, op, "there is probably no memory left", "zlib cannot be started");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> ending(&stream, &deflateEnd);
  std::vector<std::byte> result;
  const auto run = [&](int flush) {
    do {
      const size_t before = result.size();
      result.resize(before + buffer_bytes);
      stream.next_out = zlib_bytes(result.data() + before);
      stream.avail_out = buffer_bytes;
      deflate(&stream, flush);
      result.resize(result.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  };
  for (std::span<const std::byte> rest : parts) {
    for (; !rest.empty(); rest = rest.subspan(std::min(rest.size(), max_step))) {
      stream.next_in = zlib_bytes(rest.data());
      stream.avail_in = static_cast<uInt>(std::min(rest.size(), max_step));
      run(Z_NO_FLUSH);
    }
  }
  run(Z_FINISH);
  return result;
}

std::vector<std::byte> gzip(std::span<const std::byte> bytes) {
  return deflated("gzip", {&bytes, 1}, Frame::gzip);
}

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

uint32_t add_to_crc32(uint32_t checksum, std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(crc32_z(checksum, zlib_bytes(bytes.data()), bytes.size()));
}

}  // namespace gradus
