// Nodes with weights: convolutions, products, norms.
#include <algorithm>
#include <numeric>

#include "../../core/base/error.h"
#include "../norm.h"
#include "import_window.h"

namespace gradus::onnx {

namespace {

// --- Convolutions ---

template <size_t N>
Tensor conv(const Tensor& x, const Tensor& weight, const Tensor& bias, const ConvOptions<N>& o) {
  if constexpr (N == 1) return conv1d(x, weight, bias, o);
  if constexpr (N == 2) return conv2d(x, weight, bias, o);
  if constexpr (N == 3) return conv3d(x, weight, bias, o);
}
template <size_t N>
Tensor conv(const Tensor& x, const Tensor& weight, const Tensor& bias,
            const ConvTransposeOptions<N>& o) {
  if constexpr (N == 1) return conv_transpose1d(x, weight, bias, o);
  if constexpr (N == 2) return conv_transpose2d(x, weight, bias, o);
  if constexpr (N == 3) return conv_transpose3d(x, weight, bias, o);
}

/// The sizes of windows, which are those of the weight [O, C, ...].
Integers kernel_of(const Windows& windows, const Tensor& x, const Tensor& weight) {
  const int64_t dims = spatial_dims(x);
  require<ShapeError>(weight.dim() == x.dim(), load_op, export_again, "weight ", weight.shape(),
                      " does not fit input ", x.shape());
  Integers kernel(weight.shape().begin() + 2, weight.shape().end());
  const Integers told = windows.kernel(dims);
  require<ShapeError>(!windows.has_kernel() || told == kernel, load_op, export_again,
                      "kernel_shape is not that of weight ", weight.shape());
  return kernel;
}

Compute conv_node(NodeReader& n) {
  const Windows windows(n, false);
  const int64_t groups = n.integer("group", 1);
  return one([=](const Call& c) {
    return for_spatial_dims(c[0], [&]<size_t N>() {
      const Pads pads = windows.pads(c[0], kernel_of(windows, c[0], c[1]));
      const bool symmetric = are_symmetric(pads);
      const ConvOptions<N> o{.stride = sizes_of<N>(windows.strides(N)),
                             .padding = symmetric ? begins_of<N>(pads) : Sizes<N>(0),
                             .dilation = sizes_of<N>(windows.dilations(N)),
                             .groups = groups};
      return conv<N>(symmetric ? c[0] : pad_spatial(c[0], pads, 0), c[1], c[2], o);
    });
  });
}

/// Attributes of a transposed convolution, whose pads may follow from sizes of the output.
struct TransposedNode {
  Windows windows;
  Integers output_padding, output_shape;
  int64_t groups;

