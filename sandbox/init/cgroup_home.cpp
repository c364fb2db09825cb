#include "maze/sandbox/init/cgroup_home.hpp"

#include "maze/sandbox/init/cgroup_files.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <fcntl.h>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::sandbox::init {
namespace {

constexpr std::string_view home_name = "/maze-nodes";

std::vector<pid_t> processes_in(const std::string& group) {
  const std::string text = read_text(group + "/cgroup.procs");
  std::vector<pid_t> out;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    pid_t pid = 0;
    std::from_chars(text.data() + at, text.data() + text.size(), pid);
    out.push_back(pid);
  }
  return out;
}

/// Gives groups below `group` these controllers, or takes them away again: all or none.
bool hand_on(const std::string& group, std::uint8_t uses, char sign) {
  std::string text;
  for (std::size_t i = 0; i < group_uses; ++i)
    if (const auto use = static_cast<group_use>(i); (uses & bit_of(use)) != 0)
      if (const auto name = names_of(use).enabled_by; !name.empty())
        text += (sign + std::string(name)) + ' ';
  return write_text(group + "/cgroup.subtree_control", text);
}

void move_into(const std::string& group, pid_t pid) {
  write_text(group + "/cgroup.procs", std::to_string(pid));
}

bool can_be_told(const std::string& group) {
  return is_open_to_us(group) && ::access((group + "/cgroup.subtree_control").c_str(), W_OK) == 0;
}

std::uint8_t given_by(const std::string& group, const char* list, std::uint8_t uses) {
  return static_cast<std::uint8_t>(uses_in(group + list) & uses);
}

/// Only the group at the top of the machine, whatever is seen from inside of containers, has no such file.
bool is_top(const std::string& group) {
  return ::access((group + "/cgroup.type").c_str(), F_OK) != 0;
}

std::string program_of(pid_t pid) {
  std::string out(4096, '\0');
  const auto size =
      ::readlink(("/proc/" + std::to_string(pid) + "/exe").c_str(), out.data(), out.size());
  out.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return out;
}

pid_t parent_of(pid_t pid) {
  const std::string text = read_text("/proc/" + std::to_string(pid) + "/stat");
  // The name of the program, which may hold anything, ends with the last bracket; a letter follows.
  const auto name_end = text.rfind(") ");
  pid_t out = 0;
  if (name_end != std::string::npos && name_end + 4 < text.size())
    std::from_chars(text.data() + name_end + 4, text.data() + text.size(), out);
  return out;
}

/// The node's own group, or the one that it has left for a group below.
const std::string& group_of_node(const cgroup_place& place) {
  const bool moved = place.folders.front().ends_with(home_name) && place.folders.size() > 1;
  return place.folders[moved ? 1 : 0];
}

} // namespace

cgroup_home::cgroup_home(pid_t node) : node_(node), program_(program_of(node)) {
  for (const cgroup_place& place : own_places())
    if (place.unified) {
      // Another node may move this one meanwhile.
      const io::unique_fd gate = enter_gate(group_of_node(place));
      const auto now = own_places();
      const auto same = std::find_if(now.begin(), now.end(), [](auto& x) { return x.unified; });
      if (same != now.end())
        settle(*same, static_cast<std::uint8_t>(~unsigned{uses_of_version_1(now)}));
    }
}

cgroup_home::~cgroup_home() {
  if (home_.empty())
    return;
  const io::unique_fd gate = enter_gate(group_);
  // The kernel refuses, too, while there are groups that have these controllers.
  if (::flock(lived_in_.get(), LOCK_EX | LOCK_NB) == 0 && hand_on(group_, handed_on_, '-'))
    go_back();
  lived_in_.reset();
}

void cgroup_home::settle(const cgroup_place& place, std::uint8_t uses) {
  const std::string& own = group_of_node(place);
  const std::string& last = place.folders.back();
  std::vector<unified_folder> now;
  for (const std::string& folder : place.folders)
    if (is_open_to_us(folder))
      now.push_back({folder, given_by(folder, "/cgroup.subtree_control", uses)});
  const auto most = most_given(now);
  const auto from_top =
      is_top(last) && can_be_told(last) ? given_by(last, "/cgroup.controllers", uses) : 0U;
  const auto from_own =
      !is_top(own) && can_be_told(own) ? given_by(own, "/cgroup.controllers", uses) : 0U;
  // CPU time is counted everywhere: what is worth a move is more than that.
  if (std::popcount(from_own) > 1
      && std::popcount(from_own) >= std::max(most, std::popcount(from_top))
      && move_down(own, static_cast<std::uint8_t>(from_own)))
    return;
  if (std::popcount(from_top) > most)
    hand_on(last, static_cast<std::uint8_t>(from_top), '+');
}

bool cgroup_home::move_down(const std::string& group, std::uint8_t uses) {
  const std::string home = group + std::string(home_name);
  if (!all_ours(group) || (::mkdir(home.c_str(), 0755) != 0 && errno != EEXIST))
    return false;
  lived_in_.reset(::open(home.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lived_in_ || ::flock(lived_in_.get(), LOCK_SH | LOCK_NB) != 0)
    return false;
  group_ = group;
  home_ = home;
  handed_on_ = uses;
  // What starts meanwhile is in the group of who started it.
  constexpr int rounds_max = 100;
  for (int i = 0; i < rounds_max && all_ours(group) && !processes_in(group).empty(); ++i)
    for (const pid_t pid : processes_in(group))
      move_into(home, pid);
  if (hand_on(group, uses, '+'))
    return true;
  go_back();
  home_.clear();
  lived_in_.reset();
  return false;
}

bool cgroup_home::all_ours(const std::string& group) const {
  const auto found = processes_in(group);
  return std::all_of(found.begin(), found.end(), [this](pid_t pid) { return is_ours(pid); });
}

bool cgroup_home::is_ours(pid_t pid) const {
  constexpr int generations_max = 64;
  for (int i = 0; i < generations_max && pid > 1; ++i) {
    if (pid == node_ || pid == ::getpid() || (!program_.empty() && program_of(pid) == program_))
      return true;
    pid = parent_of(pid);
  }
  return pid == node_;
}

void cgroup_home::go_back() const {
  for (const pid_t pid : processes_in(home_))
    move_into(group_, pid);
  ::rmdir(home_.c_str());
}

} // namespace maze::sandbox::init
