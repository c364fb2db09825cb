#pragma once

#include "maze/core/codec.hpp"
#include "maze/core/library.hpp"
#include "support/host_process.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace maze::test {

inline std::string library(const std::string& name) {
  return std::string(MAZE_BIN_DIR) + "/../lib/libtask_" + name + ".so";
}

inline host_process::options with(const std::string& name,
                                  std::map<std::string, std::string> environment = {}) {
  return {.arguments = {"--library", library(name)}, .environment = std::move(environment)};
}

inline host_process::options once(host_process::options settings,
                                  const std::string& word = "--once") {
  settings.arguments.push_back(word);
  return settings;
}

inline core::library_set offered(std::string_view message) {
  const auto view = core::call_message_view::of(message).value();
  REQUIRE(view.header().kind == core::call_kind::ready);
  REQUIRE(view.size() == 1);
  CHECK(view.entry(0).word == core::call_protocol);
  CHECK((view.entry(0).number == 0 || view.entry(0).number == host_process::token));
  return core::decode_library_set(view.payloads()).value();
}

inline core::error refusal_in(std::string_view message) {
  const auto view = core::call_message_view::of(message).value();
  REQUIRE(view.header().kind == core::call_kind::refused);
  return core::from_binary<core::error>(view.payloads(), "error").value();
}

/// A host that is ready, and the numbers of its functions.
struct ready_host {
  host_process process;
  core::library_set libraries;

  explicit ready_host(const host_process::options& settings)
      : process(settings), libraries(offered(process.receive().value())) {}

  [[nodiscard]] host_call call(std::string_view function,
                               core::value arguments = core::list{}) const {
    std::uint32_t number = 0;
    for (const auto& each : libraries.libraries)
      for (const auto& f : each.functions) {
        if (f.name == function)
          return {number, std::move(arguments)};
        ++number;
      }
    FAIL("there is no function " << function);
    return {};
  }

  /// All replies until there are `count`, or until the end.
  std::vector<host_reply> replies(std::size_t count) {
    std::vector<host_reply> out;
    while (out.size() < count) {
      const auto message = process.receive();
      if (!message)
        break;
      for (auto& each : replies_in(*message))
        out.push_back(std::move(each));
    }
    return out;
  }

  host_reply ask(std::string_view function, core::value arguments = core::list{}) {
    process.send(call_batch({call(function, std::move(arguments))}));
    return replies(1).at(0);
  }
};

} // namespace maze::test
