// Which files an attempt uses beyond what its task declares, and which it is not shown.
#include "maze/actors/worker.hpp"
#include "maze/sandbox/file_watch.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <utility>

namespace maze::actors {

namespace {

const core::file_map& withheld_from(const io::view& view) {
  static const core::file_map nothing;
  return view.withheld ? *view.withheld : nothing;
}

} // namespace

void worker_state::watch_files(held_attempt& x, sandbox::launch_request& request) {
  if (spec(x).files.report == core::file_report_mode::none || !x.view.base || x.view.base->empty())
    return;
  auto made = spare_watches_.empty() ? sandbox::file_watch::make() : spare_watches_.back();
  if (!spare_watches_.empty())
    spare_watches_.pop_back();
  if (auto ready = made ? (*made)->prepare(x.view.base) : core::fail(made.error()); !ready) {
    warn(x, "what an attempt reads cannot be seen", ready.error());
    x.unwatched = ready.error().message;
    return;
  }
  x.watch = std::move(*made);
  request.watch = x.watch;
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
  for (const std::string& path : changed.touched)
    uses.touched(path);
  const core::file_map& withheld = withheld_from(x.view);
  x.isolation.files = core::report_files(spec(x), uses, {changed.delta, changed.ignored, withheld});
  return core::check_files(x.isolation.files, uses, withheld);
}

void worker_state::tell_withheld(held_attempt& x, core::error& failed) {
  const core::file_map& withheld = withheld_from(x.view);
  if (withheld.empty())
    return;
  core::file_report& report = x.isolation.files;
  if (report.mode == core::file_report_mode::none)
    report = {.mode = core::file_report_mode::strict, .complete = false};
  report.withheld = core::sum_up_withheld(withheld, failed.message + '\n' + failed.evidence);
  failed.message += core::withheld_hint(report.withheld, failed.code);
}

} // namespace maze::actors
