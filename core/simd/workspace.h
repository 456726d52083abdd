// Memory for the duration of one piece of work, and how images are divided among pieces.
#pragma once

#include <cstdint>
#include <cstring>

#include "../base/allocator.h"

namespace gradus::kernels {

namespace {

/// Room for n elements, not initialized; at least one.
template <class T>
class Workspace {
 public:
  explicit Workspace(int64_t n)
      : bytes_(static_cast<size_t>(n > 0 ? n : 1) * sizeof(T)),
        data_(static_cast<T*>(allocate(bytes_))) {}
  ~Workspace() { deallocate(data_, bytes_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  T* data() const { return data_; }
  void clear() { std::memset(data_, 0, bytes_); }
  T& operator[](int64_t i) const { return data_[i]; }

 private:
  size_t bytes_;
  T* data_;
};

/// The images of a batch in a few chunks, for sums over images: each chunk is summed in order, then
/// the chunks, and the division depends only on the number of images. Chunks are not so small that
/// adding them up costs more than they do.
struct ImageChunks {
  int64_t images, per_chunk, count;
  explicit ImageChunks(int64_t n) : images(n) {
    constexpr int64_t most = 8, least_images = 4;
    const int64_t even = (n + most - 1) / most;
    per_chunk = even > least_images ? even : least_images;
    count = (n + per_chunk - 1) / per_chunk;
  }
  /// Calls body(first, count) for the images of a chunk, a few at a time.
  template <class Body>
  void for_groups(int64_t chunk, int64_t at_most, const Body& body) const {
    const int64_t next = (chunk + 1) * per_chunk, end = next < images ? next : images;
    for (int64_t i = chunk * per_chunk; i < end; i += at_most) {
      body(i, end - i < at_most ? end - i : at_most);
    }
  }
  /// Calls body(image) for each of them.
  template <class Body>
  void for_each(int64_t chunk, const Body& body) const {
    for_groups(chunk, 1, [&](int64_t image, int64_t) { body(image); });
  }
};

}  // namespace

}  // namespace gradus::kernels
