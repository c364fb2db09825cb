#include "host/caller.hpp"

#include "host/end_guard.hpp"
#include "maze/core/codec.hpp"
#include "maze/core/printable.hpp"
#include "maze/core/value.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <unistd.h>

namespace maze::host {

namespace {

/// What a library is given to answer with.
struct answer {
  reply_buffer& replies;
  std::uint64_t number;
  std::uint64_t result_max;
  bool given = false;
};

void fail_call(answer& to, core::errc code, std::string message) {
  to.given = true;
  to.replies.add(to.number, core::call_outcome::failed,
                 core::to_binary(core::error{.code = code, .message = std::move(message)}));
}

void take(void* context, std::uint32_t outcome, const char* bytes, std::size_t size) {
  auto& to = *static_cast<answer*>(context);
  if (to.given)
    return;
  // A library that says more than it was asked for is not maze's own.
  if (outcome > 1 || (outcome == 0 && size > to.result_max))
    return fail_call(
        to, core::errc::limit_exceeded,
        fmt::format("the library gave a result of {} bytes, {} are taken", size, to.result_max));
  to.given = true;
  to.replies.add(to.number, static_cast<core::call_outcome>(outcome), {bytes, size});
}

/// Hands on what was printed: it belongs to this call, and the next one may be the last.
void flush_prints() {
  std::fflush(stdout);
  std::fflush(stderr);
  std::cout.flush();
}

} // namespace

const callable* caller::find(std::uint32_t number) const {
  if (!defined_.empty())
    return number < defined_.size() ? defined_[number] : nullptr;
  return number < libraries_.functions.size() ? &libraries_.functions[number] : nullptr;
}

void caller::define(std::uint32_t number, std::string_view definition) {
  // Numbers are positions: one that is far beyond the others is a mistake that must cost no memory.
  constexpr std::uint32_t number_max = 1 << 16;
  if (number >= number_max)
    return;
  if (number >= defined_.size())
    defined_.resize(number + 1, nullptr);
  defined_[number] = nullptr;
  const auto decoded = core::decode(definition);
  const auto* entries = decoded ? decoded->as<core::dict>() : nullptr;
  if (entries == nullptr)
    return;
  const auto library = entries->find("library");
  const auto function = entries->find("function");
  if (library == entries->end() || function == entries->end())
    return;
  const auto* position = library->second.as<std::int64_t>();
  const auto* name = function->second.as<std::string>();
  if (position == nullptr || name == nullptr)
    return;
  missing_.insert_or_assign(number, *name);
  std::size_t at = 0;
  for (std::size_t i = 0; i < libraries_.description.libraries.size(); ++i)
    for (const core::function_signature& each : libraries_.description.libraries[i].functions) {
      if (static_cast<std::int64_t>(i) == *position && each.name == *name) {
        defined_[number] = &libraries_.functions[at];
        missing_.erase(number);
      }
      ++at;
    }
}

void caller::run(const core::call_entry& what, std::string_view arguments) {
  answer to{replies_, what.number, result_max_};
  const callable* const found = find(what.word);
  if (found == nullptr) {
    const auto name = missing_.find(what.word);
    return fail_call(to, core::errc::untrusted_function,
                     name != missing_.end()
                         ? fmt::format("the library has no function '{}' any more: it offers other "
                                       "functions than when its run was submitted",
                                       core::printable(name->second))
                         : fmt::format("there is no function {}, the libraries have {}", what.word,
                                       libraries_.functions.size()));
  }
  const callable& function = *found;
  const core::library_call call{.size = sizeof(core::library_call),
                                .function = function.index,
                                .arguments = arguments.data(),
                                .arguments_size = arguments.size(),
                                .result_max = result_max_,
                                .context = &to,
                                .take = take};
  if (function.call(&call) != 0 || !to.given)
    fail_call(to, core::errc::unsupported_operation,
              "the library does not answer for a function that it describes");
}

std::chrono::steady_clock::time_point caller::call(const core::call_entry& what,
                                                   std::string_view arguments,
                                                   std::chrono::steady_clock::time_point now) {
  if (begun_ != nullptr)
    *begun_ = *begun_ + 1;
  run(what, arguments);
  if (is_copy()) {
    static constexpr char line[] =
        "maze-host: a function forked and returned in the child, which ends here\n";
    static_cast<void>(!::write(STDERR_FILENO, line, sizeof line - 1));
    ::_exit(70);
  }
  flush_prints();
  // One look at the clock for each call: the few ns between two of them count as well.
  const auto end = std::chrono::steady_clock::now();
  replies_.spent(end - now);
  return end;
}

} // namespace maze::host
