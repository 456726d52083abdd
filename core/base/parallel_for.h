// The one way to run work on several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace gradus {

/// The most threads that set_num_threads() accepts.
inline constexpr int max_num_threads = 1024;

/// Number of threads that parallel_for uses. By default GRADUS_NUM_THREADS, else the number of
/// processors this process may run on, within the quota of its container.
int num_threads();
/// Sets it for the whole process. Throws ValueError for n < 1 or n > max_num_threads. Results do
/// not depend on it.
void set_num_threads(int n);

namespace detail {
using PieceFunction = void (*)(const void* body, int64_t begin, int64_t end);
void run_pieces(int64_t n, int64_t piece, PieceFunction function, const void* body);
}  // namespace detail

/// Calls `body(begin, end)` for the pieces [0, piece), [piece, 2 piece), ... of [0, n), on all
/// threads. The pieces depend only on n and `piece`, never on the number of threads, so a body that
/// writes only what belongs to its piece gives the same bits on any number of threads. Pieces run
/// one after the other in calls from inside a body, in calls while another thread uses the helpers,
/// and if the system provides no more threads. The first exception of a body is rethrown here,
/// after all pieces have ended. Denormal numbers are zero inside bodies unless
/// set_flush_denormals(false) was called (denormals.h). Thread-safe. The child of a fork has
/// helpers of its own. A body may call exit(); a child that was forked in a body has to leave it by
/// _exit() or exec().
template <class Body>
void parallel_for(int64_t n, int64_t piece, const Body& body) {
  detail::run_pieces(
      n, piece,
      [](const void* b, int64_t begin, int64_t end) { (*static_cast<const Body*>(b))(begin, end); },
      std::addressof(body));
}

/// Calls `body(i)` for each i of [0, n), in pieces of `piece`.
template <class Body>
void parallel_each(int64_t n, int64_t piece, const Body& body) {
  parallel_for(n, piece, [&body](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

}  // namespace gradus
