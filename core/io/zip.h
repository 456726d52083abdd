// Zip archives (PKWARE's APPNOTE 6.3), as far as .npz files need them. For npy.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "atomic_file.h"
#include "input_file.h"

namespace gradus {

/// One file in an archive, as its directory declares it.
struct ZipEntry {
  std::string name;         ///< a key, never a path
  bool deflated = false;    ///< else stored as it is
  uint32_t checksum = 0;    ///< CRC-32 of the content
  uint64_t compressed = 0;  ///< bytes in the archive
  uint64_t size = 0;        ///< bytes of the content
  uint64_t begin = 0;       ///< where the entry's header is, later where its data is
};

/// Reads an archive by its central directory. Names are keys; nothing is ever extracted to a file.
class ZipReader {
 public:
  /// Reads and checks the directory: every entry lies within the file and apart from all others,
  /// is stored or deflated, and declares no more than its bytes can hold. Throws IoError.
  ZipReader(const char* op, const std::filesystem::path& path);

  const std::vector<ZipEntry>& entries() const { return entries_; }

  /// Delivers the next n bytes of an entry; throws IoError where there are fewer.
  using Read = std::function<void(void* to, uint64_t n)>;
  /// Lets `use` read an entry, which must take all of its bytes. Throws IoError where the content
  /// is longer or shorter than declared, or does not have its checksum.
  void read(const ZipEntry& entry, const std::function<void(const Read& read)>& use);

 private:
  struct Directory {
    uint64_t entries, bytes, begin;
  };
  class Inflater;

  [[noreturn]] void refuse(const std::string& what, const char* hint) const;
  /// For what a good archive cannot have.
  template <class... What>
  [[noreturn]] void fail(const What&... what) const;
  Directory find_directory();
  Directory read_directory64(uint64_t end_record);
  void parse_directory(const Directory& directory);
  void locate(ZipEntry& entry, uint64_t limit);
  void check_apart(const Directory& directory);

  const char* op_;
  std::string name_;
  InputFile file_;
  std::vector<ZipEntry> entries_;
};

/// Writes an archive whole or not at all.
class ZipWriter {
 public:
  ZipWriter(const char* op, const std::filesystem::path& path) : op_(op), file_(op, path) {}

  /// Appends an entry with the parts as its content. Throws ValueError where the archive would get
  /// too large for 32-bit offsets.
  void add(const std::string& name, std::span<const std::span<const std::byte>> parts,
           bool deflate);
  /// Writes the directory and puts the file in its place. Throws IoError.
  void commit();

 private:
  void write(std::span<const std::byte> bytes);

  const char* op_;
  AtomicFile file_;
  std::string directory_;
  uint64_t entries_ = 0;
  uint64_t written_ = 0;
};

}  // namespace gradus
