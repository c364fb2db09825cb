#pragma once

#include "maze/core/result.hpp"
#include "maze/io/certificate.hpp"
#include "maze/io/endpoint.hpp"
#include "maze/io/identity.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace maze::io {

/// What a process shows to others and checks them against.
struct credentials {
  node_identity self;
  /// The cluster's authority: a certificate as PEM text.
  std::string authority;
  key_pair own;
};

/// What only a cluster's master has: whoever holds it can let nodes in.
struct cluster_credentials {
  credentials master;
  /// The authority's private key as PEM text.
  std::string authority_key;
};

/// What a node needs to join a cluster, and no other node can use at the same time: one text file.
struct join_file {
  credentials member;
  /// Where the master listens, at least one.
  std::vector<endpoint> masters;
};

/// For whom a join file is made, and how long it lets them in.
struct join_request {
  /// `worker` or `client`.
  node_role role = node_role::worker;
  std::string name;
  std::vector<endpoint> masters;
  std::chrono::hours valid_for = std::chrono::hours(24 * 365);
  /// See `certified_identity`. The certificate says it, so the file's holder cannot change it.
  core::permission_set permitted = core::permission_set::all();
};

/// The cluster's credentials in `folder`/cluster.json; made there on the first start, for a master
/// called `name`. They are valid for ten years.
///
/// The folder gets mode 0700, the file 0600, and the file appears as a whole or not at all. Fails with
/// `permission_denied` when others may read or change either, with `stale` when a certificate has
/// expired (and when), with `malformed` for a damaged file; each error says what to do.
/// @note Blocks while another process makes them.
core::result<cluster_credentials> open_cluster(const std::filesystem::path& folder,
                                               std::string_view name, wall_time now);

/// A new certificate and key for a named node. Fails with `invalid_argument` naming the field.
core::result<join_file> make_join_file(const cluster_credentials& cluster,
                                       const join_request& wanted, wall_time now);

/// The text that `parse_join_file` reads. It holds a private key: a secret.
std::string to_text(const join_file& x);
/// Fails with `malformed` (or `unsupported_operation` for a newer version) naming the field: one that
/// is missing, unknown, of the wrong type, or that contradicts the others. Says nothing about time.
core::result<join_file> parse_join_file(std::string_view text);

/// Writes the file with mode 0600, whole or not at all.
core::result<void> write_join_file(const std::filesystem::path& path, const join_file& x);
/// Reads and checks the file; fails like `open_cluster`.
core::result<join_file> read_join_file(const std::filesystem::path& path, wall_time now);

/// Fails with `stale` when the own certificate or the authority's does not count at `now`.
core::result<void> check_validity(const credentials& x, wall_time now);

} // namespace maze::io