  /// What is cut off the output of x, or, where negative, added.
  Pads cuts(const Tensor& x, const Integers& kernel) const {
    const int64_t dims = spatial_dims(x);
    const AutoPad kind = windows.auto_pad();
    if (kind == AutoPad::valid) return Pads(static_cast<size_t>(dims), {0, 0});
    if (kind == AutoPad::none && output_shape.empty()) return windows.given_pads(dims);
    const Integers stride = windows.strides(dims), dilation = windows.dilations(dims);
    const Integers added = Windows::sized("output_padding", output_padding, dims, 0);
    Integers target = output_shape;  // of spatial dimensions, or all of them
    if (static_cast<int64_t>(target.size()) == dims + 2)
      target.erase(target.begin(), target.begin() + 2);
    Pads cuts;
    for (size_t i = 0; i < static_cast<size_t>(dims); ++i) {
      const int64_t size = x.size(static_cast<int64_t>(i) + 2);
      const int64_t whole = stride[i] * (size - 1) + added[i] + dilation[i] * (kernel[i] - 1) + 1;
      const int64_t wanted =
          target.empty() ? size * stride[i] : Windows::sized("output_shape", target, dims, 0)[i];
      const int64_t total = whole - wanted, half = total / 2;
      cuts.push_back({half, total - half});
      if (total < 0) cuts.back() = {0, total};  // more than weights reach: added at the end
      // The standard cuts the odd element off the end for SAME_UPPER and off the beginning else.
      if (total > 0 && kind != AutoPad::same_upper) std::swap(cuts.back()[0], cuts.back()[1]);
    }
    return cuts;
  }
};

Compute conv_transpose_node(NodeReader& n) {
  const TransposedNode node{Windows(n, false), n.integers("output_padding").value_or(Integers()),
                            n.integers("output_shape").value_or(Integers()), n.integer("group", 1)};
  return one([=](const Call& c) {
    return for_spatial_dims(c[0], [&]<size_t N>() {
      Pads cuts = node.cuts(c[0], kernel_of(node.windows, c[0], c[1]));
      ConvTransposeOptions<N> o{.stride = sizes_of<N>(node.windows.strides(N)),
                                .output_padding = sizes_of<N>(
                                    Windows::sized("output_padding", node.output_padding, N, 0)),
                                .dilation = sizes_of<N>(node.windows.dilations(N)),
                                .groups = node.groups};
      const bool direct =
          are_symmetric(cuts) && std::ranges::all_of(cuts, [](auto& cut) { return cut[0] >= 0; });
      if (direct) o.padding = begins_of<N>(cuts);
      Tensor y = conv<N>(c[0], c[1], direct ? c[2] : Tensor(), o);
      if (direct) return y;
      for (auto& [begin, end] : cuts) {
        begin = -begin;
        end = -end;
      }
      const Tensor cut = pad_spatial(y, cuts, 0);
      return c.has(2) ? cut + reshape(c[2], Shape{1, c[2].numel(), 1, 1, 1}.part(0, cut.dim()))
                      : cut;
    });
  });
}

// --- Products ---

/// alpha A B + beta C, each of A and B transposed or not.
Compute gemm(NodeReader& n) {
  const double alpha = n.number("alpha", 1), beta = n.number("beta", 1);
  const bool a_transposed = n.flag("transA", false), b_transposed = n.flag("transB", false);
  return one([=](const Call& c) {
    const Tensor a = a_transposed ? c[0].T() : c[0];
    const bool fits = b_transposed && alpha == 1 && beta == 1;
    if (fits && (!c.has(2) || (c[2].dim() == 1 && c[2].size(0) == c[1].size(0)))) {
      return linear(a, c[1], c[2]);
    }
    Tensor y = matmul(a, b_transposed ? c[1].T() : c[1]);
    if (alpha != 1) y = y * alpha;
    if (!c.has(2) || beta == 0) return y;
    return y + (beta == 1 ? c[2] : c[2] * beta);
  });
}

Compute einsum_of(NodeReader& n) {
  std::string equation = n.text("equation", "");
  std::erase(equation, ' ');
  return one([equation](const Call& c) { return einsum(equation, c.inputs); });
}

// --- Norms ---

/// Batch norm of any number of dimensions, which a file does not tell. Otherwise the layers of
/// nn/norm.h: they can be frozen, synchronized and recomputed.
class BatchNorm : public nn::ChannelNormLayer {
 public:
  BatchNorm(int64_t channels, double eps, double momentum, bool affine)
      : ChannelNormLayer({.type = "BatchNorm",
                          .over = nn::NormOver::batch,
                          .spatial = 2,
                          .channels = channels,
                          .eps = eps,
                          .momentum = momentum,
                          .affine = affine,
                          .tracks = true}) {}
  std::string type() const override { return "BatchNorm"; }
  Tensor forward(const Tensor& x) override {
    require<ShapeError>(x.dim() >= 2 && x.size(1) == num_channels(), "BatchNorm",
                        "channels are dimension 1", "expected ", num_channels(),
                        " channels, got input ", x.shape());
    return normalize(x);
  }
};

/// "layer1.bn" of "layer1.bn.running_mean"; else the name of the node.
std::string norm_path(const NodeReader& n) {
  constexpr std::string_view ending = ".running_mean";
  const std::string& name = n.node().inputs[3];
  if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  return n.node().name.empty() ? n.node().op_type : n.node().name;
}

bool all_equal(const Tensor& x, double value) {
  return all(eq(x, value)).item<bool>();
}

Compute batch_norm(NodeReader& n) {
  Tensor given[4];
  for (size_t i = 0; i < 4; ++i) {
    const std::string& name = n.node().inputs[i + 1];
    given[i] = n.net().given(name);
    n.check(given[i].defined(), "export the net for inference", "'", printable(name),
            "' is computed rather than stored");
    const bool fits = given[i].dim() == 1 && given[i].shape() == given[0].shape() &&
                      given[i].numel() > 0 && is_floating(given[i].dtype()) &&
                      given[i].dtype() == given[0].dtype();
    n.check(fits, export_again, "'", printable(name), "' is ", given[i].dtype(), " ",
            given[i].shape());
  }
  const double eps = n.number("epsilon", 1e-5), momentum = n.number("momentum", 0.9);
  n.check(eps >= 0 && momentum >= 0 && momentum <= 1, export_again, "epsilon ", eps, ", momentum ",
          momentum);
  n.check(n.flag("spatial", true), "", "spatial = 0 is not supported");
  n.ignore("training_mode");  // the mode of the net decides
  const std::string path = norm_path(n);
  const bool trivial = all_equal(given[0], 1) && all_equal(given[1], 0);
  const bool affine = !trivial || n.node().inputs[1] == path + ".weight";
  auto layer = std::make_unique<BatchNorm>(given[0].numel(), eps, 1 - momentum, affine);
  Tensor* const own[4] = {&layer->weight, &layer->bias, &layer->running_mean, &layer->running_var};
  for (size_t i = 0; i < 4; ++i) {
    if (own[i]->defined()) own[i]->set_data(n.net().copy(given[i]));
  }
  auto* const norm = layer.get();
  n.net().add_layer(path, std::move(layer));
  return one([norm](const Call& c) { return (*norm)(c[0]); });
}

Compute instance_norm_node(NodeReader& n) {
  const double eps = n.number("epsilon", 1e-5);
  return one([eps](const Call& c) { return instance_norm(c[0], c[1], c[2], eps).y; });
}

/// Norms over the dimensions from `axis` on. Weights that do not have the sizes of those, but
/// broadcast, are applied afterwards.
template <class F>
Compute norm_from(NodeReader& n, F norm) {
  const int64_t axis = n.integer("axis", -1);
  const double eps = n.number("epsilon", 1e-5);
  n.ignore("stash_type");  // of statistics: Gradus' have the precision they need
  return one([=](const Call& c) {
    const Tensor& x = c[0];
    const Shape sizes = x.shape().part(normalize_dim(load_op, axis, x.shape()), x.dim());
    const bool fits = (!c.has(1) || c[1].shape() == sizes) && (!c.has(2) || c[2].shape() == sizes);
    if (fits) return norm(x, sizes, c[1], c[2], eps);
    const Tensor y = norm(x, sizes, {}, {}, eps), scaled = c.has(1) ? y * c[1] : y;
    return c.has(2) ? scaled + c[2] : scaled;
  });
}

Compute layer_norm_node(NodeReader& n) {
  return norm_from(n,
                   [](const Tensor& x, const Shape& sizes, const Tensor& weight, const Tensor& bias,
                      double eps) { return layer_norm(x, sizes, weight, bias, eps); });
}
Compute rms_norm_node(NodeReader& n) {
  return norm_from(n, [](const Tensor& x, const Shape& sizes, const Tensor& weight, const Tensor&,
                         double eps) { return rms_norm(x, sizes, weight, eps); });
}

/// Weights are those of groups before opset 21, and of channels since.
Compute group_norm_node(NodeReader& n) {
  const double eps = n.number("epsilon", 1e-5);
  const int64_t groups = n.integer("num_groups", 0);
  n.check(groups >= 1, export_again, "num_groups is ", groups);
  n.ignore("stash_type");
  const bool by_group = n.opset() < 21;
  return one([=](const Call& c) {
    const auto per_channel = [&](const Tensor& t) {
      if (!by_group) return t;
      const int64_t channels = c[0].size(1);
      return reshape(expand(reshape(t, {groups, 1}), {groups, channels / groups}), {channels});
    };
    return group_norm(c[0], groups, per_channel(c[1]), per_channel(c[2]), eps);
  });
}

/// Of an even number of channels, ONNX has the larger half after the channel itself, Gradus before.
Compute response_norm(NodeReader& n) {
  const int64_t size = n.integer("size", 0);
  n.check(size >= 1, export_again, "size is ", size);
  const double alpha = n.number("alpha", 1e-4), beta = n.number("beta", 0.75);
  const double k = n.number("bias", 1);
  return one([=](const Call& c) {
    if (size % 2 == 1) return local_response_norm(c[0], size, alpha, beta, k);
    return flip(local_response_norm(flip(c[0], {1}), size, alpha, beta, k), {1});
  });
}

constexpr OpRow layer_table[] = {
    {"Conv", conv_node, 2, 3},
    {"ConvTranspose", conv_transpose_node, 2, 3},
    {"Gemm", gemm, 2, 3},
    {"MatMul", [](NodeReader&) { return one([](const Call& c) { return matmul(c[0], c[1]); }); }, 2,
     2},
    {"Einsum", einsum_of, 1, OpRow::any},
    {"BatchNormalization", batch_norm, 5, 5, 0b11110},
    {"InstanceNormalization", instance_norm_node, 3, 3},
    {"LayerNormalization", layer_norm_node, 2, 3},
    {"RMSNormalization", rms_norm_node, 2, 2},
    {"GroupNormalization", group_norm_node, 3, 3},
    {"LRN", response_norm},
};

}  // namespace

std::span<const OpRow> layer_rows() {
  return layer_table;
}

}  // namespace gradus::onnx
