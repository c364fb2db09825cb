#include "gateway/operation.hpp"

#include "node/report.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace maze::gateway {

namespace {

std::string_view form_of(value_kind kind) {
  switch (kind) {
  case value_kind::number:
    return "a whole number, not negative";
  case value_kind::flag:
    return "true or false";
  case value_kind::object:
    return "an object";
  default:
    return "a text";
  }
}

bool fits(const nlohmann::json& value, value_kind kind) {
  switch (kind) {
  case value_kind::number:
    return value.is_number_unsigned();
  case value_kind::flag:
    return value.is_boolean();
  case value_kind::object:
    return value.is_object();
  default:
    return value.is_string();
  }
}

core::error wrong(const operation& what, std::string why) {
  return {.code = core::errc::invalid_argument,
          .message = fmt::format("{}: {}", what.name, why),
          .origin = "gateway"};
}

} // namespace

refused::refused(std::vector<io::diagnostic> found) : faults(std::move(found)) {
  why = {.code = core::errc::malformed, .origin = "workflow"};
  if (!faults.empty())
    why.message = io::to_string(faults.front());
}

ordered_json view_of(const refused& why) {
  ordered_json out{{"error", node::view_of(why.why)}};
  if (why.unreachable)
    out["error"]["retryable"] = true;
  if (!why.faults.empty()) {
    out["faults"] = ordered_json::array();
    for (const io::diagnostic& fault : why.faults)
      out["faults"].push_back(node::view_of(fault));
  }
  return out;
}

core::result<void> check_arguments(const operation& what, const nlohmann::json& arguments) {
  if (!arguments.is_object())
    return core::fail(wrong(what, "its arguments are no object"));
  for (const auto& [name, value] : arguments.items()) {
    const auto known = std::find_if(what.parameters.begin(), what.parameters.end(),
                                    [&](const parameter& one) { return one.name == name; });
    if (known == what.parameters.end()) {
      std::string all;
      for (const parameter& one : what.parameters)
        all += fmt::format("{}{}", all.empty() ? "" : ", ", one.name);
      return core::fail(wrong(what, fmt::format("there is no parameter '{}'; it takes {}",
                                                name.substr(0, 100), all.empty() ? "none" : all)));
    }
    if (!fits(value, known->kind))
      return core::fail(wrong(what, fmt::format("'{}' is not {}", name, form_of(known->kind))));
    if (known->max > 0 && value.get<std::uint64_t>() > known->max)
      return core::fail(wrong(what, fmt::format("'{}' is at most {}", name, known->max)));
    if (!known->choices.empty()
        && std::find(known->choices.begin(), known->choices.end(), value.get<std::string>())
               == known->choices.end())
      return core::fail(
          wrong(what, fmt::format("'{}' is one of {}", name, fmt::join(known->choices, ", "))));
  }
  for (const parameter& one : what.parameters)
    if (one.required && !arguments.contains(std::string(one.name)))
      return core::fail(
          wrong(what, fmt::format("the parameter '{}' is missing: {}", one.name, one.help)));
  return {};
}

std::span<const operation> operations() {
  static const std::vector<operation> all = [] {
    std::vector<operation> out;
    for (auto more :
         {cluster_operations(), run_operations(), task_operations(), submit_operations()})
      out.insert(out.end(), more.begin(), more.end());
    return out;
  }();
  return all;
}

const operation* find_operation(std::string_view name) {
  const auto all = operations();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const operation& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

template <class T>
outcome<T> operator_desk::call(const operation& what, outcome<T> (*how)(const request&),
                               const nlohmann::json& arguments) {
  if (with_.read_only && what.does != effect::reads)
    return refuse(core::error{.code = core::errc::permission_denied,
                              .message = fmt::format("{}: this gateway only reads: it was started "
                                                     "with --read-only",
                                                     what.name),
                              .origin = "gateway"});
  if (auto fine = check_arguments(what, arguments); !fine)
    return refuse(fine.error());
  if (!what.needs_cluster)
    return how({with_, nullptr, arguments});
  for (bool again = what.does == effect::reads;; again = false) {
    auto link = line_.get();
    if (!link) {
      refused away(link.error());
      away.unreachable = true;
      return tl::unexpected(std::move(away));
    }
    auto done = how({with_, *link, arguments});
    const bool broken = !done && done.error().why.code == core::errc::transfer_error
                        && done.error().why.origin == "session";
    if (broken)
      line_.drop(*link);
    if (!broken || !again)
      return done;
  }
}

outcome<ordered_json> operator_desk::carry_out(const operation& what,
                                               const nlohmann::json& arguments) {
  return call(what, what.carry_out, arguments);
}

outcome<std::string> operator_desk::print(const operation& what, const nlohmann::json& arguments) {
  return call(what, what.print, arguments);
}

} // namespace maze::gateway
