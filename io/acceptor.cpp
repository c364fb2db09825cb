#include "maze/io/acceptor.hpp"

#include "maze/io/fair_places.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace maze::io {

namespace {

using core::errc;
using clock = std::chrono::steady_clock;

/// Connections taken from one listener before the handshakes get their turn again.
constexpr int accepts_at_once = 64;
/// How long a listener rests when the system has no descriptor or memory for a connection: it would
/// report the same connection again and again.
constexpr auto pause = std::chrono::milliseconds(100);

struct guest {
  std::unique_ptr<handshake> hands;
  std::string origin;
  clock::time_point until;
  handshake_step waits = handshake_step::wants_read;
};

struct gate {
  listener door;
  bool local = false;
  clock::time_point rests_until{};
};

} // namespace

class acceptor::loop {
public:
  loop(acceptor_settings settings, const tls_context* tls, acceptor_events events,
       std::vector<gate> gates, unique_fd wake)
      : settings_(std::move(settings)),
        plain_{.own = settings_.own, .control = settings_.control, .bulk = settings_.bulk},
        encrypted_{
            .own = settings_.own, .tls = tls, .control = settings_.control, .bulk = settings_.bulk},
        events_(std::move(events)),
        gates_(std::move(gates)),
        wake_(std::move(wake)),
        thread_([this] { run(); }) {}
  ~loop() {
    stop_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake_.get(), &one, sizeof one));
    thread_.join();
  }

  [[nodiscard]] std::vector<endpoint> endpoints() const {
    std::vector<endpoint> all;
    for (const auto& one : gates_)
      all.push_back(one.door.at());
    return all;
  }

  [[nodiscard]] acceptor_counts counts() const noexcept {
    return {.established = established_.load(std::memory_order_relaxed),
            .in_progress = in_progress_.load(std::memory_order_relaxed),
            .in_progress_max = in_progress_max_.load(std::memory_order_relaxed),
            .pauses = pauses_.load(std::memory_order_relaxed),
            .turns = turns_.load(std::memory_order_relaxed),
            .refused = refusals_.counts()};
  }

