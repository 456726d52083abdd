// Every operation of the library, on one page; losses are on the next one, losses.h, convolution
// and pooling on spatial.h.
//
// Conventions. Operations return new tensors and never change their arguments. Shapes broadcast as
// in NumPy; a broadcast is written on the tape as an `expand` of its own. Element types never mix:
// convert with .to(dtype). Dimensions may be negative (-1 is the last). Images are [N, C, H, W].
// Every operation on floating tensors works in float32 and float64 and can be differentiated any
// number of times, unless it says otherwise. Operations throw ShapeError, DTypeError, IndexError or
// ValueError (all of them gradus::Error) and leave everything as it was.
//
// At points without a derivative: relu'(0) = 0, |x|'(0) = 0, clamp' = 1 on its bounds (hardtanh' =
// 0 as in PyTorch), maximum and minimum give each side half of the gradient where both are equal,
// reductions with indices (max, min, argmax, argmin, max pooling) take the first of equal elements,
// amax and amin share the gradient evenly among them.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "losses.h"
#include "spatial.h"
#include "tensor.h"

namespace gradus {

// --- Creation ------------------------------------------------------------------------------------

Tensor zeros(const Shape& shape, DType dtype = float32);
Tensor ones(const Shape& shape, DType dtype = float32);
Tensor full(const Shape& shape, double value, DType dtype = float32);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
Tensor full_like(const Tensor& x, double value);
/// Ones on the diagonal of a matrix, square unless `columns` is given.
Tensor eye(int64_t rows, std::optional<int64_t> columns = {}, DType dtype = float32);
/// `steps` numbers at equal distances, from start to end, both included.
Tensor linspace(double start, double end, int64_t steps, DType dtype = float32);
/// start, start + step, ... below `end`.
Tensor arange(double start, double end, double step = 1, DType dtype = int64);
/// A tensor with these elements in row-major order; shape [n] unless one is given.
template <class T>
Tensor tensor(std::span<const T> values, const Shape& shape);
template <class T>
Tensor tensor(std::initializer_list<T> values) {
  return tensor(std::span<const T>(values.begin(), values.size()),
                Shape{static_cast<int64_t>(values.size())});
}
template <class T>
Tensor tensor(std::initializer_list<T> values, const Shape& shape) {
  return tensor(std::span<const T>(values.begin(), values.size()), shape);
}
template <class T>
Tensor tensor(const std::vector<T>& values, const Shape& shape) {
  return tensor(std::span<const T>(values), shape);
}
/// Uniform in [lo, hi), and normal with mean 0 and standard deviation 1.
Tensor rand(const Shape& shape, Generator& generator, double lo = 0, double hi = 1,
            DType dtype = float32);
Tensor randn(const Shape& shape, Generator& generator, DType dtype = float32);
Tensor rand_like(const Tensor& x, Generator& generator);
Tensor randn_like(const Tensor& x, Generator& generator);
/// int64 numbers in [lo, hi), and a random order of 0 ... n - 1.
Tensor randint(int64_t lo, int64_t hi, const Shape& shape, Generator& generator);
Tensor randperm(int64_t n, Generator& generator);

// --- Conversion and copies -----------------------------------------------------------------------

/// The same values in another type. Floating to floating is differentiable.
Tensor to(const Tensor& x, DType dtype);
/// A copy in row-major order.
Tensor clone(const Tensor& x);
/// x itself where it is in row-major order, else a copy.
Tensor contiguous(const Tensor& x);

// --- Elementwise arithmetic: broadcasting --------------------------------------------------------

Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
/// Floating tensors only.
Tensor div(const Tensor& a, const Tensor& b);
/// a to the power b. The gradient for b where a is 0 is 0.
Tensor pow(const Tensor& a, const Tensor& b);
/// a - b floor(a / b), which has the sign of b. Throws ValueError for whole numbers divided by 0.
Tensor remainder(const Tensor& a, const Tensor& b);
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
/// a where `condition` (bool) is true, else b.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// x with `value` where `mask` (bool) is true.
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);

