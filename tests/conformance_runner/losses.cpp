// Losses, under the names of PyTorch's loss modules.
#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::conformance {
namespace {

Reduction reduction(Options& options) {
  constexpr Word<Reduction> words[] = {
      {"mean", Reduction::mean}, {"sum", Reduction::sum}, {"none", Reduction::none}};
  return options.choice("reduction", words);
}

Tensors cross_entropy_row(const Tensors& x, Options& options) {
  return {cross_entropy(x.at(0), x.at(1),
                        {.weight = options.tensor("weight"),
                         .reduction = reduction(options),
                         .ignore_index = options.integer("ignore_index", -100),
                         .label_smoothing = options.number("label_smoothing", 0)})};
}

Tensors nll_row(const Tensors& x, Options& options) {
  return {nll_loss(x.at(0), x.at(1),
                   {.weight = options.tensor("weight"),
                    .reduction = reduction(options),
                    .ignore_index = options.integer("ignore_index", -100)})};
}

Tensors mse_row(const Tensors& x, Options& options) {
  return {mse_loss(x.at(0), x.at(1), reduction(options))};
}

}  // namespace

OpTable loss_ops() {
  return {{"CrossEntropyLoss", cross_entropy_row}, {"NLLLoss", nll_row}, {"MSELoss", mse_row}};
}

}  // namespace gradus::conformance
