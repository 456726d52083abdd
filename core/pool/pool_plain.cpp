// The table of the definitions in pool_plain.h.
#include "pool_plain.h"

namespace gradus::kernels {

namespace {

template <class T>
constexpr Pool<T> table_of = {plain_max<T>, scatter<T>, gather<T>, average<T>, spread<T>};

}  // namespace

template <>
template <>
const Pool<float>& Tables<Isa::plain>::get() {
  return table_of<float>;
}
template <>
template <>
const Pool<double>& Tables<Isa::plain>::get() {
  return table_of<double>;
}

}  // namespace gradus::kernels