Tensor add(const Tensor& a, double b);
Tensor sub(const Tensor& a, double b);
Tensor sub(double a, const Tensor& b);
Tensor mul(const Tensor& a, double b);
Tensor div(const Tensor& a, double b);
Tensor div(double a, const Tensor& b);
Tensor pow(const Tensor& a, double b);
Tensor pow(double a, const Tensor& b);
Tensor remainder(const Tensor& a, double b);
Tensor maximum(const Tensor& a, double b);
Tensor minimum(const Tensor& a, double b);

inline Tensor operator+(const Tensor& a, const Tensor& b) {
  return add(a, b);
}
inline Tensor operator-(const Tensor& a, const Tensor& b) {
  return sub(a, b);
}
inline Tensor operator*(const Tensor& a, const Tensor& b) {
  return mul(a, b);
}
inline Tensor operator/(const Tensor& a, const Tensor& b) {
  return div(a, b);
}
inline Tensor operator+(const Tensor& a, double b) {
  return add(a, b);
}
inline Tensor operator-(const Tensor& a, double b) {
  return sub(a, b);
}
inline Tensor operator*(const Tensor& a, double b) {
  return mul(a, b);
}
inline Tensor operator/(const Tensor& a, double b) {
  return div(a, b);
}
inline Tensor operator+(double a, const Tensor& b) {
  return add(b, a);
}
inline Tensor operator-(double a, const Tensor& b) {
  return sub(a, b);
}
inline Tensor operator*(double a, const Tensor& b) {
  return mul(b, a);
}
inline Tensor operator/(double a, const Tensor& b) {
  return div(a, b);
}

// --- Elementwise comparison: broadcasting, bool result, no gradient ------------------------------

Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);
Tensor eq(const Tensor& a, double b);
Tensor ne(const Tensor& a, double b);
Tensor lt(const Tensor& a, double b);
Tensor le(const Tensor& a, double b);
Tensor gt(const Tensor& a, double b);
Tensor ge(const Tensor& a, double b);
Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);
/// Bool tensors only.
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& x);
struct Tolerance {
  double rtol = 1e-5;
  double atol = 1e-8;
  bool equal_nan = false;
};
/// |a - b| <= atol + rtol |b|, or equal (infinities); taken in float64.
Tensor isclose(const Tensor& a, const Tensor& b, const Tolerance& tolerance = {});
bool allclose(const Tensor& a, const Tensor& b, const Tolerance& tolerance = {});
/// True where every element is finite. Floating tensors.
bool all_finite(const Tensor& x);

// --- Elementwise functions -----------------------------------------------------------------------

