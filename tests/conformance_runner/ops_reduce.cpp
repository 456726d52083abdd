// Reductions.
#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::conformance {
namespace {

using Reduce = Tensor (*)(const Tensor&, const Dims&, bool);
using ReduceWithCorrection = Tensor (*)(const Tensor&, const Dims&, double, bool);
using WithIndices = ValuesIndices (*)(const Tensor&, int64_t, bool);
using ReduceAll = Tensor (*)(const Tensor&);
using IndexOf = Tensor (*)(const Tensor&, std::optional<int64_t>, bool);
using AlongDim = Tensor (*)(const Tensor&, int64_t);

bool keepdim(Options& options) {
  return options.boolean("keepdim", false);
}

OpFunction reduce(Reduce f) {
  return [f](const Tensors& x, Options& options) -> Tensors {
    return {f(x.at(0), options.integers("dim"), keepdim(options))};
  };
}

OpFunction spread(ReduceWithCorrection f) {
  return [f](const Tensors& x, Options& options) -> Tensors {
    const double correction = options.number("correction", 1);
    return {f(x.at(0), options.integers("dim"), correction, keepdim(options))};
  };
}

/// With `dim` values and indices, without it the one value.
OpFunction extremum(WithIndices along, ReduceAll all) {
  return [=](const Tensors& x, Options& options) -> Tensors {
    const std::optional<int64_t> dim = options.optional_integer("dim");
    if (!dim) return {all(x.at(0))};
    const ValuesIndices found = along(x.at(0), *dim, keepdim(options));
    return {found.values, found.indices};
  };
}

OpFunction index_of(IndexOf f) {
  return [f](const Tensors& x, Options& options) -> Tensors {
    return {f(x.at(0), options.optional_integer("dim"), keepdim(options))};
  };
}

OpFunction along_dim(AlongDim f) {
  return [f](const Tensors& x, Options& options) -> Tensors {
    return {f(x.at(0), options.integer("dim"))};
  };
}

Tensors prod_row(const Tensors& x, Options& options) {
  const std::optional<int64_t> dim = options.optional_integer("dim");
  return {dim ? prod(x.at(0), *dim, keepdim(options)) : prod(x.at(0))};
}

Tensors norm_row(const Tensors& x, Options& options) {
  const double ord = options.number("ord", 2);
  return {norm(x.at(0), options.integers("dim"), ord, keepdim(options))};
}

}  // namespace

OpTable reduction_ops() {
  return {
      {"sum", reduce(sum)},
      {"mean", reduce(mean)},
      {"amax", reduce(amax)},
      {"amin", reduce(amin)},
      {"any", reduce(any)},
      {"all", reduce(all)},
      {"logsumexp", reduce(logsumexp)},
      {"var", spread(var)},
      {"std", spread(stddev)},
      {"max", extremum(max, max)},
      {"min", extremum(min, min)},
      {"argmax", index_of(argmax)},
      {"argmin", index_of(argmin)},
      {"prod", prod_row},
      {"norm", norm_row},
      {"cumsum", along_dim(cumsum)},
      {"softmax", along_dim(softmax)},
      {"log_softmax", along_dim(log_softmax)},
      {"softmin", along_dim(softmin)},
  };
}

}  // namespace gradus::conformance
