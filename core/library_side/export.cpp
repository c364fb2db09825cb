// The C face of a task library: linked into every one of them, and the only thing that it exports.
#include "maze/core/library_abi.hpp"
#include "maze/core/task_registry.hpp"

#include <string>
#include <string_view>

namespace maze::core {

namespace {

#ifdef __clang__
constexpr const char* compiler = "clang " __clang_version__;
#else
constexpr const char* compiler = "gcc " __VERSION__;
#endif

// An exception that got here would be one that ends its thread: `noexcept` makes that the end of the process,
// which its owner sees.
std::int32_t call(const library_call* what) noexcept {
  const task_registry& tasks = tasks_of_this_library();
  if (what->function >= tasks.size())
    return 1;
  tasks.call(
      what->function, {what->arguments, what->arguments_size}, what->result_max,
      [](void* context, call_outcome outcome, std::string_view payload) {
        const auto* asked = static_cast<const library_call*>(context);
        asked->take(asked->context, static_cast<std::uint32_t>(outcome), payload.data(),
                    payload.size());
      },
      const_cast<library_call*>(what));
  return 0;
}

/// The table and what it points to.
struct exported {
  std::string description;
  std::string fault;
  library_table table{};

  exported() {
    const task_registry& tasks = tasks_of_this_library();
    auto described = tasks.describe(compiler);
    if (described)
      description = encode_library_set({.libraries = {*std::move(described)}});
    else
      fault = std::move(described.error().message);
    table = {.magic = library_magic,
             .abi_version = library_abi_version,
             .size = sizeof(library_table),
             .build = compiler,
             .description = description.data(),
             .description_size = description.size(),
             .fault = fault.empty() ? nullptr : fault.c_str(),
             .functions = static_cast<std::uint32_t>(tasks.size()),
             .reserved = 0,
             .call = call};
  }
  exported(const exported&) = delete;
  exported& operator=(const exported&) = delete;
};

} // namespace

} // namespace maze::core

extern "C" __attribute__((visibility("default"))) const maze::core::library_table*
maze_task_library() noexcept {
  // On first use, when everything has been registered.
  static const maze::core::exported face;
  return &face.table;
}
