#pragma once

#include "maze/actors/local_node.hpp"
#include "maze/core/result.hpp"
#include "maze/io/files.hpp"
#include "maze/io/gpu_devices.hpp"
#include "maze/io/log.hpp"
#include "node/process_limits.hpp"
#include "node/settings.hpp"
#include "node/user_range.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

namespace maze::node {

/// The folder of one private node below the state folder; removed at the end unless it is kept.
/// Making one also removes those that killed processes left behind; it lives as long as a lock on its
/// file `owner` is held.
class private_folder {
public:
  static core::result<private_folder> make(const std::filesystem::path& state, bool keep);
  private_folder(private_folder&& other) noexcept;
  private_folder& operator=(private_folder&&) = delete;
  ~private_folder();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
  private_folder(std::filesystem::path path, bool keep) : path_(std::move(path)), keep_(keep) {}

  std::filesystem::path path_;
  io::unique_fd owner_;
  bool keep_ = false;
};

/// How long a node that was told to end waits for what it runs.
inline constexpr std::chrono::seconds drain_patience{10};

/// Removes the folder of a node that lives no longer or is about to end, the folders in it included that
/// overlays leave without any permission.
void remove_node_folder(const std::filesystem::path& folder);

/// Cores and memory of this machine that the process may use.
core::resources machine_resources();

/// What a node offers to tasks.
struct machine_offer {
  core::resources total;
  /// As many as `total` says.
  io::gpu_devices gpus{};
  /// What may be meant otherwise, in a sentence; empty for nothing.
  std::string doubt{};
};

/// What a node with these settings offers: all that the process may use, but for what they say. Fails with
/// `invalid_argument` where they want more GPUs than CUDA_VISIBLE_DEVICES of this process names.
core::result<machine_offer> offer_of(const settings& values);

/// Says on standard error what is doubtful about that offer; fails as `offer_of` does.
core::result<void> check_offer(const settings& values);

/// The log that `values` ask for; by default a file in `folder`.
core::result<std::shared_ptr<io::log>> open_log(const settings& values,
                                                const std::filesystem::path& folder);

/// How many tasks a node with these settings runs at once when each needs a core.
std::uint32_t tasks_at_once(const settings& values);

/// The folder that says which images made of archives are used; absolute.
std::filesystem::path images_of(const settings& values);

/// The user ids of a node's children, where `values` want such.
core::result<std::optional<user_range>> claim_users(const settings& values);

/// A node in `folder` that offers what `values` say. Fails as `offer_of` does.
/// @param limits  Of this process before the node changed them: its children get them.
/// @param users  Must be held as long as the node lives.
core::result<actors::node_settings> node_settings_of(const settings& values,
                                                     const process_limits& limits,
                                                     const std::filesystem::path& folder,
                                                     const std::optional<user_range>& users);

} // namespace maze::node
