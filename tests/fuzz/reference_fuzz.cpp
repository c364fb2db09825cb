// Whatever text parses to a reference, the reference's own text parses to the same; resolving it
// gives a value or an error that names it, and never anything worse.
#include "maze/core/reference.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace maze::core;

namespace {

void check_resolution(const reference& x, const value& output) {
  const auto text = to_string(x);
  const auto found = resolve(x, output);
  if (found)
    return;
  const auto& wrong = found.error();
  if (wrong.fault < reference_fault::not_a_dictionary || wrong.offset > text.size()
      || wrong.message.find(text) == std::string::npos)
    std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const value output =
      dict{{"a", list{1, dict{{"b", "deep"}, {"", nullptr}}, list{value(list{})}}},
           {"x y", 1},
           {"n", nullptr}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto x = parse_reference(text);
  if (!x) {
    if (x.error().fault != reference_fault::malformed || x.error().offset > size
        || x.error().message.find(text) == std::string::npos)
      std::abort();
    return 0;
  }
  const auto again = parse_reference(to_string(*x));
  if (!looks_like_reference(text) || !is_name(x->task) || !again || *again != *x)
    std::abort();
  check_resolution(*x, output);
  check_resolution(*x, nullptr);
  return 0;
}
