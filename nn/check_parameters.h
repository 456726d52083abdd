// Whether a net trains all weights that it computes with.
#pragma once

#include <string>
#include <vector>

#include "../core/tape.h"
#include "module.h"

namespace gradus::nn {

/// A leaf of a tape that requires a gradient and is not a parameter of the net.
struct UnregisteredLeaf {
  Tensor tensor;     ///< a weight of a layer that is a plain member, for example
  std::string op;    ///< the operation that first used it; empty if none did
  std::string path;  ///< the module of that operation

  std::string to_string() const;  ///< "[3,2] of linear in encoder.0"
};

/// What a tape shows about a net whose forward pass it recorded.
struct ParameterUse {
  std::vector<UnregisteredLeaf> unregistered;  ///< in the order of their first use
  std::vector<std::string> unused;  ///< parameters that require a gradient and are not on the tape

  bool all_well() const { return unregistered.empty() && unused.empty(); }
};

/// Compares the leaves of a tape with the parameters of the net whose forward pass is on it.
/// `inputs` are leaves that are not meant to be parameters: an image whose gradient is wanted,
/// another net's weights.
ParameterUse parameter_use(const Module& net, const Tape& tape,
                           const std::vector<Tensor>& inputs = {});

/// Throws a ValueError that lists everything parameter_use() finds. Call it in the first training
/// step: a layer that was not registered is never trained, and nothing else reports that.
///
///     Tape tape;
///     const Tensor loss = nn::cross_entropy(net(x), y);
///     nn::check_parameters(net, tape);
void check_parameters(const Module& net, const Tape& tape, const std::vector<Tensor>& inputs = {});

}  // namespace gradus::nn
