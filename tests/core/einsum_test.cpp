// Einstein summation: what an equation means, and what is wrong with a bad one.
#include <doctest/doctest.h>

#include "../../core/tape.h"
#include "../support/errors.h"
#include "checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr std::string_view usual_hint =
    ". Hint: one term per operand, one letter per dimension, each letter with one size: "
    "'ij,jk->ik' "
    "is a matrix product";

std::string error_of(std::string_view equation, std::initializer_list<Tensor> operands) {
  return without(message_of([&] { einsum(equation, operands); }), usual_hint);
}

/// The definition: a loop over all labels of "ij,jk->ik"-like equations with three labels each.
Tensor matrix_product_by_loops(const Tensor& a, const Tensor& b) {
  Tensor out = zeros({a.size(0), b.size(1)}, float64);
  double* const o = out.mutable_data<double>();
  for (int64_t i = 0; i < a.size(0); ++i) {
    for (int64_t k = 0; k < b.size(1); ++k) {
      for (int64_t j = 0; j < a.size(1); ++j) {
        o[i * b.size(1) + k] +=
            a.select(0, i).select(0, j).item() * b.select(0, j).select(0, k).item();
      }
    }
  }
  return out;
}

}  // namespace

TEST_CASE("a letter that is not behind the arrow is summed over") {
  const Tensor a = random({3, 4}), b = random({4, 2}, 2);
  check_close(einsum("ij,jk->ik", {a, b}), matrix_product_by_loops(a, b));
  check_close(einsum("ij->i", {a}), sum(a, {1}));
  check_close(einsum("ij->", {a}), sum(a));
  check_close(einsum("ij,ij->", {a, a}), sum(square(a)));
  check_close(einsum("ij,k->i", {a, random({5}, 3)}), mul(sum(a, {1}), sum(random({5}, 3))));
}

TEST_CASE("the letters behind the arrow give the order of the dimensions") {
  const Tensor x = random({2, 3, 4});
  check_close(einsum("abc->cab", {x}), permute(x, {2, 0, 1}));
  check_close(einsum("ij,jk->ki", {x.select(0, 0), random({4, 5})}),
              transpose(matmul(x.select(0, 0), random({4, 5})), 0, 1));
  check_close(einsum(" a b c -> c a b ", {x}), permute(x, {2, 0, 1}));
}

TEST_CASE("without an arrow, what appears once is kept, in alphabetical order") {
  const Tensor a = random({3, 4}), b = random({4, 2}, 2);
  check_close(einsum("ij,jk", {a, b}), matmul(a, b));
  check_close(einsum("ba", {a}), transpose(a, 0, 1));
  check_close(einsum("aB", {a}), transpose(a, 0, 1));  // capitals first
  check_close(einsum("ii", {random({3, 3})}), trace(random({3, 3})));
  check_close(einsum("i...", {a}), transpose(a, 0, 1));  // what "..." stands for comes first
}

TEST_CASE("a letter twice in one term takes the diagonal") {
  const Tensor x = random({3, 2, 3}), m = random({3, 3});
  check_close(einsum("ii->i", {m}), diagonal(m));
  check_close(einsum("iji->ij", {x}), diagonal(x, 0, 0, 2).transpose(0, 1));
  check_close(einsum("iji->ji", {x}), diagonal(x, 0, 0, 2));
  check_close(einsum("iii->", {random({2, 2, 2})}), add(random({2, 2, 2}).flatten().select(0, 0),
                                                        random({2, 2, 2}).flatten().select(0, 7)));
}

TEST_CASE("'...' stands for any dimensions, which broadcast") {
  const Tensor a = random({5, 1, 3, 4}), b = random({2, 4, 3}, 2);
  check_close(einsum("...ij,...jk->...ik", {a, b}), matmul(a, b));
  check_close(einsum("...ij,...jk", {a, b}), matmul(a, b));
  check_close(einsum("i...->...i", {a}), permute(a, {1, 2, 3, 0}));
  check_close(einsum("...,...->...", {b, b}), square(b));
  check_close(einsum("...->", {b}), sum(b));
  check_close(einsum("...i->i", {b}), sum(b, {0, 1}));
}

TEST_CASE("any number of operands, from one to many") {
  const Tensor a = random({2, 3}), b = random({3, 4}, 2), c = random({4, 5}, 3), d = random({5}, 4);
  check_close(einsum("ij,jk,kl,l->i", {a, b, c, d}), matmul(matmul(matmul(a, b), c), d));
  check_close(einsum("i,i,i->i", {d, d, d}), mul(d, square(d)));
  check_close(einsum("ij,j,k->ik", {a, b.select(1, 0), d}), outer(matmul(a, b.select(1, 0)), d));
}

