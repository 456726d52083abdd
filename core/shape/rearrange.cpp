// Copies that rearrange elements: joining, repeating, flipping, padding, triangles.
#include <algorithm>
#include <array>

#include "../create/copy_kernel.h"
#include "../op_support.h"

namespace gradus {

using namespace ops;

namespace {

struct Joined {
  int dim;
  static void describe(auto& o, auto& visit) { visit("dim", o.dim); }
};

struct Flipped {
  Dims dims;
  static void describe(auto& o, auto& visit) { visit("dims", o.dims); }
};

void check_joinable(const char* op, std::span<const Tensor> tensors) {
  require(!tensors.empty(), op, "the list is empty", "expected at least one tensor, got none");
  for (const Tensor& t : tensors) check_same_dtype(op, tensors[0], t);
}

/// Length of the joined dimension; all other sizes must be equal.
int64_t joined_length(std::span<const Tensor> tensors, int dim) {
  const Shape& first = tensors[0].shape();
  int64_t length = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Shape& shape = tensors[i].shape();
    bool fits = shape.dim() == first.dim();
    for (int d = 0; fits && d < first.dim(); ++d) fits = d == dim || shape[d] == first[d];
    if (!fits) {
      throw ShapeError("cat", str("tensor ", i, " is ", shape, ", tensor 0 is ", first),
                       str("all sizes but that of dimension ", dim, " must be equal"));
    }
    length += shape[dim];
  }
  return length;
}

}  // namespace

Tensor cat(std::span<const Tensor> tensors, int64_t dim) {
  check_joinable("cat", tensors);
  const Tensor& first = tensors[0];
  require<ShapeError>(first.dim() > 0, "cat", "stack() them",
                      "tensors without dimensions cannot be joined");
  const int d = normalize_dim("cat", dim, first.shape());
  Shape shape = first.shape();
  shape[d] = joined_length(tensors, d);
  Tensor out = Tensor::empty(shape, first.dtype());
  Tensor lengths = Tensor::empty({static_cast<int64_t>(tensors.size())}, int64);
  int64_t* const length = lengths.mutable_data<int64_t>();
  std::vector<const Tensor*> all;
  int64_t start = 0;
  for (const Tensor& t : tensors) {
    out.view(t.shape(), out.strides(), start * out.strides()[d]).copy_(t);
    length[all.size()] = t.shape()[d];
    start += t.shape()[d];
    all.push_back(&t);
  }
  return record("cat", all, out, saved(lengths), Joined{d},
                [](const TensorList& s, auto& along, auto& g, auto& wanted) -> TensorList {
                  TensorList parts(wanted.size());
                  const int64_t* const size = s[0].data<int64_t>();
                  int64_t at = 0;
                  for (size_t i = 0; i < wanted.size(); at += size[i++]) {
                    if (wanted[i]) parts[i] = narrow(g, along.dim, at, size[i]);
                  }
                  return parts;
                });
}

Tensor cat(std::initializer_list<Tensor> tensors, int64_t dim) {
  return cat(std::span<const Tensor>(tensors.begin(), tensors.size()), dim);
}

Tensor stack(std::span<const Tensor> tensors, int64_t dim) {
  const Tape::Span span("stack", Option{"dim", dim});
  check_joinable("stack", tensors);
  const int d = normalize_new_dim("stack", dim, tensors[0].shape());
  for (size_t i = 0; i < tensors.size(); ++i) {
    require<ShapeError>(tensors[i].shape() == tensors[0].shape(), "stack",
                        "all shapes must be equal", "tensor ", i, " is ", tensors[i].shape(),
                        ", tensor 0 is ", tensors[0].shape());
  }
  return in_name_of("stack", [&] {
    std::vector<Tensor> rows;
    for (const Tensor& t : tensors) rows.push_back(unsqueeze(t, d));
    return cat(rows, d);
  });
}

Tensor stack(std::initializer_list<Tensor> tensors, int64_t dim) {
  return stack(std::span<const Tensor>(tensors.begin(), tensors.size()), dim);
}

