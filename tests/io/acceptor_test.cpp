#include "maze/io/acceptor.hpp"

#include "support/gatehouse.hpp"
#include "support/needs.hpp"
#include "support/sockets.hpp"
#include "support/strangers.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

using namespace maze;
using io::node_role;
using io::refusal;
using test::client_hello;
using test::garbage;
using test::gatehouse;
using test::hello_of;
using test::must;

namespace {

using namespace std::chrono_literals;

std::optional<std::string> not_root() {
  return ::geteuid() == 0 ? std::nullopt : std::optional<std::string>("needs root");
}

/// Holds the number of descriptors down so that no new one can be made.
class no_descriptors {
public:
  no_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const io::unique_fd lowest(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    auto none = before_;
    none.rlim_cur = static_cast<rlim_t>(lowest.get());
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  no_descriptors(const no_descriptors&) = delete;
  no_descriptors& operator=(const no_descriptors&) = delete;
  ~no_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
  rlimit before_{};
};

} // namespace

TEST_CASE_METHOD(gatehouse, "a node of the cluster is let in by either way", "[io][acceptor]") {
  open();
  for (const auto& [at, certified] : {std::pair(local(), false), std::pair(remote(), true)}) {
    INFO(to_string(at));
    auto ours = must(connect(at));
    auto theirs = let_in();
    CHECK(theirs.peer == hello_of(worker));
    CHECK(theirs.bytes.peer().certified == certified);
    CHECK(ours.bytes.peer().who == master.self);
    REQUIRE(ours.bytes.write_all(std::string_view("up"), test::patience()));
    REQUIRE(theirs.bytes.write_all(std::string_view("down"), test::patience()));
    std::string up(2, ' '), down(4, ' ');
    REQUIRE(theirs.bytes.read_all(up, test::patience()));
    REQUIRE(ours.bytes.read_all(down, test::patience()));
    CHECK(up + down == "updown");
  }
  CHECK(counts().established == 2);
  CHECK(refused() == 0);
  CHECK(lines().empty());
}

TEST_CASE_METHOD(gatehouse, "64 kinds of garbage change nothing for honest nodes",
                 "[io][acceptor]") {
  open();
  const auto tls = client_hello(worker_tls);
  const auto plain = io::encode_hello(hello_of(worker), io::hello_kind::introduces);
  std::uint64_t sent = 0;
  for (const auto& at : {local(), remote()})
    for (std::uint64_t seed = 0; seed < 64; ++seed) {
      INFO("seed = " << seed << " at " << to_string(at));
      const auto out = test::dial(at);
      test::push(out.get(), garbage(seed, tls, plain));
      ::shutdown(out.get(), SHUT_WR);
      static_cast<void>(test::drain(out.get()));
      ++sent;
    }
  CHECK(eventually([&] { return refused() == sent; }));
  CHECK(refused(refusal::not_maze) > 0);
  CHECK(refused(refusal::not_tls) > 0);
  CHECK(refused(refusal::timed_out) == 0);
  CHECK(connect(local()));
  CHECK(connect(remote()));
  CHECK(eventually([&] { return counts().established == 2; }));
}

TEST_CASE_METHOD(gatehouse, "who stops in the middle is dropped at the deadline",
                 "[io][acceptor]") {
  open({.handshake_max = 100ms});
  const auto hello = io::encode_hello(hello_of(worker), io::hello_kind::introduces);
  const auto tls = client_hello(worker_tls);
  // Silence, and half of what each way begins with.
  for (const auto& [at, said] :
       {std::pair(local(), std::string()), std::pair(remote(), std::string()),
        std::pair(local(), hello.substr(0, hello.size() / 2)),
        std::pair(local(), hello.substr(0, 3)), std::pair(remote(), tls.substr(0, tls.size() / 2)),
        std::pair(remote(), tls)}) {
    const auto out = test::dial(at);
    test::push(out.get(), said);
    static_cast<void>(test::drain(out.get()));
  }
  CHECK(eventually([&] { return refused(refusal::timed_out) == 6; }));

  CHECK(eventually([&] { return counts().in_progress == 0; }));
  CHECK(refused() == 6);
  CHECK_THAT(lines().front(), Catch::StartsWith("refused unix:process ")
                                  && Catch::EndsWith("its hello was not complete after 100ms"));
}

TEST_CASE_METHOD(gatehouse, "half a hello behind a whole TLS handshake is dropped too",
                 "[io][acceptor]") {
  open({.handshake_max = 1s});
  auto fd = test::dial(remote());
  const int raw = fd.get();
  auto session = must(worker_tls.session(raw, io::tls_side::connects, nullptr));
  io::transport out(std::move(fd), std::move(session));
  for (auto step = out.shake_hands(); step.state != io::progress::moved; step = out.shake_hands()) {
    REQUIRE(step.state != io::progress::broken);
    REQUIRE(io::wait_for(raw, step.state == io::progress::wants_write, test::patience()));
  }
  const auto hello = io::encode_hello(hello_of(worker), io::hello_kind::introduces);
  REQUIRE(out.write(hello.substr(0, 20)).bytes == 20);
  static_cast<void>(test::drain(raw));
  CHECK(eventually([&] { return refused(refusal::timed_out) == 1; }));
  CHECK_THAT(lines().front(), Catch::EndsWith("its hello was not complete after 1s"));
}

TEST_CASE_METHOD(gatehouse, "one byte at a time does not outlast the deadline", "[io][acceptor]") {
  open({.handshake_max = 100ms});
  const auto hello = io::encode_hello(hello_of(worker), io::hello_kind::introduces);
  const auto out = test::dial(local());
  std::size_t said = 0;
  // The pause between two bytes ends early when the other side hangs up.
  while (said < hello.size()
         && !io::wait_for(out.get(), false, std::chrono::steady_clock::now() + 20ms))
    test::push(out.get(), hello.substr(said++, 1));
  CHECK(said < hello.size());
  CHECK(eventually([&] { return refused(refusal::timed_out) == 1; }));
  CHECK(counts().established == 0);
}

TEST_CASE_METHOD(gatehouse, "two thousand connections at once keep no honest node out",
                 "[io][acceptor]") {
  MAZE_NEEDS(test::many_descriptors());
  open({.handshake_max = 60s});
  constexpr std::uint64_t flood = 2000, kept = 16;
  std::vector<io::unique_fd> silent;
  for (std::uint64_t i = 0; i < flood; ++i) {
    silent.push_back(test::dial(remote(), "127.0.0.2"));
    if (i % 100 == 99) {
      CHECK(connect(remote()));
      CHECK(connect(local()));
    }
  }
  CHECK(eventually([&] { return refused(refusal::too_many_from_peer) == flood - kept; }));
  CHECK(eventually([&] { return counts().established == 2 * flood / 100; }));
  CHECK(counts().in_progress_max <= 64);
  CHECK(eventually([&] { return counts().in_progress == kept; }));
  CHECK(lines().size() < 100);

  silent.clear();
  CHECK(eventually([&] { return counts().in_progress == 0; }));
  CHECK(refused(refusal::hung_up) == kept);
  // It sleeps again: one more connection costs a few turns, not thousands.
  const auto before = counts().turns;
  CHECK(connect(remote()));
  CHECK(counts().turns - before < 40);
}

TEST_CASE_METHOD(gatehouse, "many origins together keep no honest node out", "[io][acceptor]") {
  open({.handshake_max = 60s, .handshakes_max = 8, .handshakes_per_peer_max = 4});
  std::vector<io::unique_fd> silent;
  for (const std::string source : {"127.0.0.2", "127.0.0.3", "127.0.0.4"})
    for (int i = 0; i < 4; ++i)
      silent.push_back(test::dial(remote(), source));
  CHECK(eventually([&] { return refused(refusal::too_many) == 4; }));
  CHECK(connect(remote()));
  CHECK(connect(local()));
  CHECK(eventually([&] { return counts().established == 2; }));
  CHECK(counts().in_progress_max == 8);
}

TEST_CASE_METHOD(gatehouse, "certificates and hellos that do not count are refused and told",
                 "[io][acceptor]") {
  open({.bulk = false, .handshake_max = 60s});
  const auto attempt = [&](const io::credentials& shown, const io::hello& said) {
    const auto tls = must(io::tls_context::make(shown));
    return io::connect(remote(), {.own = said, .tls = &tls, .timeout = 60s});
  };
  auto said = hello_of(worker);
  said.who.role = node_role::client;
  CHECK_THAT(attempt(worker, said).error().message,
             Catch::Contains("its certificate names worker w1"));
  said = hello_of(worker);
  said.protocol.version = "0.0.7";
  const auto refused_version = attempt(worker, said);
  CHECK(refused_version.error().code == core::errc::stale);
  CHECK_THAT(refused_version.error().message,
             Catch::Contains("maze 0.1.0") && Catch::Contains("maze 0.0.7"));
  CHECK_THAT(attempt(worker, hello_of(worker, io::plane::bulk)).error().message,
             Catch::Contains("does not serve the bulk plane"));
  const test::cluster_keys strangers({{.high = 9, .low = 9}});
  const auto spy = strangers.issue(node_role::worker, "w1");
  CHECK_THAT(attempt(spy, hello_of(spy)).error().message, Catch::Contains("another cluster"));
  CHECK(refused(refusal::identity) == 1);
  CHECK(refused(refusal::protocol) == 1);
  CHECK(refused(refusal::plane) == 1);
  CHECK(eventually([&] { return refused(refusal::certificate) == 1; }));
}

TEST_CASE_METHOD(gatehouse, "another user's process is refused on a UNIX socket",
                 "[io][acceptor]") {
  MAZE_NEEDS(not_root());
  open();
  // The folder would keep that user out; here its mode was spoilt.
  const std::filesystem::path socket = std::get<io::unix_endpoint>(local()).path;
  REQUIRE(::chmod(socket.parent_path().parent_path().c_str(), 0711) == 0);
  REQUIRE(::chmod(socket.parent_path().c_str(), 0711) == 0);
  REQUIRE(::chmod(socket.c_str(), 0666) == 0);
  std::string told;
  std::thread stranger([&] {
    // Without glibc's help only this thread changes its user.
    constexpr uid_t keep = static_cast<uid_t>(-1), other = 12345;
    if (::syscall(SYS_setresuid, keep, other, keep) != 0)
      return;
    told = test::drain(test::dial(local()).get());
  });
  stranger.join();
  CHECK_THAT(told, Catch::Contains("it runs as user 12345, this node as user 0"));
  CHECK(refused(refusal::wrong_user) == 1);
}

TEST_CASE_METHOD(gatehouse, "an acceptor without descriptors rests and comes back",
                 "[io][acceptor]") {
  open();
  const auto where = must(io::resolve(remote(), false, test::patience()));
  const io::unique_fd waiting(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  REQUIRE(waiting);
  {
    const no_descriptors none;
    static_cast<void>(::connect(waiting.get(), where.front().data(), where.front().length));
    CHECK(eventually([&] { return counts().pauses >= 2; }));
    // It rests 100 ms each time instead of asking in a circle.
    CHECK(counts().turns < 100);
  }
  CHECK(connect(remote()));
  CHECK(connect(local()));
  CHECK_THAT(lines().front(), Catch::Contains("Too many open files"));
}

TEST_CASE_METHOD(gatehouse, "an acceptor goes with handshakes in progress", "[io][acceptor]") {
  open();
  const auto out = test::dial(remote());
  CHECK(eventually([&] { return counts().in_progress == 1; }));
  const auto at = local();
  close();
  CHECK(test::drain(out.get()).empty());
  CHECK(connect(at).error().code == core::errc::not_found);
}

TEST_CASE_METHOD(gatehouse, "an acceptor wants sensible settings", "[io][acceptor]") {
  const auto code = [&](io::acceptor_settings settings, const io::tls_context* tls) {
    settings.own = hello_of(master);
    const auto made = io::acceptor::open(std::move(settings), tls, {});
    return made ? core::errc::none : made.error().code;
  };
  const io::endpoint tcp = io::tcp_endpoint{"127.0.0.1", 0};
  CHECK(code({}, &master_tls) == core::errc::invalid_argument);
  CHECK(code({.endpoints = {tcp}}, nullptr) == core::errc::invalid_argument);
  CHECK(code({.endpoints = {tcp}, .handshakes_max = 0}, &master_tls)
        == core::errc::invalid_argument);
  CHECK(code({.endpoints = {tcp}, .handshake_max = 0s}, &master_tls)
        == core::errc::invalid_argument);
  const auto old = must(io::tls_context::make(
      keys.issue(node_role::master, "head",
                 {keys.now() - std::chrono::hours(9), keys.now() - std::chrono::hours(8)})));
  CHECK(code({.endpoints = {tcp}}, &old) == core::errc::stale);
}
