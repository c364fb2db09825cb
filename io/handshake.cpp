#include "maze/io/handshake.hpp"

#include <fmt/format.h>

#include <sys/socket.h>

namespace maze::io {

using core::errc;

namespace {

std::optional<handshake_step> blocked(const transfer& how) {
  if (how.state == progress::wants_read)
    return handshake_step::wants_read;
  if (how.state == progress::wants_write)
    return handshake_step::wants_write;
  return std::nullopt;
}

} // namespace

core::result<std::unique_ptr<handshake>> handshake::start(unique_fd fd, tls_side side,
                                                          const handshake_settings& settings,
                                                          std::string address) {
  std::unique_ptr<handshake> made(new handshake(side, settings, std::move(address)));
  ssl_ptr session;
  if (settings.tls != nullptr) {
    auto started = settings.tls->session(fd.get(), side, &made->certificate_fault_);
    if (!started)
      return core::fail(started.error());
    session = std::move(*started);
  }
  made->bytes_ = transport(std::move(fd), std::move(session));
  return made;
}

handshake::~handshake() {
  // Bytes that nobody read would make the kernel answer with a reset, which may overtake what was
  // said last: the reason.
  if (stage_ == stage::failed && bytes_.fd() >= 0) {
    ::shutdown(bytes_.fd(), SHUT_WR);
    static_cast<void>(::recv(bytes_.fd(), in_.data(), in_.size(), MSG_DONTWAIT));
  }
}

std::string_view handshake::stage_text() const noexcept {
  if (stage_ == stage::tls && bytes_.ssl() != nullptr)
    return "the TLS handshake was not complete";
  if (stage_ == stage::writes)
    return "it took no bytes";
  return side_ == tls_side::accepts ? "its hello was not complete" : "it did not answer the hello";
}

handshake_step handshake::advance() {
  for (;;) {
    if (stage_ == stage::done)
      return handshake_step::done;
    if (stage_ == stage::failed)
      return handshake_step::failed;
    if (const auto waits = step())
      return *waits;
  }
}

std::optional<handshake_step> handshake::step() {
  switch (stage_) {
  case stage::tls:
    return shake_hands();
  case stage::writes:
    return write();
  default:
    return read();
  }
}

std::optional<handshake_step> handshake::shake_hands() {
  const auto shaken = bytes_.shake_hands();
  if (const auto waits = blocked(shaken))
    return waits;
  if (shaken.state != progress::moved) {
    fail_broken(shaken);
    return std::nullopt;
  }
  if (bytes_.ssl() != nullptr) {
    auto who = peer_of(*bytes_.ssl());
    if (!who) {
      fail(refusal::certificate, errc::permission_denied, who.error().message);
      return std::nullopt;
    }
    certified_ = std::move(*who);
  }
  wanted_ = hello_header_size;
  if (side_ == tls_side::accepts)
    stage_ = stage::reads_header;
  else
    say(encode_hello(settings_.own, hello_kind::introduces));
  return std::nullopt;
}

void handshake::say(std::string frame) {
  out_ = std::move(frame);
  stage_ = stage::writes;
}

std::optional<handshake_step> handshake::write() {
  while (!out_.empty()) {
    const auto sent = bytes_.write(out_);
    if (const auto waits = blocked(sent))
      return waits;
    if (sent.state != progress::moved) {
      // The peer may have said why before it hung up.
      const bool may_tell = side_ == tls_side::connects && sent.number != 0;
      if (!may_tell)
        fail_broken(sent);
      out_.clear();
      if (!may_tell)
        return std::nullopt;
      break;
    }
    out_.erase(0, sent.bytes);
  }
  if (side_ == tls_side::connects)
    stage_ = stage::reads_header;
  else
    stage_ = refused_ ? stage::failed : stage::done;
  return std::nullopt;
}

std::optional<handshake_step> handshake::read() {
  while (got_ < wanted_) {
    const auto got = bytes_.read({in_.data() + got_, wanted_ - got_});
    if (const auto waits = blocked(got))
      return waits;
    if (got.state != progress::moved) {
      fail_broken(got);
      return std::nullopt;
    }
    got_ += got.bytes;
  }
  if (stage_ == stage::reads_header)
    header_read();
  else
    body_read();
  return std::nullopt;
}

void handshake::header_read() {
  const auto header = decode_header({in_.data(), hello_header_size});
  if (!header)
    return fail(refusal::not_maze, errc::malformed, header.error().message);
  const bool expected = side_ == tls_side::accepts ? header->kind == hello_kind::introduces
                                                   : header->kind != hello_kind::introduces;
  if (!expected)
    return fail(refusal::not_maze, errc::malformed, "its hello is of the wrong kind");
  kind_ = header->kind;
  wanted_ += header->length;
  stage_ = stage::reads_body;
}

void handshake::body_read() {
  const std::string_view body(in_.data() + hello_header_size, wanted_ - hello_header_size);
  if (side_ == tls_side::accepts)
    answer(body);
  else
    heard(body);
}

std::optional<node_identity> handshake::certified() const {
  return certified_ ? std::optional(certified_->who) : std::nullopt;
}

void handshake::answer(std::string_view body) {
  auto theirs = judge_hello(body, {.own = settings_.own,
                                   .certified = certified(),
                                   .control = settings_.control,
                                   .bulk = settings_.bulk});
  if (!theirs) {
    fault_ = std::move(theirs.error());
    refused_ = true;
    return say(encode_refusal(fault_.what));
  }
  auto own = settings_.own;
  own.purpose = theirs->purpose;
  if (own.purpose == plane::control) {
    const auto fresh = make_ticket();
    if (!fresh)
      return fail(refusal::internal, fresh.error().code, fresh.error().message);
    own.ticket = ticket_ = *fresh;
  }
  peer_ = std::move(*theirs);
  say(encode_hello(own, hello_kind::accepts));
}

void handshake::heard(std::string_view body) {
  if (kind_ == hello_kind::refuses) {
    const auto why = decode_refusal(body);
    return why ? fail(refusal::hung_up, why->code, "it refused the connection: " + why->message)
               : fail(refusal::not_maze, errc::malformed, why.error().message);
  }
  const bool control = settings_.own.purpose == plane::control;
  auto theirs = judge_hello(
      body, {.own = settings_.own, .certified = certified(), .control = control, .bulk = !control});
  if (!theirs) {
    fault_ = std::move(theirs.error());
    stage_ = stage::failed;
    return;
  }
  peer_ = std::move(*theirs);
  ticket_ = peer_->ticket;
  stage_ = stage::done;
}

void handshake::fail(refusal why, core::errc code, std::string text) {
  fault_ = {.why = why, .what = {.code = code, .message = std::move(text)}};
  stage_ = stage::failed;
}

void handshake::fail_broken(const transfer& how) {
  if (how.state == progress::ended || how.number != 0)
    return fail(refusal::hung_up, errc::transfer_error,
                fmt::format("it closed the connection in the middle of the handshake ({})",
                            how.number != 0 ? errno_error("socket", how.number).message
                                            : std::string("end of the stream")));
  auto why = explain_tls_failure(certificate_fault_);
  fail(why.certificate ? refusal::certificate : refusal::not_tls,
       why.certificate ? errc::permission_denied : errc::malformed, std::move(why.text));
}

connection handshake::take() {
  if (bytes_.ssl() != nullptr)
    tls_context::forget_fault(*bytes_.ssl());
  peer_identity who{
      .who = peer_->who, .certified = certified_.has_value(), .address = std::move(address_)};
  if (certified_)
    who.permitted = certified_->permitted;
  return {.bytes = stream(std::move(bytes_), std::move(who)),
          .peer = std::move(*peer_),
          .ticket = ticket_};
}

} // namespace maze::io
