// What users of PyTorch write: operators, indices, numbers out of tensors, lists of tensors.
#include <doctest/doctest.h>

#include <limits>
#include <sstream>
#include <type_traits>

#include "../../core/grad.h"
#include "../../core/io/checkpoint.h"
#include "../../core/tape.h"
#include "../../core/tape_profile.h"
#include "../support/errors.h"
#include "checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

using Bools = std::vector<bool>;
using Floats = std::vector<float>;

Bools bools(const Tensor& x) {
  return x.to_vector<bool>();
}
Floats floats(const Tensor& x) {
  return x.to_vector<float>();
}

}  // namespace

// --- Operators ---

TEST_CASE("comparisons of tensors and numbers give bools") {
  const Tensor x = tensor({-1.0F, 0.0F, 2.0F}), y = tensor({0.0F, 0.0F, 1.0F});
  CHECK(bools(x > 0) == Bools{false, false, true});
  CHECK(bools(x >= 0) == Bools{false, true, true});
  CHECK(bools(x < 0) == Bools{true, false, false});
  CHECK(bools(x <= 0) == Bools{true, true, false});
  CHECK(bools(x == 0) == Bools{false, true, false});
  CHECK(bools(x != 0) == Bools{true, false, true});
  CHECK(bools(0 > x) == bools(x < 0));
  CHECK(bools(0 >= x) == bools(x <= 0));
  CHECK(bools(0 < x) == bools(x > 0));
  CHECK(bools(0 <= x) == bools(x >= 0));
  CHECK(bools(0 == x) == bools(x == 0));
  CHECK(bools(0 != x) == bools(x != 0));
  CHECK(bools(x > y) == Bools{false, false, true});
  CHECK(bools(x >= y) == Bools{false, true, true});
  CHECK(bools(x < y) == Bools{true, false, false});
  CHECK(bools(x <= y) == Bools{true, true, false});
  CHECK(bools(x == y) == Bools{false, true, false});
  CHECK(bools(x != y) == Bools{true, false, true});
  CHECK(sum(argmax(tensor({{1, 2}, {4, 3}}), 1) == tensor<int64_t>({1, 1})).item() == 1);
  static_assert(!std::is_convertible_v<decltype(x == y), bool>, "no condition by mistake");
}

TEST_CASE("and, or and not of bools are operators") {
  const Tensor x = tensor({-1.0F, 0.5F, 2.0F});
  CHECK(bools((x > 0) & (x < 1)) == Bools{false, true, false});
  CHECK(bools((x < 0) | (x > 1)) == Bools{true, false, true});
  CHECK(bools(~(x > 0)) == Bools{true, false, false});
}

TEST_CASE("an index in brackets is a view of one element of the first dimension") {
  Tensor x = tensor({{1.0F, 2.0F}, {3.0F, 4.0F}});
  CHECK(floats(x[0]) == Floats{1, 2});
  CHECK(x[-1][0].item() == 3);
  x[0].copy_(tensor({5.0F, 6.0F}));
  x[1] += 1;
  CHECK(floats(x) == Floats{5, 6, 4, 5});
  CHECK(message_of([&] { x[2]; }).starts_with("[select] "));
  // What would only rename a temporary handle does not compile.
  static_assert(!std::is_assignable_v<Tensor, Tensor> && !std::is_assignable_v<Tensor, Tensor&>);
  static_assert(std::is_assignable_v<Tensor&, Tensor> && std::is_assignable_v<Tensor&, Tensor&>);
}

TEST_CASE("T exchanges rows and columns of a matrix") {
  const Tensor x = tensor({{1.0F, 2.0F, 3.0F}, {4.0F, 5.0F, 6.0F}});
  CHECK(x.T().shape() == Shape{3, 2});
  CHECK(floats(x.T()) == Floats{1, 4, 2, 5, 3, 6});
  CHECK(message_of([] {
          ones({2, 2, 2}).T();
        }) ==
        "[T] expected a matrix, got [2,2,2]. Hint: transpose(dim0, dim1) exchanges two dimensions, "
        "permute puts all in an order");
}

