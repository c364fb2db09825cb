#include "maze/io/connector.hpp"

#include "maze/io/listener.hpp"
#include "support/gatehouse.hpp"
#include "support/sockets.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <thread>

using namespace maze;
using core::errc;
using io::node_role;
using test::gatehouse;
using test::hello_of;
using test::must;

namespace {

using namespace std::chrono_literals;

core::error error_of(const core::result<io::connection>& x) {
  REQUIRE_FALSE(x);
  return x.error();
}

/// Answers one connection with `answer`, whatever it says, and hangs up.
class odd_server {
public:
  explicit odd_server(std::string answer)
      : listener_(must(io::listener::open(io::tcp_endpoint{"127.0.0.1", 0}))),
        thread_([this, text = std::move(answer)] { serve(text); }) {}
  odd_server(const odd_server&) = delete;
  odd_server& operator=(const odd_server&) = delete;
  ~odd_server() { thread_.join(); }
  [[nodiscard]] io::endpoint at() const { return listener_.at(); }

private:
  void serve(const std::string& answer) {
    if (!io::wait_for(listener_.fd(), false, test::patience()))
      return;
    const auto in = listener_.accept();
    if (!in || !io::wait_for(in->fd.get(), false, test::patience()))
      return;
    std::string said(1 << 14, ' ');
    static_cast<void>(::recv(in->fd.get(), said.data(), said.size(), 0));
    test::push(in->fd.get(), answer);
  }

  io::listener listener_;
  std::thread thread_;
};

} // namespace

TEST_CASE_METHOD(gatehouse, "nobody listening is told apart from nobody answering",
                 "[io][connector]") {
  open();
  const auto dead = must(io::listener::open(io::tcp_endpoint{"127.0.0.1", 0})).at();
  const auto refused = error_of(connect(dead));
  CHECK(refused.code == errc::not_found);
  CHECK_THAT(refused.message, Catch::StartsWith("cannot connect to " + to_string(dead) + ": ")
                                  && Catch::Contains("nobody listens there"));
  CHECK(error_of(connect(io::unix_endpoint{"/nonexistent/maze"})).code == errc::not_found);

  const auto silent = must(io::listener::open(io::tcp_endpoint{"127.0.0.1", 0}));
  const auto late = error_of(
      io::connect(silent.at(), {.own = hello_of(worker), .tls = &worker_tls, .timeout = 500ms}));
  CHECK(late.code == errc::transfer_error);
  CHECK_THAT(late.message, Catch::Contains("no connection within 500ms")
                               && Catch::Contains("is a maze node behind it?"));
}

TEST_CASE_METHOD(gatehouse, "something that is no maze node is called that", "[io][connector]") {
  const auto spoke = [&](const std::string& answer) {
    const odd_server server(answer);
    return error_of(connect(server.at()));
  };
  const auto web = spoke("HTTP/1.1 400 Bad Request\r\n\r\n");
  CHECK(web.code == errc::malformed);
  CHECK_THAT(web.message, Catch::Contains("does not speak TLS 1.3 as a maze node does"));
  const auto mute = spoke("");
  CHECK(mute.code == errc::transfer_error);
  CHECK_THAT(mute.message, Catch::Contains("no maze node: try again, or check the endpoint"));
}

TEST_CASE_METHOD(gatehouse, "the wrong node is refused by the one who connects",
                 "[io][connector]") {
  open();
  for (const auto& at : {local(), remote()}) {
    auto wanted = io::connect_settings{.own = hello_of(worker),
                                       .tls = &worker_tls,
                                       .peer_role = node_role::worker,
                                       .timeout = 60s};
    const auto role = error_of(io::connect(at, wanted));
    CHECK(role.code == errc::permission_denied);
    CHECK_THAT(role.message, Catch::Contains("master head listens there, not worker"));
    wanted.peer_role = node_role::master;
    wanted.peer_name = "other";
    CHECK_THAT(error_of(io::connect(at, wanted)).message, Catch::Contains("not master other"));
    wanted.peer_name = "head";
    CHECK(io::connect(at, wanted));
  }
}

TEST_CASE_METHOD(gatehouse, "credentials that cannot work are told before anyone is asked",
                 "[io][connector]") {
  open();
  const auto bare = error_of(io::connect(remote(), {.own = hello_of(worker)}));
  CHECK(bare.code == errc::invalid_argument);
  CHECK_THAT(bare.message, Catch::Contains("use a join file"));
  using std::chrono::hours;
  const auto until = keys.now() - hours(1);
  const auto old = must(
      io::tls_context::make(keys.issue(node_role::worker, "w1", {keys.now() - hours(9), until})));
  const auto expired = error_of(io::connect(remote(), {.own = hello_of(worker), .tls = &old}));
  CHECK(expired.code == errc::stale);
  CHECK_THAT(expired.message, Catch::Contains("worker w1 expired on " + io::utc_text(until)));
  CHECK(refused() == 0);
}

TEST_CASE_METHOD(gatehouse, "a master of another cluster is refused", "[io][connector]") {
  open();
  const test::cluster_keys strangers({{.high = 8, .low = 8}});
  const auto own = strangers.issue(node_role::worker, "w1");
  const auto tls = must(io::tls_context::make(own));
  const auto foreign =
      error_of(io::connect(remote(), {.own = hello_of(own), .tls = &tls, .timeout = 60s}));
  CHECK(foreign.code == errc::permission_denied);
  CHECK_THAT(foreign.message,
             Catch::Contains("the certificate of master head is of another cluster; use a join "
                             "file of this one"));
  const auto by_socket = error_of(io::connect(local(), {.own = hello_of(own), .timeout = 60s}));
  CHECK(by_socket.code == errc::permission_denied);
  CHECK_THAT(by_socket.message, Catch::Contains("belongs to cluster"));
}

TEST_CASE_METHOD(gatehouse, "an endpoint is found by its host's name too", "[io][connector]") {
  open();
  const auto port = std::get<io::tcp_endpoint>(remote()).port;
  // The name may also lead to ::1, where nobody listens.
  CHECK(connect(io::tcp_endpoint{"localhost", port}));
}
