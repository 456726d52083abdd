#include "parallel_for.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "denormals.h"
#include "error.h"
#include "serial_scope.h"
#include "system_limits.h"

namespace gradus {

namespace {

int default_num_threads() {
  const char* const text = std::getenv("GRADUS_NUM_THREADS");
  if (text == nullptr) return system_processors();
  int n = 0;
  const char* const last = text + std::strlen(text);
  const auto [end, error] = std::from_chars(text, last, n);
  if (error != std::errc() || end != last || n < 1 || n > max_num_threads) {
    throw ValueError("set_num_threads", str("GRADUS_NUM_THREADS is '", text, "'"),
                     str("it must be a whole number from 1 to ", max_num_threads));
  }
  return n;
}

std::atomic<int> thread_count = 0;  // 0: not yet determined

thread_local bool inside_parallel_for = false;

using Clock = std::chrono::steady_clock;

/// The pieces of one parallel_for. Each worker has a share of adjacent pieces, the same one for
/// every loop of this size, so that it finds in its cache what it wrote before. When its own share
/// is done it helps with the others. Who takes which piece does not affect the result.
class PieceQueue {
 public:
  PieceQueue(int64_t n, int64_t piece, int workers, detail::PieceFunction function,
             const void* body)
      : n_(n),
        piece_(piece),
        pieces_((n - 1) / piece + 1),
        shares_(std::min(workers, max_shares)),
        function_(function),
        body_(body) {
    for (int i = 0; i < shares_; ++i) {
      share_[i].next = pieces_ * i / shares_;
      share_[i].end = pieces_ * (i + 1) / shares_;
    }
  }

  int64_t pieces() const { return pieces_; }

  /// The work of worker number `worker`, of those that the queue was made for. Returns the number
  /// of pieces that it did.
  int64_t work(int worker) noexcept {
    const DenormalScope mode;
    const bool outer = std::exchange(inside_parallel_for, true);
    int64_t done = 0;
    for (int i = 0; i < shares_; ++i) done += work_on(share_[(worker + i) % shares_]);
    inside_parallel_for = outer;
    return done;
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  static constexpr int max_shares = 16;
  struct alignas(64) Share {
    std::atomic<int64_t> next;
    int64_t end;
  };

  int64_t work_on(Share& share) noexcept {
    int64_t done = 0;
    while (share.next.load(std::memory_order_relaxed) < share.end) {
      const int64_t index = share.next.fetch_add(1, std::memory_order_relaxed);
      if (index >= share.end) break;
      const int64_t begin = index * piece_;
      ++done;
      try {
        function_(body_, begin, std::min(begin + piece_, n_));
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
      }
    }
    return done;
  }

  const int64_t n_, piece_, pieces_;
  const int shares_;
  const detail::PieceFunction function_;
  const void* const body_;
  Share share_[max_shares];
  std::mutex mutex_;
  std::exception_ptr error_;
};

/// Threads that help with one queue at a time.
///
/// The state is one word: the number of the queue (generation), how many helpers may still join
/// (open places), and how many are working. Helpers that wake too late find no open place, so the
/// caller never waits for one that has not started. Waiting spins for a few microseconds, the usual
/// time between two parallel loops, and then sleeps: on a busy machine, threads that spin for
/// longer take the processor from those that have work.
///
/// Where other processes need the processors, a helper may stop amid a piece for milliseconds. If
/// waiting for helpers took longer than their work would have, loops run without them for a while.
///
/// No pool is ever destroyed, so that loops may run until the process has ended. When it exits,
/// idle helpers are ended; if a loop is running, in whose body exit() may have been called, they
/// are left alone. The child of a fork has none of the threads, and one of them may have held the
/// lock: it gets a new pool.
class ThreadPool {
 public:
  static ThreadPool& instance() {
    ThreadPool* pool = current_.load(std::memory_order_acquire);
    if (pool != nullptr) return *pool;
    auto fresh = std::make_unique<ThreadPool>();
    return current_.compare_exchange_strong(pool, fresh.get()) ? *fresh.release() : *pool;
  }
  static void forget() { left_by_fork_ = current_.exchange(nullptr); }
  static void end_helpers() {
    ThreadPool* const pool = current_.load(std::memory_order_acquire);
    if (pool == nullptr || inside_parallel_for || !pool->mutex_.try_lock()) return;
    pool->stop();  // the lock stays held: later loops work without helpers
  }

  /// Works on the queue with up to `helpers` other threads until it is done; alone if another
  /// thread uses the pool.
  void run(PieceQueue& queue, int helpers) {
    const std::unique_lock lock(mutex_, std::try_to_lock);
    const Clock::time_point start = Clock::now();
    if (!lock.owns_lock() || start < alone_until_) return static_cast<void>(queue.work(0));
    helpers = std::min(helpers, provide(helpers));
    if (helpers == 0) return static_cast<void>(queue.work(0));
    queue_ = &queue;
    const uint64_t generation = (state_.load(std::memory_order_relaxed) >> 32) + 1;
    state_.store(generation << 32 | static_cast<uint64_t>(helpers) << 16);
    state_.notify_all();
    const int64_t done = queue.work(0);
    // Close the open places, then wait for those still working.
    uint64_t state = state_.fetch_and(~(uint64_t{0xFFFF} << 16)) & ~(uint64_t{0xFFFF} << 16);
    if (at_work(state) == 0) return;
    const Clock::time_point own_end = Clock::now();
    while (at_work(state) > 0) state = wait_while(state);
    note_wait(own_end - start, Clock::now() - own_end, queue.pieces() - done, done);
  }

