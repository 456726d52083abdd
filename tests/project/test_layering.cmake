# The layering check itself: a tree that follows the rules passes, and each include that breaks one
# is reported. CHECK is the script, WORK a folder for the trees.
cmake_minimum_required(VERSION 3.22)

# A small tree that follows the rules.
function(write_tree)
  file(REMOVE_RECURSE ${WORK})
  foreach(file core/base/error.h core/base/parallel_for.h core/tensor.h core/io/zip.h
               core/shape/copy_kernel.h core/shape/map_kernel.h core/op_support.h nn/linear.h optim/sgd.h
               datasets/idx.h train/loop.h)
    file(WRITE ${WORK}/${file} "#pragma once\n")
  endforeach()
  file(WRITE ${WORK}/core/shape/map.simd.cpp "#include \"map_kernel.h\"\n#include <cmath>\n")
  file(WRITE ${WORK}/core/shape/copy.cpp "#include \"copy_kernel.h\"\n#include \"../tensor.h\"\n")
  file(WRITE ${WORK}/nn/linear.cpp "#include \"linear.h\"\n#include \"../core/tensor.h\"\n")
  file(WRITE ${WORK}/train/loop.cpp
       "#include \"loop.h\"\n#include \"../nn/linear.h\"\n#include \"../optim/sgd.h\"\n"
       "#include \"../datasets/idx.h\"\n#include <nlohmann/json.hpp>\n")
  file(WRITE ${WORK}/gradus.h "#include \"nn/linear.h\"\n")
endfunction()

function(run_check)
  execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${WORK} -P ${CHECK} RESULT_VARIABLE result
                  OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  set(result ${result} PARENT_SCOPE)
  set(output "${output}${errors}" PARENT_SCOPE)
endfunction()

write_tree()
run_check()
if(NOT result EQUAL 0)
  message(FATAL_ERROR "a tree that follows the rules must pass:\n${output}")
endif()

# With `include` added to `file`, the check must fail, name both and say `why`.
function(expect_violation file include why)
  write_tree()
  file(APPEND ${WORK}/${file} "  #  include ${include}  // a comment\n")
  run_check()
  string(FIND "${output}" "${file}: #include ${include}: " named)
  string(FIND "${output}" "${why}" explained)
  if(result EQUAL 0 OR named EQUAL -1 OR explained EQUAL -1)
    message(SEND_ERROR "${file} with ${include}: expected '${why}', got:\n${output}")
  endif()
endfunction()

expect_violation(core/base/error.h "\"../tensor.h\"" "base may include base, not core")
expect_violation(core/shape/copy_kernel.cpp "\"../tensor.h\"" "kernels may include base, kernels")
expect_violation(core/shape/copy_kernel.cpp "\"../op_support.h\"" "not ops")
expect_violation(core/tensor.h "\"shape/copy_kernel.h\"" "core may include base, core, not kernels")
expect_violation(core/tensor.h "\"op_support.h\"" "not ops")
expect_violation(core/tensor.cpp "\"../nn/linear.h\"" "not nn")
expect_violation(nn/linear.cpp "\"../core/shape/copy_kernel.h\"" "not kernels")
expect_violation(nn/linear.cpp "\"../core/op_support.h\"" "not ops")
expect_violation(nn/linear.cpp "\"../core/io/zip.h\"" "core's own")
expect_violation(nn/linear.cpp "\"../optim/sgd.h\"" "nn may include base, core, nn, not optim")
expect_violation(optim/sgd.h "\"../datasets/idx.h\"" "not datasets")
expect_violation(datasets/idx.cpp "\"../nn/linear.h\"" "not nn")
expect_violation(datasets/idx.cpp "\"../train/loop.h\"" "not train")
expect_violation(train/loop.cpp "\"../core/op_support.h\"" "not ops")
expect_violation(train/loop.h "<nlohmann/json.hpp>" "only files that match")
expect_violation(gradus.h "\"core/op_support.h\"" "not ops")
expect_violation(nn/linear.cpp "\"conv.h\"" "there is no file nn/conv.h")
expect_violation(core/shape/add.cpp "\"copy.cpp\"" "only headers are included")
expect_violation(nn/linear.cpp "<gradus/core/tensor.h>" "may")
expect_violation(core/shape/copy_kernel.cpp "<cblas.h>" "only files that match ^core/linalg/lapack_kernel")
expect_violation(nn/linear.h "<nlohmann/json.hpp>" "only files that match")
expect_violation(datasets/idx.cpp "<zlib.h>" "only files that match ^core/io/deflate")
# Threads are our own; a peer that is measured brings others.
expect_violation(core/base/parallel_for.cpp "<omp.h>" "only files that match ^benchmarks/")
expect_violation(core/tensor.cpp "<doctest/doctest.h>" "only files that match ^tests/")
expect_violation(core/tensor.h "<unistd.h>" "may")
expect_violation(core/tensor.cpp "<boost/any.hpp>" "no rule")
expect_violation(core/shape/map.simd.cpp "<vector>" "linked into other files")
expect_violation(core/shape/map.simd.cpp "\"../base/error.h\"" "linked into other files")
expect_violation(core/shape/map_kernel.h "\"../base/error.h\"" "core/shape/map.simd.cpp sees it")

write_tree()
file(REMOVE_RECURSE ${WORK})
run_check()
if(result EQUAL 0)
  message(SEND_ERROR "a folder without sources must not pass")
endif()
