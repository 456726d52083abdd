// Windows, pools and resampling.
#include <algorithm>
#include <cmath>
#include <limits>

#include "../../core/base/error.h"
#include "import_window.h"

namespace gradus::onnx {

// --- Windows ---

Windows::Windows(NodeReader& n, bool kernel)
    : kernel_(n.integers("kernel_shape").value_or(Integers())),
      strides_(n.integers("strides").value_or(Integers())),
      dilations_(n.integers("dilations").value_or(Integers())),
      pads_(n.integers("pads").value_or(Integers())) {
  const std::string name = n.text("auto_pad", "NOTSET");
  static constexpr std::string_view names[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
  const auto* const found = std::ranges::find(names, name);
  n.check(found != std::end(names), export_again, "auto_pad '", printable(name), "' is unknown");
  auto_pad_ = static_cast<AutoPad>(found - std::begin(names));
  n.check(!kernel || !kernel_.empty(), export_again, "it has no kernel_shape");
  for (const Integers* list : {&kernel_, &strides_, &dilations_}) {
    const bool positive = std::ranges::all_of(*list, [](int64_t i) { return i >= 1; });
    n.check(positive, export_again, "sizes, strides and dilations must be positive");
  }
}

Integers Windows::sized(const char* what, const Integers& given, int64_t dims, int64_t otherwise) {
  if (given.empty()) return Integers(static_cast<size_t>(dims), otherwise);
  require<ShapeError>(static_cast<int64_t>(given.size()) == dims, load_op, export_again, what,
                      " has ", given.size(), " numbers, for input with ", dims,
                      " spatial dimensions");
  return given;
}

Pads Windows::given_pads(int64_t dims) const {
  const Integers list = sized("pads", pads_, 2 * dims, 0);
  Pads pads;
  for (size_t i = 0; i < static_cast<size_t>(dims); ++i) {
    pads.push_back({list[i], list[i + static_cast<size_t>(dims)]});
  }
  return pads;
}

Pads Windows::pads(const Tensor& x, const Integers& kernel) const {
  const int64_t dims = spatial_dims(x);
  if (auto_pad_ == AutoPad::none) return given_pads(dims);
  Pads pads(static_cast<size_t>(dims), {0, 0});
  if (auto_pad_ == AutoPad::valid) return pads;
  const Integers stride = strides(dims), dilation = dilations(dims);
  for (size_t i = 0; i < pads.size(); ++i) {  // as many windows as strides fit into the input
    const int64_t size = x.size(static_cast<int64_t>(i) + 2);
    const int64_t windows = (size + stride[i] - 1) / stride[i];
    const int64_t span = (windows - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1;
    const int64_t missing = std::max<int64_t>(span - size, 0);
    const int64_t smaller = missing / 2;
    pads[i] = {smaller, missing - smaller};
    if (auto_pad_ == AutoPad::same_lower) std::swap(pads[i][0], pads[i][1]);
  }
  return pads;
}

Tensor pad_spatial(const Tensor& x, const Pads& pads, double value) {
  Integers list;
  for (auto it = pads.rbegin(); it != pads.rend(); ++it)
    list.insert(list.end(), it->begin(), it->end());
  return pad(x, list, PadMode::constant, value);
}

bool are_symmetric(const Pads& pads) {
  return std::ranges::all_of(pads, [](const auto& p) { return p[0] == p[1]; });
}

int64_t spatial_dims(const Tensor& x) {
  require<ShapeError>(x.dim() >= 3 && x.dim() <= 5, load_op,
                      "windows slide over one to three dimensions", "expected [N,C,...], got ",
                      x.shape());
  return x.dim() - 2;
}

// --- Pools ---

namespace {

enum class PoolKind { max, average, norm };

/// The attributes of a pool.
struct PoolNode {
  PoolNode(NodeReader& n, PoolKind k)
      : kind(k),
        windows(n, true),
        ceil_mode(n.flag("ceil_mode", false)),
        count_include_pad(k == PoolKind::average && n.flag("count_include_pad", false)),
        norm_type(k == PoolKind::norm ? static_cast<double>(n.integer("p", 2)) : 0) {}

  PoolKind kind;
  Windows windows;
  bool ceil_mode, count_include_pad;
  double norm_type;
};

template <size_t N>
Tensor pool(const PoolNode& node, const Tensor& x, const PoolOptions<N>& o) {
  static constexpr auto max_pool = [](auto&... args) {
    if constexpr (N == 1) return max_pool1d(args...);
    if constexpr (N == 2) return max_pool2d(args...);
    if constexpr (N == 3) return max_pool3d(args...);
  };
  static constexpr auto avg_pool = [](auto&... args) {
    if constexpr (N == 1) return avg_pool1d(args...);
    if constexpr (N == 2) return avg_pool2d(args...);
    if constexpr (N == 3) return avg_pool3d(args...);
  };
  if (node.kind == PoolKind::max) return max_pool(x, o);
  if (node.kind == PoolKind::average) return avg_pool(x, o);
  if constexpr (N == 1) return lp_pool1d(x, node.norm_type, o);
  if constexpr (N == 2) return lp_pool2d(x, node.norm_type, o);
  throw ShapeError(load_op, "LpPool of three dimensions is not supported", "");
}

/// The windows that begin before the end of the input: others see nothing but padding.
int64_t windows_in_input(int64_t size, int64_t begin, int64_t stride, int64_t all) {
  return std::min(all, (size + begin - 1) / stride + 1);
}

/// A pool of what is padded explicitly: with sides that differ, or more than Gradus' pools take.
template <size_t N>
Tensor pool_padded(const PoolNode& node, const Tensor& x, PoolOptions<N> o, const Pads& pads) {
  o.padding = 0;
  const bool is_max = node.kind == PoolKind::max;
  const double nothing = is_max ? -std::numeric_limits<double>::infinity() : 0;
  const bool counts_elements = node.kind == PoolKind::average && !node.count_include_pad;
  if (counts_elements) o.divisor_override = 1;
  Tensor y = pool<N>(node, pad_spatial(x, pads, nothing), o);
  if (counts_elements) {
    const Tensor ones = pad_spatial(ones_like(x.detach()), pads, 0);
    y = y / pool<N>(node, ones, o);
  }
  for (size_t i = 0; node.ceil_mode && i < N; ++i) {
    const auto dim = static_cast<int64_t>(i) + 2;
    y = narrow(y, dim, 0, windows_in_input(x.size(dim), pads[i][0], (*o.stride)[i], y.size(dim)));
  }
  return y;
}

template <size_t N>
Tensor pool_with(const PoolNode& node, const Tensor& x) {
  const Integers kernel = node.windows.kernel(N), dilations = node.windows.dilations(N);
  const Pads pads = node.windows.pads(x, kernel);
  PoolOptions<N> o{.kernel_size = sizes_of<N>(kernel),
                   .stride = sizes_of<N>(node.windows.strides(N)),
                   .padding = begins_of<N>(pads),
                   .dilation = sizes_of<N>(dilations),
                   .ceil_mode = node.ceil_mode,
                   .count_include_pad = node.kind != PoolKind::average || node.count_include_pad};
  bool fits = are_symmetric(pads) && node.kind != PoolKind::norm;
  for (size_t i = 0; i < N; ++i) fits = fits && 2 * pads[i][0] <= kernel[i];
  return fits ? pool<N>(node, x, o) : pool_padded<N>(node, x, o, pads);
}

template <PoolKind kind>
Compute pool_node(NodeReader& n) {
  const PoolNode node(n, kind);
  n.check(n.integer("storage_order", 0) == 0, "", "storage_order 1 is not supported");
  n.check(kind != PoolKind::norm || !node.ceil_mode, "", "ceil_mode is not supported");
  const auto dilations = n.integers("dilations").value_or(Integers());
  const bool dilated = std::ranges::any_of(dilations, [](int64_t d) { return d != 1; });
  n.check(kind == PoolKind::max || !dilated, "", "dilations are not supported");
  return one([node](const Call& c) {
    return for_spatial_dims(c[0], [&]<size_t N>() { return pool_with<N>(node, c[0]); });
  });
}

template <Tensor (*reduce)(const Tensor&, const Dims&, bool)>
Compute global_pool(NodeReader&) {
  return one([](const Call& c) {
    Dims dims;
    for (int d = 2; d < c[0].dim(); ++d) dims.push_back(d);
    return dims.empty() ? c[0] : reduce(c[0], dims, true);
  });
}

// --- Resampling ---

/// How Resize computes places, and what Gradus knows about them.
struct ResizeNode {
  std::string places, rounding;
  bool linear;
};

/// Nearest elements are those before i H / H' in Gradus. Other rules choose the same if H' is a
/// multiple of H.
bool is_same_as_floor(const ResizeNode& node, int64_t in, int64_t out) {
  const bool multiple = out % in == 0;
  if (node.places == "asymmetric") {
    return node.rounding == "floor" || out == in;
  }
  if (node.places == "tf_half_pixel_for_nn") return node.rounding == "floor" && multiple;
  const bool halves = node.places == "half_pixel" || node.places == "pytorch_half_pixel";
  return halves && multiple && (node.rounding.starts_with("round_prefer") || out == in);
}

bool is_exact(const ResizeNode& node, int64_t in, int64_t out) {
  if (!node.linear) return is_same_as_floor(node, in, out);
  // The place of a single element is where these two differ.
  return node.places != "pytorch_half_pixel" || out > 1 || in == 1;
}

/// Sizes from `scales`, each of which has to lead to a whole number.
Integers scaled(const Tensor& x, const Tensor& scales) {
  const auto factors = scales.to(float64).to_vector<double>();
  Integers sizes;
  for (size_t i = 0; i < factors.size(); ++i) {
    const double exact = static_cast<double>(x.size(static_cast<int64_t>(i))) * factors[i];
    const double whole = std::round(exact);
    require<ShapeError>(std::abs(exact - whole) <= 1e-6 * whole && whole >= 1 && whole < 0x1p31,
                        load_op, "export it with sizes instead of scales", "dimension ", i, " of ",
                        x.shape(), " times ", factors[i], " is not a whole number");
    sizes.push_back(static_cast<int64_t>(whole));
  }
  return sizes;
}

Tensor resize_to(const ResizeNode& node, const Tensor& x, const Integers& sizes) {
  const int64_t dims = spatial_dims(x);
  require<ShapeError>(static_cast<int64_t>(sizes.size()) == dims + 2 && sizes[0] == x.size(0) &&
                          sizes[1] == x.size(1),
                      load_op, "spatial dimensions can be resized", "cannot resize ", x.shape(),
                      " in this way");
  Shape spatial;
  for (int d = 2; d < x.dim(); ++d) {
    const int64_t in = x.shape()[d], out = sizes[static_cast<size_t>(d)];
    spatial.push_back(out);
    require<ShapeError>(is_exact(node, in, out), load_op,
                        "asymmetric with floor and linear half_pixel are exact for all sizes", "'",
                        node.places, "' with '", node.rounding, "' from ", in, " to ", out,
                        " is not what Gradus computes");
  }
  return upsample(x, {.size = spatial,
                      .mode = node.linear ? UpsampleMode::linear : UpsampleMode::nearest,
                      .align_corners = node.places == "align_corners"});
}

ResizeNode resize_node(NodeReader& n, const char* places, const char* rounding) {
  const std::string mode = n.text("mode", "nearest");
  n.check(mode == "nearest" || mode == "linear" || mode == "bilinear", "use nearest or linear",
          "mode '", printable(mode), "' is not supported");
  ResizeNode node{n.text("coordinate_transformation_mode", places),
                  n.text("nearest_mode", rounding), mode != "nearest"};
  const bool halves = node.places == "half_pixel" || node.places == "pytorch_half_pixel";
  n.check(!node.linear || halves || node.places == "align_corners",
          "export it with opset 11 or later, and half_pixel or align_corners",
          "linear with coordinate_transformation_mode '", printable(node.places),
          "' is not supported");
  n.check(
      node.linear || halves || node.places == "asymmetric" || node.places == "tf_half_pixel_for_nn",
      "use asymmetric", "nearest with coordinate_transformation_mode '", printable(node.places),
      "' is not supported");
  return node;
}

/// Inputs are (x, scales) in opset 10, later (x, roi, scales, sizes). Before opset 11 places were
/// asymmetric.
Compute resize(NodeReader& n) {
  const bool old = n.opset() < 11;
  const ResizeNode node = old ? resize_node(n, "asymmetric", "floor")
                              : resize_node(n, "half_pixel", "round_prefer_floor");
  const auto axes = n.integers("axes");
  n.check(!n.flag("antialias", false) && !axes, "", "antialias and axes are not supported");
  n.check(n.text("keep_aspect_ratio_policy", "stretch") == "stretch", "",
          "keep_aspect_ratio_policy is not supported");
  for (const char* unused : {"cubic_coeff_a", "exclude_outside", "extrapolation_value"}) {
    n.ignore(unused);  // of modes that are refused
  }
  const size_t scales = old ? 1 : 2;
  n.check(n.has_input(scales) || n.has_input(3), export_again, "it has neither scales nor sizes");
  return one([=](const Call& c) {
    const bool by_size = !old && c.has(3) && c[3].numel() > 0;
    return resize_to(node, c[0], by_size ? integers_of(c[3]) : scaled(c[0], c[scales]));
  });
}

/// Scales are an attribute before opset 9.
Compute upsample_by(NodeReader& n) {
  const ResizeNode node = resize_node(n, "asymmetric", "floor");
  const auto factors = n.numbers("scales");
  return one([=](const Call& c) {
    return resize_to(node, c[0], scaled(c[0], c.has(1) ? c[1] : tensor(factors)));
  });
}

constexpr OpRow pool_table[] = {
    {"MaxPool", pool_node<PoolKind::max>},    {"AveragePool", pool_node<PoolKind::average>},
    {"LpPool", pool_node<PoolKind::norm>},    {"GlobalMaxPool", global_pool<amax>},
    {"GlobalAveragePool", global_pool<mean>}, {"Resize", resize, 1, 4, 0b1110},
    {"Upsample", upsample_by, 1, 2, 0b10},
};

}  // namespace

std::span<const OpRow> pool_rows() {
  return pool_table;
}

}  // namespace gradus::onnx
