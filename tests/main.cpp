#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "support/paths.h"

std::string gradus::test::source_folder() {
  return GRADUS_SOURCE_FOLDER;
}
std::string gradus::test::build_folder() {
  return GRADUS_BUILD_FOLDER;
}
