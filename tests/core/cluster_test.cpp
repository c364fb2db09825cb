#include "maze/core/cluster.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <vector>

using namespace maze::core;
using namespace std::chrono_literals;

namespace {

node_application node(std::string name, std::uint64_t incarnation = 1) {
  return {.name = std::move(name),
          .total = {.cpu_millis = 2000},
          .labels = {},
          .incarnation = incarnation};
}

} // namespace

TEST_CASE("submitting the same client id twice gives the same run", "[core][cluster]") {
  cluster sut{7};
  const auto first = sut.submit("count", "client-1");
  const auto again = sut.submit("count", "client-1");
  REQUIRE(first);
  REQUIRE(again);
  CHECK(first->fresh);
  CHECK_FALSE(again->fresh);
  CHECK(first->run == again->run);
  CHECK(sut.runs().size() == 1);
}

TEST_CASE("a client id cannot be used again for another workflow", "[core][cluster]") {
  cluster sut{7};
  REQUIRE(sut.submit("count", "client-1"));
  const auto other = sut.submit("plot", "client-1");
  REQUIRE_FALSE(other);
  CHECK(other.error().code == errc::invalid_argument);
  CHECK(other.error().message.find("client-1") != std::string::npos);
}

TEST_CASE("submits without a client id are always new runs", "[core][cluster]") {
  cluster sut{7};
  std::set<run_id> seen;
  for (int i = 0; i < 1000; ++i)
    seen.insert(sut.submit("count", "")->run);
  CHECK(seen.size() == 1000);
  CHECK_FALSE(seen.contains(run_id{0}));
}

TEST_CASE("equal seeds mint equal run ids", "[core][cluster]") {
  cluster a{42};
  cluster b{42};
  cluster c{43};
  CHECK(a.submit("x", "")->run == b.submit("x", "")->run);
  CHECK(a.submit("x", "")->run != c.submit("x", "")->run);
}

TEST_CASE("a node needs cores, a plain name and few labels", "[core][cluster]") {
  cluster sut{1};
  const auto refused = [&](node_application asks) {
    const auto out = sut.join(asks, 0s);
    REQUIRE_FALSE(out);
    CHECK(out.error().code == errc::invalid_argument);
    return out.error().message;
  };
  CHECK(refused({.name = "b"}).find("'b' offers no cores") != std::string::npos);
  CHECK(refused(node("")).find("1 to 64") != std::string::npos);
  CHECK(refused(node(std::string(65, 'x'))).find("1 to 64") != std::string::npos);
  CHECK(refused(node("a b")).find("without spaces") != std::string::npos);
  refused(node("a\n"));
  auto labelled = node("a");
  labelled.labels[std::string(257, 'k')] = "x";
  refused(labelled);
  labelled.labels = {{"", "x"}};
  refused(labelled);
  labelled.labels = {{"k", std::string(257, 'v')}};
  CHECK(refused(labelled).find("'k'") != std::string::npos);
  labelled.labels.clear();
  for (int i = 0; i < 65; ++i)
    labelled.labels[std::to_string(i)] = "x";
  CHECK(refused(labelled).find("65 labels") != std::string::npos);
  labelled.labels.erase("64");
  labelled.offers.variables = {"A B"};
  CHECK(refused(labelled).find("variable 'A B'") != std::string::npos);
  labelled.offers.variables.assign(257, "A");
  CHECK(refused(labelled).find("257 variables") != std::string::npos);
  labelled.offers = {.sealed = true, .variables = {"A"}};
  REQUIRE(sut.join(labelled, 3s));
  CHECK(sut.members().begin()->second.offers == labelled.offers);
  const auto& member = sut.members().begin()->second;
  CHECK(member.labels == labelled.labels);
  CHECK(member.since == instant(3s));
}

TEST_CASE("joining twice is joining once, in the same session", "[core][cluster]") {
  cluster sut{1};
  const auto first = sut.join(node("a"), 0s);
  REQUIRE(first);
  CHECK_FALSE(first->resumed);
  CHECK(first->session != session_id{});
  CHECK(first->fact == node_joined{{1}, "a", 1, {.cpu_millis = 2000}});
  const auto again = sut.join(node("a"), 1s);
  REQUIRE(again);
  CHECK(again->resumed);
  CHECK(again->session == first->session);
  CHECK(again->fact == first->fact);
  CHECK_FALSE(again->replaced);
  CHECK(sut.find(first->session) == first->fact.node);
  CHECK(sut.members().at({1}).since == instant(0s));
  sut.check_invariants();
}

TEST_CASE("a newer incarnation replaces the older one of its name", "[core][cluster]") {
  cluster sut{1};
  const auto old = sut.join(node("a", 5), 0s);
  const auto fresh = sut.join(node("a", 6), 1s);
  REQUIRE(fresh);
  CHECK_FALSE(fresh->resumed);
  REQUIRE(fresh->replaced);
  CHECK(fresh->replaced->session == old->session);
  CHECK(fresh->replaced->fact.node == old->fact.node);
  CHECK(fresh->replaced->fact.reason.code == errc::already_exists);
  CHECK(fresh->fact.node == old->fact.node);
  CHECK(fresh->session != old->session);
  CHECK(sut.members().size() == 1);
  CHECK_FALSE(sut.find(old->session));
  CHECK(sut.verdict(old->session).code == errc::already_exists);
  // A message of the older start that was long on its way.
  const auto stale = sut.join(node("a", 5), 2s);
  CHECK(stale.error().code == errc::stale);
  CHECK(stale.error().message.find("6 came since") != std::string::npos);
  sut.check_invariants();
}

