#include "node/cluster_place.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <random>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace maze::node {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t record_size_max = std::uint64_t{64} << 10;

core::result<io::unique_fd> lock_file(const fs::path& path) {
  io::unique_fd out{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!out)
    return core::fail(io::errno_error(fmt::format("open {}", path.string()), errno));
  while (::flock(out.get(), LOCK_EX) != 0)
    if (errno != EINTR)
      return core::fail(io::errno_error(fmt::format("lock {}", path.string()), errno));
  return out;
}

/// Makes a folder that nobody else may enter, or checks that the present one is such.
core::result<void> own_folder(const fs::path& path) {
  std::error_code failed;
  fs::create_directories(path.parent_path(), failed);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return core::fail(io::errno_error(fmt::format("make folder {}", path.string()), errno));
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0)
    return core::fail(io::errno_error(fmt::format("look at {}", path.string()), errno));
  if (!S_ISDIR(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 0077U) != 0)
    return core::fail(
        core::errc::permission_denied,
        fmt::format("{} is not a folder of yours alone (mode 0700): remove it, or set "
                    "XDG_RUNTIME_DIR to one that is",
                    path.string()),
        "cluster");
  return {};
}

/// Takes the lock of a folder; nothing while a process holds it.
/// @pre The root's lock `making` is held.
io::unique_fd take_lock(const fs::path& folder, int flags) {
  io::unique_fd out{
      ::open((folder / "lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600)};
  if (out && ::flock(out.get(), LOCK_EX | LOCK_NB) != 0)
    out.reset();
  return out;
}

/// What a socket beside the cluster's own is called, up to its number.
constexpr std::string_view socket_prefix = "blobs-";

void remove_place(const fs::path& folder) {
  std::vector<fs::path> names{"socket", "cluster.json", "lock"};
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().filename().native().starts_with(socket_prefix))
      names.push_back(entry.path().filename());
  for (const fs::path& name : names)
    ::unlink((folder / name).c_str());
  ::rmdir(folder.c_str());
}

/// Removes what dead processes left.
/// @pre The root's lock `making` is held.
void remove_dead(const fs::path& root) {
  std::error_code ignored;
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(root, ignored))
    if (entry.is_directory(ignored))
      folders.push_back(entry.path());
  for (const fs::path& folder : folders)
    if (const auto lock = take_lock(folder, 0); lock || !fs::exists(folder / "lock", ignored))
      remove_place(folder);
}

std::string names_of(const std::vector<found_cluster>& all) {
  std::string out;
  for (const found_cluster& one : all)
    out +=
        fmt::format("{}{} (process {})", out.empty() ? "" : ", ", one.record.name, one.record.pid);
  return out;
}

} // namespace

std::string to_json(const cluster_record& x) {
  auto listens = nlohmann::json::array();
  for (const io::endpoint& at : x.listens)
    listens.push_back(io::to_string(at));
  return nlohmann::json{{"name", x.name},
                        {"pid", x.pid},
                        {"state", x.state.string()},
                        {"started_ns", x.started.count()},
                        {"id", io::to_string(x.id)},
                        {"listens", listens},
                        {"passing", x.passing}}
             .dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
         + "\n";
}

core::result<cluster_record> parse_cluster_record(std::string_view text) {
  const auto read = nlohmann::json::parse(text, nullptr, false);
  const auto has = [&](const char* key, bool (nlohmann::json::*is)() const noexcept) {
    return read.is_object() && read.contains(key) && (read[key].*is)();
  };
  if (!has("name", &nlohmann::json::is_string) || !has("pid", &nlohmann::json::is_number_integer)
      || !has("state", &nlohmann::json::is_string)
      || !has("started_ns", &nlohmann::json::is_number_integer)
      || !has("id", &nlohmann::json::is_string) || !has("listens", &nlohmann::json::is_array)
      || !has("passing", &nlohmann::json::is_boolean))
    return core::fail(core::errc::malformed, "this is no record of a running cluster", "cluster");
  const auto id = io::cluster_id_from_string(read["id"].get<std::string>());
  if (!id)
    return core::fail(core::errc::malformed, "the record of a cluster has no id", "cluster");
  cluster_record out{.name = read["name"],
                     .pid = read["pid"],
                     .state = read["state"].get<std::string>(),
                     .started = core::wall_time(read["started_ns"].get<std::int64_t>()),
                     .id = *id,
                     .listens = {},
                     .passing = read["passing"]};
  for (const auto& each : read["listens"]) {
    auto at = io::parse_endpoint(each.is_string() ? each.get<std::string>() : std::string());
    if (!at)
      return core::fail(at.error());
    out.listens.push_back(std::move(*at));
  }
  return out;
}

