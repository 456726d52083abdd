// Nodes that move elements, and those that compute with shapes, which are int64 tensors at run
// time: so nets work for every batch size.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "../../core/base/error.h"
#include "import_node.h"

namespace gradus::onnx {

namespace {

/// Dimensions counted from the front.
Integers dims_of(const Integers& axes, const Shape& shape) {
  Integers dims;
  for (const int64_t axis : axes) dims.push_back(normalize_dim(load_op, axis, shape));
  return dims;
}

Shape shape_of(const Integers& sizes) {
  return Shape(std::span<const int64_t>(sizes));
}

// --- Views ---

Compute reshape_to(NodeReader& n) {
  const bool zero_is_size = n.flag("allowzero", false);
  return one([=](const Call& c) {
    Integers sizes = integers_of(c[1]);
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] == 0 && !zero_is_size) sizes[i] = c[0].size(static_cast<int64_t>(i));
    }
    return reshape(c[0], shape_of(sizes));
  });
}

/// To a matrix: the dimensions before `axis`, and the others.
Compute flatten_at(NodeReader& n) {
  const int64_t axis = n.integer("axis", 1);
  return one([axis](const Call& c) {
    const Shape& shape = c[0].shape();
    const int split = axis == shape.dim() ? shape.dim() : normalize_dim(load_op, axis, shape);
    return reshape(c[0], {shape.part(0, split).numel(), shape.part(split, shape.dim()).numel()});
  });
}

Compute transpose_by(NodeReader& n) {
  const auto order = n.integers("perm");
  return one([order](const Call& c) {
    Integers dims(static_cast<size_t>(c[0].dim()));
    std::iota(dims.rbegin(), dims.rend(), 0);
    return permute(c[0], shape_of(order ? *order : dims));
  });
}

Compute squeeze_at(NodeReader& n) {
  return one([axes = Numbers(n, "axes", 1)](const Call& c) {
    const auto given = axes.of(c);
    if (!given) return squeeze(c[0]);
    Shape shape = c[0].shape();
    Integers dims = dims_of(*given, shape);
    std::ranges::sort(dims, std::greater());
    for (const int64_t dim : dims) {
      require<ShapeError>(shape[static_cast<int>(dim)] == 1, load_op,
                          "the file squeezes a size that its exporter saw as 1", "dimension ", dim,
                          " of ", c[0].shape(), " cannot be squeezed");
      shape.erase(static_cast<int>(dim));
    }
    return reshape(c[0], shape);
  });
}

Compute unsqueeze_at(NodeReader& n) {
  return one([axes = Numbers(n, "axes", 1)](const Call& c) {
    Shape shape = c[0].shape();
    const auto given = axes.of(c);
    const auto rank = shape.dim() + static_cast<int64_t>(given ? given->size() : 0);
    Integers dims = given.value_or(Integers());
    for (int64_t& dim : dims) dim += dim < 0 ? rank : 0;  // axes are those of the result
    std::ranges::sort(dims);
    for (const int64_t dim : dims) {
      require<ShapeError>(dim >= 0 && dim <= shape.dim(), load_op, "axes are those of the result",
                          "axis ", dim, " cannot be inserted into ", c[0].shape());
      shape.insert(static_cast<int>(dim), 1);
    }
    return reshape(c[0], shape);
  });
}

Tensor expand_to(const Tensor& x, const Tensor& shape) {
  return expand(x, broadcast_shapes(load_op, x.shape(), shape_of(integers_of(shape))));
}

// --- Parts ---

