#include "maze/io/tree_builder.hpp"

#include "maze/io/folders.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <map>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::io {

namespace {

constexpr std::uint32_t implied_mode = 0755;

class builder {
public:
  builder(const tree_plan& plan, blob_store& store, int root)
      : plan_(plan), store_(store), root_(root) {}

  core::result<void> run() {
    for (const auto& [path, entry] : plan_.files)
      if (auto done = add(path, entry); !done)
        return done;
    for (const auto& path : plan_.hidden)
      if (auto done = hide(path); !done)
        return done;
    // Deepest first: a folder that denies its owner would lock us out of what it holds.
    for (auto at = folders_.rbegin(); at != folders_.rend(); ++at)
      if (auto done = finish_folder(at->first, at->second); !done)
        return done;
    return {};
  }

private:
  core::result<void> add(const std::string& path, const core::file_entry& entry) {
    if (auto done = make_folders_above(path); !done)
      return done;
    switch (entry.kind) {
    case core::file_kind::directory:
      return make_folder_at(path, entry.mode);
    case core::file_kind::symlink:
      return add_symlink(path, entry);
    case core::file_kind::file:
      break;
    }
    if (!plan_.copies)
      return store_.link_to(entry.hash, entry.mode, root_, path.c_str());
    const auto copy = store_.copy_to(entry.hash, entry.mode, root_, path.c_str());
    if (!copy)
      return core::fail(copy.error());
    if (plan_.owner && ::fchown(copy->get(), plan_.owner->uid, plan_.owner->gid) != 0)
      return failed("chown", path);
    // chown may take bits away.
    if (plan_.owner && ::fchmod(copy->get(), entry.mode) != 0)
      return failed("chmod", path);
    return {};
  }

  core::result<void> add_symlink(const std::string& path, const core::file_entry& entry) {
    if (::symlinkat(entry.target.c_str(), root_, path.c_str()) != 0)
      return failed("symlink", path);
    return give_away(path);
  }

  core::result<void> make_folders_above(const std::string& path) {
    const auto slash = path.rfind('/');
    const std::string_view parent(path.data(), slash == std::string::npos ? 0 : slash);
    if (parent == last_parent_)
      return {};
    last_parent_ = parent;
    for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
      auto folder = path.substr(0, at);
      if (folders_.contains(folder))
        continue;
      const auto known = plan_.surroundings.find(folder);
      const bool is_folder =
          known != plan_.surroundings.end() && known->second.kind == core::file_kind::directory;
      if (auto done = make_folder_at(folder, is_folder ? known->second.mode : implied_mode); !done)
        return done;
    }
    return {};
  }

  core::result<void> make_folder_at(const std::string& path, std::uint32_t mode) {
    if (::mkdirat(root_, path.c_str(), 0700) != 0)
      return failed("mkdir", path);
    folders_.emplace(path, mode);
    return {};
  }

  core::result<void> hide(const std::string& path) {
    if (auto done = make_folders_above(path); !done)
      return done;
    // Source: Documentation/filesystems/overlayfs.rst, "whiteouts"; unprivileged since Linux 4.18.
    if (::mknodat(root_, path.c_str(), S_IFCHR, 0) == 0)
      return {};
    if (errno == EPERM || errno == EACCES)
      return core::fail(core::errc::unsupported_operation,
                        fmt::format("this process may not make the whiteout {}", shown(path)));
    return failed("mknod", path);
  }

  core::result<void> finish_folder(const std::string& path, std::uint32_t mode) {
    if (auto done = give_away(path); !done)
      return done;
    return ::fchmodat(root_, path.c_str(), mode, 0) == 0 ? core::result<void>()
                                                         : failed("chmod", path);
  }

  core::result<void> give_away(const std::string& path) {
    if (plan_.owner
        && ::fchownat(root_, path.c_str(), plan_.owner->uid, plan_.owner->gid, AT_SYMLINK_NOFOLLOW)
               != 0)
      return failed("chown", path);
    return {};
  }

  static core::result<void> failed(std::string_view call, const std::string& path) {
    return core::fail(errno_error(fmt::format("{} {}", call, shown(path)), errno));
  }

  const tree_plan& plan_;
  blob_store& store_;
  int root_;
  std::string last_parent_;
  std::map<std::string, std::uint32_t> folders_;
};

} // namespace

core::result<void> build_tree(const tree_plan& plan, blob_store& store, int root) {
  return builder(plan, store, root).run();
}

tree_difference difference_of(const core::file_map& wanted, const core::file_map& below) {
  tree_difference out;
  for (const auto& [path, entry] : wanted)
    if (const auto old = below.find(path); old == below.end() || old->second != entry)
      out.files.emplace(path, entry);
  std::set<std::string> hidden;
  for (const auto& [path, entry] : below) {
    if (wanted.contains(path))
      continue;
    // The topmost part that nothing wanted lies under; a file in its way hides it already.
    for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
      auto part = path.substr(0, end);
      const auto there = wanted.find(part);
      if (there != wanted.end() && there->second.kind != core::file_kind::directory)
        break;
      if (there == wanted.end() && !core::holds_below(wanted, part)) {
        hidden.insert(std::move(part));
        break;
      }
      if (end == std::string::npos)
        break;
    }
  }
  out.hidden.assign(hidden.begin(), hidden.end());
  return out;
}

} // namespace maze::io
