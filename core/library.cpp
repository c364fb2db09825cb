#include "maze/core/library.hpp"

#include "maze/core/task_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace maze::core {

template <class Inspector>
auto inspect(Inspector& f, function_signature& x) {
  return f(x.name, x.description, x.parameters, x.result, x.needs, x.about);
}

template <class Inspector>
auto inspect(Inspector& f, library_description& x) {
  return f(x.name, x.version, x.compiler, x.functions, x.warnings);
}

template <class Inspector>
auto inspect(Inspector& f, library_set& x) {
  return f(x.libraries);
}

namespace {

constexpr std::uint8_t library_format = 3;

result<void> check(const function_signature& x) {
  const auto wrong = [&x](std::string_view why) -> result<void> {
    return fail(errc::malformed, fmt::format("function '{}' {}", x.name, why), "library");
  };
  if (!is_name(x.name))
    return wrong("has a name that no task can use");
  if (!is_type_name(x.result))
    return wrong(fmt::format("returns '{}', which is no type", x.result));
  if (x.about.count("") > 0)
    return wrong("has a remark without a name");
  std::set<std::string_view> seen;
  for (const parameter& each : x.parameters) {
    if (!is_name(each.name) || !seen.insert(each.name).second)
      return wrong(
          fmt::format("has a parameter '{}', whose name is no name or occurs twice", each.name));
    if (!is_type_name(each.type))
      return wrong(
          fmt::format("has a parameter '{}' of '{}', which is no type", each.name, each.type));
    if (each.default_value && !type_accepts(each.type, *each.default_value))
      return wrong(fmt::format("has a default for '{}' that is no {}", each.name, each.type));
  }
  return {};
}

} // namespace

const function_signature* library_description::find(std::string_view function) const noexcept {
  const auto found = std::find_if(functions.begin(), functions.end(),
                                  [function](const auto& x) { return x.name == function; });
  return found == functions.end() ? nullptr : &*found;
}

std::string encode_library_set(const library_set& x) {
  binary_writer out;
  out.byte(library_format);
  out(x);
  return std::move(out).bytes();
}

result<library_set> decode_library_set(std::string_view encoded) {
  binary_reader in(encoded, "library description");
  if (const auto format = in.byte(); in.ok() && format != library_format)
    return fail(errc::unsupported_operation,
                fmt::format("a library description has format {}, this maze reads {}", format,
                            library_format),
                "library");
  library_set out;
  in(out);
  if (auto whole = in.finish(); !whole)
    return fail(whole.error());
  for (const library_description& each : out.libraries) {
    std::set<std::string_view> names;
    for (const function_signature& function : each.functions) {
      if (auto sound = check(function); !sound)
        return fail(sound.error());
      if (!names.insert(function.name).second)
        return fail(errc::malformed, fmt::format("function '{}' is there twice", function.name),
                    "library");
    }
  }
  return out;
}

} // namespace maze::core
