#include "maze/core/task_registry.hpp"

#include "maze/core/codec.hpp"
#include "maze/core/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <new>
#include <typeinfo>
#include <utility>

namespace maze::core {

namespace {

/// What an exception says may be anything; more would not be read.
constexpr std::size_t text_max = 16 * 1024;
/// Exceptions inside exceptions that are told of.
constexpr int causes_max = 8;

/// The arguments of a call lie in a list or dictionary of their own, which does not count.
constexpr std::uint32_t arguments_depth = value_limits{}.depth_max + 1;

/// `text` as an error may carry it: UTF-8, and not longer than people read.
std::string told(std::string_view text) {
  if (text.size() > text_max)
    text = text.substr(0, text_max);
  return is_utf8(text) ? std::string(text) : printable(text);
}

std::string readable(const std::type_info* type) {
  if (type == nullptr)
    return "something unknown";
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), std::free);
  std::string out = status == 0 && name ? name.get() : type->name();
  // How libstdc++ spells its strings helps nobody.
  for (const std::string_view inner : {"__cxx11::", "__1::"})
    for (auto at = out.find(inner); at != std::string::npos; at = out.find(inner))
      out.erase(at, inner.size());
  return out;
}

/// What lies inside of an exception that others threw on, one line each.
std::string causes(const std::exception& outer) {
  std::string out;
  std::exception_ptr next;
  const auto look_inside = [&next](const std::exception& x) {
    const auto* nested = dynamic_cast<const std::nested_exception*>(&x);
    next = nested == nullptr ? nullptr : nested->nested_ptr();
  };
  look_inside(outer);
  for (int i = 0; next && i < causes_max; ++i) {
    const auto current = std::exchange(next, nullptr);
    try {
      std::rethrow_exception(current);
    } catch (const std::exception& x) {
      out += fmt::format("because of {}: {}\n", readable(&typeid(x)), told(x.what()));
      look_inside(x);
    } catch (...) {
      out += fmt::format("because of {}\n", readable(abi::__cxa_current_exception_type()));
    }
  }
  return out;
}

/// What is wrong in `whole`: its place goes on from the name of that.
std::string in_whole(std::string_view whole, const misfit& x) {
  return fmt::format("{}{}{}", whole, x.placed() ? "" : ": ", told(x.what()));
}

error misfit_error(const misfit& x, const task_call& call) {
  return {.code = x.code(),
          .message = call.phase == call_phase::arguments
                         ? told(x.what())
                         : in_whole(fmt::format("result of `{}`", call.function.name), x)};
}

/// The exception that is being handled, as the error of a call.
error thrown_error(const task_call* call) {
  const bool payload = call == nullptr || call->phase != call_phase::function;
  try {
    throw;
  } catch (const misfit& x) {
    if (payload && call != nullptr)
      return misfit_error(x, *call);
    if (payload)
      return {.code = x.code(), .message = told(x.what())};
    return {.code = errc::user_exception,
            .message = fmt::format("maze::misfit: {}", told(x.what()))};
  } catch (const std::bad_alloc&) {
    if (payload)
      return {.code = errc::resource_exhausted,
              .message = "no memory is left for arguments or result"};
    return {.code = errc::user_exception,
            .message = "std::bad_alloc: std::bad_alloc",
            .evidence = "std::bad_alloc\n"};
  } catch (const std::exception& x) {
    const auto type = readable(&typeid(x));
    const auto inner = causes(x);
    return {.code = payload ? errc::invalid_payload : errc::user_exception,
            .message = fmt::format("{}: {}", type, told(x.what())),
            .evidence = type + "\n" + inner};
  } catch (const std::string& x) {
    return {.code = errc::user_exception,
            .message = fmt::format("std::string: {}", told(x)),
            .evidence = "std::string\n"};
  } catch (const char* x) {
    return {.code = errc::user_exception,
            .message = fmt::format("const char*: {}", x == nullptr ? "null" : told(x)),
            .evidence = "const char*\n"};
  } catch (...) {
    const auto type = readable(abi::__cxa_current_exception_type());
    return {.code = errc::user_exception,
            .message = fmt::format("{} was thrown", type),
            .evidence = type + "\n"};
  }
}

} // namespace

