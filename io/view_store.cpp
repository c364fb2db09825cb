#include "maze/io/view_store.hpp"

#include "maze/core/codec.hpp"
#include "maze/io/change_collector.hpp"
#include "maze/io/exclusive_folder.hpp"
#include "maze/io/folders.hpp"
#include "maze/io/hash.hpp"
#include "maze/io/tree_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::io {

namespace {

using shared_files = std::shared_ptr<const core::file_map>;

/// What the views of attempts with the same base, the same ancestors and the same window have in common.
struct layers {
  /// Held while the tree is built; guards the four below until `ready`.
  std::mutex building;
  bool ready = false;
  shared_files seen;
  shared_files withheld;
  /// Uppermost first; empty where only a copy will do.
  std::vector<std::filesystem::path> lower;

  /// Guarded by the store's mutex.
  std::size_t users = 0;
  std::uint64_t last_use = 0;
};

core::result<void> give(int folder, const char* name, const view_owner& owner) {
  if (::fchownat(folder, name, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) != 0)
    return core::fail(errno_error(fmt::format("chown {} to user {}", name, owner.uid), errno));
  return {};
}

core::result<void> make_private(int folder, const char* name) {
  if (::mkdirat(folder, name, 0700) == 0)
    return {};
  if (errno == EEXIST)
    return core::fail(core::errc::already_exists, fmt::format("there is a view {} already", name));
  return core::fail(errno_error(fmt::format("mkdir {}", name), errno));
}

} // namespace

struct view_store::data {
  std::shared_ptr<blob_store> blobs;
  options settings;
  std::filesystem::path views_path;

  /// Guards everything below and the counters of `layers`.
  std::mutex guard;
  unique_fd views;
  /// Of this store alone: a run that comes back to a node has a second one while attempts of before still hold the first.
  exclusive_folder trees;
  shared_files base = std::make_shared<const core::file_map>();
  std::string base_tree;
  std::map<std::string, std::shared_ptr<layers>> known;
  /// Which layers the view of this name holds.
  std::map<std::string, std::string> users;
  std::uint64_t uses = 0;

  core::result<void> prepare() {
    const std::lock_guard lock(guard);
    if (views)
      return {};
    std::error_code failure;
    std::filesystem::create_directories(settings.root, failure);
    if (failure)
      return core::fail(
          errno_error(fmt::format("mkdir {}", settings.root.native()), failure.value()));
    auto top = open_folder(AT_FDCWD, settings.root);
    if (!top)
      return core::fail(top.error());
    auto made = exclusive_folder::make(top->get(), "trees");
    auto shown_views = make_folder(top->get(), "views", 0711);
    if (!made || !shown_views)
      return core::fail(made ? shown_views.error() : made.error());
    // Children with other uids go through these two to their own views; nobody else can list them.
    for (const int fd : {top->get(), shown_views->get()})
      if (::fchmod(fd, 0711) != 0)
        return core::fail(errno_error("chmod of the views' folder", errno));
    trees = std::move(*made);
    views = std::move(*shown_views);
    return {};
  }