TEST_CASE("sums, means and the largest are members too") {
  const Tensor x = tensor({{1.0F, 2.0F}, {4.0F, 3.0F}});
  CHECK(x.sum().item() == 10);
  CHECK(floats(x.sum({1})) == Floats{3, 7});
  CHECK(x.mean({0}, true).shape() == Shape{1, 2});
  CHECK(x.argmax(1).to_vector<int64_t>() == std::vector<int64_t>{1, 0});
}

// --- Assignment with an operation ---

TEST_CASE("+=, -=, *= and /= write into a tensor") {
  Tensor x = tensor({1.0F, 2.0F});
  const Tensor same = x, y = tensor({2.0F, 4.0F});
  x += y;
  CHECK(floats(same) == Floats{3, 6});
  x -= 1;
  CHECK(floats(same) == Floats{2, 5});
  x *= y;
  CHECK(floats(same) == Floats{4, 20});
  x /= 2;
  CHECK(floats(same) == Floats{2, 10});
  x += 1;
  x -= y;
  CHECK(floats(same) == Floats{1, 7});
  x *= 2;
  x /= y;
  CHECK(floats(same) == Floats{1, 3.5});
  Tensor matrix = tensor({{1.0F, 2.0F}, {3.0F, 4.0F}});
  matrix += matrix.T();  // as if the right side were computed first
  CHECK(floats(matrix) == Floats{2, 5, 5, 8});
  matrix += y;
  CHECK(floats(matrix) == Floats{4, 9, 7, 12});
}

TEST_CASE("an assignment with an operation keeps shape and type or does nothing") {
  Tensor row = tensor({1.0F, 2.0F}), whole = tensor<int64_t>({4, 6});
  CHECK(message_of([&] {
          row += ones({3, 2});
        }) ==
        "[+=] the result [3,2] does not fit into [2]. Hint: only the right side broadcasts; x = x "
        "+ y makes a new tensor");
  CHECK_THROWS_AS(row += whole, DTypeError);
  CHECK_THROWS_AS(whole += 0.5, DTypeError);
  CHECK_THROWS_AS(whole /= 2, DTypeError);
  whole -= 1;
  CHECK(whole.to_vector<int64_t>() == std::vector<int64_t>{3, 5});
  CHECK(floats(row) == Floats{1, 2});
}

TEST_CASE("an assignment with an operation loses no gradient") {
  const Tensor w = ones({2}).requires_grad_();
  const std::string hint =
      ". Hint: x = x + y makes a new tensor that is on the tape; y.detach() has the value alone; "
      "parameters and statistics are written under NoGrad";
  Tensor total = zeros({2});
  Tape tape;
  Tensor y = w * 2.0;
  CHECK(message_of([&] { y += 1; }) ==
        "[+=] cannot write in place to a tensor [2] that a tape tracks: the gradient would be "
        "wrong" +
            hint);
  CHECK(message_of([&] { total += y; }) ==
        "[+=] a tape tracks the right side [2] and not the left side [2]: the gradient would be "
        "lost" +
            hint);
  CHECK(message_of([&] { total *= w; }).starts_with("[*=] a tape tracks the right side"));
  CHECK_THROWS_AS(total -= y, TapeError);
  CHECK_THROWS_AS(total /= y, TapeError);
  total += y.detach();
  CHECK(floats(total) == Floats{2, 2});
  {
    const NoGrad pause;
    Tensor parameter = w;
    parameter -= 0.5;
  }
  CHECK(floats(w) == Floats{0.5, 0.5});
}

// --- Numbers ---

TEST_CASE("item<T> gives whole numbers exactly, or says that there is none") {
  CHECK(tensor<int64_t>({9007199254740993}).item<int64_t>() == 9007199254740993);
  CHECK(tensor({3.0F}).item<int>() == 3);
  CHECK(tensor({-3.0}).item<int8_t>() == -3);
  CHECK(tensor({true}).item<bool>());
  CHECK(tensor({0.5}).item<float>() == 0.5F);
  CHECK(tensor<int64_t>({std::numeric_limits<int64_t>::max()}).item<size_t>() ==
        size_t{std::numeric_limits<int64_t>::max()});
  CHECK(message_of([] { tensor({2.5F}).item<int64_t>(); }) ==
        "[item] 2.5 is not a whole number from -9223372036854775808 to 9223372036854775807. Hint: "
        "ask for item<double>(), or round it first");
  CHECK_THROWS_AS(tensor({0x1p63}).item<int64_t>(), ValueError);
  CHECK_THROWS_AS(tensor({256}).item<uint8_t>(), ValueError);
  CHECK_THROWS_AS(tensor({-1}).item<size_t>(), ValueError);
  CHECK_THROWS_AS(tensor({std::numeric_limits<double>::quiet_NaN()}).item<int>(), ValueError);
  CHECK_THROWS_AS(ones({2}).item<int>(), ShapeError);
}

