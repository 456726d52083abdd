// Every operation of the library, on one page; losses are on the next one, losses.h, convolution
// and pooling on spatial.h, normalization on norms.h.
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
// amax and amin share the gradient evenly among them. Such slopes of 0 stop an infinite gradient.
//
// where(x > 0, sqrt(x), 0) has the gradient NaN at 0: both arguments of where() are computed, and
// what was not chosen gets the gradient 0, which sqrt' = inf turns into NaN. Choose before as well:
// where(x > 0, sqrt(where(x > 0, x, 1)), 0), or masked_fill() twice. The same holds for log, pow,
// div and all others with an infinite slope.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/random.h"
#include "losses.h"
#include "norms.h"
#include "spatial.h"
#include "tensor.h"

namespace gradus {

// --- Creation ------------------------------------------------------------------------------------

Tensor zeros(const Shape& shape, DType dtype = float32);  ///< every element 0
Tensor ones(const Shape& shape, DType dtype = float32);   ///< every element 1
/// Every element `value`. As everywhere where a number becomes an element: throws DTypeError for a
/// fraction and whole numbers, ValueError for what the type cannot hold.
Tensor full(const Shape& shape, double value, DType dtype = float32);
Tensor zeros_like(const Tensor& x);               ///< zeros of x's shape and type
Tensor ones_like(const Tensor& x);                ///< ones of x's shape and type
Tensor full_like(const Tensor& x, double value);  ///< `value` in x's shape and type
/// Ones on the diagonal of a matrix, square unless `columns` is given.
Tensor eye(int64_t rows, std::optional<int64_t> columns = {}, DType dtype = float32);
/// `steps` numbers at equal distances, from start to end, both included: floating, [steps].
Tensor linspace(double start, double end, int64_t steps, DType dtype = float32);
namespace detail {
Tensor arange(int64_t start, int64_t end, int64_t step, DType dtype);
Tensor arange(double start, double end, double step, DType dtype);
}  // namespace detail
/// What the bounds of arange may be: any of C++'s own types of numbers.
template <class T>
concept Number = std::integral<T> || std::floating_point<T>;
/// start, start + step, ... below `end` (above, for a negative step); from 0 where no start is
/// given. As in PyTorch, int64 where all arguments are whole numbers by their type, else float32,
/// unless a type is given. Throws ValueError for a step of 0, fractions where the type is given and
/// has none, and numbers it cannot hold.
/// @{
template <Number Start, Number End, Number Step = int>
Tensor arange(Start start, End end, Step step = 1, std::optional<DType> dtype = {}) {
  constexpr bool whole = std::integral<Start> && std::integral<End> && std::integral<Step>;
  using T = std::conditional_t<whole, int64_t, double>;
  return detail::arange(static_cast<T>(start), static_cast<T>(end), static_cast<T>(step),
                        dtype.value_or(whole ? int64 : float32));
}
template <Number End>
Tensor arange(End end, std::optional<DType> dtype = {}) {
  return arange(End{0}, end, 1, dtype);
}
/// @}
/// A tensor with these elements in row-major order; shape [n] unless one is given. Throws
/// ShapeError where their number is another one than the shape's.
/// @{
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
  if constexpr (std::same_as<T, bool>) {  // whose elements are bits
    const auto bools = std::make_unique<bool[]>(values.size());
    std::copy(values.begin(), values.end(), bools.get());
    return tensor(std::span<const bool>(bools.get(), values.size()), shape);
  } else {
    return tensor(std::span<const T>(values), shape);
  }
}
template <class T>
Tensor tensor(const std::vector<T>& values) {
  return tensor(values, Shape{static_cast<int64_t>(values.size())});
}
/// @}
namespace detail {
/// Throws ShapeError unless both are equal.
void check_row_length(size_t length, size_t first);
}  // namespace detail
/// A matrix, row by row: tensor({{1.0F, 2.0F}, {3.0F, 4.0F}}). Throws ShapeError for rows of
/// different lengths.
template <class T>
Tensor tensor(std::initializer_list<std::initializer_list<T>> rows) {
  const size_t columns = rows.size() == 0 ? 0 : rows.begin()->size();
  std::vector<T> values;
  for (const std::initializer_list<T>& row : rows) {
    detail::check_row_length(row.size(), columns);
    values.insert(values.end(), row.begin(), row.end());
  }
  return tensor(values, Shape{static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns)});
}
/// Uniform in [lo, hi), and normal with mean 0 and standard deviation 1. Floating types only; the
/// generator moves on. Without one they draw from that of the thread, which manual_seed() seeds:
/// default_rng(Stream::general). ValueError for bounds that are not finite or not in order.
/// @{
Tensor rand(const Shape& shape, Rng& generator, double lo = 0, double hi = 1,
            DType dtype = float32);
