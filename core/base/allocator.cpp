#include "allocator.h"

#include <sys/mman.h>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include "error.h"

namespace gradus {

namespace {

constexpr size_t alignment = 64;
constexpr size_t huge_page = size_t{2} << 20;

// Size classes: multiples of 64 up to 512, then eight steps per power of two (at most 1/8 wasted).
constexpr size_t small_limit = 512;
constexpr int small_classes = small_limit / alignment;
constexpr int class_count = small_classes + 8 * 40;

struct SizeClass {
  int index;
  size_t bytes;
};

SizeClass size_class(size_t bytes) {
  if (bytes <= small_limit) {
    const size_t blocks = bytes == 0 ? 1 : (bytes + alignment - 1) / alignment;
    return {static_cast<int>(blocks) - 1, blocks * alignment};
  }
  const int log = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^log < bytes <= 2^(log+1)
  const size_t step = size_t{1} << (log - 3);
  const size_t steps = (bytes - (size_t{1} << log) + step - 1) / step;  // 1 ... 8
  return {small_classes + (log - 9) * 8 + static_cast<int>(steps) - 1,
          (size_t{1} << log) + steps * step};
}

/// A free block holds the link to the next one in its own first bytes.
struct FreeBlock {
  FreeBlock* next;
};

struct Pool {
  std::mutex mutex;
  std::array<FreeBlock*, class_count> free{};
  AllocatorStatistics statistics;
};

/// Never destroyed: tensors with static lifetime may outlive every other object.
Pool& pool() {
  alignas(Pool) static std::byte memory[sizeof(Pool)];
  static Pool* const instance = ::new (memory) Pool;
  return *instance;
}

std::atomic<bool> poison = false;

size_t system_alignment(size_t bytes) {
  return bytes >= huge_page ? huge_page : alignment;
}

void* system_allocate(size_t bytes) {
  void* const block = std::aligned_alloc(system_alignment(bytes), bytes);
  if (block != nullptr && bytes >= huge_page) {
    madvise(block, bytes, MADV_HUGEPAGE);  // fewer first-touch faults; a refusal does no harm
  }
  return block;
}

}  // namespace

void* allocate(size_t bytes) {
  if (bytes > size_t{1} << 46) {
    throw Error("allocate", str("cannot allocate ", bytes, " bytes"), "is a size wrong?");
  }
  SizeClass c = size_class(bytes);
  if (c.bytes >= huge_page) c.bytes = (c.bytes + huge_page - 1) / huge_page * huge_page;
  void* block = nullptr;
  {
    Pool& p = pool();
    const std::lock_guard lock(p.mutex);
    FreeBlock*& head = p.free[static_cast<size_t>(c.index)];
    if (head != nullptr) {
      block = head;
      head = head->next;
      p.statistics.cached_bytes -= static_cast<int64_t>(c.bytes);
    } else {
      ++p.statistics.system_allocations;
      p.statistics.system_bytes += static_cast<int64_t>(c.bytes);
    }
  }
  if (block == nullptr) block = system_allocate(c.bytes);
  if (block == nullptr) {
    release_cached_memory();
    block = system_allocate(c.bytes);
  }
  if (block == nullptr) {
    Pool& p = pool();
    const std::lock_guard lock(p.mutex);
    p.statistics.system_bytes -= static_cast<int64_t>(c.bytes);
    throw Error("allocate", str("the system has no ", c.bytes, " bytes more"),
                "use a smaller batch or model");
  }
  if (poison.load(std::memory_order_relaxed)) std::memset(block, 0xFF, c.bytes);
  return block;
}

void deallocate(void* block, size_t bytes) noexcept {
  if (block == nullptr) return;
  SizeClass c = size_class(bytes);
  if (c.bytes >= huge_page) c.bytes = (c.bytes + huge_page - 1) / huge_page * huge_page;
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  FreeBlock*& head = p.free[static_cast<size_t>(c.index)];
  head = ::new (block) FreeBlock{head};
  p.statistics.cached_bytes += static_cast<int64_t>(c.bytes);
}

AllocatorStatistics allocator_statistics() {
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  return p.statistics;
}

void release_cached_memory() {
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  for (FreeBlock*& head : p.free) {
    while (head != nullptr) std::free(std::exchange(head, head->next));
  }
  p.statistics.system_bytes -= p.statistics.cached_bytes;
  p.statistics.cached_bytes = 0;
}

void poison_allocations(bool on) {
  poison.store(on, std::memory_order_relaxed);
}

}  // namespace gradus
