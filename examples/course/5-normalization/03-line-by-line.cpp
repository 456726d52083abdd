// 5.3  Backward through batch norm, line by line.
//
// The forward pass below is a graph of small steps. Write the gradient of the loss with respect to
// every intermediate result, from the last to the first; g is that of y. A result that is used
// twice (centred) gets what arrives from both uses. r, v, mu, gamma are rows [C] that were
// broadcast over the M rows of x: their gradients are sums over the rows. The test compares each
// line with the gradient that the tape finds.
#include "course.h"

using namespace gradus;

struct Steps {
  Tensor mu, centred, v, r, xhat, y;
};

Steps forward(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  Steps s;
  s.mu = mean(x, {0});                     // [C]
  s.centred = x - s.mu;                    // [M, C]
  s.v = mean(s.centred * s.centred, {0});  // [C]
  s.r = rsqrt(s.v + eps);                  // [C]    (v + eps)^(-1/2)
  s.xhat = s.centred * s.r;                // [M, C]
  s.y = s.xhat * gamma + beta;             // [M, C]
  return s;
}

struct Gradients {
  Tensor dbeta, dgamma, dxhat, dr, dv, dcentred, dmu, dx;
};

Gradients backward(const Tensor& g, const Steps& s, const Tensor& gamma) {
  const double m = static_cast<double>(g.size(0));
  Gradients d;
  d.dbeta = sum(g, {0});
  d.dgamma = sum(g * s.xhat, {0});
  // TODO: d.dxhat, d.dr, d.dv, d.dcentred, d.dmu, d.dx, one line for each.
  course::todo("the gradients from dxhat to dx");
}
