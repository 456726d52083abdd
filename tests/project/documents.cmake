# The code in the documents is compiled and run.
include(${PROJECT_SOURCE_DIR}/cmake/ExtractCode.cmake)

function(gradus_add_document_test name document)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/document_${name}.cpp)
  gradus_extract_code(${PROJECT_SOURCE_DIR}/${document} ${source})
  add_executable(document_${name} ${source})
  target_link_libraries(document_${name} PRIVATE gradus::gradus gradus_build_options)
  add_test(NAME document.${name} COMMAND document_${name})
endfunction()

gradus_add_document_test(adding_an_op docs/adding-an-op.md)
