// Files that appear whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace gradus {

/// Writes a file under a temporary name beside its place; `commit` flushes it to the disk and
/// renames it. Where anything fails before, or commit is never called, the temporary file is
/// removed and a file that was at `path` stays as it was.
class AtomicFile {
 public:
  /// `op` names the caller in errors. Throws IoError where the folder is missing or not writable,
  /// and where `path` exists and is not a writable regular file.
  AtomicFile(const char* op, std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends bytes. Throws IoError, for instance where the disk is full.
  void write(std::span<const std::byte> bytes);
  /// Flushes to the disk and renames. Throws IoError; nothing is at `path` then that was not there.
  void commit();

 private:
  void open_temporary();
  void close_file();
  [[noreturn]] void fail(const char* what) const;

  const char* op_;
  std::filesystem::path path_;
  std::string temporary_;
  int file_ = -1;
};

/// Whether a file of this name is a temporary one of AtomicFile: what is left of a write that the
/// end of the process cut off, unless one is at it just now.
bool is_temporary_name(const std::string& name);

}  // namespace gradus
