// Memory for tensors and tapes: 64-byte aligned, cached, counted.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gradus {

/// Returns memory for at least `bytes` bytes, aligned to 64. Freed blocks are kept by size class
/// and handed out again, so that a training step asks the system for nothing after the first ones.
/// Safe from any thread. Throws Error where the system has no more, naming the size.
void* allocate(size_t bytes);
/// Limits what all tensors and tapes of the process may hold together. Where an allocation would go
/// beyond it, cached blocks are given back first; if that is not enough, allocate() throws, and
/// what was to be done has not been begun: operations leave the tape, backward() all gradients, a
/// step of an optimizer all parameters as they were. A limit below what is in use takes nothing
/// away. At the start the limit is system_memory(): that of the machine or of the container, so
/// that a size which is wrong is an error and not the end of the process.
void set_memory_limit(size_t bytes);
/// What set_memory_limit() was told last, or the limit of the start.
size_t memory_limit();
/// Gives back what allocate(bytes) returned.
void deallocate(void* block, size_t bytes) noexcept;

/// What the allocator holds and has asked the system for, over all threads.
struct AllocatorStatistics {
  int64_t system_allocations = 0;  ///< calls to the system since the start
  int64_t system_bytes = 0;        ///< bytes now held from the system, in use or cached
  int64_t cached_bytes = 0;        ///< of these, bytes waiting to be used again
};
/// The counters as they are now.
AllocatorStatistics allocator_statistics();

/// Gives every cached block back to the system.
void release_cached_memory();

/// With `on`, fresh memory is filled with bytes that read as NaN, so that a test notices what a
/// kernel forgot to write. For tests.
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
