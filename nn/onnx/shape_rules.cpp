#include <algorithm>
#include <limits>
#include <numeric>

#include "../../core/base/name.h"
#include "translate.h"

namespace gradus::onnx {

namespace {

int64_t elements(std::span<const TracedSize> sizes) {
  int64_t product = 1;
  for (const TracedSize& size : sizes) product *= size.fixed;
  return product;
}

/// Flatten(1) where it is that, since it says nothing of sizes.
std::string reshape(const Operation& c) {
  const Value x = c.in(0);
  const TracedShape shape = c.output_shape();
  const bool flattens = shape.size() == 2 && x.dims() > 2 && shape[0] == x.shape[0] &&
                        shape[1].per_sample == 0 &&
                        shape[1].fixed == elements(std::span(x.shape).subspan(1));
  if (flattens) return c.node("Flatten", {x.name}, {{"axis", 1}});
  return c.reshape(x.name, shape);
}

std::string slice(const Operation& c) {
  const auto dim = c.integer("dim"), start = c.integer("start"), step = c.integer("step");
  const TracedSize size = c.output_shape()[static_cast<size_t>(dim)];
  const TracedSize whole = c.in(0).shape[static_cast<size_t>(dim)];
  // Up to the end where that is what it does for every batch; a part of the batch has no fixed end.
  if (size.per_sample != 0) {
    if (step != 1 || size.per_sample != whole.per_sample || start + size.fixed != whole.fixed) {
      return "";
    }
    return c.slice(c.in(0).name, dim, start, std::numeric_limits<int64_t>::max());
  }
  return c.slice(c.in(0).name, dim, start, start + (size.fixed - 1) * step + 1, step);
}

std::string flip(const Operation& c) {
  const std::vector<int64_t> dims = c.integers("dims");
  const size_t n = dims.size();
  return c.node("Slice", {c.in(0).name, c.list(std::vector<int64_t>(n, -1)),
                          c.list(std::vector(n, std::numeric_limits<int64_t>::min())), c.list(dims),
                          c.list(std::vector<int64_t>(n, -1))});
}

std::string cat(const Operation& c) {
  Names parts;
  for (size_t k = 0; k < c.input_count(); ++k) parts.push_back(c.in(k).name);
  return c.node("Concat", parts, {{"axis", c.integer("dim")}});
}

/// Pads come as (begin, end) of the last dimension first, and go as all begins, then all ends.
std::string pad(const Operation& c) {
  const size_t dims = c.in(0).dims();
  const std::vector<int64_t> given = c.integers("pads", 2 * dims);
  std::vector<int64_t> pads(2 * dims);
  for (size_t d = 0; d < dims; ++d) {
    pads[d] = given[2 * (dims - 1 - d)];
    pads[dims + d] = given[2 * (dims - 1 - d) + 1];
  }
  return c.node("Pad", {c.in(0).name, c.list(pads), c.scalar(c.number("value"))});
}

/// Of elements along a dimension, by whole slices or by single elements.
template <Name op_type>
std::string gather(const Operation& c) {
  return c.node(op_type.text, {c.in(0).name, c.saved(0).name}, {{"axis", c.integer("dim")}});
}

std::string scatter_add(const Operation& c) {
  const Value index = c.saved(0), source = c.in(0);
  const std::string zeros = c.node("Expand", {c.scalar(0), c.shape_value(c.output_shape())});
  return c.node("ScatterElements", {zeros, index.name, source.name},
                {{"axis", c.integer("dim")}, {"reduction", "add"}});
}

std::string scatter(const Operation& c) {
  return c.node("ScatterElements", {c.in(0).name, c.saved(0).name, c.in(1).name},
                {{"axis", c.integer("dim")}});
}

std::string convert(const Operation& c) {
  return c.node("Cast", {c.in(0).name}, {{"to", code_of(float32)}});
}

/// Over the dimensions of an option; those that it keeps have size 1 in the output.
template <Name op_type, Name option>
std::string reduction(const Operation& c) {
  const Value x = c.in(0);
  return c.reduce(op_type.text, x.name, c.integers(option.text),
                  c.output_shape().size() == x.dims());
}

/// Over those that have size 1 in the output, which has them all.
template <Name op_type>
std::string reduction_to_ones(const Operation& c) {
  const TracedShape shape = c.output_shape();
  std::vector<int64_t> axes;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == TracedSize{1, 0}) axes.push_back(static_cast<int64_t>(d));
  }
  return c.reduce(op_type.text, c.in(0).name, axes, true);
}

std::string sum_of_squares(const Operation& c) {
  const std::string y = reduction<"ReduceSumSquare", "dims">(c);
  return c.has("divisor") ? c.node("Div", {y, c.scalar(c.number("divisor"))}) : y;
}

template <Name op_type>
std::string along(const Operation& c) {
  return c.node(op_type.text, {c.in(0).name}, {{"axis", c.integer("dim")}});
}

std::string cumsum(const Operation& c) {
  return c.node("CumSum", {c.in(0).name, c.node("Squeeze", {c.list({c.integer("dim")})})},
                {{"reverse", c.integer("reverse")}});
}

}  // namespace

std::span<const Rule> shape_rules() {
  static constexpr Rule rules[] = {
      {"reshape", reshape},
      {"permute",
       [](const Operation& c) {
         return c.node("Transpose", {c.in(0).name}, {{"perm", c.integers("dims")}});
       }},
      {"expand",
       [](const Operation& c) {
         return c.node("Expand", {c.in(0).name, c.shape_value(c.output_shape())});
       }},
      {"slice", slice},
      {"flip", flip},
      {"cat", cat},
      {"pad", pad},
      {"index_select", gather<"Gather">},
      {"gather", gather<"GatherElements">},
      {"scatter_add", scatter_add},
      {"scatter", scatter},
      {"to", convert},
      {"sum", reduction<"ReduceSum", "dims">},
      {"mean", reduction<"ReduceMean", "dims">},
      {"sum_of_squares", sum_of_squares},
      {"max", reduction<"ReduceMax", "dim">},
      {"min", reduction<"ReduceMin", "dim">},
      {"amax", reduction_to_ones<"ReduceMax">},
      {"amin", reduction_to_ones<"ReduceMin">},
      {"norm", reduction_to_ones<"ReduceL2">},
      {"logsumexp", reduction_to_ones<"ReduceLogSumExp">},
      {"cumsum", cumsum},
      {"softmax", along<"Softmax">},
      {"log_softmax", along<"LogSoftmax">},
  };
  return rules;
}

}  // namespace gradus::onnx
