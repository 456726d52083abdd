// Compiled once per instruction set; see isa.h.
#include "norm.h"

#include <cmath>

#include "../base/parallel_for.h"
#include "strided.h"

namespace gradus::kernels {

namespace {

constexpr int64_t lanes = 16;

/// Calls `body(set)` for all sets in parallel; each set is the work of one thread, so its sums have
/// one order, and what its first pass read is still in the cache for the next ones.
template <class Body>
void for_sets(const NormSets& s, const Body& body) {
  const int64_t size = s.size() > 0 ? s.size() : 1;
  parallel_for(s.sets, size >= elements_per_piece ? 1 : elements_per_piece / size,
               [&](int64_t begin, int64_t end) {
                 for (int64_t set = begin; set < end; ++set) body(set);
               });
}

/// Sum of f(i) for i < n in double, in lanes that the compiler can vectorize.
template <class F>
double lane_sum(int64_t n, const F& f) {
  double lane[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (int64_t k = 0; k < lanes; ++k) lane[k] += f(i + k);
  }
  double total = 0;
  for (; i < n; ++i) total += f(i);
  for (int64_t k = 0; k < lanes; ++k) total += lane[k];
  return total;
}

/// Sum of f(x) over the elements of the set that begins at `first`.
template <class T, class F>
double set_sum(const NormSets& s, const T* first, const F& f) {
  double total = 0;
  for (int64_t b = 0; b < s.blocks; ++b) {
    const T* const v = first + b * s.block_stride;
    total += lane_sum(s.run, [&](int64_t i) { return f(static_cast<double>(v[i])); });
  }
  return total;
}

template <class T>
void measure(const NormSets& s, int64_t set, const T* x, double* mean, double* variance) {
  const T* const first = x + set * s.set_stride;
  const auto count = static_cast<double>(s.size());
  const bool centred = s.statistics == NormStatistics::centred;
  const double m = centred ? set_sum(s, first, [](double v) { return v; }) / count : 0;
  mean[set] = m;
  variance[set] = set_sum(s, first, [m](double v) { return (v - m) * (v - m); }) / count;
}

double scale_of(double variance, double eps) {
  return 1 / std::sqrt(variance + eps);
}

/// The mean as the sum of two numbers of type T, so that x - mean keeps the digits of x.
template <class T>
struct Mean {
  T high, low;
  explicit Mean(double v)
      : high(static_cast<T>(v)), low(static_cast<T>(v - static_cast<double>(high))) {}
  T centre(T x) const { return (x - high) - low; }
};

/// The factor of block b of a set: its scale times the weight of the block.
template <class T>
T block_factor(const NormSets& s, int64_t set, int64_t b, double scale, const T* weight) {
  const double w = weight != nullptr ? static_cast<double>(weight[s.parameter(set, b)]) : 1.0;
  return static_cast<T>(w * scale);
}

/// out = f(i) weight[i] + bias[i] for i < n, where both may be null.
template <class T, class F>
void affine(int64_t n, T* out, const T* weight, const T* bias, const F& f) {
  if (weight != nullptr && bias != nullptr) {
    for (int64_t i = 0; i < n; ++i) out[i] = f(i) * weight[i] + bias[i];
  } else if (weight != nullptr) {
    for (int64_t i = 0; i < n; ++i) out[i] = f(i) * weight[i];
  } else if (bias != nullptr) {
    for (int64_t i = 0; i < n; ++i) out[i] = f(i) + bias[i];
  } else {
    for (int64_t i = 0; i < n; ++i) out[i] = f(i);
  }
}

template <class T>
void forward(const NormSets& s, double eps, T* y, const T* x, double* mean, double* variance,
             const T* weight, const T* bias) {
  for_sets(s, [&](int64_t set) {
    if (s.statistics != NormStatistics::given) measure(s, set, x, mean, variance);
    const Mean<T> m(mean[set]);
    const double scale = scale_of(variance[set], eps);
    for (int64_t b = 0; b < s.blocks; ++b) {
      const int64_t at = set * s.set_stride + b * s.block_stride;
      const T* const v = x + at;
      T* const out = y + at;
      if (s.per_element) {
        const T r = static_cast<T>(scale);
        affine(s.run, out, weight, bias, [v, m, r](int64_t i) { return m.centre(v[i]) * r; });
        continue;
      }
      const T factor = block_factor(s, set, b, scale, weight);
      const T shift = bias != nullptr ? bias[s.parameter(set, b)] : T(0);
      for (int64_t i = 0; i < s.run; ++i) out[i] = m.centre(v[i]) * factor + shift;
    }
  });
}

/// Sums over a set of u = weight g and of u times the normalized value.
struct Sums {
  double u = 0, ux = 0;
};

/// One set of a norm with a weight per block; stores the sums of the blocks without the weight.
template <class T>
Sums block_sums(const NormSets& s, int64_t set, const T* g, const T* x, double mean, double scale,
                const T* weight, double* sum_g, double* sum_gx) {
  Sums total;
  for (int64_t b = 0; b < s.blocks; ++b) {
    const int64_t at = set * s.set_stride + b * s.block_stride, index = set * s.blocks + b;
    const T *const u = g + at, *const v = x + at;
    sum_g[index] = lane_sum(s.run, [u](int64_t i) { return static_cast<double>(u[i]); });
    sum_gx[index] = scale * lane_sum(s.run, [u, v, mean](int64_t i) {
                      return static_cast<double>(u[i]) * (static_cast<double>(v[i]) - mean);
                    });
    const double w = weight != nullptr ? static_cast<double>(weight[s.parameter(set, b)]) : 1.0;
    total.u += w * sum_g[index];
    total.ux += w * sum_gx[index];
  }
  return total;
}

/// One set of a norm with a weight per element.
template <class T>
Sums element_weighted_sums(const NormSets& s, int64_t set, const T* g, const T* x, double mean,
                           double scale, const T* weight) {
  const T *const u = g + set * s.set_stride, *const v = x + set * s.set_stride;
  const auto weighted = [u, weight](int64_t i) {
    const auto ui = static_cast<double>(u[i]);
    return weight != nullptr ? ui * static_cast<double>(weight[i]) : ui;
  };
  return {lane_sum(s.run, weighted), scale * lane_sum(s.run, [&](int64_t i) {
                                       return weighted(i) * (static_cast<double>(v[i]) - mean);
                                     })};
}

/// dx = r (u - offset - slope (x - mean)) of one set, where u = weight g; offset and slope are what
/// the set's own statistics add.
template <class T>
void write_dx(const NormSets& s, int64_t set, T* dx, const T* g, const T* x, double mean,
              double scale, const T* weight, double offset, double slope) {
  const Mean<T> m(mean);
  const T shift = static_cast<T>(scale * offset), lean = static_cast<T>(scale * slope);
  for (int64_t b = 0; b < s.blocks; ++b) {
    const int64_t at = set * s.set_stride + b * s.block_stride;
    const T *const u = g + at, *const v = x + at;
    T* const out = dx + at;
    if (s.per_element && weight != nullptr) {
      const T factor = static_cast<T>(scale);
      for (int64_t i = 0; i < s.run; ++i) {
        out[i] = factor * weight[i] * u[i] - shift - lean * m.centre(v[i]);
      }
      continue;
    }
    const T factor = block_factor<T>(s, set, b, scale, s.per_element ? nullptr : weight);
    if (s.statistics == NormStatistics::given) {
      for (int64_t i = 0; i < s.run; ++i) out[i] = factor * u[i];
      continue;
    }
    for (int64_t i = 0; i < s.run; ++i) out[i] = factor * u[i] - shift - lean * m.centre(v[i]);
  }
}

/// dx = r (u - mean(u) - x^ mean(u x^)) with u = weight g; without the first mean where the set is
/// not centred, and without both where the statistics are given.
template <class T>
void backward(const NormSets& s, double eps, T* dx, const T* g, const T* x, const double* mean,
              const double* variance, const T* weight, double* sum_g, double* sum_gx) {
  const auto count = static_cast<double>(s.size());
  const bool given = s.statistics == NormStatistics::given;
  const bool centred = s.statistics == NormStatistics::centred;
  for_sets(s, [&](int64_t set) {
    const double m = mean[set], scale = scale_of(variance[set], eps);
    Sums sums;
    if (s.per_element) {
      sums = element_weighted_sums(s, set, g, x, m, scale, weight);
    } else if (sum_g != nullptr) {
      sums = block_sums(s, set, g, x, m, scale, weight, sum_g, sum_gx);
    }
    if (dx == nullptr) return;
    write_dx(s, set, dx, g, x, m, scale, weight, centred ? sums.u / count : 0,
             given ? 0 : scale * sums.ux / count);
  });
}

template <class T>
void element_sums(const NormSets& s, double eps, const T* g, const T* x, const double* mean,
                  const double* variance, double* sum_g, double* sum_gx) {
  constexpr int64_t columns = 256;  // a strip of these stays in the first-level cache
  parallel_for(s.run, columns, [&](int64_t begin, int64_t end) {
    double total_g[columns] = {}, total_gx[columns] = {};
    for (int64_t set = 0; set < s.sets; ++set) {
      const T *const u = g + set * s.set_stride + begin, *const v = x + set * s.set_stride + begin;
      const double m = mean[set], r = scale_of(variance[set], eps);
      for (int64_t i = 0; i < end - begin; ++i) {
        const auto ui = static_cast<double>(u[i]);
        total_g[i] += ui;
        total_gx[i] += ui * ((static_cast<double>(v[i]) - m) * r);
      }
    }
    for (int64_t i = begin; i < end; ++i) {
      sum_g[i] = total_g[i - begin];
      sum_gx[i] = total_gx[i - begin];
    }
  });
}

template <class T>
constexpr Norm<T> norm_table = {forward<T>, backward<T>, element_sums<T>};

}  // namespace

template <>
template <>
const Norm<float>& Tables<Isa::GRADUS_ISA>::get() {
  return norm_table<float>;
}
template <>
template <>
const Norm<double>& Tables<Isa::GRADUS_ISA>::get() {
  return norm_table<double>;
}

}  // namespace gradus::kernels
