// Compiled once per instruction set; see isa.h.
#include "softmax_kernel.h"

#include <cmath>
#include <cstring>

#include "../base/parallel_for.h"
#include "../simd/kernels_of.h"
#include "../simd/lanes_math.h"
#include "../simd/sizes.h"

namespace gradus::kernels {

namespace {

enum class Form { plain, logarithm };

/// Exponentials are slow: a piece has fewer of them than elements of a simple map.
constexpr int64_t exponentials_per_piece = 4096;
constexpr int64_t columns_per_block = 64, short_row = 24;

/// The next n elements, at most a vector of them; -infinity, with the exponential 0, for others.
template <class T>
[[gnu::always_inline]] inline Lanes<T> elements(int64_t n, const T* x) {
  if (n >= width<T>) return load<Vector<T>>(x);
  return where(Lanes<T>(count_up<T>()) < static_cast<double>(n), load_first(n, x), -infinity);
}
template <class T>
[[gnu::always_inline]] inline void put(int64_t n, T* out, Lanes<T> y) {
  n >= width<T> ? store(out, y.v) : store_first(n, out, y.v);
}
/// As a comparison of numbers: NaN in either may be lost, which softmax finds in the sum.
template <class T>
Lanes<T> larger_of(Lanes<T> a, Lanes<T> b) {
  return where(a > b, a, b);
}
template <class T, int by = static_cast<int>(width<T>) / 2>
T largest_of(Lanes<T> x) {
  x = larger_of(x, Lanes<T>(rotated<by>(x.v, std::make_integer_sequence<int, width<T>>())));
  if constexpr (by > 1) {
    return largest_of<T, by / 2>(x);
  } else {
    return x.v[0];
  }
}

/// A sum in double of vectors of numbers.
template <class T>
struct Total {
  static constexpr size_t parts = sizeof(double) / sizeof(T);
  using Part [[gnu::vector_size(vector_bytes / parts)]] = T;
  Vector<double> sum = {};

  void operator+=(Lanes<T> x) {
    for (size_t k = 0; k < parts; ++k) {
      Part part;
      std::memcpy(&part, reinterpret_cast<const char*>(&x.v) + k * sizeof part, sizeof part);
      sum += __builtin_convertvector(part, Vector<double>);
    }
  }
};

/// One run of n contiguous elements.
template <Form form, class T>
void softmax_row(int64_t n, T* out, const T* x) {
  constexpr int64_t w = width<T>;
  Lanes<T> tops = elements(n, x);
  for (int64_t i = w; i < n; i += w) tops = larger_of(elements(n - i, x + i), tops);
  const Lanes<T> top = static_cast<double>(largest_of(tops));
  Total<T> total;
  for (int64_t i = 0; i < n; i += w) {
    const Lanes<T> e = exp(elements(n - i, x + i) - top);
    total += e;
    if constexpr (form == Form::plain) put(n - i, out + i, e);
  }
  const double sum = sum_of<double>(total.sum);
  const Lanes<T> last = form == Form::plain ? 1 / sum : std::log(sum);
  for (int64_t i = 0; i < n; i += w) {
    if constexpr (form == Form::plain) put(n - i, out + i, elements(n - i, out + i) * last);
    if constexpr (form == Form::logarithm) put(n - i, out + i, elements(n - i, x + i) - top - last);
  }
}

/// Adjacent columns of n elements, `step` apart.
template <Form form, class T>
void softmax_columns(int64_t n, int64_t step, int64_t columns, T* out, const T* x) {
  T top[columns_per_block] = {};
  T e[columns_per_block];
  double total[columns_per_block] = {};
  for (int64_t c = 0; c < columns; ++c) top[c] = x[c];
  for (int64_t i = 1; i < n; ++i) {
    const T* const row = x + i * step;
    for (int64_t c = 0; c < columns; ++c) top[c] = row[c] > top[c] ? row[c] : top[c];
  }
  for (int64_t i = 0; i < n; ++i) {
    const T* const row = x + i * step;
    for (int64_t c = 0; c < columns; c += width<T>) {
      store(e + c, exp(elements(columns - c, row + c) - load<Vector<T>>(top + c)).v);
    }
    for (int64_t c = 0; c < columns; ++c) total[c] += static_cast<double>(e[c]);
    if constexpr (form == Form::plain)
      std::memcpy(out + i * step, e, static_cast<size_t>(columns) * sizeof(T));
  }
  T last[columns_per_block];
  for (int64_t c = 0; c < columns; ++c) {
    last[c] = static_cast<T>(form == Form::plain ? 1 / total[c] : std::log(total[c]));
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t c = 0; c < columns; ++c) {
      T& o = out[i * step + c];
      o = form == Form::plain ? o * last[c] : (x[i * step + c] - top[c]) - last[c];
    }
  }
}

/// `rows` runs of n elements, fewer than fill vectors well: as columns.
template <Form form, class T>
void softmax_short_rows(int64_t n, int64_t rows, T* out, const T* x) {
  T turned[short_row * columns_per_block];
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < n; ++i) turned[i * columns_per_block + r] = x[r * n + i];
  }
  softmax_columns<form>(n, columns_per_block, rows, turned, turned);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < n; ++i) out[r * n + i] = turned[i * columns_per_block + r];
  }
}

