#pragma once

#include "maze/core/resources.hpp"
#include "maze/core/task_form.hpp"
#include "maze/core/task_registry.hpp"

#include <concepts>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

/// What a task library is written with:
///
/// ```cpp
/// #include "maze/core/task.hpp"
///
/// std::map<std::string, std::int64_t> count(const std::string& text, std::int64_t least);
///
/// MAZE_TASK(count, "Counts the words of a text.", maze::arg("text"), maze::arg("least") = 1)
/// MAZE_TASK_LIBRARY("text", "1.2")
/// ```
///
/// Functions take and give `bool`, integers, `float`, `double`, `std::string`, `std::string_view`,
/// `std::filesystem::path`, `core::bytes`, `core::value`, and `std::optional`, `std::vector`, `std::array`,
/// `std::pair`, `std::tuple` and `std::map<std::string, …>` of all these; they may return nothing. Other types need a
/// `maze::convert`. Parameters are values or const references.
namespace maze {

/// A parameter: its name and, after `=`, the value that it has where a task gives none. A parameter of type
/// `std::optional` has none to begin with.
class arg {
public:
  explicit arg(std::string name) { parameter_.name = std::move(name); }

  template <class T>
  requires(!std::same_as<std::remove_cvref_t<T>, arg>) arg operator=(const T& x) && {
    using held = std::conditional_t<std::is_convertible_v<const T&, std::string_view>,
                                    std::string_view, std::remove_cv_t<T>>;
    if constexpr (std::same_as<T, std::nullopt_t>) {
      keep([](core::value_target& out) { out.null(); });
    } else {
      static_assert(core::task_type<held>,
                    "the default of a parameter has a type that tasks do not know: "
                    "specialise maze::convert for it");
      keep([&x](core::value_target& out) { core::task_form<held>::write(out, x); });
    }
    return std::move(*this);
  }

  [[nodiscard]] const core::parameter& parameter() const noexcept { return parameter_; }
  /// The default, encoded; empty where there is none.
  [[nodiscard]] const std::string& encoded() const noexcept { return encoded_; }
  /// Why the default is none; empty where it is one.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

private:
  void keep(const auto& write) {
    try {
      core::value_target out;
      write(out);
      encoded_ = std::move(out).bytes();
      parameter_.default_value = core::decode(encoded_).value();
    } catch (const std::exception& x) {
      fault_ = x.what();
    }
  }

  core::parameter parameter_;
  std::string encoded_;
  std::string fault_;
};

/// Something more that people may read of a task: `maze::about("model_name", "resnet50")`.
struct about {
  about(std::string key, std::string value) : key(std::move(key)), value(std::move(value)) {}

