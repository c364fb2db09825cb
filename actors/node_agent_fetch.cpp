// What comes to a node before an attempt begins, and how much that was.
#include "maze/actors/errors.hpp"
#include "maze/actors/node_agent.hpp"
#include "maze/core/function_libraries.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <variant>

namespace maze::actors {

namespace {

/// Whether an order is for a child that is kept and loads libraries: one of Python's loads none.
bool is_of_kept_child(const attempt_order& order, const run_bundle& bundle) {
  if (order.task == core::lane_task)
    return false;
  const core::task_spec& task = bundle.tasks->spec(order.task);
  return core::is_kept(task.child) && std::holds_alternative<core::function_action>(task.action);
}

/// The libraries of its run that the child of an order must find.
std::vector<std::string> libraries_for(const attempt_order& order, const run_bundle& bundle) {
  if (order.task != core::lane_task)
    return core::libraries_of(*bundle.tasks, order.task);
  return bundle.calls ? core::libraries_of(*bundle.calls) : std::vector<std::string>();
}

} // namespace

node_agent_state::code_need node_agent_state::missing_code(const known_run& known,
                                                           const attempt_order& order) {
  const run_bundle& bundle = known.files->bundle();
  code_need out;
  out.kept = is_of_kept_child(order, bundle);
  // Which libraries such children need takes a look at every task of the run.
  if (!out.kept || !known.kept_libraries)
    for (std::string& name : libraries_for(order, bundle))
      if (bundle.libraries.contains(name) && !known.libraries.contains(name))
        out.libraries.push_back(std::move(name));
  const std::string* const archive =
      core::carried_archive(order.task == core::lane_task ? bundle.calls->sandbox
                                                          : bundle.tasks->spec(order.task).sandbox);
  if (archive != nullptr && bundle.archives.contains(*archive)
      && !known.archives.contains(*archive))
    out.archive = *archive;
  return out;
}

void node_agent_state::code_is_here(known_run& known, const code_need& came) {
  known.libraries.insert(came.libraries.begin(), came.libraries.end());
  known.kept_libraries |= came.kept;
  if (came.archive)
    known.archives.insert(*came.archive);
}

void node_agent_state::fetch(attempt_order order) {
  if (!setup_.files)
    return offer(std::move(order));
  known_run& known = runs_.at(order.run);
  const run_bundle& bundle = known.files->bundle();
  ensure_blobs wanted;
  const auto add = [&wanted](const core::file_map& files) {
    for (const auto& [path, entry] : files)
      if (entry.kind == core::file_kind::file)
        wanted.blobs.push_back({entry.hash, entry.size});
  };
  if (!known.complete)
    add(bundle.files);
  code_need code = missing_code(known, order);
  for (const std::string& name : code.libraries) {
    const core::library_ref& library = bundle.libraries.find(name)->second;
    wanted.blobs.push_back({library.hash, library.size});
  }
  if (code.archive)
    wanted.blobs.push_back(bundle.archives.at(*code.archive));
  add(order.files.written);
  if (wanted.blobs.empty()) {
    code_is_here(known, code);
    return offer(std::move(order));
  }
  const core::attempt_id attempt = order.attempt;
  self_->send(order.context, attempt_entered{attempt, core::phase::pull});
  incoming& one = fetching_[attempt];
  one = {std::move(order), self_->clock().now(), wanted.blobs.size(), 0};
  for (const core::blob_id& blob : wanted.blobs)
    one.bytes += blob.size;
  watch_fetches();
  self_->request(setup_.files, setup_.files_timeout, std::move(wanted))
      .then(
          [this, attempt, code = std::move(code)](bool) {
            auto fetched = fetching_.extract(attempt);
            if (fetched.empty())
              return;
            attempt_order& order = fetched.mapped().order;
            order.fetch = self_->clock().now() - fetched.mapped().began;
            if (const auto run = runs_.find(order.run); run != runs_.end()) {
              run->second.complete = true;
              code_is_here(run->second, code);
            }
            offer(std::move(order));
          },
          [this, attempt](const caf::error& failed) {
            const auto fetched = fetching_.extract(attempt);
            if (fetched.empty())
              return;
            self_->send(fetched.mapped().order.context,
                        attempt_lost{attempt, from_caf(failed), {}});
            report_ended(attempt);
          });
}

void node_agent_state::watch_fetches() {
  if (fetch_tick_due_ || fetching_.empty())
    return;
  fetch_tick_due_ = true;
  self_->delayed_send(self_, setup_.files_slow, fetch_tick{});
}

void node_agent_state::tell_slow() {
  fetch_tick_due_ = false;
  const auto now = self_->clock().now();
  std::size_t slow = 0;
  const incoming* first = nullptr;
  for (const auto& [attempt, one] : fetching_) {
    if (now - one.began < setup_.files_slow)
      continue;
    ++slow;
    if (first == nullptr || one.began < first->began)
      first = &one;
  }
  if (first != nullptr)
    setup_.log->event(
        io::log_level::warning, "files and libraries of an attempt are long on their way",
        {io::field(first->order.run),
         io::field(first->order.attempt),
         {"blobs", std::to_string(first->blobs)},
         {"bytes", std::to_string(first->bytes)},
         {"seconds",
          fmt::format("{:.1f}", std::chrono::duration<double>(now - first->began).count())},
         {"attempts_that_wait", std::to_string(slow)}});
  watch_fetches();
}

node_load node_agent_state::load() const {
  node_load out{.free = logic_->free(),
                .running = logic_->running(),
                .waiting = held_.size(),
                .draining = draining_,
                .labels = setup_.labels};
  for (const auto& [run, known] : runs_)
    out.waiting += known.waiting.size();
  return out;
}

caf::result<node_load> node_agent_state::load_with_traffic() {
  if (!setup_.files)
    return load();
  auto reply = self_->make_response_promise<node_load>();
  auto answer = [this, reply](const sync_traffic& moved) mutable {
    node_load out = load();
    out.received = moved.received;
    out.sent = moved.sent;
    reply.deliver(std::move(out));
  };
  self_->request(setup_.files, setup_.registry_timeout, ask_traffic{})
      .then(answer, [answer](const caf::error&) mutable { answer(sync_traffic{}); });
  return reply;
}

} // namespace maze::actors
