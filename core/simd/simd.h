// The widest vectors of the instruction set being compiled for, by the compilers' vector extension:
// the usual operators work on them element by element. For files that are compiled once per
// instruction set: everything is local to the file that includes it.
//
// Code for both vectors and scalars is written once, with a type V that is either: `V` is Vector<T>
// for full vectors and T itself for the remainder.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

namespace gradus::kernels {

namespace {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif

template <class T>
struct VectorOf {
  using type [[gnu::vector_size(vector_bytes)]] = T;
};
template <class T>
using Vector = typename VectorOf<T>::type;
/// Elements of a vector.
template <class T>
constexpr int64_t width = vector_bytes / static_cast<int64_t>(sizeof(T));

template <class V, class T>
[[gnu::always_inline]] inline V load(const T* from) {
  V v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
template <class V, class T>
[[gnu::always_inline]] inline void store(T* to, V v) {
  std::memcpy(to, &v, sizeof v);
}
/// A vector of equal elements; the number itself if V is not a vector.
template <class V, class T>
[[gnu::always_inline]] inline V broadcast(T value) {
  if constexpr (std::is_same_v<V, T>) {
    return value;
  } else {
    return value - V{};  // -0 stays -0
  }
}

/// 0 instead of negative numbers; NaN stays.
template <class V>
[[gnu::always_inline]] inline V without_negative(V v) {
  return v < 0 ? V{} : v;
}

/// v with its elements moved down by `By`, cyclically.
template <int By, class V, int... I>
[[gnu::always_inline]] inline V rotated(V v, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(v, v, ((I + By) % static_cast<int>(sizeof...(I)))...);
}
/// The sum of all elements, pairwise.
template <class T, int By = static_cast<int>(width<T>) / 2>
[[gnu::always_inline]] inline T sum_of(Vector<T> v) {
  v += rotated<By>(v, std::make_integer_sequence<int, static_cast<int>(width<T>)>());
  if constexpr (By > 1) {
    return sum_of<T, By / 2>(v);
  } else {
    return v[0];
  }
}

/// The first n elements, fewer than a vector, from memory; zeros for the others.
template <class T>
[[gnu::always_inline]] inline Vector<T> load_first(int64_t n, const T* from) {
  Vector<T> v = {};
  std::memcpy(&v, from, static_cast<size_t>(n) * sizeof(T));
  return v;
}
/// Writes the first n elements, fewer than a vector.
template <class T, int half = static_cast<int>(width<T>) / 2>
[[gnu::always_inline]] inline void store_first(int64_t n, T* to, Vector<T> v) {
  if (n & half) {
    std::memcpy(to, &v, half * sizeof(T));
    v = rotated<half>(v, std::make_integer_sequence<int, static_cast<int>(width<T>)>());
    to += half;
  }
  if constexpr (half > 1) store_first<T, half / 2>(n, to, v);
}

template <int step, class V, int... lane>
[[gnu::always_inline]] inline void exchange(V& a, V& b, std::integer_sequence<int, lane...>) {
  constexpr int w = sizeof...(lane);
  const V low = __builtin_shufflevector(a, b, ((lane & step) ? w + lane - step : lane)...);
  const V high = __builtin_shufflevector(a, b, ((lane & step) ? w + lane : lane + step)...);
  a = low;
  b = high;
}

/// The transpose of a square of vectors.
template <class T, int step = 1>
[[gnu::always_inline]] inline void transpose(Vector<T> (&row)[width<T>]) {
  constexpr int w = static_cast<int>(width<T>);
#pragma GCC unroll 16
  for (int i = 0; i < w; ++i) {
    if ((i & step) == 0) {
      exchange<step>(row[i], row[i + step], std::make_integer_sequence<int, w>());
    }
  }
  if constexpr (2 * step < w) transpose<T, 2 * step>(row);
}

/// For split and interleave.
template <class T>
inline constexpr std::make_integer_sequence<int, static_cast<int>(width<T>)> lanes{};

/// The elements of a, b at even places and those at odd ones.
template <class V, int... lane>
[[gnu::always_inline]] inline void split(V& a, V& b, std::integer_sequence<int, lane...>) {
  const V even = __builtin_shufflevector(a, b, (2 * lane)...);
  b = __builtin_shufflevector(a, b, (2 * lane + 1)...);
  a = even;
}

/// The inverse of split.
template <class V, int... lane>
[[gnu::always_inline]] inline void interleave(V& a, V& b, std::integer_sequence<int, lane...>) {
  constexpr int w = sizeof...(lane);
  const V low = __builtin_shufflevector(a, b, ((lane & 1) * w + lane / 2)...);
  b = __builtin_shufflevector(a, b, ((lane & 1) * w + (w + lane) / 2)...);
  a = low;
}

/// 0, 1, 2 ...
template <class T>
[[gnu::always_inline]] inline Vector<T> count_up() {
  Vector<T> v;
  for (int k = 0; k < width<T>; ++k) v[k] = static_cast<T>(k);
  return v;
}
/// v with its first n elements zeroed.
template <class T>
[[gnu::always_inline]] inline Vector<T> without_first(int64_t n, Vector<T> v) {
  using Index = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  const auto first = broadcast<Vector<Index>>(static_cast<Index>(n));
  return count_up<Index>() >= first ? v : Vector<T>{};
}

/// Calls `body.template operator()<V>(i)` so that each of 0 ... n - 1 is covered once: vectors,
/// then single elements.
template <class T, class Body>
[[gnu::always_inline]] inline void map_once(int64_t n, const Body& body) {
  int64_t i = 0;
  for (; i + width<T> <= n; i += width<T>) body.template operator()<Vector<T>>(i);
  for (; i < n; ++i) body.template operator()<T>(i);
}

/// The same with vectors only: the last one overlaps the previous one. For a body whose result for
/// an element depends only on inputs, so that computing it twice does no harm.
template <class T, class Body>
[[gnu::always_inline]] inline void map_vectors(int64_t n, const Body& body) {
  constexpr int64_t w = width<T>;
  if (n < w) return map_once<T>(n, body);
  int64_t i = 0;
  for (; i + w <= n; i += w) body.template operator()<Vector<T>>(i);
  if (i < n) body.template operator()<Vector<T>>(n - w);
}

}  // namespace

}  // namespace gradus::kernels
