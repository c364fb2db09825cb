#pragma once

#include "maze/actors/node_home.hpp"
#include "maze/actors/protocol/master_actor.hpp"
#include "maze/actors/transport.hpp"
#include "maze/core/resources.hpp"
#include "maze/core/result.hpp"
#include "maze/io/blob_store.hpp"
#include "maze/io/log.hpp"
#include "maze/sandbox/launcher.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace caf {
class actor_system;
}

namespace maze::actors {

/// One process that is master and worker node at once: the composition root of all actors.
///
/// @note Made, used and destroyed by one thread that is no actor.
class local_node {
public:
  /// Fails with `already_exists` when another process holds `folder`, with `permission_denied` when
  /// children under other users could not reach it, else with what went wrong on the way.
  static core::result<std::unique_ptr<local_node>> start(const node_settings& settings,
                                                         std::shared_ptr<io::log> log);
  /// Stops all children, lets every actor end.
  ~local_node();

  [[nodiscard]] caf::actor_system& system() noexcept;
  [[nodiscard]] const master_actor& master() const noexcept;
  /// Lets a client in whose stream has been authenticated; `peer` as `inbound_door` has it. Its messages bear the ticket of the
  /// socket, and it may hand in what `whose` says.
  /// @pre The settings have `serves`; the socket has a ticket. @note Thread-safe.
  void admit_client(authenticated_socket socket, const std::string& peer, principal whose);
  /// The same for a worker node.
  void admit_worker(authenticated_socket socket, const std::string& peer, principal whose);
  /// Tells every worker node to end, and waits until each has heard it or `patience` is over.
  void dismiss_workers(std::chrono::milliseconds patience);
  /// A run's document as worker nodes ask for it. Thread-safe; blocks; `not_found` for a run that is not
  /// live.
  [[nodiscard]] core::result<std::shared_ptr<const std::string>>
  run_document(std::string_view name) const;
  [[nodiscard]] io::blob_store& blobs() noexcept;
  [[nodiscard]] const std::shared_ptr<io::blob_store>& shared_blobs() const noexcept;
  /// What task libraries in the store say of themselves. Thread-safe.
  [[nodiscard]] library_catalogue& libraries() noexcept;
  [[nodiscard]] const std::filesystem::path& folder() const noexcept;
  [[nodiscard]] const sandbox::capabilities& can() const noexcept;

  /// Stops what runs, with grace, gives up what is being hashed, and takes nothing new.
  /// @returns whether no child lives any more and nothing of an attempt is at work; false when that
  /// takes longer than `patience`.
  bool drain(std::chrono::milliseconds patience);

private:
  struct data;
  explicit local_node(std::unique_ptr<data> state);
  std::unique_ptr<data> data_;
};

} // namespace maze::actors
