// Arithmetic of sizes. For files that are compiled once per instruction set: everything is local to
// the file that includes it.
#pragma once

#include <cstdint>

namespace gradus::kernels {

namespace {

constexpr int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}
constexpr int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}
constexpr int64_t at_least_one(int64_t n) {
  return larger(n, 1);
}
/// The next multiple of `to`.
constexpr int64_t round_up(int64_t n, int64_t to) {
  return (n + to - 1) / to * to;
}

/// Those of `n` points first, first + step ... that are in [0, size).
struct Inside {
  int64_t begin, end;
};
constexpr Inside inside(int64_t size, int64_t n, int64_t step, int64_t first) {
  const int64_t begin = first < 0 ? (-first + step - 1) / step : 0;
  const int64_t end = first < size ? (size - 1 - first) / step + 1 : 0;
  return {smaller(begin, n), larger(smaller(end, n), smaller(begin, n))};
}

}  // namespace

}  // namespace gradus::kernels
