#pragma once

#include "maze/actors/library_catalogue.hpp"
#include "maze/actors/protocol/document_actor.hpp"
#include "maze/core/result.hpp"
#include "maze/core/submission_form.hpp"
#include "maze/core/submission_rules.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/log.hpp"

#include <memory>

namespace maze::actors {

/// What the master takes: the graph built, secrets hidden from `log`. Fails with what `graph::build` says,
/// with `malformed` where `base` is not the hash of the files, and with `not_found` naming the first file
/// whose blob `blobs` does not have; with what `libraries` says of the functions, where it is given.
core::result<std::shared_ptr<const submission>> accept_form(core::submission_form form,
                                                            io::blob_store& blobs, io::log& log,
                                                            library_catalogue* libraries = nullptr,
                                                            code_reading how = code_reading::plain);

struct document_reader_setup {
  std::shared_ptr<io::blob_store> blobs;
  std::shared_ptr<io::log> log;
  /// Judges functions; null: nobody does.
  std::shared_ptr<library_catalogue> libraries;
  core::submission_rules rules{};
};

/// Cooperative or detached; detached in a node, since it blocks on disk and computes. A submission with libraries has an
/// actor and a thread of its own, as these take their time when they are loaded: what others hand in does not wait.
document_actor::behavior_type document_reader(document_actor::pointer self,
                                              document_reader_setup setup);

/// The inverse of what it makes of a report, on the client's side; fails like `core::from_binary`.
core::result<run_report> read_report(std::string_view encoded);

} // namespace maze::actors
