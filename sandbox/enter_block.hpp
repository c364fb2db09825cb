#pragma once

#include "maze/core/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maze::sandbox::enter {

/// A limit of setrlimit(2), soft and hard.
struct limit {
  std::int32_t resource = 0;
  std::uint64_t value = 0;

  friend bool operator==(const limit&, const limit&) = default;
};

/// How a task begins inside a container. It comes through the standard input of `maze-enter`, so that neither command lines nor
/// an engine's records hold what may be secret.
struct block {
  std::vector<std::string> argv;
  /// `NAME=value`, over the environment of the image.
  std::vector<std::string> environment;
  std::string working_directory;
  std::vector<limit> limits;
  /// CPU time of the whole container, in nanoseconds, after which all of it is killed; 0: no limit.
  std::uint64_t cpu_time = 0;
  /// A program for seccomp(2), which binds the task; empty: the engine's own filter is all.
  std::string filter;
  /// The descriptor where the report goes; -1: nowhere.
  std::int32_t report = -1;

  friend bool operator==(const block&, const block&) = default;
};

/// Bytes of a block, at most: the kernel takes less for a new program.
constexpr std::uint64_t block_size_max = std::uint64_t{16} << 20;
/// The start of a block: a mark, and the bytes that follow.
constexpr std::size_t block_head_size = 12;

std::string encode(const block& x);
/// The bytes that follow this start; nothing where it is none or tells of more than `block_size_max`.
std::optional<std::uint64_t> size_behind(std::string_view head);
/// What follows the start. Nothing for what `encode` did not make.
std::optional<block> decode(std::string_view bytes);

/// How a task in a container ended.
struct report {
  /// It began: else `exit_code` is the error number of what failed, `step`.
  bool began = false;
  /// It ended, and the rest says how. Else that was never told: the container was killed from outside.
  bool ended = false;
  /// `exec`, `chdir`, `limits`, `filter`, …
  std::string step;
  std::int32_t exit_code = 0;
  std::int32_t signal = 0;
  /// It was killed for its CPU time.
  bool cpu_passed = false;
  /// Of the whole container; 0: its control groups do not tell.
  std::uint64_t cpu_time = 0;
  std::uint64_t memory_peak = 0;
  /// Processes killed for memory, and those that did not begin because there were as many as may be.
  std::uint64_t memory_kills = 0;
  std::uint64_t refused_processes = 0;

  friend bool operator==(const report&, const report&) = default;
};

std::string encode(const report& x);
/// Nothing for what `encode` did not make.
std::optional<report> decode_report(std::string_view bytes);

} // namespace maze::sandbox::enter