  std::string key;
  std::string value;
};

/// What `add_task` gives back, so that it can stand behind a static object.
struct task_registration {};

namespace detail {

/// What a function takes and gives.
template <class F>
struct signature_of : signature_of<decltype(&F::operator())> {};
template <class R, class... Ps>
struct signature_of<R (*)(Ps...)> {
  using result = std::remove_cvref_t<R>;
  using parameters = std::tuple<std::type_identity<Ps>...>;
};
template <class R, class... Ps>
struct signature_of<R (*)(Ps...) noexcept> : signature_of<R (*)(Ps...)> {};
template <class R, class C, class... Ps>
struct signature_of<R (C::*)(Ps...)> : signature_of<R (*)(Ps...)> {};
template <class R, class C, class... Ps>
struct signature_of<R (C::*)(Ps...) const> : signature_of<R (*)(Ps...)> {};
template <class R, class C, class... Ps>
struct signature_of<R (C::*)(Ps...) noexcept> : signature_of<R (*)(Ps...)> {};
template <class R, class C, class... Ps>
struct signature_of<R (C::*)(Ps...) const noexcept> : signature_of<R (*)(Ps...)> {};

template <class P>
constexpr bool may_be_parameter =
    !std::is_lvalue_reference_v<P> || std::is_const_v<std::remove_reference_t<P>>;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// The name behind the last `::`.
constexpr std::string_view last_name(std::string_view text) {
  const auto at = text.rfind(':');
  text = at == std::string_view::npos ? text : text.substr(at + 1);
  return !text.empty() && text.front() == '&' ? text.substr(1) : text;
}

template <class P>
void add_parameter(core::task_registry& to, core::task_definition& out, const arg& x) {
  using held = std::remove_cvref_t<P>;
  static_assert(may_be_parameter<P>,
                "a parameter of a task is a reference that the function could write to: "
                "take a value or a const reference, and return what is new");
  static_assert(core::task_type<held>, "a parameter of a task has a type that tasks do not know: "
                                       "specialise maze::convert for it");
  core::parameter parameter = x.parameter();
  parameter.type = core::task_form<held>::type;
  std::string encoded = x.encoded();
  if constexpr (is_optional<held>)
    if (encoded.empty() && x.fault().empty()) {
      encoded = core::encode(core::value{}).value();
      parameter.default_value = core::value{};
    }
  std::string fault = x.fault();
  if (fault.empty() && !encoded.empty())
    try {
      core::value_source in(encoded);
      static_cast<void>(core::task_form<held>::read(in));
    } catch (const std::exception& thrown) {
      fault = thrown.what();
    }
  if (!fault.empty())
    to.refuse("function `" + out.signature.name + "`, default of `" + parameter.name
              + "`: " + fault);
  out.signature.parameters.push_back(std::move(parameter));
  out.defaults.push_back(std::move(encoded));
}

template <class T>
T read_argument(core::task_call& call, std::size_t index) {
  try {
    return core::task_form<T>::read(call.arguments.next(index));
  } catch (const misfit& x) {
    call.arguments.refuse(index, x);
  }
}

template <class R, class... Ps, std::size_t... Is>
void run(auto& function, core::task_call& call, std::index_sequence<Is...>) {
  // Braces, because they keep the order.
  std::tuple<std::remove_cvref_t<Ps>...> held{read_argument<std::remove_cvref_t<Ps>>(call, Is)...};
  call.arguments.finish();
  call.phase = core::call_phase::function;
  const auto invoke = [&function](auto&... each) -> decltype(auto) {
    return function(std::move(each)...);
  };
  if constexpr (std::is_void_v<R>) {
    std::apply(invoke, held);
    call.phase = core::call_phase::result;
    call.result.null();
  } else {
    decltype(auto) out = std::apply(invoke, held);
    call.phase = core::call_phase::result;
    core::task_form<R>::write(call.result, out);
  }
}

template <class R, class F, class... Ps>
core::task_definition define(core::task_registry& to, std::string name, F function,
                             std::type_identity<std::tuple<std::type_identity<Ps>...>>,
                             const auto& options) {
  static_assert(core::task_type<R> || std::is_void_v<R>,
                "a task returns a type that tasks do not know: specialise maze::convert for it");
  core::task_definition out;
  out.signature.name = std::move(name);
  out.signature.result = core::task_form<R>::type;
  std::apply([&](const auto&... each) { (add_parameter<Ps>(to, out, each), ...); }, options);
  out.run = [function = std::move(function)](core::task_call& call) mutable {
    detail::run<R, Ps...>(function, call, std::index_sequence_for<Ps...>());
  };
  return out;
}

inline std::tuple<arg> pick_parameter(const arg& x) { return x; }
inline std::tuple<> pick_parameter(const core::resources&) { return {}; }
inline std::tuple<> pick_parameter(const about&) { return {}; }

inline void pick_remarks(core::function_signature&, const arg&) {}
inline void pick_remarks(core::function_signature& out, const core::resources& x) { out.needs = x; }
inline void pick_remarks(core::function_signature& out, const about& x) {
  out.about.insert_or_assign(x.key, x.value);
}

} // namespace detail

/// As `add_task`, into a registry of one's own.
template <class F, class... Options>
task_registration add_task_to(core::task_registry& to, std::string_view name, F function,
                              std::string description, const Options&... options) {
  using signature = detail::signature_of<F>;
  using parameters = typename signature::parameters;
  static_assert(
      ((std::same_as<
            Options,
            arg> || std::same_as<Options, core::resources> || std::same_as<Options, about>)&&...),
      "behind the description of a task there may be maze::arg, maze::about and "
      "maze::core::resources");
  constexpr std::size_t named = (std::size_t{0} + ... + std::size_t{std::same_as<Options, arg>});
  static_assert(named == std::tuple_size_v<parameters>,
                "a task needs one maze::arg for each parameter of its function, in their order");
  if constexpr (named == std::tuple_size_v<parameters>) {
    auto out = detail::define<typename signature::result>(
        to, std::string(name), std::move(function), std::type_identity<parameters>{},
        std::tuple_cat(detail::pick_parameter(options)...));
    out.signature.description = std::move(description);
    (detail::pick_remarks(out.signature, options), ...);
    to.add(std::move(out));
  }
  return {};
}

/// Registers a function, a lambda or any other object that can be called as a task of the library that this is
/// compiled into. `options` are one `maze::arg` for each parameter, in their order, where it asks for more than
/// tasks do by default `core::resources`, and any number of `maze::about`. What is wrong with them shows when the library is loaded.
///
/// ```cpp
/// static const auto doubled = maze::add_task("double", [](std::int64_t x) { return 2 * x; }, "Twice x.", maze::arg("x"));
/// ```
template <class F, class... Options>
task_registration add_task(std::string_view name, F function, std::string description,
                           const Options&... options) {
  return add_task_to(core::tasks_of_this_library(), name, std::move(function),
                     std::move(description), options...);
}

/// Gives the library that this is compiled into a name and a version.
inline task_registration name_task_library(std::string name, std::string version) {
  core::tasks_of_this_library().name(std::move(name), std::move(version));
  return {};
}

} // namespace maze

#define MAZE_TASK_JOIN(a, b) a##b
#define MAZE_TASK_OBJECT(number) MAZE_TASK_JOIN(maze_task_registration_, number)
/// Registers a function under its own name: `MAZE_TASK(function, "What it does.", maze::arg("x"), …)`.
#define MAZE_TASK(function, ...)                                                                   \
  [[maybe_unused]] static const ::maze::task_registration MAZE_TASK_OBJECT(__COUNTER__) =          \
      ::maze::add_task(::maze::detail::last_name(#function), &function, __VA_ARGS__);
/// Gives the library a name and a version: `MAZE_TASK_LIBRARY("text", "1.2")`.
#define MAZE_TASK_LIBRARY(name, version)                                                           \
  [[maybe_unused]] static const ::maze::task_registration MAZE_TASK_OBJECT(__COUNTER__) =          \
      ::maze::name_task_library(name, version);
