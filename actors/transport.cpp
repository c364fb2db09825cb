#include "maze/actors/transport.hpp"

#include "maze/actors/client_filter.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/interfaces.hpp>
#include <caf/io/network/stream.hpp>
#include <caf/io/scribe.hpp>
#include <caf/send.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <sys/socket.h>
#include <utility>

namespace maze::actors {

namespace {

using caf::io::network::native_socket;
using caf::io::network::rw_state;

bool would_block(int code) { return code == EAGAIN || code == EWOULDBLOCK || code == EINTR; }

/// OpenSSL writes with write(2), also from within SSL_read, and a peer may be gone by then.
void block_sigpipe() {
  thread_local const bool blocked = [] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return ::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0;
  }();
  static_cast<void>(blocked);
}

/// How bytes get in and out, called by CAF's I/O thread whenever the socket is ready.
class socket_policy {
public:
  explicit socket_policy(tls_session session) : tls_(std::move(session)) {
    if (!tls_)
      return;
    // CAF's buffer grows and moves between two tries of one write.
    SSL_set_mode(tls_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_options(tls_.get(), SSL_OP_NO_RENEGOTIATION);
  }

  rw_state read_some(std::size_t& count, native_socket fd, void* to, std::size_t room) {
    if (tls_)
      return finish(count, SSL_read(cleared(), to, clamp(room)));
    return finish_plain(count, ::recv(fd, to, room, 0), true);
  }

  rw_state write_some(std::size_t& count, native_socket fd, const void* from, std::size_t size) {
    count = 0;
    if (size == 0)
      return rw_state::indeterminate;
    if (tls_)
      return finish(count, SSL_write(cleared(), from, clamp(size)));
    return finish_plain(count, ::send(fd, from, size, MSG_NOSIGNAL), false);
  }

  /// What OpenSSL has decrypted wakes no epoll.
  bool must_read_more(native_socket, std::size_t) const {
    return tls_ && SSL_pending(tls_.get()) > 0;
  }

private:
  static int clamp(std::size_t size) {
    return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
  }

  /// Errors that other sessions of this thread left behind would be taken for ours.
  ssl_st* cleared() {
    block_sigpipe();
    ERR_clear_error();
    return tls_.get();
  }

  rw_state finish(std::size_t& count, int done) {
    count = 0;
    if (done > 0) {
      count = static_cast<std::size_t>(done);
      return rw_state::success;
    }
    const int why = SSL_get_error(tls_.get(), done);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? rw_state::success
                                                                     : rw_state::failure;
  }

  static rw_state finish_plain(std::size_t& count, ssize_t done, bool zero_is_end) {
    count = done > 0 ? static_cast<std::size_t>(done) : 0;
    if (done > 0 || (done < 0 && would_block(errno)) || (done == 0 && !zero_is_end))
      return rw_state::success;
    return rw_state::failure;
  }

  tls_session tls_;
};

/// CAF names a connection by its descriptor, so what it does late for a connection that ended would
/// hit the next one, which often gets the same number.
caf::io::connection_handle fresh_handle() {
  static std::atomic<std::int64_t> last{std::int64_t{1} << 32};
  return caf::io::connection_handle::from_int(++last);
}

/// CAF writes when epoll says that it may, which it asks for first: three more system calls for each message, and most
/// sockets have room.
class direct_stream : public caf::io::network::stream {
public:
  direct_stream(caf::io::network::default_multiplexer& loop, native_socket fd, tls_session session)
      : stream(loop, fd), policy_(std::move(session)) {}

  void handle_event(caf::io::network::operation op) override { handle_event_impl(op, policy_); }
  /// Writes of `wr_buf` what the socket takes at once. A failure is left to the next write.
  void write_at_once() {
    auto& buffer = wr_buf();
    std::size_t done = 0;
    for (std::size_t count = 1; done < buffer.size() && count > 0; done += count)
      if (policy_.write_some(count, fd(), buffer.data() + done, buffer.size() - done)
          == rw_state::failure)
        break;
    buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(done));
  }

private:
  socket_policy policy_;
};

/// What goes with a connection that came in; nothing of it with one of our own.
struct inbound_rules {
  /// Called by CAF's I/O thread once CAF has dealt with the end of the connection.
  std::function<void()> on_end;
  std::shared_ptr<admission> held;
  std::unique_ptr<client_filter> filter;
};

/// What CAF's own TCP scribe does, over a socket that may speak TLS.
class authenticated_scribe : public caf::io::scribe {
public:
  authenticated_scribe(caf::io::network::default_multiplexer& loop, authenticated_socket socket,
                       inbound_rules rules)
      : scribe(fresh_handle()),
        stream_(loop, socket.fd.release(), std::move(socket.tls)),
        rules_(std::move(rules)) {
    // Tells when all has been written.
    stream_.ack_writes(true);
  }

