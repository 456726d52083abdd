// The table of the definitions in pool_plain.h.
#include "pool_plain.h"
#include "../simd/kernels_of.h"

namespace gradus::kernels {

namespace {

template <class T>
constexpr Pool<T> kernels_of<Pool<T>> = {plain_max<T>, scatter<T>, gather<T>, average<T>,
                                         spread<T>};

}  // namespace

template const Pool<float>& Tables<Isa::plain>::get();
template const Pool<double>& Tables<Isa::plain>::get();

}  // namespace gradus::kernels
