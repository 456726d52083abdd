// Reading and writing at places named by an index tensor.
#include "index_kernel.h"

#include <algorithm>
#include <limits>

#include "../op_support.h"

namespace gradus {

using namespace ops;

namespace {

/// An index list along dimension `dim` of a tensor of shape `shape`.
struct Along {
  Shape shape;
  int dim;
  static void describe(auto& a, auto& visit) { visit("dim", a.dim); }
};

void check_range(const char* op, const Tensor& index, const Shape& shape, int dim) {
  const int64_t n = shape[dim];
  const auto wrong = kernels::find_out_of_range(loop_over(index), index.data<int64_t>(), n);
  if (!wrong) return;
  throw IndexError(op,
                   str("index ", *wrong, " is out of range for dimension ", dim, " of ", shape,
                       ": indices ", index.shape()),
                   n > 0 ? str("indices go from 0 to ", n - 1) : "that dimension is empty");
}

/// All sizes but that of the indexed dimension must be within `shape`.
void check_index(const char* op, const Tensor& index, const Shape& shape, int dim) {
  check_dtype(op, "the index", index, int64);
  bool fits = index.dim() == shape.dim();
  for (int d = 0; fits && d < shape.dim(); ++d) fits = d == dim || index.shape()[d] <= shape[d];
  require<ShapeError>(fits, op, "it needs as many dimensions, none longer but the indexed one",
                      "index ", index.shape(), " does not fit a tensor ", shape,
                      " along dimension ", dim);
  check_range(op, index, shape, dim);
}

Tensor compute_gather(const Tensor& x, int dim, const Tensor& index) {
  Tensor out = Tensor::empty(index.shape(), x.dtype());
  Strides resting = x.strides();
  resting[dim] = 0;
  const auto loop =
      kernels::make_loop<3>(out.dim(), out.shape().begin(),
                            {out.strides().begin(), index.strides().begin(), resting.begin()});
  kernels::gather(loop, x.dtype(), out.raw_mutable_data(), index.data<int64_t>(), x.raw_data(),
                  x.strides()[dim]);
  return out;
}

/// A 1-d index seen as the index of gather that reads whole slices.
Tensor index_of_slices(const Tensor& index, const Shape& slices, int dim) {
  Shape shape = slices;
  shape[dim] = index.numel();
  Strides strides = Strides::filled(shape.dim(), 0);
  strides[dim] = index.strides()[0];
  return index.view(shape, strides);
}

}  // namespace

Tensor gather(const Tensor& x, int64_t dim, const Tensor& index) {
  const int d = normalize_dim("gather", dim, x.shape());
  if (x.dim() == 0 && index.dim() == 0) {
    return reshape(gather(reshape(x, {1}), 0, reshape(index, {1})), {});
  }
  check_index("gather", index, x.shape(), d);
  return record("gather", inputs(x), compute_gather(x, d, index), saved(index), Along{x.shape(), d},
                [](auto& s, auto& a, auto& g) { return scatter_add(a.shape, a.dim, s[0], g); });
}

namespace {

void check_source(const char* op, const Tensor& index, const Tensor& source) {
  require<ShapeError>(index.shape() == source.shape(), op,
                      "each index says where one element of the source goes", "index ",
                      index.shape(), " and source ", source.shape(), " must have one shape");
}

/// What scatter and scatter_add walk over: all dimensions but the (normalized) indexed one, and
/// that one.
std::pair<kernels::Loop<3>, kernels::ScatterAxis> scattering(const Tensor& out, int d,
                                                             const Tensor& index,
                                                             const Tensor& source) {
  Shape others = index.shape();
  others[d] = 1;
  return {kernels::make_loop<3>(
              others.dim(), others.begin(),
              {out.strides().begin(), index.strides().begin(), source.strides().begin()}),
          {index.shape()[d], out.strides()[d], index.strides()[d], source.strides()[d]}};
}

}  // namespace

Tensor scatter_add(const Shape& shape, int64_t dim, const Tensor& index, const Tensor& source) {
  const int d = normalize_dim("scatter_add", dim, shape);
  check_source("scatter_add", index, source);
  if (shape.dim() == 0 && index.dim() == 0) {
    return reshape(scatter_add({1}, 0, reshape(index, {1}), reshape(source, {1})), {});
  }
  check_index("scatter_add", index, shape, d);
  Tensor out = zeros(shape, source.dtype());
  const auto [loop, axis] = scattering(out, d, index, source);
  kernels::scatter_add(loop, source.dtype(), axis, out.raw_mutable_data(), index.data<int64_t>(),
                       source.raw_data());
  return record(Op("scatter_add", static_cast<double>(source.numel())), inputs(source), out,
                saved(index), Along{shape, d},
                [](auto& t, auto& a, auto& g) { return gather(g, a.dim, t[0]); });
}

namespace {

/// True for the elements of a source that scatter() along d leaves in place, false for those that
/// a later one overwrites.
Tensor stays(const Shape& shape, int d, const Tensor& index) {
  Shape row = Shape::filled(index.dim(), 1);
  row[d] = index.shape()[d];
  const Tensor place = expand(reshape(arange(row[d]), row), index.shape());
  return eq(gather(scatter(full(shape, -1, int64), d, index, place), d, index), place);
}

}  // namespace

Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  const int d = normalize_dim("scatter", dim, x.shape());
  check_source("scatter", index, source);
  check_same_dtype("scatter", x, source);
  if (x.dim() == 0 && index.dim() == 0) {
    return reshape(scatter(reshape(x, {1}), 0, reshape(index, {1}), reshape(source, {1})), {});
  }
  check_index("scatter", index, x.shape(), d);
  Tensor out = clone(x.detach());
  const auto [loop, axis] = scattering(out, d, index, source);
  kernels::scatter(loop, x.dtype(), axis, out.raw_mutable_data(), index.data<int64_t>(),
                   source.raw_data());
  return record("scatter", inputs(x, source), out, saved(index), Along{x.shape(), d},
                [](auto& t, auto& a, auto& g, auto& wanted) -> TensorList {
                  Tensor dx, d_source;
                  if (wanted[0]) dx = scatter(g, a.dim, t[0], 0);
                  if (wanted[1]) {
                    const Tensor lost = logical_not(stays(a.shape, a.dim, t[0]));
                    d_source = masked_fill(gather(g, a.dim, t[0]), lost, 0);
                  }
                  return {dx, d_source};
                });
}

Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, double value) {
  return scatter(x, dim, index, expand(scalar_like("scatter", x, value), index.shape()));
}

Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index) {
  const int d = normalize_dim("index_select", dim, x.shape());
  check_dtype("index_select", "the index", index, int64);
  check_dim("index_select", "an index", index, 1, "[n]");
  if (x.dim() == 0) return reshape(index_select(reshape(x, {1}), 0, index), {});
  check_range("index_select", index, x.shape(), d);
  return record("index_select", inputs(x),
                compute_gather(x, d, index_of_slices(index, x.shape(), d)), saved(index),
                Along{x.shape(), d}, [](auto& s, auto& a, auto& g) {
                  return scatter_add(a.shape, a.dim, index_of_slices(s[0], a.shape, a.dim), g);
                });
}

