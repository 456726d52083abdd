// Views, joining, indexing, padding.
#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::conformance {
namespace {

/// Python's start:stop:step on one dimension.
Tensor python_slice(const Tensor& x, int64_t dim, const Json& range) {
  const int64_t size = x.size(dim);
  const auto bound = [&](const char* key, int64_t fallback) {
    const Json& value = range.contains(key) ? range[key] : Json();
    if (value.is_null()) return fallback;
    const auto given = value.get<int64_t>();
    return std::clamp<int64_t>(given < 0 ? given + size : given, 0, size);
  };
  const Json step_given = range.value("step", Json());
  const int64_t step = step_given.is_null() ? 1 : step_given.get<int64_t>();
  const int64_t start = bound("start", 0), stop = bound("stop", size);
  const int64_t length = step > 0 ? std::max<int64_t>(0, (stop - start + step - 1) / step) : 0;
  return slice(x, dim, start, length, step);
}

/// Basic indexing: integers, slices, "..." and null (a new dimension).
Tensors index_row(const Tensors& inputs, Options& options) {
  Tensor x = inputs.at(0);
  const Json index = options.raw("index");
  int64_t consumed = 0;
  for (const Json& entry : index) consumed += entry.is_number() || entry.is_object() ? 1 : 0;
  const int64_t skipped = x.dim() - consumed;
  int64_t dim = 0;
  for (const Json& entry : index) {
    if (entry.is_null()) {
      x = unsqueeze(x, dim++);
    } else if (entry.is_object()) {
      x = python_slice(x, dim, entry);
      ++dim;
    } else if (entry.is_number_integer()) {
      x = select(x, dim, entry.get<int64_t>());
    } else if (entry == "...") {
      dim += skipped;
    } else {
      throw Unsupported("an index " + entry.dump());
    }
  }
  return {x};
}

Tensors split_row(const Tensors& x, Options& options) {
  const Json sizes = options.raw("split_size_or_sections");
  const int64_t dim = options.integer("dim", 0);
  if (!sizes.is_array()) return split(x.at(0), sizes.get<int64_t>(), dim);
  const auto list = sizes.get<std::vector<int64_t>>();
  return split(x.at(0), std::span(list), dim);
}

Tensors unbind_row(const Tensors& x, Options& options) {
  return unbind(x.at(0), options.integer("dim", 0));
}

Tensors chunk_row(const Tensors& x, Options& options) {
  return chunk(x.at(0), options.integer("chunks"), options.integer("dim", 0));
}

Tensors squeeze_row(const Tensors& x, Options& options) {
  return {squeeze(x.at(0), options.optional_integer("dim"))};
}

Tensors flatten_row(const Tensors& x, Options& options) {
  const int64_t start = options.integer("start_dim", 0);
  return {flatten(x.at(0), start, options.integer("end_dim", -1))};
}

Tensors transpose_row(const Tensors& x, Options& options) {
  return {transpose(x.at(0), options.integer("dim0"), options.integer("dim1"))};
}

Tensors narrow_row(const Tensors& x, Options& options) {
  const int64_t dim = options.integer("dim"), start = options.integer("start");
  return {narrow(x.at(0), dim, start, options.integer("length"))};
}

Tensors select_row(const Tensors& x, Options& options) {
  return {select(x.at(0), options.integer("dim"), options.integer("index"))};
}

Tensors index_select_row(const Tensors& x, Options& options) {
  return {index_select(x.at(0), options.integer("dim"), x.at(1))};
}

Tensors gather_row(const Tensors& x, Options& options) {
  return {gather(x.at(0), options.integer("dim"), x.at(1))};
}

Tensors pad_row(const Tensors& x, Options& options) {
  constexpr Word<PadMode> modes[] = {{"constant", PadMode::constant},
                                     {"reflect", PadMode::reflect},
                                     {"replicate", PadMode::replicate},
                                     {"circular", PadMode::circular}};
  const auto pads = options.raw("pad").get<std::vector<int64_t>>();
  const PadMode mode = options.choice("mode", modes);
  return {pad(x.at(0), pads, mode, options.number("value", 0))};
}

Tensors scatter_row(const Tensors& x, Options& options) {
  const int64_t dim = options.integer("dim");
  if (x.size() > 2) return {scatter(x[0], dim, x[1], x[2])};
  return {scatter(x.at(0), dim, x.at(1), options.number("value"))};
}

Tensors scatter_add_row(const Tensors& x, Options& options) {
  return {add(x.at(0), scatter_add(x[0].shape(), options.integer("dim"), x.at(1), x.at(2)))};
}

Tensors masked_select_row(const Tensors& x, Options&) {
  return {masked_select(x.at(0), x.at(1))};
}

Tensors nonzero_row(const Tensors& x, Options&) {
  return {nonzero(x.at(0))};
}

Tensors unique_row(const Tensors& x, Options&) {
  return {unique(x.at(0))};
}

Tensors trace_row(const Tensors& x, Options&) {
  return {trace(x.at(0))};
}

Tensors one_hot_row(const Tensors& x, Options& options) {
  const int64_t classes = options.integer("num_classes", -1);  // -1: as many as it takes
  return {classes == -1 ? one_hot(x.at(0)) : one_hot(x.at(0), classes)};
}

Tensors unflatten_row(const Tensors& x, Options& options) {
  const int64_t dim = options.integer("dim");
  return {unflatten(x.at(0), dim, options.integers("sizes"))};
}

/// As torch.nn.functional.embedding: indices first.
Tensors embedding_row(const Tensors& x, Options& options) {
  return {embedding(x.at(1), x.at(0), options.optional_integer("padding_idx"))};
}

std::optional<DType> dtype_option(Options& options) {
  const std::string name = options.text("dtype", "");
  return name.empty() ? std::nullopt : std::optional(dtype_from(name));
}

Tensors arange_row(const Tensors&, Options& options) {
  const auto dtype = dtype_option(options);
  bool whole = true;
  for (const char* name : {"start", "end", "step"}) {
    const Json& given = options.raw(name);
    whole = whole && (given.is_null() || given.is_number_integer());
  }
  if (whole) {
    const int64_t start = options.integer("start", 0), end = options.integer("end");
    return {arange(start, end, options.integer("step", 1), dtype)};
  }
  const double start = options.number("start", 0), end = options.number("end");
  return {arange(start, end, options.number("step", 1), dtype)};
}

Tensors linspace_row(const Tensors&, Options& options) {
  const double start = options.number("start"), end = options.number("end");
  const int64_t steps = options.integer("steps");
  return {linspace(start, end, steps, dtype_option(options).value_or(float32))};
}

Tensors eye_row(const Tensors&, Options& options) {
  const int64_t rows = options.integer("n");
  const auto columns = options.optional_integer("m");
  return {eye(rows, columns, dtype_option(options).value_or(float32))};
}

Tensors diagonal_row(const Tensors& x, Options& options) {
  const int64_t offset = options.integer("offset", 0), dim1 = options.integer("dim1", 0);
  return {diagonal(x.at(0), offset, dim1, options.integer("dim2", 1))};
}

Tensors movedim_row(const Tensors& x, Options& options) {
  return {movedim(x.at(0), options.integer("source"), options.integer("destination"))};
}

Tensors roll_row(const Tensors& x, Options& options) {
  const Shape shifts = options.integers("shifts"), dims = options.integers("dims");
  Tensor y = x.at(0);
  if (dims.empty()) return {roll(y, shifts[0])};
  for (int i = 0; i < dims.dim(); ++i) y = roll(y, shifts[i], dims[i]);
  return {y};
}

Tensors sort_row(const Tensors& x, Options& options) {
  options.raw("stable");  // ours always is
  const int64_t dim = options.integer("dim", -1);
  const ValuesIndices found = sort(x.at(0), dim, options.boolean("descending", false));
  return {found.values, found.indices};
}

Tensors argsort_row(const Tensors& x, Options& options) {
  options.raw("stable");
  const int64_t dim = options.integer("dim", -1);
  return {argsort(x.at(0), dim, options.boolean("descending", false))};
}

Tensors topk_row(const Tensors& x, Options& options) {
  options.raw("sorted");  // ours always is
  const int64_t k = options.integer("k"), dim = options.integer("dim", -1);
  const ValuesIndices found = topk(x.at(0), k, dim, options.boolean("largest", true));
  return {found.values, found.indices};
}

using WithList = Tensor (*)(const Tensor&, const Shape&);
using WithDim = Tensor (*)(const Tensor&, int64_t);
using Join = Tensor (*)(std::span<const Tensor>, int64_t);

OpFunction with_list(WithList f, const char* option) {
  return [=](const Tensors& x, Options& options) -> Tensors {
    return {f(x.at(0), options.integers(option))};
  };
}

OpFunction with_integer(WithDim f, const char* option, int64_t fallback = 0) {
  return [=](const Tensors& x, Options& options) -> Tensors {
    return {f(x.at(0), options.integer(option, fallback))};
  };
}

OpFunction join(Join f) {
  return [f](const Tensors& x, Options& options) -> Tensors {
    return {f(x, options.integer("dim", 0))};
  };
}

}  // namespace