Tensor randn(const Shape& shape, Rng& generator, DType dtype = float32);
Tensor rand_like(const Tensor& x, Rng& generator);
Tensor randn_like(const Tensor& x, Rng& generator);
inline Tensor rand(const Shape& shape, DType dtype = float32) {
  return rand(shape, default_rng(Stream::general), 0, 1, dtype);
}
inline Tensor randn(const Shape& shape, DType dtype = float32) {
  return randn(shape, default_rng(Stream::general), dtype);
}
inline Tensor rand_like(const Tensor& x) {
  return rand_like(x, default_rng(Stream::general));
}
inline Tensor randn_like(const Tensor& x) {
  return randn_like(x, default_rng(Stream::general));
}
/// @}
/// int64 numbers in [lo, hi), and a random order of 0 ... n - 1. Without a generator as above.
/// @{
Tensor randint(int64_t lo, int64_t hi, const Shape& shape, Rng& generator);
Tensor randperm(int64_t n, Rng& generator);
inline Tensor randint(int64_t lo, int64_t hi, const Shape& shape) {
  return randint(lo, hi, shape, default_rng(Stream::general));
}
inline Tensor randperm(int64_t n) {
  return randperm(n, default_rng(Stream::general));
}
/// @}

// --- Conversion and copies -----------------------------------------------------------------------

/// The same values in another type; whole numbers lose fractions, and ValueError where one cannot
/// hold an element (NaN, out of range); to bool, all but 0 is true. Differentiable between floats.
Tensor to(const Tensor& x, DType dtype);
/// A copy in row-major order.
Tensor clone(const Tensor& x);
/// x itself where it is in row-major order, else a copy.
Tensor contiguous(const Tensor& x);

// Whole numbers wrap around at the ends of their range, in sums and products of elements, too.

// --- Elementwise arithmetic: broadcasting --------------------------------------------------------

Tensor add(const Tensor& a, const Tensor& b);  ///< a + b
Tensor sub(const Tensor& a, const Tensor& b);  ///< a - b
Tensor mul(const Tensor& a, const Tensor& b);  ///< a b, element by element
/// Floating tensors only.
Tensor div(const Tensor& a, const Tensor& b);
/// a to the power b. The gradient for b where a is 0 is 0. ValueError for a negative power of whole
/// numbers.
Tensor pow(const Tensor& a, const Tensor& b);
/// a - b floor(a / b), which has the sign of b. Throws ValueError for whole numbers divided by 0.
Tensor remainder(const Tensor& a, const Tensor& b);
Tensor maximum(const Tensor& a, const Tensor& b);  ///< the larger of each pair; NaN if one is NaN
Tensor minimum(const Tensor& a, const Tensor& b);  ///< the smaller of each pair; NaN if one is NaN
/// a where `condition` (bool) is true, else b.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
/// x with `value` where `mask` (bool) is true.
Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);

/// With a number of the tensor's type. Throws DTypeError for a fraction and whole numbers,
/// ValueError for a number that the type cannot hold.
/// @{
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
/// @}

/// add, sub, mul and div.
/// @{
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
/// @}

// --- Elementwise comparison: broadcasting, bool result, no gradient ------------------------------

