#pragma once

#include "maze/io/files.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maze::sandbox::enter {

/// The socket that `maze-enter door` opens in a folder.
inline constexpr const char* name_of_door = "door";

/// The first byte of a packet on the line (a socket of the kind SOCK_SEQPACKET) between a node and the first process of a container
/// that stays.
enum class word : char {
  /// To the container, from `maze-enter pass`: a task, with the descriptors that it begins with.
  task = 't',
  /// To the container: answer when no task runs any more.
  ask = 'a',
  /// From the container: no task runs. The first one says that it is there.
  idle = 'i',
};

/// What comes with `word::task`. Its descriptors are, in this order: `line_fd` … `report_fd`, then the folder's mount where there is one, then
/// what the task inherits.
struct task_packet {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  /// Whether the task has a folder of its own: a detached mount of it comes along.
  bool folder = false;

  friend bool operator==(const task_packet&, const task_packet&) = default;
};

/// A stream socket: the number of a signal as a byte for the task, or the task's exit status as a byte for whoever waits.
constexpr std::size_t line_fd = 0;
/// Where its `block` comes from, and whose end is the end of the task.
constexpr std::size_t input_fd = 1;
constexpr std::size_t output_fd = 2;
constexpr std::size_t error_fd = 3;
constexpr std::size_t report_fd = 4;
/// The folder's mount, or else the first that is inherited.
constexpr std::size_t further_fds = 5;

std::string encode(const task_packet& x);
/// Nothing for what `encode` did not make.
std::optional<task_packet> decode_task(std::string_view bytes);

/// Sends one packet, with copies of `fds`; false, with errno set, where that failed.
bool send_packet(int line, std::string_view bytes, std::span<const int> fds = {});

struct packet {
  /// Empty: the other end is gone.
  std::string bytes;
  std::vector<io::unique_fd> fds;
};
/// Waits for the next packet, and has its descriptors closed on exec. Nothing, with errno set, where that failed.
std::optional<packet> receive_packet(int line);

} // namespace maze::sandbox::enter
