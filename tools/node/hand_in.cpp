#include "node/hand_in.hpp"

#include "maze/core/function_check.hpp"
#include "node/passing_store.hpp"
#include "node/submission.hpp"

namespace maze::node {

namespace {

/// Of the files of one workflow.
constexpr int uploads_max = 3;

} // namespace

core::result<core::run_id> hand_in(const cluster_access& to, core::workflow work,
                                   const hand_in_options& how) {
  auto store = passing_store::open();
  if (!store)
    return core::fail(store.error());
  auto form = describe(std::move(work), how.folder, store->blobs());
  if (!form)
    return core::fail(form.error());
  if (how.warn)
    for (const std::string& each : core::oversized_code(form->tasks, form->libraries))
      how.warn(each);
  if (how.id)
    form->client_id = *how.id;
  // What the cluster had when it was asked may be gone when the upload of the rest is done, because
  // somebody forgot the run that it belonged to.
  for (int tries = 1;; ++tries) {
    const auto blobs = blobs_of(form->files, form->libraries, form->archives);
    if (auto sent = uploader_to(to.address)(blobs, store->blobs()); !sent)
      return core::fail(sent.error());
    auto run = to.session.submit(*form);
    if (run || run.error().code != core::errc::object_lost || tries == uploads_max)
      return run;
  }
}

} // namespace maze::node