/// Equal, not equal, less than, less or equal, greater than, greater or equal. NaN is equal to
/// nothing, and neither less nor greater.
/// @{
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
/// @}
/// The same: `a == b` is a tensor of bools, and no condition for an `if`.
/// @{
inline Tensor operator==(const Tensor& a, const Tensor& b) {
  return eq(a, b);
}
inline Tensor operator==(const Tensor& a, double b) {
  return eq(a, b);
}
inline Tensor operator==(double a, const Tensor& b) {
  return eq(b, a);
}
inline Tensor operator!=(const Tensor& a, const Tensor& b) {
  return ne(a, b);
}
inline Tensor operator!=(const Tensor& a, double b) {
  return ne(a, b);
}
inline Tensor operator!=(double a, const Tensor& b) {
  return ne(b, a);
}
inline Tensor operator<(const Tensor& a, const Tensor& b) {
  return lt(a, b);
}
inline Tensor operator<(const Tensor& a, double b) {
  return lt(a, b);
}
inline Tensor operator<(double a, const Tensor& b) {
  return gt(b, a);
}
inline Tensor operator<=(const Tensor& a, const Tensor& b) {
  return le(a, b);
}
inline Tensor operator<=(const Tensor& a, double b) {
  return le(a, b);
}
inline Tensor operator<=(double a, const Tensor& b) {
  return ge(b, a);
}
inline Tensor operator>(const Tensor& a, const Tensor& b) {
  return gt(a, b);
}
inline Tensor operator>(const Tensor& a, double b) {
  return gt(a, b);
}
inline Tensor operator>(double a, const Tensor& b) {
  return lt(b, a);
}
inline Tensor operator>=(const Tensor& a, const Tensor& b) {
  return ge(a, b);
}
inline Tensor operator>=(const Tensor& a, double b) {
  return ge(a, b);
}
inline Tensor operator>=(double a, const Tensor& b) {
  return le(b, a);
}
/// @}
Tensor isnan(const Tensor& x);     ///< true where an element is NaN
Tensor isinf(const Tensor& x);     ///< true where it is infinite
Tensor isfinite(const Tensor& x);  ///< true where it is neither NaN nor infinite
/// Of bool tensors alone.
/// @{
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& x);
inline Tensor operator&(const Tensor& a, const Tensor& b) {
  return logical_and(a, b);
}
inline Tensor operator|(const Tensor& a, const Tensor& b) {
  return logical_or(a, b);
}
inline Tensor operator~(const Tensor& x) {
  return logical_not(x);
}
/// @}
/// What isclose and allclose let pass. Throws ValueError for negative numbers and NaN.
struct Tolerance {
  double rtol = 1e-5;      ///< relative to |b|
  double atol = 1e-8;      ///< absolute
  bool equal_nan = false;  ///< NaN is close to NaN
};
/// |a - b| <= atol + rtol |b|, or equal (infinities); taken in float64. allclose: for every
/// element.
/// @{
Tensor isclose(const Tensor& a, const Tensor& b, const Tolerance& tolerance = {});
bool allclose(const Tensor& a, const Tensor& b, const Tolerance& tolerance = {});
/// @}
/// True where every element is finite. Floating tensors.
bool all_finite(const Tensor& x);

// --- Elementwise functions -----------------------------------------------------------------------

