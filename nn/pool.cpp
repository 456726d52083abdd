#include "pool.h"

namespace gradus::nn::detail {

void check_window(const char* type, std::span<const int64_t> kernel_size,
                  std::span<const int64_t> stride, std::span<const int64_t> padding) {
  check_at_least(type, "kernel_size", kernel_size, 1);
  check_at_least(type, "stride", stride, 1);
  check_at_least(type, "padding", padding, 0);
  for (size_t i = 0; i < padding.size(); ++i) {
    require(padding[i] <= kernel_size[i] / 2, type, "a window must not lie in the padding alone",
            "padding ", Shape(padding), " is more than half of kernel_size ", Shape(kernel_size));
  }
}

}  // namespace gradus::nn::detail
