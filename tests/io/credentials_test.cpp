#include "maze/io/credentials.hpp"

#include "maze/io/files.hpp"
#include "maze/io/json.hpp"
#include "support/cluster_keys.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <thread>

using namespace maze;
using core::errc;
using io::node_role;
using std::chrono::hours;
using test::must;

namespace {

const io::wall_time now(std::chrono::seconds(1'800'000'000));

io::cluster_credentials fresh_cluster() {
  const test::scratch_dir dir;
  return must(io::open_cluster(dir / "credentials", "head", now));
}

io::join_file worker_file(const io::cluster_credentials& cluster) {
  return must(io::make_join_file(cluster,
                                 {.name = "w1", .masters = {io::tcp_endpoint{"head", 4242}}}, now));
}

/// The join file's text with one field changed, or without it.
std::string changed(const std::string& text, const std::string& field,
                    std::optional<core::value> x) {
  auto fields = *must(io::parse_json(text)).as<core::dict>();
  fields.erase(field);
  if (x)
    fields.emplace(field, std::move(*x));
  return must(io::to_json(core::value(std::move(fields))));
}

} // namespace

TEST_CASE("the first start makes a cluster and later ones find it", "[io][credentials]") {
  const test::scratch_dir dir;
  const auto folder = dir / "credentials";
  const auto made = must(io::open_cluster(folder, "head", now));
  CHECK(made.master.self.role == node_role::master);
  CHECK(made.master.self.name == "head");
  CHECK(io::check_pair(made.master.authority, made.master.own));
  struct stat status {};
  REQUIRE(::stat(folder.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  REQUIRE(::stat((folder / "cluster.json").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);

  const auto again = must(io::open_cluster(folder, "other", now + hours(1)));
  CHECK(again.master.self == made.master.self);
  CHECK(again.authority_key == made.authority_key);
  CHECK(again.master.own.key == made.master.own.key);
  CHECK(fresh_cluster().master.self.cluster != made.master.self.cluster);
}

TEST_CASE("two first starts at once end up in one cluster", "[io][credentials]") {
  const test::scratch_dir dir;
  std::array<io::cluster_id, 4> found{};
  std::vector<std::thread> starts;
  for (auto& id : found)
    starts.emplace_back([&id, &dir] {
      if (auto made = io::open_cluster(dir / "credentials", "head", now))
        id = made->master.self.cluster;
    });
  for (auto& start : starts)
    start.join();
  CHECK(found[0] != io::cluster_id{});
  for (const auto& id : found)
    CHECK(id == found[0]);
}

TEST_CASE("a cluster's file that is open to others, damaged or too old is refused",
          "[io][credentials]") {
  const test::scratch_dir dir;
  const auto folder = dir / "credentials";
  REQUIRE(io::open_cluster(folder, "head", now));
  const auto file = folder / "cluster.json";
  const auto text = must(io::read_file(file, 1 << 20));

  const auto expired = io::open_cluster(folder, "head", now + hours(24 * 3653));
  REQUIRE_FALSE(expired);
  CHECK(expired.error().code == errc::stale);
  CHECK_THAT(expired.error().message, Catch::Contains("expired on 2037-01-14 08:00:00 UTC"));
  CHECK_THAT(io::open_cluster(folder, "head", now - hours(2)).error().message,
             Catch::Contains("this machine's clock says 2027-01-15 06:00:00 UTC"));

  const auto stranger = fresh_cluster();
  for (const auto& [field, x] : std::vector<std::pair<std::string, std::optional<core::value>>>{
           {"authority_key", stranger.authority_key},
           {"authority_key", std::nullopt},
           {"cluster", to_string(stranger.master.self.cluster)},
           {"key", "x"}}) {
    INFO(field);
    REQUIRE(io::replace_file(file, changed(text, field, x), 0600));
    const auto damaged = io::open_cluster(folder, "head", now);
    REQUIRE_FALSE(damaged);
    CHECK(damaged.error().code == errc::malformed);
    CHECK_THAT(damaged.error().message,
               Catch::Contains("cluster.json: the cluster file's field '" + field + "'"));
  }
  REQUIRE(io::replace_file(file, text, 0644));
  CHECK(io::open_cluster(folder, "head", now).error().code == errc::permission_denied);
  REQUIRE(io::replace_file(file, "", 0600));
  CHECK(io::open_cluster(folder, "head", now).error().code == errc::malformed);
}

TEST_CASE("a join file carries a named node's credentials", "[io][credentials]") {
  const test::scratch_dir dir;
  const auto cluster = fresh_cluster();
  const auto made = worker_file(cluster);
  CHECK(made.member.self
        == io::node_identity{node_role::worker, "w1", cluster.master.self.cluster});
  REQUIRE(io::write_join_file(dir / "w1.json", made));
  const auto read = must(io::read_join_file(dir / "w1.json", now));
  CHECK(read.member.self == made.member.self);
  CHECK(read.member.own.key == made.member.own.key);
  CHECK(read.masters == made.masters);
  CHECK(to_text(read).find(cluster.authority_key) == std::string::npos);

  REQUIRE(::chmod((dir / "w1.json").c_str(), 0604) == 0);
  CHECK(io::read_join_file(dir / "w1.json", now).error().code == errc::permission_denied);
  REQUIRE(::chmod((dir / "w1.json").c_str(), 0600) == 0);
  const auto expired = io::read_join_file(dir / "w1.json", now + hours(24 * 365 + 1));
  REQUIRE_FALSE(expired);
  CHECK_THAT(expired.error().message,
             Catch::Contains("worker w1 expired on 2028-01-15 08:00:00 UTC")
                 && Catch::Contains("make a new join file"));
}

TEST_CASE("a join file is only made for what can join", "[io][credentials]") {
  const auto cluster = fresh_cluster();
  const std::vector<io::endpoint> masters{io::tcp_endpoint{"head", 1}};
  for (const auto& wrong :
       {io::join_request{.role = node_role::master, .name = "m", .masters = masters},
        io::join_request{.name = "", .masters = masters},
        io::join_request{.name = "w1", .masters = {}},
        io::join_request{.name = "w1", .masters = masters, .valid_for = hours(0)},
        io::join_request{.name = "w1", .masters = {io::tcp_endpoint{"head\xff", 1}}},
        io::join_request{.name = "w1", .masters = {io::unix_endpoint{"relative"}}},
        io::join_request{.name = "w1", .masters = std::vector(17, masters[0])}}) {
    const auto refused = io::make_join_file(cluster, wrong, now);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::invalid_argument);
  }
}

TEST_CASE("a damaged join file is refused by the field's name", "[io][credentials]") {
  const auto cluster = fresh_cluster();
  const auto text = to_text(worker_file(cluster));
  const auto other = must(io::make_join_file(
      cluster, {.role = node_role::client, .name = "c1", .masters = {io::unix_endpoint{"/s"}}},
      now));
  const auto stranger = worker_file(fresh_cluster());
  REQUIRE(io::parse_join_file(text));
  using change = std::pair<std::string, std::optional<core::value>>;
  for (const auto& [field, x] :
       std::vector<change>{{"cluster", std::nullopt},
                           {"cluster", "12"},
                           {"cluster", to_string(stranger.member.self.cluster)},
                           {"role", std::nullopt},
                           {"role", "king"},
                           {"role", "client"},
                           {"role", "master"},
                           {"name", std::nullopt},
                           {"name", "w2"},
                           {"name", "a b"},
                           {"name", 7},
                           {"authority", std::nullopt},
                           {"authority", "x"},
                           {"certificate", "x"},
                           {"certificate", stranger.member.authority},
                           {"key", std::nullopt},
                           {"key", "x"},
                           {"masters", std::nullopt},
                           {"masters", core::list{}},
                           {"masters", "tcp:a:1"},
                           {"masters", core::list{core::value("tcp:a")}},
                           {"masters", core::list(17, core::value("tcp:a:1"))},
                           {"maze_join", std::nullopt},
                           {"maze_join", 0},
                           {"maze_join", "1"},
                           {"surprise", 1}}) {
    INFO(field);
    const auto refused = io::parse_join_file(changed(text, field, x));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::malformed);
    CHECK_THAT(refused.error().message, Catch::Contains("join file's field '" + field + "'"));
  }
  const auto cut = io::parse_join_file(std::string_view(text).substr(0, text.find("PRIVATE") + 60));
  REQUIRE_FALSE(cut);
  CHECK_THAT(cut.error().message, Catch::Contains("join-file NAME") && !Catch::Contains("PRIVATE"));
  const auto wrong_key = io::parse_join_file(changed(text, "key", other.member.own.key));
  REQUIRE_FALSE(wrong_key);
  CHECK_THAT(wrong_key.error().message, Catch::Contains("key does not belong"));
  const auto wrong_authority =
      io::parse_join_file(changed(text, "authority", stranger.member.authority));
  REQUIRE_FALSE(wrong_authority);
  CHECK_THAT(wrong_authority.error().message, Catch::Contains("did not sign"));
  CHECK(io::parse_join_file(changed(text, "maze_join", 2)).error().code
        == errc::unsupported_operation);
}

TEST_CASE("a join file cut anywhere is refused, never a crash", "[io][credentials]") {
  const auto text = to_text(worker_file(fresh_cluster()));
  for (std::size_t length = 0; length + 2 < text.size(); length += 7)
    CHECK_FALSE(io::parse_join_file(std::string_view(text).substr(0, length)));
}
