// Files that appear whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>

namespace gradus {

/// Writes a file under a temporary name beside its place; `commit` flushes it to the disk and
/// renames it. If anything fails before it is renamed, or commit is never called, the temporary
/// file is removed and a file that was at `path` stays as it was.
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
  /// Flushes to the disk, renames, and flushes the folder. Throws IoError; what was at `path` then
  /// stays, unless it was the last that failed: the new file is in its place then, and whole, but a
  /// power failure may bring the old one back.
  void commit();

 private:
  void check(bool done, const char* what) const;

  const char* op_;
  std::filesystem::path path_;
  std::string temporary_;
  int file_ = -1;
};

/// Writes a whole file in this way, the parts one after the other.
void write_file_atomically(const char* op, const std::filesystem::path& path,
                           std::initializer_list<std::span<const std::byte>> parts);

/// Removes the temporary files that AtomicFiles of processes that have ended left in a folder:
/// those that were to become a file for whose name `is_own` holds, and no others. To be called
/// under the lock that everyone takes who writes these files; if the file system has none, the
/// files of processes that run on this machine are left alone. One that cannot be removed stays.
void remove_temporary_files(const std::filesystem::path& folder,
                            const std::function<bool(const std::string& name)>& is_own);

/// Flushes the names in a folder to the disk; what was renamed or made in it is there only then.
/// False, with errno, if that fails.
bool sync_folder(const std::filesystem::path& folder);

}  // namespace gradus