TEST_CASE("a lost node comes back under its number and a newer incarnation", "[core][cluster]") {
  cluster sut{1};
  const auto first = sut.join(node("a", 1), 0s);
  const error silent{.code = errc::node_lost, .message = "nothing was heard for 5s"};
  const auto gone = sut.lose(first->session, silent);
  REQUIRE(gone);
  CHECK(gone->fact == node_left{first->fact.node, silent});
  CHECK(gone->session == first->session);
  CHECK_FALSE(sut.lose(first->session, silent));
  CHECK(sut.members().empty());
  CHECK(sut.verdict(first->session) == silent);
  CHECK(sut.join(node("a", 1), 1s).error().code == errc::stale);
  REQUIRE(sut.join(node("b", 1), 1s));
  const auto back = sut.join(node("a", 2), 2s);
  REQUIRE(back);
  CHECK(back->fact.node == first->fact.node);
  CHECK_FALSE(back->resumed);
  CHECK_FALSE(back->replaced);
  CHECK(back->session != first->session);
  sut.check_invariants();
}

TEST_CASE("a node that left is a new one when it returns", "[core][cluster]") {
  cluster sut{1};
  const auto first = sut.join(node("a", 1), 0s);
  const auto gone = sut.leave(first->fact.node);
  REQUIRE(gone);
  CHECK(gone->fact == node_left{first->fact.node, {}});
  CHECK_FALSE(sut.leave(first->fact.node));
  CHECK(sut.verdict(first->session).code == errc::stale);
  CHECK(sut.verdict(first->session).message == "the node left");
  CHECK(sut.join(node("a", 1), 1s).error().code == errc::stale);
  const auto back = sut.join(node("a", 2), 1s);
  REQUIRE(back);
  CHECK(back->fact.node != first->fact.node);
  sut.check_invariants();
}

TEST_CASE("a drained node is marked until it leaves", "[core][cluster]") {
  cluster sut{1};
  const auto first = sut.join(node("a"), 0s);
  REQUIRE(sut.drain(first->fact.node));
  CHECK(sut.members().at(first->fact.node).draining);
  CHECK(sut.drain({9}).error().code == errc::not_found);
}

TEST_CASE("a session that nobody knows is over", "[core][cluster]") {
  cluster sut{1};
  CHECK_FALSE(sut.find({42}));
  CHECK(sut.verdict({42}).code == errc::stale);
  CHECK(sut.verdict({42}).message.find("began anew") != std::string::npos);
}

TEST_CASE("what ended is remembered within bounds", "[core][cluster]") {
  cluster sut{1, {.departed_max = 2}};
  std::vector<session_id> sessions;
  for (const char* name : {"a", "b", "a", "c"}) {
    const auto in = sut.join(node(name, sessions.size() + 1), 0s);
    REQUIRE(in);
    sessions.push_back(in->session);
    REQUIRE(sut.lose(in->session, {.code = errc::node_lost, .message = name}));
    sut.check_invariants();
  }
  CHECK(sut.verdict(sessions[1]).code == errc::stale);
  CHECK(sut.verdict(sessions[2]).message == "a");
  CHECK(sut.verdict(sessions[3]).message == "c");
  // The name is still known by its later session.
  CHECK(sut.join(node("a", 3), 0s).error().code == errc::stale);
  CHECK(sut.join(node("b", 1), 0s)->fact.node == node_id{4});
}

TEST_CASE("a run that ended stays ended", "[core][cluster]") {
  cluster sut{1};
  const run_id run = sut.submit("x", "")->run;
  REQUIRE(sut.run_changed(run, run_state::running));
  REQUIRE(sut.run_changed(run, run_state::failed));
  CHECK(sut.run_changed(run, run_state::running).error().code == errc::stale);
  CHECK(sut.run_changed(run_id{run.value + 1}, run_state::running).error().code == errc::not_found);
  CHECK(sut.runs().at(run).state == run_state::failed);
}

TEST_CASE("only a run that has ended is forgotten, and its submit id with it", "[core][cluster]") {
  cluster sut{1};
  const run_id run = sut.submit("x", "id")->run;
  CHECK_FALSE(sut.forget(run));
  REQUIRE(sut.run_changed(run, run_state::running));
  CHECK_FALSE(sut.forget(run));
  REQUIRE(sut.run_changed(run, run_state::completed));
  CHECK(sut.forget(run));
  CHECK_FALSE(sut.forget(run));
  CHECK(sut.runs().empty());
  const auto again = sut.submit("y", "id");
  REQUIRE(again);
  CHECK(again->fresh);
  CHECK(again->run != run);
}