 private:
  /// The caller did `done` pieces and then waited for helpers, who did `others`.
  void note_wait(Clock::duration work, Clock::duration wait, int64_t others, int64_t done) {
    constexpr auto usual = std::chrono::microseconds(200);  // of threads that are not interrupted
    constexpr int while_alone = 10;  // so that trying again costs a tenth at most
    const Clock::duration lost = wait - work * others / std::max<int64_t>(done, 1);
    if (lost > usual) alone_until_ = Clock::now() + while_alone * lost;
  }

  void stop() {
    stopping_ = true;
    state_.fetch_add(uint64_t{1} << 32);
    state_.notify_all();
    for (std::thread& t : threads_) t.join();
  }

  /// Starts threads until there are `wanted`, or as many as the system provides; returns their
  /// number.
  int provide(int wanted) {
    try {
      while (static_cast<int>(threads_.size()) < wanted) {
        threads_.emplace_back([this] { help(); });
      }
    } catch (const std::system_error&) {  // no more threads; the existing ones will do
    }
    return static_cast<int>(threads_.size());
  }

  static uint64_t at_work(uint64_t state) { return state & 0xFFFF; }
  static uint64_t open_places(uint64_t state) { return state >> 16 & 0xFFFF; }

  /// The next value of the state that is not `old`.
  uint64_t wait_while(uint64_t old) const {
    constexpr int spins = 2000;
    for (int i = 0; i < spins; ++i) {
      const uint64_t state = state_.load(std::memory_order_acquire);
      if (state != old) return state;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    state_.wait(old);
    return state_.load(std::memory_order_acquire);
  }

  void help() {
    uint64_t seen = 0;  // the generation this thread has dealt with
    uint64_t state = state_.load(std::memory_order_acquire);
    while (!stopping_) {
      if (state >> 32 == seen || open_places(state) == 0) {
        seen = state >> 32;
        state = wait_while(state);
      } else if (state_.compare_exchange_weak(state, state - (1 << 16) + 1)) {
        seen = state >> 32;
        queue_->work(static_cast<int>(open_places(state)));  // the helpers' numbers, from 1
        state = state_.fetch_sub(1) - 1;
        if (at_work(state) == 0) state_.notify_all();
      }
    }
  }

  // NOLINTBEGIN(readability-identifier-naming): members, too
  static inline std::atomic<ThreadPool*> current_ = nullptr;
  static inline std::atomic<ThreadPool*> left_by_fork_ = nullptr;  // not a leak, to leak checkers
  // NOLINTEND(readability-identifier-naming)

  std::mutex mutex_;
  std::vector<std::thread> threads_;
  std::atomic<uint64_t> state_ = 0;
  std::atomic<bool> stopping_ = false;
  PieceQueue* queue_ = nullptr;
  Clock::time_point alone_until_;
};

/// The pool's handlers for fork and exit.
struct ProcessEvents {
  ProcessEvents() { pthread_atfork(nullptr, nullptr, ThreadPool::forget); }
  ~ProcessEvents() { ThreadPool::end_helpers(); }
} const process_events;

}  // namespace

int num_threads() {
  int count = thread_count.load(std::memory_order_relaxed);
  if (count > 0) return count;
  // No lock, which the child of a fork might find held. Concurrent threads get the same result.
  const int usual = default_num_threads();
  return thread_count.compare_exchange_strong(count, usual) ? usual : count;
}

void set_num_threads(int n) {
  require(n >= 1 && n <= max_num_threads, "set_num_threads",
          "as many as the machine has processors are usual", "expected 1 to ", max_num_threads,
          " threads, got ", n);
  thread_count.store(n, std::memory_order_relaxed);
}

SerialScope::SerialScope(bool on) : outer_(inside_parallel_for) {
  inside_parallel_for = inside_parallel_for || on;
}

SerialScope::~SerialScope() {
  inside_parallel_for = outer_;
}

void detail::run_pieces(int64_t n, int64_t piece, PieceFunction function, const void* body) {
  if (n <= 0) return;
  piece = std::max<int64_t>(piece, 1);
  const int64_t pieces = (n - 1) / piece + 1;
  const int threads = static_cast<int>(std::min<int64_t>(num_threads(), pieces));
  if (threads == 1 || inside_parallel_for) {
    const DenormalScope mode;
    for (int64_t begin = 0; begin < n; begin += piece) {
      function(body, begin, std::min(begin + piece, n));
    }
    return;
  }
  PieceQueue queue(n, piece, threads, function, body);
  ThreadPool::instance().run(queue, threads - 1);
  queue.rethrow();
}

}  // namespace gradus
