// Normalization: fused kernels, and the same in primitives.
#include "norm_kernel.h"

#include <algorithm>

#include "../distributed/shards.h"
#include "../op_support.h"
#include "norm_terms.h"

namespace gradus {

using namespace ops;

namespace {

using kernels::NormStatistics;

/// How an input falls into the sets that are normalized.
struct Layout {
  kernels::NormSets sets;  // for the kernels
  Shape view;              // for primitives: x with every role a dimension of its own,
  Dims dims;               // those of the view that a set runs over,
  Shape affine;            // weight and bias, to broadcast over the view,
  Shape parameters;        // and as they are given
};

int64_t positions_of(const Shape& x) {
  return x.part(2, x.dim()).numel();
}

Layout batch_layout(const Shape& x, NormStatistics statistics) {
  const int64_t n = x[0], c = x[1], positions = positions_of(x);
  return {.sets = {.sets = c,
                   .set_stride = positions,
                   .blocks = n,
                   .block_stride = c * positions,
                   .run = positions,
                   .parameters = c,
                   .parameters_per_set = 1,
                   .statistics = statistics},
          .view = {n, c, positions},
          .dims = {0, 2},
          .affine = {1, c, 1},
          .parameters = {c}};
}

/// Instance norm is group norm with a group for every channel.
Layout group_layout(const Shape& x, int64_t groups) {
  const int64_t n = x[0], c = x[1], positions = positions_of(x);
  const int64_t per_group = groups > 0 ? c / groups : 0;
  return {.sets = {.sets = n * groups,
                   .set_stride = per_group * positions,
                   .blocks = per_group,
                   .block_stride = positions,
                   .run = positions,
                   .parameters = c,
                   .parameters_per_set = per_group,
                   .parameter_step = 1},
          .view = {n, groups, per_group, positions},
          .dims = {2, 3},
          .affine = {1, groups, per_group, 1},
          .parameters = {c}};
}

Layout layer_layout(const Shape& x, const Shape& normalized, NormStatistics statistics) {
  const int64_t size = normalized.numel(), rows = size > 0 ? x.numel() / size : 0;
  return {.sets = {.sets = rows,
                   .set_stride = size,
                   .blocks = 1,
                   .block_stride = size,
                   .run = size,
                   .parameters = size,
                   .per_element = true,
                   .statistics = statistics},
          .view = {rows, size},
          .dims = {1},
          .affine = {1, size},
          .parameters = normalized};
}

/// The description of a norm, besides its tensors.
struct Attributes {
  const char* op;
  Layout layout;
  double eps;
  distributed::Shards* shards = nullptr;  // the sets extend over them
  double shared_values = 0;               // in each set then

