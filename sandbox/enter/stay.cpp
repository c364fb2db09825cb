#include "maze/sandbox/enter/stay.hpp"

#include "maze/io/files.hpp"
#include "maze/sandbox/enter/room.hpp"
#include "maze/sandbox/enter/supervise.hpp"
#include "maze/sandbox/enter_packet.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

namespace maze::sandbox::enter {

namespace {

/// Beyond what comes with a packet, so that those descriptors have the lowest numbers.
constexpr int line_number_min = 512;

/// Runs one task, and says through its line how it ended.
void serve(packet& order, const std::string& folders, unsigned long long temporary,
           const std::vector<std::string>& shown) {
  const auto who = decode_task(order.bytes);
  const std::size_t first = further_fds + (who && who->folder ? 1U : 0U);
  if (!who || order.fds.size() < first)
    return;
  const auto fd = [&order](std::size_t index) { return order.fds[index].get(); };
  auto how = read_block(fd(input_fd));
  // The node took its word back, and nobody waits.
  if (!how || how->argv.empty())
    return;
  how->report = fd(report_fd);
  std::vector<int> inherited;
  for (std::size_t i = first; i < order.fds.size(); ++i)
    inherited.push_back(fd(i));
  const room own{.uid = who->uid,
                 .gid = who->gid,
                 .output = fd(output_fd),
                 .error = fd(error_fd),
                 .folder = who->folder ? fd(further_fds) : -1,
                 .path = how->working_directory,
                 .folders = folders,
                 .temporary = temporary,
                 .shown = shown,
                 .inherited = inherited};
  const auto status = static_cast<unsigned char>(supervise(
      *how,
      {.input = fd(input_fd), .line = fd(line_fd), .furnish = [&own] { return move_into(own); }}));
  static_cast<void>(::write(fd(line_fd), &status, sizeof status));
}

} // namespace

int stay(int line, const char* folder, unsigned long long temporary,
         const std::vector<std::string>& shown) {
  // Tasks have another user, and yet: nothing of this process is for them to read.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const io::unique_fd own(::fcntl(line, F_DUPFD_CLOEXEC, line_number_min));
  ::close(line);
  const auto say = [&own](word x) {
    const char byte = static_cast<char>(x);
    return send_packet(own.get(), {&byte, 1});
  };
  if (!own || !say(word::idle))
    return cannot_begin;
  for (;;) {
    auto order = receive_packet(own.get());
    if (!order)
      return cannot_begin;
    if (order->bytes.empty())
      return 0;
    if (order->bytes.front() == static_cast<char>(word::task))
      serve(*order, folder, temporary, shown);
    else if (!say(word::idle))
      return 0;
  }
}

} // namespace maze::sandbox::enter
