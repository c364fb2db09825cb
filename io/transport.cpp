#include "maze/io/transport.hpp"

#include <openssl/sslerr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

namespace maze::io {

namespace {

bool would_block(int number) { return number == EAGAIN || number == EWOULDBLOCK; }

transfer plain(::ssize_t returned, progress when_blocked) {
  if (returned > 0)
    return {.state = progress::moved, .bytes = static_cast<std::size_t>(returned)};
  if (returned == 0)
    return {.state = progress::ended};
  return would_block(errno) ? transfer{.state = when_blocked}
                            : transfer{.state = progress::broken, .number = errno};
}

/// Keeps SIGPIPE, which sendfile(2) cannot be told not to raise, from this thread while it lives.
class no_sigpipe {
public:
  no_sigpipe() {
    ::sigemptyset(&sigpipe_);
    ::sigaddset(&sigpipe_, SIGPIPE);
    sigset_t pending;
    ::sigpending(&pending);
    was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  no_sigpipe(const no_sigpipe&) = delete;
  no_sigpipe& operator=(const no_sigpipe&) = delete;
  ~no_sigpipe() {
    const int number = errno;
    const timespec at_once{};
    if (!was_pending_)
      ::sigtimedwait(&sigpipe_, nullptr, &at_once);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = number;
  }

private:
  sigset_t sigpipe_{};
  sigset_t before_{};
  bool was_pending_ = false;
};

} // namespace

transport::~transport() {
  // The peer learns that this end is meant; whether it can be sent at once decides nothing.
  if (ssl_ && !failed_ && SSL_is_init_finished(ssl_.get()) == 1) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
}

transfer transport::outcome(int returned, std::size_t bytes) {
  if (returned > 0)
    return {.state = progress::moved, .bytes = bytes};
  const int number = errno;
  switch (SSL_get_error(ssl_.get(), returned)) {
  case SSL_ERROR_WANT_READ:
    return {.state = progress::wants_read};
  case SSL_ERROR_WANT_WRITE:
    return {.state = progress::wants_write};
  case SSL_ERROR_ZERO_RETURN:
    return {.state = progress::ended};
  case SSL_ERROR_SYSCALL:
    failed_ = true;
    ERR_clear_error();
    return {.state = progress::broken, .number = number != 0 ? number : ECONNRESET};
  default:
    failed_ = true;
    // A peer that died sends no TLS farewell: that is a broken connection, not a broken protocol.
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
      ERR_clear_error();
      return {.state = progress::broken, .number = ECONNRESET};
    }
    return {.state = progress::broken};
  }
}

transfer transport::shake_hands() {
  if (!ssl_)
    return {.state = progress::moved};
  ERR_clear_error();
  errno = 0;
  return outcome(SSL_do_handshake(ssl_.get()), 0);
}

transfer transport::read(std::span<char> into) {
  if (!ssl_) {
    ::ssize_t got = 0;
    while ((got = ::recv(fd_.get(), into.data(), into.size(), 0)) < 0 && errno == EINTR)
      continue;
    return plain(got, progress::wants_read);
  }
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  const int returned = SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
  return outcome(returned, bytes);
}

transfer transport::write(std::string_view content) {
  if (!ssl_) {
    ::ssize_t sent = 0;
    while ((sent = ::send(fd_.get(), content.data(), content.size(), MSG_NOSIGNAL)) < 0
           && errno == EINTR)
      continue;
    return plain(sent, progress::wants_write);
  }
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  const int returned = SSL_write_ex(ssl_.get(), content.data(), content.size(), &bytes);
  return outcome(returned, bytes);
}

transfer transport::write_file(int file, std::uint64_t offset, std::uint64_t length) {
  constexpr std::uint64_t step_max = 1 << 20;
  auto from = static_cast<off_t>(offset);
  if (!ssl_) {
    const no_sigpipe guard;
    ::ssize_t sent = 0;
    while ((sent = ::sendfile(fd_.get(), file, &from, std::min(length, step_max))) < 0
           && errno == EINTR)
      continue;
    return plain(sent, progress::wants_write);
  }
  // One TLS record holds 16 KiB. What a full socket does not take is read again from the page cache.
  std::array<char, 16 << 10> piece;
  const auto got = ::pread(file, piece.data(), std::min<std::uint64_t>(length, piece.size()), from);
  if (got <= 0)
    return plain(got, progress::wants_write);
  return write({piece.data(), static_cast<std::size_t>(got)});
}

} // namespace maze::io