  static void describe(auto& a, auto& visit) {
    if (std::string_view(a.op) == "group_norm") visit("num_groups", a.layout.view[1]);
    if (a.layout.sets.per_element) visit("normalized_shape", a.layout.parameters);
    visit("eps", a.eps);
  }
  NormStatistics statistics() const { return layout.sets.statistics; }
};

/// Mean and variance of each set, [sets]; both undefined if they do not matter.
struct Statistics {
  Tensor mean, variance;
};

// --- Sets that extend over the shards of a batch ---

/// The mean over each set of v, which is in the layout's view.
Tensor set_mean(const Tensor& v, const Attributes& a) {
  if (a.shards == nullptr) return mean(v, a.layout.dims, true);
  const Tensor own = sum(v, a.layout.dims, true);
  return mul(distributed::sum_over_shards(*a.shards, own), 1 / a.shared_values);
}

/// Statistics of this shard's part of each set as a row for merge_statistics.
Tensor statistics_row(const Attributes& a, const Statistics& own) {
  const auto n = static_cast<double>(a.layout.sets.size());
  return cat({full({1}, n, float64), own.mean, mul(own.variance, n)});
}

/// The statistics of whole sets, from those of each part; sets their number of values.
Statistics merged_statistics(Attributes& a, const Statistics& own) {
  const NoGrad pause;
  const auto merged = distributed::merge_statistics(a.shards->gather(statistics_row(a, own)));
  a.shared_values = merged.count;
  require(merged.count > 1, a.op, "the variance of one value is 0: use more samples",
          "expected more than 1 value per channel in all shards together, got ", merged.count);
  return {merged.mean, merged.variance};
}

// --- The composed form: primitives that the tape can differentiate, and that can be read ---

struct Normalized {
  Tensor x_hat;  // (x - mean) r
  Tensor r;      // 1 / sqrt(variance + eps)
};

/// x is in the layout's view. Statistics of the input are taken in double, as the kernels do: the
/// square of a float leaves its range from 2e19 on.
Normalized normalize(const Tensor& x, const Attributes& a, const Statistics& given) {
  const Layout& layout = a.layout;
  if (a.statistics() == NormStatistics::given) {
    const auto per_set = [&](const Tensor& t) { return reshape(to(t, x.dtype()), layout.affine); };
    const Tensor r = rsqrt(add(per_set(given.variance), a.eps));
    return {mul(sub(x, per_set(given.mean)), r), r};
  }
  const bool centres = a.statistics() == NormStatistics::centred;
  const Tensor wide = to(x, float64);
  if (a.shards != nullptr) {
    const Tensor v = sub(wide, set_mean(wide, a));
    const Tensor r = rsqrt(add(set_mean(square(v), a), a.eps));
    return {to(mul(v, r), x.dtype()), to(r, x.dtype())};
  }
  const Tensor v = centres ? centred(wide, layout.dims) : wide;
  const auto count = static_cast<double>(layout.sets.size());
  const Tensor r = rsqrt(add(sum_of_squares(v, layout.dims, count, true), a.eps));
  return {to(mul(v, r), x.dtype()), to(r, x.dtype())};
}

Tensor composed_forward(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const Attributes& a, const Statistics& given) {
  Tensor y = normalize(reshape(x, a.layout.view), a, given).x_hat;
  if (weight.defined()) y = mul(y, reshape(weight, a.layout.affine));
  if (bias.defined()) y = add(y, reshape(bias, a.layout.affine));
  return reshape(y, x.shape());
}

/// A gradient of the view's shape, summed to that of weight and bias.
Tensor to_affine(const Tensor& g, const Attributes& a) {
  Dims repeated;
  for (int d = 0; d < a.layout.view.dim(); ++d) {
    if (a.layout.affine[d] == 1 && a.layout.view[d] != 1) repeated.push_back(d);
  }
  return reshape(repeated.empty() ? g : sum(g, repeated), a.layout.parameters);
}

/// u = weight g, dx = r (u - mean(u) - x^ mean(u x^)), dweight = sum(g x^), dbias = sum(g). The
/// first mean is there only if the set is centred, and both only if its statistics are not given.
TensorList composed_gradients(const Tensor& gradient, const Tensor& x, const Tensor& weight,
                              const Attributes& a, const Statistics& given, const Wanted& wanted) {
  const Layout& layout = a.layout;
  const Tensor g = reshape(gradient, layout.view);
  const auto [x_hat, r] = normalize(reshape(x, layout.view), a, given);
  TensorList gradients(3);
  if (wanted[0]) {
    const Tensor u = weight.defined() ? mul(g, reshape(weight, layout.affine)) : g;
    Tensor inner = u;
    if (a.statistics() == NormStatistics::centred) {
      inner = sub(inner, set_mean(u, a));
    }
    if (a.statistics() != NormStatistics::given) {
      inner = sub(inner, mul(x_hat, set_mean(mul(u, x_hat), a)));
    }
    gradients[0] = reshape(mul(inner, r), x.shape());
  }
  if (wanted[1]) gradients[1] = to_affine(mul(g, x_hat), a);
  if (wanted[2]) gradients[2] = to_affine(g, a);
  return gradients;
}

/// The statistics as numbers, without a gradient.
Statistics composed_statistics(const Tensor& x, const Attributes& a) {
  const NoGrad pause;
  const Tensor view = reshape(x.detach(), a.layout.view);
  const Shape sets = {a.layout.sets.sets};
  return {reshape(mean(view, a.layout.dims), sets), reshape(var(view, a.layout.dims, 0), sets)};
}

NormResult composed_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, Attributes a,
                         const Statistics& given) {
  const Tape::Span span(a.op, a);
  const bool measures = a.statistics() == NormStatistics::centred;
  Statistics own = measures && x.numel() > 0 ? composed_statistics(x, a) : given;
  if (a.shards != nullptr) {
    const auto wide = [&](const Tensor& t) {
      return t.defined() ? to(t, float64) : zeros({a.layout.sets.sets}, float64);
    };
    own = merged_statistics(a, {wide(own.mean), wide(own.variance)});
    own = {to(own.mean, x.dtype()), to(own.variance, x.dtype())};
  }
  return {composed_forward(x, weight, bias, a, given), own.mean, own.variance};
}

// --- The fused form ---

template <class T>
const T* data_or_null(const Tensor& t) {
  return t.defined() ? t.data<T>() : nullptr;
}

/// For sets that extend over the shards, dx as if their statistics were given, and the sums of g
/// and of g x^ in this shard: subtracts what g does to mean and variance, r weight (sum(g) + x^
/// sum(g x^)) / M with the sums of all shards.
template <class T>
void subtract_shared_terms(Tensor& dx, const Tensor& sum_g, const Tensor& sum_gx, const Tensor& x,
                           const Tensor& weight, const Statistics& statistics,
                           const Attributes& a) {
  const NoGrad pause;
  const Tensor sums = distributed::sum_over_shards(*a.shards, to(cat({sum_g, sum_gx}), float64));
  if (x.numel() == 0) return;
  Tensor factor = mul(rsqrt(add(statistics.variance, a.eps)), 1 / a.shared_values);
  if (weight.defined()) factor = mul(factor, to(weight.detach(), float64));
  const int64_t channels = factor.numel();
  const Tensor shift = to(mul(factor, narrow(sums, 0, 0, channels)), x.dtype());
  const Tensor slope = to(mul(factor, narrow(sums, 0, channels, channels)), x.dtype());
  Tensor terms = Tensor::empty(x.shape(), x.dtype());
  kernels::NormSets sets = a.layout.sets;
  sets.statistics = NormStatistics::given;
  Tensor mean = statistics.mean.clone(), variance = statistics.variance.clone();
  kernels::table<kernels::Norm<T>>().forward(
      sets, a.eps, terms.mutable_data<T>(), x.data<T>(), mean.mutable_data<double>(),
      variance.mutable_data<double>(), slope.data<T>(), shift.data<T>());
  dx.add_(terms, -1);
}

template <class T>
TensorList fused_gradients(const Tensor& gradient, const Tensor& x, const Tensor& weight,
                           const Statistics& statistics, const Attributes& a,
                           const Wanted& wanted) {
  kernels::NormSets sets = a.layout.sets;
  const bool shares = a.shards != nullptr;
  if (shares) sets.statistics = NormStatistics::given;
  const Tensor g = contiguous(gradient);
  TensorList gradients(3);
  if (wanted[0]) gradients[0] = Tensor::empty(x.shape(), x.dtype());
  Tensor sum_g, sum_gx;  // the kernel makes both or none
  if (wanted[1] || wanted[2] || (shares && wanted[0])) {
    const Shape sums = {sets.sum_rows(), sets.parameters};
    for (Tensor* s : {&sum_g, &sum_gx}) {
      *s = x.numel() > 0 ? Tensor::empty(sums, x.dtype()) : zeros(sums, x.dtype());
    }
  }
  const auto out = [](Tensor& t) { return t.defined() ? t.mutable_data<T>() : nullptr; };
  if (x.numel() > 0) {  // else a shard without samples
    kernels::table<kernels::Norm<T>>().backward(
        sets, a.eps, out(gradients[0]), g.data<T>(), x.data<T>(), statistics.mean.data<double>(),
        statistics.variance.data<double>(), data_or_null<T>(weight), out(sum_g), out(sum_gx));
  }
  if (sum_g.defined()) {
    const bool both = shares && wanted[0];
    if (both || wanted[2]) sum_g = sum(sum_g, {0});
    if (both || wanted[1]) sum_gx = sum(sum_gx, {0});
  }
  if (shares && wanted[0]) {
    subtract_shared_terms<T>(gradients[0], sum_g, sum_gx, x, weight, statistics, a);
  }
  if (wanted[1]) gradients[1] = reshape(sum_gx, a.layout.parameters);
  if (wanted[2]) gradients[2] = reshape(sum_g, a.layout.parameters);
  return gradients;
}

/// The one of these names that equals `name`: what records an operation lists its names.
const char* one_of(std::string_view name, std::initializer_list<const char*> names) {
  return *std::find(names.begin(), names.end(), name);
}

/// Given statistics in double, or room for those that the kernel will write.
Statistics kernel_statistics(const Attributes& a, const Statistics& given) {
  if (a.statistics() == NormStatistics::given) {
    // Copies, so that the gradient is that of this call whatever becomes of running statistics.
    return {clone(to(given.mean, float64)), clone(to(given.variance, float64))};
  }
  const Shape sets = {a.layout.sets.sets};
  return {Tensor::empty(sets, float64), Tensor::empty(sets, float64)};
}

NormResult fused_norm(const Tensor& input, const Tensor& weights, const Tensor& biases,
                      Attributes attributes, const Statistics& given) {
  const auto dense = [](const Tensor& t) { return t.defined() ? contiguous(t) : t; };
  const Tensor x = contiguous(input), weight = dense(weights), bias = dense(biases);
  Statistics own = kernel_statistics(attributes, given);
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  const auto run = [&](const kernels::NormSets& sets) {
    if (x.numel() == 0) return;
    dispatch_floating("norm", x.dtype(), [&]<class T>() {
      kernels::table<kernels::Norm<T>>().forward(
          sets, attributes.eps, y.mutable_data<T>(), x.data<T>(), own.mean.mutable_data<double>(),
          own.variance.mutable_data<double>(), data_or_null<T>(weight), data_or_null<T>(bias));
    });
  };
  if (attributes.shards == nullptr) {
    run(attributes.layout.sets);
  } else {
    if (x.numel() == 0) own = {zeros_like(own.mean), zeros_like(own.variance)};
    run(attributes.layout.sets);  // for this shard's statistics
    own = merged_statistics(attributes, own);
    kernels::NormSets sets = attributes.layout.sets;
    sets.statistics = NormStatistics::given;
    run(sets);
  }
  const Tensor result =
      record(Op(one_of(attributes.op, {"batch_norm", "batch_norm_eval", "instance_norm",
                                       "layer_norm", "group_norm", "rms_norm"}),
                5.0 * static_cast<double>(x.numel())),
             inputs(x, weight, bias), y, saved(x, weight, own.mean, own.variance), attributes,
             [](auto& s, auto& a, auto& g, auto& wanted) -> TensorList {
               // While a tape records, the gradient must be differentiable itself.
               const Statistics statistics = {s[2], s[3]};
               if (Tape::current() != nullptr) {
                 return composed_gradients(g, s[0], s[1], a, statistics, wanted);
               }
               return dispatch_floating("norm", g.dtype(), [&]<class T>() {
                 return fused_gradients<T>(g, s[0], s[1], statistics, a, wanted);
               });
             });
  return {result, to(own.mean, x.dtype()), to(own.variance, x.dtype())};
}

NormResult compute_norm(const Attributes& a, const Tensor& x, const Tensor& weight,
                        const Tensor& bias, NormForm form, const Statistics& given = {}) {
  // Kernels need at least one element; all shards have to take the same way.
  const bool fits = x.numel() > 0 || a.shards != nullptr;
  return form == NormForm::fused && fits ? fused_norm(x, weight, bias, a, given)
                                         : composed_norm(x, weight, bias, a, given);
}

// --- Checks ---

/// A tensor that goes with the input x, unless it is left out.
void check_companion(const char* op, const Tensor& x, const char* role, const Tensor& t,
                     const Layout& layout) {
  if (!t.defined()) return;
  check_same_dtype(op, x, t);
  require<ShapeError>(
      t.shape() == layout.parameters, op,
      layout.sets.per_element ? "its shape is normalized_shape" : "it has one element per channel",
      "expected ", role, " ", layout.parameters, ", got ", t.shape(), ": input ", x.shape());
}

void check_input(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias,
                 const Layout& layout) {
  check_floating(op, x);
  check_companion(op, x, "weight", weight, layout);
  check_companion(op, x, "bias", bias, layout);
}

/// One value is its own mean: its norm would be the bias, whatever it is. `hint` begins with that.
void check_values(const char* op, const Tensor& x, const Layout& layout, const char* set,
                  const char* hint) {
  require(x.numel() == 0 || layout.sets.size() > 1, op, hint, "expected more than 1 value per ",
          set, ", got input ", x.shape());
}

void check_channels(const char* op, const Tensor& x) {
  require<ShapeError>(x.dim() >= 2, op, "unsqueeze(x, 0) makes a batch of one sample",
                      "expected [N,C,...], got ", x.shape());
}

void check_normalized_shape(const char* op, const Tensor& x, const Shape& normalized) {
  const int extra = x.dim() - normalized.dim();
  const bool fits = normalized.dim() > 0 && extra >= 0 &&
                    std::equal(normalized.begin(), normalized.end(), x.shape().begin() + extra);
  require<ShapeError>(fits, op, "it names the sizes of the last dimensions", "normalized_shape ",
                      normalized, " is not how input ", x.shape(), " ends");
}

/// Layer norm and root mean square norm.
Tensor norm_of_last(const char* op, NormStatistics statistics, const Tensor& x,
                    const Shape& normalized_shape, const Tensor& weight, const Tensor& bias,
                    double eps, NormForm form) {
  check_normalized_shape(op, x, normalized_shape);
  const Layout layout = layer_layout(x.shape(), normalized_shape, statistics);
  check_input(op, x, weight, bias, layout);
  return compute_norm({op, layout, eps}, x, weight, bias, form).y;
}

}  // namespace

