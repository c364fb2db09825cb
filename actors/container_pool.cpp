#include "maze/actors/container_pool.hpp"

#include "maze/sandbox/enter_packet.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <sys/socket.h>
#include <utility>

namespace maze::actors {

namespace {

bool is_gone(int line) {
  char byte = 0;
  return ::recv(line, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

} // namespace

/// All but `tenant`, `kind` and `line` belong to the thread of the context.
struct container_pool::standing {
  standing(boost::asio::io_context& context, std::string whose, std::string what,
           shared_fd node_end)
      : tenant(std::move(whose)),
        kind(std::move(what)),
        line(std::move(node_end)),
        ear(context),
        timer(context) {}

  const std::string tenant;
  const std::string kind;
  const shared_fd line;
  /// A copy of `line`, for the context to watch.
  boost::asio::posix::stream_descriptor ear;
  /// Until it has been idle, or silent, for too long.
  boost::asio::steady_timer timer;
  sandbox::launch_id child{};
  /// It has said that it is there.
  bool there = false;
  /// It was told to end: nothing that it says counts any more.
  bool dying = false;
  /// It has answered since its last task was given up.
  bool answered = false;
  std::optional<sandbox::exit_report> report;
  /// Who gave it back.
  std::function<void(const sandbox::exit_report*)> waiting;
};

container_pool::container_pool(boost::asio::io_context& context,
                               std::shared_ptr<sandbox::launcher> launcher, options settings)
    : context_(context), launcher_(std::move(launcher)), settings_(settings) {}

container_pool::~container_pool() { close(); }

void container_pool::close() {
  std::list<lease> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(idle_);
  }
  for (const lease& each : all) {
    ::shutdown(each->line->get(), SHUT_RDWR);
    boost::asio::post(context_, [each] {
      boost::system::error_code ignored;
      each->ear.close(ignored);
      each->timer.cancel();
    });
  }
}

void container_pool::dismiss_all(const std::string& tenant) {
  std::list<lease> all;
  {
    const std::lock_guard lock(mutex_);
    for (auto each = idle_.begin(); each != idle_.end();)
      if (const auto here = each++; (*here)->tenant == tenant)
        all.splice(all.end(), idle_, here);
  }
  for (const lease& each : all)
    boost::asio::post(context_, [own = shared_from_this(), each] { own->dismiss(each); });
}

core::result<container_pool::lease> container_pool::take(const std::string& tenant,
                                                         const std::string& kind,
                                                         const begin_function& begin) {
  {
    const std::lock_guard lock(mutex_);
    // One that was killed while it rested may not have been told of yet.
    std::erase_if(idle_, [](const lease& x) { return is_gone(x->line->get()); });
    // The one that rests for the shortest time is the warmest.
    const auto found = std::find_if(idle_.rbegin(), idle_.rend(), [&](const lease& x) {
      return x->tenant == tenant && x->kind == kind;
    });
    if (found != idle_.rend()) {
      lease out = *found;
      idle_.erase(std::prev(found.base()));
      return out;
    }
  }
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return core::fail(io::errno_error("socketpair for a container", errno));
  auto outer = std::make_shared<const io::unique_fd>(ends[0]);
  auto begun = begin(std::make_shared<const io::unique_fd>(ends[1]));
  if (!begun)
    return core::fail(begun.error());
  auto out = std::make_shared<standing>(context_, tenant, kind, std::move(outer));
  out->child = launcher_->launch(std::move(begun->request),
                                 [own = weak_from_this(), out, ended = std::move(begun->ended)](
                                     sandbox::exit_report report) mutable {
                                   out->report = report;
                                   if (const auto self = own.lock())
                                     self->settle(out);
                                   else if (auto then = std::exchange(out->waiting, nullptr))
                                     then(&report);
                                   ended(std::move(report));
                                 });
  boost::asio::post(context_, [own = weak_from_this(), out] {
    const int copy = ::fcntl(out->line->get(), F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
      return;
    out->ear.assign(copy);
    if (const auto self = own.lock())
      self->watch(out);
  });
  return out;
}

container_pool::shared_fd container_pool::line_of(const lease& x) { return x->line; }

void container_pool::give_back(lease x, std::function<void(const sandbox::exit_report*)> then) {
  boost::asio::post(context_,
                    [own = shared_from_this(), x = std::move(x), then = std::move(then)]() mutable {
                      x->waiting = std::move(then);
                      own->drain(*x);
                      x->answered = false;
                      const char ask = static_cast<char>(sandbox::enter::word::ask);
                      if (x->report)
                        own->settle(x);
                      else if (!x->there || !sandbox::enter::send_packet(x->line->get(), {&ask, 1}))
                        own->kill(x);
                      else
                        own->kill_unless_told(x);
                    });
}

void container_pool::watch(const lease& x) {
  // One that is idle for good is held by its timer and by whoever takes it, and not by this.
  x->ear.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                    [own = weak_from_this(), x](const boost::system::error_code& failed) {
                      const auto self = own.lock();
                      if (failed || !self)
                        return;
                      self->drain(*x);
                      self->settle(x);
                      if (x->ear.is_open())
                        self->watch(x);
                    });
}

void container_pool::drain(standing& x) {
  std::array<char, 64> bytes{};
  for (;;) {
    const ssize_t got = ::recv(x.line->get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) {
      x.there = true;
      x.answered = true;
      continue;
    }
    boost::system::error_code ignored;
    // Its end is told by the launcher.
    if (got == 0 || (errno != EAGAIN && errno != EINTR))
      x.ear.close(ignored);
    if (got == 0 || errno != EINTR)
      return;
  }
}

void container_pool::settle(const lease& x) {
  if (x->report) {
    boost::system::error_code ignored;
    x->ear.close(ignored);
    x->timer.cancel();
    {
      const std::lock_guard lock(mutex_);
      idle_.remove(x);
    }
    if (auto then = std::exchange(x->waiting, nullptr))
      then(&*x->report);
    return;
  }
  if (x->dying || !x->answered || !x->waiting)
    return;
  rest(x);
  std::exchange(x->waiting, nullptr)(nullptr);
}

void container_pool::rest(const lease& x) {
  lease oldest;
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(x);
    if (idle_.size() > settings_.idle_count_max) {
      oldest = idle_.front();
      idle_.pop_front();
    }
  }
  if (oldest)
    dismiss(oldest);
  x->timer.expires_after(settings_.idle_max);
  x->timer.async_wait([own = weak_from_this(), x](const boost::system::error_code& cancelled) {
    const auto self = own.lock();
    if (cancelled || !self)
      return;
    {
      const std::lock_guard lock(self->mutex_);
      const auto found = std::find(self->idle_.begin(), self->idle_.end(), x);
      // Somebody took it.
      if (found == self->idle_.end())
        return;
      self->idle_.erase(found);
    }
    self->dismiss(x);
  });
}

void container_pool::dismiss(const lease& x) {
  x->dying = true;
  ::shutdown(x->line->get(), SHUT_RDWR);
  kill_unless_told(x);
}

void container_pool::kill_unless_told(const lease& x) {
  x->timer.expires_after(settings_.patience);
  x->timer.async_wait([own = weak_from_this(), x](const boost::system::error_code& cancelled) {
    const auto self = own.lock();
    if (!cancelled && self && !x->report && (x->waiting || x->dying))
      self->kill(x);
  });
}

void container_pool::kill(const lease& x) {
  x->dying = true;
  x->timer.cancel();
  launcher_->stop(x->child, std::chrono::seconds(0));
}

} // namespace maze::actors
