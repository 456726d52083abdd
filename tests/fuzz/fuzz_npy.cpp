// NumPy's .npy files.
#include "../../core/base/error.h"
#include "../../core/io/npy.h"
#include "target.h"

void gradus::fuzz::run(std::span<const std::byte> input) {
  try {
    const auto x = parse_npy(input, "input");
    require(static_cast<size_t>(x.nbytes()) < input.size(), "an array is in its file");
    require(x.is_contiguous(), "an array is in row-major order");
  } catch (const IoError& error) {
    require(error.op() == "parse_npy", "an error names the reader");
  }
}
