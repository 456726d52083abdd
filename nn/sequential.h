// Modules composed of modules.
#pragma once

#include <concepts>

#include "module.h"

namespace gradus::nn {

/// Runs its children one after the other.
///
///     nn::Sequential net(nn::Flatten(), nn::Linear(784, 10));   // named "0", "1"
///     net.add("log_probabilities", nn::LogSoftmax());
///
/// Where nobody can tell but by the clock, and the last bits in evaluation, it computes some
/// adjacent layers together: see fused_layers.h, also for the switch.
class Sequential : public Module {
 public:
  Sequential();
  /// The other one is empty then, and may be filled again.
  // NOLINTNEXTLINE(performance-move-constructor-init): so it keeps fused_
  Sequential(Sequential&& other) noexcept : Module(std::move(other)), fused_(other.fused_) {}
  /// Takes ownership of the layers; they are named "0", "1", ...
  template <class... Layers>
  requires(sizeof...(Layers) > 0 && (std::derived_from<Layers, Module> && ...) &&
           !(sizeof...(Layers) == 1 &&
             (std::same_as<Layers, Sequential> && ...))) explicit Sequential(Layers&&... layers)
      : Sequential() {
    (add(std::move(layers)), ...);
  }

  /// Appends a layer, by default under its number. Throws ValueError if the name is already used.
  template <std::derived_from<Module> T>
  T& add(std::string_view name, T layer) {
    return static_cast<T&>(register_child(name, std::make_unique<T>(std::move(layer))));
  }
  template <std::derived_from<Module> T>
  T& add(T layer) {
    return add(str(size()), std::move(layer));
  }
  Module& add(std::string_view name, std::unique_ptr<Module> layer) {
    return register_child(name, std::move(layer));
  }

  size_t size() const { return children().size(); }
  /// Throws IndexError if there are not that many.
  Module& operator[](size_t index) const;

  Tensor forward(const Tensor& x) override;
  std::string type() const override { return "Sequential"; }

 private:
  std::shared_ptr<FusedLayers> fused_;
};

/// body(x) + shortcut(x); an empty shortcut is x itself (He et al., "Deep residual learning
/// for image recognition", arXiv 1512.03385). Parameters are named "body....", "shortcut....".
class Residual : public Module {
 public:
  explicit Residual(Sequential body, Sequential shortcut = {});
  Tensor forward(const Tensor& x) override;
  std::string type() const override { return "Residual"; }

  Sequential& body;      ///< the layers of the main path
  Sequential& shortcut;  ///< those of the shortcut
};

}  // namespace gradus::nn
