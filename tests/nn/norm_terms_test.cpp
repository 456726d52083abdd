// The gradient of a norm, taken apart.
#include <doctest/doctest.h>

#include <map>

#include "../../core/norm/norm_terms.h"
#include "../../nn/activation.h"
#include "../../nn/linear.h"
#include "../../nn/sequential.h"
#include "../support/errors.h"
#include "norm_cases.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr double eps = 0.05;

/// A norm between two layers, "0" and "2", so that the gradient of its input matters.
struct Net {
  nn::Sequential layers{nn::Linear(4, 6), nn::BatchNorm1d(6), nn::Tanh(),
                        nn::LayerNorm({.normalized_shape = {6}})};
  Tensor x = random({5, 4}, 1);
  Net() { layers.to(float64); }
  Tensor loss() { return sum(layers(x) * random({5, 6}, 2)); }
};

}  // namespace

TEST_CASE("direct, mean and variance term add up to dx, and are what they are by formula") {
  for (const NormCase& c : norm_cases()) {
    INFO(c.name);
    const auto layer = make_norm(c, NormForm::fused, eps);
    const Tensor x = random(c.x, 1).requires_grad_(), g = random(c.x, 2);
    Tape tape;
    const Tensor loss = sum((*layer)(x)*g);
    const NormTerms t = norm_terms(tape, loss, "");
    const Tensor dx = grad(loss, {x})[0];
    CHECK(distance(t.direct + t.mean + t.variance, dx) < 1e-12);

    const Sets s = sets_of(c, x.detach(), eps);
    const auto in_view = [&](const Tensor& of_x) { return reshape(of_x, c.view); };
    const Tensor u = weighted(c, *layer, g);
    CHECK(distance(in_view(t.x_hat), s.x_hat) < 1e-12);
    CHECK(distance(in_view(t.r), expand(s.r, c.view)) < 1e-12);
    CHECK(distance(in_view(t.u), u) < 1e-13);
    CHECK(distance(in_view(t.direct), s.r * u) < 1e-12);
    const Tensor mean_term = set_sum(c, u) / -s.count * s.r * (c.centred ? 1.0 : 0.0);
    CHECK(distance(in_view(t.mean), expand(mean_term, c.view)) < 1e-12);
    CHECK(distance(in_view(t.variance), set_sum(c, u * s.x_hat) / -s.count * s.r * s.x_hat) <
          1e-12);
  }
}

TEST_CASE("constant statistics pass nothing on: in evaluation the direct term is the gradient") {
  nn::BatchNorm1d norm(3);
  norm.eval();
  const Tensor x = randn({4, 3}).requires_grad_();
  Tape tape;
  const Tensor loss = sum(square(norm(x)));
  const NormTerms t = norm_terms(tape, loss, "");
  CHECK(t.direct.dtype() == float32);
  CHECK(amax(abs(t.mean)).item() == 0);
  CHECK(amax(abs(t.variance)).item() == 0);
  CHECK(amax(abs(t.direct - grad(loss, {x})[0])).item() < 1e-5);
}

TEST_CASE("a layer inside of a net is named by its module path, and backward still runs") {
  Net net;
  Tape tape;
  const Tensor loss = net.loss();
  const NormTerms batch = norm_terms(tape, loss, "1"), layer = norm_terms(tape, loss, "3");
  CHECK(distance(layer.u, random({5, 6}, 2)) < 1e-14);
  CHECK(!net.layers.named_parameters()[0].tensor.grad().defined());
  tape.backward(loss);
  // The gradient of the bias of layer 0 is that of the norm's input, summed over the batch: 0.
  CHECK(amax(abs(net.layers.named_parameters()[1].tensor.grad())).item() < 1e-14);
  // The weight's is its product with x.
  const Tensor dx = batch.direct + batch.mean + batch.variance;
  CHECK(distance(net.layers.named_parameters()[0].tensor.grad(), matmul(dx.T(), net.x)) < 1e-13);
}

TEST_CASE("a hook gets the terms of every norm in one backward pass") {
  Net net;
  std::map<std::string, NormTerms> terms;
  Tape tape;
  const Tensor loss = net.loss();
  const NormTerms alone = norm_terms(tape, loss, "1");
  tape.on_replay([&](const ReplayEvent& event) {
    if (const auto found = norm_terms(event)) terms[event.path] = *found;
  });
  tape.backward(loss);
  CHECK(terms.size() == 2);
  CHECK(distance(terms["1"].variance, alone.variance) == 0);
  CHECK(distance(terms["1"].x_hat, alone.x_hat) == 0);
}

TEST_CASE("what is not there is named") {
  Net net;
  Tape tape;
  const Tensor loss = net.loss();
  CHECK(message_of([&] { norm_terms(tape, loss, "2"); })
            .starts_with("[norm_terms] expected one norm of the layer \"2\" on the tape, got 0; it "
                         "has norms of \"1\", \"3\". Hint: layers are named as in"));
  const Tensor unrelated = sum(square(net.layers.named_parameters()[0].tensor));
  CHECK(message_of([&] {
          norm_terms(tape, unrelated, "1");
        }).starts_with("[norm_terms] the loss does not depend on the norm of the layer \"1\""));
  const Tensor again = net.loss();
  CHECK(message_of([&] {
          norm_terms(tape, again, "1");
        }).starts_with("[norm_terms] expected one norm of the layer \"1\" on the tape, got 2"));
}

TEST_CASE("terms need what the tape saved") {
  nn::BatchNorm1d norm(3);
  const Tensor x = randn({4, 3}).requires_grad_();
  Tape tape;
  const Tensor loss = sum(norm(x));
  tape.backward(loss);
  CHECK(message_of([&] {
          norm_terms(tape, loss, "");
        }).starts_with("[backward] entry %3 batch_norm [4,3] was replayed before"));
  norm.set_form(NormForm::composed);
  Tape other;
  const Tensor composed = sum(norm(x));
  CHECK(message_of([&] { norm_terms(other, composed, ""); })
            .starts_with("[norm_terms] expected one norm of the layer \"\" on the tape, got 0; it "
                         "has norms of no layer"));
}
