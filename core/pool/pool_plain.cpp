// Pooling, straight from its definition. All instruction sets run this where pool.simd.cpp has
// nothing faster.
#include <limits>

#include "../base/parallel_for.h"
#include "../simd/strided.h"
#include "pool_kernel.h"

namespace gradus::kernels {

namespace {

/// Calls `body(plane)` for all planes of so many elements.
template <class Body>
void for_planes(int64_t planes, int64_t elements, const Body& body) {
  const int64_t piece = elements_per_piece / (elements > 0 ? elements : 1);
  parallel_for(planes, piece > 0 ? piece : 1, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) body(plane);
  });
}

/// Calls `body(i, depth, height, width)` for each element i of an output plane and its window.
template <class Body>
void for_windows(const Windows& s, const Body& body) {
  int64_t i = 0;
  for (int64_t d = 0; d < s.depth.out; ++d) {
    for (int64_t h = 0; h < s.height.out; ++h) {
      for (int64_t w = 0; w < s.width.out; ++w) {
        body(i++, s.depth.at[d], s.height.at[h], s.width.at[w]);
      }
    }
  }
}

template <class T>
void max(const Windows& s, T* y, int32_t* index, const T* x) {
  for_planes(s.planes, s.in(), [&](int64_t plane) {
    const T* const from = x + plane * s.in();
    for_windows(s, [&](int64_t i, const Window& depth, const Window& height, const Window& width) {
      int64_t best = -1;
      for (int64_t d = depth.begin; d < depth.end; d += s.depth.step) {
        for (int64_t h = height.begin; h < height.end; h += s.height.step) {
          for (int64_t w = width.begin; w < width.end; w += s.width.step) {
            const int64_t here = (d * s.height.in + h) * s.width.in + w;
            const bool wins = best < 0 || from[here] > from[best] ||
                              (from[here] != from[here] && from[best] == from[best]);
            if (wins) best = here;
          }
        }
      }
      y[plane * s.out() + i] = best < 0 ? -std::numeric_limits<T>::infinity() : from[best];
      index[plane * s.out() + i] = static_cast<int32_t>(best);
    });
  });
}

template <class T>
void scatter(int64_t planes, int64_t in, int64_t out, T* dx, const T* g, const int32_t* index) {
  for_planes(planes, in, [=](int64_t plane) {
    T* const to = dx + plane * in;
    for (int64_t i = 0; i < in; ++i) to[i] = 0;
    for (int64_t i = plane * out; i < (plane + 1) * out; ++i) {
      if (index[i] >= 0) to[index[i]] += g[i];
    }
  });
}

template <class T>
void gather(int64_t planes, int64_t in, int64_t out, T* y, const T* x, const int32_t* index) {
  for_planes(planes, out, [=](int64_t plane) {
    const T* const from = x + plane * in;
    for (int64_t i = plane * out; i < (plane + 1) * out; ++i) {
      y[i] = index[i] >= 0 ? from[index[i]] : T(0);
    }
  });
}

template <class T>
void average(const Windows& s, T* y, const T* x) {
  for_planes(s.planes, s.in(), [&](int64_t plane) {
    const T* const from = x + plane * s.in();
    for_windows(s, [&](int64_t i, const Window& depth, const Window& height, const Window& width) {
      T sum = 0;
      for (int64_t d = depth.begin; d < depth.end; ++d) {
        for (int64_t h = height.begin; h < height.end; ++h) {
          const T* const row = from + (d * s.height.in + h) * s.width.in;
          for (int64_t w = width.begin; w < width.end; ++w) sum += row[w];
        }
      }
      y[plane * s.out() + i] = sum / static_cast<T>(depth.extent * height.extent * width.extent);
    });
  });
}

template <class T>
void spread(const Windows& s, T* dx, const T* g) {
  for_planes(s.planes, s.in(), [&](int64_t plane) {
    T* const to = dx + plane * s.in();
    for (int64_t i = 0; i < s.in(); ++i) to[i] = 0;
    for_windows(s, [&](int64_t i, const Window& depth, const Window& height, const Window& width) {
      const T share =
          g[plane * s.out() + i] / static_cast<T>(depth.extent * height.extent * width.extent);
      for (int64_t d = depth.begin; d < depth.end; ++d) {
        for (int64_t h = height.begin; h < height.end; ++h) {
          T* const row = to + (d * s.height.in + h) * s.width.in;
          for (int64_t w = width.begin; w < width.end; ++w) row[w] += share;
        }
      }
    });
  });
}

template <class T>
constexpr Pool<T> table_of = {max<T>, scatter<T>, gather<T>, average<T>, spread<T>};

}  // namespace

template <>
template <>
const Pool<float>& Tables<Isa::plain>::get() {
  return table_of<float>;
}
template <>
template <>
const Pool<double>& Tables<Isa::plain>::get() {
  return table_of<double>;
}

}  // namespace gradus::kernels
