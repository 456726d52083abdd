// Pictures given to `mnist predict`.
#include <gradus/core/base/error.h>

#include "../../examples/support/image.h"
#include "target.h"

void gradus::fuzz::run(std::span<const std::byte> input) {
  try {
    const auto gray = examples::parse_image(input, "input");
    const auto digit = examples::to_mnist_form(gray);
    require(digit.shape() == Shape{28, 28}, "a digit has 28x28 pixels");
  } catch (const IoError& error) {
    require(error.op() == "read_image", "an error names the reader");
  }
}
