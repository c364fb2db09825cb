#pragma once

#include "maze/io/blob_store.hpp"
#include "maze/io/view_store.hpp"

#include <stop_token>

namespace maze::io {

/// Where an attempt's changes lie.
struct collect_request {
  /// The upper folder of an overlay, or a whole view.
  unique_fd root;
  /// Whether `root` holds only what differs from `base`, with whiteouts and opaque folders.
  bool overlay = false;
  /// What the attempt saw at first.
  const core::file_map& base;
  const change_filter& filter;
  std::stop_token stop;
};

/// See `view_store::collect`.
core::result<changes> collect_changes(collect_request request, blob_store& store);

} // namespace maze::io
