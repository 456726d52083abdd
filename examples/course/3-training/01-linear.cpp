// 3.1  The gradients of a linear layer and its ReLU.
//
// The layer computes z = x W^T + b and y = max(z, 0), for x [N, in], weight [out, in], bias [out].
// Given the gradient g [N, out] of y, write those of x, of the weight and of the bias. In indices,
// with n for samples, o for outputs and i for inputs:
//
//   dz[n,o] = g[n,o] where z[n,o] > 0, else 0        dx[n,i] = sum over o of dz[n,o] W[o,i]
//   dW[o,i] = sum over n of dz[n,o] x[n,i]           db[o]   = sum over n of dz[n,o]
#include "course.h"

using namespace gradus;

struct Gradients {
  Tensor x, weight, bias;
};

/// The gradients of what went into y = relu(linear(x, weight, bias)), from that of y.
Gradients gradients(const Tensor& g, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  // TODO: compute z again, let g pass the ReLU backwards, then write three short expressions.
  course::todo("the gradients of x, weight and bias");
}
