// Vectors for symbols.
#pragma once

#include "module.h"

namespace gradus::nn {

/// Options of Embedding.
struct EmbeddingOptions {
  static constexpr const char* type = "Embedding";
  int64_t num_embeddings = 0;  ///< rows: the number of symbols; at least 1
  int64_t embedding_dim = 0;   ///< columns: size of the vectors; at least 1
  /// A row that is never trained; negative counts from the end. Throws ValueError if there is no
  /// such row.
  std::optional<int64_t> padding_idx = {};

  void describe(OptionVisitor& visit) {
    visit.required("num_embeddings", num_embeddings);
    visit.required("embedding_dim", embedding_dim);
    visit("padding_idx", padding_idx);
    visit.unsupported("max_norm", "rows keep their length; scale them under NoGrad where needed");
  }
  void check() const;
};

/// Options of Embedding::from_pretrained.
struct FromPretrainedOptions {
  bool freeze = true;                       ///< require no gradient
  std::optional<int64_t> padding_idx = {};  ///< a row that is never trained, as in EmbeddingOptions
};

/// Row x[...] of the weight [num_embeddings, embedding_dim] for int64 indices x of any shape:
/// [..., embedding_dim]. The weight starts normal with standard deviation 1, the row padding_idx as
/// zeros; its gradient is zero. Throws IndexError for an index that is no row.
class Embedding : public Layer<EmbeddingOptions> {
 public:
  explicit Embedding(const EmbeddingOptions& options);
  Embedding(int64_t num_embeddings, int64_t embedding_dim)
      : Embedding(EmbeddingOptions{num_embeddings, embedding_dim}) {}
  /// With these rows [V, D], by default frozen. Unlike in a fresh layer, the row padding_idx keeps
  /// its values.
  static Embedding from_pretrained(const Tensor& rows, const FromPretrainedOptions& options = {});
  Tensor forward(const Tensor& x) override { return embedding(weight, x, options().padding_idx); }

  Tensor& weight;  ///< [num_embeddings, embedding_dim]
};

}  // namespace gradus::nn
