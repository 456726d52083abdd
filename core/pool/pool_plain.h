// Pooling, straight from its definition. For the plain table and for files that are compiled once
// per instruction set: everything is local to the file that includes it.
#pragma once

#include <limits>
#include <type_traits>

#include "../base/parallel_for.h"
#include "../simd/strided.h"
#include "../simd/workspace.h"
#include "pool_kernel.h"

namespace gradus::kernels {

namespace {

/// Calls `body(begin, end)` for all planes, a few at a time depending on their size: eights, unless
/// they are large.
template <class Body>
void for_planes(int64_t planes, int64_t elements, const Body& body) {
  const int64_t piece = elements_per_piece / (elements > 0 ? elements : 1);
  parallel_for(planes, piece > 8 ? piece / 8 * 8 : piece > 0 ? piece : 1, body);
}

/// Where the rows of a window begin in a plane of x, from the first to the last.
struct Rows {
  const int64_t *first, *last;
  const int64_t* begin() const { return first; }
  const int64_t* end() const { return last; }
};

/// Calls `body(i, rows, extent)` for each row of windows, of which a plane of y has the elements
/// from i on. `room` has a place for each row of a plane of x.
template <class Body>
void for_window_rows(const Windows& s, int64_t* room, const Body& body) {
  int64_t i = 0;
  for (int64_t d = 0; d < s.depth.out; ++d) {
    for (int64_t h = 0; h < s.height.out; ++h, i += s.width.out) {
      const Window depth = s.depth.at[d], height = s.height.at[h];
      int64_t* last = room;
      for (int64_t z = depth.begin; z < depth.end; z += s.depth.step) {
        for (int64_t y = height.begin; y < height.end; y += s.height.step) {
          *last++ = (z * s.height.in + y) * s.width.in;
        }
      }
      body(i, Rows{room, last}, depth.extent * height.extent);
    }
  }
}

/// Calls `body(plane, n, i, rows, columns, extent)` for each window of n planes from `plane` on. n
/// is a constant, `at_once` or, for the last few planes, 1.
template <int64_t at_once, class Body>
void for_windows(const Windows& s, const Body& body) {
  for_planes(s.planes, s.in(), [&](int64_t begin, int64_t end) {
    const Workspace<int64_t> room(s.depth.in * s.height.in);
    const auto visit = [&](int64_t plane, auto n) {
      for_window_rows(s, room.data(), [&](int64_t i, const Rows& rows, double extent) {
        for (int64_t w = 0; w < s.width.out; ++w) {
          body(plane, n, i + w, rows, s.width.at[w], extent * s.width.at[w].extent);
        }
      });
    };
    for (; begin + at_once <= end; begin += at_once) {
      visit(begin, std::integral_constant<int64_t, at_once>());
    }
    for (; begin < end; ++begin) visit(begin, std::integral_constant<int64_t, 1>());
  });
}

template <class T>
void plain_max(const Windows& s, T* y, int32_t* index, const T* x) {
  const int64_t in = s.in(), out = s.out();
  for_windows<1>(
      s, [=](int64_t plane, auto, int64_t i, const Rows& rows, const Window& columns, double) {
        const T* const from = x + plane * in;
        int64_t best = -1;
        for (const int64_t row : rows) {
          for (int64_t w = columns.begin; w < columns.end; w += s.width.step) {
            const T here = from[row + w];
            const bool wins =
                best < 0 || here > from[best] || (here != here && from[best] == from[best]);
            if (wins) best = row + w;
          }
        }
        y[plane * out + i] = best < 0 ? -std::numeric_limits<T>::infinity() : from[best];
        index[plane * out + i] = static_cast<int32_t>(best);
      });
}

template <class T>
void scatter(int64_t planes, int64_t in, int64_t out, T* dx, const T* g, const int32_t* index) {
  for_planes(planes, in, [=](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      T* const to = dx + plane * in;
      for (int64_t i = 0; i < in; ++i) to[i] = 0;
      for (int64_t i = plane * out; i < (plane + 1) * out; ++i) {
        if (index[i] >= 0) to[index[i]] += g[i];
      }
    }
  });
}

template <class T>
void gather(int64_t planes, int64_t in, int64_t out, T* y, const T* x, const int32_t* index) {
  for_planes(planes, out, [=](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const T* const from = x + plane * in;
      for (int64_t i = plane * out; i < (plane + 1) * out; ++i) {
        y[i] = index[i] >= 0 ? from[index[i]] : T(0);
      }
    }
  });
}

/// The sums of several planes need not wait for each other.
template <class T>
void average(const Windows& s, T* y, const T* x) {
  const int64_t in = s.in(), out = s.out();
  for_windows<8>(s, [=](int64_t plane, auto n, int64_t i, const Rows& rows, const Window& columns,
                        double extent) {
    T sum[n] = {};
    for (const int64_t row : rows) {
      for (int64_t w = columns.begin; w < columns.end; ++w) {
        for (int64_t p = 0; p < n; ++p) sum[p] += x[(plane + p) * in + row + w];
      }
    }
    for (int64_t p = 0; p < n; ++p) y[(plane + p) * out + i] = sum[p] / static_cast<T>(extent);
  });
}

template <class T>
void spread(const Windows& s, T* dx, const T* g) {
  const int64_t in = s.in(), out = s.out();
  for_windows<1>(s, [=](int64_t plane, auto, int64_t i, const Rows& rows, const Window& columns,
                        double extent) {
    T* const to = dx + plane * in;
    for (int64_t k = 0; i == 0 && k < in; ++k) to[k] = 0;
    const T share = g[plane * out + i] / static_cast<T>(extent);
    for (const int64_t row : rows) {
      for (int64_t w = columns.begin; w < columns.end; ++w) to[row + w] += share;
    }
  });
}

}  // namespace

}  // namespace gradus::kernels
