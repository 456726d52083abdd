#include "../../core/base/allocator.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "../../core/base/error.h"
#include "../../core/base/system_limits.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "../support/temporary_folder.h"
#include "../support/text.h"

using namespace gradus;

TEST_CASE("blocks are aligned and writable in full") {
  for (size_t bytes : {0u, 1u, 64u, 65u, 511u, 512u, 513u, 4096u, 100'000u, 3'000'000u}) {
    void* const block = allocate(bytes);
    CHECK(reinterpret_cast<uintptr_t>(block) % 64 == 0);
    std::memset(block, 1, bytes);
    deallocate(block, bytes);
  }
}

TEST_CASE("a freed block is used again") {
  void* const first = allocate(1000);
  deallocate(first, 1000);
  const int64_t before = allocator_statistics().system_allocations;
  void* const second = allocate(990);  // the same size class
  CHECK(second == first);
  CHECK(allocator_statistics().system_allocations == before);
  deallocate(second, 990);
}

TEST_CASE("a large block serves requests of half its size, and comes back as what it is") {
  release_cached_memory();
  constexpr size_t mib = size_t{1} << 20;
  void* const large = allocate(16 * mib);
  deallocate(large, 16 * mib);
  const AllocatorStatistics before = allocator_statistics();
  void* const half = allocate(8 * mib);
  CHECK(half == large);
  CHECK(allocator_statistics().cached_bytes == 0);
  deallocate(half, 8 * mib);
  CHECK(allocator_statistics().cached_bytes == before.cached_bytes);

  void* const quarter = allocate(4 * mib);  // would waste too much of it
  CHECK(quarter != large);
  CHECK(allocate(16 * mib) == large);
  deallocate(large, 16 * mib);
  deallocate(quarter, 4 * mib);
  release_cached_memory();
}

TEST_CASE("released memory goes back to the system") {
  deallocate(allocate(5'000'000), 5'000'000);
  CHECK(allocator_statistics().cached_bytes >= 5'000'000);
  release_cached_memory();
  CHECK(allocator_statistics().cached_bytes == 0);
}

TEST_CASE("an absurd size is an error, not a crash") {
  CHECK_THROWS_AS(allocate(SIZE_MAX / 2), Error);
  CHECK_THROWS_AS(Tensor::empty({1'000'000'000, 1'000'000'000}), ShapeError);
  CHECK_THROWS_AS(Tensor::empty({INT64_MAX, 4}), ShapeError);
}

TEST_CASE("memory beyond the limit is refused, cached memory makes room") {
  const size_t before = memory_limit();
  CHECK(before > 0);
  release_cached_memory();
  const auto in_use = static_cast<size_t>(allocator_statistics().system_bytes);
  set_memory_limit(in_use + 10'000'000);
  deallocate(allocate(4'000'000), 4'000'000);  // stays in the cache
  void* const block = allocate(8'000'000);     // fits only without it
  std::string text;
  try {
    allocate(4'000'000);
  } catch (const Error& error) {
    text = error.what();
  }
  CHECK(text.starts_with("[allocate] 4194304 bytes more than the "));
  CHECK(text.find("go beyond the limit of ") != std::string::npos);
  deallocate(block, 8'000'000);
  void* const again = allocate(4'000'000);
  CHECK(again != nullptr);
  deallocate(again, 4'000'000);
  set_memory_limit(before);
}

TEST_CASE("a limit that is set later holds for cached memory too") {
  const size_t before = memory_limit();
  constexpr size_t mib = size_t{1} << 20;
  void* const held = allocate(4 * mib);
  void* const large = allocate(64 * mib);
  deallocate(large, 64 * mib);  // stays in the cache
  const auto in_use = [] {
    const AllocatorStatistics now = allocator_statistics();
    return static_cast<size_t>(now.system_bytes - now.cached_bytes);
  };
  set_memory_limit(in_use() + mib);
  CHECK(allocator_statistics().cached_bytes == 0);
  CHECK_THROWS_AS(allocate(64 * mib), Error);
  set_memory_limit(mib);  // below what is in use, which stays
  CHECK_THROWS_AS(allocate(64), Error);
  deallocate(held, 4 * mib);
  CHECK_THROWS_AS(allocate(4 * mib), Error);  // is cached, and beyond the limit all the same
  set_memory_limit(before);
  deallocate(allocate(64 * mib), 64 * mib);
}

TEST_CASE("the limit of the start is what machine and control groups leave") {
  const test::TemporaryFolder root;
  const auto write = [&](const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root / path).parent_path());
    test::write_text(root / path, text);
  };
  const size_t machine = system_memory(root.path());
  CHECK(machine > 1'000'000);
  CHECK(memory_limit() <= machine);

  write("proc/self/cgroup", "0::/user/training\n");
  write("sys/fs/cgroup/user/training/memory.max", "max\n");
  CHECK(system_memory(root.path()) == machine);
  write("sys/fs/cgroup/user/memory.max", "5000000\n");
  CHECK(system_memory(root.path()) == 5'000'000);
  write("sys/fs/cgroup/user/training/memory.max", "4000000\n");
  CHECK(system_memory(root.path()) == 4'000'000);
  write("sys/fs/cgroup/memory.max", "3000000\n");  // as a container sees its own
  CHECK(system_memory(root.path()) == 3'000'000);

  write("proc/self/cgroup", "7:cpu,memory:/docker/1234\n1:cpuset:/\nnonsense\n");
  CHECK(system_memory(root.path()) == machine);
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "2000000\n");
  CHECK(system_memory(root.path()) == 2'000'000);
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");  // none
  CHECK(system_memory(root.path()) == machine);
}

