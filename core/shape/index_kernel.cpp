#include "index_kernel.h"

#include <cstring>

#include "../simd/parallel_rows.h"
#include "../simd/wrapping.h"

namespace gradus::kernels {

std::optional<int64_t> find_out_of_range(const Loop<1>& loop, const int64_t* index, int64_t n) {
  std::optional<int64_t> found;
  if (loop.size[0] == 0) return found;
  for_rows(loop, 0, loop.rows(), [&](const int64_t* offset) {
    const int64_t* const run = index + offset[0];
    for (int64_t i = 0; i < loop.size[0] && !found; ++i) {
      const int64_t value = run[i * loop.stride[0][0]];
      if (value < 0 || value >= n) found = value;
    }
  });
  return found;
}

namespace {

/// Calls f with an unsigned type of the size of an element: what is only moved has no other type.
template <class F>
void as_words(DType dtype, const F& f) {
  if (size_of(dtype) == 1) return f.template operator()<uint8_t>();
  if (size_of(dtype) == 4) return f.template operator()<uint32_t>();
  f.template operator()<uint64_t>();
}

/// Calls `put(place, value)` for each element of the source, in its order along the axis.
template <class T, class Put>
void scatter_words(const Loop<3>& loop, const ScatterAxis& axis, T* out, const int64_t* index,
                   const T* source, const Put& put) {
  const int64_t so = loop.stride[0][0], si = loop.stride[1][0], ss = loop.stride[2][0];
  // Only elements along the axis can meet in one place, and one thread takes all of those.
  parallel_rows(
      loop,
      [=](const int64_t* offset, int64_t n) {
        for (int64_t k = 0; k < axis.n; ++k) {
          T* const o = out + offset[0];
          const int64_t* const at = index + offset[1] + k * axis.index_step;
          const T* const from = source + offset[2] + k * axis.source_step;
          for (int64_t i = 0; i < n; ++i) put(o[i * so + at[i * si] * axis.out_step], from[i * ss]);
        }
      },
      axis.n > 0 ? axis.n : 1);
}

}  // namespace

void gather(const Loop<3>& loop, DType dtype, void* out, const int64_t* index, const void* x,
            int64_t step) {
  const int64_t so = loop.stride[0][0], si = loop.stride[1][0], sx = loop.stride[2][0];
  as_words(dtype, [&]<class Word>() {
    parallel_rows(loop, [=](const int64_t* offset, int64_t n) {
      Word* const o = static_cast<Word*>(out) + offset[0];
      const int64_t* const at = index + offset[1];
      const Word* const from = static_cast<const Word*>(x) + offset[2];
      if (si == 0 && so == 1 && sx == 1) {  // one index for the whole run: rows of a table
        std::memcpy(o, from + *at * step, static_cast<size_t>(n) * sizeof(Word));
      } else {
        for (int64_t i = 0; i < n; ++i) o[i * so] = from[i * sx + at[i * si] * step];
      }
    });
  });
}

void scatter(const Loop<3>& loop, DType dtype, const ScatterAxis& axis, void* out,
             const int64_t* index, const void* source) {
  as_words(dtype, [&]<class Word>() {
    scatter_words(loop, axis, static_cast<Word*>(out), index, static_cast<const Word*>(source),
                  [](Word& place, Word value) { place = value; });
  });
}

void scatter_add(const Loop<3>& loop, DType dtype, const ScatterAxis& axis, void* out,
                 const int64_t* index, const void* source) {
  dispatch_number("scatter_add", dtype, [&]<class T>() {
    scatter_words(loop, axis, static_cast<T*>(out), index, static_cast<const T*>(source),
                  [](T& place, T value) { place = plus(place, value); });
  });
}

}  // namespace gradus::kernels
