#include "maze/io/snapshot.hpp"

#include "maze/core/workflow.hpp"
#include "maze/io/folders.hpp"
#include "maze/io/ordered_intake.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::io {

namespace {

/// The last part of a source, or nothing for `.`, `..` and `/`.
std::string last_part(const std::string& from) {
  auto name = std::filesystem::path(from).lexically_normal();
  if (!name.has_filename())
    name = name.parent_path();
  const auto part = name.filename().native();
  return part == "." || part == ".." || part == "/" ? std::string() : part;
}

std::string joined(std::string_view folder, std::string_view path) {
  if (folder.empty() || path.empty())
    return std::string(folder.empty() ? path : folder);
  return fmt::format("{}/{}", folder, path);
}

bool fits(const std::string& glob, const std::string& path) {
  if (glob.empty() || core::glob_match(glob, path))
    return true;
  for (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0;
       slash = path.rfind('/', slash - 1))
    if (core::glob_match(glob, std::string_view(path).substr(0, slash)))
      return true;
  return false;
}

/// `from` with a pattern in it, as it is to be written: what stands before the first part with a
/// glob's characters is the folder.
std::string split_pattern(const std::string& from) {
  const auto special = from.find_first_of("*?[");
  const auto slash = from.rfind('/', special);
  if (slash == std::string::npos)
    return fmt::format("{{from: ., match: \"{}\"}}", from);
  return fmt::format("{{from: {}, match: \"{}\"}}", from.substr(0, std::max(slash, std::size_t{1})),
                     from.substr(slash + 1));
}

class taker {
public:
  taker(const std::vector<core::file_source>& sources, const std::filesystem::path& folder,
        blob_store& store, const snapshot_options& how)
      : sources_(sources), folder_(folder), how_(how), intake_(store, how.stop) {}

  core::result<void> take(std::size_t index) {
    index_ = index;
    auto seen = look_at(index);
    // What came first is told first, and sources that give one path are compared in their order.
    auto stored = intake_.finish();
    return stored ? seen : stored;
  }

