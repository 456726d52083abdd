// Views: new shapes and strides over the same elements.
#include <algorithm>
#include <limits>

#include "../op_support.h"

namespace gradus {

using namespace ops;

namespace {

/// The strides that give `x` the shape `shape` without copying, if there are any.
std::optional<Strides> view_strides(const Tensor& x, const Shape& shape) {
  if (x.numel() == 0 || x.is_contiguous()) return shape.row_major_strides();
  Strides strides = Strides::filled(shape.dim(), 0);
  int to = shape.dim() - 1;
  int64_t run = 1;  // elements of x's dimensions that are one dimension in memory
  int64_t step = x.strides().back();
  for (int d = x.dim() - 1; d >= 0; --d) {
    run *= x.shape()[d];
    const bool run_goes_on = d > 0 && (x.shape()[d - 1] == 1 || x.strides()[d - 1] == run * step);
    if (run_goes_on) continue;
    int64_t covered = 1;  // the run must be cut into whole dimensions of the new shape
    while (to >= 0 && (covered < run || shape[to] == 1)) {
      strides[to] = covered * step;
      covered *= shape[to--];
    }
    if (covered != run) return std::nullopt;
    if (d > 0) step = x.strides()[d - 1];
    run = 1;
  }
  return strides;
}

/// `wanted` with the size for which it says -1, for the elements of `from`.
Shape infer_shape(const char* op, const Shape& from, const Shape& wanted) {
  const int64_t numel = from.numel();
  Shape shape = wanted;
  int unknown = -1;
  int64_t known = 1;
  bool is_empty = false, overflow = false;
  for (int d = 0; d < shape.dim(); ++d) {
    if (shape[d] == -1 && unknown < 0) {
      unknown = d;
      continue;
    }
    require<ShapeError>(shape[d] >= 0, op, "at most one size may be -1", "invalid shape ", wanted,
                        " for ", from);
    is_empty = is_empty || shape[d] == 0;
    overflow = (shape[d] > 0 && __builtin_mul_overflow(known, shape[d], &known)) || overflow;
  }
  require<ShapeError>(unknown < 0 || !is_empty, op, "any size would fit; write it out",
                      "cannot infer -1 in ", wanted, " for ", from);
  const bool divides = !overflow && numel % known == 0;
  if (unknown >= 0 && divides) shape[unknown] = numel / known;
  const bool fits = is_empty ? numel == 0 : divides && (unknown >= 0 || known == numel);
  require<ShapeError>(fits, op, "the product of all sizes stays; one may be -1, for what is left",
                      "shape ", wanted, " does not hold the ", numel, " elements of ", from);
  return shape;
}

/// Records `out`, a view of x with the same elements, whose gradient is reshaped back.
Tensor record_reshape(const Tensor& x, const Tensor& out) {
  return record(Op("reshape", 0), inputs(x), out, saved(), x.shape(),
                [](auto&, auto& shape, auto& g) { return reshape(g, shape); });
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& wanted) {
  const Shape shape = infer_shape("reshape", x.shape(), wanted);
  if (shape == x.shape()) return x;
  if (const auto strides = view_strides(x, shape)) {
    return record_reshape(x, x.view(shape, *strides));
  }
  const Tensor dense = contiguous(x);
  return record_reshape(dense, dense.view(shape, shape.row_major_strides()));
}

Tensor flatten(const Tensor& x, int64_t start_dim, int64_t end_dim) {
  const int start = normalize_dim("flatten", start_dim, x.shape());
  const int end = normalize_dim("flatten", end_dim, x.shape());
  require(start <= end, "flatten", "name the first dimension to merge, then the last one",
          "start_dim ", start_dim, " comes after end_dim ", end_dim, " in ", x.shape());
  if (x.dim() == 0) return in_name_of("flatten", [&] { return reshape(x, {1}); });
  Shape shape, merged;
  for (int d = 0; d < x.dim(); ++d) {
    (d < start || d > end ? shape : merged).push_back(x.shape()[d]);
  }
  shape.insert(start, merged.numel());
  return in_name_of("flatten", [&] { return reshape(x, shape); });
}

Tensor unflatten(const Tensor& x, int64_t dim, const Shape& sizes) {
  const int d = normalize_dim("unflatten", dim, x.shape());
  require<ShapeError>(x.dim() > 0 && !sizes.empty(), "unflatten",
                      "the product of the sizes is the size of the dimension",
                      "cannot split dimension ", dim, " of ", x.shape(), " into ", sizes);
  const Shape part = infer_shape("unflatten", {x.shape()[d]}, sizes);
  Shape shape = x.shape();
  shape.erase(d);
  for (int i = part.dim() - 1; i >= 0; --i) shape.insert(d, part[i]);
  return in_name_of("unflatten", [&] { return reshape(x, shape); });
}

Tensor squeeze(const Tensor& x, std::optional<int64_t> dim) {
  Shape shape = x.shape();
  if (dim) {
    const int d = normalize_dim("squeeze", *dim, x.shape());
    if (x.dim() == 0 || shape[d] != 1) return x;
    shape.erase(d);
  } else {
    for (int d = shape.dim() - 1; d >= 0; --d) {
      if (shape[d] == 1) shape.erase(d);
    }
  }
  return in_name_of("squeeze", [&] { return reshape(x, shape); });
}

Tensor unsqueeze(const Tensor& x, int64_t dim) {
  const int d = normalize_new_dim("unsqueeze", dim, x.shape());
  Shape shape = x.shape();
  shape.insert(d, 1);
  return in_name_of("unsqueeze", [&] { return reshape(x, shape); });
}

namespace {

struct Permutation {
  Dims dims, inverse;
  static void describe(auto& p, auto& visit) { visit("dims", p.dims); }
};

}  // namespace

Tensor permute(const Tensor& x, const Dims& dims) {
  constexpr const char* hint = "name each once, in the order of the result";
  require<ShapeError>(dims.dim() == x.dim(), "permute", hint, "dims ", dims, " do not name the ",
                      x.dim(), " dimensions of ", x.shape());
  Shape shape = x.shape();
  Strides strides = x.strides();
  Dims inverse = Dims::filled(x.dim(), -1);
  for (int d = 0; d < dims.dim(); ++d) {
    const int from = normalize_dim("permute", dims[d], x.shape());
    require<IndexError>(inverse[from] < 0, "permute", hint, "dims ", dims, " name dimension ", from,
                        " of ", x.shape(), " twice");
    inverse[from] = d;
    shape[d] = x.shape()[from];
    strides[d] = x.strides()[from];
  }
  return record(Op("permute", 0), inputs(x), x.view(shape, strides), saved(),
                Permutation{dims, inverse},
                [](auto&, auto& p, auto& g) { return permute(g, p.inverse); });
}

Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1) {
  const int a = normalize_dim("transpose", dim0, x.shape());
  const int b = normalize_dim("transpose", dim1, x.shape());
  if (a == b) return x;
  Dims dims;
  for (int d = 0; d < x.dim(); ++d) dims.push_back(d == a ? b : d == b ? a : d);
  return permute(x, dims);
}

Tensor movedim(const Tensor& x, int64_t source, int64_t destination) {
  const int from = normalize_dim("movedim", source, x.shape());
  const int to = normalize_dim("movedim", destination, x.shape());
  if (from == to) return x;
  Dims dims;
  for (int d = 0; d < x.dim(); ++d) dims.push_back(d);
  dims.erase(from);
  dims.insert(to, from);
  return permute(x, dims);
}

Tensor expand(const Tensor& x, const Shape& wanted) {
  const int added = wanted.dim() - x.dim();
  Shape shape = wanted;
  Strides strides = Strides::filled(wanted.dim(), 0);
  for (int d = 0; d < wanted.dim(); ++d) {
    const int from = d - added;
    if (from >= 0 && wanted[d] == -1) shape[d] = x.shape()[from];
    if (from >= 0 && x.shape()[from] == shape[d]) strides[d] = x.strides()[from];
    const bool fits = from < 0 || x.shape()[from] == shape[d] || x.shape()[from] == 1;
    require<ShapeError>(shape[d] >= 0 && fits, "expand",
                        "only dimensions of size 1 can be repeated", x.shape(),
                        " does not expand to ", wanted);
  }
  require<ShapeError>(added >= 0, "expand", "select() or squeeze() takes dimensions away",
                      x.shape(), " has more dimensions than ", wanted);
  if (shape == x.shape()) return x;
  return record(Op("expand", 0), inputs(x), x.view(shape, strides), saved(), x.shape(),
                [](auto&, auto& from, auto& g) {
                  const int extra = g.dim() - from.dim();
                  Dims repeated;
                  for (int d = 0; d < g.dim(); ++d) {
                    if (d < extra || (from[d - extra] == 1 && g.shape()[d] != 1)) {
                      repeated.push_back(d);
                    }
                  }
                  if (repeated.empty()) return reshape(g, from);
                  return reshape(sum(g, repeated), from);
                });
}

namespace {

struct Slice {
  Shape shape;  // of the input
  int dim;
  int64_t start, step;
  static void describe(auto& s, auto& visit) {
    visit("dim", s.dim);
    visit("start", s.start);
    visit("step", s.step);
  }
};

/// Zeros of s.shape with g at the places of the slice: the transpose of slice().
Tensor slice_gradient(const Tensor& g, const Slice& s) {
  Tensor out = zeros(s.shape, g.dtype());
  Strides strides = out.strides();
  if (g.numel() > 0) {
    const int64_t offset = s.start * strides[s.dim];
    if (g.shape()[s.dim] > 1) strides[s.dim] *= s.step;
    out.view(g.shape(), strides, offset).copy_(g.detach());
  }
  return record("slice_gradient", inputs(g), out, saved(), Slice{g.shape(), s.dim, s.start, s.step},
                [](auto&, auto& back, auto& u) {
                  return slice(u, back.dim, back.start, back.shape[back.dim], back.step);
                });
}

std::string hint_for_slice(int64_t length, int64_t step, int64_t size) {
  if (step <= 0) return "steps go forward; flip() turns the order round";
  if (length < 0) return "the length is the number of elements to take";
  return str("start + (length - 1) * step must be below the size, ", size,
             "; a negative start counts from the end");
}

}  // namespace

Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t length, int64_t step) {
  require<ShapeError>(x.dim() > 0, "slice", "unsqueeze() adds a dimension",
                      "a tensor without dimensions cannot be sliced");
  const int d = normalize_dim("slice", dim, x.shape());
  const int64_t size = x.shape()[d];
  const int64_t given_start = start;
  if (start < 0) start += size;
  const bool fits = step > 0 && length >= 0 && start >= 0 && start <= size &&
                    (length == 0 || (start < size && length - 1 <= (size - 1 - start) / step));
  if (!fits) {
    throw IndexError("slice",
                     str("start ", given_start, ", length ", length, ", step ", step,
                         " do not lie in dimension ", d, " of ", x.shape()),
                     hint_for_slice(length, step, size));
  }
  if (length == size) return x;
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape[d] = length;
  const int64_t offset = length > 0 ? start * strides[d] : 0;
  if (length > 1) strides[d] *= step;  // a single element may come with any step
  return record(Op("slice", 0), inputs(x), x.view(shape, strides, offset), saved(),
                Slice{x.shape(), d, start, step},
                [](auto&, auto& s, auto& g) { return slice_gradient(g, s); });
}

Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  return slice(x, dim, start, length);
}

