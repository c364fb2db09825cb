# Warnings, sanitizers and the target helpers that every folder uses.
option(MAZE_WERROR "Treat warnings as errors" OFF)
set(MAZE_SANITIZE "" CACHE STRING "Sanitizers, for example address,undefined or thread")

# A second build of the same sources is then mostly free; without ccache nothing changes.
if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(CCACHE_PROGRAM ccache)
  mark_as_advanced(CCACHE_PROGRAM)
  if(CCACHE_PROGRAM)
    # ccache keeps away from precompiled headers unless it is told that nobody looks at their times.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
  endif()
endif()

add_library(maze_options INTERFACE)
target_compile_options(maze_options INTERFACE
  "$<$<COMPILE_LANGUAGE:C,CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wno-missing-field-initializers>"
  $<$<AND:$<COMPILE_LANGUAGE:C,CXX>,$<BOOL:${MAZE_WERROR}>>:-Werror>
  # clang counts every change of sign as a conversion, g++ does not: both shall ask for the same.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>
  # g++ 12 invents overlapping copies in std::string's operator+ at -O3 (GCC bug 105651, mended in 13).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
  -ffile-prefix-map=${CMAKE_BINARY_DIR}/include/maze=${CMAKE_SOURCE_DIR})
if(CMAKE_UNITY_BUILD)
  # Several files in one translation unit, which takes half the time: their private names meet, and no
  # file is the main one. The presets release and tsan compile each file alone and ask these questions.
  target_compile_options(maze_options INTERFACE -Wno-shadow -Wno-unused-function
    $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
if(MAZE_QUICK_BUILD)
  # g++ collects its garbage from 128 MB on and again and again; CAF's templates make it hold far more
  # than that, so up to a fifth of its time went there. Costs a compiler process 200 MB at most.
  target_compile_options(maze_options INTERFACE
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:--param=ggc-min-heapsize=524288>)
  # The linker that a compiler takes by itself needs two to three times as long for a program as these. What is shipped is
  # linked by that one.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    find_program(MAZE_LINKER ld.gold)
    set(linker_option -fuse-ld=gold)
  else()
    find_program(MAZE_LINKER NAMES ld.lld-14 ld.lld)
    set(linker_option --ld-path=${MAZE_LINKER})
  endif()
  mark_as_advanced(MAZE_LINKER)
  if(MAZE_LINKER)
    target_link_options(maze_options INTERFACE
      $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:${linker_option}>)
  endif()
endif()
if(MAZE_SANITIZE)
  target_compile_options(maze_options INTERFACE -fsanitize=${MAZE_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all
    # UBSan's vptr check reads memory through a pipe: with no descriptor left, which tests bring
    # about on purpose, it takes every object that it sees for the first time for a wrong one.
    -fno-sanitize=vptr)
  target_link_options(maze_options INTERFACE -fsanitize=${MAZE_SANITIZE})
endif()
if(MAZE_FUZZERS)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "MAZE_FUZZERS needs clang, this is ${CMAKE_CXX_COMPILER_ID}: use the preset asan, "
      "or leave the fuzzers out with -DMAZE_FUZZERS=OFF")
  endif()
  # Coverage marks in the layers themselves: a fuzzer that cannot see them searches blindly.
  # Tests and their helpers, which no fuzzer runs, have MAZE_UNMARKED.
  target_compile_options(maze_options INTERFACE
    $<$<NOT:$<BOOL:$<TARGET_PROPERTY:MAZE_UNMARKED>>>:-fsanitize=fuzzer-no-link>)
  target_link_options(maze_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# maze_alone(<files...>): their private names are also those of neighbours, so a unity build leaves them
# out.
function(maze_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# maze_mix(<target>): a unity build takes files that are far from each other in the alphabet together: neighbours there,
# such as graph_test.cpp and graph_run_test.cpp, often have private names in common.
function(maze_mix target)
  if(NOT CMAKE_UNITY_BUILD)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(SORT sources)
  list(LENGTH sources count)
  math(EXPR units "(${count} + ${CMAKE_UNITY_BUILD_BATCH_SIZE} - 1) / ${CMAKE_UNITY_BUILD_BATCH_SIZE}")
  set(number 0)
  foreach(source IN LISTS sources)
    math(EXPR unit "${number} % ${units}")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${unit})
    math(EXPR number "${number} + 1")
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD_MODE GROUP)
endfunction()

# maze_quick_build(<target>): with MAZE_QUICK_BUILD, a target whose time goes to CAF's templates and to
# waiting is not optimised: that takes longer than it saves in all the tests.
function(maze_quick_build target)
  if(MAZE_QUICK_BUILD)
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

# maze_precompile(<target> [REUSE <target>] <headers...>): with MAZE_QUICK_BUILD these headers of others are read once
# for all files of the target, or of the one that it shares them with; both must be compiled alike. It saves half of
# a small file and nothing of the large ones of the actors. Everywhere else each file shows that it includes what it uses.
function(maze_precompile target)
  cmake_parse_arguments(arg "" "REUSE" "" ${ARGN})
  if(NOT MAZE_QUICK_BUILD)
    return()
  endif()
  if(arg_REUSE)
    target_precompile_headers(${target} REUSE_FROM ${arg_REUSE})
  else()
    target_precompile_headers(${target} PRIVATE ${arg_UNPARSED_ARGUMENTS})
  endif()
endfunction()

# maze_layer(<name> DEPENDS <targets...> [PRIVATE <targets...>]): the static library maze_<name>,
# alias maze::<name>, from every .cpp directly in the current folder. A folder of headers alone
# becomes an interface library.
function(maze_layer name)
  cmake_parse_arguments(arg "" "" "DEPENDS;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(sources)
    add_library(maze_${name} STATIC ${sources})
    target_include_directories(maze_${name} PUBLIC ${CMAKE_BINARY_DIR}/include)
    target_link_libraries(maze_${name} PUBLIC ${arg_DEPENDS} PRIVATE maze_options ${arg_PRIVATE})
  else()
    add_library(maze_${name} INTERFACE)
    target_include_directories(maze_${name} INTERFACE ${CMAKE_BINARY_DIR}/include)
    target_link_libraries(maze_${name} INTERFACE ${arg_DEPENDS})
  endif()
  add_library(maze::${name} ALIAS maze_${name})
  set_property(GLOBAL APPEND PROPERTY MAZE_LAYERS ${name})
endfunction()

# maze_headers_alone(): the target maze_headers compiles by itself each header that has no .cpp of
# its own, so that none leans on what its neighbours include. The others are the first include of
# their .cpp (tests/tidy sees to that), which proves the same.
function(maze_headers_alone)
  get_property(layers GLOBAL PROPERTY MAZE_LAYERS)
  if(MAZE_QUICK_BUILD)
    add_custom_target(maze_headers)
  else()
    add_custom_target(maze_headers ALL)
  endif()
  foreach(layer IN LISTS layers)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/${layer}/*.hpp)
    set(units "")
    foreach(header IN LISTS headers)
      string(REGEX REPLACE "\\.hpp$" ".cpp" unit ${header})
      if(NOT EXISTS ${CMAKE_SOURCE_DIR}/${unit})
        file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/headers/${unit} CONTENT "#include \"maze/${header}\"\n")
        list(APPEND units ${CMAKE_BINARY_DIR}/headers/${unit})
      endif()
    endforeach()
    if(units)
      add_library(maze_${layer}_headers OBJECT ${units})
      set_target_properties(maze_${layer}_headers PROPERTIES UNITY_BUILD OFF EXCLUDE_FROM_ALL ON)
      target_link_libraries(maze_${layer}_headers PRIVATE maze::${layer} maze_options)
      target_compile_options(maze_${layer}_headers PRIVATE -O0 -g0)
      add_dependencies(maze_headers maze_${layer}_headers)
    endif()
  endforeach()
endfunction()

# maze_summary(): what was found, printed once at the end of the configuration.
function(maze_summary)
  get_property(layers GLOBAL PROPERTY MAZE_LAYERS)
  list(JOIN layers " " layers)
  foreach(option MAZE_WERROR MAZE_ACTORS MAZE_TESTS MAZE_FUZZERS)
    if(${option})
      set(${option}_text yes)
    else()
      set(${option}_text no)
    endif()
  endforeach()
  set(sanitizers none)
  if(MAZE_SANITIZE)
    set(sanitizers ${MAZE_SANITIZE})
  endif()
  set(launcher none)
  if(CMAKE_CXX_COMPILER_LAUNCHER)
    set(launcher ${CMAKE_CXX_COMPILER_LAUNCHER})
  endif()
  get_property(caf GLOBAL PROPERTY MAZE_CAF_VERSION)
  if(NOT caf)
    set(caf "not looked for")
  endif()
  message(STATUS "maze ${PROJECT_VERSION}, ${CMAKE_BUILD_TYPE}
   compiler            ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}
   compiler cache      ${launcher}
   layers              ${layers}
   CAF                 ${caf}
   warnings are errors ${MAZE_WERROR_text}
   sanitizers          ${sanitizers}
   actors and tools    ${MAZE_ACTORS_text}
   tests               ${MAZE_TESTS_text}
   fuzzers             ${MAZE_FUZZERS_text}")
endfunction()
