// Zip archives (PKWARE's APPNOTE 6.3), as far as .npz files and PyTorch's need them.
//
// Why not libzip: it does not tell where entries lie and accepts those that overlap, it has one
// error for all that can be wrong with a directory, and the bytes that it writes depend on its
// version.
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

/// One file in an archive. Its name is a key and never a path: nothing is extracted to a file.
struct ZipEntry {
  std::string name;
  uint64_t size;               ///< bytes of its content
  uint64_t compressed, begin;  ///< its bytes in the archive, and where they begin
  uint32_t checksum;
  bool is_deflated;
};

/// An archive whose entries are read in any order.
class ZipReader {
 public:
  /// Reads and checks the archive's directory: every entry is within the file, overlaps no other,
  /// is stored or deflated, and declares no more than its bytes can hold. Throws IoError otherwise.
  explicit ZipReader(InputFile file);

  /// In the order of the directory; no two have the same name.
  const std::vector<ZipEntry>& entries() const { return entries_; }
  const InputFile& file() const { return file_; }
  /// Passes the content of an entry to `use`, which must read all of it. Throws IoError if it is
  /// longer or shorter than declared or does not match its checksum.
  void read(const ZipEntry& entry, const std::function<void(InputFile& content)>& use);

 private:
  InputFile file_;
  std::vector<ZipEntry> entries_;
};

/// Writes an archive completely or not at all.
class ZipWriter {
 public:
  ZipWriter(const char* op, const std::filesystem::path& path) : op_(op), file_(op, path) {}

  /// Appends an entry with the parts as its content. Throws ValueError if the archive would become
  /// too large for 32-bit offsets.
  void add(const std::string& name, std::span<const std::span<const std::byte>> parts,
           bool compress);
  /// Writes the directory and puts the file in place. Throws IoError.
  void commit();

 private:
  const char* op_;
  AtomicFile file_;
  std::string directory_;
  uint16_t entries_ = 0;
};

}  // namespace gradus
