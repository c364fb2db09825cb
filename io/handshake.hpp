#pragma once

#include "maze/core/result.hpp"
#include "maze/io/hello.hpp"
#include "maze/io/stream.hpp"
#include "maze/io/tls.hpp"
#include "maze/io/transport.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace maze::io {

/// What a handshake waits for.
enum class handshake_step : std::uint8_t { wants_read = 1, wants_write = 2, done = 3, failed = 4 };

struct handshake_settings {
  /// What this end says of itself; as the accepting side it answers with the plane it was asked for.
  hello own;
  /// Needed for TCP; a UNIX socket gets plain bytes, its caller has checked the peer's user.
  const tls_context* tls = nullptr;
  /// What the accepting side serves.
  bool control = true;
  bool bulk = true;
};

/// One end's way from a fresh socket to an authenticated stream: TLS where there is a context, then
/// the two hellos. Never waits; takes a bounded amount of memory whatever the peer sends, and reads
/// no byte behind the peer's hello.
///
/// @note Not thread-safe. The settings must outlive it.
class handshake {
public:
  /// `fd` must be non-blocking; `address` names the peer in messages. Fails when TLS cannot start.
  static core::result<std::unique_ptr<handshake>>
  start(unique_fd fd, tls_side side, const handshake_settings& settings, std::string address);
  handshake(const handshake&) = delete;
  handshake& operator=(const handshake&) = delete;
  ~handshake();

  /// Goes on as far as the socket allows. `done` and `failed` are for good.
  handshake_step advance();
  /// After `done`.
  connection take();
  /// After `failed`.
  [[nodiscard]] const hello_fault& fault() const noexcept { return fault_; }
  [[nodiscard]] int fd() const noexcept { return bytes_.fd(); }
  [[nodiscard]] const std::string& address() const noexcept { return address_; }
  /// What it has come to, for the message of a deadline that passed.
  [[nodiscard]] std::string_view stage_text() const noexcept;

private:
  enum class stage : std::uint8_t { tls, writes, reads_header, reads_body, done, failed };

  handshake(tls_side side, const handshake_settings& settings, std::string address)
      : side_(side), settings_(settings), address_(std::move(address)) {}
  std::optional<handshake_step> step();
  std::optional<handshake_step> shake_hands();
  std::optional<handshake_step> write();
  std::optional<handshake_step> read();
  void header_read();
  void body_read();
  /// Whom the peer's certificate names.
  [[nodiscard]] std::optional<node_identity> certified() const;
  void answer(std::string_view body);
  void heard(std::string_view body);
  void say(std::string frame);
  void fail(refusal why, core::errc code, std::string text);
  void fail_broken(const transfer& how);

  tls_side side_;
  const handshake_settings& settings_;
  std::string address_;
  /// Before bytes_, whose session refers to it.
  std::string certificate_fault_;
  transport bytes_;
  stage stage_ = stage::tls;
  std::optional<certified_identity> certified_;
  core::session_ticket ticket_;
  std::string out_;
  std::array<char, hello_header_size + hello_body_max> in_{};
  std::size_t wanted_ = 0;
  std::size_t got_ = 0;
  hello_kind kind_ = hello_kind::introduces;
  std::optional<hello> peer_;
  /// A refusal that is on its way to the peer; the handshake fails once it is out.
  bool refused_ = false;
  hello_fault fault_;
};

} // namespace maze::io
