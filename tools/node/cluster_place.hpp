#pragma once

#include "maze/core/journal_event.hpp"
#include "maze/core/result.hpp"
#include "maze/io/endpoint.hpp"
#include "maze/io/files.hpp"
#include "maze/io/identity.hpp"
#include "node/settings.hpp"

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace maze::node {

/// What a running cluster tells the programs of its user.
struct cluster_record {
  std::string name;
  pid_t pid = 0;
  /// Folder of its state.
  std::filesystem::path state;
  core::wall_time started{};
  io::cluster_id id;
  /// Where it listens besides its own socket, with real ports.
  std::vector<io::endpoint> listens;
  /// Whether it lives for one run only; such a cluster is meant where it is named, not by default.
  bool passing = false;

  friend bool operator==(const cluster_record&, const cluster_record&) = default;
};

std::string to_json(const cluster_record& x);
/// The inverse. Fails with `malformed`.
core::result<cluster_record> parse_cluster_record(std::string_view text);

/// Where the running clusters of a user are found: `$XDG_RUNTIME_DIR/maze`, else `/run/maze` for root and
/// `/tmp/maze-<uid>` for others.
std::filesystem::path runtime_root(const surroundings& around, uid_t user);

/// The folder of one running cluster below the runtime root: its socket and its record. It lives as long
/// as a lock in it is held; what dead processes left is removed by whoever comes next.
class cluster_place {
public:
  /// Makes the folder, and the root where it is missing, with mode 0700. Fails with `already_exists` when
  /// a cluster of that name runs, with `permission_denied` where the root belongs to somebody else or
  /// others may enter it, with `invalid_argument` for a name that is none.
  static core::result<cluster_place> claim(const std::filesystem::path& root,
                                           const std::string& name);
  cluster_place(cluster_place&& other) noexcept;
  cluster_place& operator=(cluster_place&&) = delete;
  ~cluster_place();

  /// From now on clients find the cluster.
  core::result<void> publish(const cluster_record& record) const;
  [[nodiscard]] std::filesystem::path socket() const { return folder_ / "socket"; }

private:
  cluster_place(std::filesystem::path folder, io::unique_fd lock)
      : folder_(std::move(folder)), lock_(std::move(lock)) {}

  std::filesystem::path folder_;
  io::unique_fd lock_;
};

struct found_cluster {
  cluster_record record;
  std::filesystem::path socket;
};

/// A name for another socket beside the cluster's own, which goes when the cluster goes.
std::filesystem::path fresh_socket(const found_cluster& beside);

/// The clusters that run, by name.
core::result<std::vector<found_cluster>> find_clusters(const std::filesystem::path& root);

/// The one that is called `wanted`, or the only one that stays where that is empty. Fails with `not_found` where
/// there is none (and how to start one), with `invalid_argument` naming them where there are several.
core::result<found_cluster> choose_cluster(const std::filesystem::path& root,
                                           const std::string& wanted);

} // namespace maze::node
