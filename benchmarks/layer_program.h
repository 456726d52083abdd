// The program that measures single layers, without the framework that computes them.
#pragma once

#include <functional>

#include "cases.h"

namespace gradus::bench {

/// What a framework has to provide.
struct LayerBackend {
  const char* name;
  void (*set_threads)(int threads);
  /// One forward and backward pass on random input, with the gradients of input and parameters; or
  /// one step of an optimizer. Empty if the framework does not have that.
  std::function<void()> (*make_step)(const LayerCase& layer);
  /// The least seconds that it can take on this machine. May be null: unknown.
  double (*limit)(const LayerCase& layer) = nullptr;
};

/// Measures every layer of layer_cases() and prints milliseconds. Returns the exit status.
int run_layer_program(int argc, char** argv, const LayerBackend& backend);

}  // namespace gradus::bench
