#pragma once

#include "maze/actors/protocol/log_actor.hpp"
#include "maze/core/result.hpp"
#include "maze/io/log.hpp"

#include <caf/stateful_actor.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace maze::actors {

/// A piece without secrets. Where there are any to hide, it ends with a line, unless the stream or the
/// room for it does: a secret that has only half arrived would not be found.
/// @param last  No byte follows in this stream.
log_piece piece_of(std::string bytes, std::uint64_t offset, bool last, const io::redactor& secrets);

/// The file that holds a stream of an attempt which printed much or failed.
std::filesystem::path log_path(const std::filesystem::path& runs_root, core::run_id run,
                               const std::string& task, std::uint32_t number, log_stream stream);

/// A piece of that file. Fails with `not_found` where there is none. Blocks on disk.
core::result<log_piece> read_kept_log(const std::filesystem::path& runs_root,
                                      const read_log& wanted, const io::redactor& secrets);

class log_reader_state {
public:
  static constexpr const char* name = "log_reader";

  explicit log_reader_state(log_actor::stateful_pointer<log_reader_state> self) : self_(self) {}

  log_actor::behavior_type make_behavior(std::filesystem::path runs_root,
                                         std::shared_ptr<io::log> log);

private:
  log_actor::stateful_pointer<log_reader_state> self_;
  std::filesystem::path runs_root_;
  std::shared_ptr<io::log> log_;
};

/// Detached: it blocks on disk. Reads what attempts that ended have left in their logs.
log_actor::behavior_type log_reader(log_actor::stateful_pointer<log_reader_state> self,
                                    std::filesystem::path runs_root, std::shared_ptr<io::log> log);

} // namespace maze::actors
