#include "maze/core/run_name.hpp"

#include <fmt/format.h>

#include <optional>

namespace maze::core {

namespace {

constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";

std::optional<std::uint64_t> digit_value(char c) {
  if (c >= 'A' && c <= 'Z')
    c = static_cast<char>(c - 'A' + 'a');
  if (c == 'o')
    return 0;
  if (c == 'i' || c == 'l')
    return 1;
  const auto at = digits.find(c);
  if (at == std::string_view::npos)
    return std::nullopt;
  return at;
}

} // namespace

std::string to_string(run_id run) {
  std::string out;
  auto rest = run.value;
  do {
    out.insert(out.begin(), digits[rest % 32]);
    rest /= 32;
  } while (rest != 0);
  return out;
}

result<run_id> parse_run_id(std::string_view text) {
  if (text.empty())
    return fail(errc::invalid_argument, "a run's id is empty");
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = digit_value(text[i]);
    if (!digit)
      return fail(errc::invalid_argument,
                  fmt::format("'{}' is not a run's id: character {} is neither a digit nor one of "
                              "the letters {}",
                              text, i + 1, digits.substr(10)));
    if (value >> 59 != 0)
      return fail(errc::invalid_argument,
                  fmt::format("'{}' is not a run's id: it is larger than {}", text,
                              to_string(run_id{~std::uint64_t{0}})));
    value = value << 5 | *digit;
  }
  return run_id{value};
}

std::string run_folder_name(std::string_view workflow_name, run_id run) {
  return fmt::format("{}-{}", workflow_name, to_string(run));
}

} // namespace maze::core
