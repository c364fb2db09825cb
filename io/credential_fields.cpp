#include "maze/io/credential_fields.hpp"

#include "maze/core/printable.hpp"
#include "maze/io/json.hpp"

#include <fmt/format.h>

namespace maze::io {

using core::errc;

credential_fields::credential_fields(std::string_view text, std::string_view what,
                                     std::string_view version_field, std::string_view remedy)
    : what_(what), remedy_(remedy) {
  constexpr core::value_limits limits{.depth_max = 4, .size_max = 64 << 10};
  auto parsed = parse_json(text, limits);
  if (!parsed) {
    // Where it stops being JSON, the parser's message would show a part of a key.
    note(errc::malformed, fmt::format("the {} is damaged: it is not whole, or no JSON", what_));
    return;
  }
  auto* object = parsed->as<core::dict>();
  if (object == nullptr) {
    note(errc::malformed, fmt::format("the {} is damaged: it is no JSON object", what_));
    return;
  }
  fields_ = std::move(*object);
  const auto version = take(version_field);
  if (!version)
    return;
  const auto* number = version->as<std::int64_t>();
  if (number == nullptr || *number < 1)
    refuse(version_field, "is no version number");
  else if (*number > 1)
    note(errc::unsupported_operation,
         fmt::format(
             "the {} has version {}, this maze reads version 1; install a newer maze here or "
             "make the file with this one",
             what_, *number));
}

void credential_fields::note(errc code, std::string message) {
  if (!fault_)
    fault_ = core::error{.code = code, .message = std::move(message)};
}

void credential_fields::refuse(std::string_view field, std::string_view why) {
  note(errc::malformed, fmt::format("the {}'s field '{}' {}", what_, core::printable(field), why));
}

std::optional<core::value> credential_fields::take(std::string_view field) {
  const auto found = fields_.find(field);
  if (found == fields_.end()) {
    refuse(field, "is missing");
    return std::nullopt;
  }
  auto taken = std::move(found->second);
  fields_.erase(found);
  return taken;
}

std::string credential_fields::text(std::string_view field) {
  auto taken = take(field);
  auto* found = taken ? taken->as<std::string>() : nullptr;
  if (found == nullptr || found->empty()) {
    refuse(field, "is no text");
    return {};
  }
  return std::move(*found);
}

std::vector<std::string> credential_fields::texts(std::string_view field) {
  const auto taken = take(field);
  const auto* found = taken ? taken->as<core::list>() : nullptr;
  std::vector<std::string> all;
  if (found == nullptr || found->empty() || found->size() > texts_max) {
    refuse(field, fmt::format("is no list of 1 to {} texts", texts_max));
    return all;
  }
  for (const auto& x : *found) {
    const auto* one = x.as<std::string>();
    if (one == nullptr) {
      refuse(field, "holds something that is no text");
      return {};
    }
    all.push_back(*one);
  }
  return all;
}

core::result<void> credential_fields::finish() {
  if (!fault_ && !fields_.empty())
    refuse(fields_.begin()->first.substr(0, 64), "is unknown");
  if (fault_ && fault_->code == errc::malformed)
    fault_->message += "; " + remedy_;
  if (fault_)
    return core::fail(*fault_);
  return {};
}

} // namespace maze::io
