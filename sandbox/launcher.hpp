#pragma once

#include "maze/core/isolation.hpp"
#include "maze/core/result.hpp"
#include "maze/core/sandbox_spec.hpp"
#include "maze/io/files.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace maze::sandbox {

class file_watch;

/// Who the child is. Needs a node that is root; the overlay's lower files then appear as this user's.
struct child_user {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

/// An overlay to mount in the child's own mount namespace before it starts.
struct overlay_mount {
  /// Uppermost first.
  std::vector<std::filesystem::path> lower;
  std::filesystem::path upper;
  std::filesystem::path work;
  std::filesystem::path mount_point;
  /// As whose its lower files appear where that is not the child: what runs in its place is the node's.
  std::optional<child_user> owner{};
};

/// How much of one output stream is kept.
struct capture_limits {
  /// Bytes that the finished report carries, from the start of the stream.
  std::size_t report_max = std::size_t{64} << 10;
  /// Bytes that the log file keeps: half from the head, half from the tail.
  std::size_t log_max = std::size_t{10} << 20;
  /// Where the log goes when the stream is longer than `report_max`; empty: nowhere.
  std::filesystem::path log_file;
};

/// The archive of an image that came to this node.
struct image_archive {
  std::filesystem::path path;
  /// Another one for each content: letters, digits and dashes.
  std::string version;
};

using launch_id = std::uint64_t;

struct launch_request {
  std::vector<std::string> argv;
  /// `NAME=value`, the whole environment.
  std::vector<std::string> environment;
  /// Where the child starts, after the overlay is mounted.
  std::filesystem::path working_directory;
  /// Starts only when this child's whole tree is gone, without a word from here; at once when it is
  /// gone already or was never known.
  std::optional<launch_id> after;
  std::optional<overlay_mount> overlay;
  std::optional<child_user> user;
  core::sandbox_spec sandbox;
  int nice = 5;
  int oom_score_adj = 500;
  capture_limits standard_output;
  capture_limits standard_error;
  /// Further descriptors of the child: 3, 4 and so on. At most `inherited_max`. The launcher lets go of them
  /// once maze-init has them.
  std::vector<std::shared_ptr<const io::unique_fd>> inherited;
  /// At level container, what `sandbox.image` stands for where it came with the run.
  std::optional<image_archive> archive;
  /// At level container with `sandbox.reuse`, who shares containers: only children with the same word here do; empty: nobody.
  std::string tenant;
  /// Learns what the child does with the files that it sees at first; prepared for that. Null: nobody wants to know.
  std::shared_ptr<file_watch> watch;
};
constexpr std::size_t inherited_max = 16;

/// What one output stream held.
struct captured_output {
  /// The first `report_max` bytes.
  std::string text;
  /// All that the child wrote.
  std::uint64_t total = 0;
  /// Whether a log file was written, and whether its middle was cut out.
  bool logged = false;
  bool cut = false;
  /// The last 4 KiB of what `text` does not hold; empty where it holds the whole stream.
  std::string tail;
  /// Why the log file is missing or incomplete; empty: it is neither.
  std::string log_error;
};

enum class exit_cause : std::uint8_t {
  exited = 1,
  signalled = 2,
  wall_limit = 3,
  cpu_limit = 4,
  /// `stop` ended it.
  stopped = 5,
  /// It never started: `failure` tells the stage.
  setup_failed = 6,
  /// maze-init died and took the child with it.
  lost = 7,
  /// `withdraw` came before its start.
  withdrawn = 8,
  /// Its tree had more memory than it may.
  memory_limit = 9,
  /// It made a system call that its sandbox does not allow, and ends for.
  forbidden_call = 10,
};

enum class output_stream : std::uint8_t { standard_output = 1, standard_error = 2 };

/// How a child ended.
struct exit_report {
  exit_cause cause = exit_cause::exited;
  int exit_code = -1;
  int signal = 0;
  /// For `forbidden_call`: how the call is called, and the program that made it, as that calls itself: any bytes. Empty
  /// where a signal took the program out of it before it could be asked.
  std::string syscall;
  std::string program;
  /// It was made as programs of another architecture do.
  bool foreign_syscall = false;
  /// For `setup_failed` and `lost`; origin is `launch:<stage>`.
  core::error failure;
  std::chrono::nanoseconds wall{};
  std::chrono::nanoseconds cpu_user{};
  std::chrono::nanoseconds cpu_system{};
  /// Peak memory in bytes: of the whole tree where a control group held it to a limit, else resident, of its largest
  /// process.
  std::uint64_t memory_peak = 0;
  /// Processes and threads that did not begin because of the limit of a control group.
  std::uint64_t refused_processes = 0;
  /// What was asked for, and what stood; `began` is false where the child never started.
  core::isolation isolation;
  captured_output standard_output;
  captured_output standard_error;
};

/// What this machine lets maze-init do; probed once at its start.
struct capabilities {
  bool user_namespaces = false;
  bool pid_namespaces = false;
  bool overlay = false;
  /// Overlay lower layers can be shown under the child's own uid (idmapped mounts).
  bool idmapped_overlay = false;
  /// The node may give its children other uids.
  bool other_users = false;
  /// Level seccomp, as far as looking tells: `try_level` knows.
  bool sealed = false;
  /// It is had without namespaces: Landlock and the filter stand where they would. No `syscalls` can be added then.
  bool walled = false;
  /// Why not, where it is not.
  core::error sealed_failure;
  /// Version of Landlock, the second wall of level seccomp; 0: there is none.
  int landlock = 0;
  /// Control groups that hold a whole tree to its limits, as far as looking tells.
  bool memory_groups = false;
  bool process_groups = false;
  bool cpu_time_groups = false;
  bool cpu_share_groups = false;
};

/// Client of the node's one resident maze-init, which forks, sets up, supervises and kills all
/// children of the node, and kills every tree when the node dies. A maze-init that dies is started
/// again; its children end as `lost`.
///
/// @note Thread-safe. Completion handlers run on the thread of `context`, which must outlive this.
class launcher {
public:
  struct options {
    /// The maze-init executable; empty: the one that came with the running executable.
    std::filesystem::path executable;
    /// Programs of the node's own, and their folders, absolute: sealed children see them too.
    std::vector<std::filesystem::path> programs;
    /// Soft limit of open files that children begin with; empty: this process's own.
    std::optional<std::uint64_t> open_files;
    /// Absolute, where overlays will be mounted: not every file system can be a layer. Empty: where temporary files are.
    std::filesystem::path scratch;
  };
  using completion = std::function<void(exit_report)>;

