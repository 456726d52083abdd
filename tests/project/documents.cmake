# The documents: their code is compiled and run, and their links lead somewhere.
include(${PROJECT_SOURCE_DIR}/cmake/ExtractCode.cmake)

function(gradus_add_document_test name document)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/document_${name}.cpp)
  gradus_extract_code(${PROJECT_SOURCE_DIR}/${document} ${source})
  add_executable(document_${name} ${source})
  target_link_libraries(document_${name} PRIVATE gradus::gradus gradus_build_options)
  if(name STREQUAL readme)
    gradus_share_headers(document_readme <gradus/gradus.h>)  # what the code of each begins with
  elseif(GRADUS_PRECOMPILE_HEADERS)
    target_precompile_headers(document_${name} REUSE_FROM document_readme)
  endif()
  add_test(NAME document.${name} COMMAND document_${name})
endfunction()

add_test(NAME project.links COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR}
                                    -P ${CMAKE_CURRENT_SOURCE_DIR}/check_links.cmake)
add_test(NAME project.paths COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/check_paths.sh ${PROJECT_SOURCE_DIR})
add_test(NAME project.paths_check COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/check_paths.sh
                                          ${CMAKE_CURRENT_BINARY_DIR}/paths)
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/paths/core/a.h "// See core/gone.h and lost.h, but a.h is there.\n")
set_tests_properties(project.paths_check PROPERTIES PASS_REGULAR_EXPRESSION
                                                    "gone.h, which does not.*lost.h, and no file")
# The code of a translation is that of its original, and is not run again.
set(check_translations ${CMAKE_CURRENT_SOURCE_DIR}/check_translations.cmake)
add_test(NAME project.translations COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR}
                                           -P ${check_translations})
add_test(NAME project.translations_check
         COMMAND ${CMAKE_COMMAND} -DCHECK=${check_translations}
                 -DWORK=${CMAKE_CURRENT_BINARY_DIR}/translations
                 -P ${CMAKE_CURRENT_SOURCE_DIR}/test_translations.cmake)
add_test(NAME document.from_pytorch_table
         COMMAND ${CMAKE_COMMAND} -DDOCUMENT=${PROJECT_SOURCE_DIR}/docs/from-pytorch.md
                 -P ${CMAKE_CURRENT_SOURCE_DIR}/check_code_table.cmake)
gradus_add_document_test(readme README.md)
add_test(NAME document.first_program
         COMMAND ${CMAKE_COMMAND} -DREADME=${PROJECT_SOURCE_DIR}/README.md
                 -DPROGRAM=${PROJECT_SOURCE_DIR}/examples/first_net/main.cpp
                 -P ${CMAKE_CURRENT_SOURCE_DIR}/check_first_program.cmake)
gradus_add_document_test(from_pytorch docs/from-pytorch.md)
configure_file(../fuzz/corpus/pytorch/state_dict.pt net.pt COPYONLY)  # which it reads
configure_file(../fuzz/corpus/pytorch/checkpoint.pt run.pt COPYONLY)
gradus_add_document_test(adding_an_op docs/adding-an-op.md)
gradus_add_document_test(normalization docs/normalization.md)
gradus_add_document_test(gradients docs/gradients.md)
gradus_add_document_test(training docs/training.md)
gradus_add_document_test(data docs/data.md)
gradus_add_document_test(layers docs/layers.md)
gradus_add_document_test(layer_list docs/layer-list.md)
gradus_add_document_test(your_own_data docs/your-own-data.md)
gradus_add_document_test(generative_nets docs/generative-nets.md)
gradus_add_document_test(tensors docs/tensors.md)
gradus_add_document_test(performance docs/performance.md)
gradus_add_document_test(reliability docs/reliability.md)
gradus_add_document_test(runs docs/runs.md)
gradus_add_document_test(onnx docs/onnx.md)
gradus_add_document_test(distributed docs/distributed.md)
target_link_libraries(document_distributed PRIVATE gradus::ranks)

# The course: the code of each chapter is one program, as in the documents above; its exercises fail
# as they are given, its solutions pass, and wrong ones fail with the right message.
if(TARGET course)
  file(GLOB chapters RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS
       ${PROJECT_SOURCE_DIR}/examples/course/[0-9]-*/README.md)
  foreach(chapter IN LISTS chapters)
    string(REGEX REPLACE ".*/([0-9])-.*" "\\1" number ${chapter})
    gradus_add_document_test(course_${number} ${chapter})
    add_test(NAME course.${number} COMMAND course audit ${number})
    set_tests_properties(course.${number} PROPERTIES ENVIRONMENT COURSE_SYNTHETIC=1 PROCESSORS 2)
  endforeach()
  add_test(NAME course.commands
           COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/course_commands.sh ${PROJECT_SOURCE_DIR}
                   ${PROJECT_BINARY_DIR}/bin)
endif()