Tensor embedding(const Tensor& weight, const Tensor& index, std::optional<int64_t> padding_idx) {
  constexpr const char* op = "embedding";
  const Tape::Span span(op, Option{"padding_idx", padding_idx});
  check_floating(op, weight);
  check_dim(op, "a weight", weight, 2, "[V,D]");
  check_dtype(op, "the index", index, int64);
  check_range(op, index, weight.shape(), 0);
  const Tensor flat = reshape(index, {index.numel()});
  Tensor rows = index_select(weight, 0, flat);
  if (padding_idx) {
    const int64_t count = weight.size(0);
    if (*padding_idx < -count || *padding_idx >= count) {
      throw IndexError(
          op, str("padding_idx ", *padding_idx, " is no row of ", weight.shape()),
          count > 0 ? str("rows go from ", -count, " to ", count - 1) : "it has no rows");
    }
    const int64_t padding = *padding_idx < 0 ? *padding_idx + count : *padding_idx;
    const Tensor is_padding = unsqueeze(eq(flat, static_cast<double>(padding)), 1);
    rows = where(is_padding, rows.detach(), rows);
  }
  Shape shape = index.shape();
  shape.push_back(weight.size(1));
  return reshape(rows, shape);
}

// --- Masks ---

Tensor nonzero(const Tensor& x) {
  const Tensor mask = contiguous(to(x.detach(), boolean));
  const bool* const set = mask.data<bool>();
  const int64_t n = x.numel();
  Tensor out = Tensor::empty({std::count(set, set + n, true), x.dim()}, int64);
  int64_t* row = out.mutable_data<int64_t>();
  for (int64_t i = 0; i < n; ++i) {
    if (!set[i]) continue;
    int64_t rest = i;
    for (int d = x.dim() - 1; d >= 0; --d) {
      row[d] = rest % x.shape()[d];
      rest /= x.shape()[d];
    }
    row += x.dim();
  }
  return out;
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  const Tape::Span span("masked_select");
  check_dtype("masked_select", "the mask", mask, boolean);
  const Shape shape = broadcast_shapes("masked_select", x.shape(), mask.shape());
  const Tensor places = nonzero(flatten(expand(mask, shape)));
  return index_select(flatten(expand(x, shape)), 0, flatten(places));
}

Tensor one_hot(const Tensor& classes, std::optional<int64_t> given) {
  check_dtype("one_hot", "the classes", classes, int64);
  require<ShapeError>(given || classes.numel() > 0, "one_hot", "give the number of classes",
                      "classes ", classes.shape(), " do not say how many there are");
  const auto count_of = [](const Tensor& all) {
    const int64_t largest = *max(flatten(all), 0).values.data<int64_t>();
    return std::max<int64_t>(1, largest + (largest < std::numeric_limits<int64_t>::max() ? 1 : 0));
  };
  const int64_t num_classes = given ? *given : count_of(classes);
  require(num_classes >= 1, "one_hot", "leave it out for as many as the largest class asks for",
          "expected at least 1 class, got ", num_classes);
  Shape shape = classes.shape();
  shape.push_back(num_classes);
  const auto wrong =
      kernels::find_out_of_range(loop_over(classes), classes.data<int64_t>(), num_classes);
  if (wrong) {
    throw IndexError("one_hot",
                     str("class ", *wrong, " is out of range for ", num_classes,
                         " classes, classes ", classes.shape()),
                     str("classes go from 0 to ", num_classes - 1));
  }
  const Tensor place = unsqueeze(classes, -1);
  return scatter_add(shape, -1, place, ones(place.shape(), int64));
}

}  // namespace gradus