Tensor select(const Tensor& x, int64_t dim, int64_t index) {
  const int d = normalize_dim("select", dim, x.shape());
  const int64_t size = x.dim() > 0 ? x.shape()[d] : 0;
  if (index < -size || index >= size) {
    throw IndexError("select",
                     str("index ", index, " is out of range for dimension ", d, " of ", x.shape()),
                     size > 0 ? str("indices go from ", -size, " to ", size - 1)
                              : "there is nothing to select from");
  }
  return in_name_of("select", [&] {
    const Tensor row = slice(x, d, index < 0 ? index + size : index, 1);
    Shape shape = row.shape();
    shape.erase(d);
    return reshape(row, shape);
  });
}

namespace {

/// The (normalized) dimension that x is cut along.
int cut_dim(const char* op, const Tensor& x, int64_t dim,
            const char* why = "a tensor without dimensions cannot be split") {
  require<ShapeError>(x.dim() > 0, op, "unsqueeze() adds a dimension", why);
  return normalize_dim(op, dim, x.shape());
}

}  // namespace

detail::List<Tensor> split(const Tensor& x, std::span<const int64_t> sizes, int64_t dim) {
  const int d = cut_dim("split", x, dim);
  int64_t total = 0;  // at most as large as no dimension is
  for (int64_t size : sizes) {
    require(size >= 0, "split", "sizes must not be negative", "size ", size, " for dimension ", d,
            " of ", x.shape());
    if (__builtin_add_overflow(total, size, &total)) total = std::numeric_limits<int64_t>::max();
  }
  require<ShapeError>(total == x.shape()[d], "split", "the sizes are the lengths of all parts",
                      "the ", sizes.size(), " sizes add up to ", total, ", dimension ", d, " of ",
                      x.shape(), " has ", x.shape()[d]);
  std::vector<Tensor> parts;
  int64_t start = 0;
  for (int64_t size : sizes) {
    parts.push_back(narrow(x, d, start, size));
    start += size;
  }
  return parts;
}

