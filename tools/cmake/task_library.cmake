# maze_add_task_library(<name> <sources...>): the task library lib<name>.so, a shared object that exports
# nothing but what maze-host asks for. Symbols that nobody defines are found when it is linked.
set(MAZE_TASK_LIBRARY_EXPORTS ${CMAKE_CURRENT_LIST_DIR}/task_library.map)

function(maze_add_task_library name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX lib SUFFIX .so
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${MAZE_TASK_LIBRARY_EXPORTS})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_link_libraries(${name} PRIVATE maze::task_library)
  # A static library gives only what is asked of it: this is what makes it give its face.
  target_link_options(${name} PRIVATE LINKER:-u,maze_task_library
    LINKER:--version-script=${MAZE_TASK_LIBRARY_EXPORTS})
  # The runtime of a sanitizer lies in the program, not in the library.
  if(NOT MAZE_SANITIZE AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize")
    target_link_options(${name} PRIVATE LINKER:-z,defs)
  endif()
endfunction()
