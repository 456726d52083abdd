// 2.3  The two gradients of a matrix product.
//
// Y = A B with A [n, k], B [k, m], Y [n, m]. From G = d(loss)/dY, of the shape of Y, come
//
//     dA = G Bᵀ  [n, k]        dB = Aᵀ G  [k, m]
//
// (Why: Y_ij = sum over l of A_il B_lj. A_il has an influence on the whole row i of Y, with the
// factors B_lj, so dA_il is the sum over j of G_ij B_lj.)
#include "course.h"

using namespace gradus;

struct MatmulGradients {
  Tensor da, db;
};

MatmulGradients matmul_gradients(const Tensor& a, const Tensor& b, const Tensor& g) {
  // TODO: both of them; matmul(x, y) multiplies matrices, transpose(x, 0, 1) transposes one.
  course::todo("the gradients of A and B");
}
