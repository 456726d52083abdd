// Whether a net trains what it computes with.
#pragma once

#include <string>
#include <vector>

#include "../core/tape.h"
#include "module.h"

namespace gradus::nn {

/// A tensor that asks for a gradient, has one on a tape, and is no parameter of the net.
struct UnregisteredLeaf {
  Tensor tensor;     ///< a weight of a layer that is a plain member, for example
  std::string op;    ///< the operation that first used it; empty if none did
  std::string path;  ///< the module in which that was

  std::string to_string() const;  ///< "[3,2] of linear in encoder.0"
};

/// What a tape tells of a net whose forward it recorded.
struct ParameterUse {
  std::vector<UnregisteredLeaf> unregistered;  ///< in the order of their first use
  std::vector<std::string> unused;  ///< parameters that ask for a gradient and are not on the tape

  bool all_well() const { return unregistered.empty() && unused.empty(); }
};

/// Compares the leaves of a tape with the parameters of the net whose forward is on it. `inputs`
/// are leaves that are meant to be none: an image whose gradient is wanted, another net's weights.
ParameterUse parameter_use(const Module& net, const Tape& tape,
                           const std::vector<Tensor>& inputs = {});

/// Throws ValueError that lists whatever parameter_use() finds. Put it into the first step of a
/// training: a layer that was not registered is never trained, and nothing else says so.
///
///     Tape tape;
///     const Tensor loss = nn::cross_entropy(net(x), y);
///     nn::check_parameters(net, tape);
void check_parameters(const Module& net, const Tape& tape, const std::vector<Tensor>& inputs = {});

}  // namespace gradus::nn
