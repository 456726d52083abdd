#include "zip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <string_view>
#include <unordered_set>

#include "../base/error.h"
#include "inflation.h"

namespace gradus {

namespace {

static_assert(std::endian::native == std::endian::little, "zip's numbers are little-endian");

// Signatures of the records, and their sizes without names and extras.
constexpr uint32_t local_signature = 0x04034b50, central_signature = 0x02014b50;
constexpr uint32_t end_signature = 0x06054b50, end64_signature = 0x06064b50;
constexpr uint32_t locator64_signature = 0x07064b50;
constexpr uint64_t local_bytes = 30, central_bytes = 46, end_bytes = 22;
constexpr uint64_t end64_bytes = 56, locator64_bytes = 20;

constexpr uint16_t method_stored = 0, method_deflated = 8;
constexpr uint16_t flag_encrypted = 1, flag_utf8 = 0x800;
constexpr uint16_t extra_zip64 = 1;
constexpr uint32_t in_zip64 = 0xffffffff;  // "see the 64-bit field"
constexpr uint64_t max_directory_bytes = 100'000'000;
constexpr int raw_deflate = -MAX_WBITS;  // without a header of its own
constexpr size_t buffer_bytes = 65536;

/// The number at byte `at`; the caller knows that it is there.
template <class T>
T number(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

const Bytef* zlib_bytes(const void* bytes) {
  return static_cast<const Bytef*>(bytes);
}

uint32_t add_to_checksum(uint32_t checksum, const void* bytes, uint64_t n) {
  return static_cast<uint32_t>(crc32_z(checksum, zlib_bytes(bytes), n));
}

}  // namespace

void ZipReader::refuse(const std::string& what, const char* hint) const {
  throw IoError(op_, str("'", name_, "': ", what), hint);
}

template <class... What>
void ZipReader::fail(const What&... what) const {
  refuse(str(what...), "save it again with np.savez, or copy it anew if it was damaged on the way");
}

// --- The directory ---

ZipReader::ZipReader(const char* op, const std::filesystem::path& path)
    : op_(op), name_(path.string()), file_(op, path) {
  const Directory directory = find_directory();
  parse_directory(directory);
  check_apart(directory);
}

/// The archive ends with a record that says where its directory is, and a comment.
ZipReader::Directory ZipReader::find_directory() {
  const uint64_t size = file_.size();
  const uint64_t tail_bytes = std::min<uint64_t>(size, end_bytes + 0xffff);
  std::string tail(tail_bytes, '\0');
  file_.seek(size - tail_bytes);
  file_.read(tail.data(), tail_bytes);
  for (uint64_t back = end_bytes; back <= tail_bytes; ++back) {
    const std::string_view end = std::string_view(tail).substr(tail_bytes - back);
    const bool fits =
        number<uint32_t>(end, 0) == end_signature && end_bytes + number<uint16_t>(end, 20) == back;
    if (!fits) continue;
    if (number<uint16_t>(end, 4) == 0xffff || number<uint16_t>(end, 10) == 0xffff ||
        number<uint32_t>(end, 12) == in_zip64 || number<uint32_t>(end, 16) == in_zip64) {
      return read_directory64(size - back);
    }
    if (number<uint16_t>(end, 4) != 0 || number<uint16_t>(end, 6) != 0) {
      refuse("it is spread over several files", "save it as one file, with np.savez");
    }
    return {number<uint16_t>(end, 10), number<uint32_t>(end, 12), number<uint32_t>(end, 16)};
  }
  fail("it is no zip archive, or was cut: there is no directory at its end");
}

ZipReader::Directory ZipReader::read_directory64(uint64_t end_record) {
  std::array<char, locator64_bytes> locator{};
  std::array<char, end64_bytes> record{};
  const std::string_view place(locator.data(), locator.size());
  const std::string_view end(record.data(), record.size());
  if (end_record < locator64_bytes + end64_bytes) fail("the 64-bit directory is missing");
  file_.seek(end_record - locator64_bytes);
  file_.read(locator.data(), locator.size());
  const uint64_t at = number<uint64_t>(place, 8);
  if (number<uint32_t>(place, 0) != locator64_signature ||
      at > end_record - locator64_bytes - end64_bytes) {
    fail("the 64-bit directory is missing");
  }
  file_.seek(at);
  file_.read(record.data(), record.size());
  if (number<uint32_t>(end, 0) != end64_signature) fail("the 64-bit directory is missing");
  return {number<uint64_t>(end, 32), number<uint64_t>(end, 40), number<uint64_t>(end, 48)};
}

namespace {

/// Puts in the 64-bit numbers of an entry where its 32-bit ones say so; false where they miss.
bool read_zip64(std::string_view extra, std::array<uint64_t*, 3> fields) {
  while (extra.size() >= 4) {
    const uint16_t id = number<uint16_t>(extra, 0), length = number<uint16_t>(extra, 2);
    std::string_view content = extra.substr(4, length);
    if (content.size() < length) return false;
    extra.remove_prefix(4 + length);
    if (id != extra_zip64) continue;
    for (uint64_t* field : fields) {
      if (*field != in_zip64) continue;
      if (content.size() < sizeof(uint64_t)) return false;
      *field = number<uint64_t>(content, 0);
      content.remove_prefix(sizeof(uint64_t));
    }
  }
  return true;
}

}  // namespace

void ZipReader::parse_directory(const Directory& directory) {
  if (directory.begin > file_.size() || directory.bytes > file_.size() - directory.begin) {
    fail("its directory goes beyond the end of the file");
  }
  if (directory.bytes > max_directory_bytes) {
    fail("its directory of ", directory.bytes, " bytes is above the limit of ",
         max_directory_bytes);
  }
  std::string bytes(directory.bytes, '\0');
  file_.seek(directory.begin);
  file_.read(bytes.data(), bytes.size());
  std::unordered_set<std::string> names;
  std::string_view rest = bytes;
  for (uint64_t i = 0; i < directory.entries; ++i) {
    const auto missing = [&](uint64_t n) {
      if (rest.size() < n) fail("its directory ends within entry ", i, " of ", directory.entries);
    };
    missing(central_bytes);
    if (number<uint32_t>(rest, 0) != central_signature) fail("its directory is damaged");
    const uint64_t name_bytes = number<uint16_t>(rest, 28),
                   extra_bytes = number<uint16_t>(rest, 30);
    const uint64_t all = central_bytes + name_bytes + extra_bytes + number<uint16_t>(rest, 32);
    missing(all);
    ZipEntry e;
    e.name = rest.substr(central_bytes, name_bytes);
    const uint16_t flags = number<uint16_t>(rest, 8), method = number<uint16_t>(rest, 10);
    if ((flags & flag_encrypted) != 0) {
      refuse(str("entry '", e.name, "' is encrypted"), "save it without a password");
    }
    if (method != method_stored && method != method_deflated) {
      refuse(
          str("entry '", e.name, "' is compressed with method ", method, "; 0 and 8 can be read"),
          "save it with np.savez or np.savez_compressed");
    }
    e.deflated = method == method_deflated;
    e.checksum = number<uint32_t>(rest, 16);
    e.compressed = number<uint32_t>(rest, 20);
    e.size = number<uint32_t>(rest, 24);
    e.begin = number<uint32_t>(rest, 42);
    if (!read_zip64(rest.substr(central_bytes + name_bytes, extra_bytes),
                    {&e.size, &e.compressed, &e.begin})) {
      fail("entry '", e.name, "' has damaged extra fields");
    }
    if (!names.insert(e.name).second) fail("the name '", e.name, "' appears twice");
    entries_.push_back(std::move(e));
    rest.remove_prefix(all);
  }
  if (!rest.empty()) fail("its directory has ", rest.size(), " bytes too many");
}

/// Turns `entry.begin` from the place of the entry's own header to that of its data; both lie
/// before `limit`.
void ZipReader::locate(ZipEntry& entry, uint64_t limit) {
  const auto need = [&](bool fits) {
    if (!fits) fail("entry '", entry.name, "' does not lie within the archive");
  };
  need(limit >= local_bytes && entry.begin <= limit - local_bytes);
  std::array<char, local_bytes> bytes{};
  const std::string_view header(bytes.data(), bytes.size());
  file_.seek(entry.begin);
  file_.read(bytes.data(), bytes.size());
  if (number<uint32_t>(header, 0) != local_signature) {
    fail("entry '", entry.name, "' has no header where the directory says");
  }
  const uint64_t name_bytes = number<uint16_t>(header, 26);
  const uint64_t before_data = local_bytes + name_bytes + number<uint16_t>(header, 28);
  need(before_data <= limit - entry.begin);
  std::string name(name_bytes, '\0');
  file_.read(name.data(), name_bytes);
  if (name != entry.name) fail("entry '", entry.name, "' is named '", name, "' in its own header");
  entry.begin += before_data;
  need(entry.compressed <= limit - entry.begin);
}

/// No byte belongs to two entries: many names for one large content would be a bomb.
void ZipReader::check_apart(const Directory& directory) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  const uint64_t most = max_inflated_size(file_.size());
  uint64_t inflated = 0;
  for (ZipEntry& e : entries_) {
    const uint64_t begin = e.begin;
    locate(e, directory.begin);
    ranges.emplace_back(begin, e.begin + e.compressed);
    if (!e.deflated && e.size != e.compressed) {
      fail("entry '", e.name, "' of ", e.compressed, " stored bytes declares ", e.size);
    }
    if (e.size / max_inflation > e.compressed) {
      fail("entry '", e.name, "' declares ", e.size, " bytes, more than its ", e.compressed,
           " compressed ones can hold");
    }
    if (!e.deflated) continue;
    if (e.size > most - inflated) {
      refuse(str("its entries declare more than ", most, " bytes, from a file of ", file_.size()),
             "if it really holds so much, write it uncompressed, with numpy.savez");
    }
    inflated += e.size;
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) fail("its entries overlap");
  }
}

