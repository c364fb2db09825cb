#include "node/private_node.hpp"

#include "maze/io/folders.hpp"
#include "maze/io/journal.hpp"
#include "maze/io/trusted_code.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <iostream>
#include <random>
#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace maze::node {

namespace {

namespace fs = std::filesystem;

/// Waits for the lock on a file, which is made where it is missing.
core::result<io::unique_fd> lock_file(const fs::path& path) {
  io::unique_fd out{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!out)
    return core::fail(io::errno_error(fmt::format("open {}", path.string()), errno));
  while (::flock(out.get(), LOCK_EX) != 0)
    if (errno != EINTR)
      return core::fail(io::errno_error(fmt::format("lock {}", path.string()), errno));
  return out;
}

/// `<pid>-<8 hexadecimal digits>`: whatever else lies beside private folders is not ours to remove.
bool is_private_name(std::string_view name) {
  const auto dash = name.find('-');
  return dash != std::string_view::npos && dash > 0 && name.size() == dash + 9
         && name.substr(0, dash).find_first_not_of("0123456789") == std::string_view::npos
         && name.substr(dash + 1).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Whether the process that made this folder ended without removing it.
/// @pre No folder is being made meanwhile.
bool is_abandoned(const fs::path& folder) {
  std::error_code ignored;
  if (!is_private_name(folder.filename().native()) || fs::exists(folder / "kept", ignored))
    return false;
  const io::unique_fd owner{::open((folder / "owner").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
  return owner ? ::flock(owner.get(), LOCK_EX | LOCK_NB) == 0 : errno == ENOENT;
}

std::vector<fs::path> find_abandoned(const fs::path& private_root) {
  std::vector<fs::path> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(private_root, ignored))
    if (is_abandoned(entry.path()))
      out.push_back(entry.path());
  return out;
}

/// Refuses a state folder below which the journal of a node would have too long a path.
core::result<void> check_length(const fs::path& root, const fs::path& state) {
  // The longest name that a private folder can have: a pid has at most seven digits.
  static const fs::path deepest = fs::path("4194304-01234567") / "journal.sqlite";
  const auto below = (root / deepest).native().size() - fs::absolute(state).native().size();
  const auto allowed = io::journal::path_size_max - below;
  const auto size = fs::absolute(state).native().size();
  if (size <= allowed)
    return {};
  return core::fail(
      core::errc::invalid_argument,
      fmt::format("the path of the state folder has {} bytes, and a journal fits only "
                  "below one of at most {}: choose a shorter --dir",
                  size, allowed));
}

} // namespace

core::result<private_folder> private_folder::make(const fs::path& state, bool keep) {
  const fs::path root = fs::absolute(state) / "private";
  if (auto fits = check_length(root, state); !fits)
    return core::fail(fits.error());
  std::error_code ignored;
  const bool fresh = !fs::exists(state, ignored);
  if (auto made = io::make_folders(root, 0711); !made)
    return core::fail(made.error());
  if (fresh)
    if (auto made = io::make_folders(state, 0711); !made)
      return core::fail(made.error());
  auto making = lock_file(root / "making");
  if (!making)
    return core::fail(making.error());
  const std::vector<fs::path> abandoned = find_abandoned(root);
  std::random_device source;
  private_folder out{root / fmt::format("{}-{:08x}", ::getpid(), source()), keep};
  if (auto made = io::make_folders(out.path(), 0711); !made)
    return core::fail(made.error());
  auto owner = lock_file(out.path() / "owner");
  if (!owner)
    return core::fail(owner.error());
  out.owner_ = std::move(*owner);
  making->reset();
  if (keep)
    if (auto marked = io::replace_file(out.path() / "kept", ""); !marked)
      return core::fail(marked.error());
  for (const fs::path& folder : abandoned)
    remove_node_folder(folder);
  return out;
}

private_folder::private_folder(private_folder&& other) noexcept
    : path_(std::exchange(other.path_, {})), owner_(std::move(other.owner_)), keep_(other.keep_) {}

private_folder::~private_folder() {
  if (!path_.empty() && !keep_)
    remove_node_folder(path_);
}

void remove_node_folder(const fs::path& folder) {
  // What cannot be removed now is removed by the next node.
  static_cast<void>(io::remove_tree(AT_FDCWD, folder));
}

core::resources machine_resources() {
  core::resources out;
  cpu_set_t allowed;
  const int cores = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
  out.cpu_millis = static_cast<std::uint32_t>(cores) * 1000;
  struct sysinfo machine {};
  if (::sysinfo(&machine) == 0)
    out.memory.value = std::uint64_t{machine.totalram} * machine.mem_unit;
  return out;
}

core::result<machine_offer> offer_of(const settings& values) {
  machine_offer out{.total = machine_resources()};
  out.total.cpu_millis = values.cpu_millis.value_or(out.total.cpu_millis);
  out.total.memory = values.memory.value_or(out.total.memory);
  auto gpus = io::offer_gpus(io::gpu_surroundings::of_this_process(), values.gpus);
  if (!gpus)
    return core::fail(gpus.error());
  out.total.gpus = static_cast<std::uint32_t>(gpus->devices.ids.size());
  out.gpus = std::move(gpus->devices);
  out.doubt = std::move(gpus->doubt);
  return out;
}

core::result<void> check_offer(const settings& values) {
  const auto offer = offer_of(values);
  if (!offer)
    return core::fail(offer.error());
  if (!offer->doubt.empty() && !values.quiet)
    std::cerr << "maze-node: warning: " << offer->doubt << '\n';
  return {};
}

core::result<std::shared_ptr<io::log>> open_log(const settings& values, const fs::path& folder) {
  auto opened = io::log::open(
      {.level = values.log_level, .file = values.log_file.value_or(folder / "node.log")});
  if (!opened)
    return core::fail(opened.error());
  return std::shared_ptr<io::log>(std::move(*opened));
}

std::uint32_t tasks_at_once(const settings& values) {
  const auto cores = values.cpu_millis.value_or(machine_resources().cpu_millis) / 1000;
  return std::max<std::uint32_t>(1, std::min(values.jobs.value_or(cores), cores));
}

fs::path images_of(const settings& values) {
  return fs::absolute(values.image_dir.value_or(values.dir / "images"));
}

core::result<std::optional<user_range>> claim_users(const settings& values) {
  if (values.task_user != task_user::slot)
    return std::nullopt;
  // One place for all nodes of the machine, whatever folders they use.
  auto claimed = user_range::claim("/run/maze-users");
  if (!claimed)
    return core::fail(claimed.error());
  return std::optional(std::move(*claimed));
}

core::result<actors::node_settings> node_settings_of(const settings& values,
                                                     const process_limits& limits,
                                                     const fs::path& folder,
                                                     const std::optional<user_range>& users) {
  auto offer = offer_of(values);
  if (!offer)
    return core::fail(offer.error());
  actors::node_settings node{
      .folder = folder, .total = offer->total, .gpus = std::move(offer->gpus)};
  node.labels = values.labels;
  // A connection that is closed is no worse than one on which nothing comes.
  node.link.lease = node.link.reconnect = values.lease;
  node.link.heartbeat = std::min<core::duration>(node.link.heartbeat, values.lease / 5);
  node.children_max = values.jobs;
  node.child_open_files = limits.open_files;
  if (users)
    node.first_user = users->first();
  node.sandbox_min = values.sandbox;
  node.image_size = values.image_size;
  node.image_age = values.image_age;
  node.image_folder = images_of(values);
  node.permitted = values.permit;
  node.passed_variables = values.pass_env;
  if (values.trusted_code) {
    auto trusted = io::trusted_code::read(*values.trusted_code);
    if (!trusted)
      return core::fail(trusted.error());
    node.trusted = std::make_shared<const io::trusted_code>(std::move(*trusted));
  }
  if (values.libraries)
    node.libraries = fs::absolute(*values.libraries);
  return node;
}

} // namespace maze::node
