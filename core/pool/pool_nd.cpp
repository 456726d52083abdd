// Pools of one and three dimensions, made of those over planes: a window's largest element or sum
// is that over its depth of those over its planes. Adaptive maxima, p-norms and unpooling.
#include <cmath>

#include "../conv/sliding_window.h"

namespace gradus {

using namespace ops;

namespace {

template <class Pool>
Pool2dOptions in_plane(const Pool& o, const Size2& kernel_size, const Size2& stride,
                       const Size2& padding, const Size2& dilation) {
  return {.kernel_size = kernel_size,
          .stride = stride,
          .padding = padding,
          .dilation = dilation,
          .ceil_mode = o.ceil_mode,
          .count_include_pad = o.count_include_pad,
          .divisor_override = o.divisor_override};
}

/// The pool along the last dimension of a plane of height 1.
Pool2dOptions along_row(const Pool1dOptions& o) {
  const int64_t stride = o.stride.value_or(o.kernel_size)[0];
  return in_plane(o, {1, o.kernel_size[0]}, {1, stride}, {0, o.padding[0]}, {1, o.dilation[0]});
}

/// The part of a pool that works within the planes [H,W].
Pool2dOptions within_planes(const Pool3dOptions& o) {
  const Size3 stride = o.stride.value_or(o.kernel_size);
  return in_plane(o, {o.kernel_size[1], o.kernel_size[2]}, {stride[1], stride[2]},
                  {o.padding[1], o.padding[2]}, {o.dilation[1], o.dilation[2]});
}

/// The rest of it: along the columns of [D,H W].
Pool2dOptions across_planes(const Pool3dOptions& o) {
  const int64_t stride = o.stride.value_or(o.kernel_size)[0];
  return in_plane(o, {o.kernel_size[0], 1}, {stride, 1}, {o.padding[0], 0}, {o.dilation[0], 1});
}

/// [L] as a plane [1,L], and back.
Tensor as_plane(const Tensor& x) {
  return unsqueeze(x, x.dim() - 1);
}
Tensor from_plane(const Tensor& y) {
  return squeeze(y, -2);
}

/// [...,D,H,W] as [rest,D,H,W].
Tensor as_stacks(const Tensor& x) {
  return flatten(unsqueeze(x, 0), 0, x.dim() - 3);
}

/// [rest,D,H,W] as [rest,1,D,H W].
Tensor as_columns(const Tensor& stacks) {
  return unsqueeze(flatten(stacks, 2, 3), 1);
}

template <size_t N>
void check_pool(const char* op, const Tensor& x, const PoolOptions<N>& options) {
  check_pool_input<N>(op, x);
  pool_output_size(op, x.shape(), options);
}

template <size_t N>
void check_max_pool(const char* op, const Tensor& x, const PoolOptions<N>& options) {
  check_pool(op, x, options);
  check_no_average(op, options);
}

template <size_t N>
void check_average(const char* op, const Tensor& x, const PoolOptions<N>& options) {
  check_pool(op, x, options);
  if (options.divisor_override == 0) {
    throw ValueError(op, "divisor_override is 0",
                     "leave it empty to divide by the number of elements");
  }
  if (options.dilation != Sizes<N>(1)) {
    throw ValueError(op, "average pooling has no dilation", "leave dilation at 1");
  }
}

template <size_t N>
void check_adaptive(const char* op, const Tensor& x, const Sizes<N>& output_size) {
  check_pool_input<N>(op, x);
  for (int64_t size : output_size) {
    if (size >= 1) continue;
    throw ValueError(op, str("output_size ", Shape(output_size), " must be at least 1"),
                     "1 averages or takes the largest of everything");
  }
}

}  // namespace

// --- The largest element ---

Tensor max_pool1d(const Tensor& x, const Pool1dOptions& options) {
  check_max_pool("max_pool1d", x, options);
  return from_plane(max_pool2d(as_plane(x), along_row(options)));
}

ValuesIndices max_pool1d_with_indices(const Tensor& x, const Pool1dOptions& options) {
  check_max_pool("max_pool1d", x, options);
  const auto [values, indices] = max_pool2d_with_indices(as_plane(x), along_row(options));
  return {from_plane(values), from_plane(indices)};
}

Tensor max_pool3d(const Tensor& x, const Pool3dOptions& options) {
  check_max_pool("max_pool3d", x, options);
  const Tensor planes = max_pool2d(as_stacks(x), within_planes(options));
  const Tensor y = max_pool2d(as_columns(planes), across_planes(options));
  const Size3 output = pool_output_size("max_pool3d", x.shape(), options);
  return reshape(y, with_spatial(x.shape(), x.dim() - 3, output));
}

ValuesIndices max_pool3d_with_indices(const Tensor& x, const Pool3dOptions& options) {
  check_max_pool("max_pool3d", x, options);
  const auto planes = max_pool2d_with_indices(as_stacks(x), within_planes(options));
  const auto [y, places] =
      max_pool2d_with_indices(as_columns(planes.values), across_planes(options));
  // Places within planes become places in depth, too; of those the last step chooses.
  const int64_t depth = x.size(-3), plane = x.size(-1) * x.size(-2);
  const Tensor first = reshape(mul(arange(depth), static_cast<double>(plane)), {depth, 1, 1});
  const Tensor candidates = flatten(add(planes.indices, first), 1);
  const Tensor indices = gather(candidates, 1, flatten(places, 1));
  const Size3 output = pool_output_size("max_pool3d", x.shape(), options);
  const Shape shape = with_spatial(x.shape(), x.dim() - 3, output);
  return {reshape(y, shape), reshape(indices, shape)};
}

// --- Averages ---

Tensor avg_pool1d(const Tensor& x, const Pool1dOptions& options) {
  check_average("avg_pool1d", x, options);
  return from_plane(avg_pool2d(as_plane(x), along_row(options)));
}

Tensor avg_pool3d(const Tensor& x, const Pool3dOptions& options) {
  check_average("avg_pool3d", x, options);
  Pool2dOptions within = within_planes(options);
  if (options.divisor_override) within.divisor_override = 1;
  const Tensor planes = avg_pool2d(as_stacks(x), within);
  const Tensor y = avg_pool2d(as_columns(planes), across_planes(options));
  const Size3 output = pool_output_size("avg_pool3d", x.shape(), options);
  return reshape(y, with_spatial(x.shape(), x.dim() - 3, output));
}

Tensor adaptive_avg_pool1d(const Tensor& x, const Size1& output_size) {
  check_adaptive("adaptive_avg_pool1d", x, output_size);
  return from_plane(adaptive_avg_pool2d(as_plane(x), {1, output_size[0]}));
}

Tensor adaptive_avg_pool3d(const Tensor& x, const Size3& output_size) {
  check_adaptive("adaptive_avg_pool3d", x, output_size);
  const Tensor planes = adaptive_avg_pool2d(as_stacks(x), {output_size[1], output_size[2]});
  const Tensor columns = as_columns(planes);
  const Tensor y = adaptive_avg_pool2d(columns, {output_size[0], columns.size(3)});
  return reshape(y, with_spatial(x.shape(), x.dim() - 3, output_size));
}

// --- The largest element of windows that differ in size ---

namespace {

/// The largest elements of `size` windows along dimension d, and where they are in it.
ValuesIndices adaptive_max_along(const Tensor& x, int d, int64_t size) {
  const int64_t in = x.size(d);
  std::vector<Tensor> values, indices;
  for (int64_t i = 0; i < size; ++i) {
    const int64_t begin = i * in / size, end = ((i + 1) * in + size - 1) / size;
    const ValuesIndices largest = max(narrow(x, d, begin, end - begin), d, true);
    values.push_back(largest.values);
    indices.push_back(add(largest.indices, static_cast<double>(begin)));
  }
  return {cat(values, d), cat(indices, d)};
}

/// One dimension after the other, the last one first: of equal elements the first in row-major
/// order is left.
template <size_t N>
ValuesIndices adaptive_max(const char* op, const Tensor& x, const Sizes<N>& output_size) {
  check_adaptive(op, x, output_size);
  ValuesIndices found{x, {}};
  for (size_t i = N; i-- > 0;) {
    const int d = x.dim() - static_cast<int>(N - i);
    const auto [values, places] = adaptive_max_along(found.values, d, output_size[i]);
    const int64_t elements = x.shape().part(d + 1, x.dim()).numel();  // behind one index of d
    const Tensor behind = mul(places, static_cast<double>(elements));
    found = {values,
             found.indices.defined() ? add(behind, gather(found.indices, d, places)) : places};
  }
  return found;
}

}  // namespace

ValuesIndices adaptive_max_pool1d(const Tensor& x, const Size1& output_size) {
  return adaptive_max("adaptive_max_pool1d", x, output_size);
}
ValuesIndices adaptive_max_pool2d(const Tensor& x, const Size2& output_size) {
  return adaptive_max("adaptive_max_pool2d", x, output_size);
}
ValuesIndices adaptive_max_pool3d(const Tensor& x, const Size3& output_size) {
  return adaptive_max("adaptive_max_pool3d", x, output_size);
}

// --- Norms ---

namespace {

template <size_t N>
void check_norm_pool(const char* op, double norm_type, const PoolOptions<N>& options) {
  if (!(norm_type > 0) || std::isinf(norm_type)) {
    throw ValueError(op, str("norm_type must be positive and finite, got ", norm_type),
                     "the limit for infinity is max pooling of |x|");
  }
  if (options.padding != Sizes<N>(0)) {
    throw ValueError(op, "a norm pool has no padding", "pad() the input");
  }
  check_no_average(op, options);
}

/// The norms of windows of `size` elements from `average`, the averages of what it is given. In
/// double, since powers leave the range of a float soon; and 0 has no slope where the power has
/// none.
template <class Average>
Tensor norms(const Tensor& x, double p, int64_t size, const Average& average) {
  if (p == 1) return mul(average(x), static_cast<double>(size));
  const Tensor wide = to(x, float64);
  const Tensor powers = p < 2 ? power_or_zero(wide, p) : pow(wide, p);
  const Tensor total = mul(average(powers), static_cast<double>(size));
  return to(power_or_zero(total, 1 / p), x.dtype());
}

}  // namespace

Tensor lp_pool1d(const Tensor& x, double norm_type, const Pool1dOptions& options) {
  check_norm_pool("lp_pool1d", norm_type, options);
  check_average("lp_pool1d", x, options);
  return norms(x, norm_type, options.kernel_size[0],
               [&](const Tensor& v) { return avg_pool1d(v, options); });
}

Tensor lp_pool2d(const Tensor& x, double norm_type, const Pool2dOptions& options) {
  check_norm_pool("lp_pool2d", norm_type, options);
  check_average("lp_pool2d", x, options);
  return norms(x, norm_type, options.kernel_size[0] * options.kernel_size[1],
               [&](const Tensor& v) { return avg_pool2d(v, options); });
}

// --- The way back ---

namespace {

template <size_t N>
Tensor max_unpool(const char* op, const Tensor& x, const Tensor& indices,
                  const Sizes<N>& output_size) {
  check_pool_input<N>(op, x);
  check_dtype(op, "the indices", indices, int64);
  if (indices.shape() != x.shape()) {
    throw ShapeError(
        op, str("input ", x.shape(), " and indices ", indices.shape(), " must have the same shape"),
        "both are results of one max pooling");
  }
  const int lead = x.dim() - static_cast<int>(N);
  const Shape shape = with_spatial(x.shape(), lead, output_size);
  Shape rows = x.shape();  // each channel as one row
  while (rows.dim() > lead) rows.erase(lead);
  for (int64_t size : output_size) {
    if (size < 1) {
      throw ValueError(op, str("output_size ", Shape(output_size), " is not positive"),
                       "give the size that the input of the max pooling had");
    }
  }
  rows.push_back(Shape(output_size).numel());
  return reshape(scatter_add(rows, lead, flatten(indices, lead), flatten(x, lead)), shape);
}

}  // namespace

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
