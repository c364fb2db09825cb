#include "maze/actors/log_reader.hpp"

#include "maze/actors/errors.hpp"
#include "maze/core/reference.hpp"
#include "maze/core/run_name.hpp"
#include "maze/io/files.hpp"
#include "maze/io/folders.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::actors {

log_piece piece_of(std::string bytes, std::uint64_t offset, bool last,
                   const io::redactor& secrets) {
  const bool hide = !secrets.empty();
  if (hide && !last)
    if (const auto end = bytes.rfind('\n');
        end != std::string::npos || bytes.size() < log_piece_max)
      bytes.resize(end == std::string::npos ? 0 : end + 1);
  log_piece out{.bytes = {}, .next = offset + bytes.size(), .ended = last};
  out.bytes = hide ? secrets.redact(bytes) : std::move(bytes);
  return out;
}

std::filesystem::path log_path(const std::filesystem::path& runs_root, core::run_id run,
                               const std::string& task, std::uint32_t number, log_stream stream) {
  return runs_root / core::to_string(run) / "logs"
         / fmt::format("{}.{}.{}", task, number,
                       stream == log_stream::standard_output ? "out" : "err");
}

core::result<log_piece> read_kept_log(const std::filesystem::path& runs_root,
                                      const read_log& wanted, const io::redactor& secrets) {
  if (!core::is_name(wanted.task))
    return core::fail(core::errc::invalid_argument, "a log is asked for under no task's name",
                      "logs");
  const auto path = log_path(runs_root, wanted.run, wanted.task, wanted.number, wanted.stream);
  // The folder may be one that a task can write to, so a link there is not followed.
  const io::unique_fd file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat info {};
  if (!file && errno != ENOENT)
    return core::fail(io::errno_error(fmt::format("open {}", path.native()), errno));
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return core::fail(core::errc::not_found, fmt::format("there is no log {}", path.native()),
                      "logs");
  std::string bytes(log_piece_max, '\0');
  const auto count =
      ::pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(wanted.offset));
  if (count < 0)
    return core::fail(io::errno_error(fmt::format("read {}", path.native()), errno));
  bytes.resize(static_cast<std::size_t>(count));
  const bool last = wanted.offset + bytes.size() >= static_cast<std::uint64_t>(info.st_size);
  return piece_of(std::move(bytes), wanted.offset, last, secrets);
}

log_actor::behavior_type log_reader_state::make_behavior(std::filesystem::path runs_root,
                                                         std::shared_ptr<io::log> log) {
  runs_root_ = std::move(runs_root);
  log_ = std::move(log);
  return {
      [this](const read_log& msg) -> caf::result<log_piece> {
        auto kept = read_kept_log(runs_root_, msg, log_->secrets());
        if (!kept)
          return to_caf(kept.error());
        return std::move(*kept);
      },
      [this](const drop_logs& msg) {
        for (const core::run_id run : msg.runs)
          if (auto gone = io::remove_tree(AT_FDCWD, runs_root_ / core::to_string(run)); !gone)
            log_->event(io::log_level::warning, "the logs of a forgotten run stay",
                        {{"reason", core::describe(gone.error())}});
      },
  };
}

log_actor::behavior_type log_reader(log_actor::stateful_pointer<log_reader_state> self,
                                    std::filesystem::path runs_root, std::shared_ptr<io::log> log) {
  return self->state.make_behavior(std::move(runs_root), std::move(log));
}

} // namespace maze::actors