/// As Python's x[start:end:step].
Tensor sliced(const Tensor& x, int64_t axis, int64_t start, int64_t end, int64_t step) {
  require(step != 0 && step > -(int64_t{1} << 62), load_op, "1 takes every element",
          "a slice with step ", step);
  const int64_t size = x.size(axis);
  const auto place = [size](int64_t at, int64_t low, int64_t high) {
    return std::clamp(at < 0 ? at + size : at, low, high);
  };
  const int64_t from = step > 0 ? place(start, 0, size) : place(start, -1, size - 1);
  // INT64_MIN is "before the first element".
  const int64_t to = step > 0 ? place(end, 0, size) : end < -size ? -1 : place(end, -1, size - 1);
  const int64_t distance = step > 0 ? to - from : from - to, stride = step > 0 ? step : -step;
  const int64_t length = distance <= 0 ? 0 : (distance - 1) / stride + 1;
  if (step > 0 || length == 0) return slice(x, axis, length == 0 ? 0 : from, length, stride);
  return slice(flip(x, {axis}), axis, size - 1 - from, length, stride);
}

Compute slice_by(NodeReader& n) {
  const Numbers starts(n, "starts", 1), ends(n, "ends", 2), axes(n, "axes", 3);
  return one([=](const Call& c) {
    Tensor x = c[0];
    const Integers from = starts.of(c).value_or(Integers()), to = ends.of(c).value_or(Integers());
    Integers all(from.size());
    std::iota(all.begin(), all.end(), 0);
    const Integers along = axes.of(c).value_or(all);
    const Integers steps = c.has(4) ? integers_of(c[4]) : Integers(from.size(), 1);
    require<ShapeError>(
        to.size() == from.size() && along.size() == from.size() && steps.size() == from.size(),
        load_op, export_again, "starts, ends, axes and steps differ in number");
    for (size_t i = 0; i < from.size(); ++i) x = sliced(x, along[i], from[i], to[i], steps[i]);
    return x;
  });
}

Compute split_along(NodeReader& n) {
  const int64_t axis = n.integer("axis", 0);
  auto parts = static_cast<int64_t>(n.node().outputs.size());
  const int64_t told = n.integer("num_outputs", parts);
  n.check(told == parts, export_again, "it has ", parts, " outputs, and num_outputs is ", told);
  return [=, sizes = Numbers(n, "split", 1)](const Call& c) {
    const auto given = sizes.of(c);
    const int64_t size = (c[0].size(axis) + parts - 1) / parts;  // the last part may be smaller
    const auto list = given ? split(c[0], *given, axis) : split(c[0], size, axis);
    require<ShapeError>(static_cast<int64_t>(list.size()) == parts, load_op, export_again, "the ",
                        parts, " outputs do not fit dimension ", axis, " of ", c[0].shape());
    return Tensors(list.begin(), list.end());
  };
}

/// Negative indices count from the end.
Tensor counted_from_front(const Tensor& index, int64_t size) {
  Tensor i = index.to(int64);
  if (i.numel() == 0 || min(i).item() >= 0) return i;
  return where(lt(i, 0), i + static_cast<double>(size), i);
}

Compute gather_along(NodeReader& n) {
  const int64_t axis = n.integer("axis", 0);
  return one([axis](const Call& c) {
    const Tensor x = c[0], index = counted_from_front(c[1], x.size(axis));
    const int dim = normalize_dim(load_op, axis, x.shape());
    if (index.dim() == 0) return select(x, dim, index.item<int64_t>());
    if (dim == 0 && x.dim() == 2 && is_floating(x.dtype())) return embedding(x, index);
    Shape shape = x.shape().part(0, dim);
    for (const int64_t size : index.shape()) shape.push_back(size);
    for (const int64_t size : x.shape().part(dim + 1, x.dim())) shape.push_back(size);
    return reshape(index_select(x, dim, reshape(index, {index.numel()})), shape);
  });
}

Compute gather_elements(NodeReader& n) {
  const int64_t axis = n.integer("axis", 0);
  return one([axis](const Call& c) {
    return gather(c[0], axis, counted_from_front(c[1], c[0].size(axis)));
  });
}