fs::path runtime_root(const surroundings& around, uid_t user) {
  if (const auto given = around.environment.find("XDG_RUNTIME_DIR");
      given != around.environment.end() && fs::path(given->second).is_absolute())
    return fs::path(given->second) / "maze";
  return around.is_root ? fs::path("/run/maze") : fs::path(fmt::format("/tmp/maze-{}", user));
}

core::result<cluster_place> cluster_place::claim(const fs::path& root, const std::string& name) {
  if (auto fine = io::check_node_name(name); !fine)
    return core::fail(fine.error());
  if (auto made = own_folder(root); !made)
    return core::fail(made.error());
  const auto making = lock_file(root / "making");
  if (!making)
    return core::fail(making.error());
  remove_dead(root);
  const fs::path folder = root / name;
  if (auto made = own_folder(folder); !made)
    return core::fail(made.error());
  auto lock = take_lock(folder, O_CREAT);
  if (!lock)
    return core::fail(
        core::errc::already_exists,
        fmt::format("a cluster named '{}' runs already: choose another --name, or stop "
                    "it with 'maze-node stop --cluster {}'",
                    name, name),
        "start");
  return cluster_place{folder, std::move(lock)};
}

cluster_place::cluster_place(cluster_place&& other) noexcept
    : folder_(std::exchange(other.folder_, {})), lock_(std::move(other.lock_)) {}

cluster_place::~cluster_place() {
  if (!folder_.empty())
    remove_place(folder_);
}

core::result<void> cluster_place::publish(const cluster_record& record) const {
  return io::replace_file(folder_ / "cluster.json", to_json(record), 0600);
}

fs::path fresh_socket(const found_cluster& beside) {
  std::random_device source;
  return beside.socket.parent_path() / fmt::format("{}{:08x}", socket_prefix, source());
}

core::result<std::vector<found_cluster>> find_clusters(const fs::path& root) {
  std::vector<found_cluster> out;
  std::error_code ignored;
  if (!fs::exists(root, ignored))
    return out;
  if (auto own = own_folder(root); !own)
    return core::fail(own.error());
  {
    const auto making = lock_file(root / "making");
    if (!making)
      return core::fail(making.error());
    remove_dead(root);
  }
  for (const auto& entry : fs::directory_iterator(root, ignored)) {
    // One that is still on its way has no record yet.
    const auto text = io::read_file(entry.path() / "cluster.json", record_size_max);
    if (!text)
      continue;
    if (auto record = parse_cluster_record(*text))
      out.push_back({std::move(*record), entry.path() / "socket"});
  }
  std::sort(out.begin(), out.end(), [](const found_cluster& a, const found_cluster& b) {
    return a.record.name < b.record.name;
  });
  return out;
}

core::result<found_cluster> choose_cluster(const fs::path& root, const std::string& wanted) {
  auto all = find_clusters(root);
  if (!all)
    return core::fail(all.error());
  if (!wanted.empty()) {
    for (found_cluster& one : *all)
      if (one.record.name == wanted)
        return std::move(one);
    return core::fail(
        core::errc::not_found,
        all->empty()
            ? fmt::format("no cluster named '{}' runs: start it with 'maze-node start "
                          "--detach --name {}'",
                          wanted, wanted)
            : fmt::format("no cluster named '{}' runs; these do: {}", wanted, names_of(*all)),
        "cluster");
  }
  std::erase_if(*all, [](const found_cluster& one) { return one.record.passing; });
  if (all->empty())
    return core::fail(core::errc::not_found,
                      "no cluster runs under this user: start one with 'maze-node start --detach'",
                      "cluster");
  if (all->size() > 1)
    return core::fail(
        core::errc::invalid_argument,
        fmt::format("several clusters run: {}; choose one with --cluster NAME", names_of(*all)),
        "cluster");
  return std::move(all->front());
}

} // namespace maze::node