// --- Content ---

/// Decompresses one entry front to back.
class ZipReader::Inflater {
 public:
  Inflater(ZipReader& reader, const ZipEntry& entry)
      : reader_(reader), entry_(entry), rest_(entry.compressed) {
    if (inflateInit2(&stream_, raw_deflate) != Z_OK) {
      reader.refuse("zlib cannot be started", "there is probably no memory left");
    }
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Returns how many of the n bytes there were: fewer only at the end.
  uint64_t read(void* to, uint64_t n) {
    auto* out = static_cast<Bytef*>(to);
    uint64_t done = 0;
    while (done < n && !ended_) {
      constexpr uint64_t step = 1U << 30;
      const auto wanted = static_cast<uInt>(std::min(n - done, step));
      stream_.next_out = out + done;
      stream_.avail_out = wanted;
      refill();
      const int result = inflate(&stream_, Z_NO_FLUSH);
      done += wanted - stream_.avail_out;
      ended_ = result == Z_STREAM_END;
      if (!ended_ && result != Z_OK) {
        reader_.fail("the compressed data of entry '", entry_.name, "' is damaged or cut");
      }
    }
    return done;
  }

  /// After the last expected byte: true where there is nothing more, compressed or not.
  bool at_end() {
    std::byte one_more{};
    return read(&one_more, 1) == 0 && rest_ == 0 && stream_.avail_in == 0;
  }

 private:
  void refill() {
    if (stream_.avail_in > 0 || rest_ == 0) return;
    const uint64_t n = std::min<uint64_t>(rest_, buffer_.size());
    reader_.file_.read(buffer_.data(), n);
    rest_ -= n;
    stream_.next_in = buffer_.data();
    stream_.avail_in = static_cast<uInt>(n);
  }

  ZipReader& reader_;
  const ZipEntry& entry_;
  z_stream stream_{};
  std::vector<Bytef> buffer_ = std::vector<Bytef>(buffer_bytes);
  uint64_t rest_;  // compressed bytes still in the file
  bool ended_ = false;
};

void ZipReader::read(const ZipEntry& entry, const std::function<void(const Read& read)>& use) {
  file_.seek(entry.begin);
  Inflater inflater(*this, entry);
  uint64_t rest = entry.size;
  uint32_t checksum = 0;
  use([&](void* to, uint64_t n) {
    uint64_t found = std::min(n, rest);
    if (entry.deflated) {
      found = inflater.read(to, found);
    } else {
      file_.read(to, found);
    }
    if (found < n) fail("entry '", entry.name, "' ends early");
    rest -= n;
    checksum = add_to_checksum(checksum, to, n);
  });
  if (rest > 0 || (entry.deflated && !inflater.at_end())) {
    fail("entry '", entry.name, "' holds more than the ", entry.size, " bytes it declares");
  }
  if (checksum != entry.checksum) fail("entry '", entry.name, "' is damaged: wrong checksum");
}

// --- Writing ---

namespace {

std::vector<std::byte> deflated(const char* op, std::span<const std::span<const std::byte>> parts) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, raw_deflate, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw Error(op, "zlib cannot be started", "there is probably no memory left");
  }
  std::vector<std::byte> result;
  std::array<Bytef, buffer_bytes> buffer;
  for (size_t i = 0; i < parts.size(); ++i) {
    // zlib's interface lacks const for historical reasons; it does not write to its input.
    stream.next_in = const_cast<Bytef*>(zlib_bytes(parts[i].data()));
    stream.avail_in = static_cast<uInt>(parts[i].size());
    const int flush = i + 1 == parts.size() ? Z_FINISH : Z_NO_FLUSH;
    do {
      stream.next_out = buffer.data();
      stream.avail_out = static_cast<uInt>(buffer.size());
      deflate(&stream, flush);
      const auto* const bytes = reinterpret_cast<const std::byte*>(buffer.data());
      result.insert(result.end(), bytes, bytes + (buffer.size() - stream.avail_out));
    } while (stream.avail_out == 0);
  }
  deflateEnd(&stream);
  return result;
}