Tensor neg(const Tensor& x);
inline Tensor operator-(const Tensor& x) {
  return neg(x);
}
Tensor abs(const Tensor& x);
Tensor sign(const Tensor& x);   ///< -1, 0 or 1; gradient 0
Tensor floor(const Tensor& x);  ///< gradient 0, as for the next three
Tensor ceil(const Tensor& x);
Tensor round(const Tensor& x);  ///< halves to the even neighbour
Tensor trunc(const Tensor& x);
Tensor square(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor reciprocal(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor exp2(const Tensor& x);
Tensor expm1(const Tensor& x);
Tensor log(const Tensor& x);
Tensor log2(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tan(const Tensor& x);
Tensor asin(const Tensor& x);
Tensor acos(const Tensor& x);
Tensor atan(const Tensor& x);
Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor erf(const Tensor& x);
/// min(max(x, lo), hi). Throws ValueError where neither bound is given or a bound is NaN.
Tensor clamp(const Tensor& x, std::optional<double> lo, std::optional<double> hi);

Tensor relu(const Tensor& x);
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
Tensor elu(const Tensor& x, double alpha = 1);
enum class Gelu { exact, tanh };
/// x times the normal distribution function; `tanh` is the usual approximation (Hendrycks and
/// Gimpel, arXiv 1606.08415).
Tensor gelu(const Tensor& x, Gelu form = Gelu::exact);
Tensor silu(const Tensor& x);
/// log(1 + exp(beta x)) / beta; x itself where beta x > threshold.
Tensor softplus(const Tensor& x, double beta = 1, double threshold = 20);
/// x where x > 0, else weight x: one weight [1], or one for each channel of x [N, C, ...] (He et
/// al., arXiv 1502.01852). The gradient at 0 is that of the negative side.
Tensor prelu(const Tensor& x, const Tensor& weight);
/// 1.0507 x for x > 0, else 1.7581 (exp(x) - 1) (Klambauer et al., arXiv 1706.02515).
Tensor selu(const Tensor& x);
/// x for x > 0, else alpha (exp(x / alpha) - 1) (Barron, arXiv 1704.07483). alpha must not be 0.
Tensor celu(const Tensor& x, double alpha = 1);
/// x tanh(log(1 + exp(x))) (Misra, arXiv 1908.08681).
Tensor mish(const Tensor& x);
/// log(sigmoid(x)), exact in both tails.
Tensor log_sigmoid(const Tensor& x);
Tensor softsign(const Tensor& x);    ///< x / (1 + |x|)
Tensor tanhshrink(const Tensor& x);  ///< x - tanh(x)
/// As clamp, with gradient 0 on the bounds. Throws ValueError unless min_val < max_val.
Tensor hardtanh(const Tensor& x, double min_val = -1, double max_val = 1);
Tensor relu6(const Tensor& x);        ///< hardtanh from 0 to 6
Tensor hardsigmoid(const Tensor& x);  ///< relu6(x + 3) / 6
/// x min(max(x + 3, 0), 6) / 6, with gradient -1/2 at -3 and 3/2 at 3 (Howard et al., arXiv
/// 1905.02244).
Tensor hardswish(const Tensor& x);
/// x where |x| > lambda, else 0.
Tensor hardshrink(const Tensor& x, double lambda = 0.5);
/// x moved towards 0 by lambda, and 0 where it would pass it. lambda must not be negative.
Tensor softshrink(const Tensor& x, double lambda = 0.5);
/// x where x > threshold, else `value`.
Tensor threshold(const Tensor& x, double threshold, double value);
/// a sigmoid(b) of the two halves of x along `dim` (Dauphin et al., arXiv 1612.08083). Throws
/// ShapeError for an odd size.
Tensor glu(const Tensor& x, int64_t dim = -1);

/// Zeroes each element with probability p and multiplies the others by 1 / (1 - p).
Tensor dropout(const Tensor& x, double p, Generator& generator);
/// The same for whole channels: x is [N, C, ...], and each [n, c] stays or goes.
Tensor dropout_channels(const Tensor& x, double p, Generator& generator);
/// Sets each element to -1.758 (what selu tends to) with probability p, and then scales and shifts
/// all so that mean 0 and variance 1 stay (Klambauer et al., arXiv 1706.02515).
Tensor alpha_dropout(const Tensor& x, double p, Generator& generator);

// --- Reductions ----------------------------------------------------------------------------------
// `dims` lists the dimensions to reduce; none given means all. `keepdim` leaves them with size 1.
// Sums and products of whole numbers and bools are int64.

using Dims = Shape;

Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// Variance with divisor M - correction: 1 for the sample, 0 for the population.
Tensor var(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
Tensor std(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
Tensor prod(const Tensor& x);
Tensor prod(const Tensor& x, int64_t dim, bool keepdim = false);
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim = false);
Tensor amax(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// Euclidean norm of all elements, or over `dims`; ord may be any positive number, 0 or infinity.
Tensor norm(const Tensor& x, const Dims& dims = {}, double ord = 2, bool keepdim = false);
Tensor cumsum(const Tensor& x, int64_t dim);

struct ValuesIndices {
  Tensor values;
  Tensor indices;  ///< int64
};
/// The largest (smallest) element along `dim`, and where it first stands. NaN counts as largest
/// (smallest).
ValuesIndices max(const Tensor& x, int64_t dim, bool keepdim = false);
ValuesIndices min(const Tensor& x, int64_t dim, bool keepdim = false);
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
/// int64 indices, along `dim` or in the flattened tensor. No gradient.
Tensor argmax(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);
Tensor argmin(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);

/// Of bool tensors; `all` of nothing is true.
Tensor any(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor all(const Tensor& x, const Dims& dims = {}, bool keepdim = false);

Tensor softmax(const Tensor& x, int64_t dim);
Tensor log_softmax(const Tensor& x, int64_t dim);
Tensor softmin(const Tensor& x, int64_t dim);  ///< softmax(-x)

// --- Matrix products -----------------------------------------------------------------------------

/// 1-d and 2-d arguments multiply as vectors and matrices; more dimensions are batches of matrices
/// that broadcast against each other.
Tensor matmul(const Tensor& a, const Tensor& b);
/// x [..., in] times weight [out, in] transposed, plus bias [out] (may be undefined).
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

Tensor dot(const Tensor& a, const Tensor& b);    ///< [n], [n] to []
Tensor outer(const Tensor& a, const Tensor& b);  ///< [n], [m] to [n, m]
Tensor bmm(const Tensor& a, const Tensor& b);    ///< [b, n, k], [b, k, m] to [b, n, m]
/// Einstein summation, "bij,bjk->bik": letters name dimensions, and what is not named behind the
/// arrow is summed over. A letter twice in one term takes the diagonal, "..." stands for any
/// dimensions, which broadcast, and without an arrow the result has what appears once, in
/// alphabetical order. Pairs are contracted from left to right.
Tensor einsum(std::string_view equation, std::span<const Tensor> operands);
Tensor einsum(std::string_view equation, std::initializer_list<Tensor> operands);

// --- Views: no element is copied -----------------------------------------------------------------

/// One size may be -1 and follows from the others. Where no view can do it, the copy is recorded
/// as `contiguous`.
Tensor reshape(const Tensor& x, const Shape& shape);
Tensor flatten(const Tensor& x, int64_t start_dim = 0, int64_t end_dim = -1);
/// Splits one dimension into several; one of their sizes may be -1.
Tensor unflatten(const Tensor& x, int64_t dim, const Shape& sizes);
Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1);
Tensor permute(const Tensor& x, const Dims& dims);
Tensor movedim(const Tensor& x, int64_t source, int64_t destination);
/// Elements with column - row = offset of the matrices in two dimensions; they come last.
Tensor diagonal(const Tensor& x, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1);
/// Repeats dimensions of size 1; -1 keeps a size; new dimensions come first.
Tensor expand(const Tensor& x, const Shape& shape);
/// Removes one dimension of size 1 (nothing happens where its size is not 1), or all of them.
Tensor squeeze(const Tensor& x, std::optional<int64_t> dim = {});
Tensor unsqueeze(const Tensor& x, int64_t dim);
/// Elements start, start + step, ... of one dimension, `length` of them.
Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t length, int64_t step = 1);
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length);
/// One index of one dimension, which disappears. Negative indices count from the end.
Tensor select(const Tensor& x, int64_t dim, int64_t index);
/// All slices along `dim`, without that dimension: the inverse of stack.
std::vector<Tensor> unbind(const Tensor& x, int64_t dim = 0);
std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t dim = 0);
std::vector<Tensor> split(const Tensor& x, std::span<const int64_t> sizes, int64_t dim = 0);
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim = 0);

// --- Rearranging: copies -------------------------------------------------------------------------

Tensor cat(std::span<const Tensor> tensors, int64_t dim = 0);
Tensor cat(std::initializer_list<Tensor> tensors, int64_t dim = 0);
Tensor stack(std::span<const Tensor> tensors, int64_t dim = 0);
Tensor stack(std::initializer_list<Tensor> tensors, int64_t dim = 0);
/// `repeats[i]` copies side by side along dimension i; as torch.Tensor.repeat.
Tensor repeat(const Tensor& x, const Shape& repeats);
Tensor flip(const Tensor& x, const Dims& dims);
/// Elements moved on by `shift` along `dim`, or in the flattened tensor; the last become the first.
Tensor roll(const Tensor& x, int64_t shift, std::optional<int64_t> dim = {});
/// A matrix with this diagonal, or the diagonal of a matrix.
Tensor diag(const Tensor& x, int64_t offset = 0);
Tensor trace(const Tensor& x);
/// out[i][j]... = x with the index along `dim` replaced by index[i][j]... (int64).
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
/// Zeros of `shape` with source added at the places that gather would read: its transpose.
Tensor scatter_add(const Shape& shape, int64_t dim, const Tensor& index, const Tensor& source);
/// x with the source, or a value, written to the places that gather would read. Where places meet,
/// the last element of the source stays, and gets the gradient.
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, double value);
/// Rows (along `dim`) number index[0], index[1] ...; index is 1-d int64.
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
/// Row number index[...] of weight [V, D], for int64 indices of any shape: [..., D]. The gradient
/// of row `padding_idx` (negative counts from the end) is zero.
Tensor embedding(const Tensor& weight, const Tensor& index,
                 std::optional<int64_t> padding_idx = {});
