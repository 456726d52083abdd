// How a file that is compiled once per instruction set, or as plain, defines its tables for Tables:
//
//     template <class T>
//     constexpr Softmax<T> kernels_of<Softmax<T>> = {softmax<T>, log_softmax<T>};
//     ...
//     template const Softmax<float>& Tables<Isa::GRADUS_ISA>::get();
//
// Files that call tables of others as well cannot include this, and specialize get() themselves.
#pragma once

#include "isa.h"

namespace gradus::kernels {

namespace {

/// Each file has only those that it defines; any other does not compile.
template <class Table>
constexpr Table kernels_of = Table::is_defined_in_another_file;

}  // namespace

template <Isa set>
template <class Table>
const Table& Tables<set>::get() {
  return kernels_of<Table>;
}

}  // namespace gradus::kernels
