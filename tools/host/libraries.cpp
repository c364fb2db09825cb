#include "host/libraries.hpp"

#include <fmt/format.h>

#include <charconv>
#include <dlfcn.h>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace maze::host {

namespace {

using core::errc;
using core::fail;
using core::result;

/// Programs that functions start must not inherit the library.
void close_source(std::string_view path) {
  constexpr std::string_view prefix = "/proc/self/fd/";
  if (!path.starts_with(prefix))
    return;
  path.remove_prefix(prefix.size());
  int fd = -1;
  if (const auto [at, fault] = std::from_chars(path.data(), path.data() + path.size(), fd);
      fault == std::errc{} && at == path.data() + path.size() && fd > STDERR_FILENO)
    ::close(fd);
}

result<const core::library_table*> open_library(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    return fail(errc::invalid_payload,
                fmt::format("task library {} cannot be loaded: {}", path,
                            why == nullptr ? "the loader does not say why" : why));
  }
  close_source(path);
  const auto entry = reinterpret_cast<core::library_entry*>(::dlsym(handle, core::library_symbol));
  if (entry == nullptr)
    return fail(errc::unsupported_operation,
                fmt::format("{} is no task library, as it does not export {}; build it with "
                            "maze_add_task_library",
                            path, core::library_symbol));
  return entry();
}

/// Nothing beyond the first three fields is looked at before those are right.
result<void> check_table(const std::string& path, const core::library_table* table) {
  if (table == nullptr || table->magic != core::library_magic)
    return fail(
        errc::unsupported_operation,
        fmt::format("{} is no task library of maze; build it with maze_add_task_library", path));
  if (table->abi_version != core::library_abi_version)
    return fail(errc::unsupported_operation,
                fmt::format("task library {} was built for version {} of the interface, this maze "
                            "calls version {}; build it again with this maze",
                            path, table->abi_version, core::library_abi_version));
  if (table->size < sizeof(core::library_table))
    return fail(errc::unsupported_operation,
                fmt::format("task library {} describes itself in {} bytes, version {} of the "
                            "interface has {}; build it again with this maze",
                            path, table->size, core::library_abi_version,
                            sizeof(core::library_table)));
  if (table->fault != nullptr)
    return fail(errc::invalid_payload, fmt::format("task library {}: {}", path, table->fault));
  return {};
}

result<core::library_description> describe(const std::string& path,
                                           const core::library_table& table) {
  auto set = core::decode_library_set({table.description, table.description_size});
  if (!set)
    return fail(set.error().code, fmt::format("task library {}: {}", path, set.error().message));
  if (set->libraries.size() != 1 || table.call == nullptr
      || set->libraries.front().functions.size() != table.functions)
    return fail(errc::malformed,
                fmt::format("task library {} offers {} functions and describes others", path,
                            table.functions));
  return std::move(set->libraries.front());
}

} // namespace

result<loaded_libraries> load_libraries(const std::vector<std::string>& paths) {
  loaded_libraries out;
  for (const std::string& path : paths) {
    const auto table = open_library(path);
    if (!table)
      return fail(table.error());
    if (auto sound = check_table(path, *table); !sound)
      return fail(std::move(sound.error()));
    auto described = describe(path, **table);
    if (!described)
      return fail(std::move(described.error()));
    for (std::uint32_t i = 0; i < (*table)->functions; ++i)
      out.functions.push_back({(*table)->call, i});
    out.description.libraries.push_back(*std::move(described));
  }
  return out;
}

} // namespace maze::host
