#include "course.h"

using namespace gradus;

struct Steps {
  Tensor mu, centred, v, r, xhat, y;
};

Steps forward(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  Steps s;
  s.mu = mean(x, {0});
  s.centred = x - s.mu;
  s.v = mean(s.centred * s.centred, {0});
  s.r = rsqrt(s.v + eps);
  s.xhat = s.centred * s.r;
  s.y = s.xhat * gamma + beta;
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
  d.dxhat = g * gamma;
  // r is one number for a column: every row has its share in the gradient.
  d.dr = sum(d.dxhat * s.centred, {0});
  // The derivative of u^(-1/2) is -1/2 u^(-3/2), and u^(-1/2) is r.
  d.dv = d.dr * -0.5 * s.r * s.r * s.r;
  // Used twice: directly in xhat, and squared in the variance.
  d.dcentred = d.dxhat * s.r + d.dv * s.centred * (2 / m);
  // 0 up to rounding for the second use alone, since the centred values add up to 0.
  d.dmu = -sum(d.dcentred, {0});
  // x is used twice as well: each element is centred, and counts 1/M in the mean.
  d.dx = d.dcentred + d.dmu / m;
  return d;
}