constexpr uint64_t max_offset = std::numeric_limits<uint32_t>::max() - 1;

/// What an entry's own header and its line in the directory have in common.
std::string common_fields(const ZipEntry& e) {
  const bool ascii =
      std::all_of(e.name.begin(), e.name.end(), [](char c) { return (c & 0x80) == 0; });
  constexpr uint16_t version = 20, midnight = 0, first_of_1980 = 0x21;
  std::string bytes;
  append<uint16_t>(bytes, version);
  append<uint16_t>(bytes, ascii ? 0 : flag_utf8);
  append<uint16_t>(bytes, e.deflated ? method_deflated : method_stored);
  append<uint16_t>(bytes, midnight);
  append<uint16_t>(bytes, first_of_1980);  // no time of writing: the same content, the same bytes
  append<uint32_t>(bytes, e.checksum);
  append<uint32_t>(bytes, static_cast<uint32_t>(e.compressed));
  append<uint32_t>(bytes, static_cast<uint32_t>(e.size));
  append<uint16_t>(bytes, static_cast<uint16_t>(e.name.size()));
  append<uint16_t>(bytes, 0);  // extra fields
  return bytes;
}

}  // namespace

void ZipWriter::write(std::span<const std::byte> bytes) {
  file_.write(bytes);
  written_ += bytes.size();
}

