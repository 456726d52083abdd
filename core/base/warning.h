// Warnings: what is no error, and still hardly ever meant.
#pragma once

#include <string_view>

namespace gradus {

/// Writes one line, "gradus: warning: [op] text. Hint: hint", to the standard error stream. For
/// what cannot be an error, since it is legal now and then or is found where nothing may be thrown;
/// callers see to it that it is said once.
void warn(std::string_view op, std::string_view text, std::string_view hint) noexcept;

}  // namespace gradus
