// Convolutions and pools as functions, under their names in torch.nn.functional.
#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::conformance {
namespace {

template <size_t N>
Sizes<N> sizes(Options& options, const char* name, int64_t fallback) {
  const Shape given = options.integers(name);
  Sizes<N> result(given.empty() ? fallback : given[0]);
  for (int i = 0; i < given.dim() && given.dim() == static_cast<int>(N); ++i) {
    result[static_cast<size_t>(i)] = given[i];
  }
  return result;
}

template <size_t N>
ConvOptions<N> conv_options(Options& o) {
  return {.stride = sizes<N>(o, "stride", 1),
          .padding = sizes<N>(o, "padding", 0),
          .dilation = sizes<N>(o, "dilation", 1),
          .groups = o.integer("groups", 1)};
}

template <size_t N>
ConvTransposeOptions<N> conv_transpose_options(Options& o) {
  return {.stride = sizes<N>(o, "stride", 1),
          .padding = sizes<N>(o, "padding", 0),
          .output_padding = sizes<N>(o, "output_padding", 0),
          .dilation = sizes<N>(o, "dilation", 1),
          .groups = o.integer("groups", 1)};
}

template <size_t N>
PoolOptions<N> pool_options(Options& o) {
  PoolOptions<N> result{.kernel_size = sizes<N>(o, "kernel_size", 1),
                        .padding = sizes<N>(o, "padding", 0),
                        .ceil_mode = o.boolean("ceil_mode", false)};
  result.stride = result.kernel_size;
  if (!o.integers("stride").empty()) result.stride = sizes<N>(o, "stride", 1);
  return result;
}

template <class T>
using Convolution = Tensor (*)(const Tensor&, const Tensor&, const Tensor&, const T&);

template <size_t N>
OpFunction conv_row(Convolution<ConvOptions<N>> f) {
  return [f](const Tensors& x, Options& options) -> Tensors {
    return {f(x.at(0), x.at(1), x.size() > 2 ? x[2] : Tensor(), conv_options<N>(options))};
  };
}

template <size_t N>
OpFunction conv_transpose_row(Convolution<ConvTransposeOptions<N>> f) {
  return [f](const Tensors& x, Options& options) -> Tensors {
    return {
        f(x.at(0), x.at(1), x.size() > 2 ? x[2] : Tensor(), conv_transpose_options<N>(options))};
  };
}

Tensors chosen(const ValuesIndices& found, Options& options) {
  if (options.boolean("return_indices", false)) return {found.values, found.indices};
  return {found.values};
}

template <size_t N>
OpFunction max_pool_row(ValuesIndices (*f)(const Tensor&, const PoolOptions<N>&)) {
  return [f](const Tensors& x, Options& options) -> Tensors {
    PoolOptions<N> windows = pool_options<N>(options);
    windows.dilation = sizes<N>(options, "dilation", 1);
    return chosen(f(x.at(0), windows), options);
  };
}

template <size_t N>
OpFunction avg_pool_row(Tensor (*f)(const Tensor&, const PoolOptions<N>&)) {
  return [f](const Tensors& x, Options& options) -> Tensors {
    PoolOptions<N> windows = pool_options<N>(options);
    windows.count_include_pad = options.boolean("count_include_pad", true);
    windows.divisor_override = options.optional_integer("divisor_override");
    return {f(x.at(0), windows)};
  };
}

template <size_t N>
OpFunction adaptive_avg_row(Tensor (*f)(const Tensor&, const Sizes<N>&)) {
  return [f](const Tensors& x, Options& options) -> Tensors {
    return {f(x.at(0), sizes<N>(options, "output_size", 1))};
  };
}

template <size_t N>
OpFunction adaptive_max_row(ValuesIndices (*f)(const Tensor&, const Sizes<N>&)) {
  return [f](const Tensors& x, Options& options) -> Tensors {
    return chosen(f(x.at(0), sizes<N>(options, "output_size", 1)), options);
  };
}

}  // namespace

OpTable window_ops() {
  return {
      {"conv1d", conv_row(conv1d)},
      {"conv2d", conv_row(conv2d)},
      {"conv3d", conv_row(conv3d)},
      {"conv_transpose1d", conv_transpose_row(conv_transpose1d)},
      {"conv_transpose2d", conv_transpose_row(conv_transpose2d)},
      {"conv_transpose3d", conv_transpose_row(conv_transpose3d)},
      {"max_pool1d", max_pool_row(max_pool1d_with_indices)},
      {"max_pool2d", max_pool_row(max_pool2d_with_indices)},
      {"max_pool3d", max_pool_row(max_pool3d_with_indices)},
      {"avg_pool1d", avg_pool_row(avg_pool1d)},
      {"avg_pool2d", avg_pool_row(avg_pool2d)},
      {"avg_pool3d", avg_pool_row(avg_pool3d)},
      {"adaptive_avg_pool1d", adaptive_avg_row(adaptive_avg_pool1d)},
      {"adaptive_avg_pool2d", adaptive_avg_row(adaptive_avg_pool2d)},
      {"adaptive_avg_pool3d", adaptive_avg_row(adaptive_avg_pool3d)},
      {"adaptive_max_pool1d", adaptive_max_row(adaptive_max_pool1d)},
      {"adaptive_max_pool2d", adaptive_max_row(adaptive_max_pool2d)},
      {"adaptive_max_pool3d", adaptive_max_row(adaptive_max_pool3d)},
  };
}

}  // namespace gradus::conformance
