#include "maze/actors/attempt_archive.hpp"
#include "maze/actors/attempt_outcome.hpp"
#include "maze/actors/function_child.hpp"
#include "maze/actors/lane_host.hpp"
#include "maze/core/function_call.hpp"
#include "maze/core/run_name.hpp"

#include <caf/io/middleman.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <sys/socket.h>

namespace maze::actors {

namespace {

/// Room in the socket for what a hub sends ahead, so that a child never waits for the node between two messages.
constexpr int socket_room = 1 << 20;
/// What CAF reads at a time: it clears as much memory before each read.
constexpr std::size_t read_max = 16384;
/// Children of one node have so many users, used in turn.
constexpr std::uint32_t users = 8192;

core::result<std::pair<io::unique_fd, io::unique_fd>> make_stream() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return core::fail(io::errno_error("socketpair for a warm child", errno));
  for (const int fd : ends)
    ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socket_room, sizeof socket_room);
  return std::pair{io::unique_fd(ends[0]), io::unique_fd(ends[1])};
}

} // namespace

std::optional<lane_host_state::child_id> lane_host_state::idle_child(const lane& for_whom) const {
  for (const auto& [id, child] : children_)
    if (child.plan == for_whom.plan && !child.lane && child.ready && !child.broken && !child.closed
        && child.gpus == for_whom.gpus)
      return id;
  return std::nullopt;
}

core::result<sandbox::launch_request>
lane_host_state::request_for(const lane& x, io::unique_fd socket,
                             const std::shared_ptr<const io::unique_fd>& page) const {
  const run_bundle& bundle = x.files->bundle();
  auto start = start_warm_host(plan_of(x), bundle.libraries, x.files->blobs(), setup_.programs,
                               setup_.trusted.get(), std::move(socket), page);
  if (!start)
    return core::fail(start.error());
  sandbox::launch_request out;
  out.argv = std::move(start->argv);
  out.inherited = std::move(start->inherited);
  core::task_spec nothing_of_its_own;
  nothing_of_its_own.needs = plan_of(x).needs;
  nothing_of_its_own.sandbox.variables = plan_of(x).sandbox.variables;
  auto environment = attempt_environment(
      setup_.environment,
      {.run = core::to_string(bundle.run), .task = bundle.name, .number = 1, .gpus = x.gpus}, "/",
      nothing_of_its_own, {});
  if (!environment)
    return core::fail(environment.error());
  out.environment = std::move(*environment);
  // Calls have no files and no folder.
  out.working_directory = "/";
  out.sandbox = sandbox_here(plan_of(x).sandbox, setup_.sandbox_min, setup_.offers);
  out.archive = archive_of(out.sandbox, *x.files);
  show_gpus(setup_.environment.gpus, x.gpus, out.sandbox);
  // That is the time of one call, which is watched here.
  out.sandbox.wall_time.reset();
  if (setup_.first_user) {
    const std::uint32_t user = *setup_.first_user + static_cast<std::uint32_t>(last_child_) % users;
    out.user = sandbox::child_user{user, user};
  }
  return out;
}

core::result<lane_host_state::child_id> lane_host_state::start_child(const lane& for_whom) {
  auto stream = make_stream();
  auto calls = stream ? warm_calls::make() : tl::unexpected(stream.error());
  if (!calls)
    return core::fail(calls.error());
  auto definitions = define_functions(plan_of(for_whom));
  if (!definitions)
    return core::fail(definitions.error());
  const child_id id = ++last_child_;
  auto request = request_for(for_whom, std::move(stream->second), calls->page());
  if (!request)
    return core::fail(request.error());
  auto outbound = prepare_outbound(self_->system(), {.fd = std::move(stream->first), .tls = {}});
  const auto handle = outbound.stream->hdl();
  self_->add_scribe(std::move(outbound.stream));
  self_->configure_read(handle, caf::io::receive_policy::at_most(read_max));
  auto& buffer = self_->wr_buf(handle);
  buffer.insert(buffer.end(), definitions->begin(), definitions->end());
  self_->flush(handle);
  warm_child made{.run = for_whom.order.run,
                  .plan = for_whom.plan,
                  .gpus = for_whom.gpus,
                  .stream = handle,
                  .calls = std::move(*calls),
                  .messages = core::call_message_reader(function_result_max + (1 << 20)),
                  .broken = {},
                  .report = {},
                  .lane = for_whom.order.attempt,
                  .since = clock::now()};
  made.isolation = request->sandbox.level == core::sandbox_level::container
                       ? container_service::isolation_of(*request)
                       : setup_.launcher->isolation_of(*request);
  made.isolation.requested = plan_of(for_whom).sandbox.level;
  // No strong reference: the launcher outlives the system's actors.
  auto process = launch_child(
      *setup_.launcher, setup_.containers, std::move(*request),
      [to = door_, own = caf::weak_actor_ptr(self_->ctrl()), id](sandbox::exit_report report) {
        to->pass([&] {
          if (const auto alive = own.lock())
            caf::anon_send(
                caf::actor_cast<caf::actor>(alive),
                warm_child_ended{id, std::make_shared<sandbox::exit_report>(std::move(report))});
        });
      });
  if (!process) {
    self_->close(handle);
    return core::fail(process.error());
  }
  made.process = *process;
  by_stream_.emplace(handle, id);
  children_.emplace(id, std::move(made));
  return id;
}

void lane_host_state::break_child(warm_child& child, core::error why) {
  if (child.broken)
    return;
  child.broken = std::move(why);
  setup_.launcher->stop(child.process, std::chrono::milliseconds(0));
}

