#pragma once

#include "maze/actors/host_programs.hpp"
#include "maze/core/call_plan.hpp"
#include "maze/core/digest.hpp"
#include "maze/core/function_check.hpp"
#include "maze/core/library.hpp"
#include "maze/core/result.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/log.hpp"
#include "maze/io/trusted_code.hpp"
#include "maze/sandbox/launcher.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

namespace maze::actors {

/// How code is loaded to be looked at.
enum class code_reading : std::uint8_t {
  /// As most tasks would load it: for code of somebody who may have commands run.
  plain = 1,
  /// At level seccomp, without a network: for code of everybody else.
  sealed = 2,
};

/// What task libraries say of themselves. A library is code of somebody else's: it is loaded once, in a
/// sandboxed child, and never here.
///
/// @note Thread-safe. Blocks while a child reads a library that nobody has asked for before.
class library_catalogue {
public:
  struct options {
    host_programs programs;
    /// Whom a library is read as; empty: as this process.
    std::optional<sandbox::child_user> user;
    /// Told of what is odd about a library, once for each; may be null.
    std::shared_ptr<io::log> log;
    /// All that may be loaded of what is handed in; null: anything.
    std::shared_ptr<const io::trusted_code> trusted;
    /// What every child here gets at least.
    core::sandbox_level level_min = core::sandbox_level::none;
    /// How long the reading may take, in wall-clock and in CPU time: what a library does when it is
    /// loaded belongs to nobody's task.
    std::chrono::seconds patience{10};
  };

  library_catalogue(std::shared_ptr<sandbox::launcher> launcher,
                    std::shared_ptr<io::blob_store> blobs, options settings)
      : launcher_(std::move(launcher)), blobs_(std::move(blobs)), options_(std::move(settings)) {}

  /// `name` is for the error: `object_lost` where the store lacks the library, `unsupported_operation` for
  /// another version of the interface, `invalid_payload` for what is no task library or did not survive being
  /// loaded, with the reason and the end of its standard error.
  core::result<std::shared_ptr<const core::library_description>>
  describe(const std::string& name, const core::digest& hash,
           code_reading how = code_reading::plain);

  /// The same of the Python functions of a file, which is executed for that in a child, in its own folder and by this process's
  /// user: a person asks for a file of theirs. Nothing is remembered. Fails with `invalid_payload`.
  /// @param printed  where it is not null: what the file printed to standard error.
  core::result<core::library_description> describe_python(const std::filesystem::path& file,
                                                          std::string* printed = nullptr) const;

  /// Judges the functions among `tasks` by what the libraries of their run say, and completes them: see
  /// `core::check_functions` and `core::complete_functions`, whose errors it has beside those of `describe` and `check_trusted`.
  core::result<void> settle(std::span<core::task_spec> tasks, const core::library_refs& libraries,
                            const core::context_map& context,
                            code_reading how = code_reading::plain);
  /// Whether every function of `plan` is there; `untrusted_function` where one is not.
  core::result<void> check(const core::call_plan& plan, const core::library_refs& libraries,
                           code_reading how = code_reading::plain);

private:
  using description = std::shared_ptr<const core::library_description>;

  [[nodiscard]] bool is_known(const core::digest& hash);
  /// Fails as `check_trusted` before it loads any of them.
  core::result<core::library_descriptions> describe_all(const core::library_refs& libraries,
                                                        code_reading how);
  core::result<description> read(const std::string& name, const core::digest& hash,
                                 code_reading how) const;
  /// What a child says that reads what `name` calls a library or a file. It gets what `request` says, and a file for its answer.
  core::result<core::library_description> ask_child(sandbox::launch_request request,
                                                    const std::string& name,
                                                    std::string* printed = nullptr) const;

  std::shared_ptr<sandbox::launcher> launcher_;
  std::shared_ptr<io::blob_store> blobs_;
  options options_;
  /// Guards `known_`.
  std::mutex mutex_;
  std::map<core::digest, description> known_;
};

} // namespace maze::actors
