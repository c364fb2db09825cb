#pragma once

#include "maze/core/result.hpp"
#include "maze/io/files.hpp"
#include "maze/sandbox/launcher.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace boost::asio {
class io_context;
}

namespace maze::actors {

/// The containers of a node that stay for several tasks. Each serves one task at a time; whoever has it passes tasks through its line (`sandbox/enter_packet.hpp`).
///
/// @note Thread-safe. Calls back in the thread of its context.
class container_pool : public std::enable_shared_from_this<container_pool> {
public:
  struct options {
    /// How long a container stays without a task.
    std::chrono::milliseconds idle_max = std::chrono::seconds(30);
    /// How many stay without a task, at most.
    std::size_t idle_count_max = 16;
    /// How long a container may take to be without a task once its task is given up.
    std::chrono::milliseconds patience = std::chrono::seconds(10);
  };
  /// A container that one task has; the pool keeps it alive meanwhile.
  struct standing;
  using lease = std::shared_ptr<standing>;
  using shared_fd = std::shared_ptr<const io::unique_fd>;
  /// Makes the request for the engine's program, which gets the container's end of the line as the only descriptor that it inherits, and says what is to happen with the report of its end.
  struct beginning {
    sandbox::launch_request request;
    sandbox::launcher::completion ended;
  };
  using begin_function = std::function<core::result<beginning>(shared_fd inner)>;

  container_pool(boost::asio::io_context& context, std::shared_ptr<sandbox::launcher> launcher,
                 options settings);
  /// As `close`.
  ~container_pool();
  container_pool(const container_pool&) = delete;
  container_pool& operator=(const container_pool&) = delete;

  /// A container of this kind and tenant without a task, or else a new one. Fails as socketpair(2) and `begin` do.
  core::result<lease> take(const std::string& tenant, const std::string& kind,
                           const begin_function& begin);
  /// The node's end of its line.
  [[nodiscard]] static shared_fd line_of(const lease& x);
  /// No more is passed to it. Calls `then` once no process of its task is left: with null, or with the report of a container that has ended.
  /// One that does not come to that, or had not even begun, is ended.
  void give_back(lease x, std::function<void(const sandbox::exit_report*)> then);

  /// Ends those of the tenant that have no task.
  void dismiss_all(const std::string& tenant);
  /// Ends all that have no task. Those that have one end with their launcher.
  void close();

private:
  void watch(const lease& x);
  /// Takes what the container has said. False: it is gone.
  void drain(standing& x);
  void settle(const lease& x);
  void rest(const lease& x);
  /// Ends one without a task as it likes to.
  void dismiss(const lease& x);
  /// Kills it unless it answers, or ends, soon.
  void kill_unless_told(const lease& x);
  void kill(const lease& x);

  boost::asio::io_context& context_;
  const std::shared_ptr<sandbox::launcher> launcher_;
  const options settings_;

  std::mutex mutex_;
  /// Without a task, the longest first.
  std::list<lease> idle_;
};

} // namespace maze::actors
