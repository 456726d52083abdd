# The check of translations itself: a translation in step passes, and whatever puts it out of step is
# reported. CHECK is the script, WORK a folder for the documents.
cmake_minimum_required(VERSION 3.22)

function(write_tree)
  file(REMOVE_RECURSE ${WORK})
  file(WRITE ${WORK}/README.md [=[
# Steps

English | [简体中文](README.zh-CN.md). See [how far](docs/page.md#how-far-it-is).
![Two steps](steps.svg) <img src="more.png" width="300">

## Sizes [N,C]

It takes 1.5 s for 60,000 steps, or 99 % of them; see
[above](#steps) and [below](#the-end). `--help` says more;
`a  b` too.

```cpp
std::cout << x[0]; // 7 \
```

| step | seconds |
|---|---:|
| `first` | 3 |

## The end

[core/ops.h](core/ops.h), https://example.org/1
]=])
  file(WRITE ${WORK}/README.zh-CN.md [=[
# 步

[English](README.md) | 简体中文。参见[有多远](docs/page.zh-CN.md#有多远)。
<img src="more.png" width="300"> ![两步](steps.svg)

## 大小 [N,C]

见[上文](#步)和[下文](#结尾一切都好)。60,000 步，即全部的 99%，用时 1.5 秒。`--help` 有更多说明，`a  b` 也是；先看 `--help`。

```cpp
std::cout << x[0]; // 7 \
```

| 步 | 秒 |
|---|---:|
| `first` | 3 |

## 结尾：一切都好

[core/ops.h](core/ops.h)，https://example.org/1

<!-- only in this language -->

## 术语 9
]=])
  file(WRITE ${WORK}/docs/page.md "# A page\n\n## How far, it is\n\nTo [the top](../README.md#steps).\n")
  file(WRITE ${WORK}/docs/page.zh-CN.md "# 一页\n\n## 有多远\n\n[回到开头](../README.zh-CN.md#步)。\n")
endfunction()

function(run_check)
  execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${WORK} -P ${CHECK} RESULT_VARIABLE result
                  OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  string(REGEX REPLACE "[ \n]+" " " output "${output}${errors}")  # CMake folds long lines
  set(result ${result} PARENT_SCOPE)
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect_failure what)
  run_check()
  if(result EQUAL 0)
    message(SEND_ERROR "${what}: must not pass")
  endif()
  foreach(text IN LISTS ARGN)
    string(FIND "${output}" "${text}" place)
    if(place EQUAL -1)
      message(SEND_ERROR "${what}: expected '${text}', got:\n${output}")
    endif()
  endforeach()
endfunction()

# With `from` replaced by `to` in `file`, the check must fail and say each of the texts that follow.
function(expect_difference file from to)
  write_tree()
  file(READ ${WORK}/${file} text)
  string(REPLACE "${from}" "${to}" changed "${text}")
  if(changed STREQUAL text)
    message(FATAL_ERROR "${file} does not contain '${from}'")
  endif()
  file(WRITE ${WORK}/${file} "${changed}")
  expect_failure("${file} with '${to}' for '${from}'" ${ARGN})
endfunction()

write_tree()
run_check()
if(NOT result EQUAL 0)
  message(FATAL_ERROR "translations in step must pass:\n${output}")
endif()

set(sizes "README.zh-CN.md, section '大小 [N,C]': ")
set(only "that only the original has:")
expect_difference(README.zh-CN.md "## 大小 [N,C]\n" ""
                  "section '结尾：一切都好': the next heading has level none" "'The end', level 2"
                  "section '步': code differs")
expect_difference(README.zh-CN.md "## 大小" "### 大小"
                  "section '步': the next heading has level 3; in README.md it is 'Sizes [N,C]', level 2")
expect_difference(README.md "## The end" "## Before\n\n## The end"
                  "section '结尾：一切都好': the next heading has level none" "'The end', level 2")
expect_difference(README.zh-CN.md "<!-- only in this language -->" "" "the next heading has level 2")
expect_difference(README.zh-CN.md "1.5" "1.6" "${sizes}numbers ${only} 1.5; that it has not: 1.6")
expect_difference(README.md "1.5" "1.6" "${sizes}numbers ${only} 1.6; that it has not: 1.5")
expect_difference(README.zh-CN.md "60,000" "6 万" "${sizes}numbers ${only} 60,000; that it has not: 6")
expect_difference(README.zh-CN.md "| 3 |" "| 3 3 |" "${sizes}numbers ${only} ; that it has not: 3")
expect_difference(README.zh-CN.md "[N,C]" "[N,2]" "numbers ${only} ; that it has not: 2")
expect_difference(README.md "`--help`" "`--version`" "${sizes}code ${only} `--version`; that it has not: `--help`")
expect_difference(README.zh-CN.md "// 7" "// 八" "${sizes}code differs" "std::cout << x[0]; // 八" "x[0]; // 7")
expect_difference(README.md "\\\n```" "\\\n\n```" "${sizes}code differs")
expect_difference(README.md "```cpp" "```c++" "${sizes}code differs" "```cpp" "```c++")
expect_difference(README.zh-CN.md "steps.svg" "step.svg" "section '步': links ${only} steps.svg; that it has not: step.svg")
expect_difference(README.zh-CN.md "more.png" "less.png" "links ${only} more.png; that it has not: less.png")
expect_difference(README.zh-CN.md "(core/ops.h)" "(core/op.h)" "links ${only} core/ops.h; that it has not: core/op.h")
expect_difference(README.zh-CN.md "#步" "#结尾一切都好" "${sizes}links ${only} README.md, heading 1")
expect_difference(README.zh-CN.md "#步" "#steps" "${sizes}a link to #steps, and there is no such heading")
expect_difference(README.md "#the-end" "#end" "README.md, section 'Sizes [N,C]': a link to #end, and there is no")
expect_difference(README.zh-CN.md "page.zh-CN.md" "page.md" "docs/page.md#有多远, which has a translation")
expect_difference(docs/page.zh-CN.md "](../README.zh-CN.md#步)" "" "docs/page.zh-CN.md, section '有多远': links")

write_tree()
file(REMOVE ${WORK}/docs/page.md)
expect_failure("a translation of nothing" "docs/page.zh-CN.md: there is no docs/page.md")
file(REMOVE_RECURSE ${WORK})
expect_failure("a folder without translations" "no translation")
