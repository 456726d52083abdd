// Activation functions. Part of ops.h, which states the conventions.
#pragma once

#include "../tensor.h"

namespace gradus {

Tensor relu(const Tensor& x);  ///< max(x, 0)
/// x where x > 0, else negative_slope x (Maas et al., "Rectifier nonlinearities improve neural
/// network acoustic models", 2013).
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.01);
/// x where x > 0, else alpha (exp(x) - 1) (Clevert et al., arXiv 1511.07289).
Tensor elu(const Tensor& x, double alpha = 1);
/// How gelu computes the normal distribution function.
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
/// x moved towards 0 by lambda, and 0 if |x| <= lambda. lambda must not be negative.
Tensor softshrink(const Tensor& x, double lambda = 0.5);
/// x where x > threshold, else `value`.
Tensor threshold(const Tensor& x, double threshold, double value);
/// a sigmoid(b) of the two halves of x along `dim` (Dauphin et al., arXiv 1612.08083). Throws
/// ShapeError for an odd size.
Tensor glu(const Tensor& x, int64_t dim = -1);

}  // namespace gradus
