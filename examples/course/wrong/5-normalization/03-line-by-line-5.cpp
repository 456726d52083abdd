// expect: is divided by M - 1
// Tempts because sample variances are divided so.
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
  d.dr = sum(d.dxhat * s.centred, {0});
  d.dv = d.dr * -0.5 * s.r * s.r * s.r;
  d.dcentred = d.dxhat * s.r + d.dv * s.centred * (2 / (m - 1));
  d.dmu = -sum(d.dcentred, {0});
  d.dx = d.dcentred + d.dmu / m;
  return d;
}
