// Input as a file, for readers that take a path.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "target.h"

namespace gradus::fuzz {

/// The path of a file in memory that holds `content`, until the next call.
inline const std::string& memory_file(std::span<const std::byte> content) {
  static const int file = memfd_create("input", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  require(ftruncate(file, 0) == 0, "a file in memory can be emptied");
  const ssize_t written = pwrite(file, content.data(), content.size(), 0);
  require(written == static_cast<ssize_t>(content.size()), "a file in memory can be written");
  return path;
}

}  // namespace gradus::fuzz