  core::result<void> plant(const std::string& name, tree_plan plan) {
    const auto temporary = name + ".part";
    if (auto gone = remove_tree(trees.fd(), temporary); !gone)
      return gone;
    auto folder = make_folder(trees.fd(), temporary, 0755);
    if (!folder)
      return core::fail(folder.error());
    auto done = build_tree(plan, *blobs, folder->get());
    // Not left to the umask: the root of an overlay shows it.
    if (done && ::fchmod(folder->get(), 0755) != 0)
      done = core::fail(errno_error("chmod of a tree", errno));
    if (done
        && ::renameat2(trees.fd(), temporary.c_str(), trees.fd(), name.c_str(), RENAME_NOREPLACE)
               != 0
        && errno != EEXIST)
      done = core::fail(errno_error(fmt::format("rename tree {}", name), errno));
    if (!done || ::faccessat(trees.fd(), temporary.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
      (void)remove_tree(trees.fd(), temporary);
    return done;
  }

  /// What `x` shows of all that there is.
  core::result<void> look(layers& x, shared_files all,
                          const std::optional<core::file_window>& window) {
    if (auto good = core::check_file_map(*all); !good)
      return good;
    x.seen = std::move(all);
    if (!window)
      return {};
    auto parts = core::look_through(*window, *x.seen);
    if (parts.withheld.empty())
      return {};
    x.seen = std::make_shared<const core::file_map>(std::move(parts.shown));
    x.withheld = std::make_shared<const core::file_map>(std::move(parts.withheld));
    return {};
  }

  core::result<void> grow(layers& x, const std::string& name, const shared_files& under,
                          const std::string& under_tree, const core::manifest_delta& published,
                          const std::optional<core::file_window>& window) {
    const bool as_is = published == core::manifest_delta{};
    if (auto looked = look(
            x,
            as_is ? under : std::make_shared<const core::file_map>(core::apply(*under, published)),
            window);
        !looked)
      return looked;
    if (!settings.overlay || x.seen->empty())
      return {};
    auto difference = difference_of(*x.seen, *under);
    // Where little is shown of much, that is a tree of its own.
    const bool alone = difference.files.size() + difference.hidden.size() > x.seen->size();
    if (alone)
      difference = {*x.seen, {}};
    if (!difference.files.empty() || !difference.hidden.empty()) {
      const auto planted = plant(name, {.files = difference.files,
                                        .surroundings = *x.seen,
                                        .hidden = std::move(difference.hidden)});
      if (!planted && planted.error().code == core::errc::unsupported_operation)
        return {};
      if (!planted)
        return planted;
      x.lower.push_back(settings.root / trees.name() / name);
    }
    if (!under_tree.empty() && !alone)
      x.lower.push_back(settings.root / trees.name() / under_tree);
    return {};
  }

  /// Counts a user whom `release` takes away again.
  core::result<std::shared_ptr<layers>> find_layers(const core::manifest_delta& published,
                                                    const std::optional<core::file_window>& window,
                                                    const std::string& view_name) {
    shared_files under;
    std::string under_tree;
    std::string key;
    std::shared_ptr<layers> found;
    {
      const std::lock_guard lock(guard);
      under = base;
      under_tree = base_tree;
      key = "d"
            + to_string(
                hash_bytes(under_tree + core::to_binary(published) + core::to_binary(window)));
      auto& slot = known[key];
      if (!slot)
        slot = std::make_shared<layers>();
      found = slot;
      ++found->users;
      users[view_name] = key;
    }
    const std::lock_guard lock(found->building);
    if (found->ready)
      return found;
    found->lower.clear();
    auto done = grow(*found, key, under, under_tree, published, window);
    if (!done)
      return core::fail(done.error());
    found->ready = true;
    return found;
  }

  void release(const std::string& view_name) {
    const std::lock_guard lock(guard);
    const auto user = users.find(view_name);
    if (user == users.end())
      return;
    auto& used = *known.at(user->second);
    --used.users;
    used.last_use = ++uses;
    users.erase(user);
    const auto unused = [](const auto& x) { return x.second->users == 0; };
    auto spare = static_cast<std::size_t>(std::count_if(known.begin(), known.end(), unused));
    for (; spare > settings.spare_trees; --spare) {
      auto oldest = known.end();
      for (auto at = known.begin(); at != known.end(); ++at)
        if (unused(*at)
            && (oldest == known.end() || at->second->last_use < oldest->second->last_use))
          oldest = at;
      // What cannot be removed now goes with the whole folder later.
      (void)remove_tree(trees.fd(), oldest->first);
      known.erase(oldest);
    }
  }

  view described(const std::string& name, view_kind kind) const {
    view out;
    out.kind = kind;
    out.folder = views_path / name;
    out.mount_point = kind == view_kind::overlay ? out.folder / "merged" : out.folder;
    return out;
  }

  core::result<view> make_overlay(const std::string& name, const layers& from,
                                  const std::optional<view_owner>& owner) {
    auto out = described(name, view_kind::overlay);
    out.lower = from.lower;
    out.upper = out.folder / "layers/upper";
    out.work = out.folder / "layers/work";
    const auto folder = open_folder(views.get(), name);
    if (!folder)
      return core::fail(folder.error());
    // `layers` stays the node's own: the child reaches its files through the overlay alone.
    for (const char* part : {"layers", "layers/upper", "layers/work", "merged"})
      if (auto made = make_private(folder->get(), part); !made)
        return core::fail(made.error());
    if (!owner)
      return out;
    if (::fchmod(folder->get(), 0711) != 0)
      return core::fail(errno_error(fmt::format("chmod {}", out.folder.native()), errno));
    for (const char* part : {"layers/upper", "merged"})
      if (auto given = give(folder->get(), part, *owner); !given)
        return core::fail(given.error());
    return out;
  }

  core::result<view> make_copy(const std::string& name, const core::file_map& files,
                               const std::optional<view_owner>& owner) {
    const auto folder = open_folder(views.get(), name);
    if (!folder)
      return core::fail(folder.error());
    const tree_plan plan{.files = files, .surroundings = files, .copies = true, .owner = owner};
    if (auto done = build_tree(plan, *blobs, folder->get()); !done)
      return core::fail(done.error());
    if (owner)
      if (auto given = give(views.get(), name.c_str(), *owner); !given)
        return core::fail(given.error());
    return described(name, files.empty() ? view_kind::empty : view_kind::copy);
  }

  core::result<view> make_with_files(const std::string& name, const core::manifest_delta& published,
                                     const std::optional<view_owner>& owner, bool copied,
                                     const std::optional<core::file_window>& window) {
    // The content of what may only be removed; no run brings it.
    if (window && !window->removable.empty())
      if (auto made = blobs->put_bytes({}); !made)
        return core::fail(made.error());
    const auto from = find_layers(published, window, name);
    if (!from)
      return core::fail(from.error());
    const layers& shared = **from;
    auto made = copied || shared.lower.empty() ? make_copy(name, *shared.seen, owner)
                                               : make_overlay(name, shared, owner);
    if (made) {
      made->base = shared.seen;
      made->withheld = shared.withheld;
    }
    return made;
  }
};

view_store::view_store(std::shared_ptr<blob_store> blobs, options settings)
    : data_(std::make_unique<data>()) {
  data_->blobs = std::move(blobs);
  data_->settings = std::move(settings);
  data_->settings.root = std::filesystem::absolute(data_->settings.root);
  data_->views_path = data_->settings.root / "views";
}

view_store::~view_store() = default;

core::result<void> view_store::set_base(const core::file_map& files) {
  if (auto good = core::check_file_map(files); !good)
    return good;
  if (auto ready = data_->prepare(); !ready)
    return ready;
  auto shared = std::make_shared<const core::file_map>(files);
  std::string tree;
  if (!files.empty()) {
    tree = "b" + to_string(hash_bytes(core::encode_manifest(files)));
    // Named by its content, made by this process and kept until its end: what is there is whole.
    const bool there = ::faccessat(data_->trees.fd(), tree.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (data_->settings.overlay && !there)
      if (auto done = data_->plant(tree, {.files = files, .surroundings = files}); !done)
        return done;
  }
  const std::lock_guard lock(data_->guard);
  data_->base = std::move(shared);
  data_->base_tree = std::move(tree);
  return {};
}

core::result<view> view_store::make(const std::string& name, const core::manifest_delta& published,
                                    std::optional<view_owner> owner, bool copied,
                                    const std::optional<core::file_window>& window) {
  if (!core::check_path(name) || name.find('/') != std::string::npos)
    return core::fail(core::errc::invalid_argument,
                      fmt::format("'{}' cannot name a view: write one part of a path", name));
  if (auto ready = data_->prepare(); !ready)
    return core::fail(ready.error());
  if (owner && owner->uid == ::geteuid() && owner->gid == ::getegid())
    owner.reset();
  if (auto made = make_private(data_->views.get(), name.c_str()); !made)
    return core::fail(made.error());
  bool nothing = false;
  {
    const std::lock_guard lock(data_->guard);
    nothing = data_->base->empty() && published.written.empty();
  }
  core::result<view> out = data_->described(name, view_kind::empty);
  if (!nothing)
    out = data_->make_with_files(name, published, owner, copied, window);
  else if (owner)
    if (auto given = give(data_->views.get(), name.c_str(), *owner); !given)
      out = core::fail(given.error());
  if (out)
    return out;
  (void)remove_tree(data_->views.get(), name);
  data_->release(name);
  return out;
}

core::result<changes> view_store::collect(const view& seen, const change_filter& filter,
                                          const std::stop_token& stop) {
  const auto name = seen.folder.filename().native();
  const bool overlay = seen.kind == view_kind::overlay;
  // Most attempts that see nothing write nothing, and this asks for both in one call.
  if (seen.kind == view_kind::empty
      && ::unlinkat(data_->views.get(), name.c_str(), AT_REMOVEDIR) == 0)
    return changes{};
  if (!overlay && is_gone(data_->views.get(), name)) {
    // A task that owns the folder above its own may remove its own: then it removed all it saw.
    changes out;
    if (seen.base)
      for (const auto& [path, entry] : *seen.base)
        out.delta.removed.push_back(path);
    return out;
  }
  auto root = open_locked_folder(data_->views.get(), name);
  for (const char* part : {"layers", "upper"})
    if (root && overlay)
      root = open_locked_folder(root->get(), part);
  if (!root)
    return core::fail(root.error());
  static const core::file_map none;
  const core::file_map& base = seen.base ? *seen.base : none;
  auto out = collect_changes(
      {.root = std::move(*root), .overlay = overlay, .base = base, .filter = filter, .stop = stop},
      *data_->blobs);
  if (out && seen.withheld)
    core::drop_hidden_folders(out->delta.written, base, *seen.withheld);
  return out;
}

core::result<void> view_store::remove(const view& seen) {
  const auto name = seen.folder.filename().native();
  auto done = remove_tree(data_->views.get(), name);
  data_->release(name);
  return done;
}

const std::vector<std::string>& default_ignores() {
  static const std::vector<std::string> globs{"*.py", "*.pyc", "__pycache__", ".git"};
  return globs;
}

} // namespace maze::io