private:
  void run() {
    while (!stop_.load(std::memory_order_acquire)) {
      watch();
      ::poll(watched_.data(), watched_.size(), timeout(clock::now()));
      turns_.fetch_add(1, std::memory_order_relaxed);
      const auto now = clock::now();
      serve_guests(now);
      for (std::size_t i = 0; i < gates_.size(); ++i)
        if (watched_[1 + i].revents != 0)
          open_gate(gates_[i], now);
      if (auto line = refusals_.summary(now))
        events_.refused(*line);
    }
  }

  /// One entry for the wake-up, one for each gate, one for each guest, in this order.
  void watch() {
    const auto now = clock::now();
    watched_.clear();
    watched_.push_back({.fd = wake_.get(), .events = POLLIN, .revents = 0});
    for (const auto& one : gates_)
      // A negative descriptor is passed over by poll.
      watched_.push_back(
          {.fd = one.rests_until > now ? -1 : one.door.fd(), .events = POLLIN, .revents = 0});
    for (const auto& one : guests_) {
      const bool writes = one.waits == handshake_step::wants_write;
      watched_.push_back({.fd = one.hands->fd(),
                          .events = static_cast<short>(writes ? POLLOUT : POLLIN),
                          .revents = 0});
    }
  }

  [[nodiscard]] int timeout(clock::time_point now) const {
    auto next = clock::time_point::max();
    for (const auto& one : guests_)
      next = std::min(next, one.until);
    for (const auto& one : gates_)
      if (one.rests_until > now)
        next = std::min(next, one.rests_until);
    if (const auto summary = refusals_.next_summary())
      next = std::min(next, *summary);
    return next == clock::time_point::max() ? -1 : poll_timeout(next, now);
  }

  void serve_guests(clock::time_point now) {
    const std::size_t first = 1 + gates_.size();
    std::vector<guest> staying;
    staying.reserve(guests_.size());
    for (std::size_t i = 0; i < guests_.size(); ++i) {
      auto& one = guests_[i];
      if (watched_[first + i].revents != 0)
        one.waits = one.hands->advance();
      if (one.waits == handshake_step::done)
        let_in(one);
      else if (one.waits == handshake_step::failed)
        refuse(one.hands->fault().why, one.hands->address(), one.hands->fault().what.message);
      else if (one.until <= now)
        refuse(refusal::timed_out, one.hands->address(),
               fmt::format("{} after {}", one.hands->stage_text(),
                           core::to_string(settings_.handshake_max)));
      else
        staying.push_back(std::move(one));
    }
    guests_ = std::move(staying);
    count_guests();
  }

  void let_in(guest& one) {
    // Counted before the callback tells anyone, so that counts never lag behind.
    auto made = one.hands->take();
    established_.fetch_add(1, std::memory_order_relaxed);
    events_.established(std::move(made));
  }

  void open_gate(gate& at, clock::time_point now) {
    for (int i = 0; i < accepts_at_once; ++i) {
      auto next = at.door.accept();
      if (next)
        receive(std::move(*next), at.local, now);
      else if (next.error() == EAGAIN || next.error() == EWOULDBLOCK)
        return;
      else
        return rest(at, next.error(), now);
    }
  }

  void rest(gate& at, int number, clock::time_point now) {
    at.rests_until = now + pause;
    pauses_.fetch_add(1, std::memory_order_relaxed);
    refuse(refusal::internal, to_string(at.door.at()), errno_error("accept", number).message);
  }

  void receive(incoming next, bool local, clock::time_point now) {
    if (local && next.user != ::geteuid() && next.user != uid_t{0})
      return turn_away(next, refusal::wrong_user,
                       fmt::format("it runs as user {}, this node as user {}",
                                   next.user.value_or(static_cast<uid_t>(-1)), ::geteuid()));
    if (guests_of(next.origin) >= settings_.handshakes_per_peer_max)
      return turn_away(next, refusal::too_many_from_peer,
                       fmt::format("its origin has {} handshakes in progress already",
                                   settings_.handshakes_per_peer_max));
    if (guests_.size() >= settings_.handshakes_max && !make_room(next.origin))
      return turn_away(next, refusal::too_many,
                       fmt::format("{} handshakes are in progress", settings_.handshakes_max));
    auto hands = handshake::start(std::move(next.fd), tls_side::accepts,
                                  local ? plain_ : encrypted_, next.address);
    if (!hands)
      return refuse(refusal::internal, next.address, hands.error().message);
    guests_.push_back({.hands = std::move(*hands),
                       .origin = std::move(next.origin),
                       .until = now + settings_.handshake_max});
    count_guests();
  }

  [[nodiscard]] std::uint32_t guests_of(const std::string& origin) const {
    return static_cast<std::uint32_t>(std::count_if(
        guests_.begin(), guests_.end(), [&](const guest& one) { return one.origin == origin; }));
  }

  bool make_room(const std::string& newcomer) {
    std::vector<std::string_view> origins;
    for (const auto& one : guests_)
      origins.push_back(one.origin);
    const auto place = place_for(newcomer, origins);
    if (!place)
      return false;
    const auto victim = guests_.begin() + static_cast<std::ptrdiff_t>(*place);
    refuse(refusal::too_many, victim->hands->address(), "another origin needed its place");
    guests_.erase(victim);
    return true;
  }

  void turn_away(const incoming& who, refusal why, const std::string& text) {
    // Without TLS the peer can be told; what its socket does not take at once is not worth waiting.
    if (who.user) {
      const auto frame = encode_refusal(
          {.code = why == refusal::wrong_user ? errc::permission_denied : errc::limit_exceeded,
           .message = text});
      static_cast<void>(::send(who.fd.get(), frame.data(), frame.size(), MSG_NOSIGNAL));
    }
    refuse(why, who.address, text);
  }

  void refuse(refusal why, std::string_view peer, std::string_view text) {
    if (auto line = refusals_.note(why, peer, text, clock::now()))
      events_.refused(*line);
  }

  void count_guests() {
    const auto now = static_cast<std::uint32_t>(guests_.size());
    in_progress_.store(now, std::memory_order_relaxed);
    if (now > in_progress_max_.load(std::memory_order_relaxed))
      in_progress_max_.store(now, std::memory_order_relaxed);
  }

  const acceptor_settings settings_;
  const handshake_settings plain_;
  const handshake_settings encrypted_;
  acceptor_events events_;
  std::vector<gate> gates_;
  unique_fd wake_;
  // The thread's own.
  std::vector<guest> guests_;
  std::vector<pollfd> watched_;
  refusal_log refusals_;
  // Shared.
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> established_ = 0;
  std::atomic<std::uint64_t> pauses_ = 0;
  std::atomic<std::uint64_t> turns_ = 0;
  std::atomic<std::uint32_t> in_progress_ = 0;
  std::atomic<std::uint32_t> in_progress_max_ = 0;
  // Last: it begins when all else is there.
  std::thread thread_;
};

acceptor::acceptor(std::unique_ptr<loop> runs) : loop_(std::move(runs)) {}
acceptor::~acceptor() = default;

core::result<std::unique_ptr<acceptor>>
acceptor::open(acceptor_settings settings, const tls_context* tls, acceptor_events events) {
  constexpr std::size_t endpoints_max = 16;
  if (settings.endpoints.empty() || settings.endpoints.size() > endpoints_max)
    return core::fail(errc::invalid_argument,
                      fmt::format("an acceptor listens on 1 to {} endpoints", endpoints_max));
  if (settings.handshakes_max == 0 || settings.handshakes_per_peer_max == 0
      || settings.handshake_max <= core::duration::zero())
    return core::fail(errc::invalid_argument,
                      "an acceptor's limits and its deadline must be above 0");
  std::vector<gate> gates;
  for (const auto& at : settings.endpoints) {
    const bool local = std::holds_alternative<unix_endpoint>(at);
    if (!local && tls == nullptr)
      return core::fail(errc::invalid_argument,
                        to_string(at) + " needs the cluster's credentials: TCP is encrypted");
    if (!local)
      if (auto fine = tls->check_time(std::chrono::system_clock::now()); !fine)
        return core::fail(fine.error());
    auto door = listener::open(at);
    if (!door)
      return core::fail(door.error());
    gates.push_back({.door = std::move(*door), .local = local});
  }
  unique_fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake)
    return core::fail(errno_error("eventfd", errno));
  try {
    auto made = std::make_unique<loop>(std::move(settings), tls, std::move(events),
                                       std::move(gates), std::move(wake));
    return std::unique_ptr<acceptor>(new acceptor(std::move(made)));
  } catch (const std::system_error& why) {
    return core::fail(errc::resource_exhausted,
                      fmt::format("no thread for the acceptor: {}", why.what()));
  }
}

std::vector<endpoint> acceptor::endpoints() const { return loop_->endpoints(); }
acceptor_counts acceptor::counts() const noexcept { return loop_->counts(); }

} // namespace maze::io