Tensor neg(const Tensor& x);  ///< -x
/// neg.
inline Tensor operator-(const Tensor& x) {
  return neg(x);
}
Tensor abs(const Tensor& x);         ///< |x|
Tensor sign(const Tensor& x);        ///< -1, 0 or 1; gradient 0
Tensor floor(const Tensor& x);       ///< the whole number from x down; gradient 0
Tensor ceil(const Tensor& x);        ///< the whole number from x up; gradient 0
Tensor round(const Tensor& x);       ///< halves to the even neighbour; gradient 0
Tensor trunc(const Tensor& x);       ///< the whole number from x towards 0; gradient 0
Tensor square(const Tensor& x);      ///< x^2
Tensor sqrt(const Tensor& x);        ///< NaN for x < 0; the gradient at 0 is infinite
Tensor rsqrt(const Tensor& x);       ///< 1 / sqrt(x)
Tensor reciprocal(const Tensor& x);  ///< 1 / x
Tensor exp(const Tensor& x);         ///< e^x
Tensor exp2(const Tensor& x);        ///< 2^x
Tensor expm1(const Tensor& x);       ///< exp(x) - 1, exact near 0
Tensor log(const Tensor& x);         ///< to base e
Tensor log2(const Tensor& x);        ///< to base 2
Tensor log1p(const Tensor& x);       ///< log(1 + x), exact near 0
Tensor sin(const Tensor& x);         ///< x in radians
Tensor cos(const Tensor& x);         ///< x in radians
Tensor tan(const Tensor& x);         ///< x in radians
Tensor asin(const Tensor& x);        ///< in [-pi/2, pi/2]; NaN outside of [-1, 1]
Tensor acos(const Tensor& x);        ///< in [0, pi]; NaN outside of [-1, 1]
Tensor atan(const Tensor& x);        ///< in (-pi/2, pi/2)
Tensor sinh(const Tensor& x);        ///< (exp(x) - exp(-x)) / 2
Tensor cosh(const Tensor& x);        ///< (exp(x) + exp(-x)) / 2
Tensor tanh(const Tensor& x);        ///< sinh(x) / cosh(x), in [-1, 1]
Tensor sigmoid(const Tensor& x);     ///< 1 / (1 + exp(-x)), in [0, 1]
Tensor erf(const Tensor& x);         ///< 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x
/// min(max(x, lo), hi). Throws ValueError where neither bound is given or a bound is NaN.
Tensor clamp(const Tensor& x, std::optional<double> lo, std::optional<double> hi);

Tensor relu(const Tensor& x);  ///< max(x, 0)
/// x where x > 0, else negative_slope x (Maas et al., "Rectifier nonlinearities improve neural
/// network acoustic models", 2013).
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
/// x where x > 0, else alpha (exp(x) - 1) (Clevert et al., arXiv 1511.07289).
Tensor elu(const Tensor& x, double alpha = 1);
/// How gelu takes the normal distribution function.
enum class Gelu { exact, tanh };
/// x times the normal distribution function; `tanh` is the usual approximation (Hendrycks and
/// Gimpel, arXiv 1606.08415).
Tensor gelu(const Tensor& x, Gelu form = Gelu::exact);
Tensor silu(const Tensor& x);  ///< x sigmoid(x) (Elfwing et al., arXiv 1702.03118)
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

/// Zeroes each element with probability p and multiplies the others by 1 / (1 - p) (Srivastava et
/// al., JMLR 15, 2014). Throws ValueError for p outside of [0, 1], as the next two.
Tensor dropout(const Tensor& x, double p, Rng& generator);
/// The same for whole channels: x is [N, C, ...], and each [n, c] stays or goes.
Tensor dropout_channels(const Tensor& x, double p, Rng& generator);
/// Sets each element to -1.758 (what selu tends to) with probability p, and then scales and shifts
/// all so that mean 0 and variance 1 stay (Klambauer et al., arXiv 1706.02515).
Tensor alpha_dropout(const Tensor& x, double p, Rng& generator);
/// The same three, drawing from the generator of the thread that the layers draw from.
/// @{
inline Tensor dropout(const Tensor& x, double p) {
  return dropout(x, p, default_rng(Stream::dropout));
}
inline Tensor dropout_channels(const Tensor& x, double p) {
  return dropout_channels(x, p, default_rng(Stream::dropout));
}
inline Tensor alpha_dropout(const Tensor& x, double p) {
  return alpha_dropout(x, p, default_rng(Stream::dropout));
}
/// @}

// --- Reductions ----------------------------------------------------------------------------------
// `dims` lists the dimensions to reduce; none given means all. `keepdim` leaves them with size 1.
// Sums and products of whole numbers and bools are int64.

/// Numbers of dimensions, as Shape holds them; negative ones count from the end.
using Dims = Shape;

