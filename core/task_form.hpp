#pragma once

#include "maze/core/misfit.hpp"
#include "maze/core/value_source.hpp"
#include "maze/core/value_target.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace maze {

/// How a type of yours becomes a value and back. Specialise it where the type is declared:
///
/// ```cpp
/// template <>
/// struct maze::convert<point> {
///   static constexpr std::string_view type = "list";        // optional; `any` without it
///   static core::value to(const point& x) { return core::list{x.x, x.y}; }
///   static point from(const core::value& x);                // throws maze::misfit where x is no point
/// };
/// ```
template <class T>
struct convert;

template <class T>
concept converted = requires(const T& x, const core::value& encoded) {
  { convert<T>::to(x) } -> std::convertible_to<core::value>;
  { convert<T>::from(encoded) } -> std::convertible_to<T>;
};

} // namespace maze

namespace maze::core {

/// How tasks take and give a type: `type` as in `output_spec::type`, `read` from encoded arguments, `write` into
/// an encoded result. Both throw `misfit`.
template <class T>
struct task_form;

/// A type that functions may take and give.
template <class T>
concept task_type = requires {
  { task_form<T>::type } -> std::convertible_to<std::string_view>;
};

/// Integers, without bool and the types of characters, which are no numbers to those who write them.
template <class T>
concept task_integer =
    std::integral<T> && !std::same_as<
        T,
        bool> && !std::same_as<T, char> && !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

/// `std::filesystem::path`, known by its shape: core includes nothing that touches the machine.
template <class T>
concept task_path = std::constructible_from<T, std::string> && requires(const T& x) {
  { x.native() } -> std::same_as<const std::string&>;
  { x.lexically_normal() } -> std::same_as<T>;
  { x.parent_path() } -> std::same_as<T>;
};

template <>
struct task_form<void> {
  static constexpr std::string_view type = "null";
};

template <>
struct task_form<null> {
  static constexpr std::string_view type = "null";
  static null read(value_source& in) { return in.null(), null{}; }
  static void write(value_target& out, null) { out.null(); }
};

template <>
struct task_form<bool> {
  static constexpr std::string_view type = "bool";
  static bool read(value_source& in) { return in.truth(); }
  static void write(value_target& out, bool x) { out.truth(x); }
};

template <task_integer T>
struct task_form<T> {
  static constexpr std::string_view type = "int";
  static T read(value_source& in) {
    const std::int64_t x = in.integer();
    if (!std::in_range<T>(x))
      throw misfit("expected an int from " + std::to_string(std::numeric_limits<T>::min()) + " to "
                   + std::to_string(std::numeric_limits<T>::max()) + ", got one beyond");
    return static_cast<T>(x);
  }
  static void write(value_target& out, T x) {
    if (!std::in_range<std::int64_t>(x))
      throw misfit("a number beyond the 64 bits, one of them the sign, of an int");
    out.integer(static_cast<std::int64_t>(x));
  }
};

template <>
struct task_form<double> {
  static constexpr std::string_view type = "float";
  static double read(value_source& in) { return in.real(); }
  static void write(value_target& out, double x) { out.real(x); }
};

template <>
struct task_form<float> {
  static constexpr std::string_view type = "float";
  static float read(value_source& in) {
    const double x = in.real();
    constexpr double most = std::numeric_limits<float>::max();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if ((x > most && x != infinity) || (x < -most && x != -infinity))
      throw misfit("a float that does not fit into 32 bits");
    return static_cast<float>(x);
  }
  static void write(value_target& out, float x) { out.real(double{x}); }
};

template <>
struct task_form<std::string> {
  static constexpr std::string_view type = "string";
  static std::string read(value_source& in) { return std::string(in.text()); }
  static void write(value_target& out, const std::string& x) { out.text(x); }
};

/// As a parameter it is good for as long as the call lasts.
template <>
struct task_form<std::string_view> {
  static constexpr std::string_view type = "string";
  static std::string_view read(value_source& in) { return in.text(); }
  static void write(value_target& out, std::string_view x) { out.text(x); }
};

template <task_path T>
struct task_form<T> {
  static constexpr std::string_view type = "path";
  static T read(value_source& in) { return T(std::string(in.text())); }
  static void write(value_target& out, const T& x) { out.text(x.native()); }
};

template <>
struct task_form<bytes> {
  static constexpr std::string_view type = "bytes";
  static bytes read(value_source& in) {
    const auto raw = in.raw();
    const auto* first = reinterpret_cast<const std::byte*>(raw.data());
    return bytes(first, first + raw.size());
  }
  static void write(value_target& out, const bytes& x) {
    out.raw({reinterpret_cast<const char*>(x.data()), x.size()});
  }
};

template <>
struct task_form<value> {
  static constexpr std::string_view type = "any";
  static value read(value_source& in) { return in.any(); }
  static void write(value_target& out, const value& x) { out.any(x); }
};

/// Calls `step`, which reads or writes one element, and names that one where it fails.
template <class Where, class Step>
decltype(auto) at_place(const Where& where, const Step& step) {
  try {
    return step();
  } catch (misfit& x) {
    x.inside(where);
    throw;
  }
}

/// Null is nothing.
template <task_type T>
struct task_form<std::optional<T>> {
  static constexpr std::string_view type = "any";
  static std::optional<T> read(value_source& in) {
    if (in.take_null())
      return std::nullopt;
    return task_form<T>::read(in);
  }
  static void write(value_target& out, const std::optional<T>& x) {
    if (x)
      task_form<T>::write(out, *x);
    else
      out.null();
  }
};

template <task_type T>
requires(!std::same_as<T, std::byte>) struct task_form<std::vector<T>> {
  static constexpr std::string_view type = "list";
  static std::vector<T> read(value_source& in) {
    const value_source::collection inner(in, value_tag::sequence);
    std::vector<T> out;
    // Nobody vouches for the number: what is read justifies more.
    out.reserve(inner.size() < 64 ? static_cast<std::size_t>(inner.size()) : 64);
    for (std::uint64_t i = 0; i < inner.size(); ++i)
      at_place(static_cast<std::size_t>(i), [&] { out.push_back(task_form<T>::read(in)); });
    return out;
  }
  static void write(value_target& out, const std::vector<T>& xs) {
    const value_target::collection inner(out, value_tag::sequence, xs.size());
    for (std::size_t i = 0; i < xs.size(); ++i)
      at_place(i, [&] { task_form<T>::write(out, xs[i]); });
  }
};

template <task_type T, class Less>
requires(std::same_as<Less, std::less<>> || std::same_as<Less, std::less<std::string>>) //
    struct task_form<std::map<std::string, T, Less>> {
  static constexpr std::string_view type = "dict";
  static std::map<std::string, T, Less> read(value_source& in) {
    value_source::collection inner(in, value_tag::mapping);
    std::map<std::string, T, Less> out;
    for (auto n = inner.size(); n > 0; --n) {
      const auto key = inner.key();
      at_place(key, [&] { out.emplace_hint(out.end(), key, task_form<T>::read(in)); });
    }
    return out;
  }
  static void write(value_target& out, const std::map<std::string, T, Less>& xs) {
    const value_target::collection inner(out, value_tag::mapping, xs.size());
    for (const auto& [key, x] : xs)
      at_place(std::string_view(key), [&, &k = key, &held = x] {
        out.key(k);
        task_form<T>::write(out, held);
      });
  }
};

/// A list of as many elements as `Tuple` has.
template <class Tuple, class... Ts>
struct task_tuple_form {
  static constexpr std::string_view type = "list";
  static Tuple read(value_source& in) {
    const value_source::collection inner(in, value_tag::sequence);
    if (inner.size() != sizeof...(Ts))
      throw misfit("expected a list of " + std::to_string(sizeof...(Ts)) + " elements, got "
                   + std::to_string(inner.size()));
    std::size_t i = 0;
    [[maybe_unused]] const auto next = [&]<class T>(std::type_identity<T>) {
      const std::size_t here = i++;
      return at_place(here, [&] { return task_form<T>::read(in); });
    };
    // Braces, because they keep the order.
    return Tuple{next(std::type_identity<Ts>{})...};
  }
  static void write(value_target& out, const Tuple& xs) {
    const value_target::collection inner(out, value_tag::sequence, sizeof...(Ts));
    std::apply(
        [&out](const auto&... each) {
          std::size_t i = 0;
          [[maybe_unused]] const auto put = [&]<class T>(const T& x) {
            at_place(i++, [&] { task_form<T>::write(out, x); });
          };
          (put(each), ...);
        },
        xs);
  }
};

template <task_type... Ts>
struct task_form<std::tuple<Ts...>> : task_tuple_form<std::tuple<Ts...>, Ts...> {};

template <task_type A, task_type B>
struct task_form<std::pair<A, B>> : task_tuple_form<std::pair<A, B>, A, B> {};

template <task_type T, std::size_t N>
struct task_form<std::array<T, N>> {
  static constexpr std::string_view type = "list";
  static std::array<T, N> read(value_source& in) {
    return [&]<std::size_t... Is>(std::index_sequence<Is...>) {
      using form = task_tuple_form<std::array<T, N>, decltype(static_cast<void>(Is), T())...>;
      return form::read(in);
    }
    (std::make_index_sequence<N>());
  }
  static void write(value_target& out, const std::array<T, N>& xs) {
    const value_target::collection inner(out, value_tag::sequence, N);
    for (std::size_t i = 0; i < N; ++i)
      at_place(i, [&] { task_form<T>::write(out, xs[i]); });
  }
};

template <converted T>
struct task_form<T> {
  static constexpr std::string_view type = [] {
    if constexpr (requires { convert<T>::type; })
      return std::string_view(convert<T>::type);
    else
      return std::string_view("any");
  }();
  static T read(value_source& in) {
    const value encoded = in.any();
    return as_misfit([&]() -> T { return convert<T>::from(encoded); });
  }
  static void write(value_target& out, const T& x) {
    out.any(as_misfit([&]() -> value { return convert<T>::to(x); }));
  }

private:
  /// Whatever a conversion throws says that something does not fit.
  static auto as_misfit(const auto& step) {
    try {
      return step();
    } catch (const misfit&) {
      throw;
    } catch (const std::exception& thrown) {
      throw misfit(thrown.what());
    }
  }
};

} // namespace maze::core
