# The shared library, linked from the objects of the static one: nothing is compiled twice. It
# exports the names of the namespace gradus only. The tree's own tests and programs use what is
# inside as well, and are linked with the static library.
#
# BUILD_SHARED_LIBS says which of them users get, as gradus::gradus and from `cmake --install`. If it
# is not set, this is both, or as a part of another project the static one.
set(gradus_with_static ON)
set(gradus_with_shared OFF)
if(DEFINED BUILD_SHARED_LIBS)
  set(gradus_with_shared ${BUILD_SHARED_LIBS})
  if(BUILD_SHARED_LIBS)
    set(gradus_with_static OFF)
  endif()
elseif(PROJECT_IS_TOP_LEVEL AND NOT GRADUS_SANITIZE)
  set(gradus_with_shared ON)
endif()
if(NOT gradus_with_shared)
  add_library(gradus::gradus ALIAS gradus)
  return()
endif()

add_library(gradus_shared SHARED $<TARGET_OBJECTS:gradus>)
foreach(isa IN LISTS gradus_instruction_sets)
  target_sources(gradus_shared PRIVATE $<TARGET_OBJECTS:gradus_${isa}>)
endforeach()
if(PROJECT_IS_TOP_LEVEL)
  add_library(gradus::gradus ALIAS gradus)
else()
  add_library(gradus::gradus ALIAS gradus_shared)
endif()

# Below 1.0 a new minor version may change the interface.
set(gradus_abi ${PROJECT_VERSION_MAJOR})
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(gradus_abi 0.${PROJECT_VERSION_MINOR})
endif()
set_target_properties(gradus_shared PROPERTIES OUTPUT_NAME gradus EXPORT_NAME gradus
                                               LINKER_LANGUAGE CXX VERSION ${PROJECT_VERSION}
                                               SOVERSION ${gradus_abi})
gradus_link_dependencies(gradus_shared)
target_link_libraries(gradus_shared PRIVATE $<BUILD_INTERFACE:gradus_build_options>)
foreach(property INCLUDE_DIRECTORIES COMPILE_FEATURES COMPILE_DEFINITIONS)
  get_target_property(value gradus INTERFACE_${property})
  if(value)
    set_target_properties(gradus_shared PROPERTIES INTERFACE_${property} "${value}")
  endif()
endforeach()

if(UNIX AND NOT APPLE)
  set(exports ${PROJECT_BINARY_DIR}/gradus.exports)
  set(export_list ${CMAKE_CURRENT_LIST_DIR}/export_list.cmake)
  add_custom_command(OUTPUT ${exports}
                     COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DLIBRARY=$<TARGET_FILE:gradus>
                             -DOUTPUT=${exports} -P ${export_list}
                     DEPENDS gradus ${export_list} VERBATIM)
  target_sources(gradus_shared PRIVATE ${exports})
  target_link_options(gradus_shared PRIVATE LINKER:--version-script=${exports})
  set_target_properties(gradus_shared PROPERTIES LINK_DEPENDS ${exports})
endif()