/// The sum; 0 of nothing.
Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// The arithmetic mean of floating elements; NaN of nothing.
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// Variance with divisor M - correction: 1 for the sample, 0 for the population; `stddev` is its
/// root (torch.std: here `std` is a namespace).
/// @{
Tensor var(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
Tensor stddev(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
/// @}
/// The product of all elements, or along `dim`; 1 of nothing. The gradient is right at zeros too.
/// @{
Tensor prod(const Tensor& x);
Tensor prod(const Tensor& x, int64_t dim, bool keepdim = false);
/// @}
/// log of the sum of exp(x), without overflow.
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim = false);
/// The largest and the smallest element. Throws ShapeError where there is none.
/// @{
Tensor amax(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor amin(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// @}
/// (sum of |x|^ord)^(1 / ord), by default the Euclidean norm, as torch.linalg.vector_norm. ord may
/// be any number, 0 (how many are not 0) or +-infinity (the largest or smallest magnitude). For
/// a negative ord it is 0 where an element is 0, and ShapeError is thrown where there is none.
Tensor norm(const Tensor& x, const Dims& dims = {}, double ord = 2, bool keepdim = false);
/// Element i along `dim` is the sum of elements 0 to i.
Tensor cumsum(const Tensor& x, int64_t dim);

/// Elements, and where they stood.
struct ValuesIndices {
  Tensor values;   ///< of the argument's type; differentiable
  Tensor indices;  ///< int64, of the same shape
};
/// The largest (smallest) element along `dim`, and where it first stands. NaN counts as largest
/// (smallest). Throws ShapeError where there is none. Without `dim`: of all elements, [].
/// @{
ValuesIndices max(const Tensor& x, int64_t dim, bool keepdim = false);
ValuesIndices min(const Tensor& x, int64_t dim, bool keepdim = false);
Tensor max(const Tensor& x);
Tensor min(const Tensor& x);
/// @}
/// int64 indices, along `dim` or in the flattened tensor. No gradient.
/// @{
Tensor argmax(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);
Tensor argmin(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);
/// @}

/// Of bool tensors; `all` of nothing is true, `any` of nothing false.
/// @{
Tensor any(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor all(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
/// @}

/// exp(x) divided by its sum along `dim`, without overflow.
Tensor softmax(const Tensor& x, int64_t dim);
/// log(softmax(x)), exact where the softmax is 0 or 1 in floating point.
Tensor log_softmax(const Tensor& x, int64_t dim);
Tensor softmin(const Tensor& x, int64_t dim);  ///< softmax(-x)

// --- Matrix products -----------------------------------------------------------------------------

/// 1-d and 2-d arguments multiply as vectors and matrices; more dimensions are batches of matrices
/// that broadcast against each other, [..., n, k] and [..., k, m] to [..., n, m].
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
/// @{
Tensor einsum(std::string_view equation, std::span<const Tensor> operands);
Tensor einsum(std::string_view equation, std::initializer_list<Tensor> operands);
/// @}

// --- Views: no element is copied -----------------------------------------------------------------

/// One size may be -1 and follows from the others. Where no view can do it, the copy is recorded
/// as `contiguous`.
Tensor reshape(const Tensor& x, const Shape& shape);
/// Merges dimensions start_dim to end_dim into one.
Tensor flatten(const Tensor& x, int64_t start_dim = 0, int64_t end_dim = -1);
/// Splits one dimension into several; one of their sizes may be -1.
Tensor unflatten(const Tensor& x, int64_t dim, const Shape& sizes);
/// Exchanges two dimensions.
Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1);
/// Dimension i of the result is dims[i] of x; each is named once.
Tensor permute(const Tensor& x, const Dims& dims);
/// Dimension `source` becomes dimension `destination`; the others keep their order.
Tensor movedim(const Tensor& x, int64_t source, int64_t destination);
/// Elements with column - row = offset of the matrices in two dimensions; they come last.
Tensor diagonal(const Tensor& x, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1);
/// Repeats dimensions of size 1; -1 keeps a size; new dimensions come first.
Tensor expand(const Tensor& x, const Shape& shape);
/// Removes one dimension of size 1 (nothing happens where its size is not 1), or all of them.
Tensor squeeze(const Tensor& x, std::optional<int64_t> dim = {});
/// Puts a dimension of size 1 before dimension `dim`; -1 puts it last.
Tensor unsqueeze(const Tensor& x, int64_t dim);
/// Elements start, start + step, ... of one dimension, `length` of them. Throws IndexError where
/// they do not all exist. narrow: one after the other.
/// @{
Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t length, int64_t step = 1);
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length);
/// @}
/// One index of one dimension, which disappears. Negative indices count from the end.
Tensor select(const Tensor& x, int64_t dim, int64_t index);
/// All slices along `dim`, without that dimension: the inverse of stack.
detail::List<Tensor> unbind(const Tensor& x, int64_t dim = 0);
/// Parts of this size (the last may be smaller) or of these sizes, which must add up to x's.
/// @{
detail::List<Tensor> split(const Tensor& x, int64_t size, int64_t dim = 0);
detail::List<Tensor> split(const Tensor& x, std::span<const int64_t> sizes, int64_t dim = 0);
/// @}
/// Up to `chunks` parts of one size, rounded up; the last may be smaller.
detail::List<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim = 0);

// --- Rearranging: copies -------------------------------------------------------------------------

/// One after the other along `dim`; all other sizes are equal.
/// @{
Tensor cat(std::span<const Tensor> tensors, int64_t dim = 0);
Tensor cat(std::initializer_list<Tensor> tensors, int64_t dim = 0);
/// @}
/// Tensors of one shape, one after the other along a new dimension `dim`.
/// @{
Tensor stack(std::span<const Tensor> tensors, int64_t dim = 0);
Tensor stack(std::initializer_list<Tensor> tensors, int64_t dim = 0);
/// @}
/// `repeats[i]` copies side by side along dimension i; as torch.Tensor.repeat.
Tensor repeat(const Tensor& x, const Shape& repeats);
/// Reverses the order along each of `dims`.
Tensor flip(const Tensor& x, const Dims& dims);
/// Elements moved on by `shift` along `dim`, or in the flattened tensor; the last become the first.
Tensor roll(const Tensor& x, int64_t shift, std::optional<int64_t> dim = {});
/// A matrix with this diagonal, or the diagonal of a matrix.
Tensor diag(const Tensor& x, int64_t offset = 0);
Tensor trace(const Tensor& x);  ///< the sum of the diagonal of a matrix
/// out[i][j]... = x with the index along `dim` replaced by index[i][j]... (int64).
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
/// Zeros of `shape` with source added at the places that gather would read: its transpose.
Tensor scatter_add(const Shape& shape, int64_t dim, const Tensor& index, const Tensor& source);
/// x with the source, or a value, written to the places that gather would read. Where places meet,
/// the last element of the source stays, and gets the gradient.
/// @{
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, double value);
/// @}
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
/// The indices of sort().
Tensor argsort(const Tensor& x, int64_t dim = -1, bool descending = false);
/// The first k of sort(): by default the largest, largest first.
ValuesIndices topk(const Tensor& x, int64_t k, int64_t dim = -1, bool largest = true);
/// Each value once, in order: [n]. No gradient.
Tensor unique(const Tensor& x);
/// Where pad takes elements from: a value; the neighbours of the edge, mirrored without it; the
/// edge itself; the other side.
enum class PadMode { constant, reflect, replicate, circular };
/// `pads` lists (begin, end) pairs from the last dimension backwards, as torch's pad. Negative pads
/// crop (constant mode only).
Tensor pad(const Tensor& x, std::span<const int64_t> pads, PadMode mode = PadMode::constant,
           double value = 0);
/// Matrices [..., n, m] with 0 above (tril) or below (triu) the diagonal column - row = diagonal.
/// @{
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
/// @}
/// [...] int64 classes to [..., num_classes] zeros and ones (int64); by default as many as the
/// largest class asks for, which needs a class.
Tensor one_hot(const Tensor& classes, std::optional<int64_t> num_classes = {});

// --- Convolution and pooling: spatial.h ----------------------------------------------------------

// --- Normalization: norms.h ----------------------------------------------------------------------

// --- Losses: losses.h ----------------------------------------------------------------------------

}  // namespace gradus
