// A master with an address that others reach: whom it lets in, and what the others cost it.

#include "support/strangers.hpp"

#include "maze/io/connector.hpp"
#include "maze/io/credentials.hpp"
#include "support/cluster_folder.hpp"
#include "support/cluster_keys.hpp"
#include "support/handshakes.hpp"
#include "support/needs.hpp"
#include "support/process.hpp"
#include "support/sockets.hpp"
#include "support/tree.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <unistd.h>

using namespace maze;
using Catch::Contains;
using test::cluster_folder;
using test::must;
namespace fs = std::filesystem;

namespace {

struct cost {
  std::uint64_t resident_bytes = 0;
  std::chrono::milliseconds cpu{};
  std::size_t descriptors = 0;
};

cost cost_of(pid_t pid) {
  const fs::path proc = "/proc/" + std::to_string(pid);
  const std::string stat = test::read_file(proc / "stat");
  // Behind the program's name, which may hold anything: the state is field 3.
  std::istringstream fields(stat.substr(stat.rfind(')') + 2));
  const std::vector<std::string> all{std::istream_iterator<std::string>(fields), {}};
  const std::int64_t ticks = std::stoll(all.at(14 - 3)) + std::stoll(all.at(15 - 3));
  return {.resident_bytes =
              std::stoull(all.at(24 - 3)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)),
          .cpu = std::chrono::milliseconds(ticks * 1000 / ::sysconf(_SC_CLK_TCK)),
          .descriptors = static_cast<std::size_t>(
              std::distance(fs::directory_iterator(proc / "fd"), fs::directory_iterator()))};
}

struct exposed_master : cluster_folder {
  pid_t master = start_master({"--listen", "tcp:127.0.0.1:0"});
  fs::path state = folder / "master" / "clusters" / "lab";
  io::endpoint door = io::parse_endpoint(nlohmann::json::parse(test::read_file(
                                             folder / "maze" / "lab" / "cluster.json"))["listens"]
                                             .at(0)
                                             .get<std::string>())
                          .value();
  io::cluster_credentials cluster =
      must(io::open_cluster(state / "credentials", "lab", std::chrono::system_clock::now()));

  io::credentials member(const std::string& name, std::chrono::hours age) {
    return must(io::make_join_file(cluster,
                                   {.role = io::node_role::worker,
                                    .name = name,
                                    .masters = {door},
                                    .valid_for = std::chrono::hours(24)},
                                   std::chrono::system_clock::now() - age))
        .member;
  }
  core::errc connect(const io::credentials& who, const io::hello& said) {
    const auto tls = must(io::tls_context::make(who));
    const auto made =
        io::connect(door, {.own = said, .tls = &tls, .timeout = std::chrono::seconds(60)});
    return made ? core::errc::none : made.error().code;
  }
  /// Speaks TLS without a certificate of its own; whether it was shown the door.
  bool nameless_is_refused() {
    const io::unique_fd fd = test::dial(door);
    const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                               SSL_CTX_free);
    const std::unique_ptr<SSL, void (*)(SSL*)> session(SSL_new(context.get()), SSL_free);
    SSL_set_fd(session.get(), fd.get());
    for (int got = 0;;) {
      char bytes[64];
      const int made = SSL_connect(session.get());
      got = made == 1 ? SSL_read(session.get(), bytes, sizeof bytes) : made;
      const int why = SSL_get_error(session.get(), got);
      ERR_clear_error();
      if (got > 0)
        return false;
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        return true;
      if (!io::wait_for(fd.get(), why == SSL_ERROR_WANT_WRITE, test::patience()))
        return false;
    }
  }
};

} // namespace

