#include "maze/sandbox/launcher.hpp"

#include "maze/sandbox/fences.hpp"
#include "maze/sandbox/file_watch.hpp"
#include "maze/sandbox/init_link.hpp"
#include "maze/sandbox/messages.hpp"
#include "maze/sandbox/output_pipe.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace maze::sandbox {
namespace {

/// How long a child's pipes are left alone: so long at least, and twice as long at most. A command
/// that ends sooner never costs the two registrations and the wake-ups at the end of its streams; one
/// that fills a pipe sooner waits.
constexpr std::chrono::milliseconds watch_delay{2};

/// maze-init forks a few times to find out what the kernel allows, which a busy machine may delay.
constexpr std::chrono::seconds hello_patience{30};

/// Programs open their own streams once more, by /dev/stderr.
void give_to(const std::optional<child_user>& user, const io::unique_fd& pipe) {
  if (user)
    static_cast<void>(::fchown(pipe.get(), user->uid, user->gid));
}

} // namespace

struct launcher::data : std::enable_shared_from_this<launcher::data> {
  struct running {
    completion done;
    core::sandbox_level level{};
    std::shared_ptr<output_pipe> output;
    std::shared_ptr<output_pipe> error;
    /// Those that start when this one has ended.
    std::vector<launch_id> followers;
  };

  data(boost::asio::io_context& where, options chosen)
      : context(where), settings(std::move(chosen)), watch_timer(where) {}

  core::result<void> connect();
  void listen();
  void want_writes();
  void readable(const std::shared_ptr<init_link>& from);
  void watch_later(const running& child);
  void watch_followers(const running& ended);
  void tell(launch_id child, const std::string& message, protocol::message_kind kind);
  void rest_before_watching();
  void watch_due();
  void ended(protocol::ended told);
  void lost(const std::shared_ptr<init_link>& link);
  void fail_later(completion done, exit_report report);
  core::result<std::pair<io::unique_fd, std::shared_ptr<output_pipe>>> make_pipe(capture_limits x);
  core::result<void> submit(launch_id id, launch_request& request, running child);
  static void complete(running child, exit_report report);

  boost::asio::io_context& context;
  const options settings;
  capabilities can;
  syscall_filters filters;

  /// Guards everything below. Completions run without it.
  std::mutex mutex;
  std::shared_ptr<init_link> link;
  bool waiting_to_write = false;
  launch_id last_id = 0;
  std::unordered_map<launch_id, running> children;
  boost::asio::steady_timer watch_timer;
  /// Pipes that nobody reads yet: of children that began since the timer was set, and before. Both
  /// empty: the timer rests.
  std::vector<std::weak_ptr<output_pipe>> unwatched;
  std::vector<std::weak_ptr<output_pipe>> due;
};

core::result<void> launcher::data::connect() {
  auto process = init_process::start(settings.executable, settings.open_files, settings.scratch);
  if (!process)
    return core::fail(process.error());
  link = std::make_shared<init_link>(context, std::move(*process));
  waiting_to_write = false;
  return {};
}

void launcher::data::listen() {
  auto& socket = link->socket();
  socket.async_wait(socket.wait_read,
                    [weak = weak_from_this(), from = std::weak_ptr(link)](const auto& failed) {
                      const auto self = weak.lock();
                      const auto peer = from.lock();
                      if (self && peer && !failed)
                        self->readable(peer);
                    });
}

void launcher::data::want_writes() {
  if (link->flush() || std::exchange(waiting_to_write, true))
    return;
  auto& socket = link->socket();
  socket.async_wait(socket.wait_write,
                    [weak = weak_from_this(), to = std::weak_ptr(link)](const auto& failed) {
                      const auto self = weak.lock();
                      const auto peer = to.lock();
                      if (!self || !peer || failed)
                        return;
                      const std::lock_guard lock(self->mutex);
                      if (self->link != peer)
                        return;
                      self->waiting_to_write = false;
                      self->want_writes();
                    });
}

void launcher::data::readable(const std::shared_ptr<init_link>& from) {
  for (auto packet = from->receive(); !packet.empty(); packet = from->receive()) {
    protocol::reader in(packet.data() + 1, packet.size() - 1);
    protocol::ended told;
    // Of a maze-init that was started again only the hello comes besides.
    if (static_cast<protocol::message_kind>(packet[0]) == protocol::message_kind::ended
        && protocol::decode(in, told))
      ended(std::move(told));
  }
  if (from->closed())
    return lost(from);
  const std::lock_guard lock(mutex);
  if (link == from)
    listen();
}

