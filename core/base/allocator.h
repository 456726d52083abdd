// Memory for tensors and tapes: 64-byte aligned, cached, counted.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gradus {

/// Returns memory for at least `bytes` bytes, aligned to 64. Freed blocks are kept by size class
/// and reused, so that after the first few, training steps allocate nothing from the system.
/// Thread-safe. Throws Error, which names the size, if the system has no more memory.
void* allocate(size_t bytes);
/// Limits what all tensors and tapes of the process may hold together. If an allocation would
/// exceed it, cached blocks are released first; if that is not enough, allocate() throws, and the
/// call has no effect: an operation leaves the tape as it was, backward() all gradients, a step of
/// an optimizer all parameters. A limit below what is in use takes nothing away. The initial limit
/// is system_memory(), the memory of the machine or the container, so that a wrong size is an error
/// and not the end of the process.
void set_memory_limit(size_t bytes);
/// The limit set last, or the initial one.
size_t memory_limit();
/// Frees what allocate(bytes) returned.
void deallocate(void* block, size_t bytes) noexcept;

/// What the allocator holds and has requested from the system, over all threads.
struct AllocatorStatistics {
  int64_t system_allocations = 0;  ///< calls to the system since the start
  int64_t system_bytes = 0;        ///< bytes currently held from the system, in use or cached
  int64_t cached_bytes = 0;        ///< of these, bytes waiting to be reused
};
/// The current counters.
AllocatorStatistics allocator_statistics();

/// Returns every cached block to the system.
void release_cached_memory();

/// With `on`, allocated memory is filled with bytes that are NaN as numbers, so that tests notice
/// elements that a kernel forgot to write.
void poison_allocations(bool on);

/// A standard allocator on top of allocate(), for containers that live as long as a step.
template <class T>
struct PoolAllocator {
  using value_type = T;
  PoolAllocator() = default;
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) noexcept {}
  T* allocate(size_t n) { return static_cast<T*>(gradus::allocate(n * sizeof(T))); }
  void deallocate(T* p, size_t n) noexcept { gradus::deallocate(p, n * sizeof(T)); }
  friend bool operator==(const PoolAllocator&, const PoolAllocator&) { return true; }
};

}  // namespace gradus
