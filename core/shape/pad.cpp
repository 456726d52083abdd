// Padding.
#include <algorithm>
#include <array>

#include "../op_support.h"

namespace gradus {

using namespace ops;

namespace {

/// Elements to add before and after each dimension, counted from the last one backwards; negative
/// ones crop.
using Pads = std::array<std::array<int64_t, 2>, Shape::max_dims>;

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
  return record("pad", inputs(x), out, saved(), pads, [](auto&, auto& p, auto& g) {
    Pads back = p;
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