// --- Creation ---

TEST_CASE("a vector and rows in braces become tensors") {
  const std::vector<float> values = {1, 2, 3};
  CHECK(tensor(values).shape() == Shape{3});
  CHECK(floats(tensor(values)) == values);
  const Bools yes_and_no = {true, false};
  CHECK(bools(tensor(yes_and_no)) == yes_and_no);
  CHECK(tensor({{1, 2, 3}, {4, 5, 6}}).shape() == Shape{2, 3});
  CHECK(tensor({{1, 2, 3}, {4, 5, 6}}).dtype() == int32);
  CHECK(tensor<int64_t>({{1}, {2}}).shape() == Shape{2, 1});
  CHECK(tensor<int64_t>({{1}, {2}}).dtype() == int64);
  CHECK(message_of([] {
          tensor({{1, 2}, {3}});
        }) ==
        "[tensor] a row of 1 values below one of 2. Hint: all rows of a matrix are equally long");
}

TEST_CASE("without a generator random numbers come from the thread's, which manual_seed seeds") {
  manual_seed(5);
  const RandomState before = random_state();
  const Tensor x = randn({2, 3}), y = randn({2, 3});
  const Tensor u = rand({4}, float64), like = rand_like(u), normal = randn_like(x);
  const Tensor dice = randint(1, 7, {20}), order = randperm(10);
  CHECK(floats(x) != floats(y));
  CHECK(u.dtype() == float64);
  CHECK(like.dtype() == float64);
  CHECK(normal.shape() == x.shape());
  const RandomState after = random_state();
  manual_seed(5);
  CHECK(floats(randn({2, 3})) == floats(x));
  CHECK(floats(randn({2, 3})) == floats(y));
  // Nothing else draws differently for it: initial values, dropout ...
  for (const Stream s : {Stream::init, Stream::shuffle, Stream::dropout, Stream::augmentation}) {
    const auto i = static_cast<size_t>(s);
    CHECK(after.streams[i] == before.streams[i]);
  }
  CHECK(dice.numel() + order.numel() == 30);
}

TEST_CASE("a checkpoint holds the thread's general stream, and older ones without it are read") {
  manual_seed(5);
  randn({3});
  const NamedTensors state = random_state_dict();
  const Floats next = floats(randn({3}));
  load_random_state_dict(state);
  CHECK(floats(randn({3})) == next);
  load_random_state_dict({{"streams", state[0].tensor.narrow(0, 0, 4)}});
  manual_seed(5);
  const Floats first = floats(randn({3}));
  load_random_state_dict({{"streams", state[0].tensor.narrow(0, 0, 4)}});
  CHECK(floats(randn({3})) == first);
  CHECK_THROWS_AS(load_random_state_dict({{"streams", state[0].tensor.narrow(0, 0, 3)}}),
                  ValueError);
}

TEST_CASE("dropout without a generator draws from the stream of the layers") {
  manual_seed(3);
  const Tensor x = ones({50}), y = dropout(x, 0.5);
  Rng same(3, Stream::dropout);
  CHECK(floats(y) == floats(dropout(x, 0.5, same)));
}

// --- What a temporary gives away ---

TEST_CASE("an element of a list that a function returns outlives the list") {
  const Tensor x = tensor({1.0F, 2.0F, 3.0F, 4.0F}).requires_grad_();
  const Tensor& half = chunk(x, 2)[1];
  const Tensor& third = split(x, 1).at(2);
  const Tensor& last = unbind(x).back();
  CHECK(floats(half) == Floats{3, 4});
  CHECK(third.item() == 3);
  CHECK(last.item() == 4);
  Tape tape;
  const Tensor& g = grad(sum(square(x)), {x}).front();
  CHECK(floats(g) == Floats{2, 4, 6, 8});
}

