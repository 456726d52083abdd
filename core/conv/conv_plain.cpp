// Convolution and its two gradients, straight from the definition. Every output element is a sum of
// products x weight; for_products() enumerates them, and forward and both gradients accumulate over
// the same enumeration. The gradient of the bias is a sum over g: see conv.cpp.
#include "../base/denormals.h"
#include "../simd/kernels_of.h"
#include "conv_kernel.h"

namespace gradus::kernels {

namespace {

/// Calls `visit(y_index, x_index, weight_index)` for each product in the convolution.
template <class Visit>
void for_products(const ConvSizes& s, const Visit& visit) {
  const int64_t channels = s.c / s.groups, outputs = s.o / s.groups;
  for (int64_t n = 0; n < s.n; ++n) {
    for (int64_t o = 0; o < s.o; ++o) {
      const int64_t first_channel = o / outputs * channels;  // of the group
      for (int64_t oh = 0; oh < s.oh; ++oh) {
        for (int64_t ow = 0; ow < s.ow; ++ow) {
          for (int64_t c = 0; c < channels; ++c) {
            for (int64_t i = 0; i < s.kh; ++i) {
              for (int64_t j = 0; j < s.kw; ++j) {
                const int64_t h = oh * s.stride_h + i * s.dilation_h - s.padding_h;
                const int64_t w = ow * s.stride_w + j * s.dilation_w - s.padding_w;
                if (h < 0 || h >= s.h || w < 0 || w >= s.w) continue;  // in the padding
                visit(((n * s.o + o) * s.oh + oh) * s.ow + ow,
                      ((n * s.c + first_channel + c) * s.h + h) * s.w + w,
                      ((o * channels + c) * s.kh + i) * s.kw + j);
              }
            }
          }
        }
      }
    }
  }
}

template <class T>
void forward(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias) {
  const DenormalScope denormals;
  for (int64_t k = 0; k < s.n * s.o * s.oh * s.ow; ++k) {
    y[k] = bias != nullptr ? bias[k / (s.oh * s.ow) % s.o] : T(0);
  }
  for_products(s, [&](int64_t y_index, int64_t x_index, int64_t weight_index) {
    y[y_index] += x[x_index] * weight[weight_index];
  });
  for (int64_t k = 0; s.relu && k < s.n * s.o * s.oh * s.ow; ++k) y[k] = y[k] < 0 ? T(0) : y[k];
}

template <class T>
void input_gradient(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  const DenormalScope denormals;
  for (int64_t k = 0; k < s.n * s.c * s.h * s.w; ++k) dx[k] = 0;
  for_products(s, [&](int64_t y_index, int64_t x_index, int64_t weight_index) {
    dx[x_index] += g[y_index] * weight[weight_index];
  });
}

template <class T>
bool weight_gradient(const ConvSizes& s, T* dweight, T* /*dbias*/, const T* g, const T* x) {
  const DenormalScope denormals;
  for (int64_t k = 0; k < s.o * s.depth(); ++k) dweight[k] = 0;
  for_products(s, [&](int64_t y_index, int64_t x_index, int64_t weight_index) {
    dweight[weight_index] += g[y_index] * x[x_index];
  });
  return false;
}

template <class T>
constexpr Conv<T> kernels_of<Conv<T>> = {forward<T>, input_gradient<T>, weight_gradient<T>};

}  // namespace

template const Conv<float>& Tables<Isa::plain>::get();
template const Conv<double>& Tables<Isa::plain>::get();

}  // namespace gradus::kernels