/// The elements where `mask` (bool, broadcast against x) is true, in row-major order: [n].
Tensor masked_select(const Tensor& x, const Tensor& mask);
/// The places [n, x.dim()] of elements other than 0, in row-major order: int64.
Tensor nonzero(const Tensor& x);
/// In order, smallest first; equal elements stay in the order they have. NaN counts as largest.
ValuesIndices sort(const Tensor& x, int64_t dim = -1, bool descending = false);
Tensor argsort(const Tensor& x, int64_t dim = -1, bool descending = false);
/// The first k of sort(): by default the largest, largest first.
ValuesIndices topk(const Tensor& x, int64_t k, int64_t dim = -1, bool largest = true);
/// Each value once, in order: [n]. No gradient.
Tensor unique(const Tensor& x);
enum class PadMode { constant, reflect, replicate, circular };
/// `pads` lists (begin, end) pairs from the last dimension backwards, as torch's pad. Negative pads
/// crop (constant mode only).
Tensor pad(const Tensor& x, std::span<const int64_t> pads, PadMode mode = PadMode::constant,
           double value = 0);
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
/// [...] int64 classes to [..., num_classes] zeros and ones (int64).
Tensor one_hot(const Tensor& classes, int64_t num_classes);

// --- Convolution and pooling: spatial.h ----------------------------------------------------------

