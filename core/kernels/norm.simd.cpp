// Compiled once per instruction set; see isa.h.
#include "norm.h"
#include "../base/parallel_for.h"
#include "strided.h"

namespace gradus::kernels {

namespace {

constexpr int64_t lanes = 16;

/// Calls `body(set)` for all sets in parallel; each set is the work of one thread, so its sums have
/// one order.
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

template <class T>
void statistics(const NormSets& s, const T* x, double* mean, double* variance) {
  for_sets(s, [&](int64_t set) {
    const T* const first = x + set * s.set_stride;
    const auto count = static_cast<double>(s.size());
    double sum = 0;
    for (int64_t b = 0; b < s.blocks; ++b) {
      const T* const v = first + b * s.block_stride;
      sum += lane_sum(s.run, [v](int64_t i) { return static_cast<double>(v[i]); });
    }
    const double m = sum / count;
    double squares = 0;
    for (int64_t b = 0; b < s.blocks; ++b) {
      const T* const v = first + b * s.block_stride;
      squares += lane_sum(s.run, [v, m](int64_t i) {
        const double d = static_cast<double>(v[i]) - m;
        return d * d;
      });
    }
    mean[set] = m;
    variance[set] = squares / count;
  });
}

/// The mean as the sum of two numbers of type T, so that x - mean keeps the digits of x.
template <class T>
struct Split {
  T high, low;
  explicit Split(double v)
      : high(static_cast<T>(v)), low(static_cast<T>(v - static_cast<double>(high))) {}
};

template <class T>
void forward(const NormSets& s, T* y, const T* x, const double* mean, const double* scale,
             const T* weight, const T* bias) {
  for_sets(s, [&](int64_t set) {
    const Split<T> m(mean[set]);
    for (int64_t b = 0; b < s.blocks; ++b) {
      const int64_t at = set * s.set_stride + b * s.block_stride;
      const T* const v = x + at;
      T* const out = y + at;
      if (s.per_element) {
        const T r = static_cast<T>(scale[set]);
        for (int64_t i = 0; i < s.run; ++i) out[i] = ((v[i] - m.high) - m.low) * r;
        for (int64_t i = 0; weight != nullptr && i < s.run; ++i) out[i] *= weight[i];
        for (int64_t i = 0; bias != nullptr && i < s.run; ++i) out[i] += bias[i];
        continue;
      }
      const int64_t p = s.parameter(set, b);
      const double w = weight != nullptr ? static_cast<double>(weight[p]) : 1.0;
      const T factor = static_cast<T>(w * scale[set]);
      const T shift = bias != nullptr ? bias[p] : T(0);
      for (int64_t i = 0; i < s.run; ++i) {
        out[i] = ((v[i] - m.high) - m.low) * factor + shift;
      }
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

/// dx = r (u - mean(u) - x_hat mean(u x_hat)) with u = weight g and x_hat = (x - mean) r.
template <class T>
void backward(const NormSets& s, T* dx, const T* g, const T* x, const double* mean,
              const double* scale, const T* weight, double* sum_g, double* sum_gx) {
  const auto count = static_cast<double>(s.size());
  for_sets(s, [&](int64_t set) {
    const double r = scale[set];
    const Sums sums = s.per_element ? element_weighted_sums(s, set, g, x, mean[set], r, weight)
                                    : block_sums(s, set, g, x, mean[set], r, weight, sum_g, sum_gx);
    if (dx == nullptr) return;
    const T offset = static_cast<T>(r * sums.u / count);
    const T slope = static_cast<T>(r * r * sums.ux / count);
    const Split<T> m(mean[set]);
    for (int64_t b = 0; b < s.blocks; ++b) {
      const int64_t at = set * s.set_stride + b * s.block_stride;
      const T *const u = g + at, *const v = x + at;
      T* const out = dx + at;
      if (s.per_element && weight != nullptr) {
        const T factor = static_cast<T>(r);
        for (int64_t i = 0; i < s.run; ++i) {
          const T centred = (v[i] - m.high) - m.low;
          out[i] = factor * weight[i] * u[i] - offset - slope * centred;
        }
        continue;
      }
      const bool scaled = weight != nullptr && !s.per_element;
      const double w = scaled ? static_cast<double>(weight[s.parameter(set, b)]) : 1.0;
      const T factor = static_cast<T>(r * w);
      for (int64_t i = 0; i < s.run; ++i) {
        const T centred = (v[i] - m.high) - m.low;
        out[i] = factor * u[i] - offset - slope * centred;
      }
    }
  });
}

template <class T>
void element_sums(const NormSets& s, const T* g, const T* x, const double* mean,
                  const double* scale, double* sum_g, double* sum_gx) {
  constexpr int64_t columns = 256;  // a strip of these stays in the first-level cache
  parallel_for(s.run, columns, [&](int64_t begin, int64_t end) {
    double total_g[columns] = {}, total_gx[columns] = {};
    for (int64_t set = 0; set < s.sets; ++set) {
      const T *const u = g + set * s.set_stride + begin, *const v = x + set * s.set_stride + begin;
      const double m = mean[set], r = scale[set];
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
constexpr Norm<T> norm_table = {statistics<T>, forward<T>, backward<T>, element_sums<T>};

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
