// Jacobians, Hessians and their products with vectors, of functions of tensors (torch.func,
// torch.autograd.functional).
//
// Each runs the function on a tape of its own and returns plain values, on no tape. Arguments that
// are leaves with requires_grad() are used as they are, others as copies that require a gradient.
// So the function may reach a leaf in another way than through its argument, as a net does its
// parameters:
//
//     const auto loss = [&](const std::vector<Tensor>&) { return cross_entropy(net(x), y); };
//     const auto hv = hvp(loss, parameters, directions);
//
// A function that does not depend on an argument has the derivative 0 with respect to it.
#pragma once

#include <functional>
#include <vector>

#include "gradcheck.h"
#include "tensor.h"

namespace gradus {

/// A function of one tensor. TensorFunction is one of a list of tensors.
using UnaryTensorFunction = std::function<Tensor(const Tensor&)>;

/// Vector-Jacobian product J^T v at x: v has the shape of f(x), the result that of x.
/// @{
Tensor vjp(const UnaryTensorFunction& f, const Tensor& x, const Tensor& v);
detail::List<Tensor> vjp(const TensorFunction& f, const std::vector<Tensor>& xs, const Tensor& v);
/// @}

/// Jacobian-vector product J v at x, the derivative of f along v: v has the shape of x, the result
/// that of f(x). Computed by two vector-Jacobian products, since the tape runs backward only: u ->
/// J^T u is linear in u, and its own vector-Jacobian product is J v.
/// @{
Tensor jvp(const UnaryTensorFunction& f, const Tensor& x, const Tensor& v);
Tensor jvp(const TensorFunction& f, const std::vector<Tensor>& xs, const std::vector<Tensor>& vs);
/// @}

/// All derivatives of f(x): [shape of f(x)..., shape of x...]; one for each of xs. Takes a backward
/// pass for each element of f(x).
/// @{
Tensor jacobian(const UnaryTensorFunction& f, const Tensor& x);
detail::List<Tensor> jacobian(const TensorFunction& f, const std::vector<Tensor>& xs);
/// @}

/// Hessian-vector product H v at x, in the shape of x, for an f with one element (ShapeError
/// otherwise). Takes two backward passes, whatever the size of x.
/// @{
Tensor hvp(const UnaryTensorFunction& f, const Tensor& x, const Tensor& v);
detail::List<Tensor> hvp(const TensorFunction& f, const std::vector<Tensor>& xs,
                         const std::vector<Tensor>& vs);
/// @}

/// All second derivatives of an f with one element: [shape of x..., shape of x...]. Of a list,
/// block [i][j] has the shapes of xs[i] and xs[j].
/// @{
Tensor hessian(const UnaryTensorFunction& f, const Tensor& x);
std::vector<detail::List<Tensor>> hessian(const TensorFunction& f, const std::vector<Tensor>& xs);
/// @}

/// The gradient of the loss of each sample: element k is [N, shape of parameters[k]...] for x and
/// targets [N, ...]. `loss` gets a batch of one, N times; the parameters are leaves that it depends
/// on (ValueError otherwise).
///
/// If a batch norm in training couples the samples, none has a gradient of its own: the loss of
/// each depends on all others. What this returns then is the gradient for a batch of that one
/// sample, its statistics those of its own pixels (without pixels the norm throws ValueError), and
/// the mean of these is not the gradient of the batch. Use layer, group or instance norm, or
/// evaluation mode.
detail::List<Tensor> per_sample_grads(
    const std::function<Tensor(const Tensor& x, const Tensor& target)>& loss,
    const std::vector<Tensor>& parameters, const Tensor& x, const Tensor& targets);

/// Sum of the products of all elements of two lists of the same shapes, as if each was one long
/// vector: float64, multiplied and added in double. Differentiable.
Tensor dot(const std::vector<Tensor>& xs, const std::vector<Tensor>& ys);
/// The length of a list as one long vector: float64, computed in double. Differentiable; its
/// gradient at 0 is 0.
Tensor norm(const std::vector<Tensor>& xs);

}  // namespace gradus