  core::result<snapshot> finish() {
    if (auto good = core::check_file_map(out_.files); !good)
      return core::fail(
          core::errc::file_conflict,
          fmt::format("files: {}; give one of the two another `to`", good.error().message));
    return std::move(out_);
  }

private:
  core::result<void> look_at(std::size_t index) {
    const auto& source = sources_[index];
    source_ = &source;
    const auto original = folder_ / source.from;
    // The user named it, so a symlink is followed here and nowhere else.
    unique_fd fd(::open(original.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!fd && (errno == ENOENT || errno == ENOTDIR))
      return absent(original);
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
      return failed("open", {});
    auto to = source.to;
    const bool into = to.ends_with('/');
    while (to.ends_with('/'))
      to.pop_back();
    if (!source.to.empty())
      if (auto good = core::check_path(to); !good)
        return core::fail(good.error().code,
                          fmt::format("{}: to: {}", where(index_), good.error().message));
    if (S_ISDIR(status.st_mode))
      return take_folder(std::move(fd), status, into, std::move(to));
    if (!S_ISREG(status.st_mode))
      return malformed({}, "is neither a file nor a folder: name one of these");
    if (!source.match.empty() || !source.except.empty())
      return malformed({}, fmt::format("is a file: remove `{}`, or name a folder",
                                       source.match.empty() ? "except" : "match"));
    const auto path = to.empty() || into ? joined(to, last_part(source.from)) : to;
    return take_file(std::move(fd), status.st_mode, path);
  }

  core::result<void> take_folder(unique_fd fd, const struct stat& status, bool into,
                                 std::string to) {
    const bool matched = !source_->match.empty();
    if (!matched && (to.empty() || into))
      to = joined(to, last_part(source_->from));
    const auto before = taken_;
    if (!matched && !to.empty())
      if (auto done = add(to, folder_entry(status)); !done)
        return done;
    auto done =
        walk(std::move(fd), {.visit = [&](const walked& x) { return visit(x, to); }, .leave = {}});
    if (!done)
      return done;
    if (matched && taken_ == before)
      return core::fail(
          core::errc::not_found,
          fmt::format(
              "{}: nothing below it matches '{}'{}: `*` stays inside one folder, `**/` goes "
              "through all",
              where(index_), source_->match,
              source_->except.empty() ? "" : " and is left by `except`"));
    return {};
  }

  core::result<walk_step> visit(const walked& x, const std::string& to) {
    if (how_.stop.stop_requested())
      return core::fail(stopped());
    if (left_out(x.path))
      return walk_step::skip;
    if (!fits(source_->match, x.path))
      return walk_step::go_on;
    const auto path = joined(to, x.path);
    core::result<void> done;
    if (S_ISDIR(x.status.st_mode)) {
      ++taken_;
      done = add(path, folder_entry(x.status));
    } else if (S_ISLNK(x.status.st_mode))
      done = take_symlink(x, path);
    else if (S_ISREG(x.status.st_mode))
      done = take_entry(x, path);
    else
      done = malformed(x.path, "is a device, socket or fifo; " + how_to_leave_out(x.path));
    if (!done)
      return core::fail(done.error());
    return walk_step::go_on;
  }

  core::result<void> take_entry(const walked& x, const std::string& path) {
    unique_fd fd(
        ::openat(x.folder, x.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd && errno == ENOENT)
      return {};
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
      return failed("open", x.path);
    if (!S_ISREG(status.st_mode))
      return malformed(x.path, "changed its kind while it was read: submit again when nothing "
                               "writes there");
    return take_file(std::move(fd), status.st_mode, path);
  }

  core::result<void> take_file(unique_fd fd, mode_t mode, const std::string& path) {
    ++taken_;
    return intake_.add(std::move(fd), [this, mode, path](const core::result<blob_info>& blob) {
      return stored(blob, mode, path);
    });
  }

  core::result<void> stored(const core::result<blob_info>& blob, mode_t mode,
                            const std::string& path) {
    if (!blob)
      return core::fail(blob.error().code, fmt::format("{}: {}: {}", where(index_), shown(path),
                                                       blob.error().message));
    out_.bytes += blob->size;
    if (how_.progress != nullptr) {
      how_.progress->files.fetch_add(1, std::memory_order_relaxed);
      how_.progress->bytes.fetch_add(blob->size, std::memory_order_relaxed);
    }
    return add(path, {.kind = core::file_kind::file,
                      .hash = blob->hash,
                      .size = blob->size,
                      .mode = mode & 0777U});
  }

  core::result<void> take_symlink(const walked& x, const std::string& path) {
    std::array<char, PATH_MAX> buffer;
    const auto length = ::readlinkat(x.folder, x.name.c_str(), buffer.data(), buffer.size());
    if (length < 0)
      return errno == ENOENT ? core::result<void>() : failed("readlink", x.path);
    std::string target(buffer.data(), static_cast<std::size_t>(length));
    // Against its place in the source: a link to a neighbour of `from` would lead nowhere.
    if (auto good = core::check_symlink(x.path, target); !good)
      return core::fail(
          good.error().code,
          fmt::format("{}: {}; {}", where(index_), good.error().message, how_to_leave_out(x.path)));
    ++taken_;
    return add(path, {.kind = core::file_kind::symlink, .mode = 0777, .target = std::move(target)});
  }

  core::result<void> add(const std::string& path, core::file_entry entry) {
    if (auto good = core::check_path(path); !good)
      return core::fail(good.error().code,
                        fmt::format("{}: {}", where(index_), good.error().message));
    const auto [there, fresh] = out_.files.try_emplace(path, entry);
    if (fresh)
      first_.emplace(path, index_);
    const bool both_folders = entry.kind == core::file_kind::directory
                              && there->second.kind == core::file_kind::directory;
    if (fresh || both_folders || there->second == entry)
      return {};
    return core::fail(
        core::errc::file_conflict,
        fmt::format("{} and {} both give {}, but not the same content and mode: give one of "
                    "them another `to`",
                    where(first_.at(path)), where(index_), shown(path)));
  }

  static core::file_entry folder_entry(const struct stat& status) {
    return {.kind = core::file_kind::directory, .mode = status.st_mode & 0777U};
  }

  core::result<void> failed(std::string_view call, const std::string& path) const {
    return core::fail(
        errno_error(fmt::format("{}: {} {}", where(index_), call, shown(full(path))), errno));
  }

  core::result<void> malformed(const std::string& path, std::string_view why) const {
    return core::fail(core::errc::malformed, path.empty() ? fmt::format("{} {}", where(index_), why)
                                                          : fmt::format("{}: {} {}", where(index_),
                                                                        shown(full(path)), why));
  }

  core::result<void> absent(const std::filesystem::path& original) const {
    if (source_->from.find_first_of("*?[") != std::string::npos)
      return core::fail(core::errc::not_found,
                        fmt::format("{} is no file's name, and patterns stand under `match`: write "
                                    "{}",
                                    where(index_), split_pattern(source_->from)));
    return core::fail(core::errc::not_found,
                      fmt::format("{} is not there (looked for {}): write a path from the folder "
                                  "of the workflow file, or an absolute one",
                                  where(index_), original.native()));
  }

  /// The entry as people find it: its index in the file, and what it says.
  [[nodiscard]] std::string where(std::size_t index) const {
    return fmt::format("files[{}] '{}'", index, sources_[index].from);
  }

  [[nodiscard]] std::string full(const std::string& path) const {
    return joined(source_->from, path);
  }

  [[nodiscard]] bool left_out(const std::string& path) const {
    return std::any_of(source_->except.begin(), source_->except.end(),
                       [&](const std::string& glob) { return core::glob_match(glob, path); });
  }

  [[nodiscard]] std::string how_to_leave_out(const std::string& path) const {
    if (*source_ == core::file_source{.from = source_->from})
      return fmt::format("leave it out with {{from: {}, except: [\"{}\"]}}", source_->from,
                         shown(path));
    return fmt::format("leave it out: add \"{}\" to `except` of this entry", shown(path));
  }

  const std::vector<core::file_source>& sources_;
  const std::filesystem::path& folder_;
  const snapshot_options& how_;
  snapshot out_;
  const core::file_source* source_ = nullptr;
  std::size_t index_ = 0;
  /// Which source gave a path, for the message about two that disagree.
  std::map<std::string, std::size_t, std::less<>> first_;
  std::size_t taken_ = 0;
  /// Last, so that its threads end first.
  ordered_intake intake_;
};

} // namespace

core::result<snapshot> take_snapshot(const std::vector<core::file_source>& sources,
                                     const std::filesystem::path& folder, blob_store& store,
                                     const snapshot_options& how) {
  taker work(sources, folder, store, how);
  for (std::size_t i = 0; i < sources.size(); ++i)
    if (auto done = work.take(i); !done)
      return core::fail(done.error());
  return work.finish();
}

} // namespace maze::io