Tensor repeat(const Tensor& x, const Shape& repeats) {
  const Tape::Span span("repeat", Option{"repeats", repeats});
  const int added = repeats.dim() - x.dim();
  const bool fits = std::all_of(repeats.begin(), repeats.end(), [](auto r) { return r >= 0; });
  require<ShapeError>(added >= 0 && fits, "repeat",
                      "one number from 0 up for each dimension, new ones first", "repeats ",
                      repeats, " do not fit ", x.shape());
  Shape shape = Shape::filled(repeats.dim(), 1);
  for (int d = 0; d < x.dim(); ++d) shape[added + d] = x.shape()[d];
  Tensor out = reshape(x, shape);
  bool copied = false;
  for (int d = repeats.dim() - 1; d >= 0; --d) {
    if (repeats[d] == 1) continue;
    // [.., size, ..] -> [.., 1, size, ..] -> [.., repeats, size, ..] -> [.., repeats * size, ..]
    Shape copies = shape;
    copies.insert(d, repeats[d]);
    shape[d] = Shape{shape[d], repeats[d]}.numel();
    out = reshape(contiguous(expand(unsqueeze(out, d), copies)), shape);
    copied = true;
  }
  return copied ? out : clone(out);
}

Tensor flip(const Tensor& x, const Dims& wanted) {
  const Dims dims = wanted.empty() ? wanted : normalize_dims("flip", wanted, x.shape());
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  Strides backwards = out.strides();
  int64_t last = 0;  // where the element lands that x has first
  for (int64_t dim : dims) {
    const int d = static_cast<int>(dim);
    last += std::max<int64_t>(x.shape()[d] - 1, 0) * backwards[d];
    backwards[d] = -backwards[d];
  }
  if (x.numel() > 0) {
    Tensor flipped = out.view(x.shape(), backwards, last);
    kernels::copy(loop_over(flipped, x), x.dtype(), flipped.raw_mutable_data(), x.raw_data());
  }
  return record("flip", inputs(x), out, saved(), Flipped{dims},
                [](auto&, auto& again, auto& g) { return flip(g, again.dims); });
}

Tensor roll(const Tensor& x, int64_t shift, std::optional<int64_t> dim) {
  const Tape::Span span("roll", Option{"shift", shift});
  if (!dim) return reshape(roll(flatten(x), shift, 0), x.shape());
  const int d = normalize_dim("roll", *dim, x.shape());
  const int64_t n = x.size(d);
  const int64_t moved = n > 0 ? (shift % n + n) % n : 0;
  if (moved == 0) return clone(x);
  return cat({narrow(x, d, n - moved, moved), narrow(x, d, 0, n - moved)}, d);
}

// --- Triangles ---

namespace {

/// x with zeros where column - row > diagonal (`lower`), or where column - row < diagonal.
Tensor triangle(const char* op, const Tensor& x, int64_t diagonal, bool lower) {
  const Tape::Span span(op, Option{"diagonal", diagonal});
  require<ShapeError>(x.dim() >= 2, op, "unsqueeze() makes a row or a column of a vector",
                      "expected matrices in the last two dimensions, got ", x.shape());
  const int64_t rows = x.size(-2), columns = x.size(-1);
  Tensor dropped = Tensor::empty({rows, columns}, boolean);
  bool* const mask = dropped.mutable_data<bool>();
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      mask[i * columns + j] = lower ? j - i > diagonal : j - i < diagonal;
    }
  }
  return masked_fill(x, dropped, 0);
}

}  // namespace

Tensor tril(const Tensor& x, int64_t diagonal) {
  return triangle("tril", x, diagonal, true);
}
Tensor triu(const Tensor& x, int64_t diagonal) {
  return triangle("triu", x, diagonal, false);
}

// --- Padding ---

