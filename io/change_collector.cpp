#include "maze/io/change_collector.hpp"

#include "maze/core/ignore_rules.hpp"
#include "maze/core/workflow.hpp"
#include "maze/io/folders.hpp"
#include "maze/io/tree_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <map>
#include <set>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace maze::io {

namespace {

tl::unexpected<core::error> refused(std::string_view path, std::string_view why) {
  return core::fail(core::errc::invalid_payload,
                    fmt::format("the task left {}: {}", shown(path), why));
}

/// Of what could have been left out.
constexpr const char* how_to_leave_out =
    "; remove it before the task ends, or leave it out with `sync: {ignore: [...]}`";

bool is_opaque(int folder) {
  std::array<char, 8> value{};
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.opaque"})
    if (::fgetxattr(folder, name, value.data(), value.size()) == 1 && value[0] == 'y')
      return true;
  return false;
}

core::result<std::string> symlink_target(const walked& x) {
  std::array<char, PATH_MAX> target;
  const auto length = ::readlinkat(x.folder, x.name.c_str(), target.data(), target.size());
  if (length < 0)
    return core::fail(errno_error(fmt::format("readlink {}", shown(x.path)), errno));
  return std::string(target.data(), static_cast<std::size_t>(length));
}

/// Lets the owner read a file that denies it, through a descriptor: no symlink is ever followed.
void make_readable(const walked& x) {
  const unique_fd fd(::openat(x.folder, x.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (fd && ::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode))
    ::chmod(fmt::format("/proc/self/fd/{}", fd.get()).c_str(), 0600);
}

class collector {
public:
  collector(collect_request& request, blob_store& store)
      : overlay_(request.overlay),
        base_(request.base),
        left_out_(request.filter.ignore),
        included_(request.filter.include),
        published_(request.filter.publish),
        deleted_(request.filter.deletes),
        stop_(request.stop),
        store_(store) {
    // A whole view shows nothing of what was below it.
    if (!overlay_)
      opaque_.emplace_back();
  }

  core::result<changes> run(unique_fd root) {
    auto done =
        walk(std::move(root),
             {.visit = [this](const walked& x) { return visit(x); }, .leave = {}, .force = true});
    if (!done)
      return core::fail(done.error());
    for (const auto& folder : opaque_)
      find_removed(folder);
    found_.delta.removed.assign(removed_.begin(), removed_.end());
    sum_up_ignored();
    return std::move(found_);
  }

private:
  core::result<walk_step> visit(const walked& x) {
    if (stop_.stop_requested())
      return core::fail(stopped());
    const bool whiteout = overlay_ && S_ISCHR(x.status.st_mode) && x.status.st_rdev == 0;
    const bool folder = S_ISDIR(x.status.st_mode);
    if (S_ISREG(x.status.st_mode) && x.status.st_nlink > 1 && base_.contains(x.path))
      found_.linked.push_back(x.path);
    if (whiteout ? is_ignored_removal(x.path) : is_ignored(x.path, folder)) {
      if (!whiteout)
        found_.ignored.push_back(x.path);
      // What is published nevertheless may lie anywhere below.
      const bool enter = folder && (!included_.empty() || !published_.empty() || !deleted_.empty());
      note_seen(x, enter);
      if (!enter)
        return walk_step::skip;
      if (auto noted = note_opaque(x); !noted)
        return core::fail(noted.error());
      return walk_step::go_on;
    }
    note_seen(x, folder);
    if (const auto good = core::check_path(x.path); !good)
      return refused(x.path, good.error().message);
    core::result<void> done;
    if (S_ISREG(x.status.st_mode))
      done = take_file(x);
    else if (S_ISDIR(x.status.st_mode))
      done = take_folder(x);
    else if (S_ISLNK(x.status.st_mode))
      done = take_symlink(x);
    else if (whiteout)
      take_whiteout(x);
    else
      done = refused(x.path, std::string("only files, folders and symlinks can be published")
                                 + how_to_leave_out);
    if (!done)
      return core::fail(done.error());
    return walk_step::go_on;
  }

  core::result<void> take_file(const walked& x) {
    if (::geteuid() != 0 && (x.status.st_mode & 0400) == 0)
      make_readable(x);
    const auto blob = store_.put_move(x.folder, x.name.c_str(), stop_);
    if (!blob)
      return core::fail(blob.error().code,
                        fmt::format("{}: {}", shown(x.path), blob.error().message));
    found_.bytes += blob->added ? blob->size : 0;
    write(x.path, {.kind = core::file_kind::file,
                   .hash = blob->hash,
                   .size = blob->size,
                   .mode = x.status.st_mode & 0777U});
    return {};
  }

  core::result<void> note_opaque(const walked& x) {
    if (!overlay_)
      return {};
    const auto folder = open_locked_folder(x.folder, x.name);
    if (!folder)
      return core::fail(folder.error());
    if (is_opaque(folder->get()))
      opaque_.push_back(x.path);
    return {};
  }

  core::result<void> take_folder(const walked& x) {
    if (auto noted = note_opaque(x); !noted)
      return noted;
    const auto mode = x.status.st_mode & 0777U;
    // A folder that the base only implies has the mode that trees give it.
    if (!base_.contains(x.path) && mode == 0755 && core::holds_below(base_, x.path))
      return {};
    write(x.path, {.kind = core::file_kind::directory, .mode = mode});
    return {};
  }

  core::result<void> take_symlink(const walked& x) {
    auto target = symlink_target(x);
    if (!target)
      return core::fail(target.error());
    if (const auto good = core::check_symlink(x.path, *target); !good)
      return refused(x.path, good.error().message + how_to_leave_out);
    write(x.path, {.kind = core::file_kind::symlink, .mode = 0777, .target = std::move(*target)});
    return {};
  }

  void take_whiteout(const walked& x) {
    if (base_.contains(x.path) || core::holds_below(base_, x.path))
      removed_.insert(x.path);
  }

  /// What was only copied up is no change.
  void write(const std::string& path, core::file_entry entry) {
    const auto old = base_.find(path);
    if (old == base_.end() || !core::same_content(old->second, entry))
      found_.delta.written.insert_or_assign(path, std::move(entry));
    else if (overlay_ && entry.kind == core::file_kind::file)
      found_.touched.push_back(path);
  }

  void note_seen(const walked& x, bool open) {
    for (const auto& folder : opaque_)
      if (core::lies_below(x.path, folder)) {
        seen_.emplace(x.path, open);
        return;
      }
  }

  /// Everything of the base below an opaque folder is gone unless it was seen again.
  void find_removed(const std::string& folder) {
    auto at = folder.empty() ? base_.begin() : base_.lower_bound(folder + '/');
    for (; at != base_.end() && core::lies_below(at->first, folder); ++at) {
      const auto& path = at->first;
      auto end = path.find('/', folder.empty() ? 0 : folder.size() + 1);
      for (;; end = path.find('/', end + 1)) {
        const auto part = path.substr(0, end);
        const auto there = seen_.find(part);
        const bool gone = there == seen_.end();
        const bool removed = gone && !is_ignored_removal(part);
        if (removed)
          removed_.insert(part);
        // Below what is left out there may be what is not.
        if (removed || (!gone && !there->second) || end == std::string::npos)
          break;
      }
    }
  }

  [[nodiscard]] bool was_folder(const std::string& path) const {
    const auto found = base_.find(path);
    return found == base_.end() || found->second.kind == core::file_kind::directory;
  }

  [[nodiscard]] bool is_ignored(std::string_view path, bool folder) const {
    return left_out_.leaves_out(path, folder) && !included_.leaves_out(path, folder)
           && !core::any_glob_covers(published_, path);
  }
  [[nodiscard]] bool is_ignored_removal(const std::string& path) const {
    return is_ignored(path, was_folder(path)) && !core::any_glob_covers(deleted_, path);
  }

  /// Leaves of a folder that was left out as a whole only its name, and of another one only what is in
  /// it.
  void sum_up_ignored() {
    std::set<std::string, std::less<>> whole;
    const auto is_below_whole = [&](std::string_view path) {
      bool out = false;
      core::for_each_folder(path, [&](std::string_view folder) { out |= whole.contains(folder); });
      return out;
    };
    // Sorted, so that a folder comes before what is in it.
    std::sort(found_.ignored.begin(), found_.ignored.end());
    for (const auto& path : found_.ignored)
      if (!is_below_whole(path) && !core::holds_below(found_.delta.written, path))
        whole.insert(path);
    found_.ignored.assign(whole.begin(), whole.end());
  }

  bool overlay_;
  const core::file_map& base_;
  const core::ignore_rules left_out_;
  const core::ignore_rules included_;
  const std::vector<std::string>& published_;
  const std::vector<std::string>& deleted_;
  std::stop_token stop_;
  blob_store& store_;
  changes found_;
  std::vector<std::string> opaque_;
  /// Paths in opaque folders, and whether what lies below them was looked at as well.
  std::map<std::string, bool, std::less<>> seen_;
  std::set<std::string> removed_;
};

} // namespace

core::result<changes> collect_changes(collect_request request, blob_store& store) {
  return collector(request, store).run(std::move(request.root));
}

} // namespace maze::io
