// Compiled once per instruction set; see isa.h.
#include "optimizer.h"

#include <cmath>

#include "../base/parallel_for.h"
#include "strided.h"

namespace gradus::kernels {

namespace {

template <class T>
void sgd_plain(const SgdStep& s, int64_t n, T* p, const T* g) {
  const T lr = static_cast<T>(s.lr), decay = static_cast<T>(s.weight_decay);
  const T sign = static_cast<T>(s.sign);
  for (int64_t i = 0; i < n; ++i) p[i] -= lr * (sign * g[i] + decay * p[i]);
}

template <class T>
void sgd_momentum(const SgdStep& s, int64_t n, T* p, const T* g, T* buffer) {
  const T lr = static_cast<T>(s.lr), decay = static_cast<T>(s.weight_decay);
  const T sign = static_cast<T>(s.sign), momentum = static_cast<T>(s.momentum);
  // The first step stores the gradient as it is.
  const T keep = s.first ? T(0) : momentum;
  const T take = s.first ? T(1) : static_cast<T>(1 - s.dampening);
  // Step along direct * d + through * buffer.
  const T direct = s.nesterov ? T(1) : T(0), through = s.nesterov ? momentum : T(1);
  for (int64_t i = 0; i < n; ++i) {
    const T d = sign * g[i] + decay * p[i];
    const T b = keep * buffer[i] + take * d;
    buffer[i] = b;
    p[i] -= lr * (direct * d + through * b);
  }
}

template <class T>
void sgd(const SgdStep& step, int64_t n, T* p, const T* g, T* buffer) {
  parallel_for(n, elements_per_piece, [=, &step](int64_t begin, int64_t end) {
    if (buffer == nullptr) return sgd_plain(step, end - begin, p + begin, g + begin);
    sgd_momentum(step, end - begin, p + begin, g + begin, buffer + begin);
  });
}

template <class T, bool Amsgrad>
void adam_piece(const AdamStep& s, int64_t n, T* p, const T* g, T* first, T* second, T* maximum) {
  const T beta1 = static_cast<T>(s.beta1), take1 = static_cast<T>(1 - s.beta1);
  const T beta2 = static_cast<T>(s.beta2), take2 = static_cast<T>(1 - s.beta2);
  const T l2 = static_cast<T>(s.l2), decay = static_cast<T>(s.decay);
  const T sign = static_cast<T>(s.sign), eps = static_cast<T>(s.eps);
  const T step_size = static_cast<T>(s.step_size);
  const T correction = static_cast<T>(s.root_correction);
  for (int64_t i = 0; i < n; ++i) {
    const T d = sign * g[i] + l2 * p[i];
    const T m = beta1 * first[i] + take1 * d;
    const T v = beta2 * second[i] + take2 * (d * d);
    first[i] = m;
    second[i] = v;
    T largest = v;
    if constexpr (Amsgrad) {
      largest = v > maximum[i] || v != v ? v : maximum[i];
      maximum[i] = largest;
    }
    p[i] = decay * p[i] - step_size * (m / (std::sqrt(largest) / correction + eps));
  }
}

template <class T>
void adam(const AdamStep& step, int64_t n, T* p, const T* g, T* first, T* second, T* maximum) {
  parallel_for(n, elements_per_piece, [=, &step](int64_t b, int64_t end) {
    if (maximum == nullptr) {
      adam_piece<T, false>(step, end - b, p + b, g + b, first + b, second + b, nullptr);
    } else {
      adam_piece<T, true>(step, end - b, p + b, g + b, first + b, second + b, maximum + b);
    }
  });
}

template <class T>
constexpr OptimizerUpdates<T> optimizer_table = {sgd<T>, adam<T>};

}  // namespace

template <>
template <>
const OptimizerUpdates<float>& Tables<Isa::GRADUS_ISA>::get() {
  return optimizer_table<float>;
}
template <>
template <>
const OptimizerUpdates<double>& Tables<Isa::GRADUS_ISA>::get() {
  return optimizer_table<double>;
}

}  // namespace gradus::kernels