  static core::result<std::shared_ptr<launcher>> start(boost::asio::io_context& context,
                                                       options settings);
  /// Kills every child and ends maze-init; their completions run or are dropped with the context.
  ~launcher();

  [[nodiscard]] const capabilities& can() const noexcept;
  /// What stands around a child of `request` while it runs: nothing falls back to less, so this is known before.
  [[nodiscard]] core::isolation isolation_of(const launch_request& request) const;
  /// Starts a child. `done` is called exactly once, when every process of its tree is gone and its
  /// output is read to the end, also when it never started.
  launch_id launch(launch_request request, completion done);
  /// What a living child has printed so far, at most `size_max` bytes of it from `offset` on; nothing
  /// for an unknown child. Of a stream longer than its log keeps in front, only that front: the rest
  /// is in order when the child has ended.
  [[nodiscard]] std::optional<std::string> peek(launch_id child, output_stream stream,
                                                std::uint64_t offset, std::size_t size_max) const;
  /// SIGTERM to the tree, SIGKILL after `grace` (0: at once). Unknown ids are ignored; a child that
  /// waits for another one never starts.
  void stop(launch_id child, std::chrono::milliseconds grace);
  /// Ends a child that waits for another one as `withdrawn`. One that has started is left alone.
  void withdraw(launch_id child);

private:
  struct data;
  explicit launcher(std::shared_ptr<data> state);
  std::shared_ptr<data> data_;
};

} // namespace maze::sandbox
