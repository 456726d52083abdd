// Zip archives (PKWARE's APPNOTE 6.3), as far as .npz files need them. For npy.cpp.
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

#include "atomic_file.h"
#include "input_file.h"

namespace gradus {

/// Passes each entry of an archive to `use`, which must read all of its content. Names are keys and
/// never paths: nothing is extracted to a file.
///
/// First the archive's directory is read and checked: every entry is within the file, overlaps no
/// other, is stored or deflated, and declares no more than its bytes can hold. Throws IoError
/// otherwise, and if a content is longer or shorter than declared or does not match its checksum.
void read_zip(const char* op, const std::filesystem::path& path,
              const std::function<void(const std::string& name, InputFile& content)>& use);

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
