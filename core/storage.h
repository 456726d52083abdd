// The memory of tensors.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace gradus {

/// A block of memory shared by one or more tensors (a tensor and its views), with a version that
/// counts the writes to it. The tape compares versions to notice that a value it needs has changed.
class Storage {
 public:
  explicit Storage(size_t bytes);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() { return data_; }
  const void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  uint32_t version() const { return version_.load(std::memory_order_relaxed); }
  void bump_version() { version_.fetch_add(1, std::memory_order_relaxed); }
  /// For a storage that replaces another one and continues counting from its version.
  void set_version(uint32_t version) { version_.store(version, std::memory_order_relaxed); }

  /// A new block from the caching allocator; its contents are undefined.
  static std::shared_ptr<Storage> create(size_t bytes);

 private:
  void* data_;
  size_t bytes_;
  std::atomic<uint32_t> version_ = 0;
};

/// Number of live tensors in the process, and the bytes of the storages they hold. Exact, always
/// on: tests compare them before and after to find leaks.
/// @{
int64_t live_tensors();
int64_t live_bytes();
/// @}

}  // namespace gradus
