#include "pool_kernel.h"

#include <limits>

#include "../conv/sliding_window.h"

namespace gradus {

using namespace ops;

namespace {

/// The planes of [N,C,H,W] or [C,H,W].
int64_t plane_count(const Shape& shape) {
  return shape.part(0, shape.dim() - 2).numel();
}

int64_t plane_size(const Shape& shape) {
  return shape.part(shape.dim() - 2, shape.dim()).numel();
}

Shape with_plane(Shape shape, int64_t h, int64_t w) {
  shape[shape.dim() - 2] = h;
  shape[shape.dim() - 1] = w;
  return shape;
}

void check_image(const char* op, const Tensor& x) {
  check_pool_input<2>(op, x);
  if (plane_size(x.shape()) > std::numeric_limits<int32_t>::max()) {
    throw ShapeError(op, str("planes of more than 2^31 elements: ", x.shape()),
                     "cut the planes into parts");
  }
}

kernels::PoolSizes pool_sizes(const char* op, const Shape& x, const Pool2dOptions& o) {
  const Size2 output = pool_output_size(op, x, o), stride = o.stride.value_or(o.kernel_size);
  return {.planes = plane_count(x),
          .h = x[x.dim() - 2],
          .w = x.back(),
          .oh = output[0],
          .ow = output[1],
          .kernel_h = o.kernel_size[0],
          .kernel_w = o.kernel_size[1],
          .stride_h = stride[0],
          .stride_w = stride[1],
          .padding_h = o.padding[0],
          .padding_w = o.padding[1],
          .dilation_h = o.dilation[0],
          .dilation_w = o.dilation[1]};
}

Tensor max_pool2d_gather(const Tensor& x, const Tensor& index);

/// Zeros of `shape` with g added at the positions that `index` names within each plane.
Tensor max_pool2d_scatter(const Tensor& gradient, const Tensor& index, const Shape& shape) {
  const Tensor g = contiguous(gradient);
  Tensor dx = Tensor::empty(shape, g.dtype());
  dispatch_floating("max_pool2d", g.dtype(), [&]<class T>() {
    kernels::table<kernels::Pool<T>>().scatter(plane_count(shape), plane_size(shape),
                                               plane_size(g.shape()), dx.mutable_data<T>(),
                                               g.data<T>(), index.data<int32_t>());
  });
  return record("max_pool2d_scatter", inputs(g), dx, saved(index),
                [](const TensorList& s, const Tensor& u, const Wanted&) -> TensorList {
                  return {max_pool2d_gather(u, s[0])};
                });
}

/// The elements of each plane of x that `index` names: the transpose of the scatter.
Tensor max_pool2d_gather(const Tensor& input, const Tensor& index) {
  const Tensor x = contiguous(input);
  Tensor y = Tensor::empty(index.shape(), x.dtype());
  dispatch_floating("max_pool2d", x.dtype(), [&]<class T>() {
    kernels::table<kernels::Pool<T>>().gather(plane_count(x.shape()), plane_size(x.shape()),
                                              plane_size(index.shape()), y.mutable_data<T>(),
                                              x.data<T>(), index.data<int32_t>());
  });
  return record("max_pool2d_gather", inputs(x), y, saved(index), x.shape(),
                [](const TensorList& s, const Shape& shape, const Tensor& g,
                   const Wanted&) -> TensorList { return {max_pool2d_scatter(g, s[0], shape)}; });
}

struct Pooled {
  Tensor y, index;  // index is int32, within the plane; -1 where all of a window is padding
};

Pooled max_pool(const Tensor& input, const Pool2dOptions& options) {
  check_image("max_pool2d", input);
  check_no_average("max_pool2d", options);
  const auto s = pool_sizes("max_pool2d", input.shape(), options);
  const Tensor x = contiguous(input);
  const Shape shape = with_plane(x.shape(), s.oh, s.ow);
  Tensor y = Tensor::empty(shape, x.dtype()), index = Tensor::empty(shape, int32);
  dispatch_floating("max_pool2d", x.dtype(), [&]<class T>() {
    kernels::table<kernels::Pool<T>>().max(s, y.mutable_data<T>(), index.mutable_data<int32_t>(),
                                           x.data<T>());
  });
  const double comparisons = static_cast<double>(y.numel() * s.kernel_h * s.kernel_w);
  return {record(Op("max_pool2d", comparisons), inputs(x), y, saved(index), x.shape(),
                 [](const TensorList& saved, const Shape& in, const Tensor& g,
                    const Wanted&) -> TensorList { return {max_pool2d_scatter(g, saved[0], in)}; }),
          index};
}

// --- Averages ---

/// What decides the windows of an average; small enough to lie on the tape.
struct Averaging {
  Shape input;
  Pool2dOptions options;
  Size2 output;
  bool adaptive;
};

/// The windows along one dimension.
struct Axis {
  std::vector<int64_t> begin, end;
  std::vector<double> extent;

