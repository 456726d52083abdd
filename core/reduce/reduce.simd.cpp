// Compiled once per instruction set; see isa.h.
//
// Every output is folded in the same order, which the number and order of its elements alone
// decide, not strides or what else is reduced: element i of a piece goes to lane i % lanes, lanes
// are folded in order, then pieces. So a sample gives the same bits in every batch, also where the
// batch is the innermost dimension.
#include <cmath>
#include <limits>
#include <type_traits>

#include "../base/parallel_for.h"
#include "../simd/kernels_of.h"
#include "../simd/sizes.h"
#include "../simd/workspace.h"
#include "../simd/wrapping.h"
#include "reduce_kernel.h"

namespace gradus::kernels {

namespace {

constexpr int64_t reduced_per_piece = 65536;
constexpr int64_t columns_per_piece = 128;
constexpr int64_t lanes = 16;

template <class T>
struct Sum {
  using Accumulator = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;
  static constexpr Accumulator start = 0;
  static Accumulator of(T x) { return static_cast<Accumulator>(x); }
  static Accumulator fold(Accumulator a, Accumulator b) { return plus(a, b); }
  static T result(Accumulator total, double divisor) {
    if constexpr (std::is_floating_point_v<T>) total /= divisor;
    return static_cast<T>(total);
  }
};

/// Squared in the accumulator's type, in which no square of a float overflows.
template <class T>
struct Squares : Sum<T> {
  using typename Sum<T>::Accumulator;
  static Accumulator of(T x) {
    const auto v = static_cast<Accumulator>(x);
    return times(v, v);
  }
};

template <class T>
struct RootOfSquares : Squares<T> {
  static T result(double total, double divisor) {
    return static_cast<T>(std::sqrt(total / divisor));
  }
};

/// The largest or the smallest element; NaN wins.
template <class T, bool largest>
struct Extreme {
  using Limits = std::numeric_limits<T>;
  using Accumulator = T;
  static constexpr T lowest = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
  static constexpr T highest = Limits::has_infinity ? Limits::infinity() : Limits::max();
  static constexpr T start = largest ? lowest : highest;
  static T of(T x) { return x; }
  static T result(T best, double /*divisor*/) { return best; }
  static T fold(T a, T b) { return (largest ? b > a : b < a) || b != b ? b : a; }
};

/// Calls body(number of the first element, its offset, count) for the runs of the innermost
/// dimension that elements [begin, end) of the nest consist of.
template <class Body>
void for_runs(const Loop<1>& reduced, int64_t begin, int64_t end, const Body& body) {
  if (begin >= end) return;
  const int64_t inner = reduced.size[0], step = reduced.stride[0][0];
  int64_t at = begin / inner * inner;
  for_rows(reduced, begin / inner, (end - 1) / inner + 1, [&](const int64_t* o) {
    const int64_t first = larger(begin, at), next = smaller(end, at + inner);
    body(first, o[0] + (first - at) * step, next - first);
    at += inner;
  });
}

/// Folds n elements into lanes, the first of them into lane number `first` % lanes.
template <class F, class T>
void fold_run(int64_t first, const T* x, int64_t stride, int64_t n,
              typename F::Accumulator (&lane)[lanes]) {
  int64_t i = 0;
  const auto fold_some = [&](int64_t from, int64_t count) {
    for (int64_t k = 0; k < count; ++k, ++i) {
      lane[from + k] = F::fold(lane[from + k], F::of(x[i * stride]));
    }
  };
  const int64_t begin = first % lanes;
  if (begin > 0) fold_some(begin, smaller(n, lanes - begin));
  if (stride == 1) {
    for (; i + lanes <= n; i += lanes) {
      for (int64_t k = 0; k < lanes; ++k) lane[k] = F::fold(lane[k], F::of(x[i + k]));
    }
  }
  while (i < n) fold_some(0, smaller(n - i, lanes));  // NOLINT(bugprone-infinite-loop): it moves i
}

/// Fold of one piece of the reduced nest.
template <class F, class T>
typename F::Accumulator fold_piece(const Loop<1>& reduced, int64_t piece, const T* x) {
  const int64_t begin = piece * reduced_per_piece;
  const int64_t end = smaller(begin + reduced_per_piece, reduced.rows() * reduced.size[0]);
  typename F::Accumulator lane[lanes], total = F::start;
  for (auto& start : lane) start = F::start;
  for_runs(reduced, begin, end, [&](int64_t first, int64_t offset, int64_t n) {
    fold_run<F>(first, x + offset, reduced.stride[0][0], n, lane);
  });
  for (const auto& of_lane : lane) total = F::fold(total, of_lane);
  return total;
}

/// Element number i of the kept nest, as offsets of out and x.
void kept_offsets(const Loop<2>& kept, int64_t i, int64_t* offset) {
  offset[0] = offset[1] = 0;
  for (int d = 0; d < kept.dims; ++d) {
    offset[0] += i % kept.size[d] * kept.stride[0][d];
    offset[1] += i % kept.size[d] * kept.stride[1][d];
    i /= kept.size[d];
  }
}

/// Each output separately, for reduced dimensions that are contiguous in memory.
template <class F, class T>
void fold_inner(const Loop<2>& kept, const Loop<1>& reduced, double divisor, T* out, const T* x) {
  const int64_t outputs = kept.rows() * kept.size[0];
  const int64_t per_output = at_least_one(reduced.rows() * reduced.size[0]);
  const int64_t pieces = (per_output - 1) / reduced_per_piece + 1;
  if (pieces == 1) {
    parallel_each(outputs, elements_per_piece / per_output, [&](int64_t i) {
      int64_t offset[2];
      kept_offsets(kept, i, offset);
      out[offset[0]] = F::result(fold_piece<F>(reduced, 0, x + offset[1]), divisor);
    });
    return;
  }
  using A = typename F::Accumulator;
  const Workspace<A> partial(outputs * pieces);
  parallel_each(outputs * pieces, 1, [&](int64_t task) {
    int64_t offset[2];
    kept_offsets(kept, task / pieces, offset);
    partial[task] = fold_piece<F>(reduced, task % pieces, x + offset[1]);
  });
  parallel_each(outputs, elements_per_piece / pieces, [&](int64_t i) {
    int64_t offset[2];
    kept_offsets(kept, i, offset);
    A total = F::start;
    for (int64_t p = 0; p < pieces; ++p) total = F::fold(total, partial[i * pieces + p]);
    out[offset[0]] = F::result(total, divisor);
  });
}

/// Folds elements [begin, end) of the reduced nest for each of n adjacent columns of x.
template <class F, class T>
void fold_columns(const Loop<1>& reduced, int64_t begin, int64_t end, int64_t n, const T* x,
                  int64_t column_step, typename F::Accumulator* total) {
  using A = typename F::Accumulator;
  A lane[lanes][columns_per_piece];
  const int64_t used = smaller(lanes, end - begin);
  for (int64_t k = 0; k < used; ++k) {
    for (int64_t i = 0; i < n; ++i) lane[k][i] = F::start;
  }
  for_runs(reduced, begin, end, [&](int64_t first, int64_t offset, int64_t count) {
    for (int64_t r = 0; r < count; ++r) {
      const T* const row = x + offset + r * reduced.stride[0][0];
      A* const to = lane[(first + r) % lanes];
      if (column_step == 1) {
        for (int64_t i = 0; i < n; ++i) to[i] = F::fold(to[i], F::of(row[i]));
      } else {
        for (int64_t i = 0; i < n; ++i) to[i] = F::fold(to[i], F::of(row[i * column_step]));
      }
    }
  });
  for (int64_t i = 0; i < n; ++i) total[i] = F::start;
  for (int64_t k = 0; k < used; ++k) {
    for (int64_t i = 0; i < n; ++i) total[i] = F::fold(total[i], lane[k][i]);
  }
}

/// Rows of outputs at a time, for kept dimensions that are contiguous in memory.
template <class F, class T>
void fold_outer(const Loop<2>& kept, const Loop<1>& reduced, double divisor, T* out, const T* x) {
  using A = typename F::Accumulator;
  const int64_t inner = kept.size[0], so = kept.stride[0][0], sx = kept.stride[1][0];
  const int64_t blocks = (inner - 1) / columns_per_piece + 1;
  const int64_t elements = reduced.rows() * reduced.size[0];
  parallel_each(kept.rows() * blocks, 1, [&](int64_t task) {
    const int64_t first = task % blocks * columns_per_piece;
    const int64_t n = smaller(inner - first, columns_per_piece);
    int64_t offset[2];
    kept_offsets(kept, task / blocks * inner + first, offset);
    A total[columns_per_piece], of_piece[columns_per_piece];
    for (int64_t i = 0; i < n; ++i) total[i] = F::start;
    for (int64_t at = 0; at < elements; at += reduced_per_piece) {
      fold_columns<F>(reduced, at, smaller(at + reduced_per_piece, elements), n, x + offset[1], sx,
                      of_piece);
      for (int64_t i = 0; i < n; ++i) total[i] = F::fold(total[i], of_piece[i]);
    }
    for (int64_t i = 0; i < n; ++i) out[offset[0] + i * so] = F::result(total[i], divisor);
  });
}

int64_t magnitude(int64_t n) {
  return n < 0 ? -n : n;
}

template <class F, class T>
void fold(const Loop<2>& kept, const Loop<1>& reduced, double divisor, T* out, const T* x) {
  if (kept.rows() * kept.size[0] == 0) return;
  const bool is_single = reduced.rows() * reduced.size[0] == 1;  // nothing to fold
  const bool kept_is_denser =
      kept.size[0] > 1 &&
      (is_single || magnitude(kept.stride[1][0]) < magnitude(reduced.stride[0][0]));
  kept_is_denser ? fold_outer<F>(kept, reduced, divisor, out, x)
                 : fold_inner<F>(kept, reduced, divisor, out, x);
}

template <class T>
constexpr Reduce<T> kernels_of<Reduce<T>> = {
    {fold<Sum<T>, T>, nullptr, nullptr, fold<Extreme<T, true>, T>, fold<Extreme<T, false>, T>}};
template <class T>
requires std::is_floating_point_v<T>
constexpr Reduce<T> kernels_of<Reduce<T>> = {{fold<Sum<T>, T>, fold<Squares<T>, T>,
                                              fold<RootOfSquares<T>, T>, fold<Extreme<T, true>, T>,
                                              fold<Extreme<T, false>, T>}};

}  // namespace

template const Reduce<float>& Tables<Isa::GRADUS_ISA>::get();
template const Reduce<double>& Tables<Isa::GRADUS_ISA>::get();
template const Reduce<int64_t>& Tables<Isa::GRADUS_ISA>::get();
template const Reduce<int32_t>& Tables<Isa::GRADUS_ISA>::get();
template const Reduce<uint8_t>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
