// IDX files, plain and compressed.
#include "../../core/base/error.h"
#include "../../datasets/idx.h"
#include "target.h"

void gradus::fuzz::run(std::span<const std::byte> input) {
  try {
    const auto tensor = data::parse_idx(input, "input");
    require(tensor.dim() >= 1, "an IDX file has at least one dimension");
    require(data::payload_sha256(tensor).size() == 64, "what was read can be written and hashed");
  } catch (const IoError& error) {
    require(error.op() == "read_idx", "an error names the reader");
  }
}
