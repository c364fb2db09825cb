#pragma once

#include "node/cluster_session.hpp"

#include <functional>
#include <memory>
#include <mutex>

namespace maze::gateway {

/// A session with a cluster that is opened when it is first needed, and anew once it broke.
/// @note Thread-safe.
class cluster_line {
public:
  struct link {
    node::cluster_address address;
    std::unique_ptr<actors::cluster_client> session;
  };

  explicit cluster_line(node::settings values) : values_(std::move(values)) {}

  /// The session that there is, or a new one. Fails as `node::find_address` and `node::open_session` do.
  core::result<std::shared_ptr<link>> get();
  /// The next `get` opens a new one, unless somebody has already.
  void drop(const std::shared_ptr<link>& broken);

private:
  node::settings values_;
  std::mutex guard_;
  std::shared_ptr<link> current_;
};

} // namespace maze::gateway
