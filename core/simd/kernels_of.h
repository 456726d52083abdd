// How a file that is compiled once per instruction set, or as plain, gives its tables to Tables:
//
//     template <class T>
//     constexpr Softmax<T> kernels_of<Softmax<T>> = {softmax<T>, log_softmax<T>};
//     ...
//     template const Softmax<float>& Tables<Isa::GRADUS_ISA>::get();
#pragma once

#include "isa.h"

namespace gradus::kernels {

namespace {

template <class Table>
constexpr Table kernels_of = {};

}  // namespace

template <Isa set>
template <class Table>
const Table& Tables<set>::get() {
  return kernels_of<Table>;
}

}  // namespace gradus::kernels
