#include "maze/core/function_call.hpp"

#include <fmt/format.h>

#include <utility>

namespace maze::core {

namespace {

constexpr std::string_view call_phase = "execute";

tl::unexpected<error> refuse_call(const task_spec& spec, errc code, std::string_view why) {
  return fail(code, fmt::format("task '{}': {}", spec.name, why), std::string(call_phase));
}

result<void> check_returned(const task_spec& spec, const output_spec& declared, const value& x) {
  if (type_accepts(declared.type, x))
    return {};
  return refuse_call(spec, errc::invalid_payload,
                     fmt::format("the output '{}' is declared as {}, the function returned {}",
                                 declared.key, declared.type, type_name(x)));
}

result<dict> take_keys(const task_spec& spec, value returned) {
  auto* all = returned.as<dict>();
  if (all == nullptr)
    return refuse_call(
        spec, errc::invalid_payload,
        fmt::format("it has several outputs, so its function returns a dictionary, not "
                    "{}",
                    type_name(returned)));
  dict out;
  for (const output_spec& declared : spec.output.keys) {
    const auto found = all->find(declared.key);
    if (found == all->end())
      return refuse_call(spec, errc::invalid_payload,
                         fmt::format("the function returned no '{}', which the task declares as an "
                                     "output of type {}",
                                     declared.key, declared.type));
    if (auto fine = check_returned(spec, declared, found->second); !fine)
      return fail(std::move(fine.error()));
    out.emplace(declared.key, std::move(found->second));
  }
  return out;
}

} // namespace

result<resolved_call> resolve_encoded_call(const task_spec& spec, const context_map& context,
                                           const std::map<std::string, std::string>& outputs) {
  output_map decoded;
  for (const auto& [task, encoded] : outputs) {
    auto output = decode(encoded);
    if (!output)
      return fail(output.error());
    decoded.emplace(task, std::move(*output));
  }
  return resolve_call(spec, context, decoded);
}

result<std::string> encode_arguments(const task_spec& spec, const resolved_call& call) {
  auto encoded = encode(value(dict(call.arguments.begin(), call.arguments.end())));
  if (encoded)
    return encoded;
  for (const auto& [name, argument] : call.arguments)
    if (const auto alone = encode(argument); !alone)
      return refuse_call(spec, alone.error().code,
                         fmt::format("argument '{}': {}", name, alone.error().message));
  return refuse_call(spec, encoded.error().code,
                     fmt::format("the arguments together: {}", encoded.error().message));
}

result<std::string> outcome_of_function(const task_spec& spec, std::string_view encoded_value) {
  auto returned = decode(encoded_value);
  if (!returned)
    return refuse_call(
        spec,
        returned.error().code == errc::limit_exceeded ? errc::limit_exceeded
                                                      : errc::invalid_payload,
        fmt::format("what the function returned is no value: {}", returned.error().message));
  dict out;
  if (spec.output.form == output_form::many) {
    auto taken = take_keys(spec, std::move(*returned));
    if (!taken)
      return fail(std::move(taken.error()));
    out = std::move(*taken);
  } else {
    const output_spec& declared = spec.output.keys.front();
    if (auto fine = check_returned(spec, declared, *returned); !fine)
      return fail(std::move(fine.error()));
    out.emplace(declared.key, std::move(*returned));
  }
  auto encoded = encode(value(std::move(out)));
  if (!encoded)
    return refuse_call(spec, encoded.error().code,
                       fmt::format("what the function returned: {}", encoded.error().message));
  return encoded;
}

std::string instead_of_returning(int exit_status) {
  std::string out = fmt::format(
      "the function ended its process with exit status {} instead of returning", exit_status);
  if (exit_status == host_broken)
    out += ", as a child does whose function closed descriptors that it had not opened";
  return out;
}

} // namespace maze::core
