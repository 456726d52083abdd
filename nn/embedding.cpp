#include "embedding.h"

#include "../core/base/error.h"
#include "../core/base/random.h"
#include "../core/tape.h"
#include "init.h"

namespace gradus::nn {

void EmbeddingOptions::check() const {
  check_at_least(type, "num_embeddings", num_embeddings, 1);
  check_at_least(type, "embedding_dim", embedding_dim, 1);
  const int64_t padding = padding_idx.value_or(0), rows = num_embeddings;
  require(padding >= -rows && padding < rows, type, str("rows go from ", -rows, " to ", rows - 1),
          "padding_idx ", padding, " is none of ", rows, " rows");
}

Embedding::Embedding(const EmbeddingOptions& o)
    : Layer(o), weight(parameter("weight", Tensor::empty({o.num_embeddings, o.embedding_dim}))) {
  normal_(weight);
  if (!o.padding_idx) return;
  const NoGrad pause;
  select(weight, 0, *o.padding_idx).zero_();
}

Embedding Embedding::from_pretrained(const Tensor& rows, const FromPretrainedOptions& options) {
  require<ShapeError>(rows.dim() == 2, EmbeddingOptions::type, "one row per index",
                      "expected rows [V,D], got ", rows.shape());
  const RandomScope untouched;  // initial values are drawn, and overwritten
  Embedding layer({.num_embeddings = rows.size(0),
                   .embedding_dim = rows.size(1),
                   .padding_idx = options.padding_idx});
  layer.to(rows.dtype());
  layer.load_state_dict({{"weight", rows}});
  layer.requires_grad_(!options.freeze);
  return layer;
}

}  // namespace gradus::nn
