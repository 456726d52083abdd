#include "zip.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "deflate.h"

namespace gradus {
namespace {

static_assert(std::endian::native == std::endian::little, "zip's numbers are little-endian");

// --- The records of an archive, as in the file ---

/// The fields that an entry's own header and its record in the directory share.
struct [[gnu::packed]] EntryFields {
  uint16_t version = 20, flags, method, time = 0;
  uint16_t date = 0x21;  // 1 January 1980: the same content, the same bytes
  uint32_t checksum, compressed, size;
  uint16_t name_bytes, extra_bytes = 0;
};

struct [[gnu::packed]] LocalHeader {
  static constexpr uint32_t expected = 0x04034b50;
  uint32_t signature = expected;
  EntryFields entry;
};

struct [[gnu::packed]] DirectoryLine {
  static constexpr uint32_t expected = 0x02014b50;
  uint32_t signature = expected;
  uint16_t made_by = 20;
  EntryFields entry;
  uint16_t comment_bytes = 0, disk = 0, attributes = 0;
  uint32_t more_attributes = 0, begin;
};

/// The last record: where the directory is. A comment may follow.
struct [[gnu::packed]] End {
  static constexpr uint32_t expected = 0x06054b50;
  uint32_t signature = expected;
  uint16_t disk = 0, directory_disk = 0, entries_here, entries;
  uint32_t directory_bytes, directory_begin;
  uint16_t comment_bytes = 0;
};

/// The same for large archives; a locator before `End` says where it is.
struct [[gnu::packed]] End64 {
  static constexpr uint32_t expected = 0x06064b50;
  uint32_t signature;
  uint64_t record_bytes;
  uint16_t made_by, version;
  uint32_t disk, directory_disk;
  uint64_t entries_here, entries, directory_bytes, directory_begin;
};

struct [[gnu::packed]] Locator64 {
  static constexpr uint32_t expected = 0x07064b50;
  uint32_t signature, disk;
  uint64_t end64_begin;
  uint32_t disks;
};

static_assert(sizeof(LocalHeader) == 30 && sizeof(DirectoryLine) == 46 && sizeof(End) == 22 &&
              sizeof(End64) == 56 && sizeof(Locator64) == 20);

constexpr uint16_t method_stored = 0, method_deflated = 8;
constexpr uint16_t flag_encrypted = 1, flag_utf8 = 0x800;
constexpr uint16_t extra_zip64 = 1;
constexpr uint32_t in_zip64 = 0xffffffff;  // "see the 64-bit field"

// --- Reading ---

constexpr const char* zip_again = "save it again, or copy it anew if it was damaged on the way";

struct Directory {
  uint64_t entries, bytes, begin;
};

template <class Record>
Record as(std::string_view bytes) {
  Record record;
  std::memcpy(&record, bytes.data(), sizeof record);
  return record;
}

/// The first n bytes, which the caller knows to be there.
std::string_view take(std::string_view& bytes, size_t n) {
  const std::string_view first = bytes.substr(0, n);
  bytes.remove_prefix(n);
  return first;
}

std::string read_text(InputFile& file, uint64_t at, uint64_t n) {
  std::string text(n, '\0');
  file.seek(at);
  file.read(text.data(), n);
  return text;
}

template <class Record>
Record read_record(InputFile& file, uint64_t at) {
  return as<Record>(read_text(file, at, sizeof(Record)));
}

Directory find_directory64(InputFile& file, uint64_t end) {
  const auto need = [&](bool holds) {
    file.check(holds, zip_again, "the 64-bit directory is missing");
  };
  need(end >= sizeof(Locator64) + sizeof(End64));
  const uint64_t limit = end - sizeof(Locator64);
  const auto locator = read_record<Locator64>(file, limit);
  need(locator.signature == Locator64::expected && locator.end64_begin <= limit - sizeof(End64));
  const auto record = read_record<End64>(file, locator.end64_begin);
  need(record.signature == End64::expected);
  return {record.entries, record.directory_bytes, record.directory_begin};
}

Directory find_directory(InputFile& file) {
  const uint64_t tail_bytes = std::min<uint64_t>(file.size(), sizeof(End) + 0xffff);
  const std::string tail = read_text(file, file.size() - tail_bytes, tail_bytes);
  for (uint64_t back = sizeof(End); back <= tail_bytes; ++back) {
    const End end = as<End>(std::string_view(tail).substr(tail_bytes - back));
    if (end.signature != End::expected || end.comment_bytes != back - sizeof end) continue;
    if (end.disk == 0xffff || end.entries == 0xffff || end.directory_bytes == in_zip64 ||
        end.directory_begin == in_zip64) {
      return find_directory64(file, file.size() - back);
    }
    file.check(end.disk == 0 && end.directory_disk == 0, "save it as one file",
               "it is spread over several files");
    return {end.entries, end.directory_bytes, end.directory_begin};
  }
  file.check(false, zip_again,
             "it is no zip archive, or was cut: there is no directory at its end");
  return {};
}

/// Puts in the 64-bit numbers of an entry if its 32-bit ones say so; false if they are missing.
bool read_zip64(std::string_view extra, std::initializer_list<uint64_t*> fields) {
  while (extra.size() >= 4) {
    const auto id = as<uint16_t>(take(extra, 2)), length = as<uint16_t>(take(extra, 2));
    if (extra.size() < length) return false;
    std::string_view content = take(extra, length);
    for (uint64_t* field : fields) {
      if (id != extra_zip64 || *field != in_zip64) continue;
      if (content.size() < sizeof *field) return false;
      *field = as<uint64_t>(take(content, sizeof *field));
    }
  }
  return true;
}

std::vector<ZipEntry> read_directory(InputFile& file, const Directory& directory) {
  constexpr uint64_t max_bytes = 100'000'000;
  file.check(directory.begin <= file.size() && directory.bytes <= file.size() - directory.begin,
             zip_again, "its directory goes beyond the end of the file");
  file.check(directory.bytes <= max_bytes, zip_again, "its directory of ", directory.bytes,
             " bytes is above the limit of ", max_bytes);
  const std::string bytes = read_text(file, directory.begin, directory.bytes);
  std::vector<ZipEntry> entries;
  std::unordered_set<std::string> names;
  std::string_view rest = bytes;
  while (entries.size() < directory.entries) {
    const auto next = [&](size_t n) {
      file.check(rest.size() >= n, zip_again, "its directory ends within entry ", entries.size(),
                 " of ", directory.entries);
      return take(rest, n);
    };
    const auto line = as<DirectoryLine>(next(sizeof(DirectoryLine)));
    file.check(line.signature == DirectoryLine::expected, zip_again, "its directory is damaged");
    const EntryFields& fields = line.entry;
    ZipEntry e{.name = std::string(next(fields.name_bytes)),
               .size = fields.size,
               .compressed = fields.compressed,
               .begin = line.begin,  // of its own header; locate() goes on to its data
               .checksum = fields.checksum,
               .is_deflated = fields.method == method_deflated};
    const std::string_view extra = next(fields.extra_bytes);
    next(line.comment_bytes);
    file.check((fields.flags & flag_encrypted) == 0, "save it without a password", "entry '",
               e.name, "' is encrypted");
    file.check(e.is_deflated || fields.method == method_stored, "save it uncompressed", "entry '",
               e.name, "' is compressed with method ", uint16_t{fields.method},
               "; 0 and 8 can be read");
    file.check(read_zip64(extra, {&e.size, &e.compressed, &e.begin}), zip_again, "entry '", e.name,
               "' has damaged extra fields");
    file.check(names.insert(e.name).second, zip_again, "the name '", e.name, "' appears twice");
    entries.push_back(std::move(e));
  }
  file.check(rest.empty(), zip_again, "its directory has ", rest.size(), " bytes too many");
  return entries;
}

/// Moves `entry.begin` from the entry's own header to its data; both are before `limit`.
void locate(InputFile& file, ZipEntry& entry, uint64_t limit) {
  const auto need = [&](bool fits) {
    file.check(fits, zip_again, "entry '", entry.name, "' does not lie within the archive");
  };
  need(limit >= sizeof(LocalHeader) && entry.begin <= limit - sizeof(LocalHeader));
  const auto header = read_record<LocalHeader>(file, entry.begin);
  file.check(header.signature == LocalHeader::expected, zip_again, "entry '", entry.name,
             "' has no header where the directory says");
  const uint64_t name_bytes = header.entry.name_bytes;
  const uint64_t before_data = sizeof header + name_bytes + header.entry.extra_bytes;
  need(before_data <= limit - entry.begin);
  const std::string name = read_text(file, entry.begin + sizeof header, name_bytes);
  file.check(name == entry.name, zip_again, "entry '", entry.name, "' is named '", name,
             "' in its own header");
  entry.begin += before_data;
  need(entry.compressed <= limit - entry.begin);
}

/// Checks that the entries hold what they declare and that no byte belongs to two of them: many
/// names for one large content would be a bomb.
std::vector<ZipEntry> checked_entries(InputFile& file) {
  const Directory directory = find_directory(file);
  std::vector<ZipEntry> entries = read_directory(file, directory);
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  const uint64_t most = max_inflated_size(file.size());
  uint64_t inflated = 0;
  for (ZipEntry& e : entries) {
    const uint64_t begin = e.begin;
    locate(file, e, directory.begin);
    ranges.emplace_back(begin, e.begin + e.compressed);
    file.check(e.is_deflated || e.size == e.compressed, zip_again, "entry '", e.name, "' of ",
               e.compressed, " stored bytes declares ", e.size);
    file.check(e.size / max_inflation <= e.compressed, zip_again, "entry '", e.name, "' declares ",
               e.size, " bytes, more than its ", e.compressed, " compressed ones can hold");
    if (!e.is_deflated) continue;
    file.check(e.size <= most - inflated, "if it really holds so much, save it uncompressed",
               "its entries declare more than ", most, " bytes, from a file of ", file.size());
    inflated += e.size;
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    file.check(ranges[i].first >= ranges[i - 1].second, zip_again, "its entries overlap");
  }
  return entries;
}

}  // namespace

ZipReader::ZipReader(InputFile file) : file_(std::move(file)), entries_(checked_entries(file_)) {}

void ZipReader::read(const ZipEntry& e, const std::function<void(InputFile&)>& use) {
  const auto check = [&](bool holds, const auto&... what) {
    file_.check(holds, zip_again, "entry '", e.name, "' ", what...);
  };
  file_.seek(e.begin);
  InputFile::ReadSome read = [&](uint64_t, void* to, size_t n) { return file_.read_up_to(to, n); };
  if (e.is_deflated) {
    read = inflated(file_, e.compressed, Frame::none,
                    str("'", file_.name(), "': the compressed data of entry '", e.name, "'"));
  }
  uint64_t rest = e.size;
  uint32_t checksum = 0;
  InputFile content(file_.op(), str(file_.name(), ": ", e.name), e.size,
                    [&](uint64_t, void* to, size_t n) {
                      const size_t got = rest == 0 ? 0 : read(0, to, std::min(n, rest));
                      check(got > 0, "ends early");
                      rest -= got;
                      checksum = add_to_crc32(checksum, {static_cast<std::byte*>(to), got});
                      return got;
                    });
  use(content);
  std::byte more;
  check(rest == 0 && (!e.is_deflated || read(0, &more, 1) == 0), "holds more than the ", e.size,
        " bytes it declares");
  check(checksum == e.checksum, "is damaged: wrong checksum");
}

// --- Writing ---

namespace {

constexpr uint64_t max_offset = in_zip64 - 1;

template <class Record>
void append(std::string& bytes, const Record& record) {
  bytes.append(reinterpret_cast<const char*>(&record), sizeof record);
}

}  // namespace

void ZipWriter::add(const std::string& name, std::span<const std::span<const std::byte>> parts,
                    bool compress) {
  uint64_t size = 0;
  uint32_t checksum = 0;
  for (const auto& part : parts) {
    size += part.size();
    checksum = add_to_crc32(checksum, part);
  }
  const auto check_size = [&](bool fits) {
    require(fits, op_,
            "this form of zip holds 4 GiB, 65535 entries and names of 65535 bytes; safetensors has "
            "no such limit",
            "'", name, "' of ", size, " bytes does not fit any more");
  };
  check_size(size <= max_offset && name.size() <= 0xffff && entries_ < 0xffff - 1);
  const std::vector<std::byte> packed =
      compress ? deflated(op_, parts, Frame::none) : std::vector<std::byte>();
  const uint64_t compressed = compress ? packed.size() : size;
  check_size(compressed <= max_offset - file_.size());

  const bool ascii = std::all_of(name.begin(), name.end(), [](char c) { return (c & 0x80) == 0; });
  const EntryFields entry{.flags = ascii ? uint16_t{0} : flag_utf8,
                          .method = compress ? method_deflated : method_stored,
                          .checksum = checksum,
                          .compressed = static_cast<uint32_t>(compressed),
                          .size = static_cast<uint32_t>(size),
                          .name_bytes = static_cast<uint16_t>(name.size())};
  append(directory_, DirectoryLine{.entry = entry, .begin = static_cast<uint32_t>(file_.size())});
  directory_ += name;
  ++entries_;
  std::string header;
  append(header, LocalHeader{.entry = entry});
  header += name;
  file_.write(std::as_bytes(std::span(header)));
  file_.write(packed);
  for (const auto part : parts.first(compress ? 0 : parts.size())) file_.write(part);
}

void ZipWriter::commit() {
  require(file_.size() + directory_.size() <= max_offset, op_,
          "save to several files, or with save_safetensors()",
          "the archive would be larger than the 4 GiB that this form of zip holds");
  append(directory_, End{.entries_here = entries_,
                         .entries = entries_,
                         .directory_bytes = static_cast<uint32_t>(directory_.size()),
                         .directory_begin = static_cast<uint32_t>(file_.size())});
  file_.write(std::as_bytes(std::span(directory_)));
  file_.commit();
}

}  // namespace gradus
