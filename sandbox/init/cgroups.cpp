#include "maze/sandbox/init/cgroups.hpp"

#include "maze/sandbox/cgroup_places.hpp"
#include "maze/sandbox/init/cgroup_files.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <iterator>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace maze::sandbox::init {
namespace {

using protocol::stage;

std::vector<std::string> open_folders(const cgroup_place& place) {
  std::vector<std::string> out;
  std::copy_if(place.folders.begin(), place.folders.end(), std::back_inserter(out), is_open_to_us);
  return out;
}

/// Whether a process can move into the group, tried with one that ends there.
bool can_enter(int procs) {
  const pid_t pid = ::fork();
  if (pid == 0)
    ::_exit(::write(procs, "0", 1) == 1 ? 0 : errno);
  int status = 0;
  while (pid > 0 && ::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (pid > 0)
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
  return pid > 0 && status == 0;
}

/// Removes the groups in `folder`, then itself. Those with processes stay.
void remove_groups(const std::string& folder) {
  if (DIR* const open = ::opendir(folder.c_str()); open != nullptr) {
    while (const dirent* const entry = ::readdir(open))
      if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
        ::rmdir((folder + "/" + entry->d_name).c_str());
    ::closedir(open);
    ::rmdir(folder.c_str());
  }
}

/// Whoever has made a folder of groups holds it locked; an empty descriptor where somebody else does.
io::unique_fd own(const std::string& folder) {
  io::unique_fd out(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (out && ::flock(out.get(), LOCK_EX | LOCK_NB) != 0)
    out.reset();
  return out;
}

/// Removes folders of groups whose maze-init was killed together with the process that cleans up after it.
void remove_abandoned(const std::string& folder) {
  std::vector<std::string> found;
  if (DIR* const open = ::opendir(folder.c_str()); open != nullptr) {
    while (const dirent* const entry = ::readdir(open))
      if (entry->d_type == DT_DIR && std::string_view(entry->d_name).starts_with(name_prefix))
        found.push_back(folder + "/" + entry->d_name);
    ::closedir(open);
  }
  for (const std::string& each : found)
    if (const auto locked = own(each))
      remove_groups(each);
}

} // namespace

cgroups::cgroups(std::string name) : name_(std::move(name)) {
  const auto places = own_places();
  for (std::size_t i = 0; i < group_uses; ++i)
    look_in_version_1(places, static_cast<group_use>(i));
  const unsigned taken = uses_of_version_1(places);
  for (const cgroup_place& place : places)
    if (place.unified)
      look_in_version_2(place, static_cast<std::uint8_t>(~taken));
}

void cgroups::look_in_version_1(const std::vector<cgroup_place>& places, group_use use) {
  for (const cgroup_place& place : places) {
    if ((uses_of_version_1({place}) & bit_of(use)) == 0)
      continue;
    auto folders = open_folders(place);
    if (folders.empty())
      return;
    const auto same = std::find_if(hierarchies_.begin(), hierarchies_.end(),
                                   [&](const hierarchy& x) { return x.folders == folders; });
    offer(use, same - hierarchies_.begin());
    if (same == hierarchies_.end()) {
      hierarchies_.emplace_back();
      hierarchies_.back().folders = std::move(folders);
    }
    return;
  }
}

void cgroups::look_in_version_2(const cgroup_place& place, std::uint8_t uses) {
  std::vector<unified_folder> found;
  for (std::string& folder : open_folders(place)) {
    const auto gives = uses_in(folder + "/cgroup.subtree_control") & uses;
    found.push_back({std::move(folder), static_cast<std::uint8_t>(gives)});
  }
  const auto best = best_folders(found);
  if (best.empty())
    return;
  for (std::size_t i = 0; i < group_uses; ++i)
    if (const auto use = static_cast<group_use>(i); (best.front().gives & bit_of(use)) != 0)
      offer(use, static_cast<std::ptrdiff_t>(hierarchies_.size()));
  hierarchies_.emplace_back();
  hierarchies_.back().unified = true;
  for (const unified_folder& each : best)
    hierarchies_.back().folders.push_back(each.path);
}

void cgroups::offer(group_use use, std::ptrdiff_t where) {
  where_[static_cast<std::size_t>(use)] = static_cast<int>(where);
  offer_[static_cast<std::size_t>(use)] = true;
}

std::uint8_t cgroups::offer() const noexcept {
  unsigned out = 0;
  for (std::size_t i = 0; i < group_uses; ++i)
    out |= (offer_[i] ? 1U : 0U) << i;
  return static_cast<std::uint8_t>(out);
}

bool cgroups::make_folder(hierarchy& in, failure& what) const {
  if (!in.made.empty())
    return true;
  int last = EACCES;
  for (const std::string& folder : in.folders) {
    const std::string made = folder + "/" + name_;
    {
      // Between its making and its lock a folder looks abandoned to others.
      const io::unique_fd gate = enter_gate(folder);
      if (gate)
        remove_abandoned(folder);
      if (::mkdir(made.c_str(), 0755) != 0 && errno != EEXIST) {
        last = errno;
        continue;
      }
      in.owned = own(made);
    }
    if (in.unified)
      for (std::size_t i = 0; i < group_uses; ++i)
        if (const auto name = names_of(static_cast<group_use>(i)).enabled_by; !name.empty())
          write_text(made + "/cgroup.subtree_control", "+" + std::string(name));
    const std::string trial = made + "/0";
    ::mkdir(trial.c_str(), 0755);
    const io::unique_fd procs(::open((trial + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    const bool works = procs && can_enter(procs.get());
    last = errno;
    ::rmdir(trial.c_str());
    if (works) {
      in.made = made;
      return true;
    }
    ::rmdir(made.c_str());
    in.owned.reset();
  }
  what = {stage::groups, last, "control group"};
  return false;
}

std::unique_ptr<cgroup_leaf> cgroups::make_leaf(std::size_t at, bool fresh, failure& what) {
  hierarchy& in = hierarchies_[at];
  if (!fresh && !in.idle.empty()) {
    auto found = std::move(in.idle.back());
    in.idle.pop_back();
    return found;
  }
  if (!make_folder(in, what))
    return nullptr;
  auto made = std::make_unique<cgroup_leaf>();
  made->hierarchy = at;
  made->path = in.made + "/" + std::to_string(++in.last_leaf);
  if (::mkdir(made->path.c_str(), 0755) == 0) {
    made->folder.reset(::open(made->path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    made->procs.reset(::openat(made->folder.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
  }
  if (made->procs)
    return made;
  what = {stage::groups, errno, "control group"};
  ::rmdir(made->path.c_str());
  return nullptr;
}

cgroup_leaf* cgroups::leaf_for(group_use use, group_set& out, failure& what) {
  const auto at = static_cast<std::size_t>(use);
  const auto where = static_cast<std::size_t>(where_[at]);
  const auto same = std::find_if(out.leaves.begin(), out.leaves.end(),
                                 [where](const auto& x) { return x->hierarchy == where; });
  out.at[at] = static_cast<int>(same - out.leaves.begin());
  if (same != out.leaves.end())
    return same->get();
  // Version 2 keeps the highest peak that ever was, that of a child without such a limit too.
  const bool fresh = use == group_use::memory && hierarchies_[where].unified;
  auto made = make_leaf(where, fresh, what);
  if (!made) {
    out.at[at] = -1;
    return nullptr;
  }
  out.leaves.push_back(std::move(made));
  return out.leaves.back().get();
}

bool cgroups::take(const core::sandbox_spec& spec, group_set& out, failure& what) {
  const auto wants = [this](group_use use, bool asked) {
    return asked && offer_[static_cast<std::size_t>(use)];
  };
  const auto have = [&](group_use use, auto set) {
    cgroup_leaf* const leaf = leaf_for(use, out, what);
    if (leaf == nullptr)
      return false;
    const auto at = leaf->hierarchy;
    if (const char* const failed = set(*leaf, hierarchies_[at].unified); failed != nullptr) {
      what = {stage::groups, errno, failed};
      return false;
    }
    return true;
  };
  const bool done =
      (!wants(group_use::memory, spec.memory.has_value())
       || have(group_use::memory,
               [&](auto& leaf, bool v2) { return limit_memory(leaf, v2, spec.memory->value); }))
      && (!wants(group_use::processes, spec.processes.has_value())
          || have(group_use::processes,
                  [&](auto& leaf, bool) { return limit_processes(leaf, *spec.processes); }))
      && (!wants(group_use::cpu_time, spec.cpu_time.has_value())
          || have(group_use::cpu_time,
                  [&](auto& leaf, bool v2) { return begin_cpu_time(leaf, v2); }))
      && (!wants(group_use::cpu_share, spec.cpu_share.has_value())
          || have(group_use::cpu_share,
                  [&](auto& leaf, bool v2) { return limit_cpu_share(leaf, v2, *spec.cpu_share); }));
  if (done && lift_stale(out, what))
    return true;
  give_back(out);
  return false;
}

bool cgroups::lift_stale(const group_set& taken, failure& what) const {
  for (std::size_t i = 0; i < taken.leaves.size(); ++i) {
    group_offer keep{};
    for (std::size_t use = 0; use < group_uses; ++use)
      keep[use] = taken.at[use] == static_cast<int>(i);
    cgroup_leaf& leaf = *taken.leaves[i];
    const bool unified = hierarchies_[leaf.hierarchy].unified;
    if (const char* const failed = lift_limits(leaf, unified, keep); failed != nullptr) {
      what = {stage::groups, errno, failed};
      return false;
    }
  }
  return true;
}

void cgroups::give_back(group_set& used) {
  for (auto& leaf : used.leaves) {
    hierarchy& in = hierarchies_[leaf->hierarchy];
    // In version 2 another child could not be counted in it.
    if (leaf->memory && (in.unified || !free_leftovers(*leaf, in.unified)))
      ::rmdir(leaf->path.c_str());
    else
      in.idle.push_back(std::move(leaf));
  }
  used = {};
}

cgroup_leaf* group_set::find(group_use use) const noexcept {
  const int index = at[static_cast<std::size_t>(use)];
  return index < 0 ? nullptr : leaves[static_cast<std::size_t>(index)].get();
}

std::vector<int> group_set::procs() const {
  std::vector<int> out;
  for (const auto& leaf : leaves)
    out.push_back(leaf->procs.get());
  return out;
}

std::optional<std::uint64_t> group_set::cpu_ns() const {
  const auto* const leaf = find(group_use::cpu_time);
  const auto now = leaf == nullptr ? std::nullopt : read_cpu_ns(*leaf);
  return now ? std::optional(*now - std::min(*now, leaf->cpu_ns)) : std::nullopt;
}

std::optional<std::uint64_t> group_set::memory_peak() const {
  const auto* const leaf = find(group_use::memory);
  return leaf == nullptr ? std::nullopt : read_memory_peak(*leaf);
}

std::uint64_t group_set::oom_kills() const {
  const auto* const leaf = find(group_use::memory);
  const auto now = leaf == nullptr ? 0 : read_oom_kills(*leaf);
  return leaf == nullptr ? 0 : now - std::min(now, leaf->oom_kills);
}

std::uint64_t group_set::refused_processes() const {
  const auto* const leaf = find(group_use::processes);
  const auto now = leaf == nullptr ? 0 : read_refused_processes(*leaf);
  return leaf == nullptr ? 0 : now - std::min(now, leaf->refused_processes);
}

void cgroups::remove_all(const std::string& name) {
  for (const cgroup_place& place : own_places())
    for (const std::string& folder : place.folders)
      remove_groups(folder + "/" + name);
}

} // namespace maze::sandbox::init
