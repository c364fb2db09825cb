// Which files an attempt uses beyond what its task declares.
#include "maze/actors/worker.hpp"
#include "maze/sandbox/file_watch.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace maze::actors {

core::result<void> worker_state::watch_files(held_attempt& x, sandbox::launch_request& request) {
  const auto mode = spec(x).files.report;
  if (mode == core::file_report_mode::none || !x.view.base || x.view.base->empty())
    return {};
  auto made = spare_watches_.empty() ? sandbox::file_watch::make() : spare_watches_.back();
  if (!spare_watches_.empty())
    spare_watches_.pop_back();
  auto ready = made ? (*made)->prepare(x.view.base) : core::fail(made.error());
  if (ready) {
    x.watch = std::move(*made);
    request.watch = x.watch;
    return {};
  }
  if (mode == core::file_report_mode::strict)
    return ready;
  warn(x, "what an attempt reads cannot be seen", ready.error());
  x.unwatched = ready.error().message;
  return {};
}

core::file_uses worker_state::end_watch(held_attempt& x) {
  if (!x.watch)
    return core::file_uses(x.view.base);
  auto uses = x.watch->finish();
  spare_watches_.push_back(std::exchange(x.watch, nullptr));
  return uses;
}

core::result<void> worker_state::check_files(held_attempt& x, core::file_uses uses,
                                             const io::changes& changed) {
  if (spec(x).files.report == core::file_report_mode::none)
    return {};
  if (!x.unwatched.empty())
    uses.miss(x.unwatched);
  for (const std::string& path : changed.linked)
    uses.saw(path, core::file_sight::taken);
  x.isolation.files = core::report_files(spec(x), uses, {changed.delta, changed.ignored});
  return core::check_files(x.isolation.files, uses.missed());
}

} // namespace maze::actors
