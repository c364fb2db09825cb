// Says of itself what MAZE_TEST_LIE asks for, or MAZE_TEST_DEED where it was built with one.
#include "maze/core/library.hpp"
#include "maze/core/library_abi.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

#ifndef MAZE_TEST_DEED
#define MAZE_TEST_DEED ""
#endif

namespace {

using namespace maze::core;

std::int32_t call(const library_call* what) {
  const char* given = std::getenv("MAZE_TEST_LIE");
  const std::string_view lie = given == nullptr ? MAZE_TEST_DEED : given;
  if (lie == "no function")
    return 1;
  if (lie == "two answers") {
    what->take(what->context, 0, "\2", 1);
    what->take(what->context, 0, "\1", 1);
  }
  if (lie == "odd outcome")
    what->take(what->context, 7, "\2", 1);
  if (lie == "long answer")
    what->take(what->context, 0, std::string(1000, 'x').data(), 1000);
  return 0;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const library_table* maze_task_library() {
  static std::string description;
  static library_table table;
  const char* given = std::getenv("MAZE_TEST_LIE");
  const std::string_view lie = given == nullptr ? MAZE_TEST_DEED : given;
  function_signature f;
  f.name = "f";
  description =
      encode_library_set({{{.name = "lying", .version = "", .compiler = "", .functions = {f}}}});
  table = {.magic = library_magic,
           .abi_version = library_abi_version,
           .size = sizeof(library_table),
           .build = "by hand",
           .description = description.data(),
           .description_size = description.size(),
           .fault = nullptr,
           .functions = 1,
           .reserved = 0,
           .call = call};
  if (lie == "magic")
    table.magic = 1;
  if (lie == "version")
    table.abi_version = 99;
  if (lie == "size")
    table.size = 16;
  if (lie == "count")
    table.functions = 2;
  if (lie == "description")
    table.description_size -= 1;
  if (lie == "fault")
    table.fault = "something is wrong";
  return lie == "null" ? nullptr : &table;
}