TEST_CASE_METHOD(exposed_master, "strangers at the master's door do not disturb a run",
                 "[system][strangers][tls]") {
  MAZE_NEEDS(test::many_descriptors());
  good({"join-file", "w1", "--file", "w1.join"});
  start_worker("w1", {"--join", "w1.join"});
  chains(20);
  good({"submit", "chains.yaml", "--wait", "--out", "before"});
  const cost before = cost_of(master);
  const io::credentials guest = member("guest", std::chrono::hours(0));
  const auto guest_tls = must(io::tls_context::make(guest));
  const auto honest_hello = io::encode_hello(test::hello_of(guest), io::hello_kind::introduces);
  const auto honest_tls = test::client_hello(guest_tls);

  test::process run(options({"submit", "chains.yaml", "--wait", "--out", "home"}));
  std::vector<io::unique_fd> strangers;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    strangers.push_back(test::dial(door));
    test::push(strangers.back().get(), test::garbage(seed, honest_tls, honest_hello));
  }
  for (const std::size_t said : {std::size_t{1}, honest_tls.size() / 2, honest_tls.size()}) {
    strangers.push_back(test::dial(door));
    test::push(strangers.back().get(), honest_tls.substr(0, said));
  }
  const test::cluster_keys elsewhere({{.high = 9, .low = 9}});
  const auto spy = elsewhere.issue(io::node_role::worker, "w1");
  CHECK(connect(spy, test::hello_of(spy)) == core::errc::permission_denied);
  const auto old = member("guest", std::chrono::hours(48));
  CHECK(connect(old, test::hello_of(old)) != core::errc::none);
  CHECK(connect(guest, test::hello_of(guest)) == core::errc::stale);
  CHECK(nameless_is_refused());
  // Silence, from an address of its own.
  for (int i = 0; i < 2000; ++i)
    strangers.push_back(test::dial(door, "127.0.0.2"));
  const auto ended = run.wait();
  INFO(ended.standard_error);
  CHECK(ended.status == 0);
  CHECK(test::read_tree(folder / "home") == test::read_tree(folder / "before"));

  strangers.clear();
  const cost during = cost_of(master);
  workflow("pause", "tasks: { a: { shell: \"sleep 1\" } }\n");
  good({"submit", "pause.yaml", "--wait"});
  const cost after = cost_of(master);
  CHECK(after.descriptors < before.descriptors + 8);
  CHECK(after.resident_bytes < before.resident_bytes + (std::uint64_t{32} << 20));
  // Of the second that the task sleeps, and what it takes to hand it in.
  CHECK((after.cpu - during.cpu).count() < 500);
  CHECK(test::count(state / "node.log", "a connection was refused") < 100);
  CHECK(good_json({"nodes"})["nodes"].size() == 1);
}

TEST_CASE_METHOD(cluster_folder, "nodes and clients of other machines are let in with a join file",
                 "[system][strangers][tls]") {
  start_master({"--listen", "tcp:127.0.0.1:0"});
  good({"join-file", "w1", "--file", "w1.join"});
  good({"join-file", "anna", "--for", "client", "--file", "anna.join"});
  start_worker("w1", {"--join", "w1.join", "--listen", "tcp:127.0.0.1:0"});
  chains(5);
  good({"submit", "chains.yaml", "--wait", "--out", "home", "--cluster", "./anna.join"});
  CHECK(test::read_tree(folder / "home").size() == 50);

  SECTION("each file is for its own role and name") {
    const auto client = node({"start", "--role", "worker", "--join", "anna.join"});
    CHECK(client.status == 2);
    CHECK_THAT(client.standard_error, Contains("--for worker"));
    const auto worker = node({"status", "--cluster", "./w1.join"});
    CHECK(worker.status != 0);
    CHECK_THAT(worker.standard_error, Contains("--for client"));
    const auto missing = node({"status", "--cluster", "nobody.join"});
    CHECK(missing.status != 0);
    CHECK_THAT(missing.standard_error, Contains("no join file") && Contains("join-file NAME"));
    const auto mixed_up = node({"start", "--role", "worker", "--cluster", "w1.join"});
    CHECK(mixed_up.status == 2);
    CHECK_THAT(mixed_up.standard_error, Contains("--join w1.join"));
    const auto other = node({"start", "--role", "worker", "--join", "w1.join", "--name", "w9"});
    CHECK(other.status == 2);
    CHECK_THAT(other.standard_error, Contains("a node named 'w1'"));
  }
  SECTION("a file that was cut off shows nothing of its key") {
    const std::string whole = test::read_file(folder / "w1.join");
    std::ofstream(folder / "cut.join") << whole.substr(0, whole.find("PRIVATE") + 60);
    fs::permissions(folder / "cut.join", fs::perms::owner_read | fs::perms::owner_write);
    const auto cut = node({"start", "--role", "worker", "--join", "cut.join"});
    CHECK(cut.status == 2);
    CHECK_THAT(cut.standard_error, Contains("ask for a new one") && !Contains("PRIVATE"));
  }
  SECTION("a file is never overwritten, and is for its owner alone") {
    CHECK(node({"join-file", "w1", "--file", "w1.join"}).status != 0);
    CHECK((fs::status(folder / "w1.join").permissions() & fs::perms(077)) == fs::perms::none);
  }
  SECTION("the files of another cluster are refused") {
    good({"stop", "--cluster", "lab"});
    fs::remove_all(folder / "master");
    start_master({"--listen", "tcp:127.0.0.1:0"});
    const auto refused = node({"status", "--cluster", "./anna.join"});
    CHECK(refused.status == 3);
  }
}

TEST_CASE_METHOD(cluster_folder, "a cluster without an address for others makes no join file",
                 "[system][workers]") {
  start_master();
  const auto refused = node({"join-file", "w1"});
  CHECK(refused.status == 2);
  CHECK_THAT(refused.standard_error, Contains("--listen") && Contains("--address"));
  CHECK_FALSE(fs::exists(folder / "w1.join"));
}
