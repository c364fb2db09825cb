#include "maze/actors/worker.hpp"

#include "maze/actors/attempt_archive.hpp"
#include "maze/actors/attempt_outcome.hpp"
#include "maze/actors/errors.hpp"
#include "maze/actors/function_child.hpp"
#include "maze/actors/log_reader.hpp"
#include "maze/actors/run_queue.hpp"
#include "maze/core/function_call.hpp"
#include "maze/core/run_name.hpp"
#include "maze/io/files.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace maze::actors {

worker_actor::behavior_type worker_state::make_behavior(worker_setup setup) {
  setup_ = std::move(setup);
  return {
      [this](run_attempt& msg) { run(msg); },
      [this](const child_ended& msg) { end(msg); },
      [this](const stop_child& msg) {
        if (const auto* x = find(msg.attempt))
          setup_.services->launcher->stop(x->child, setup_.services->stop_grace);
      },
      [this](const recall_child& msg) {
        if (const auto* x = find(msg.attempt); x != nullptr && lined_up(*x))
          setup_.services->launcher->withdraw(x->child);
      },
      [this](const read_log& msg) { return read(msg); },
      [this](disk_tick msg) { check_disk(msg.attempt); },
  };
}

void worker_state::run(run_attempt& msg) {
  const bool second_user = !attempts_.empty() && !attempts_.front().second_user;
  held_attempt& x = attempts_.emplace_back(held_attempt{.order = std::move(msg.order),
                                                        .files = std::move(msg.files),
                                                        .gpus = std::move(msg.gpus),
                                                        .second_user = second_user,
                                                        .view = {}});
  enter(x, core::phase::pull);
  // Its content came before the slot was its own; the wait between the two belongs to no phase.
  x.phases.at(core::phase::pull).began -= x.order.fetch;
  if (auto pulled = pull(x); !pulled)
    return give_up(x, pulled.error());
  leave(x, core::phase::pull);
  enter(x, core::phase::resolve);
  auto request = resolve(x);
  leave(x, core::phase::resolve);
  if (!request)
    return give_up(x, request.error());
  if (auto begun = execute(x, std::move(*request)); !begun)
    return give_up(x, begun.error());
  enter(x, core::phase::execute);
  watch_disk(x, {});
}

void worker_state::end(const child_ended& msg) {
  held_attempt* const x = find(msg.attempt);
  if (x == nullptr)
    return;
  if (msg.report->cause == sandbox::exit_cause::withdrawn)
    return give_back(*x);
  if (!lined_up(*x) && attempts_.size() > 1)
    announce(attempts_.back(), core::phase::execute);
  push(*x, *msg.report);
}

const worker_state::held_attempt* worker_state::find(core::attempt_id attempt) const {
  const auto found = std::find_if(attempts_.begin(), attempts_.end(),
                                  [attempt](const auto& x) { return x.order.attempt == attempt; });
  return found == attempts_.end() ? nullptr : &*found;
}

worker_state::held_attempt* worker_state::find(core::attempt_id attempt) {
  return const_cast<held_attempt*>(std::as_const(*this).find(attempt));
}

bool worker_state::lined_up(const held_attempt& x) const { return &x != &attempts_.front(); }

core::result<void> worker_state::pull(held_attempt& x) {
  auto views = x.files->views();
  if (!views)
    return core::fail(views.error());
  if (auto sound = x.files->blobs().check_seals(x.order.files.written); !sound)
    return core::fail(sound.error());
  const std::string view_name =
      fmt::format("{}-{}", x.order.attempt.epoch, x.order.attempt.counter);
  const auto& containers = setup_.services->containers;
  const bool copied = containers && !containers->sees_mounts()
                      && spec(x).sandbox.level == core::sandbox_level::container;
  auto made = (*views)->make(view_name, x.order.files, owner(x), copied, core::window_of(spec(x)));
  if (!made)
    return core::fail(made.error());
  x.view = std::move(*made);
  return {};
}

