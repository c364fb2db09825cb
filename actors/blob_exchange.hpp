#pragma once

#include "maze/core/blob_id.hpp"
#include "maze/core/result.hpp"
#include "maze/io/blob_store.hpp"

#include <functional>
#include <span>

namespace maze::actors {

/// Brings those of `blobs` that a cluster lacks from a client's store into the cluster's, durably.
using blob_uploader =
    std::function<core::result<void>(std::span<const core::blob_id> blobs, io::blob_store& from)>;

/// Brings `blobs` from a cluster's store into a client's.
using blob_downloader =
    std::function<core::result<void>(std::span<const core::blob_id> blobs, io::blob_store& into)>;

} // namespace maze::actors