task_arguments::task_arguments(const function_signature& function,
                               const std::vector<std::string>& defaults, std::string_view encoded)
    : function_(function), defaults_(defaults), given_(encoded, arguments_depth) {
  if (given_.next() == value_tag::mapping) {
    take_names();
    return;
  }
  if (given_.next() != value_tag::sequence)
    throw misfit(fmt::format("`{}` takes its arguments as list or dict, got {}", function.name,
                             type_name(given_.next())));
  const std::uint64_t given = value_source::collection(given_, value_tag::sequence).size();
  if (given > function.parameters.size())
    throw misfit(fmt::format("`{}` takes at most {} arguments, got {}", function.name,
                             function.parameters.size(), given));
  by_position_ = static_cast<std::size_t>(given);
}

void task_arguments::take_names() {
  const auto& parameters = function_.parameters;
  by_name_.resize(parameters.size());
  value_source::collection entries(given_, value_tag::mapping);
  for (auto n = entries.size(); n > 0; --n) {
    const auto name = entries.key();
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [name](const parameter& x) { return x.name == name; });
    if (found == parameters.end())
      throw misfit(
          fmt::format("`{}` has no parameter `{}`", function_.name, fit(printable(name), 64)));
    by_name_[static_cast<std::size_t>(found - parameters.begin())] = given_.skip();
  }
}

value_source& task_arguments::next(std::size_t index) {
  if (index < by_position_)
    return given_;
  std::string_view encoded = index < by_name_.size() ? by_name_[index] : std::string_view{};
  if (encoded.empty())
    encoded = defaults_[index];
  if (encoded.empty())
    throw misfit("no value is given, and it has no default");
  return single_.emplace(encoded);
}

void task_arguments::finish() { given_.finish(); }

void task_arguments::refuse(std::size_t index, const misfit& x) const {
  throw misfit(
      in_whole(
          fmt::format("`{}`, parameter `{}`", function_.name, function_.parameters[index].name), x),
      x.code());
}

void task_registry::name(std::string name, std::string version) {
  name_ = std::move(name);
  version_ = std::move(version);
}

void task_registry::refuse(std::string fault) {
  if (!fault_)
    fault_ = std::move(fault);
}

void task_registry::add(task_definition x) {
  if (!is_name(x.signature.name))
    return refuse(
        fmt::format("function `{}` has a name that no task can use; register it under another",
                    printable(x.signature.name)));
  const auto& name = x.signature.name;
  const auto at = std::lower_bound(
      functions_.begin(), functions_.end(), name,
      [](const auto& each, const std::string& wanted) { return each->signature.name < wanted; });
  for (auto p = x.signature.parameters.begin(); p != x.signature.parameters.end(); ++p)
    if (!is_name(p->name)
        || std::any_of(x.signature.parameters.begin(), p,
                       [&p](const parameter& other) { return other.name == p->name; }))
      return refuse(
          fmt::format("function `{}` has a parameter `{}`, which is no name or occurs twice", name,
                      printable(p->name)));
  auto made = std::make_unique<const task_definition>(std::move(x));
  if (at == functions_.end() || (*at)->signature.name != made->signature.name) {
    functions_.insert(at, std::move(made));
    return;
  }
  warnings_.push_back(
      fmt::format("there are two functions named '{}', the later counts", made->signature.name));
  *at = std::move(made);
}

result<library_description> task_registry::describe(std::string compiler) const {
  if (fault_)
    return fail(errc::invalid_argument, *fault_, "library");
  library_description out{.name = name_,
                          .version = version_,
                          .compiler = std::move(compiler),
                          .functions = {},
                          .warnings = warnings_};
  for (const auto& each : functions_)
    out.functions.push_back(each->signature);
  return out;
}

std::string task_registry::origin_of(const function_signature& x) const {
  return name_.empty() ? x.name : name_ + "." + x.name;
}

void task_registry::call(std::uint32_t function, std::string_view arguments,
                         std::uint64_t result_max,
                         void (*take)(void* context, call_outcome outcome,
                                      std::string_view payload),
                         void* context) const {
  const task_definition& definition = *functions_[function];
  std::optional<task_call> call;
  std::string failure;
  try {
    call.emplace(definition.signature, definition.defaults, arguments, result_max);
    definition.run(*call);
  } catch (const abi::__forced_unwind&) {
    // Somebody ends this thread, and whoever stops that is ended by the C++ library.
    throw;
  } catch (...) {
    error what = thrown_error(call ? &*call : nullptr);
    what.origin = origin_of(definition.signature);
    failure = to_binary(what);
  }
  if (failure.empty())
    take(context, call_outcome::returned, call->result.bytes());
  else
    take(context, call_outcome::failed, failure);
}

task_registry& tasks_of_this_library() {
  static task_registry registry;
  return registry;
}

} // namespace maze::core
