// Reading a file whose size is known before anything is allocated for it.
#pragma once

#include <cstdint>
#include <filesystem>

namespace gradus {

/// A regular file, read from the beginning unless told otherwise. Throws ReadError throughout: what
/// fails here is the file's place, the permissions or the disk, not the content.
class InputFile {
 public:
  /// `op` names the caller in errors. Throws where there is no such file, where it is not a regular
  /// one, or where it cannot be opened.
  InputFile(const char* op, std::filesystem::path path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  uint64_t size() const { return size_; }
  /// Reads the next n bytes. Throws where there are fewer.
  void read(void* to, uint64_t n);
  /// Goes to a byte counted from the beginning.
  void seek(uint64_t position);

 private:
  [[noreturn]] void fail(const std::string& what,
                         const char* hint = "check its permissions and the disk");

  const char* op_;
  std::filesystem::path path_;
  int file_ = -1;
  uint64_t size_ = 0, position_ = 0;
};

}  // namespace gradus