TEST_CASE("there are as many processors as the control groups leave time for") {
  const test::TemporaryFolder root;
  const auto write = [&](const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root / path).parent_path());
    test::write_text(root / path, text);
  };
  const int machine = system_processors(root.path());
  CHECK(machine >= 1);

  write("proc/self/cgroup", "0::/user/training\n");
  write("sys/fs/cgroup/user/training/cpu.max", "max 100000\n");
  CHECK(system_processors(root.path()) == machine);
  write("sys/fs/cgroup/user/cpu.max", "150000 100000\n");
  CHECK(system_processors(root.path()) == std::min(machine, 2));  // one and a half
  write("sys/fs/cgroup/user/training/cpu.max", "1000 100000\n");
  CHECK(system_processors(root.path()) == 1);

  write("proc/self/cgroup", "7:cpu,cpuacct:/docker/1234\n");
  CHECK(system_processors(root.path()) == machine);
  write("sys/fs/cgroup/cpu/docker/1234/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/cpu/docker/1234/cpu.cfs_quota_us", "-1\n");  // none
  CHECK(system_processors(root.path()) == machine);
  write("sys/fs/cgroup/cpu/docker/1234/cpu.cfs_quota_us", "50000\n");
  CHECK(system_processors(root.path()) == 1);
}

TEST_CASE("where the system is out of memory, cached memory makes room, then sizes are refused") {
#if defined(GRADUS_SANITIZE_ADDRESS) || defined(GRADUS_SANITIZE_THREAD)
  MESSAGE("skipped: the sanitizers end a process that has no memory");
  return;
#endif
  constexpr size_t mib = size_t{1} << 20;
  release_cached_memory();
  deallocate(allocate(64 * mib), 64 * mib);  // stays in the cache
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit limit = before;
  limit.rlim_cur = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + 32 * mib;
  REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
  void* const block = allocate(80 * mib);  // fits only without what is cached
  const int64_t in_use = allocator_statistics().system_bytes;
  const std::string message = test::message_of([&] { allocate(256 * mib); });
  setrlimit(RLIMIT_AS, &before);

  CHECK(message ==
        "[allocate] the system has no 268435456 bytes more. Hint: use a smaller batch or model");
  CHECK(allocator_statistics().system_bytes == in_use);  // nothing is counted that is not there
  std::memset(block, 1, 80 * mib);
  deallocate(block, 80 * mib);
  void* const again = allocate(256 * mib);
  deallocate(again, 256 * mib);
  release_cached_memory();
}

TEST_CASE("threads allocate and free each other's blocks") {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 1000; ++i) {
        const size_t bytes = static_cast<size_t>(i % 37) * 100 + 1;
        void* const block = allocate(bytes);
        std::memset(block, i, bytes);
        deallocate(block, bytes);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(allocator_statistics().cached_bytes > 0);
}

TEST_CASE("a training step asks the system for nothing after the first ones") {
  Rng generator(1);
  Tensor w = randn({64, 32}, generator).requires_grad_();
  const Tensor x = randn({16, 64}, generator);
  const auto step = [&] {
    Tape tape;
    tape.backward(mean(square(relu(matmul(x, w)))));
    const NoGrad pause;
    w.add_(w.grad(), -0.01);
    w.set_grad({});
  };
  for (int i = 0; i < 3; ++i) step();
  const int64_t before = allocator_statistics().system_allocations;
  for (int i = 0; i < 10; ++i) step();
  CHECK(allocator_statistics().system_allocations == before);
}