NormResult batch_norm_train(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                            NormForm form, distributed::Shards* shards) {
  constexpr const char* op = "batch_norm";
  check_channels(op, x);
  const Layout layout = batch_layout(x.shape(), NormStatistics::centred);
  check_input(op, x, weight, bias, layout);
  if (shards == nullptr) {
    check_values(op, x, layout, "channel",
                 "the variance of one value is 0: use more samples, or batch_norm_eval()");
  }
  return compute_norm({op, layout, eps, shards}, x, weight, bias, form);
}

Tensor batch_norm_eval(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                       const Tensor& weight, const Tensor& bias, double eps, NormForm form) {
  constexpr const char* op = "batch_norm";
  check_channels(op, x);
  const Layout layout = batch_layout(x.shape(), NormStatistics::given);
  check_input(op, x, weight, bias, layout);
  check_companion(op, x, "running_mean", running_mean, layout);
  check_companion(op, x, "running_var", running_var, layout);
  // The kernels take the statistics for constants.
  const bool differentiates = running_mean.requires_grad() || running_var.requires_grad();
  return compute_norm({"batch_norm_eval", layout, eps}, x, weight, bias,
                      differentiates ? NormForm::composed : form, {running_mean, running_var})
      .y;
}

NormResult instance_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                         NormForm form) {
  constexpr const char* op = "instance_norm";
  check_channels(op, x);
  const Layout layout = group_layout(x.shape(), x.shape()[1]);
  check_input(op, x, weight, bias, layout);
  check_values(op, x, layout, "channel and sample",
               "the variance of one value is 0: a norm over one position leaves the bias alone");
  NormResult result = compute_norm({op, layout, eps}, x, weight, bias, form);
  result.mean = reshape(result.mean, {x.shape()[0], x.shape()[1]});
  result.variance = reshape(result.variance, {x.shape()[0], x.shape()[1]});
  return result;
}

Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  double eps, NormForm form) {
  constexpr const char* op = "group_norm";
  check_channels(op, x);
  require<ShapeError>(num_groups >= 1 && x.shape()[1] % num_groups == 0, op,
                      "the number of groups must divide the number of channels", x.shape()[1],
                      " channels do not fall into ", num_groups, " groups: input ", x.shape());
  const Layout layout = group_layout(x.shape(), num_groups);
  check_input(op, x, weight, bias, layout);
  check_values(op, x, layout, "group", "the variance of one value is 0: take fewer groups");
  return compute_norm({op, layout, eps}, x, weight, bias, form).y;
}

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps, NormForm form) {
  return norm_of_last("layer_norm", NormStatistics::centred, x, normalized_shape, weight, bias, eps,
                      form);
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight, double eps,
                NormForm form) {
  return norm_of_last("rms_norm", NormStatistics::raw, x, normalized_shape, weight, {}, eps, form);
}

