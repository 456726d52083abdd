// Where the project's source and this build are.
#pragma once

#include <string>

namespace gradus::test {

/// The folders as absolute paths. Only tests/main.cpp knows them, so that everything else compiles
/// to the same object in every folder and a compiler cache finds it.
/// @{
std::string source_folder();
std::string build_folder();
/// @}

}  // namespace gradus::test