// --- Normalization -------------------------------------------------------------------------------
// y = weight (x - mean) / sqrt(variance + eps) + bias, with mean and *biased* variance of a set of
// elements. weight and bias may be undefined: 1 and 0. Statistics keep their digits however far the
// mean is from 0.

/// Two ways to compute a norm. `fused` runs kernels of its own and is recorded as one operation;
/// `composed` is the same written in primitives, to read, to check against, and to differentiate
/// twice. Both give the same values and gradients up to rounding.
enum class NormForm { fused, composed };

struct NormResult {
  Tensor y;
  Tensor mean;      ///< of each set; no gradient
  Tensor variance;  ///< of each set, biased; no gradient
};
/// Over the batch and all positions, for each channel: x [N, C, ...], weight and bias [C],
/// statistics [C] (Ioffe and Szegedy, arXiv 1502.03167).
NormResult batch_norm_train(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {},
                            double eps = 1e-5, NormForm form = NormForm::fused);
/// Batch norm with given statistics [C]: an affine map for each channel. Writing to the statistics
/// later does not disturb the gradient of this call.
Tensor batch_norm_eval(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                       const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5,
                       NormForm form = NormForm::fused);
/// Over all positions, for each sample and channel: x [N, C, ...], weight and bias [C], statistics
/// [N, C] (Ulyanov et al., arXiv 1607.08022).
NormResult instance_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {},
                         double eps = 1e-5, NormForm form = NormForm::fused);
/// Over the last dimensions, which must be `normalized_shape`; so are weight and bias (Ba, Kiros
/// and Hinton, arXiv 1607.06450).
Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5, NormForm form = NormForm::fused);
/// Over all positions and the channels of a group, for each sample: x [N, C, ...], weight and bias
/// [C]; C must be a multiple of num_groups (Wu and He, arXiv 1803.08494).
Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5, NormForm form = NormForm::fused);
/// weight x / sqrt(mean(x^2) + eps) over the last dimensions (Zhang and Sennrich, arXiv
/// 1910.07467).
Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight = {},
                double eps = 1e-5, NormForm form = NormForm::fused);
/// x / (k + alpha mean(x^2))^beta, the mean over `size` neighbouring channels of x [N, C, ...],
/// with zeros beyond the ends (Krizhevsky et al., 2012; alpha is divided by size, as PyTorch does).
Tensor local_response_norm(const Tensor& x, int64_t size, double alpha = 1e-4, double beta = 0.75,
                           double k = 1);

// --- Losses: losses.h ----------------------------------------------------------------------------

}  // namespace gradus
