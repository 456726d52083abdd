// What save_onnx refuses of the cases, and why.
#include "cases.h"

namespace gradus::onnx_test {

const std::vector<std::pair<std::string, std::string>>& refusals() {
  static const std::vector<std::pair<std::string, std::string>> list = {
      // Dropout acts in training only.
      {"row dropout(x, 0.4)", "dropout has no equivalent"},
      {"row dropout_channels(x, 0.4)", "dropout has no equivalent"},
      // Which elements are chosen depends on their values, and indices are not on the tape.
      {"row median(x, 1).values", "depends on the input"},
      {"row quantile(x, 0.4, 1)", "depends on the input"},
      {"row quantile(x, 0.85)", "depends on the input"},
      {"row sort(x, 0).values", "depends on the input"},
      {"row topk(x, 2).values", "depends on the input"},
      {"row max_unpool1d(x, indices, 7)", "depends on the input"},
      {"row max_unpool2d(x, indices, {4,5})", "depends on the input"},
      {"row max_unpool3d(x, indices, {4,3,5})", "depends on the input"},
      // ONNX has none of these.
      {"row diagonal(x, 1, 1, 0)", "diagonal has no equivalent"},
      {"row diag(x, -1)", "diagonal_gradient has no equivalent"},
      {"row trace(x)", "diagonal has no equivalent"},
      {"row einsum(...iji,jk->k...i)", "diagonal has no equivalent"},
      {"row eigh(a).values", "eigh has no equivalent"},
      {"row eigh(a[2,3,3]).vectors", "eigh has no equivalent"},
      {"row svd(a[4,3]).u", "svd has no equivalent"},
      {"row svd(a).s", "svd has no equivalent"},
      {"row svd(a[2,3,4]).vh", "svd has no equivalent"},
      {"row solve(a, b[3])", "solve has no equivalent"},
      {"row solve(a[2,3,3], b[2,3,2])", "solve has no equivalent"},
      // What processes exchange while they train.
      {"row sum_over_shards(three alike, x)", "sum_over_shards with shards=3 has no equivalent"},
      // Losses that are one operation on the tape.
      {"row smooth_l1_loss(x, target, beta = 0.7)", "huber has no equivalent"},
      {"row huber_loss(x, target, none)", "huber has no equivalent"},
      {"row binary_cross_entropy(sigmoid(x), sigmoid(t), weight)",
       "binary_cross_entropy has no equivalent"},
  };
  return list;
}

}  // namespace gradus::onnx_test
