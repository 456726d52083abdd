#include "dtype.h"

#include <limits>
#include <ostream>

namespace gradus {

size_t size_of(DType dtype) {
  return dispatch_all("dtype", dtype, []<class T>() { return sizeof(T); });
}

const char* name_of(DType dtype) {
  constexpr const char* names[] = {"float32", "float64", "int64", "int32", "uint8", "bool"};
  return names[static_cast<size_t>(dtype)];
}

std::string with_article(DType dtype) {
  return str(dtype == int64 || dtype == int32 ? "an " : "a ", dtype);
}

std::string range_text(DType dtype) {
  return dispatch_all("dtype", dtype, [dtype]<class T>() {
    return str(dtype, " goes from ", std::numeric_limits<T>::lowest(), " to ",
               std::numeric_limits<T>::max());
  });
}

std::ostream& operator<<(std::ostream& out, DType dtype) {
  return out << name_of(dtype);
}

}  // namespace gradus
