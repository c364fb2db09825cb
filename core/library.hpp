#pragma once

#include "maze/core/digest.hpp"
#include "maze/core/resources.hpp"
#include "maze/core/result.hpp"
#include "maze/core/task_spec.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::core {

/// One function that a task library offers.
struct function_signature {
  std::string name;
  /// For people; may be empty.
  std::string description;
  /// In the order of the call. Types are those of `output_spec::type`.
  std::vector<parameter> parameters;
  /// Type of what it returns; `null` where it returns nothing.
  std::string result = "any";
  /// What it asks for where a task says nothing.
  std::optional<resources> needs;
  /// What else its author says of it, for people: a kind of GPU, the name of a model. Keys are text that is not empty.
  std::map<std::string, std::string> about;

  friend bool operator==(const function_signature&, const function_signature&) = default;
};

/// What a task library says of itself.
struct library_description {
  /// What it calls itself; may be empty.
  std::string name;
  std::string version;
  /// The compiler that made it.
  std::string compiler;
  /// By name, distinct.
  std::vector<function_signature> functions;
  /// For people: what is odd about it and does no harm.
  std::vector<std::string> warnings;

  [[nodiscard]] const function_signature* find(std::string_view function) const noexcept;

  friend bool operator==(const library_description&, const library_description&) = default;
};

/// What a child offers that loaded several libraries: calls name a function by its position in all of
/// them, one library after the other.
struct library_set {
  std::vector<library_description> libraries;

  friend bool operator==(const library_set&, const library_set&) = default;
};

/// A task library as a run knows it.
struct library_ref {
  digest hash;
  /// In bytes.
  std::uint64_t size = 0;

  friend bool operator==(const library_ref&, const library_ref&) = default;
};
/// Libraries of a run, by the name that tasks use.
using library_refs = std::map<std::string, library_ref, std::less<>>;

/// A format byte, then the binary form of core/README.md.
std::string encode_library_set(const library_set& x);
/// The inverse, from bytes that nobody vouches for. Fails with `malformed` or `limit_exceeded` naming the
/// offset, with `unsupported_operation` for another format; names and types have been checked, names of
/// functions and parameters are distinct.
result<library_set> decode_library_set(std::string_view encoded);

} // namespace maze::core
