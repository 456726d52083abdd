// Pools over one, two and three dimensions: checks, windows, and what the tape records.
#include <cmath>
#include <limits>

#include "../conv/sliding_window.h"
#include "pool_kernel.h"

namespace gradus {

using namespace ops;

namespace {

/// What determines the windows of a pool; small enough for the tape.
template <size_t N>
struct Pooling {
  Shape input;
  Sizes<N> output;
  PoolOptions<N> options = {};
  bool adaptive = false;  // windows follow from the sizes only

  static void describe(auto& p, auto& visit) {
    p.adaptive ? visit("output_size", p.output) : PoolOptions<N>::describe(p.options, visit);
  }
};

template <size_t N>
void check_input(const char* op, const Tensor& x) {
  constexpr int dims = static_cast<int>(N) + 2;
  check_floating(op, x);
  require<ShapeError>(x.dim() == dims || x.dim() == dims - 1, op,
                      "unsqueeze(x, 0) adds channels or a batch of one, flatten() joins dimensions",
                      "expected [N,C,", spatial_layout<N>, "] or [C,", spatial_layout<N>, "], got ",
                      x.shape());
  for (int d = x.dim() - dims + 1; d < x.dim(); ++d) {
    require<ShapeError>(x.shape()[d] > 0, op, "there is nothing for a window to see",
                        "only the batch may be empty, got ", x.shape());
  }
}

/// The windows of these options over x. Throws if they do not fit or make no sense.
template <size_t N>
Pooling<N> sliding(const char* op, const Tensor& x, const PoolOptions<N>& o) {
  check_input<N>(op, x);
  Pooling<N> pooling{.input = x.shape(), .output = {}, .options = o};
  const Sizes<N> stride = o.stride.value_or(o.kernel_size);
  require(all_between(o.kernel_size, 1) && all_between(stride, 1) && all_between(o.dilation, 1), op,
          "1 is the next element; without a stride, windows do not overlap", "kernel_size ",
          o.kernel_size, ", stride ", stride, ", dilation ", o.dilation, " must be at least 1");
  for (size_t i = 0; i < N; ++i) {
    require(o.padding[i] >= 0 && o.padding[i] <= o.kernel_size[i] / 2, op,
            "padding may be at most half of the kernel", "padding ", o.padding, " for kernel_size ",
            o.kernel_size);
    const int64_t in = x.shape()[x.dim() - static_cast<int>(N - i)];
    const int64_t room = room_for(o.kernel_size[i], in, o.padding[i], o.dilation[i]);
    require<ShapeError>(room >= 0, op, "use a smaller window or dilation, or more padding",
                        "the window ", o.kernel_size, " is larger than the padded input: input ",
                        x.shape(), ", padding ", o.padding, ", dilation ", o.dilation);
    int64_t& out = pooling.output[i];
    out = (room + (o.ceil_mode ? stride[i] - 1 : 0)) / stride[i] + 1;
    // A window that would start in the padding after the input does not count.
    if (o.ceil_mode && (out - 1) * stride[i] >= in + o.padding[i]) --out;
  }
  return pooling;
}

template <size_t N>
Pooling<N> adaptive(const char* op, const Tensor& x, const Sizes<N>& output_size) {
  check_input<N>(op, x);
  require(*std::min_element(output_size.begin(), output_size.end()) >= 1, op,
          "1 averages or takes the largest of everything", "output_size ", output_size,
          " must be at least 1");
  return {.input = x.shape(), .output = output_size, .adaptive = true};
}

/// Window number k along dimension i of `in` elements.
template <size_t N>
kernels::Window window(const Pooling<N>& p, size_t i, int64_t in, int64_t k) {
  const PoolOptions<N>& o = p.options;
  if (p.adaptive) {
    const int64_t out = p.output[i], begin = k * in / out, end = ((k + 1) * in + out - 1) / out;
    return {begin, end, static_cast<double>(end - begin)};
  }
  const int64_t step = o.dilation[i], reach = step * (o.kernel_size[i] - 1) + 1;
  const int64_t start = k * o.stride.value_or(o.kernel_size)[i] - o.padding[i];
  const int64_t begin = start >= 0 ? start : start + (step - 1 - start) / step * step;
  const int64_t end = std::min(start + reach, in);
  const int64_t with_padding = std::min(start + reach, in + o.padding[i]) - start;
  double extent = static_cast<double>(o.count_include_pad ? with_padding : end - begin);
  if (o.divisor_override) extent = i == 0 ? static_cast<double>(*o.divisor_override) : 1;
  return {begin, end, extent};
}

/// Calls `run(kernels::Windows)`.
template <size_t N, class Run>
void with_windows(const Pooling<N>& p, const Run& run) {
  const int lead = p.input.dim() - static_cast<int>(N);
  constexpr kernels::Window whole{0, 1, 1};  // of a dimension that is not there
  std::vector<kernels::Window> lists[N];
  kernels::WindowAxis axes[] = {{1, 1, 1, &whole}, {1, 1, 1, &whole}, {1, 1, 1, &whole}};
  for (size_t i = 0; i < N; ++i) {
    const int64_t in = p.input[lead + static_cast<int>(i)];
    lists[i].reserve(static_cast<size_t>(p.output[i]));
    for (int64_t k = 0; k < p.output[i]; ++k) lists[i].push_back(window(p, i, in, k));
    axes[3 - N + i] = {in, p.output[i], p.options.dilation[i], lists[i].data()};
  }
  run(kernels::Windows{p.input.part(0, lead).numel(), axes[0], axes[1], axes[2]});
}

/// `shape` with other spatial sizes.
template <size_t N>
Shape resized(Shape shape, const Sizes<N>& spatial) {
  std::copy(spatial.begin(), spatial.end(), shape.end() - N);
  return shape;
}

/// The name of an operation that has one for each number of dimensions.
template <size_t N>
constexpr const char* one_of(const char* one, const char* two, const char* three) {
  return N == 1 ? one : N == 2 ? two : three;
}

// --- The largest element ---

/// With `scatters`, zeros of shape `large` with the elements of x added at the places in their
/// planes that `index` names; else the elements of x, of that shape, from there. Each is the
/// transpose of the other.
template <size_t N, bool scatters>
Tensor move_by_index(const Tensor& x, const Tensor& index, const Shape& large) {
  const int lead = large.dim() - static_cast<int>(N);
  const auto plane = [&](const Shape& shape) { return shape.part(lead, shape.dim()).numel(); };
  const Tensor from = contiguous(x);
  Tensor to = Tensor::empty(scatters ? large : index.shape(), from.dtype());
  dispatch_floating("max_pool", from.dtype(), [&]<class T>() {
    const auto& pool = kernels::table<kernels::Pool<T>>();
    (scatters ? pool.scatter : pool.gather)(large.part(0, lead).numel(), plane(large),
                                            plane(index.shape()), to.mutable_data<T>(),
                                            from.data<T>(), index.data<int32_t>());
  });
  return record(
      scatters ? "max_pool_scatter" : "max_pool_gather", inputs(from), to, saved(index), large,
      [](auto& s, auto& shape, auto& g) { return move_by_index<N, !scatters>(g, s[0], shape); });
}

/// The indices are int32, within the plane; -1 if all of a window is padding.
template <size_t N>
ValuesIndices largest(const char* op, const Tensor& input, const Pooling<N>& p) {
  const Shape plane = p.input.part(p.input.dim() - static_cast<int>(N), p.input.dim());
  require<ShapeError>(plane.numel() <= std::numeric_limits<int32_t>::max(), op,
                      "cut the planes into parts", "planes of more than 2^31 elements: ", p.input);
  const Tensor x = contiguous(input);
  const Shape shape = resized(p.input, p.output);
  Tensor y = Tensor::empty(shape, x.dtype()), index = Tensor::empty(shape, int32);
  with_windows(p, [&](const kernels::Windows& windows) {
    dispatch_floating(op, x.dtype(), [&]<class T>() {
      kernels::table<kernels::Pool<T>>().max(windows, y.mutable_data<T>(),
                                             index.mutable_data<int32_t>(), x.data<T>());
    });
  });
  const int64_t comparisons =
      p.adaptive ? x.numel() : y.numel() * Shape(p.options.kernel_size).numel();
  return {record(Op(p.adaptive ? one_of<N>("adaptive_max_pool1d", "adaptive_max_pool2d",
                                           "adaptive_max_pool3d")
                               : one_of<N>("max_pool1d", "max_pool2d", "max_pool3d"),
                    static_cast<double>(comparisons)),
                 inputs(x), y, saved(index), p,
                 [](auto& saved, auto& how, auto& g) {
                   return move_by_index<N, true>(g, saved[0], how.input);
                 }),
          index};
}

/// Throws if an option is given that only averages have.
template <size_t N>
void check_no_average(const char* op, const PoolOptions<N>& o) {
  if (!o.divisor_override && o.count_include_pad) return;
  throw ValueError(
      op, str(o.divisor_override ? "divisor_override" : "count_include_pad", " is for averages"),
      str("leave it out, or use avg_pool", N, "d"));
}

template <size_t N>
ValuesIndices max_pool(const char* op, const Tensor& x, const PoolOptions<N>& o) {
  const Pooling<N> pooling = sliding(op, x, o);
  check_no_average(op, o);
  return largest(op, x, pooling);
}

/// The indices as users see them.
ValuesIndices with_indices(const ValuesIndices& found) {
  return {found.values, maximum(to(found.indices, int64), 0)};
}

// --- Averages ---

/// The average of each window; with `spreads`, its transpose: each element spread evenly over its
/// window.
template <size_t N, bool spreads = false>
Tensor average(const Tensor& input, const Pooling<N>& p) {
  const Tensor x = contiguous(input);
  Tensor y = Tensor::empty(spreads ? p.input : resized(p.input, p.output), x.dtype());
  with_windows(p, [&](const kernels::Windows& windows) {
    dispatch_floating("avg_pool", x.dtype(), [&]<class T>() {
      const auto& pool = kernels::table<kernels::Pool<T>>();
      (spreads ? pool.spread : pool.average)(windows, y.mutable_data<T>(), x.data<T>());
    });
  });
  return record(Op(spreads      ? "avg_pool_gradient"
                   : p.adaptive ? one_of<N>("adaptive_avg_pool1d", "adaptive_avg_pool2d",
                                            "adaptive_avg_pool3d")
                                : one_of<N>("avg_pool1d", "avg_pool2d", "avg_pool3d"),
                   static_cast<double>(p.input.numel())),
                inputs(x), y, saved(), p,
                [](auto&, auto& how, auto& g) { return average<N, !spreads>(g, how); });
}

template <size_t N>
Tensor avg_pool(const char* op, const Tensor& x, const PoolOptions<N>& o) {
  const Pooling<N> pooling = sliding(op, x, o);
  require(o.divisor_override != 0, op, "leave it empty to divide by the number of elements",
          "divisor_override is 0");
  require(o.dilation == Sizes<N>(1), op, "leave dilation at 1", "average pooling has no dilation");
  return average(x, pooling);
}

/// The norms of windows. Powers and sums are double, since they leave the range of a float soon;
/// and 0 has no slope if the power has none.
template <size_t N>
Tensor lp_pool(const char* op, const Tensor& x, double p, const PoolOptions<N>& o) {
  const std::string text =
      Tape::current() == nullptr ? "" : str("norm_type=", p, ", ", option_text(o));
  const Tape::Span span(Tape::current(), op, text, false);
  require(p > 0 && !std::isinf(p), op, "the limit for infinity is max pooling of |x|",
          "norm_type must be positive and finite, got ", p);
  require(o.padding == Sizes<N>(0), op, "pad() the input", "a norm pool has no padding");
  check_no_average(op, o);
  check_input<N>(op, x);
  const auto sums = [&](const Tensor& terms) {
    const int64_t elements = Shape(o.kernel_size).numel();
    return mul(avg_pool(op, terms, o), static_cast<double>(elements));
  };
  if (p == 1) return sums(x);
  const Tensor wide = to(x, float64);
  const Tensor powers = p < 2 ? power_or_zero(wide, p) : pow(wide, p);
  return to(power_or_zero(sums(powers), 1 / p), x.dtype());
}

// --- The way back ---

template <size_t N>
Tensor max_unpool(const char* op, const Tensor& x, const Tensor& indices,
                  const Sizes<N>& output_size) {
  const Tape::Span span(op);
  check_input<N>(op, x);
  check_dtype(op, "the indices", indices, int64);
  require<ShapeError>(indices.shape() == x.shape(), op, "both are results of one max pooling",
                      "input ", x.shape(), " and indices ", indices.shape(),
                      " must have the same shape");
  require(*std::min_element(output_size.begin(), output_size.end()) >= 1, op,
          "give the size that the input of the max pooling had", "output_size ", output_size,
          " is not positive");
  const int lead = x.dim() - static_cast<int>(N);
  Shape rows = x.shape().part(0, lead);  // each channel as one row
  rows.push_back(Shape(output_size).numel());
  return reshape(scatter_add(rows, lead, flatten(indices, lead), flatten(x, lead)),
                 resized(x.shape(), output_size));
}

}  // namespace

// --- The functions by the number of dimensions ---

Tensor max_pool1d(const Tensor& x, const Pool1dOptions& options) {
  return max_pool("max_pool1d", x, options).values;
}
Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options) {
  return max_pool("max_pool2d", x, options).values;
}
Tensor max_pool3d(const Tensor& x, const Pool3dOptions& options) {
  return max_pool("max_pool3d", x, options).values;
}

