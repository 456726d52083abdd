// Resampling of spatial dimensions, one after the other.
#include <cmath>

#include "../op_support.h"

namespace gradus {

using namespace ops;

namespace {

/// Of one dimension of the output: as far as float32, in which places are computed, can count.
constexpr int64_t max_out = int64_t{1} << 24;

/// One dimension to be resampled: output element i is at about i `step` in the input.
struct Resampling {
  int dim;
  int64_t in, out;
  double step;
};

/// The whole number from a product down; one that it misses by no more than the rounding of both
/// factors, the ratio of two sizes in most cases, is that number.
double whole_part(double product) {
  const double nearest = std::nearbyint(product);
  return std::abs(product - nearest) <= 0x1p-51 * nearest ? nearest : std::floor(product);
}

void check_options(const UpsampleOptions& o) {
  require(o.size.empty() != !o.scale_factor, "upsample", "give one of the two",
          "needs either a size or a scale_factor");
  const double scale = o.scale_factor.value_or(1);
  require(scale > 0 && std::isfinite(scale), "upsample", "2 doubles each size",
          "scale_factor must be positive, got ", scale);
  require(!o.align_corners || o.mode == UpsampleMode::linear, "upsample",
          "use UpsampleMode::linear, or leave align_corners out",
          "align_corners is for linear modes");
}

Resampling resampling_of(const Tensor& x, int dim, const UpsampleOptions& o) {
  const int64_t in = x.size(dim);
  if (o.scale_factor) {
    const double out = whole_part(static_cast<double>(in) * *o.scale_factor);
    return {dim, in, static_cast<int64_t>(std::min(out, static_cast<double>(max_out + 1))),
            1 / *o.scale_factor};
  }
  const int64_t out = o.size.dim() == 1 ? o.size[0] : o.size[dim - 2];
  return {dim, in, out, static_cast<double>(in) / static_cast<double>(out)};
}

Tensor indices(const std::vector<int64_t>& list) {
  return tensor(list, {static_cast<int64_t>(list.size())});
}

Tensor nearest(const Tensor& x, const Resampling& r) {
  // In float32, as everywhere in the field: if i H / H' is an integer, its rounding decides.
  const auto step = static_cast<float>(r.step);
  std::vector<int64_t> sources;
  for (int64_t i = 0; i < r.out; ++i) {
    const auto source = static_cast<int64_t>(std::floor(static_cast<float>(i) * step));
    sources.push_back(std::min(source, r.in - 1));
  }
  return index_select(x, r.dim, indices(sources));
}

Tensor linear_between(const Tensor& x, const Resampling& r, bool align_corners) {
  const double step = !align_corners ? r.step
                      : r.out > 1 ? static_cast<double>(r.in - 1) / static_cast<double>(r.out - 1)
                                  : 0;
  std::vector<int64_t> before, behind;
  std::vector<double> weights;  // of the second of both
  for (int64_t i = 0; i < r.out; ++i) {
    const auto position = static_cast<double>(i);
    const double at =
        align_corners ? step * position : std::max(step * (position + 0.5) - 0.5, 0.0);
    before.push_back(std::min(static_cast<int64_t>(at), r.in - 1));
    behind.push_back(std::min(before.back() + 1, r.in - 1));
    weights.push_back(std::min(at - static_cast<double>(before.back()), 1.0));
  }
  Shape along = Shape::filled(x.dim(), 1);
  along[r.dim] = r.out;
  const Tensor weight = to(tensor(weights, along), x.dtype());
  return add(mul(index_select(x, r.dim, indices(before)), sub(1, weight)),
             mul(index_select(x, r.dim, indices(behind)), weight));
}

}  // namespace

Tensor upsample(const Tensor& x, const UpsampleOptions& options) {
  const Tape::Span span("upsample", options);
  check_floating("upsample", x);
  check_options(options);
  const int spatial = x.dim() - 2;
  require<ShapeError>(
      spatial >= 1 && spatial <= 3 && (options.size.dim() <= 1 || options.size.dim() == spatial),
      "upsample", "one size per dimension after the channels",
      "expected [N,C,...] with one to three spatial dimensions, and as many sizes, "
      "got ",
      x.shape(), " and size ", options.size);
  Tensor y = x;
  for (int d = 2; d < x.dim(); ++d) {
    const Resampling r = resampling_of(x, d, options);
    require<ShapeError>(r.in >= 1, "upsample", "only the batch may be empty",
                        "nothing to take values from in ", x.shape());
    require(r.out >= 1 && r.out <= max_out, "upsample", "1 to 16777216 is possible", "dimension ",
            d, " of ", x.shape(), " would get size ", r.out);
    y = options.mode == UpsampleMode::nearest ? nearest(y, r)
                                              : linear_between(y, r, options.align_corners);
  }
  return y;
}

}  // namespace gradus
