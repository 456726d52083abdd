// Convolution and its two gradients, straight from the definition: y, x and the weight meet in
// products, which are added up in y, or in the gradients of x and of the weight.
#include "../base/parallel_for.h"
#include "../simd/kernels_of.h"
#include "conv_kernel.h"

namespace gradus::kernels {

namespace {

/// Calls `visit(in y, in x, in weight)` with the places that meet in each product of image n.
template <class Visit>
void for_products(const ConvSizes& s, int64_t n, const Visit& visit) {
  const int64_t channels = s.c / s.groups, outputs = s.o / s.groups;
  for (int64_t o = 0; o < s.o; ++o) {
    for (int64_t oh = 0; oh < s.oh; ++oh) {
      for (int64_t ow = 0; ow < s.ow; ++ow) {
        for (int64_t k = 0; k < channels * s.kh * s.kw; ++k) {
          const int64_t j = k % s.kw, i = k / s.kw % s.kh;
          const int64_t c = o / outputs * channels + k / (s.kh * s.kw);
          const int64_t h = oh * s.stride_h + i * s.dilation_h - s.padding_h;
          const int64_t w = ow * s.stride_w + j * s.dilation_w - s.padding_w;
          if (h < 0 || h >= s.h || w < 0 || w >= s.w) continue;  // in the padding
          visit(((n * s.o + o) * s.oh + oh) * s.ow + ow, ((n * s.c + c) * s.h + h) * s.w + w,
                o * s.depth() + k);
        }
      }
    }
  }
}

template <class T>
void forward(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias) {
  parallel_for(s.n, 1, [&](int64_t n, int64_t) {
    const int64_t plane = s.oh * s.ow;
    for (int64_t i = 0; i < s.o * plane; ++i) {
      y[n * s.o * plane + i] = bias != nullptr ? bias[i / plane] : T(0);
    }
    for_products(s, n, [&](int64_t in_y, int64_t in_x, int64_t in_weight) {
      y[in_y] += x[in_x] * weight[in_weight];
    });
  });
}

template <class T>
void input_gradient(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  parallel_for(s.n, 1, [&](int64_t n, int64_t) {
    const int64_t image = s.c * s.h * s.w;
    for (int64_t i = 0; i < image; ++i) dx[n * image + i] = 0;
    for_products(s, n, [&](int64_t in_y, int64_t in_x, int64_t in_weight) {
      dx[in_x] += g[in_y] * weight[in_weight];
    });
  });
}

template <class T>
void weight_gradient(const ConvSizes& s, T* dweight, const T* g, const T* x) {
  parallel_for(1, 1, [&](int64_t, int64_t) {
    for (int64_t i = 0; i < s.o * s.depth(); ++i) dweight[i] = 0;
    for (int64_t n = 0; n < s.n; ++n) {
      for_products(s, n, [&](int64_t in_y, int64_t in_x, int64_t in_weight) {
        dweight[in_weight] += g[in_y] * x[in_x];
      });
    }
  });
}

template <class T>
constexpr Conv<T> kernels_of<Conv<T>> = {forward<T>, input_gradient<T>, weight_gradient<T>};

}  // namespace

template const Conv<float>& Tables<Isa::plain>::get();
template const Conv<double>& Tables<Isa::plain>::get();

}  // namespace gradus::kernels
