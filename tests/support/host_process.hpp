#pragma once

#include "maze/core/call_frames.hpp"
#include "maze/core/error.hpp"
#include "maze/core/value.hpp"
#include "maze/io/files.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace maze::test {

/// A maze-host that a test started as a node does, in stream mode; killed at the end of its life.
class host_process {
public:
  struct options {
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
  };

  /// What it is to say of itself when it is ready.
  static constexpr std::uint64_t token = 0x0123456789abcdef;

  explicit host_process(const options& settings);
  host_process(const host_process&) = delete;
  host_process& operator=(const host_process&) = delete;
  ~host_process();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void send(std::string_view bytes);
  /// The next message; nothing where the stream has ended. Throws for bytes that are no message, and where
  /// nothing comes for 30 s.
  std::optional<std::string> receive();
  /// Nothing more will be sent.
  void close();
  /// The exit status, or 256 + the signal that ended it.
  int wait();
  /// Calls that have begun, as the host counts them.
  [[nodiscard]] std::uint64_t begun() const { return word(0); }
  /// Bytes that it says it has in use.
  [[nodiscard]] std::uint64_t memory() const { return word(1); }
  [[nodiscard]] std::string printed() const;
  [[nodiscard]] std::string complained() const;

private:
  [[nodiscard]] std::uint64_t word(int index) const;

  io::unique_fd socket_;
  io::unique_fd page_;
  io::unique_fd out_;
  io::unique_fd err_;
  core::call_message_reader messages_;
  pid_t pid_ = -1;
};

struct host_result {
  int status = -1;
  /// What lies in the file at descriptor 4.
  std::string answer;
  std::string printed;
  std::string complained;
};

/// Runs a maze-host with `input` as the file at descriptor 3, to its end.
host_result run_host(const host_process::options& settings, std::string_view input);

/// A call for each of `arguments`, of one function, numbered from 1.
struct host_call {
  std::uint32_t function = 0;
  core::value arguments;
};
std::string call_batch(const std::vector<host_call>& calls);

/// One reply, decoded.
struct host_reply {
  std::uint64_t number = 0;
  std::optional<core::value> returned;
  core::error failed;
};
/// Throws where the message is none of replies.
std::vector<host_reply> replies_in(std::string_view message);

} // namespace maze::test
