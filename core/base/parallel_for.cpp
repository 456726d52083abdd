#include "parallel_for.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "error.h"

namespace gradus {

namespace {

int default_num_threads() {
  if (const char* text = std::getenv("GRADUS_NUM_THREADS")) {
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    if (end == text || *end != '\0' || n < 1 || n > 4096) {
      throw ValueError("set_num_threads", str("GRADUS_NUM_THREADS is '", text, "'"),
                       "it must be a whole number from 1 to 4096");
    }
    return static_cast<int>(n);
  }
#ifdef _OPENMP
  return omp_get_num_procs();
#else
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
#endif
}

std::atomic<int>& thread_count() {
  static std::atomic<int> count = default_num_threads();
  return count;
}

thread_local bool inside_parallel_for = false;

/// Pieces are handed out in order; who takes which does not matter for the result.
class PieceQueue {
 public:
  PieceQueue(int64_t n, int64_t piece, detail::PieceFunction function, const void* body)
      : n_(n), piece_(piece), function_(function), body_(body) {}

  void work() noexcept {
    const bool outer = std::exchange(inside_parallel_for, true);
    for (;;) {
      const int64_t begin = next_.fetch_add(piece_, std::memory_order_relaxed);
      if (begin >= n_) break;
      try {
        function_(body_, begin, std::min(begin + piece_, n_));
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
      }
    }
    inside_parallel_for = outer;
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  const int64_t n_, piece_;
  const detail::PieceFunction function_;
  const void* const body_;
  std::atomic<int64_t> next_ = 0;
  std::mutex mutex_;
  std::exception_ptr error_;
};

void run_on_team(int threads, PieceQueue& queue) {
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
  queue.work();
#else
  // Without OpenMP (and under the thread sanitizer, which does not see into its run-time library).
  std::vector<std::jthread> team;
  for (int i = 1; i < threads; ++i) team.emplace_back([&queue] { queue.work(); });
  queue.work();
#endif
}

}  // namespace

int num_threads() {
  return thread_count().load(std::memory_order_relaxed);
}

void set_num_threads(int n) {
  if (n < 1) {
    throw ValueError("set_num_threads", str("expected at least 1 thread, got ", n));
  }
  thread_count().store(n, std::memory_order_relaxed);
}

void detail::run_pieces(int64_t n, int64_t piece, PieceFunction function, const void* body) {
  if (n <= 0) return;
  piece = std::max<int64_t>(piece, 1);
  const int64_t pieces = (n - 1) / piece + 1;
  const int threads = static_cast<int>(std::min<int64_t>(num_threads(), pieces));
  if (threads == 1 || inside_parallel_for) {
    for (int64_t begin = 0; begin < n; begin += piece) {
      function(body, begin, std::min(begin + piece, n));
    }
    return;
  }
  PieceQueue queue(n, piece, function, body);
  run_on_team(threads, queue);
  queue.rethrow();
}

}  // namespace gradus
