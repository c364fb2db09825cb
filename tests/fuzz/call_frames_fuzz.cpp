// Whatever bytes are a stream of messages are taken apart into the same messages however they are cut.
#include "maze/core/call_frames.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace maze::core;

/// The messages of a stream that comes in pieces of `step` bytes, and whether one of them was refused.
struct taken {
  std::vector<std::string> messages;
  bool refused = false;
  friend bool operator==(const taken&, const taken&) = default;
};

taken take(std::string_view bytes, std::size_t step) {
  constexpr std::uint32_t size_max = 1 << 16;
  call_message_reader reader(size_max);
  taken out;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
    reader.append(bytes.substr(0, step));
    for (;;) {
      const auto next = reader.next();
      if (!next) {
        out.refused = true;
        return out;
      }
      if (next->empty())
        break;
      out.messages.emplace_back(*next);
    }
  }
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = take(bytes, size + 1);
  for (const std::size_t step : {1, 7, 24, 100})
    if (take(bytes, step) != whole)
      std::abort();
  for (const std::string& message : whole.messages) {
    const auto view = call_message_view::of(message);
    call_message_writer writer;
    view->for_each([&writer](const call_entry& each, std::string_view payload) {
      writer.add(each.number, each.word, payload);
    });
    std::string again;
    writer.finish(view->header().kind, again, view->header().busy_ns);
    if (again != message)
      std::abort();
  }
  return 0;
}