  Axis(const Averaging& a, size_t i, int64_t in) {
    for (int64_t k = 0; k < a.output[i]; ++k) {
      if (a.adaptive) {
        add(k * in / a.output[i], ((k + 1) * in + a.output[i] - 1) / a.output[i], in, false);
        continue;
      }
      const int64_t stride = a.options.stride.value_or(a.options.kernel_size)[i];
      const int64_t padding = a.options.padding[i], start = k * stride - padding;
      add(start, std::min(start + a.options.kernel_size[i], in + padding), in,
          a.options.count_include_pad);
    }
  }

 private:
  void add(int64_t from, int64_t to, int64_t in, bool count_padding) {
    begin.push_back(std::max<int64_t>(from, 0));
    end.push_back(std::min(to, in));
    const int64_t inside = end.back() - begin.back();
    extent.push_back(static_cast<double>(count_padding ? to - from : inside));
  }
};

/// Calls `run(Windows)` with the windows of `a`.
template <class Run>
void with_windows(const Averaging& a, const Run& run) {
  const int64_t h = a.input[a.input.dim() - 2], w = a.input.back();
  Axis rows(a, 0, h), columns(a, 1, w);
  if (!a.adaptive && a.options.divisor_override) {
    std::fill(rows.extent.begin(), rows.extent.end(), 1);
    std::fill(columns.extent.begin(), columns.extent.end(),
              static_cast<double>(*a.options.divisor_override));
  }
  run(kernels::Windows{plane_count(a.input), h, w, a.output[0], a.output[1], rows.begin.data(),
                       rows.end.data(), columns.begin.data(), columns.end.data(),
                       rows.extent.data(), columns.extent.data()});
}

Tensor average(const Tensor& input, const Averaging& a);

/// Each gradient spread evenly over its window: the transpose of the average.
Tensor avg_pool2d_gradient(const Tensor& gradient, const Averaging& a) {
  const Tensor g = contiguous(gradient);
  Tensor dx = Tensor::empty(a.input, g.dtype());
  with_windows(a, [&](const kernels::Windows& windows) {
    dispatch_floating("avg_pool2d", g.dtype(), [&]<class T>() {
      kernels::table<kernels::Pool<T>>().spread(windows, dx.mutable_data<T>(), g.data<T>());
    });
  });
  return record("avg_pool2d_gradient", inputs(g), dx, saved(), a,
                [](const TensorList&, const Averaging& how, const Tensor& u,
                   const Wanted&) -> TensorList { return {average(u, how)}; });
}

Tensor average(const Tensor& input, const Averaging& a) {
  const Tensor x = contiguous(input);
  Tensor y = Tensor::empty(with_plane(a.input, a.output[0], a.output[1]), x.dtype());
  with_windows(a, [&](const kernels::Windows& windows) {
    dispatch_floating("avg_pool2d", x.dtype(), [&]<class T>() {
      kernels::table<kernels::Pool<T>>().average(windows, y.mutable_data<T>(), x.data<T>());
    });
  });
  return record(Op("avg_pool2d", static_cast<double>(x.numel())), inputs(x), y, saved(), a,
                [](const TensorList&, const Averaging& how, const Tensor& g,
                   const Wanted&) -> TensorList { return {avg_pool2d_gradient(g, how)}; });
}

}  // namespace

Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options) {
  return max_pool(x, options).y;
}

ValuesIndices max_pool2d_with_indices(const Tensor& x, const Pool2dOptions& options) {
  const Pooled pooled = max_pool(x, options);
  return {pooled.y, maximum(to(pooled.index, int64), 0)};
}

Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options) {
  check_image("avg_pool2d", x);
  if (options.divisor_override && *options.divisor_override == 0) {
    throw ValueError("avg_pool2d", "divisor_override is 0",
                     "leave it empty to divide by the number of elements");
  }
  if (options.dilation != Size2(1)) {
    throw ValueError("avg_pool2d", "average pooling has no dilation", "leave dilation at 1");
  }
  const auto s = pool_sizes("avg_pool2d", x.shape(), options);
  return average(x, {x.shape(), options, {s.oh, s.ow}, false});
}

Tensor adaptive_avg_pool2d(const Tensor& x, const Size2& output_size) {
  check_image("adaptive_avg_pool2d", x);
  if (output_size[0] < 1 || output_size[1] < 1) {
    throw ValueError(
        "adaptive_avg_pool2d",
        str("output_size ", output_size[0], "x", output_size[1], " must be at least 1"),
        "1 averages everything");
  }
  return average(x, {x.shape(), {}, output_size, true});
}

}  // namespace gradus