Tensor local_response_norm(const Tensor& x, int64_t size, double alpha, double beta, double k) {
  constexpr const char* op = "local_response_norm";
  const Tape::Span span(
      op, NumberOptions<"size", "alpha", "beta", "k">{{static_cast<double>(size), alpha, beta, k}});
  check_floating(op, x);
  require<ShapeError>(x.dim() >= 3, op, "unsqueeze(x, -1) adds a last dimension to [N,C]",
                      "expected [N,C,...] with three dimensions or more, got ", x.shape());
  require(size >= 1, op, "it is the number of neighbouring channels; 5 is usual",
          "size must be at least 1, got ", size);
  const int64_t channels = x.shape()[1];
  std::vector<int64_t> pads(static_cast<size_t>(2 * (x.dim() - 1)));  // only the channels get any
  pads[pads.size() - 2] = size / 2;
  pads[pads.size() - 1] = (size - 1) / 2;
  const Tensor squares = pad(square(to(x, float64)), pads);
  Tensor total = narrow(squares, 1, 0, channels);
  for (int64_t i = 1; i < size; ++i) total = add(total, narrow(squares, 1, i, channels));
  const Tensor density = add(mul(total, alpha / static_cast<double>(size)), k);
  return mul(x, to(pow(density, -beta), x.dtype()));
}