bool lane_host_state::was_killed(const warm_child& child) {
  if (child.late || child.broken)
    return false;
  // With maze-init its children die, whatever they were doing.
  return child.report->cause == sandbox::exit_cause::lost
         || (child.report->cause == sandbox::exit_cause::signalled
             && child.report->signal == SIGKILL);
}

core::error lane_host_state::reason_of(const warm_child& child, const core::call_plan& plan) const {
  if (child.late)
    return {.code = core::errc::timeout_wall,
            .message = fmt::format("the function ran longer than its timeout of {}",
                                   core::to_string(*plan.sandbox.wall_time)),
            .origin = "execute"};
  if (child.broken)
    return *child.broken;
  core::task_spec limits;
  limits.sandbox = plan.sandbox;
  if (auto end = check_end(limits, *child.report, "function"); !end) {
    if (was_killed(child))
      end.error().code = core::errc::worker_crash;
    if (end.error().code == core::errc::timeout_cpu && core::is_kept(plan.child))
      end.error().message = fmt::format("the child used more CPU time than its limit of {}, which "
                                        "holds for all of its calls together",
                                        core::to_string(*plan.sandbox.cpu_time));
    return end.error();
  }
  return ended_badly(
      core::errc::exit_nonzero,
      child.ready ? core::instead_of_returning(child.report->exit_code)
                  : fmt::format("the child that was to call functions ended with exit status {}",
                                child.report->exit_code),
      *child.report);
}

void lane_host_state::child_gone(child_id id) {
  // Its last replies come before the end of the stream, the reason of its end comes by another way.
  warm_child& child = children_.at(id);
  if (!child.closed || !child.report)
    return;
  if (child.lane) {
    auto gone = lanes_.extract(*child.lane);
    lane& x = gone.mapped();
    std::optional<std::uint32_t> culprit;
    if (child.stopped) {
      if (child.calls.is_open(*child.stopped))
        culprit = child.stopped;
    } else if (!was_killed(child)) {
      // No call is to blame where somebody killed the child.
      culprit = child.calls.culprit();
    }
    forget_hub(x.hub);
    if (x.is_task())
      lose_task(x, reason_of(child, plan_of(x)));
    else if (child.stopped && !culprit)
      // Its last word was the answer: what it held besides goes elsewhere at no charge.
      tell_over(x, {.lane = x.order.attempt, .reason = {}});
    else
      tell_over(x, {.lane = x.order.attempt,
                    .reason = reason_of(child, plan_of(x)),
                    .has_culprit = culprit.has_value(),
                    .culprit = culprit.value_or(0)});
    child.owner = std::pair(x.agent, slot_free{x.slot, x.order.attempt});
  } else if (child.report->cause == sandbox::exit_cause::forbidden_call) {
    // No call hears of it.
    setup_.log->event(io::log_level::warning,
                      "a warm child was killed between calls for a system call that its sandbox "
                      "does not allow",
                      {io::field(child.run),
                       {"call", child.report->syscall},
                       {"program", child.report->program}});
  }
  free_slot(child);
  by_stream_.erase(child.stream);
  children_.erase(id);
}

void lane_host_state::end_half_gone(child_id id) {
  warm_child& child = children_.at(id);
  if (child.report) {
    // Somebody outside its tree holds the other end of its stream.
    self_->close(child.stream);
    child.closed = true;
    child_gone(id);
  } else {
    break_child(child, {.code = core::errc::worker_crash,
                        .message = "the function closed a descriptor that it had not opened",
                        .origin = "execute"});
  }
}

bool lane_host_state::exceeds(const warm_child& child, const core::call_plan& plan,
                              std::string_view message) {
  const std::uint32_t calls_max = plan.calls_of_child();
  if (calls_max == 0)
    return false;
  const auto view = core::call_message_view::of(message);
  return view && child.calls.done() + child.calls.open() + view->size() > calls_max;
}

void lane_host_state::look_around() {
  const auto now = clock::now();
  std::size_t idle = 0;
  std::vector<child_id> half_gone;
  for (auto& [id, child] : children_) {
    const bool contained = child.isolation.has(core::fence::container);
    if (child.closed != (child.report != nullptr)
        && now - child.ended_at >= (contained ? setup_.container_end_max : 2 * setup_.tick))
      half_gone.push_back(id);
    if (!child.lane) {
      if (now - child.since >= setup_.idle_max || ++idle > setup_.idle_children_max)
        break_child(child, {.code = core::errc::cancelled, .message = "nobody needs it"});
      continue;
    }
    const lane& x = lanes_.at(*child.lane);
    const auto& limit = plan_of(x).sandbox.wall_time;
    // The time of a call does not hold for an image that is fetched.
    const core::duration patience =
        contained ? std::max<core::duration>(setup_.container_start_max,
                                             limit.value_or(core::duration::zero()))
                  : limit.value_or(setup_.start_max);
    if (!child.ready && now - child.since >= patience) {
      break_child(
          child,
          {.code = core::errc::timeout_wall,
           .message = contained ? "the container took too long to begin: its image is fetched first"
                                : "the child took too long to get ready: what a library does "
                                  "when it is loaded does not end",
           .origin = "execute"});
      continue;
    }
    if (!child.unwanted.empty())
      stop_unwanted(child);
    if (limit && child.calls.open() > 0 && now - child.since >= *limit && !child.broken) {
      child.late = true;
      break_child(child, {.code = core::errc::timeout_wall, .message = "a call took too long"});
    }
  }
  for (const child_id id : half_gone)
    end_half_gone(id);
  std::vector<core::attempt_id> unheard;
  for (const auto& [token, x] : lanes_)
    if (!x.hub && !x.is_task() && children_.at(x.child).ready
        && now - x.since >= setup_.silence_max)
      unheard.push_back(token);
  for (const core::attempt_id token : unheard)
    end(token, true);
}

} // namespace maze::actors
