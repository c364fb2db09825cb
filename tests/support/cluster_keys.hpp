#pragma once

#include "maze/io/credentials.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

namespace maze::test {

/// The value, or an exception that says why there is none.
template <class T>
T must(core::result<T> x) {
  if (!x)
    throw std::runtime_error(core::describe(x.error()));
  if constexpr (!std::is_void_v<T>)
    return std::move(*x);
}

/// A cluster's authority in memory, which issues what a test asks for: right or wrong.
class cluster_keys {
public:
  explicit cluster_keys(io::cluster_id id = {{.high = 1, .low = 2}},
                        io::wall_time now = std::chrono::system_clock::now())
      : id_(id), now_(now), authority_(must(io::make_authority(id, life()))) {}

  [[nodiscard]] const io::cluster_id& id() const noexcept { return id_; }
  [[nodiscard]] const io::key_pair& authority() const noexcept { return authority_; }
  [[nodiscard]] io::wall_time now() const noexcept { return now_; }
  [[nodiscard]] io::validity life() const {
    return {.from = now_ - std::chrono::hours(1), .until = now_ + std::chrono::hours(24)};
  }
  [[nodiscard]] io::credentials issue(io::node_role role, std::string name) const {
    return issue(role, std::move(name), life());
  }
  [[nodiscard]] io::credentials issue(io::node_role role, std::string name,
                                      const io::validity& valid) const {
    const io::node_identity self{.role = role, .name = std::move(name), .cluster = id_};
    return {.self = self,
            .authority = authority_.certificate,
            .own = must(io::issue_certificate(authority_, {.who = self}, valid))};
  }
  /// One that permits no more than this.
  [[nodiscard]] io::credentials issue(io::node_role role, std::string name,
                                      core::permission_set permitted) const {
    const io::node_identity self{.role = role, .name = std::move(name), .cluster = id_};
    return {.self = self,
            .authority = authority_.certificate,
            .own = must(
                io::issue_certificate(authority_, {.who = self, .permitted = permitted}, life()))};
  }

private:
  io::cluster_id id_;
  io::wall_time now_;
  io::key_pair authority_;
};

} // namespace maze::test