// --- The terms of the gradient ---

namespace {

bool is_norm(const Entry& entry) {
  constexpr std::array norms = {"batch_norm", "batch_norm_eval", "instance_norm",
                                "layer_norm", "group_norm",      "rms_norm"};
  return std::find(norms.begin(), norms.end(), std::string_view(entry.op)) != norms.end();
}

/// `saved` as fused_norm() records it; g is the gradient of the output. All in double.
NormTerms terms_of(const Attributes& a, std::span<const Tensor> saved, const Tensor& g) {
  const NoGrad pause;
  const Layout& layout = a.layout;
  const auto wide = [](const Tensor& t, const Shape& shape) {
    return reshape(to(t.detach(), float64), shape);
  };
  const Shape per_set = with_ones(layout.view, layout.dims);
  const Tensor mean_of_set = wide(saved[2], per_set), variance = wide(saved[3], per_set);
  const Tensor r = rsqrt(add(variance, a.eps));
  const Tensor x_hat = mul(sub(wide(saved[0], layout.view), mean_of_set), r);
  Tensor u = wide(g, layout.view);
  if (saved[1].defined()) u = mul(u, wide(saved[1], layout.affine));
  // Statistics that do not depend on x pass no gradient on.
  const auto through = [&](NormStatistics constant_in, const Tensor& term) {
    const bool constant = a.statistics() == NormStatistics::given || a.statistics() == constant_in;
    return constant ? zeros(per_set, float64) : neg(mul(r, mean(term, layout.dims, true)));
  };
  const auto like_x = [&](const Tensor& t) {
    return to(reshape(expand(t, layout.view), saved[0].shape()), saved[0].dtype());
  };
  return {.x_hat = like_x(x_hat),
          .r = like_x(r),
          .u = like_x(u),
          .direct = like_x(mul(r, u)),
          .mean = like_x(through(NormStatistics::raw, u)),
          .variance = like_x(mul(x_hat, through(NormStatistics::given, mul(u, x_hat))))};
}

}  // namespace

