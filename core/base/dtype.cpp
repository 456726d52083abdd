#include "dtype.h"

#include <limits>
#include <ostream>

namespace gradus {

size_t size_of(DType dtype) {
  return dispatch_all("dtype", dtype, []<class T>() { return sizeof(T); });
}

const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return "float32";
    case DType::float64:
      return "float64";
    case DType::int64:
      return "int64";
    case DType::int32:
      return "int32";
    case DType::uint8:
      return "uint8";
    case DType::boolean:
      return "bool";
  }
  return "?";
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
