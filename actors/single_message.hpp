#pragma once

#include <caf/detail/tuple_vals.hpp>
#include <caf/detail/type_erased_value_impl.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/make_type_erased_value.hpp>
#include <caf/message.hpp>
#include <caf/type_erased_value.hpp>
#include <caf/type_nr.hpp>

#include <array>
#include <string>
#include <tuple>
#include <typeinfo>
#include <utility>

/// CAF wraps what is sent into classes that can hold any number of values of any types: for each it makes a function for
/// each of ten positions, six times over, and one that prints it member by member. Ours are messages of one value, and
/// nobody prints them, for they may hold secrets. These specialisations of CAF 0.17's inner classes do the same for
/// one value without all that, which halves the time that the actors take to compile.
namespace maze::actors {

/// Whether a type travels as a message, alone. `MAZE_DECLARE_MESSAGE` says so of ours.
template <class T>
inline constexpr bool is_single_message = false;

/// What CAF's log and its complaints show of a message.
template <class T>
std::string message_name() {
  return typeid(T).name();
}

} // namespace maze::actors

namespace caf::detail {

template <class T>
requires maze::actors::is_single_message<T>
class type_erased_value_impl<T> : public type_erased_value {
public:
  using value_type = T;

  template <class... Ts>
  explicit type_erased_value_impl(Ts&&... xs) : x_(std::forward<Ts>(xs)...) {}
  type_erased_value_impl(type_erased_value_impl&& other) : x_(std::move(other.x_)) {}
  type_erased_value_impl(const type_erased_value_impl& other) : x_(other.x_) {}

  void* get_mutable() override { return &x_; }
  error load(deserializer& source) override { return source(x_); }
  rtti_pair type() const override { return make_rtti_pair<T>(); }
  const void* get() const override { return &x_; }
  error save(serializer& sink) const override { return sink(const_cast<T&>(x_)); }
  std::string stringify() const override { return maze::actors::message_name<T>(); }
  type_erased_value_ptr copy() const override {
    return type_erased_value_ptr{new type_erased_value_impl(*this)};
  }

private:
  T x_;
};

template <class Base, class T>
requires maze::actors::is_single_message<T>
class tuple_vals_impl<Base, T> : public Base {
public:
  using super = message_data;
  using data_type = std::tuple<T>;

  tuple_vals_impl(const tuple_vals_impl&) = default;
  template <class... Us>
  explicit tuple_vals_impl(Us&&... xs)
      : data_(std::forward<Us>(xs)...), types_{{make_rtti_pair<T>()}} {}

  data_type& data() { return data_; }
  const data_type& data() const { return data_; }

  std::size_t size() const noexcept override { return 1; }
  const void* get(std::size_t) const noexcept override { return &std::get<0>(data_); }
  void* get_mutable(std::size_t) override { return &std::get<0>(data_); }
  std::string stringify(std::size_t) const override { return maze::actors::message_name<T>(); }
  using Base::copy;
  type_erased_value_ptr copy(std::size_t) const override {
    return type_erased_value_ptr{new type_erased_value_impl<T>(std::get<0>(data_))};
  }
  error load(std::size_t, deserializer& source) override { return source(std::get<0>(data_)); }
  std::uint32_t type_token() const noexcept override { return make_type_token<T>(); }
  rtti_pair type(std::size_t) const noexcept override { return types_[0]; }
  error save(std::size_t, serializer& sink) const override {
    return sink(const_cast<T&>(std::get<0>(data_)));
  }

private:
  data_type data_;
  std::array<rtti_pair, 1> types_;
};

} // namespace caf::detail

namespace caf {

/// In a mailbox; CAF's own has a member that cannot be compiled, so its code could not be made once for all.
template <class T>
requires maze::actors::is_single_message<T>
class mailbox_element_vals<T> final : public mailbox_element,
                                      public detail::tuple_vals_impl<type_erased_tuple, T> {
public:
  template <class... Us>
  mailbox_element_vals(strong_actor_ptr&& sender, message_id id, forwarding_stack&& stages,
                       Us&&... xs)
      : mailbox_element(std::move(sender), mailbox_category_corrector<T>::apply(id),
                        std::move(stages)),
        detail::tuple_vals_impl<type_erased_tuple, T>(std::forward<Us>(xs)...) {}

  type_erased_tuple& content() override { return *this; }
  const type_erased_tuple& content() const override { return *this; }
  message move_content_to_message() override {
    return make_message(std::move(std::get<0>(this->data())));
  }
  message copy_content_to_message() const override {
    return make_message(std::get<0>(this->data()));
  }
};

} // namespace caf
