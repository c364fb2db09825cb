#include "maze/actors/cluster_client.hpp"

#include "maze/actors/local_node.hpp"
#include "maze/core/value.hpp"
#include "maze/io/hash.hpp"
#include "maze/io/hello.hpp"
#include "support/builders.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <future>
#include <sys/socket.h>
#include <thread>

using namespace maze;
using namespace maze::actors;
using namespace std::chrono_literals;

namespace {

/// A node in this process and a client that talks to it over a socket.
struct fixture {
  test::scratch_dir folder;
  std::atomic<int> shut_downs{0};
  std::unique_ptr<local_node> node = [this] {
    node_settings settings;
    settings.folder = folder / "state";
    settings.total = {.cpu_millis = 2000, .memory = {1U << 30}};
    settings.durable = false;
    settings.init_executable = MAZE_BIN_DIR "/maze-init";
    settings.serves = {.cluster = "home", .version = "1", .on_shut_down = [this] { ++shut_downs; }};
    return local_node::start(settings, io::log::open({.file = folder / "log"}).value()).value();
  }();
  std::unique_ptr<cluster_client> sut = connect();

  std::unique_ptr<cluster_client>
  connect(core::permission_set permitted = core::permission_set::all()) {
    auto out = try_to_connect(permitted, false);
    if (!out)
      FAIL(core::describe(out.error()));
    return std::move(*out);
  }
  /// As anna; a client that is no honest one makes its own ticket.
  core::result<std::unique_ptr<cluster_client>> try_to_connect(core::permission_set permitted,
                                                               bool forges) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    authenticated_socket served;
    served.fd.reset(ends[0]);
    served.ticket = io::make_ticket().value();
    authenticated_socket own;
    own.fd.reset(ends[1]);
    own.ticket = forges ? io::make_ticket().value() : served.ticket;
    node->admit_client(std::move(served), "client " + std::to_string(ends[1]),
                       {.who = {.role = io::node_role::client, .name = "anna", .cluster = {}},
                        .permitted = permitted});
    return cluster_client::connect(std::move(own), {.name = "test"});
  }
  static core::submission_form form(const std::string& script, std::string id = "c1") {
    core::submission_form out;
    out.client_id = std::move(id);
    out.name = "work";
    out.tasks = {test::shell("a", script)};
    out.base = io::hash_bytes(core::encode_manifest(out.files));
    return out;
  }
  core::run_id submitted(const core::submission_form& what) {
    const auto run = sut->submit(what);
    if (!run)
      FAIL(core::describe(run.error()));
    return *run;
  }
  bool ended(core::run_id run) {
    return sut->follow(run, 1s, [](const run_news&) { return true; }).value();
  }
};

} // namespace

TEST_CASE("a session ends while threads live on that have asked in it") {
  fixture f;
  std::promise<void> asked;
  std::promise<void> over;
  std::thread other([&] {
    CHECK(f.sut->status());
    asked.set_value();
    over.get_future().wait();
  });
  asked.get_future().wait();
  f.sut.reset();
  over.set_value();
  other.join();
  f.sut = f.connect();
  CHECK(f.sut->status());
}

TEST_CASE_METHOD(fixture, "a client hands in, follows and reads a run", "[actors][client]") {
  CHECK(sut->cluster().name == "home");
  const auto run = submitted(form("echo hello; echo oops >&2"));
  CHECK(submitted(form("echo hello; echo oops >&2")) == run);
  CHECK(ended(run));
  CHECK(sut->report(run)->state == core::run_state::completed);
  CHECK(sut->log(run, {.task = "a"})->piece.bytes == "hello\n");
  CHECK(sut->log(run, {.task = "a", .stream = log_stream::standard_error})->piece.bytes
        == "oops\n");
  CHECK(core::decode(*sut->output(run, "a")));
  CHECK(sut->find("last")->run == run);
  CHECK(sut->runs(0, 10)->rows.size() == 1);
  CHECK(sut->tasks(run, 0, 10)->rows.at(0).state == core::task_state::completed);
  CHECK(sut->nodes()->rows.at(0).answers);
  CHECK(sut->status()->runs == 1);
  CHECK(sut->find("nothing").error().code == core::errc::not_found);
  CHECK(*sut->shut_down());
  CHECK(shut_downs == 1);
}

