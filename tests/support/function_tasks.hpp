#pragma once

#include "maze/core/library.hpp"
#include "maze/core/task_spec.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/files.hpp"

#include <filesystem>
#include <string>
#include <utility>

namespace maze::test {

/// The file of a library of `tests/support/libraries`.
inline std::filesystem::path task_library(const std::string& name) {
  return std::filesystem::path(MAZE_BIN_DIR) / ".." / "lib" / ("libtask_" + name + ".so");
}

/// The library in `blobs`, as a run that calls it `name` refers to it.
inline core::library_ref put_library(io::blob_store& blobs, const std::string& name) {
  const auto kept =
      blobs.put_bytes(io::read_file(task_library(name), std::uint64_t{1} << 30).value()).value();
  return {kept.hash, kept.size};
}

/// A task whose one output `r` may be anything; its inputs are literals.
inline core::task_spec calling(core::task_action action, const core::dict& inputs = {}) {
  core::task_spec out;
  out.name = "f";
  out.action = std::move(action);
  for (const auto& [name, x] : inputs) {
    out.parameters.push_back({.name = name});
    out.inputs[name] = {x};
  }
  out.output = {.keys = {{"r", "any"}}};
  return out;
}

inline core::task_spec calling(const std::string& library, const std::string& function,
                               const core::dict& inputs = {}) {
  return calling(core::function_action{library, function}, inputs);
}

inline core::task_spec calling_code(std::string code, const core::dict& inputs = {}) {
  return calling(core::python_action{core::python_source::code, std::move(code), ""}, inputs);
}

} // namespace maze::test
