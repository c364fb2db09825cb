#pragma once

#include "maze/core/digest.hpp"
#include "maze/core/permissions.hpp"
#include "maze/core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace maze::io {

/// What a process is to its cluster. Values travel on the wire: append only.
enum class node_role : std::uint8_t { master = 1, worker = 2, client = 3 };

/// `master`, `worker`, `client`; `unknown` for other numbers.
std::string_view to_string(node_role x) noexcept;
/// The inverse.
std::optional<node_role> node_role_from_string(std::string_view name) noexcept;
/// Whether the number names a role.
bool is_known(node_role x) noexcept;

/// Names one cluster for good: 128 random bits made with its certificate authority.
struct cluster_id {
  core::digest bits;

  friend auto operator<=>(const cluster_id&, const cluster_id&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, cluster_id& x) {
    return f(x.bits);
  }
};

/// 32 lower-case hexadecimal digits.
std::string to_string(const cluster_id& x);
/// The inverse.
std::optional<cluster_id> cluster_id_from_string(std::string_view text);

/// Who a process is. Over TCP a certificate vouches for it, on a UNIX socket the user's own id does.
struct node_identity {
  node_role role = node_role::client;
  /// See `check_node_name`.
  std::string name;
  cluster_id cluster;

  friend bool operator==(const node_identity&, const node_identity&) = default;

  template <class Inspector>
  friend auto inspect(Inspector& f, node_identity& x) {
    return f(x.role, x.name, x.cluster);
  }
};

/// `worker w1`: for messages.
std::string to_string(const node_identity& x);

/// Fails with `invalid_argument` unless `name` has 1 to 64 letters, digits, `.`, `_`, `-` and begins
/// with a letter or digit.
core::result<void> check_node_name(std::string_view name);

/// Who a process is, and what a certificate adds to it.
struct certified_identity {
  node_identity who;
  /// Of a client: what the tasks that it hands in may do at most; of a worker: what those may that it is given.
  core::permission_set permitted = core::permission_set::all();

  friend bool operator==(const certified_identity&, const certified_identity&) = default;
};

/// The URI that a certificate carries: `maze://<cluster>/<role>/<name>`, and `?permit=read_files+network_access` or `?permit=none` behind it where not everything
/// is permitted.
std::string to_uri(const certified_identity& x);
/// The inverse; nothing unless `uri` is what `to_uri` writes.
std::optional<certified_identity> identity_from_uri(std::string_view uri);

} // namespace maze::io