void launcher::data::watch_later(const running& child) {
  const bool resting = unwatched.empty() && due.empty();
  unwatched.insert(unwatched.end(), {child.output, child.error});
  if (resting)
    rest_before_watching();
}

void launcher::data::rest_before_watching() {
  watch_timer.expires_after(watch_delay);
  watch_timer.async_wait([weak = weak_from_this()](const auto& failed) {
    if (const auto self = weak.lock(); self && !failed)
      self->watch_due();
  });
}

void launcher::data::watch_followers(const running& ended) {
  for (const launch_id id : ended.followers)
    if (const auto found = children.find(id); found != children.end())
      watch_later(found->second);
}

void launcher::data::watch_due() {
  std::unique_lock lock(mutex);
  const auto now = std::exchange(due, std::exchange(unwatched, {}));
  if (!due.empty())
    rest_before_watching();
  lock.unlock();
  for (const auto& pipe : now)
    if (const auto alive = pipe.lock())
      alive->watch();
}

void launcher::data::ended(protocol::ended told) {
  std::unique_lock lock(mutex);
  auto found = children.extract(told.id);
  if (found.empty())
    return;
  watch_followers(found.mapped());
  lock.unlock();
  auto& child = found.mapped();
  auto report = report_of(told, child.level);
  complete(std::move(child), std::move(report));
}

void launcher::data::complete(running child, exit_report report) {
  if (child.output)
    report.standard_output = child.output->finish();
  if (child.error)
    report.standard_error = child.error->finish();
  child.done(std::move(report));
}

void launcher::data::lost(const std::shared_ptr<init_link>& dead) {
  std::unordered_map<launch_id, running> victims;
  {
    const std::lock_guard lock(mutex);
    if (link != dead)
      return;
    // Its end of file came after the last tree was killed, so nothing runs any more.
    link.reset();
    victims.swap(children);
    if (connect())
      listen();
  }
  const core::error why{.code = core::errc::worker_crash,
                        .message = "maze-init ended and took the child with it",
                        .origin = "launch:lost"};
  for (auto& [id, child] : victims) {
    auto report = failed_report(exit_cause::lost, why, child.level);
    complete(std::move(child), std::move(report));
  }
}

void launcher::data::fail_later(completion done, exit_report report) {
  boost::asio::post(context, [done = std::move(done), report = std::move(report)]() mutable {
    done(std::move(report));
  });
}

core::result<std::pair<io::unique_fd, std::shared_ptr<output_pipe>>>
launcher::data::make_pipe(capture_limits limits) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return core::fail(io::errno_error("pipe for the child's output", errno));
  return std::pair{io::unique_fd(ends[1]), std::make_shared<output_pipe>(
                                               context, io::unique_fd(ends[0]), std::move(limits))};
}

core::result<void> launcher::data::submit(launch_id id, launch_request& request, running child) {
  sealed_view shown;
  std::shared_ptr<const io::unique_fd> filter;
  if (request.sandbox.level == core::sandbox_level::seccomp) {
    auto policy = syscalls_of(request.sandbox);
    if (can.walled && !policy.more.empty())
      return core::fail(core::errc::unsupported_operation,
                        "this node has no namespaces, in which more `syscalls` would be the "
                        "child's own affair; `maze-node doctor` says how it could have them",
                        "launch:namespaces");
    policy.walled = can.walled;
    policy.own_user = request.user.has_value();
    auto made = filters.get(policy);
    if (!made)
      return core::fail(made.error());
    filter = std::move(*made);
    shown = view_of(request.sandbox, settings.programs);
  }
  auto body = encode_request(id, request, shown);
  if (!body)
    return core::fail(body.error());
  auto output = make_pipe(std::move(request.standard_output));
  auto error = output ? make_pipe(std::move(request.standard_error)) : std::move(output);
  if (!error)
    return core::fail(error.error());
  give_to(request.user, output->first);
  give_to(request.user, error->first);
  child.output = output->second;
  child.error = error->second;
  outgoing message{.body = std::move(*body), .descriptors = std::move(request.inherited)};
  message.descriptors.insert(message.descriptors.begin(),
                             {std::make_shared<const io::unique_fd>(std::move(output->first)),
                              std::make_shared<const io::unique_fd>(std::move(error->first))});
  std::vector<std::shared_ptr<const io::unique_fd>> own;
  if (request.watch)
    own = request.watch->start(context);
  if (filter)
    own.insert(own.begin(), std::move(filter));
  message.descriptors.insert(message.descriptors.begin() + 2, own.begin(), own.end());
  const std::lock_guard lock(mutex);
  if (!link) {
    if (auto again = connect(); !again)
      return again;
    listen();
  }
  if (const auto before = children.find(request.after.value_or(0)); before != children.end())
    before->second.followers.push_back(id);
  else
    watch_later(child);
  children.emplace(id, std::move(child));
  link->send(std::move(message));
  want_writes();
  return {};
}