template <Form form, class T>
void run(const Axis& axis, T* out, const T* x) {
  const int64_t n = axis.n, inner = axis.inner;
  if (axis.outer * n * inner == 0) return;
  if (inner == 1 && n <= short_row) {
    return parallel_for(axis.outer, columns_per_block, [=](int64_t begin, int64_t end) {
      softmax_short_rows<form>(n, end - begin, out + begin * n, x + begin * n);
    });
  }
  const int64_t blocks = (inner - 1) / columns_per_block + 1;
  const int64_t per_block = n * smaller(inner, columns_per_block);
  parallel_each(axis.outer * blocks, exponentials_per_piece / per_block, [=](int64_t task) {
    const int64_t first = task % blocks * columns_per_block;
    const int64_t at = task / blocks * n * inner + first;
    if (inner == 1) return softmax_row<form>(n, out + at, x + at);
    softmax_columns<form>(n, inner, smaller(inner - first, columns_per_block), out + at, x + at);
  });
}

/// The next n elements, at most a vector of them; 0 for others.
template <class T>
[[gnu::always_inline]] inline Lanes<T> elements_or_0(int64_t n, const T* x) {
  return n >= width<T> ? load<Vector<T>>(x) : load_first(n, x);
}
template <Form form, class T>
void gradient_row(int64_t n, T* dx, const T* g, const T* y) {
  Total<T> total;
  for (int64_t i = 0; i < n; i += width<T>) {
    const Lanes<T> of_y = elements_or_0(n - i, g + i);
    total += form == Form::plain ? of_y * elements_or_0(n - i, y + i) : of_y;
  }
  const Lanes<T> sum = sum_of<double>(total.sum);
  for (int64_t i = 0; i < n; i += width<T>) {
    const Lanes<T> of_y = elements_or_0(n - i, g + i), result = elements_or_0(n - i, y + i);
    if constexpr (form == Form::plain) put(n - i, dx + i, of_y * result - result * sum);
    if constexpr (form == Form::logarithm) put(n - i, dx + i, of_y - mul_or_zero(exp(result), sum));
  }
}

template <Form form, class T>
void gradient(int64_t rows, int64_t n, T* dx, const T* g, const T* y) {
  parallel_each(rows, n > 0 ? exponentials_per_piece / n : 1, [=](int64_t row) {
    gradient_row<form>(n, dx + row * n, g + row * n, y + row * n);
  });
}

template <class T>
constexpr Softmax<T> kernels_of<Softmax<T>> = {run<Form::plain, T>, run<Form::logarithm, T>,
                                               gradient<Form::plain, T>,
                                               gradient<Form::logarithm, T>};

}  // namespace

template const Softmax<float>& Tables<Isa::GRADUS_ISA>::get();
template const Softmax<double>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
