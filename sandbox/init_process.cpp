#include "maze/sandbox/init_process.hpp"

#include "maze/sandbox/init_protocol.hpp"

// Without the first, Boost.Process 1.81 declares use_vfork and leaves its body out.
#define BOOST_POSIX_HAS_VFORK 1
#define BOOST_PROCESS_USE_STD_FS 1
#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/error.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/io.hpp>
#include <boost/process/posix.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <vector>

namespace maze::sandbox {

namespace bp = boost::process;

struct init_process::process {
  bp::child child;
};

init_process::init_process() = default;
init_process::init_process(init_process&&) noexcept = default;
init_process& init_process::operator=(init_process&&) noexcept = default;

init_process::~init_process() {
  // Boost would kill a child that still runs; this one must finish killing its own.
  if (process_)
    process_->child.detach();
}

int init_process::pid() const { return process_->child.id(); }

void init_process::wait() {
  std::error_code ignored;
  process_->child.wait(ignored);
}

core::result<init_process> init_process::start(const std::filesystem::path& executable,
                                               std::optional<std::uint64_t> open_files,
                                               const std::filesystem::path& scratch) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return core::fail(io::errno_error("socketpair for maze-init", errno));
  init_process made;
  made.socket_.reset(ends[0]);
  const io::unique_fd theirs(ends[1]);
  // dup2 onto itself would keep close-on-exec set, so the source must not be the target.
  const io::unique_fd source(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, protocol::socket_fd + 1));
  if (!source)
    return core::fail(io::errno_error("duplicate the socket for maze-init", errno));
  rlimit files{};
  const bool limited = open_files && ::getrlimit(RLIMIT_NOFILE, &files) == 0;
  if (limited)
    files.rlim_cur = std::min<rlim_t>(*open_files, files.rlim_max);
  std::vector<std::string> words;
  if (!scratch.empty())
    words.push_back(scratch.native());
  std::error_code failed;
  bp::child child(
      bp::exe = executable.native(), bp::args = words,
      bp::posix::fd.bind(protocol::socket_fd, source.get()),
      bp::std_in<bp::null, bp::std_out> bp::null,
      bp::extend::on_exec_setup =
          [&](auto&) {
            if (limited)
              ::setrlimit(RLIMIT_NOFILE, &files);
          },
// ThreadSanitizer makes a fork of vfork; its child's news of a failed start would be lost.
#ifndef __SANITIZE_THREAD__
      bp::posix::use_vfork,
#endif
      failed);
  if (failed)
    return core::fail(io::errno_error(
        fmt::format("start {} (maze-init comes with maze: build or install it again)",
                    executable.native()),
        failed.value()));
  made.process_ = std::make_unique<process>(process{std::move(child)});
  return made;
}

core::result<std::filesystem::path> init_executable_of(const std::filesystem::path& program,
                                                       const std::filesystem::path& installed) {
  const auto folder = program.parent_path();
  const auto beside = folder / "maze-init";
  const auto apart = (folder / installed).lexically_normal();
  for (const auto& candidate : {beside, apart}) {
    std::error_code unreadable;
    if (std::filesystem::is_regular_file(candidate, unreadable))
      return candidate;
  }
  return core::fail(core::errc::not_found,
                    fmt::format("maze-init is neither {} nor {}: build or install maze again",
                                beside.native(), apart.native()));
}

core::result<std::filesystem::path> default_init_executable() {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed)
    return core::fail(io::errno_error("read the link /proc/self/exe", failed.value()));
  return init_executable_of(self, MAZE_INIT_INSTALLED);
}

} // namespace maze::sandbox
