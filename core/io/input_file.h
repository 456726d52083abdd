// Reading a file whose size is known before anything is allocated for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "../base/error.h"

namespace gradus {

/// A file, bytes in memory in place of one, or the output of a decompressor: what all readers of
/// formats read from, front to back unless they seek.
class InputFile {
 public:
  /// Delivers some of the n bytes from byte `at` on, and returns how many; 0 only at the end.
  using ReadSome = std::function<size_t(uint64_t at, void* to, size_t n)>;
  /// Which files are read: regular ones, or pipes and the like as well.
  enum class Kind { regular, any };

  /// Opens a file; `op` names the caller in errors. Throws ReadError if there is no such file, if
  /// it is not a regular one, or if it cannot be opened: such failures are about the path, the
  /// permissions or the disk, not the content. With Kind::any it may be a pipe, whose size is 0.
  InputFile(const char* op, const std::filesystem::path& path, Kind kind = Kind::regular);
  /// Bytes in memory, which must outlive this object; `name` stands for the file in errors.
  InputFile(const char* op, std::string name, std::span<const std::byte> bytes);
  /// `size` bytes delivered by a function.
  InputFile(const char* op, std::string name, uint64_t size, ReadSome read_some)
      : op_(op), name_(std::move(name)), size_(size), read_some_(std::move(read_some)) {}

  const char* op() const { return op_; }
  const std::string& name() const { return name_; }
  uint64_t size() const { return size_; }
  /// Reads the next n bytes. Throws ReadError if there are fewer.
  void read(void* to, uint64_t n);
  /// The same, but returns how many there were: fewer than n only at the end.
  size_t read_up_to(void* to, size_t n);
  /// Goes to a byte counted from the beginning.
  void seek(uint64_t position) { position_ = position; }

  /// Throws IoError, naming the file, unless its content is valid.
  template <class... What>
  void check(bool holds, std::string_view hint, const What&... what) const {
    require<IoError>(holds, op_, hint, "'", name_, "': ", what...);
  }

 private:
  const char* op_;
  std::string name_;
  uint64_t size_ = 0, position_ = 0;
  ReadSome read_some_;
};

/// All bytes of a file or a pipe. Throws IoError, in the name of `op`, saying whether it is
/// missing, a directory, not readable, or larger than `at_most` bytes, which is checked before
/// memory is allocated for them.
std::vector<std::byte> read_file(const char* op, const std::filesystem::path& path,
                                 uint64_t at_most = uint64_t{2} << 30);

}  // namespace gradus
