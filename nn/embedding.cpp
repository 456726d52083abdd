#include "embedding.h"

#include "../core/base/error.h"
#include "../core/base/random.h"
#include "../core/tape.h"
#include "init.h"

namespace gradus::nn {

void EmbeddingOptions::describe(OptionVisitor& visit) {
  visit.required("num_embeddings", num_embeddings);
  visit.required("embedding_dim", embedding_dim);
  visit("padding_idx", padding_idx);
  visit.unsupported("max_norm", "rows keep their length; scale them under NoGrad where needed");
}

namespace {

const EmbeddingOptions& checked(const EmbeddingOptions& o) {
  check_at_least(o.type, "num_embeddings", o.num_embeddings, 1);
  check_at_least(o.type, "embedding_dim", o.embedding_dim, 1);
  if (o.padding_idx && (*o.padding_idx < -o.num_embeddings || *o.padding_idx >= o.num_embeddings)) {
    throw ValueError(o.type,
                     str("padding_idx ", *o.padding_idx, " is none of ", o.num_embeddings, " rows"),
                     str("rows go from ", -o.num_embeddings, " to ", o.num_embeddings - 1));
  }
  return o;
}

}  // namespace

Embedding::Embedding(const EmbeddingOptions& o)
    : Layer(checked(o)),
      weight(parameter("weight", Tensor::empty({o.num_embeddings, o.embedding_dim}))) {
  normal_(weight);
  if (!o.padding_idx) return;
  const NoGrad pause;
  select(weight, 0, *o.padding_idx).zero_();
}

Embedding Embedding::from_pretrained(const Tensor& rows, const FromPretrainedOptions& options) {
  if (rows.dim() != 2) {
    throw ShapeError(EmbeddingOptions::type, str("expected rows [V,D], got ", rows.shape()),
                     "one row per index");
  }
  const RandomScope untouched;  // initial values are drawn, and overwritten
  Embedding layer({.num_embeddings = rows.size(0),
                   .embedding_dim = rows.size(1),
                   .padding_idx = options.padding_idx});
  layer.to(rows.dtype());
  layer.load_state_dict({{"weight", rows}});
  layer.requires_grad_(!options.freeze);
  return layer;
}

Tensor Embedding::forward(const Tensor& x) {
  return embedding(weight, x, options().padding_idx);
}

}  // namespace gradus::nn