core::result<void> worker_state::choose_program(held_attempt& x, core::resolved_call call,
                                                sandbox::launch_request& request) {
  if (const auto* shell = std::get_if<core::shell_action>(&spec(x).action)) {
    request.argv = {"/bin/sh", "-c", shell->script};
  } else if (core::is_function(spec(x))) {
    auto made = start_single_call(spec(x), call, x.files->bundle().libraries, x.files->blobs(),
                                  setup_.services->programs, setup_.services->trusted.get());
    if (!made)
      return core::fail(made.error());
    request.argv = std::move(made->start.argv);
    request.inherited = std::move(made->start.inherited);
    x.reply = std::move(made->reply);
  } else {
    request.argv = std::move(call.argv);
  }
  return {};
}

core::result<std::string> worker_state::outcome_of(const held_attempt& x,
                                                   const sandbox::exit_report& report) {
  return x.reply ? function_outcome(spec(x), report, *x.reply) : command_outcome(spec(x), report);
}

core::result<sandbox::launch_request> worker_state::resolve(held_attempt& x) {
  if (auto permitted =
          check_permitted(core::needed_permissions(spec(x)), setup_.services->offers.permissions);
      !permitted)
    return core::fail(permitted.error());
  const run_bundle& bundle = x.files->bundle();
  auto call = core::resolve_encoded_call(spec(x), bundle.context, x.order.outputs);
  if (!call)
    return core::fail(call.error());
  // The arguments of a function travel otherwise, and may be larger.
  static const core::resolved_call none;
  const core::resolved_call& shown = core::is_function(spec(x)) ? none : *call;
  auto environment = attempt_environment(setup_.services->environment,
                                         {.run = core::to_string(x.order.run),
                                          .task = spec(x).name,
                                          .number = x.order.number,
                                          .gpus = x.gpus},
                                         x.view.mount_point, spec(x), shown);
  if (!environment)
    return core::fail(environment.error());
  sandbox::launch_request request;
  if (auto chosen = choose_program(x, std::move(*call), request); !chosen)
    return core::fail(chosen.error());
  request.environment = std::move(*environment);
  request.working_directory = x.view.mount_point;
  if (x.view.kind == io::view_kind::overlay)
    request.overlay = sandbox::overlay_mount{.lower = x.view.lower,
                                             .upper = x.view.upper,
                                             .work = x.view.work,
                                             .mount_point = x.view.mount_point};
  if (lined_up(x))
    request.after = attempts_.front().child;
  if (const auto who = owner(x))
    request.user = sandbox::child_user{who->uid, who->gid};
  request.sandbox =
      sandbox_here(spec(x).sandbox, setup_.services->sandbox_min, setup_.services->offers);
  request.tenant = core::to_string(x.order.run);
  request.archive = archive_of(request.sandbox, *x.files);
  limit_disk(x, request.sandbox);
  watch_files(x, request);
  show_gpus(setup_.services->environment.gpus, x.gpus, request.sandbox);
  request.standard_output.log_file = log_file(x, "out");
  request.standard_error.log_file = log_file(x, "err");
  return request;
}

core::result<void> worker_state::execute(held_attempt& x, sandbox::launch_request request) {
  auto child = launch_child(
      *setup_.services->launcher, setup_.services->containers, std::move(request),
      [self = worker_actor{self_}, attempt = x.order.attempt](sandbox::exit_report report) {
        caf::anon_send(
            self, child_ended{attempt, std::make_shared<sandbox::exit_report>(std::move(report))});
      });
  if (!child)
    return core::fail(child.error());
  x.child = *child;
  return {};
}

void worker_state::hide_secrets(sandbox::exit_report& report) const {
  const io::redactor& secrets = setup_.services->log->secrets();
  if (secrets.empty())
    return;
  for (auto* stream : {&report.standard_output, &report.standard_error}) {
    stream->text = secrets.redact(stream->text);
    stream->tail = secrets.redact(stream->tail);
  }
}