namespace {

/// Elements to add before and after each dimension, counted from the last one backwards; negative
/// ones crop.
using Pads = std::array<std::array<int64_t, 2>, Shape::max_dims>;

struct ConstantPad {
  Pads pads;
  int dims;
  double value;
  /// As pad() takes them.
  static void describe(auto& p, auto& visit) {
    std::array<int64_t, 2 * Shape::max_dims> numbers;
    for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = p.pads[i / 2][i % 2];
    visit("pads", std::span<const int64_t>(numbers).first(2 * static_cast<size_t>(p.dims)));
    visit("value", p.value);
  }
};

std::array<int64_t, 2> pads_of(const Pads& pads, int dim, int dims) {
  return pads[static_cast<size_t>(dims - 1 - dim)];
}

Pads checked_pads(const Tensor& x, std::span<const int64_t> given) {
  require<ShapeError>(given.size() % 2 == 0 && given.size() <= 2 * static_cast<size_t>(x.dim()),
                      "pad", "list (begin, end) for each dimension, the last one first",
                      "expected up to ", x.dim(), " pairs of pads for ", x.shape(), ", got ",
                      given.size(), " numbers");
  Pads pads{};
  constexpr int64_t most = int64_t{1} << 46;  // elements: larger than any memory, far from overflow
  for (size_t i = 0; i < given.size(); ++i) {
    require(given[i] >= -most && given[i] <= most, "pad", "it is larger than any memory",
            "a pad of ", given[i]);
    pads[i / 2][i % 2] = given[i];
  }
  for (int d = 0; d < x.dim(); ++d) {
    const auto [begin, end] = pads_of(pads, d, x.dim());
    const int64_t size = x.shape()[d];
    const int64_t kept = size + std::min<int64_t>(begin, 0) + std::min<int64_t>(end, 0);
    require<ShapeError>(kept >= 0 && size + begin + end >= 0, "pad",
                        "negative pads cut that many elements off", "pads (", begin, ", ", end,
                        ") take more than the ", size, " elements of dimension ", d, " of ",
                        x.shape());
  }
  return pads;
}

Tensor pad_constant(const Tensor& x, const Pads& pads, double value) {
  Shape shape = x.shape(), shared = x.shape();
  int64_t to = 0, from = 0;  // where the kept elements begin, in the result and in x
  for (int d = 0; d < x.dim(); ++d) {
    const auto [begin, end] = pads_of(pads, d, x.dim());
    shape[d] += begin + end;
    shared[d] += std::min<int64_t>(begin, 0) + std::min<int64_t>(end, 0);
  }
  Tensor out = Tensor::empty(shape, x.dtype());
  for (int d = 0; d < x.dim(); ++d) {
    const int64_t begin = pads_of(pads, d, x.dim())[0];
    to += std::max<int64_t>(begin, 0) * out.strides()[d];
    from += std::max<int64_t>(-begin, 0) * x.strides()[d];
  }
  out.copy_(scalar_like("pad", x, value));
  if (shared.numel() > 0) {
    out.view(shared, out.strides(), to).copy_(x.detach().view(shared, x.strides(), from));
  }
  const ConstantPad attributes{pads, x.dim(), value};
  return record("pad", inputs(x), out, saved(), attributes, [](auto&, auto& p, auto& g) {
    Pads back = p.pads;
    for (auto& [begin, end] : back) {
      begin = -begin;
      end = -end;
    }
    return pad_constant(g, back, 0);
  });
}

/// Where the element at `position`, counted from the first one of the unpadded dimension, comes
/// from.
int64_t source_of(int64_t position, int64_t size, PadMode mode) {
  if (mode == PadMode::circular) return ((position % size) + size) % size;
  if (mode == PadMode::replicate) return std::clamp<int64_t>(position, 0, size - 1);
  if (position < 0) return -position;
  return position < size ? position : 2 * (size - 1) - position;
}

/// What each mode needs to know every padded element.
void check_reach(const Tensor& x, int dim, int64_t begin, int64_t end, PadMode mode) {
  const int64_t size = x.shape()[dim], most = std::max(begin, end);
  const auto check = [&](bool fits, const char* why) {
    require<ShapeError>(fits, "pad", "use less padding, or PadMode::constant", "pads (", begin,
                        ", ", end, ") for dimension ", dim, " of ", x.shape(), ": ", why);
  };
  check(begin >= 0 && end >= 0, "only constant padding can crop");
  check(mode != PadMode::reflect || most < size, "a reflection must be shorter than the size");
  check(mode != PadMode::circular || most <= size, "a circle goes around once at most");
  check(size > 0, "there is no element to repeat");
}

}  // namespace

Tensor pad(const Tensor& x, std::span<const int64_t> given, PadMode mode, double value) {
  const Pads pads = checked_pads(x, given);
  if (mode == PadMode::constant) return pad_constant(x, pads, value);
  constexpr const char* modes[] = {"constant", "reflect", "replicate", "circular"};
  const Tape::Span span("pad", Option{"mode", modes[static_cast<size_t>(mode)]});
  for (int d = 0; d < x.dim(); ++d) {
    const auto [begin, end] = pads_of(pads, d, x.dim());
    if (begin != 0 || end != 0) check_reach(x, d, begin, end, mode);
  }
  Tensor out = x;
  for (int d = 0; d < x.dim(); ++d) {
    const auto [begin, end] = pads_of(pads, d, x.dim());
    if (begin == 0 && end == 0) continue;
    const int64_t size = x.shape()[d];
    std::vector<int64_t> sources;
    for (int64_t p = -begin; p < size + end; ++p) sources.push_back(source_of(p, size, mode));
    out = index_select(out, d, tensor(sources, {static_cast<int64_t>(sources.size())}));
  }
  return out.is_same(x) ? clone(x) : out;
}

}  // namespace gradus