  void configure_read(caf::io::receive_policy::config config) override {
    stream_.configure_read(config);
    if (!std::exchange(launched_, true))
      stream_.start(this);
  }
  bool consume(caf::execution_unit* in, const void* bytes, std::size_t size) override {
    if (!rules_.filter)
      return scribe::consume(in, bytes, size);
    // CAF's BASP broker asks for a header, then for its payload, and reads them from here.
    rd_buf().resize(size);
    auto* broker = dynamic_cast<caf::io::basp_broker*>(parent());
    const auto taken = [broker](const caf::node_id& name) -> bool {
      return broker == nullptr || static_cast<bool>(broker->instance.tbl().lookup_direct(name));
    };
    if (rules_.filter->pass(rd_buf(), taken))
      return scribe::consume(in, bytes, size);
    ::shutdown(stream_.fd(), SHUT_RDWR);
    return true;
  }
  void ack_writes(bool enable) override { acks_wanted_ = enable; }
  void data_transferred(caf::execution_unit* in, std::size_t written, std::size_t left) override {
    if (left == 0)
      writing_ = false;
    if (acks_wanted_)
      scribe::data_transferred(in, written, left);
  }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void graceful_shutdown() override {
    stream_.graceful_shutdown();
    detach(&stream_.backend(), false);
  }
  void flush() override {
    // What is large comes with more like it, and goes better in one piece.
    if (launched_ && !writing_ && !acks_wanted_ && stream_.wr_buf().size() <= direct_max)
      stream_.write_at_once();
    if (stream_.wr_buf().empty())
      return;
    writing_ = true;
    stream_.flush(this);
  }
  std::string addr() const override { return "authenticated"; }
  std::uint16_t port() const override { return exported_port; }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override {
    stream_.passivate();
    // The object itself may live on.
    rules_.held.reset();
    if (rules_.on_end)
      stream_.backend().post(std::exchange(rules_.on_end, nullptr));
  }

private:
  static constexpr std::size_t direct_max = 4096;

  bool launched_ = false;
  /// CAF has bytes to write, which go before all others.
  bool writing_ = false;
  bool acks_wanted_ = false;
  direct_stream stream_;
  inbound_rules rules_;
};

outbound_connection make_scribe(caf::actor_system& system, authenticated_socket socket,
                                inbound_rules rules = {}) {
  auto& loop = dynamic_cast<caf::io::network::default_multiplexer&>(system.middleman().backend());
  io::unique_fd second{::fcntl(socket.fd.get(), F_DUPFD_CLOEXEC, 0)};
  caf::io::scribe_ptr stream{
      caf::make_counted<authenticated_scribe>(loop, std::move(socket), std::move(rules))};
  return {std::move(stream), connection_switch(std::move(second))};
}

} // namespace

void tls_deleter::operator()(ssl_st* session) const noexcept { SSL_free(session); }

void connection_switch::cut() noexcept {
  if (socket_)
    ::shutdown(socket_->get(), SHUT_RDWR);
  socket_.reset();
}

caf::actor basp(caf::actor_system& system) {
  return system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP"));
}

struct inbound_door::books {
  struct place {
    connection_switch current;
    /// Takes the place once the current one has ended.
    std::optional<outbound_connection> next;
  };

  caf::actor_system& system;
  caf::strong_actor_ptr exported;
  exported_to whom;
  std::mutex guard;
  std::map<std::string, place> places{};

  void hand_over(outbound_connection& made, place& to) {
    to.current = made.link;
    caf::anon_send(basp(system), caf::publish_atom::value, std::move(made.stream),
                   static_cast<std::uint16_t>(whom), exported, std::set<std::string>{});
  }
  void ended(const std::string& peer) {
    const std::lock_guard lock(guard);
    const auto found = places.find(peer);
    if (found == places.end())
      return;
    if (auto next = std::exchange(found->second.next, std::nullopt))
      hand_over(*next, found->second);
    else
      places.erase(found);
  }
};

inbound_door::inbound_door(caf::actor_system& system, caf::strong_actor_ptr exported,
                           exported_to whom)
    : books_(std::make_shared<books>(system, std::move(exported), whom)) {}

connection_switch inbound_door::admit(authenticated_socket socket, const std::string& peer,
                                      std::shared_ptr<admission> held) {
  inbound_rules rules;
  rules.on_end = [books = std::weak_ptr<struct books>(books_), peer] {
    if (const auto alive = books.lock())
      alive->ended(peer);
  };
  if (held && books_->whom == exported_to::clients) {
    held->open(books_->exported);
    rules.filter = std::make_unique<client_filter>(books_->system.node(), held);
  }
  rules.held = std::move(held);
  auto made = make_scribe(books_->system, std::move(socket), std::move(rules));
  connection_switch out = made.link;
  const std::lock_guard lock(books_->guard);
  const auto [at, fresh] = books_->places.try_emplace(peer);
  if (fresh) {
    books_->hand_over(made, at->second);
  } else {
    at->second.next = std::move(made);
    at->second.current.cut();
  }
  return out;
}

void when_settled(caf::actor_system& system, std::function<void()> then) {
  auto& loop = system.middleman().backend();
  // From another thread the first may overtake what the I/O thread has posted to itself; the second,
  // posted there, cannot.
  loop.post([&loop, then = std::move(then)] { loop.post(then); });
}

outbound_connection prepare_outbound(caf::actor_system& system, authenticated_socket socket) {
  return make_scribe(system, std::move(socket));
}

} // namespace maze::actors
