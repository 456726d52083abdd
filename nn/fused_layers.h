// Adjacent layers of a Sequential that are computed together.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <span>

#include "fold_batch_norm.h"

namespace gradus::nn {

class ChannelNormLayer;

/// Whether Sequential may compute adjacent layers together (the default), where none of them has
/// hooks:
///
///   - a convolution with the ReLU behind it, recorded as one conv2d;
///   - a ReLU after the max pool behind it, which has fewer elements: both orders give the same
///     values and gradients;
///   - in evaluation, and if nothing is recorded, a Linear or a convolution with the norm behind it
///     folded into its weights (fold_batch_norm.h). Outputs then differ by rounding;
///   - where nothing is recorded, a Linear with a transposed copy of its weight, as the product
///     reads it fastest, and a Conv2d with its weight transformed for Winograd's algorithm. The
///     bits are the same.
///
/// eval() changes nothing in a net: such weights are made in a forward, and again when the version
/// of a tensor says that it has been written to; copies only when a second forward finds the
/// weight unchanged. They stay in memory until then.
/// @{
void set_fusion(bool on);
bool fusion();
/// @}

/// The layers of one Sequential, and the weights folded for it. Several threads may use it at once.
class FusedLayers {
 public:
  /// Children of a module.
  using Modules = std::span<const std::unique_ptr<Module>>;
  /// Runs the first of some layers with input y, which becomes the output, and as many of those
  /// behind it as can be computed with it. Returns their number.
  size_t run(Modules layers, Tensor& y);

 private:
  /// The state of a tensor that weights were made from.
  struct Source {
    const void* id = nullptr;
    const void* data = nullptr;
    uint32_t version = 0;
    bool operator==(const Source&) const = default;
  };
  struct Parameters : FoldedParameters {
    Tensor transformed;  // the weight of a Conv2d
  };
  struct Prepared {
    std::array<Source, 6> sources;
    int dims = 0;
    int64_t uses = 0;  // of these parameters
    Parameters parameters;
  };

  template <class Layer>
  size_t run_linear(Layer& layer, Modules layers, Tensor& y);
  /// The parameters of a layer with the norm, if there is one, folded in: kept until its `own`
  /// change, or those of the norm. The weight is undefined if the norm cannot be folded.
  Parameters prepared(const Module& layer, const FoldedParameters& own,
                      const ChannelNormLayer* norm, int dims);

  std::mutex mutex_;
  std::map<const Module*, Prepared> prepared_;
};

}  // namespace gradus::nn