OpTable shape_ops() {
  return {
      {"cat", join(cat)},
      {"stack", join(stack)},
      {"split", split_row},
      {"unbind", unbind_row},
      {"chunk", chunk_row},
      {"index", index_row},
      {"select", select_row},
      {"narrow", narrow_row},
      {"index_select", index_select_row},
      {"gather", gather_row},
      {"scatter", scatter_row},
      {"scatter_add", scatter_add_row},
      {"masked_select", masked_select_row},
      {"nonzero", nonzero_row},
      {"unique", unique_row},
      {"sort", sort_row},
      {"argsort", argsort_row},
      {"topk", topk_row},
      {"transpose", transpose_row},
      {"movedim", movedim_row},
      {"diagonal", diagonal_row},
      {"diag", with_integer(diag, "diagonal")},
      {"trace", trace_row},
      {"roll", roll_row},
      {"permute", with_list(permute, "dims")},
      {"reshape", with_list(reshape, "shape")},
      {"expand", with_list(expand, "sizes")},
      {"repeat", with_list(repeat, "sizes")},
      {"flip", with_list(flip, "dims")},
      {"flatten", flatten_row},
      {"squeeze", squeeze_row},
      {"unsqueeze", with_integer(unsqueeze, "dim")},
      {"pad", pad_row},
      {"one_hot", one_hot_row},
      {"unflatten", unflatten_row},
      {"embedding", embedding_row},
      {"arange", arange_row},
      {"linspace", linspace_row},
      {"eye", eye_row},
      {"tril", with_integer(tril, "diagonal")},
      {"triu", with_integer(triu, "diagonal")},
  };
}

}  // namespace gradus::conformance
