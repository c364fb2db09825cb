#include "host/options.hpp"

#include <fmt/format.h>

#include <charconv>

namespace maze::host {

std::string_view usage() noexcept {
  return "maze-host [--once | --describe | --fork] [--library PATH]... [--result-max BYTES]\n"
         "\n"
         "Calls functions of task libraries for a maze node, which starts it: nobody starts it by "
         "hand.\n"
         "\n"
         "  --library PATH      a task library; may be given several times\n"
         "  --result-max BYTES  how long an encoded result may be (default 67108864)\n"
         "  --once              the calls of the file at descriptor 3, replies to descriptor 4\n"
         "  --fork              calls of a stream, each in a copy of the process\n"
         "  --memory-limited    who is killed in such a copy may have had too much memory\n"
         "  --describe          only what the libraries offer, to descriptor 4\n"
         "  --help              this text\n";
}

core::result<options> read_options(int argc, const char* const* argv) {
  options out;
  const auto wrong = [](std::string message) {
    return core::fail(core::errc::invalid_argument, std::move(message));
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto value = [&]() -> const char* { return i + 1 < argc ? argv[++i] : nullptr; };
    if (word == "--help") {
      out.how = mode::help;
      return out;
    }
    if (word == "--once" || word == "--describe") {
      if (out.how != mode::stream)
        return wrong("give one of --once and --describe");
      out.how = word == "--once" ? mode::once : mode::describe;
    } else if (word == "--fork") {
      out.forks = true;
    } else if (word == "--memory-limited") {
      out.memory_limited = true;
    } else if (word == "--library") {
      const char* path = value();
      if (path == nullptr || *path == '\0')
        return wrong("--library wants the path of a task library behind it");
      out.libraries.emplace_back(path);
    } else if (word == "--result-max") {
      const char* given = value();
      const std::string_view text = given == nullptr ? "" : given;
      const auto* end = text.data() + text.size();
      if (const auto [at, fault] = std::from_chars(text.data(), end, out.result_max);
          fault != std::errc{} || at != end)
        return wrong("--result-max wants a number of bytes behind it");
    } else {
      return wrong(fmt::format("there is no option '{}'; --help lists them", word));
    }
  }
  if (out.forks && out.how != mode::stream)
    return wrong("--fork is for calls of a stream");
  return out;
}

} // namespace maze::host
