#include "allocator.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <unordered_map>
#include <utility>

#include "error.h"
#include "system_limits.h"

namespace gradus {

namespace {

constexpr size_t block_alignment = 64;
constexpr size_t huge_page = size_t{2} << 20;

// Size classes: multiples of 64 up to 512, then eight steps per power of two (at most 1/8 wasted).
constexpr size_t small_limit = 512;
constexpr int small_classes = small_limit / block_alignment;
constexpr int class_count = small_classes + 8 * 40;

struct SizeClass {
  int index;
  size_t bytes;
};

SizeClass size_class(size_t bytes) {
  if (bytes <= small_limit) {
    const size_t blocks = bytes == 0 ? 1 : (bytes + block_alignment - 1) / block_alignment;
    return {static_cast<int>(blocks) - 1, blocks * block_alignment};
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
  size_t limit = system_memory();
  std::array<FreeBlock*, class_count> free{};
  /// The class of every block of a huge page or more: such a block may serve requests of smaller
  /// classes.
  std::unordered_map<void*, SizeClass> large;
  AllocatorStatistics statistics;
};

/// Never destroyed: tensors with static lifetime may outlive every other object.
Pool& pool() {
  alignas(Pool) static std::byte memory[sizeof(Pool)];
  static Pool* const instance = ::new (memory) Pool;
  return *instance;
}

/// A fork waits until no other thread holds the lock: nobody would release it in the child.
const int lock_over_forks = pthread_atfork(
    [] { pool().mutex.lock(); }, [] { pool().mutex.unlock(); }, [] { pool().mutex.unlock(); });

std::atomic<bool> poison = false;

void* system_allocate(size_t bytes) {
  const size_t alignment = bytes >= huge_page ? huge_page : block_alignment;
  void* const block = std::aligned_alloc(alignment, bytes);
  if (block != nullptr && bytes >= huge_page) {
    madvise(block, bytes, MADV_HUGEPAGE);  // fewer first-touch faults; a refusal does no harm
  }
  return block;
}

SizeClass system_class(size_t bytes) {
  SizeClass c = size_class(bytes);
  if (c.bytes >= huge_page) c.bytes = (c.bytes + huge_page - 1) / huge_page * huge_page;
  return c;
}

// The functions below are called with the pool's lock held.

void release_cached(Pool& p) {
  for (FreeBlock*& head : p.free) {
    while (head != nullptr) {
      p.large.erase(head);
      std::free(std::exchange(head, head->next));
    }
  }
  p.statistics.system_bytes -= p.statistics.cached_bytes;
  p.statistics.cached_bytes = 0;
}

/// If more is held than a limit that was set later, nothing is cached: reusing a cached block would
/// exceed the limit.
void keep_to_limit(Pool& p) {
  if (static_cast<size_t>(p.statistics.system_bytes) > p.limit) release_cached(p);
}

/// A block of this class, or of one up to twice as large if fresh memory would be the worse choice:
/// a net has tensors of a few large sizes, rarely all at once.
void* take_cached(Pool& p, const SizeClass& c) {
  constexpr int classes_per_doubling = 8;
  const int last =
      c.bytes < huge_page ? c.index : std::min(c.index + classes_per_doubling, class_count - 1);
  for (int i = c.index; i <= last; ++i) {
    FreeBlock*& head = p.free[static_cast<size_t>(i)];
    if (head == nullptr) continue;
    const size_t bytes = c.bytes < huge_page ? c.bytes : p.large.at(head).bytes;
    p.statistics.cached_bytes -= static_cast<int64_t>(bytes);
    return std::exchange(head, head->next);
  }
  return nullptr;
}

/// Counts a block as held from the system, unless that exceeds the limit.
void reserve(Pool& p, size_t bytes) {
  const auto fits = [&] {
    return static_cast<size_t>(p.statistics.system_bytes) + bytes <= p.limit;
  };
  if (!fits()) release_cached(p);
  require<Error>(fits(), "allocate",
                 "is a size wrong? A smaller batch or model needs less; set_memory_limit() sets "
                 "the limit",
                 bytes, " bytes more than the ", p.statistics.system_bytes,
                 " in use go beyond the limit of ", p.limit);
  ++p.statistics.system_allocations;
  p.statistics.system_bytes += static_cast<int64_t>(bytes);
}

/// A new block from the system, which has already been counted.
void* reserved_block(const SizeClass& c) {
  void* block = system_allocate(c.bytes);
  if (block == nullptr) {
    release_cached_memory();
    block = system_allocate(c.bytes);
  }
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  if (block != nullptr) {
    if (c.bytes >= huge_page) p.large.emplace(block, c);
    return block;
  }
  p.statistics.system_bytes -= static_cast<int64_t>(c.bytes);
  throw Error("allocate", str("the system has no ", c.bytes, " bytes more"),
              "use a smaller batch or model");
}

}  // namespace

void set_memory_limit(size_t bytes) {
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  p.limit = bytes;
  keep_to_limit(p);
}

size_t memory_limit() {
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  return p.limit;
}

void* allocate(size_t bytes) {
  require<Error>(bytes <= size_t{1} << 46, "allocate", "is a size wrong?", "cannot allocate ",
                 bytes, " bytes");
  const SizeClass c = system_class(bytes);
  void* block = nullptr;
  {
    Pool& p = pool();
    const std::lock_guard lock(p.mutex);
    keep_to_limit(p);
    block = take_cached(p, c);
    if (block == nullptr) reserve(p, c.bytes);
  }
  if (block == nullptr) block = reserved_block(c);
  if (poison.load(std::memory_order_relaxed)) std::memset(block, 0xFF, c.bytes);
  return block;
}

void deallocate(void* block, size_t bytes) noexcept {
  if (block == nullptr) return;
  SizeClass c = system_class(bytes);
  Pool& p = pool();
  const std::lock_guard lock(p.mutex);
  if (c.bytes >= huge_page) c = p.large.at(block);
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
  release_cached(p);
}

void poison_allocations(bool on) {
  poison.store(on, std::memory_order_relaxed);
}

}  // namespace gradus
