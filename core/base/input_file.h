// Reading a file whose size is known before anything is allocated for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>

namespace gradus {

/// A regular file, read from the beginning unless told otherwise.
class InputFile {
 public:
  /// `op` names the caller in errors. Throws IoError where there is no such file, where it is not
  /// a regular one, or where it cannot be opened.
  InputFile(const char* op, std::filesystem::path path);

  uint64_t size() const { return size_; }
  /// Reads the next n bytes. Throws IoError where there are fewer.
  void read(void* to, uint64_t n);
  /// Goes to a byte counted from the beginning.
  void seek(uint64_t position);

 private:
  [[noreturn]] void fail(const char* what) const;

  const char* op_;
  std::filesystem::path path_;
  std::ifstream in_;
  uint64_t size_ = 0;
};

}  // namespace gradus