detail::List<Tensor> split(const Tensor& x, int64_t size, int64_t dim) {
  const int d = cut_dim("split", x, dim);
  const int64_t total = x.shape()[d];
  require(size > 0 || (size == 0 && total == 0), "split", "sizes must be positive", "size ", size,
          " for dimension ", d, " of ", x.shape());
  std::vector<int64_t> sizes = {std::min(size, total)};
  for (int64_t rest = total - size; rest > 0; rest -= size) sizes.push_back(std::min(size, rest));
  return split(x, sizes, d);
}

detail::List<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim) {
  require(chunks >= 1, "chunk", "split() takes the length of the parts instead",
          "expected at least 1 chunk of ", x.shape(), ", got ", chunks);
  const int d = cut_dim("chunk", x, dim);
  const int64_t total = x.shape()[d];
  if (total > 0) return split(x, (total - 1) / chunks + 1, d);
  constexpr int64_t most = 1'000'000;  // of nothing
  require(chunks <= most, "chunk", "a list of so many tensors is a mistake", chunks, " chunks of ",
          x.shape(), ", which is empty");
  return detail::List<Tensor>(static_cast<size_t>(chunks), x);
}

namespace {

/// Slices of slices: the gradient of a slice has the size of what it was cut from, so that cutting
/// one by one would cost the square of their number.
void append_slices(const Tensor& x, int dim, std::vector<Tensor>& slices) {
  const int64_t size = x.shape()[dim];
  if (size == 1) slices.push_back(select(x, dim, 0));
  if (size <= 1) return;
  append_slices(narrow(x, dim, 0, size / 2), dim, slices);
  append_slices(narrow(x, dim, size / 2, size - size / 2), dim, slices);
}

}  // namespace

detail::List<Tensor> unbind(const Tensor& x, int64_t dim) {
  const int d = cut_dim("unbind", x, dim, "a tensor without dimensions has no slices");
  std::vector<Tensor> slices;
  append_slices(x, d, slices);
  return slices;
}

}  // namespace gradus