std::optional<NormTerms> norm_terms(const ReplayEvent& event) {
  if (!is_norm(event.entry)) return std::nullopt;
  return terms_of(*static_cast<const Attributes*>(event.entry.attributes), event.saved,
                  event.output_gradient);
}

NormTerms norm_terms(Tape& tape, const Tensor& loss, std::string_view layer) {
  constexpr const char* op = "norm_terms";
  std::string known;
  std::vector<size_t> found;
  for (size_t i = 0; i < tape.size(); ++i) {
    if (!is_norm(tape[i])) continue;
    known += str(known.empty() ? "" : ", ", '"', tape.path(tape[i]), '"');
    if (tape.path(tape[i]) == layer) found.push_back(i);
  }
  require(found.size() == 1, op,
          found.empty() ? "layers are named as in named_parameters(); the composed form of a norm "
                          "is not one operation, but its terms are on the tape"
                        : "look at each call in a hook: tape.on_replay()",
          "expected one norm of the layer \"", layer, "\" on the tape, got ", found.size(),
          "; it has norms of ", known.empty() ? "no layer" : known);
  const Entry entry = tape[found[0]];
  // Whoever has this position on the tape is the output of the norm.
  Tensor y = Tensor::empty({0}, entry.dtype);
  y.set_tape_slot({loss.tape_slot().tape, static_cast<int32_t>(found[0]), entry.generation});
  const Tensor g = tape.gradients(op, {&loss, 1}, {}, {&y, 1}, true, false)[0];
  require<TapeError>(g.defined(), op, "the norm must come before the loss, and lead to it",
                     "the loss does not depend on the norm of the layer \"", layer, '"');
  return terms_of(*static_cast<const Attributes*>(entry.attributes), tape.saved(found[0]), g);
}

}  // namespace gradus
