// 6.2  The gradient is orthogonal to the weights: which gradient, to which weights?
//
// Where the length of weights makes no difference to the output, the gradient has no component
// along them: the cosine of the angle between w and dw is 0. To see it, one has to compare the
// weights that share a length. Cut w [C, ...] along dimension 0 into `parts` equal pieces of
// neighbouring rows:
//     cosine of a piece = sum(w dw) / (|w| |dw|)            sums and lengths over the piece
// Before batch norm each row is such a piece, before group norm the rows of a group, before layer
// norm all of w.
#include "course.h"

using namespace gradus;

/// The cosines [parts] of weights w [C, ...] and their gradient dw; C is a multiple of parts.
Tensor cosines(const Tensor& w, const Tensor& dw, int64_t parts) {
  // TODO: a view with one row for each piece makes it three reductions.
  course::todo("the cosines");
}