void ZipWriter::add(const std::string& name, std::span<const std::span<const std::byte>> parts,
                    bool deflate) {
  ZipEntry e{.name = name, .deflated = deflate, .begin = written_};
  for (const auto& part : parts) {
    e.size += part.size();
    e.checksum = add_to_checksum(e.checksum, part.data(), part.size());
  }
  const auto check_size = [&](bool fits) {
    if (!fits) {
      throw ValueError(op_, str("'", name, "' of ", e.size, " bytes does not fit any more"),
                       "this form of zip holds 4 GiB, 65535 entries and names of 65535 bytes; "
                       "safetensors has no such limit");
    }
  };
  check_size(e.size <= max_offset && name.size() <= 0xffff && entries_ < 0xffff - 1);
  const std::vector<std::byte> compressed =
      deflate ? deflated(op_, parts) : std::vector<std::byte>();
  e.compressed = deflate ? compressed.size() : e.size;
  check_size(e.compressed <= max_offset - written_);

  std::string header;
  append(header, local_signature);
  header += common_fields(e) + name;
  write(std::as_bytes(std::span(header)));
  if (deflate) {
    write(compressed);
  } else {
    for (const auto& part : parts) write(part);
  }
  constexpr uint16_t made_by = 20;
  append(directory_, central_signature);
  append(directory_, made_by);
  directory_ += common_fields(e);
  append<uint16_t>(directory_, 0);  // comment
  append<uint16_t>(directory_, 0);  // disk
  append<uint16_t>(directory_, 0);  // attributes
  append<uint32_t>(directory_, 0);
  append(directory_, static_cast<uint32_t>(e.begin));
  directory_ += name;
  ++entries_;
}

void ZipWriter::commit() {
  if (written_ + directory_.size() > max_offset) {
    throw ValueError(op_, "the archive would be larger than the 4 GiB that this form of zip holds",
                     "save to several files, or with save_safetensors()");
  }
  std::string end;
  append(end, end_signature);
  append<uint32_t>(end, 0);  // this disk, and that of the directory
  append(end, static_cast<uint16_t>(entries_));
  append(end, static_cast<uint16_t>(entries_));
  append(end, static_cast<uint32_t>(directory_.size()));
  append(end, static_cast<uint32_t>(written_));
  append<uint16_t>(end, 0);  // comment
  write(std::as_bytes(std::span(directory_)));
  write(std::as_bytes(std::span(end)));
  file_.commit();
}

}  // namespace gradus