ValuesIndices max_pool1d_with_indices(const Tensor& x, const Pool1dOptions& options) {
  return with_indices(max_pool("max_pool1d", x, options));
}
ValuesIndices max_pool2d_with_indices(const Tensor& x, const Pool2dOptions& options) {
  return with_indices(max_pool("max_pool2d", x, options));
}
ValuesIndices max_pool3d_with_indices(const Tensor& x, const Pool3dOptions& options) {
  return with_indices(max_pool("max_pool3d", x, options));
}

Tensor avg_pool1d(const Tensor& x, const Pool1dOptions& options) {
  return avg_pool("avg_pool1d", x, options);
}
Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options) {
  return avg_pool("avg_pool2d", x, options);
}
Tensor avg_pool3d(const Tensor& x, const Pool3dOptions& options) {
  return avg_pool("avg_pool3d", x, options);
}

Tensor adaptive_avg_pool1d(const Tensor& x, const Size1& output_size) {
  return average(x, adaptive("adaptive_avg_pool1d", x, output_size));
}
Tensor adaptive_avg_pool2d(const Tensor& x, const Size2& output_size) {
  return average(x, adaptive("adaptive_avg_pool2d", x, output_size));
}
Tensor adaptive_avg_pool3d(const Tensor& x, const Size3& output_size) {
  return average(x, adaptive("adaptive_avg_pool3d", x, output_size));
}