void launcher::data::tell(launch_id child, const std::string& message,
                          protocol::message_kind kind) {
  const std::lock_guard lock(mutex);
  if (!link || children.count(child) == 0)
    return;
  link->send({.body = message.substr(1), .kind = kind});
  want_writes();
}

core::result<std::shared_ptr<launcher>> launcher::start(boost::asio::io_context& context,
                                                        options settings) {
  if (settings.executable.empty()) {
    auto found = default_init_executable();
    if (!found)
      return core::fail(found.error());
    settings.executable = std::move(*found);
  }
  auto state = std::make_shared<data>(context, std::move(settings));
  const std::lock_guard lock(state->mutex);
  if (auto connected = state->connect(); !connected)
    return core::fail(connected.error());
  const auto hello = await_hello(*state->link, hello_patience);
  if (!hello)
    return core::fail(hello.error());
  state->can = {
      .user_namespaces = hello->user_namespaces,
      .pid_namespaces = hello->pid_namespaces,
      .overlay = hello->overlay,
      .idmapped_overlay = hello->idmapped_overlay,
      .other_users = hello->other_users,
      .sealed = hello->sealed,
      .walled = hello->walled,
      .landlock = hello->landlock,
      .memory_groups = protocol::has_group(hello->groups, protocol::group_use::memory),
      .process_groups = protocol::has_group(hello->groups, protocol::group_use::processes),
      .cpu_time_groups = protocol::has_group(hello->groups, protocol::group_use::cpu_time),
      .cpu_share_groups = protocol::has_group(hello->groups, protocol::group_use::cpu_share)};
  if (!hello->sealed)
    state->can.sealed_failure = explain(hello->sealed_failed, hello->sealed_errno, "level seccomp");
  state->listen();
  return std::shared_ptr<launcher>(new launcher(state));
}

launcher::launcher(std::shared_ptr<data> state) : data_(std::move(state)) {}

launcher::~launcher() {
  std::shared_ptr<init_link> last;
  const std::lock_guard lock(data_->mutex);
  last.swap(data_->link);
}

const capabilities& launcher::can() const noexcept { return data_->can; }

core::isolation launcher::isolation_of(const launch_request& request) const {
  const bool own_tree =
      data_->can.pid_namespaces && request.sandbox.level >= core::sandbox_level::subprocess;
  return {.requested = request.sandbox.level,
          .fences = protocol::fences_of(request.sandbox, {.network = request.sandbox.has_network(),
                                                          .own_user = request.user.has_value(),
                                                          .own_tree = own_tree,
                                                          .landlock = data_->can.landlock > 0,
                                                          .walled = data_->can.walled,
                                                          .groups = groups_of(data_->can)}),
          .began = true};
}

launch_id launcher::launch(launch_request request, completion done) {
  std::unique_lock lock(data_->mutex);
  const launch_id id = ++data_->last_id;
  lock.unlock();
  const auto level = request.sandbox.level;
  if (auto sent = data_->submit(id, request, {done, level, nullptr, nullptr, {}}); !sent) {
    auto why = sent.error();
    if (why.origin.empty())
      why.origin = "launch:process";
    data_->fail_later(std::move(done),
                      failed_report(exit_cause::setup_failed, std::move(why), level));
  }
  return id;
}

std::optional<std::string> launcher::peek(launch_id child, output_stream stream,
                                          std::uint64_t offset, std::size_t size_max) const {
  std::shared_ptr<output_pipe> pipe;
  {
    const std::lock_guard lock(data_->mutex);
    if (const auto found = data_->children.find(child); found != data_->children.end())
      pipe = stream == output_stream::standard_output ? found->second.output : found->second.error;
  }
  if (!pipe)
    return std::nullopt;
  return pipe->peek(offset, size_max);
}

void launcher::stop(launch_id child, std::chrono::milliseconds grace) {
  data_->tell(child,
              protocol::encode(protocol::stop_request{
                  child, static_cast<std::uint64_t>(std::max<std::int64_t>(grace.count(), 0))}),
              protocol::message_kind::stop);
}

void launcher::withdraw(launch_id child) {
  data_->tell(child, protocol::encode(protocol::withdraw_request{child}),
              protocol::message_kind::withdraw);
}

} // namespace maze::sandbox
