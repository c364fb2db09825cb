#pragma once

namespace maze::core {

/// One callable of several, for std::visit.
template <class... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};
// Newer compilers make it themselves.
template <class... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

} // namespace maze::core
