#pragma once

#include "maze/core/library.hpp"
#include "node/listing.hpp"

#include <string>
#include <vector>

namespace maze::node {

/// A task library, or a file of Python functions, as it was found on this machine.
struct found_library {
  /// By which functions name it: `text` of `libtext.so`, the file itself of Python.
  std::string name;
  /// As it was given, or found in the folder that was.
  std::string path;
  bool python = false;
  /// Of the file's content.
  core::digest hash;
  core::library_description description;
};

/// What a task writes to call it: `text.count`, `report.py:draw`.
std::string full_name(const found_library& library, const core::function_signature& function);

/// `count(path: string, top: int = 10) -> dict`.
std::string signature_text(const core::function_signature& function);

/// What `maze-node functions` prints: `{libraries: [{library, path, kind, version, compiler?, hash, functions: [{function,
/// call, hash, description, parameters: [{name, type, default?}], result, needs?: {cpus, memory, gpus}}]}]}`, where the
/// hash of a function changes with its library's content; as a table one line a
/// function.
std::string show(const std::vector<found_library>& libraries, const print_form& as);

/// All that is known of one function, for people.
std::string show_function(const found_library& library, const core::function_signature& function,
                          bool color);

} // namespace maze::node
