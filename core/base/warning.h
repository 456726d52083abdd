// Warnings: about what is not an error but rarely intended.
#pragma once

#include <string_view>

namespace gradus {

/// Writes one line, "gradus: warning: [op] text. Hint: hint", to standard error. For what cannot be
/// an error, since it is sometimes legitimate or is found where nothing may be thrown; callers make
/// sure that it appears once.
void warn(std::string_view op, std::string_view text, std::string_view hint) noexcept;

}  // namespace gradus
