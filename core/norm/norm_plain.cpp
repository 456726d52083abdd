// Normalization as its definition says, and its gradients: set after set, element after element.
#include <cmath>
#include <vector>

#include "../base/denormals.h"
#include "../simd/kernels_of.h"
#include "norm_kernel.h"

namespace gradus::kernels {

namespace {

/// Calls body(i, p) for each element i of set k, with the number p of its weight and bias.
template <class Body>
void for_elements(const NormSets& s, int64_t k, const Body& body) {
  for (int64_t b = 0; b < s.blocks; ++b) {
    for (int64_t i = 0; i < s.run; ++i) {
      body(k * s.set_stride + b * s.block_stride + i, s.per_element ? i : s.parameter(k, b));
    }
  }
}

/// mean = sum(x) / M and variance = sum((x - mean)^2) / M over the M elements of a set; with `raw`
/// statistics the mean is 0.
template <class T>
void measure(const NormSets& s, int64_t k, const T* x, double& mean, double& variance) {
  const auto m = static_cast<double>(s.size());
  mean = variance = 0;
  if (s.statistics == NormStatistics::centred) {
    for_elements(s, k, [&](int64_t i, int64_t) { mean += static_cast<double>(x[i]); });
    mean /= m;
  }
  for_elements(s, k, [&](int64_t i, int64_t) {
    const double distance = static_cast<double>(x[i]) - mean;
    variance += distance * distance;
  });
  variance /= m;
}

/// y = weight x^ + bias, where x^ = (x - mean) r and r = 1 / sqrt(variance + eps).
template <class T>
void forward(const NormSets& s, double eps, T* y, const T* x, double* mean, double* variance,
             const T* weight, const T* bias) {
  const DenormalScope denormals;
  for (int64_t k = 0; k < s.sets; ++k) {
    if (s.statistics != NormStatistics::given) measure(s, k, x, mean[k], variance[k]);
    const double r = 1 / std::sqrt(variance[k] + eps);
    for_elements(s, k, [&](int64_t i, int64_t p) {
      const double x_hat = (static_cast<double>(x[i]) - mean[k]) * r;
      const double scaled = weight != nullptr ? static_cast<double>(weight[p]) * x_hat : x_hat;
      y[i] = static_cast<T>(bias != nullptr ? scaled + static_cast<double>(bias[p]) : scaled);
    });
  }
}

/// With u = weight g, the gradient of x^:
///
///     dx = r (u - mean(u) - x^ mean(u x^)),  dbias = sum(g),  dweight = sum(g x^).
///
/// mean(u) is what x does to the mean of its set, x^ mean(u x^) what it does to the variance: the
/// first is missing if sets are not centred, both if their statistics are given.
template <class T>
void backward(const NormSets& s, double eps, T* dx, const T* g, const T* x, const double* mean,
              const double* variance, const T* weight, T* sum_g, T* sum_gx) {
  const DenormalScope denormals;
  const auto m = static_cast<double>(s.size());
  const auto parameters = static_cast<size_t>(s.parameters);
  std::vector<double> dbias(parameters), dweight(parameters);
  for (int64_t k = 0; k < s.sets; ++k) {
    const double r = 1 / std::sqrt(variance[k] + eps);
    const auto x_hat = [&](int64_t i) { return (static_cast<double>(x[i]) - mean[k]) * r; };
    const auto u = [&](int64_t i, int64_t p) {
      return (weight != nullptr ? static_cast<double>(weight[p]) : 1) * static_cast<double>(g[i]);
    };
    double mean_u = 0, mean_ux = 0;
    for_elements(s, k, [&](int64_t i, int64_t p) {
      mean_u += u(i, p) / m;
      mean_ux += u(i, p) * x_hat(i) / m;
      dbias[static_cast<size_t>(p)] += static_cast<double>(g[i]);
      dweight[static_cast<size_t>(p)] += static_cast<double>(g[i]) * x_hat(i);
    });
    if (dx == nullptr) continue;
    for_elements(s, k, [&](int64_t i, int64_t p) {
      double inner = u(i, p);
      if (s.statistics == NormStatistics::centred) inner -= mean_u;
      if (s.statistics != NormStatistics::given) inner -= x_hat(i) * mean_ux;
      dx[i] = static_cast<T>(r * inner);
    });
  }
  if (sum_g == nullptr) return;
  for (int64_t j = 0; j < s.sum_rows() * s.parameters; ++j) {  // all in the first row
    const bool is_first = j < s.parameters;
    sum_g[j] = is_first ? static_cast<T>(dbias[static_cast<size_t>(j)]) : T(0);
    sum_gx[j] = is_first ? static_cast<T>(dweight[static_cast<size_t>(j)]) : T(0);
  }
}

template <class T>
constexpr Norm<T> kernels_of<Norm<T>> = {forward<T>, backward<T>};

}  // namespace

template const Norm<float>& Tables<Isa::plain>::get();
template const Norm<double>& Tables<Isa::plain>::get();

}  // namespace gradus::kernels
