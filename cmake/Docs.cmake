# The target `site`: the web site of the project, in site/ of the build folder. Its documents, the
# texts of the course, the reference of the public headers, and reports that programs write.
find_program(GRADUS_DOXYGEN doxygen)
find_program(GRADUS_CMARK cmark-gfm)
mark_as_advanced(GRADUS_DOXYGEN GRADUS_CMARK)
if(NOT GRADUS_DOXYGEN OR NOT GRADUS_CMARK)
  message(STATUS "Doxygen or cmark-gfm not found: no target site (doxygen, cmark-gfm, "
                 "python3-pygments)")
  return()
endif()

set(python ${PROJECT_SOURCE_DIR}/tests/interchange/run_python.sh)
set(site ${PROJECT_BINARY_DIR}/site)
set(reports ${PROJECT_BINARY_DIR}/site_reports)
set(report_options "")
if(TARGET mnist AND TARGET norm_lab)
  add_custom_target(site_reports
                    COMMAND ${CMAKE_COMMAND} -DMNIST=$<TARGET_FILE:mnist>
                            -DNORM_LAB=$<TARGET_FILE:norm_lab> -DFOLDER=${reports}
                            -P ${CMAKE_CURRENT_LIST_DIR}/site_reports.cmake
                    DEPENDS mnist norm_lab VERBATIM)
  set(report_options --report norm-lab=${reports}/norm-lab --report run=${reports}/run)
endif()
add_custom_target(site
                  COMMAND ${python} pygments ${PROJECT_SOURCE_DIR}/docs/site/build.py
                          ${PROJECT_SOURCE_DIR} ${site} --version ${PROJECT_VERSION}
                          ${report_options}
                  COMMAND ${python} sys ${PROJECT_SOURCE_DIR}/tests/project/check_site.py ${site}
                  VERBATIM)
if(TARGET site_reports)
  add_dependencies(site site_reports)
endif()