Compute scatter_elements(NodeReader& n) {
  const int64_t axis = n.integer("axis", 0);
  const std::string reduction = n.text("reduction", "none");
  n.check(reduction == "none" || reduction == "add", export_again, "reduction \"", reduction,
          "\" is not supported");
  return one([axis, adds = reduction == "add"](const Call& c) {
    const Tensor index = counted_from_front(c[1], c[0].size(axis));
    if (!adds) return scatter(c[0], axis, index, c[2]);
    return add(c[0], scatter_add(c[0].shape(), axis, index, c[2]));
  });
}

// --- Copies ---

Compute concat(NodeReader& n) {
  const int64_t axis = n.integer("axis", 1);
  return one([axis](const Call& c) { return cat(c.inputs, axis); });
}

/// Of pads [begin ..., end ...] for all dimensions or those of `axes`: as gradus::pad takes them.
Integers pads_from_last(const Integers& pads, const Integers& axes, const Tensor& x) {
  require<ShapeError>(pads.size() == 2 * axes.size(), load_op, export_again, "there are ",
                      pads.size(), " pads for ", axes.size(), " dimensions of ", x.shape());
  Integers list(2 * static_cast<size_t>(x.dim()), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto place = static_cast<size_t>(x.dim() - 1 - axes[i]);
    list[2 * place] = pads[i];
    list[2 * place + 1] = pads[i + axes.size()];
  }
  while (list.size() >= 2 && list.back() == 0 && list[list.size() - 2] == 0) {
    list.resize(list.size() - 2);
  }
  return list;
}

Compute pad_by(NodeReader& n) {
  struct Mode {
    std::string_view name;
    PadMode mode;
  };
  static constexpr Mode modes[] = {{"constant", PadMode::constant},
                                   {"reflect", PadMode::reflect},
                                   {"edge", PadMode::replicate},
                                   {"wrap", PadMode::circular}};
  const std::string name = n.text("mode", "constant");
  const auto* const row = std::ranges::find(modes, name, &Mode::name);
  n.check(row != std::end(modes), "", "mode '", printable(name), "' is unknown");
  const double otherwise = n.number("value", 0);
  return one([=, mode = row->mode, pads = Numbers(n, "pads", 1)](const Call& c) {
    Integers axes(static_cast<size_t>(c[0].dim()));
    std::iota(axes.begin(), axes.end(), 0);
    if (c.has(3)) axes = dims_of(integers_of(c[3]), c[0].shape());
    const double value = c.has(2) ? c[2].item() : otherwise;
    return pad(c[0], pads_from_last(pads.of(c).value_or(Integers()), axes, c[0]), mode, value);
  });
}

Tensor tile(const Tensor& x, const Tensor& repeats) {
  return repeat(x, shape_of(integers_of(repeats)));
}

/// Blocks of channels become blocks of pixels: channels are (block row, block column, C), or with
/// mode CRD (C, block row, block column).
Compute depth_to_space(NodeReader& n) {
  const int64_t b = n.integer("blocksize", 1);
  const std::string mode = n.text("mode", "DCR");
  n.check(b >= 1 && (mode == "DCR" || mode == "CRD"), export_again, "blocksize ", b, ", mode '",
          printable(mode), "'");
  const bool first = mode == "DCR";
  return one([=](const Call& c) {
    const Tensor& x = c[0];
    const int64_t samples = x.size(0), height = x.size(2), width = x.size(3);
    const int64_t channels = x.size(1) / (b * b);
    const Shape blocks = first ? Shape{samples, b, b, channels, height, width}
                               : Shape{samples, channels, b, b, height, width};
    const Shape order = first ? Shape{0, 3, 4, 1, 5, 2} : Shape{0, 1, 4, 2, 5, 3};
    return reshape(permute(reshape(x, blocks), order), {samples, channels, height * b, width * b});
  });
}