TEST_CASE("sizes of 1 repeat, empty ones sum to 0, and tensors without dimensions are factors") {
  const Tensor a = random({3, 1}), b = random({4, 2}, 2);
  check_close(einsum("ij,jk->ik", {a, b}), matmul(expand(a, {3, 4}), b));
  check_close(einsum("ij,jk->ik", {zeros({3, 0}, float64), zeros({0, 2}, float64)}),
              zeros({3, 2}, float64));
  check_close(einsum(",i->i", {full({}, 2, float64), b.select(1, 0)}), mul(b.select(1, 0), 2));
  CHECK(einsum("", {full({}, 3)}).item() == 3);
}

TEST_CASE("einsum differentiates twice, through every kind of equation") {
  const auto check = [](std::string_view equation, const std::vector<Tensor>& xs) {
    CAPTURE(equation);
    check_gradients([equation](const std::vector<Tensor>& x) { return einsum(equation, x); }, xs);
  };
  const Tensor a = random({2, 3}), b = random({3, 2}, 2);
  check("ij,jk->ik", {a, b});
  check("ij,jk,ki->", {a, b, random({2, 2}, 3)});
  check("iij->j", {random({2, 2, 3})});
  check("...i,i", {random({2, 2, 3}), random({3}, 2)});
  check("i,j->ji", {random({2}), random({3}, 2)});
}

TEST_CASE("a permutation alone is a view") {
  const Tensor x = random({2, 3});
  CHECK(einsum("ij->ji", {x}).raw_data() == x.raw_data());
  CHECK(einsum("ij->ij", {x}).raw_data() == x.raw_data());
}

TEST_CASE("what is wrong with an equation is said with the equation and every shape") {
  const Tensor a = zeros({2, 3}), b = zeros({4, 5});
  CHECK(message_of([&] { einsum("ij,jk->ik", {a}); }).ends_with(usual_hint));
  CHECK(error_of("ij,jk->ik", {a, b}) ==
        "[einsum] 'ij,jk->ik' of [2,3], [4,5]: 'j' is 3 and, in operand 1, 4");
  CHECK(error_of("ii->i", {a}) == "[einsum] 'ii->i' of [2,3]: 'i' is 2 and, in operand 0, 3");
  CHECK(error_of("ii->i", {zeros({1, 3})}) ==
        "[einsum] 'ii->i' of [1,3]: 'i' is 1 and 3 in operand 0");
  CHECK(error_of("ij,jk->ik", {a}) ==
        "[einsum] 'ij,jk->ik' of [2,3]: the numbers of terms and operands differ");
  CHECK(error_of("ij->i", {a, b}) ==
        "[einsum] 'ij->i' of [2,3], [4,5]: the numbers of terms and operands differ");
  CHECK(error_of("ijk->i", {a}) ==
        "[einsum] 'ijk->i' of [2,3]: operand 0 has 2 dimensions, its term names 3");
  CHECK(error_of("i->i", {a}) ==
        "[einsum] 'i->i' of [2,3]: operand 0 has 2 dimensions, its term names 1");
  CHECK(error_of("ij->ik", {a}) ==
        "[einsum] 'ij->ik' of [2,3]: 'k' of the result is in no operand");
  CHECK(error_of("ij->ii", {a}) == "[einsum] 'ij->ii' of [2,3]: 'i' is twice in the result");
  CHECK(error_of("i.j->i", {a}) ==
        "[einsum] 'i.j->i' of [2,3]: cannot read '.j'; a term has letters and at most one '...'");
  CHECK(error_of("......->i", {a}).find("cannot read '...'") != std::string::npos);
  CHECK(error_of("i1->i", {a}).find("cannot read '1'") != std::string::npos);
  CHECK(error_of("ij->i->j", {a}).find("cannot read '->j'") != std::string::npos);
  CHECK(error_of("...i,...i->...", {zeros({2, 3}), zeros({4, 3})}) ==
        "[einsum] '...i,...i->...' of [2,3], [4,3]: '...' is 2 and, in operand 1, 4");
  CHECK(
      error_of("abcde,fghij->abcdefghij", {zeros(Shape::filled(5, 1)), zeros(Shape::filled(5, 1))})
          .find("a step on the way has 10 dimensions; 8 are the most") != std::string::npos);
  CHECK(error_of("", {}) == "[einsum] '' of : there is no operand");
  CHECK_THROWS_AS(einsum("i,i", {zeros({2}), zeros({2}, float64)}), DTypeError);
  CHECK_THROWS_AS(einsum("i,i", {zeros({2}, int64), zeros({2}, int64)}), DTypeError);
}
