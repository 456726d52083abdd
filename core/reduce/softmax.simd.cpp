// Compiled once per instruction set; see isa.h.
#include "softmax_kernel.h"

#include <cmath>

#include "../base/parallel_for.h"
#include "../simd/kernels_of.h"
#include "../simd/sizes.h"

namespace gradus::kernels {

namespace {

enum class Form { plain, logarithm };

/// Exponentials are slow: a piece has fewer of them than elements of a simple map.
constexpr int64_t exponentials_per_piece = 4096;
constexpr int64_t columns_per_block = 64;

/// One run of n contiguous elements.
template <Form form, class T>
void softmax_row(int64_t n, T* out, const T* x) {
  T top = x[0];
  for (int64_t i = 1; i < n; ++i) top = x[i] > top ? x[i] : top;
  double total = 0;
  for (int64_t i = 0; i < n; ++i) {
    out[i] = std::exp(x[i] - top);
    total += static_cast<double>(out[i]);
  }
  if constexpr (form == Form::plain) {
    const T factor = static_cast<T>(1 / total);
    for (int64_t i = 0; i < n; ++i) out[i] *= factor;
  } else {
    const T shift = static_cast<T>(std::log(total));
    for (int64_t i = 0; i < n; ++i) out[i] = (x[i] - top) - shift;
  }
}

/// `width` adjacent columns of n elements, `step` apart.
template <Form form, class T>
void softmax_columns(int64_t n, int64_t step, int64_t width, T* out, const T* x) {
  T top[columns_per_block];
  double total[columns_per_block] = {};
  for (int64_t c = 0; c < width; ++c) top[c] = x[c];
  for (int64_t i = 1; i < n; ++i) {
    const T* const row = x + i * step;
    for (int64_t c = 0; c < width; ++c) top[c] = row[c] > top[c] ? row[c] : top[c];
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t c = 0; c < width; ++c) {
      out[i * step + c] = std::exp(x[i * step + c] - top[c]);
      total[c] += static_cast<double>(out[i * step + c]);
    }
  }
  T last[columns_per_block];
  for (int64_t c = 0; c < width; ++c) {
    last[c] = static_cast<T>(form == Form::plain ? 1 / total[c] : std::log(total[c]));
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t c = 0; c < width; ++c) {
      T& o = out[i * step + c];
      o = form == Form::plain ? o * last[c] : (x[i * step + c] - top[c]) - last[c];
    }
  }
}

template <Form form, class T>
void run(const Axis& axis, T* out, const T* x) {
  const int64_t n = axis.n, inner = axis.inner;
  if (axis.outer * n * inner == 0) return;
  const int64_t blocks = (inner - 1) / columns_per_block + 1;
  const int64_t per_block = n * smaller(inner, columns_per_block);
  parallel_each(axis.outer * blocks, exponentials_per_piece / per_block, [=](int64_t task) {
    const int64_t first = task % blocks * columns_per_block;
    const int64_t at = task / blocks * n * inner + first;
    if (inner == 1) return softmax_row<form>(n, out + at, x + at);
    softmax_columns<form>(n, inner, smaller(inner - first, columns_per_block), out + at, x + at);
  });
}

template <class T>
constexpr Softmax<T> kernels_of<Softmax<T>> = {run<Form::plain, T>, run<Form::logarithm, T>};

}  // namespace

template const Softmax<float>& Tables<Isa::GRADUS_ISA>::get();
template const Softmax<double>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