TEST_CASE("shape and strides of a temporary outlive it, and so does what writes in place") {
  const Shape& shape = ones({2, 3}).shape();
  const Strides& strides = ones({2, 3}).strides();
  const Tensor& leaf = ones({2, 3}).requires_grad_();
  const Tensor& sevens = zeros({2}).fill_(7);
  ones({5, 5});  // takes the place of what is gone
  CHECK(shape == Shape{2, 3});
  CHECK(strides[0] == 3);
  CHECK(leaf.requires_grad());
  CHECK(floats(sevens) == Floats{7, 7});
}

// --- Hints ---

TEST_CASE("a loss that was computed before the tape is told to come after it") {
  const Tensor w = ones({}).requires_grad_();
  const Tensor loss = square(w);
  Tape tape;
  CHECK(message_of([&] { tape.backward(loss); }) ==
        "[backward] the [] tensor to start from depends on no tensor that asks for a gradient on "
        "this tape. Hint: nothing is on this tape: open it before the loss is computed, outside of "
        "NoGrad, from parameters or tensors with requires_grad_()");
  square(w);
  CHECK(message_of([&] { tape.backward(loss); })
            .ends_with("Hint: compute it after the tape was opened, from parameters or tensors "
                       "with requires_grad_(); detach() and NoGrad cut the dependence"));
}

TEST_CASE("a computed tensor that is asked to be a leaf says how it becomes one, and why") {
  const Tensor w = ones({2}).requires_grad_();
  Tape tape;
  Tensor y = w * 2.0;
  CHECK(message_of([&] { y.requires_grad_(); }) ==
        "[requires_grad_] this tensor [2] was computed by a tape. Hint: it has a gradient already, "
        "as a step between leaves and loss: grad(y, {x}) gives it. x.detach().requires_grad_() is "
        "a new leaf with the same elements, on which what came before no longer depends");
}

TEST_CASE("images without channels are read as one sample, and the error says so") {
  const Tensor images = ones({4, 28, 28});
  CHECK(message_of([&] {
          conv2d(images, ones({8, 1, 3, 3}));
        }) ==
        "[conv2d] expected 1 input channels, got 4: input [4,28,28] is read as a single sample "
        "[C,H,W], weight [8,1,3,3]. Hint: unsqueeze(1) makes a batch of one channel of it, "
        "[N,1,H,W]");
  CHECK(message_of([&] {
          conv2d(images, ones({8, 3, 3, 3}));
        }).ends_with("weight [8,3,3,3]. Hint: a batch is [N,3,H,W]"));
  CHECK(message_of([] {
          conv1d(ones({4, 9}), ones({8, 1, 3}));
        })
            .ends_with("[C,L], weight [8,1,3]. Hint: unsqueeze(1) makes a batch of one channel of "
                       "it, [N,1,L]"));
  CHECK(message_of([&] {
          conv3d(ones({4, 5, 5, 5}), ones({8, 1, 3, 3, 3}));
        }).starts_with("[conv3d] expected 1 input channels, got 4: input [4,5,5,5] is read as"));
  CHECK(message_of([&] {
          conv_transpose1d(ones({4, 9}), ones({1, 8, 3}));
        }).starts_with("[conv_transpose1d] expected 1 input channels, got 4: input [4,9] is"));
  CHECK(message_of([&] {
          conv_transpose2d(images, ones({1, 8, 3, 3}));
        }).starts_with("[conv_transpose2d] expected 1 input channels, got 4: input [4,28,28] is"));
  CHECK(message_of([&] {
          conv_transpose3d(ones({4, 5, 5, 5}), ones({1, 8, 3, 3, 3}));
        }).starts_with("[conv_transpose3d] expected 1 input channels, got 4: input [4,5,5,5] is"));
}

TEST_CASE("a profile goes to a stream") {
  const Tensor w = ones({2}).requires_grad_();
  Tape tape({.profile = true});
  square(w);
  const Profile profile = tape.profile();
  std::ostringstream out;
  out << profile;
  CHECK(out.str() == profile.to_string());
}
