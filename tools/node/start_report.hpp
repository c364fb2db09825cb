#pragma once

#include "node/background.hpp"
#include "node/options.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>

namespace maze::node {

/// Tells whoever starts a node what comes of it: on the terminal, or with `--detach` through the process
/// that waits there.
///
/// @note Make it before any thread.
class start_report {
public:
  explicit start_report(const options& what) : what_(what) {}

  /// With `--detach` splits the process. @returns in the one that waited: its exit code.
  std::optional<int> enter();
  /// There is no node. @returns `code`.
  int refuse(const core::error& why, int code);
  /// The node is ready: `sentence` for people, `facts` for programs.
  void ready(const std::string& sentence, const nlohmann::json& facts);

private:
  const options& what_;
  background parent_;
  /// Whether somebody waits at the other end of `parent_`.
  bool apart_ = false;
};

} // namespace maze::node
