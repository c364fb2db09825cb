#include "maze/actors/worker.hpp"

#include "maze/actors/attempt_outcome.hpp"
#include "maze/core/run_name.hpp"
#include "maze/io/files.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

namespace maze::actors {

worker_actor::behavior_type worker_state::make_behavior(worker_setup setup) {
  setup_ = std::move(setup);
  return {
      [this](run_attempt& msg) { run(msg); },
      [this](const child_ended& msg) {
        if (now_ && now_->order.attempt == msg.attempt)
          push(*msg.report);
      },
      [this](const stop_child& msg) {
        if (!now_ || now_->order.attempt != msg.attempt)
          return;
        setup_.services->launcher->stop(now_->child, setup_.services->stop_grace);
      },
  };
}

void worker_state::run(run_attempt& msg) {
  now_.emplace(running_attempt{.order = std::move(msg.order), .files = std::move(msg.files)});
  enter(core::phase::pull);
  if (auto pulled = pull(); !pulled)
    return give_up(pulled.error());
  enter(core::phase::resolve);
  auto request = resolve();
  if (!request)
    return give_up(request.error());
  execute(std::move(*request));
  enter(core::phase::execute);
}

core::result<void> worker_state::pull() {
  auto views = now_->files->views();
  if (!views)
    return core::fail(views.error());
  const std::string view_name =
      fmt::format("{}-{}", now_->order.attempt.epoch, now_->order.attempt.counter);
  auto made = (*views)->make(view_name, now_->order.files, owner());
  if (!made)
    return core::fail(made.error());
  now_->view = std::move(*made);
  return {};
}

core::result<sandbox::launch_request> worker_state::resolve() {
  core::output_map outputs;
  for (const auto& [task, encoded] : now_->order.outputs) {
    auto output = core::decode(encoded);
    if (!output)
      return core::fail(output.error());
    outputs.emplace(task, std::move(*output));
  }
  const run_bundle& bundle = now_->files->bundle();
  auto call = core::resolve_call(spec(), bundle.context, outputs);
  if (!call)
    return core::fail(call.error());
  auto environment = attempt_environment(
      setup_.services->environment,
      {.run = core::to_string(now_->order.run), .task = spec().name, .number = now_->order.number},
      now_->view.mount_point, spec(), *call);
  if (!environment)
    return core::fail(environment.error());
  sandbox::launch_request request;
  if (const auto* shell = std::get_if<core::shell_action>(&spec().action))
    request.argv = {"/bin/sh", "-c", shell->script};
  else
    request.argv = std::move(call->argv);
  request.environment = std::move(*environment);
  request.working_directory = now_->view.mount_point;
  if (now_->view.kind == io::view_kind::overlay)
    request.overlay = sandbox::overlay_mount{.lower = now_->view.lower,
                                             .upper = now_->view.upper,
                                             .work = now_->view.work,
                                             .mount_point = now_->view.mount_point};
  if (const auto who = owner())
    request.user = sandbox::child_user{who->uid, who->gid};
  request.sandbox = spec().sandbox;
  request.standard_output.log_file = log_file("out");
  request.standard_error.log_file = log_file("err");
  return request;
}

void worker_state::execute(sandbox::launch_request request) {
  const auto self = worker_actor{self_};
  now_->child = setup_.services->launcher->launch(
      std::move(request), [self, attempt = now_->order.attempt](sandbox::exit_report report) {
        caf::anon_send(
            self, child_ended{attempt, std::make_shared<sandbox::exit_report>(std::move(report))});
      });
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

void worker_state::push(sandbox::exit_report& report) {
  enter(core::phase::push);
  // Before anything hides a secret: afterwards texts have other lengths.
  auto cut = cut_streams(report, log_file("out"), log_file("err"));
  hide_secrets(report);
  auto output = command_outcome(spec(), report);
  if (!output) {
    keep_logs(report);
    return give_up(output.error(), std::move(cut));
  }
  auto publication = collect(std::move(*output));
  if (!publication)
    return give_up(publication.error(), std::move(cut));
  publication->cut = std::move(cut);
  // The slot first: its next child should not wait until the publication is worked in.
  free_slot();
  self_->send(now_->order.context, std::move(*publication));
  clear();
}

core::result<publish_attempt> worker_state::collect(std::string output) {
  auto views = now_->files->views();
  if (!views)
    return core::fail(views.error());
  io::change_filter filter = setup_.services->filter;
  filter.publish = spec().publishes;
  auto changed = (*views)->collect(now_->view, filter, setup_.services->stopping);
  if (!changed)
    return core::fail(changed.error());
  return publish_attempt{now_->order.attempt,
                         std::move(output),
                         std::move(changed->delta),
                         std::move(changed->ignored),
                         {}};
}

void worker_state::give_up(core::error failed, std::vector<cut_stream> cut) {
  // Nobody cancelled the task: another node, or this one after its next start, may run it again.
  if (failed.code == core::errc::cancelled && setup_.services->stopping.stop_requested()) {
    failed.code = core::errc::node_lost;
    failed.message = "the node was stopped before the attempt had ended";
  }
  if (failed.origin.empty())
    failed.origin = "worker";
  failed.message = setup_.services->log->secrets().redact(failed.message);
  self_->send(now_->order.context,
              attempt_lost{now_->order.attempt, std::move(failed), std::move(cut)});
  free_slot();
  clear();
}

void worker_state::free_slot() {
  self_->send(setup_.agent, slot_free{setup_.slot, now_->order.attempt});
}

void worker_state::clear() {
  if (!now_->view.folder.empty())
    if (auto views = now_->files->views())
      if (auto removed = (*views)->remove(now_->view); !removed)
        warn("a view could not be removed", removed.error());
  now_.reset();
}

void worker_state::enter(core::phase at) {
  // Without files the other phases pass in microseconds, and every message wakes a thread.
  if (at == core::phase::execute || !now_->order.files.written.empty()
      || !now_->files->bundle().files.empty())
    self_->send(now_->order.context, attempt_entered{now_->order.attempt, at});
  io::log& log = *setup_.services->log;
  if (log.shows(io::log_level::debug))
    log.event(
        at, "begins",
        {io::field(now_->order.run), io::task_field(spec().name), io::field(now_->order.attempt)});
}

void worker_state::keep_logs(const sandbox::exit_report& report) const {
  const std::pair<const char*, const sandbox::captured_output*> streams[] = {
      {"out", &report.standard_output}, {"err", &report.standard_error}};
  for (const auto& [suffix, stream] : streams)
    if (!stream->logged && !stream->text.empty())
      if (auto kept = io::replace_file(log_file(suffix), stream->text, 0600); !kept)
        warn("the output of a task could not be kept", kept.error());
}

void worker_state::warn(std::string_view text, const core::error& reason) const {
  setup_.services->log->event(io::log_level::warning, text,
                              {io::field(now_->order.run),
                               io::task_field(spec().name),
                               io::field(now_->order.attempt),
                               {"reason", core::describe(reason)}});
}

const core::task_spec& worker_state::spec() const {
  return now_->files->bundle().tasks->spec(now_->order.task);
}

std::filesystem::path worker_state::log_file(const char* stream) const {
  return now_->files->logs() / fmt::format("{}.{}.{}", spec().name, now_->order.number, stream);
}

std::optional<io::view_owner> worker_state::owner() const {
  const auto& first = setup_.services->first_user;
  if (!first)
    return std::nullopt;
  const auto user = static_cast<std::uint32_t>(*first + setup_.slot.value);
  return io::view_owner{user, user};
}

worker_actor::behavior_type worker(worker_actor::stateful_pointer<worker_state> self,
                                   worker_setup setup) {
  return self->state.make_behavior(std::move(setup));
}

} // namespace maze::actors
