// Compiled once per instruction set; see isa.h. Includes no header with inline functions that other
// files use, so that no code for one processor can be linked into another's path.
#include <array>
#include <atomic>
#include <type_traits>

#include "../simd/kernels_of.h"
#include "../simd/lanes_math.h"
#include "../simd/parallel_rows.h"
#include "../simd/sizes.h"
#include "elementwise_kernel.h"

namespace gradus::kernels {

namespace {

// --- Loops ---

/// Calls f(n, out, in) for elements of a nest, N - 1 operands of them: n is a number of whole
/// vectors, and f a loop over vectors alone. Contiguous elements stay where they are; what is left
/// of them, and others, pass through a buffer. So the bits of an element do not depend on its
/// place.
template <int N, class T, class F>
void in_vectors(const Loop<N>& loop, T* out, const T* const (&in)[N - 1], const F& f) {
  constexpr int64_t room = 512, w = width<T>;
  parallel_rows(loop, [=, &loop](const int64_t* offset, int64_t n) {
    T* const to = out + offset[0];
    const T* from[N - 1];
    for (int k = 1; k < N; ++k) from[k - 1] = in[k - 1] + offset[k];
    bool is_dense = true;
    for (int k = 0; k < N; ++k) is_dense = is_dense && loop.stride[k][0] == 1;
    const int64_t done = is_dense ? n / w * w : 0;
    if (done > 0) f(done, to, from);

    alignas(vector_bytes) T buffer[N][room];
    const T* const operands = buffer[1];
    for (int64_t begin = done; begin < n; begin += room) {
      const int64_t count = smaller(room, n - begin), padded = round_up(count, w);
      const T* at[N - 1];
      for (int k = 1; k < N; ++k) {
        const T* const x = from[k - 1] + begin * loop.stride[k][0];
        for (int64_t i = 0; i < count; ++i) buffer[k][i] = x[i * loop.stride[k][0]];
        for (int64_t i = count; i < padded; ++i) buffer[k][i] = 0;
        at[k - 1] = operands + (k - 1) * room;
      }
      f(padded, buffer[0], at);
      for (int64_t i = 0; i < count; ++i) to[(begin + i) * loop.stride[0][0]] = buffer[0][i];
    }
  });
}

template <class R, class T, class F>
void map2(const Loop<3>& loop, R* out, const T* x, const T* y, F f) {
  const int64_t so = loop.stride[0][0], sx = loop.stride[1][0], sy = loop.stride[2][0];
  parallel_rows(loop, [=](const int64_t* offset, int64_t n) {
    R* o = out + offset[0];
    const T* a = x + offset[1];
    const T* b = y + offset[2];
    if (so == 1 && sx == 1 && sy == 1) {
      for (int64_t i = 0; i < n; ++i) o[i] = f(a[i], b[i]);
    } else if (so == 1 && sx == 1 && sy == 0) {
      const T b0 = *b;
      for (int64_t i = 0; i < n; ++i) o[i] = f(a[i], b0);
    } else if (so == 1 && sx == 0 && sy == 1) {
      const T a0 = *a;
      for (int64_t i = 0; i < n; ++i) o[i] = f(a0, b[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) o[i * so] = f(a[i * sx], b[i * sy]);
    }
  });
}

// --- Functions ---

template <class Row, class T>
constexpr bool is_defined = std::is_floating_point_v<T> || !Row::floating;

/// f with as many of the constants as it takes.
template <class F, class... X>
auto with_constants(const double* constants, X... x) {
  if constexpr (std::is_invocable_v<F, X&...>) {
    return F()(x...);
  } else if constexpr (std::is_invocable_v<F, X&..., double>) {
    return F()(x..., constants[0]);
  } else {
    return F()(x..., constants[0], constants[1]);
  }
}

template <class Row, class T>
void unary(int64_t n, T* out, const T* const* in, const double* constants) {
  for (int64_t i = 0; i < n; i += width<T>) {
    const Lanes<T> x = load<Vector<T>>(in[0] + i);
    store(out + i, with_constants<typename Row::Value>(constants, x).v);
  }
}

template <class Row, class T>
void gradient(int64_t n, T* out, const T* const* in, const double* constants) {
  for (int64_t i = 0; i < n; i += width<T>) {
    const Lanes<T> g = load<Vector<T>>(in[0] + i), saved = load<Vector<T>>(in[1] + i);
    store(out + i, with_constants<typename Row::Rule>(constants, g, saved).v);
  }
}

template <class Row, class R, class T>
void binary(const Loop<3>& loop, R* out, const T* a, const T* b) {
  if constexpr (is_defined<Row, T>) map2(loop, out, a, b, typename Row::Value());
}

/// Reads both and compares bytes, so that the loop is vectorized: no branch depends on a mask.
template <class T>
void where(const Loop<4>& loop, T* out, const uint8_t* condition, const T* x, const T* y) {
  const int64_t so = loop.stride[0][0], sc = loop.stride[1][0];
  const int64_t sx = loop.stride[2][0], sy = loop.stride[3][0];
  parallel_rows(loop, [=](const int64_t* offset, int64_t n) {
    T* o = out + offset[0];
    const uint8_t* c = condition + offset[1];
    const T* a = x + offset[2];
    const T* b = y + offset[3];
    const auto choose = [=](auto a_at, auto b_at) {
      for (int64_t i = 0; i < n; ++i) {
        const T first = a_at(i), second = b_at(i);
        o[i * so] = c[i * sc] != 0 ? first : second;
      }
    };
    const auto a_at = [=](int64_t i) { return a[i * sx]; };
    const auto b_at = [=](int64_t i) { return b[i * sy]; };
    if (sx == 0) {
      choose([first = *a](int64_t) { return first; }, b_at);
    } else if (sy == 0) {
      choose(a_at, [second = *b](int64_t) { return second; });
    } else {
      choose(a_at, b_at);
    }
  });
}

/// o + factor a; in one expression, so that it can be a single instruction.
template <class T>
T multiply_add(T o, T factor, T a) {
  if constexpr (std::is_floating_point_v<T>) return o + factor * a;
  return plus(o, times(factor, a));
}

template <class T>
void axpy(const Loop<2>& loop, T* out, const T* x, double alpha) {
  const int64_t so = loop.stride[0][0], sx = loop.stride[1][0];
  const T factor = static_cast<T>(alpha);
  parallel_rows(loop, [=](const int64_t* offset, int64_t n) {
    T* o = out + offset[0];
    const T* a = x + offset[1];
    if (so == 1 && sx == 1) {
      for (int64_t i = 0; i < n; ++i) o[i] = multiply_add(o[i], factor, a[i]);
    } else {
      for (int64_t i = 0; i < n; ++i) o[i * so] = multiply_add(o[i * so], factor, a[i * sx]);
    }
  });
}

template <class T>
bool all_finite(const Loop<1>& loop, const T* x) {
  if constexpr (!std::is_floating_point_v<T>) return true;
  std::atomic<bool> finite = true;
  parallel_rows(loop, [&loop, &finite, x](const int64_t* offset, int64_t n) {
    const T* a = x + offset[0];
    T sum = 0;  // 0 * v is 0 for finite v and NaN for the others
    for (int64_t i = 0; i < n; ++i) sum += static_cast<T>(0 * a[i * loop.stride[0][0]]);
    if (sum != 0 || sum != sum) finite.store(false, std::memory_order_relaxed);
  });
  return finite;
}

// --- Tables ---

/// A loop over vectors, see in_vectors.
template <class T>
using VectorLoop = void (*)(int64_t n, T* out, const T* const* in, const double* constants);

template <class Row, class T>
constexpr VectorLoop<T> unary_loop() {
  if constexpr (is_defined<Row, T>) return unary<Row, T>;
  return nullptr;
}
/// Of rules that need what was saved; the others are an operation at most.
template <class Row, class T>
constexpr VectorLoop<T> gradient_loop() {
  if constexpr (std::is_floating_point_v<T> && Row::saved != nothing) return gradient<Row, T>;
  return nullptr;
}
template <class T, class... Row>
constexpr std::array<VectorLoop<T>, sizeof...(Row)> unary_loops(Functions<Row...>) {
  return {unary_loop<Row, T>()...};
}
template <class T, class... Row>
constexpr std::array<VectorLoop<T>, sizeof...(Row)> gradient_loops(Functions<Row...>) {
  return {gradient_loop<Row, T>()...};
}

template <class T>
void run_unary(int place, const Loop<2>& loop, T* out, const T* x, const double* constants) {
  static constexpr auto loops = unary_loops<T>(unary_functions);
  const VectorLoop<T> f = loops[static_cast<size_t>(place)];
  in_vectors<2, T>(loop, out, {x},
                   [=](int64_t n, T* to, const T* const* from) { f(n, to, from, constants); });
}
template <class T>
void run_gradient(int place, const Loop<3>& loop, T* out, const T* g, const T* saved,
                  const double* constants) {
  static constexpr auto loops = gradient_loops<T>(unary_functions);
  const VectorLoop<T> f = loops[static_cast<size_t>(place)];
  in_vectors<3, T>(loop, out, {g, saved},
                   [=](int64_t n, T* to, const T* const* from) { f(n, to, from, constants); });
}

template <class T, class... Binary, class... Comparison>
constexpr Elementwise<T> all_of(Functions<Binary...>, Functions<Comparison...>) {
  return {run_unary<T>,
          run_gradient<T>,
          {binary<Binary, T, T>...},
          {binary<Comparison, bool, T>...},
          where<T>,
          axpy<T>,
          all_finite<T>};
}
template <class T>
constexpr Elementwise<T> kernels_of<Elementwise<T>> = all_of<T>(binary_functions, comparisons);

}  // namespace

template const Elementwise<float>& Tables<Isa::GRADUS_ISA>::get();
template const Elementwise<double>& Tables<Isa::GRADUS_ISA>::get();
template const Elementwise<int64_t>& Tables<Isa::GRADUS_ISA>::get();
template const Elementwise<int32_t>& Tables<Isa::GRADUS_ISA>::get();
template const Elementwise<uint8_t>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