TEST_CASE_METHOD(fixture, "a client hands in what its connection permits, after a new one too",
                 "[actors][client]") {
  auto anna = connect({});
  CHECK(anna->cluster().whose == "client anna");
  CHECK(anna->cluster().permitted.empty());
  const auto command = form("true");
  for (int i = 0; i < 2; ++i) {
    const auto refused = anna->submit(command);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == core::errc::permission_denied);
    CHECK(refused.error().origin == "submit:a");
    anna = connect({});
  }
  const auto run = submitted(command);
  CHECK(ended(run));
  sut = connect();
  CHECK(submitted(command) == run);
}

TEST_CASE_METHOD(fixture, "a client with a ticket of its own making opens no session",
                 "[actors][client]") {
  const auto refused = try_to_connect(core::permission_set::all(), true);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::permission_denied);
  CHECK_THAT(refused.error().message, Catch::Contains("ticket"));
}

TEST_CASE_METHOD(fixture, "the calls of a run take who may hand in what they can do",
                 "[actors][client]") {
  core::submission_form calls;
  calls.client_id = "calls";
  calls.name = "calls";
  calls.base = io::hash_bytes(core::encode_manifest(calls.files));
  calls.calls.emplace();
  calls.calls->functions.push_back(
      {"f", core::python_action{core::python_source::code, "def f(): return 1", "f"}});
  const auto run = submitted(calls);
  const auto anna = connect({});
  const auto refused = anna->open_calls(run);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::permission_denied);
  CHECK_THAT(refused.error().message,
             Catch::Contains("system_commands") && Catch::Contains("client anna"));
  auto own = sut->open_calls(run);
  REQUIRE(own);
  CHECK((*own)->call(0, core::encode(core::value(core::list{})).value()).has_value());
  REQUIRE((*own)->close());
  auto results = (*own)->next(60s);
  REQUIRE(results);
  CHECK(results->count() == 1);
}

TEST_CASE_METHOD(fixture, "what a task prints is read while it runs", "[actors][client]") {
  const auto pipe = folder / "go";
  const auto run =
      submitted(form("mkfifo -m 666 " + pipe.string() + "; echo one; cat " + pipe.string()));
  task_log heard;
  // Ends with CTest's time limit where nothing is ever heard.
  while (heard.piece.bytes.empty())
    heard = sut->log(run, {.task = "a"}).value();
  CHECK(heard.piece.bytes == "one\n");
  CHECK_FALSE(heard.piece.ended);
  CHECK(*sut->cancel(run, {.code = core::errc::cancelled, .message = "enough"}));
  CHECK(ended(run));
  CHECK(sut->report(run)->state == core::run_state::cancelled);
}

TEST_CASE_METHOD(fixture, "a large submission and a large report travel in parts",
                 "[actors][client]") {
  auto large = form("exit 1");
  large.context["filler"] = {core::value(std::string(2'000'000, 'x')), false};
  for (int i = 0; i < 3000; ++i)
    large.tasks.push_back(test::shell("t" + std::to_string(i), "true", {"a"}));
  const auto run = submitted(large);
  CHECK(ended(run));
  CHECK(sut->report(run)->not_completed.size() == 3001);
}

TEST_CASE_METHOD(fixture, "a question to a cluster that ends fails in words, at once",
                 "[actors][client]") {
  const auto run = submitted(form("true"));
  CHECK(ended(run));
  node.reset();
  const auto failed = sut->status();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == core::errc::transfer_error);
}