void worker_state::push(held_attempt& x, sandbox::exit_report& report) {
  leave(x, core::phase::execute);
  announce(x, core::phase::push);
  x.isolation = report.isolation;
  x.isolation.requested = spec(x).sandbox.level;
  // Before anything hides a secret: afterwards texts have other lengths.
  auto cut = cut_streams(report, log_file(x, "out"), log_file(x, "err"));
  hide_secrets(report);
  auto output = outcome_of(x, report);
  if (auto within = check_disk_at_end(x); !within)
    output = core::fail(within.error());
  if (!output) {
    keep_logs(x, report, true);
    return give_up(x, output.error(), std::move(cut));
  }
  keep_logs(x, report, false);
  auto publication = collect(x, std::move(*output));
  if (!publication)
    return give_up(x, publication.error(), std::move(cut));
  publication->cut = std::move(cut);
  leave(x, core::phase::push);
  publication->phases = x.phases;
  publication->isolation = x.isolation;
  {
    const run_queue::one_wake together;
    // The slot first: its next child should not wait until the publication is worked in.
    free_slot(x);
    self_->send(x.order.context, std::move(*publication));
  }
  clear(x);
}

void worker_state::give_back(held_attempt& x) {
  attempt_returned back{setup_.slot, x.order};
  clear(x);
  self_->send(setup_.agent, std::move(back));
}

core::result<publish_attempt> worker_state::collect(held_attempt& x, std::string output) {
  auto views = x.files->views();
  if (!views)
    return core::fail(views.error());
  io::change_filter filter = setup_.services->filter;
  const core::file_rules& rules = x.files->bundle().rules;
  filter.ignore.insert(filter.ignore.end(), rules.ignore.begin(), rules.ignore.end());
  filter.include = rules.include;
  filter.publish = spec(x).publishes;
  filter.deletes = spec(x).deletes;
  // Before others open its files.
  auto uses = end_watch(x);
  auto changed = (*views)->collect(x.view, filter, setup_.services->stopping);
  if (!changed)
    return core::fail(changed.error());
  if (auto sound = check_files(x, std::move(uses), *changed); !sound)
    return core::fail(sound.error());
  if (rules.sha256)
    if (auto sealed = x.files->blobs().seal(changed->delta.written, setup_.services->stopping);
        !sealed)
      return core::fail(sealed.error());
  return publish_attempt{x.order.attempt,
                         std::move(output),
                         std::move(changed->delta),
                         std::move(changed->ignored),
                         {}};
}

caf::result<log_piece> worker_state::read(const read_log& msg) const {
  if (auto live = read_live(msg))
    return std::move(*live);
  auto kept = read_kept_log(setup_.services->runs_root, msg, setup_.services->log->secrets());
  if (!kept)
    return to_caf(kept.error());
  return std::move(*kept);
}

std::optional<log_piece> worker_state::read_live(const read_log& msg) const {
  const held_attempt* const x = find(msg.attempt);
  if (x == nullptr)
    return std::nullopt;
  const auto stream = msg.stream == log_stream::standard_output
                          ? sandbox::output_stream::standard_output
                          : sandbox::output_stream::standard_error;
  auto bytes = setup_.services->launcher->peek(x->child, stream, msg.offset, log_piece_max);
  if (!bytes)
    return std::nullopt;
  return piece_of(std::move(*bytes), msg.offset, false, setup_.services->log->secrets());
}

void worker_state::give_up(held_attempt& x, core::error failed, std::vector<cut_stream> cut) {
  // Nobody cancelled the task: another node, or this one after its next start, may run it again.
  if (failed.code == core::errc::cancelled && setup_.services->stopping.stop_requested()) {
    failed.code = core::errc::node_lost;
    failed.message = "the node was stopped before the attempt had ended";
  }
  if (failed.origin.empty())
    failed.origin = "worker";
  tell_withheld(x, failed);
  for (std::string* text : {&failed.message, &failed.evidence})
    *text = setup_.services->log->secrets().redact(*text);
  self_->send(x.order.context, attempt_lost{x.order.attempt, std::move(failed), std::move(cut),
                                            x.phases, x.isolation});
  free_slot(x);
  clear(x);
}