ValuesIndices adaptive_max_pool1d(const Tensor& x, const Size1& output_size) {
  constexpr const char* op = "adaptive_max_pool1d";
  return with_indices(largest(op, x, adaptive(op, x, output_size)));
}
ValuesIndices adaptive_max_pool2d(const Tensor& x, const Size2& output_size) {
  constexpr const char* op = "adaptive_max_pool2d";
  return with_indices(largest(op, x, adaptive(op, x, output_size)));
}
ValuesIndices adaptive_max_pool3d(const Tensor& x, const Size3& output_size) {
  constexpr const char* op = "adaptive_max_pool3d";
  return with_indices(largest(op, x, adaptive(op, x, output_size)));
}

Tensor lp_pool1d(const Tensor& x, double norm_type, const Pool1dOptions& options) {
  return lp_pool("lp_pool1d", x, norm_type, options);
}
Tensor lp_pool2d(const Tensor& x, double norm_type, const Pool2dOptions& options) {
  return lp_pool("lp_pool2d", x, norm_type, options);
}

Tensor max_unpool1d(const Tensor& x, const Tensor& indices, const Size1& output_size) {
  return max_unpool("max_unpool1d", x, indices, output_size);
}
Tensor max_unpool2d(const Tensor& x, const Tensor& indices, const Size2& output_size) {
  return max_unpool("max_unpool2d", x, indices, output_size);
}
Tensor max_unpool3d(const Tensor& x, const Tensor& indices, const Size3& output_size) {
  return max_unpool("max_unpool3d", x, indices, output_size);
}

}  // namespace gradus
