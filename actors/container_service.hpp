#pragma once

#include "maze/actors/container_pool.hpp"
#include "maze/actors/container_words.hpp"
#include "maze/actors/host_programs.hpp"
#include "maze/core/result.hpp"
#include "maze/io/files.hpp"
#include "maze/sandbox/container_command.hpp"
#include "maze/sandbox/container_engine.hpp"
#include "maze/sandbox/image_script.hpp"
#include "maze/sandbox/launcher.hpp"
#include "maze/sandbox/syscalls.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace maze::actors {

/// Has children of level container begin in containers of this node's engine.
///
/// @note Thread-safe.
class container_service : public std::enable_shared_from_this<container_service> {
public:
  struct options {
    /// Where the first process of a container is found.
    std::filesystem::path enter;
    /// How archives become images.
    sandbox::image_import images;
    host_programs programs;
    /// Which node the containers belong to, by its folder: none of them outlives it for long. `arriving` in it holds what is fetched.
    std::string owner;
    /// Of the containers that stay.
    container_pool::options pool{};
  };

  /// @param launcher  starts the engine's own program; its context writes what children begin with
  container_service(sandbox::container_engine engine, std::shared_ptr<sandbox::launcher> launcher,
                    boost::asio::io_context& context, options settings);
  /// Removes the containers that are left, which takes a moment.
  ~container_service();
  container_service(const container_service&) = delete;
  container_service& operator=(const container_service&) = delete;

  /// Whether its containers see what is mounted for a child alone: docker's are started by a daemon.
  [[nodiscard]] bool sees_mounts() const noexcept {
    return engine_.kind == sandbox::engine_kind::podman;
  }
  /// As `launcher::launch`, of a child of level container, which the engine's program runs: that one is the launcher's child. Its working
  /// directory, where it has one of its own, is shown to it at the same path. An image that the engine lacks is fetched first,
  /// in the child's time. With `sandbox.reuse`, a tenant and a user of its own it runs in a container that stays. Errors are those of `sandbox::image_of` and `sandbox::run_command`, and `unsupported_operation` for what no container can
  /// have.
  core::result<sandbox::launch_id> launch(sandbox::launch_request request,
                                          sandbox::launcher::completion done);
  /// No child of `tenant` is launched any more: none of its containers stays for others.
  void dismiss(const std::string& tenant) { pool_->dismiss_all(tenant); }
  /// What stands around a child of `request` while it runs.
  [[nodiscard]] static core::isolation isolation_of(const sandbox::launch_request& request);

private:
  using shared_fd = std::shared_ptr<const io::unique_fd>;
  /// A child in a container, as long as its node wants it.
  struct contained_child {
    std::string name;
    std::string image;
    /// What runs in it.
    std::string program;
    /// Its first process ends when the last one lets go of this.
    std::shared_ptr<void> hold;
    /// Where it leaves how it ended.
    shared_fd report;
    core::isolation isolation;
    /// The container that stays; null: it has one of its own.
    container_pool::lease standing;
  };
  /// What a child begins with inside.
  struct inside {
    container_words words;
    std::string filter;
  };

  /// Takes the words of `request`.
  core::result<inside> prepare(sandbox::launch_request& request);
  /// Turns `request` into one for the engine's program.
  core::result<contained_child> contain(sandbox::launch_request& request);
  /// Turns `request` into one for what passes it on to a container that stays.
  core::result<contained_child> pass_on(sandbox::launch_request& request);
  /// Begins a container that stays.
  core::result<container_pool::beginning> begin_standing(sandbox::container_start start,
                                                         const shared_fd& line);
  /// Where its image lies while it is fetched.
  [[nodiscard]] std::filesystem::path scratch_of(const std::string& container) const;
  /// Puts what the container's first process said into the report of the engine's program, and has the container removed where
  /// that may not have happened.
  void finish(const contained_child& child, sandbox::exit_report& report);
  /// The same of a child in a container that stays.
  /// @param gone  how that ended; null: it has not
  void finish_passed(const contained_child& child, const sandbox::exit_report* gone,
                     sandbox::exit_report& report);
  /// What becomes of a container that stayed.
  void end_standing(const std::string& name, const std::string& image,
                    const sandbox::exit_report& report);
  /// The script that runs it, under a name of its own; `input` is the descriptor that becomes its standard input, none: -1.
  core::result<std::vector<std::string>> command_of(sandbox::container_start& start, int input);
  /// The control group above those of all containers.
  [[nodiscard]] std::string group() const { return prefix_ + "groups"; }
  void remove(const std::string& container);
  void run_script(std::string script);

  const sandbox::container_engine engine_;
  const std::shared_ptr<sandbox::launcher> launcher_;
  boost::asio::io_context& context_;
  const options settings_;
  sandbox::syscall_filters filters_;
  const std::shared_ptr<container_pool> pool_;
  /// How the names of this node's containers begin.
  const std::string prefix_;

  /// Guards the rest.
  std::mutex mutex_;
  bool swept_ = false;
  std::uint64_t last_ = 0;
  /// Images that the engine has.
  std::set<std::string> ready_;
};

/// Starts a child, in a container where its level asks for one. Fails with `unsupported_operation` where that needs `containers` and they are null, else as
/// `container_service::launch`; a child of another level always has its completion called.
core::result<sandbox::launch_id> launch_child(sandbox::launcher& launcher,
                                              const std::shared_ptr<container_service>& containers,
                                              sandbox::launch_request request,
                                              sandbox::launcher::completion done);

} // namespace maze::actors