void worker_state::free_slot(const held_attempt& x) {
  self_->send(setup_.agent, slot_free{setup_.slot, x.order.attempt});
}

void worker_state::clear(held_attempt& x) {
  if (x.watch)
    static_cast<void>(end_watch(x));
  if (!x.view.folder.empty())
    if (auto views = x.files->views())
      if (auto removed = (*views)->remove(x.view); !removed)
        warn(x, "a view could not be removed", removed.error());
  attempts_.remove_if([&x](const auto& each) { return &each == &x; });
}

core::duration worker_state::age(const held_attempt& x) {
  return std::chrono::steady_clock::now() - x.order.arrived;
}

void worker_state::leave(held_attempt& x, core::phase at) { x.phases.at(at).ended = age(x); }

void worker_state::enter(held_attempt& x, core::phase at) {
  // Nobody waits for an attempt that gets ready behind another one; it begins with its child.
  if (!lined_up(x))
    return announce(x, at);
  if (at != core::phase::execute)
    x.phases.at(at).began = age(x);
  note(x, at);
}

void worker_state::announce(held_attempt& x, core::phase at) {
  x.phases.at(at).began = age(x);
  // Without files the other phases pass in microseconds, and every message wakes a thread.
  if (at == core::phase::execute || !x.order.files.written.empty()
      || !x.files->bundle().files.empty())
    self_->send(x.order.context, attempt_entered{x.order.attempt, at});
  note(x, at);
}

void worker_state::note(const held_attempt& x, core::phase at) const {
  io::log& log = *setup_.services->log;
  if (log.shows(io::log_level::debug))
    log.event(at, "begins",
              {io::field(x.order.run), io::task_field(spec(x).name), io::field(x.order.attempt)});
}

void worker_state::keep_logs(const held_attempt& x, const sandbox::exit_report& report,
                             bool failed) const {
  struct kept_stream {
    const char* part;
    const char* suffix;
    const sandbox::captured_output* stream;
  };
  const core::task_output& output = spec(x).output;
  const auto in_output = [&](const kept_stream& one) {
    return !failed && !core::is_function(spec(x))
           && (output.form == core::output_form::one || output.find(one.part) != nullptr);
  };
  const kept_stream streams[] = {{"stdout", "out", &report.standard_output},
                                 {"stderr", "err", &report.standard_error}};
  for (const kept_stream& one : streams)
    if (const auto& [part, suffix, stream] = one;
        !in_output(one) && !stream->logged && !stream->text.empty())
      if (auto kept = io::replace_file(log_file(x, suffix), stream->text, 0600); !kept)
        warn(x, "the output of a task could not be kept", kept.error());
}

void worker_state::warn(const held_attempt& x, std::string_view text,
                        const core::error& reason) const {
  setup_.services->log->event(io::log_level::warning, text,
                              {io::field(x.order.run),
                               io::task_field(spec(x).name),
                               io::field(x.order.attempt),
                               {"reason", core::describe(reason)}});
}

const core::task_spec& worker_state::spec(const held_attempt& x) {
  return x.files->bundle().tasks->spec(x.order.task);
}

std::filesystem::path worker_state::log_file(const held_attempt& x, const char* stream) {
  return x.files->logs() / fmt::format("{}.{}.{}", spec(x).name, x.order.number, stream);
}

std::optional<io::view_owner> worker_state::owner(const held_attempt& x) const {
  const auto& first = setup_.services->first_user;
  if (!first)
    return std::nullopt;
  const auto user =
      static_cast<std::uint32_t>(*first + 2 * setup_.slot.value + (x.second_user ? 1 : 0));
  return io::view_owner{user, user};
}

worker_actor::behavior_type worker(worker_actor::stateful_pointer<worker_state> self,
                                   worker_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
