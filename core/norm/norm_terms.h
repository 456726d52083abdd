// The gradient of a norm, taken apart into its terms.
#pragma once

#include <optional>
#include <string_view>

#include "../tape.h"

namespace gradus {

/// What the gradient of a norm consists of, for one call of it on a tape:
///
///     dx = r (u - mean(u) - x^ mean(u x^)) = direct + mean + variance
///
/// with means over the set that an element is in. All are in the shape and type of the input x, so
/// that any of them multiply and add up elementwise.
struct NormTerms {
  Tensor x_hat;     ///< (x - mean) r: the output before weight and bias
  Tensor r;         ///< 1 / sqrt(variance + eps) of the set of each element
  Tensor u;         ///< weight times the gradient of the output
  Tensor direct;    ///< r u: the gradient if mean and variance were constants
  Tensor mean;      ///< -r mean(u): what flows through the mean
  Tensor variance;  ///< -r x^ mean(u x^): what flows through the variance
};

/// The terms of the gradient of `loss` in the norm that the layer at this module path ("1",
/// "features.bn1") has recorded on the tape. Replays the tape, keeps what it saved, and leaves
/// every
/// `.grad()` as it is. Works for the fused form of batch, instance, layer, group and root mean
/// square norm; where statistics are constants (evaluation), or not centred, terms are 0.
///
///     Tape tape;
///     const Tensor loss = cross_entropy(net(x), y);
///     const NormTerms terms = norm_terms(tape, loss, "1");
///     std::cout << norm(terms.variance) / norm(terms.direct);
///
/// Throws ValueError if no norm or several are recorded for this path, and TapeError if the loss
/// does not depend on it, or if what it saved has been released.
NormTerms norm_terms(Tape& tape, const Tensor& loss, std::string_view layer);

/// The same during a backward pass that runs anyway, in a hook; nullopt if the entry is no norm.
///
///     tape.on_replay([&](const ReplayEvent& event) {
///       if (const auto terms = norm_terms(event)) sizes[event.path] = norm(terms->mean).item();
///     });
std::optional<NormTerms> norm_terms(const ReplayEvent& event);

}  // namespace gradus
