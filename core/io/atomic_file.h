// Files that appear complete or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>

namespace gradus {

/// Writes a file under a temporary name next to `path`; `commit` flushes it to disk and renames it.
/// If anything fails before the renaming, or commit is never called, the temporary file is removed
/// and a file that was at `path` stays as it was.
class AtomicFile {
 public:
  /// `op` names the caller in errors. Throws IoError if the folder is missing or not writable,
  /// or if `path` exists and is not a writable regular file.
  AtomicFile(const char* op, std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends bytes. Throws IoError, for instance if the disk is full.
  void write(std::span<const std::byte> bytes);
  /// How many bytes have been written.
  uint64_t size() const { return size_; }
  /// Flushes to disk, renames, and flushes the folder. Throws IoError; what was at `path` then
  /// stays, unless only the last step failed: then the new file is in its place, and complete, but
  /// a power failure may bring back the old one.
  void commit();

 private:
  void check(bool done, const char* what) const;

  const char* op_;
  std::filesystem::path path_;
  std::string temporary_;
  int file_ = -1;
  uint64_t size_ = 0;
};

/// Writes a complete file in this way, the parts one after the other.
void write_file_atomically(const char* op, const std::filesystem::path& path,
                           std::initializer_list<std::span<const std::byte>> parts);

/// Removes the temporary files that AtomicFiles of ended processes left in a folder: those that
/// were to become a file whose name satisfies `is_own`, and no others. To be called while holding
/// the lock that every writer of these files takes; if the file system has none, the files of
/// processes running on this machine are left alone. One that cannot be removed stays.
void remove_temporary_files(const std::filesystem::path& folder,
                            const std::function<bool(const std::string& name)>& is_own);

/// Flushes the names in a folder to disk; only then are renamed and created files in it durable.
/// False, with errno, if that fails.
bool sync_folder(const std::filesystem::path& folder);

}  // namespace gradus