Compute space_to_depth(NodeReader& n) {
  const int64_t b = n.integer("blocksize", 1);
  n.check(b >= 1, export_again, "blocksize ", b);
  return one([=](const Call& c) {
    const Tensor& x = c[0];
    const int64_t samples = x.size(0), channels = x.size(1);
    const int64_t height = x.size(2) / b, width = x.size(3) / b;
    const Tensor blocks = reshape(x, {samples, channels, height, b, width, b});
    return reshape(permute(blocks, {0, 3, 5, 1, 2, 4}), {samples, channels * b * b, height, width});
  });
}

Compute triangle(NodeReader& n) {
  const bool upper = n.flag("upper", true);
  return one([upper](const Call& c) {
    const int64_t diagonal = c.has(1) ? c[1].item<int64_t>() : 0;
    return upper ? triu(c[0], diagonal) : tril(c[0], diagonal);
  });
}

// --- Shapes and constants ---

/// The sizes of dimensions start to end, counted as Python does.
Compute sizes(NodeReader& n) {
  const int64_t start = n.integer("start", 0);
  const int64_t end = n.integer("end", Shape::max_dims);
  return one([=](const Call& c) {
    const Shape& shape = c[0].shape();
    const auto place = [&](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? at + shape.dim() : at, 0, shape.dim());
    };
    const Integers all(shape.begin(), shape.end());
    const int64_t from = place(start), to = std::max(from, place(end));
    return tensor_of(Integers(all.begin() + from, all.begin() + to));
  });
}

Compute constant_of_shape(NodeReader& n) {
  Tensor value = n.tensor("value");
  if (!value.defined()) value = zeros({1});
  n.check(value.numel() == 1, export_again, "its value must be one number");
  return one([value](const Call& c) {
    return full(shape_of(integers_of(c[0])), value.item(), c.type(value.dtype()));
  });
}

Tensor range(const Tensor& start, const Tensor& limit, const Tensor& step) {
  const DType dtype = start.dtype();
  if (is_integral(dtype)) {
    return arange(start.item<int64_t>(), limit.item<int64_t>(), step.item<int64_t>(), dtype);
  }
  return arange(start.item(), limit.item(), step.item(), dtype);
}

constexpr OpRow shape_table[] = {
    {"Reshape", reshape_to, 2, 2, 0b10},
    {"Flatten", flatten_at},
    {"Transpose", transpose_by},
    {"Squeeze", squeeze_at, 1, 2, 0b10},
    {"Unsqueeze", unsqueeze_at, 1, 2, 0b10},
    {"Expand", [](NodeReader&) { return one([](const Call& c) { return expand_to(c[0], c[1]); }); },
     2, 2, 0b10},
    {"Slice", slice_by, 1, 5, 0b11110},
    {"Split", split_along, 1, 2, 0b10, OpRow::any},
    {"Gather", gather_along, 2, 2},
    {"GatherElements", gather_elements, 2, 2},
    {"ScatterElements", scatter_elements, 3, 3},
    {"Concat", concat, 1, OpRow::any},
    {"Pad", pad_by, 1, 4, 0b1110},
    {"Tile", [](NodeReader&) { return one([](const Call& c) { return tile(c[0], c[1]); }); }, 2, 2,
     0b10},
    {"DepthToSpace", depth_to_space},
    {"SpaceToDepth", space_to_depth},
    {"Trilu", triangle, 1, 2, 0b10},
    {"Identity", [](NodeReader&) { return one([](const Call& c) { return c[0]; }); }},
    {"Shape", sizes},
    {"Size",
     [](NodeReader&) {
       return one([](const Call& c) { return tensor({c[0].numel()}, Shape()); });
     }},
    {"ConstantOfShape", constant_of_shape},
    {"Range",
     [](NodeReader&) { return one([](const Call& c) { return range(c[0], c[1], c[2]); }); }, 3, 3,
     0b111},
};

}  // namespace

std::span<const OpRow> shape_rows() {
  return shape_table;
}

}  // namespace gradus::onnx
