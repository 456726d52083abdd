// Augmentation from the command line.
#pragma once

#include <gradus/datasets/transform.h>

#include <string>

namespace gradus::examples {

/// "shift=2,rotate=10,elastic": names, each with the most it may do where the default does not
/// suit:
///
///     shift=2      pixels, across and down
///     rotate=10    degrees
///     scale=0.1    by a factor in [0.9, 1.1]
///     shear=10     degrees
///     elastic=34   alpha of the elastic distortion
///     flip=0.5     probability of mirroring left and right
///     erase=0.5    probability of overwriting a rectangle
///
/// They are applied in this order: rotate, scale and shear in one interpolation, shift, elastic,
/// flip, erase. `fill` is the value of the background. Empty for an empty text. Throws ValueError
/// for other names, names that come twice, and amounts out of range.
data::Transform parse_augmentation(const std::string& text, double fill);

}  // namespace gradus::examples
