#include "maze/actors/admission.hpp"

#include "support/actor_fixture.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using namespace maze::actors;
using io::node_role;

namespace {

const core::session_ticket first_ticket{{.high = 1, .low = 2}};
const core::session_ticket second_ticket{{.high = 1, .low = 3}};

principal someone(node_role role, std::string name) {
  return {.who = {.role = role, .name = std::move(name), .cluster = {}}, .permitted = {0b01}};
}

} // namespace

TEST_CASE("a connection is found by its ticket while somebody holds it", "[actors][admission]") {
  admission_book sut;
  auto first = sut.enter(first_ticket, someone(node_role::client, "anna"));
  const auto second = sut.enter(second_ticket, someone(node_role::worker, "w1"));
  CHECK(sut.find(first_ticket) == first);
  CHECK(sut.find(second_ticket) == second);
  CHECK(sut.find({}) == nullptr);
  CHECK(sut.find({{.high = 1, .low = 1}}) == nullptr);
  CHECK(first->whose().who.name == "anna");
  CHECK(first->submitter().name == "client anna");
  CHECK(first->submitter().permitted.bits == 0b01);
  first.reset();
  CHECK(sut.find(first_ticket) == nullptr);
  const auto again = sut.enter(first_ticket, someone(node_role::client, "ben"));
  CHECK(sut.find(first_ticket) == again);
}

TEST_CASE("a ticket counts in its own role only", "[actors][admission]") {
  admission_book sut;
  const auto anna = sut.enter(first_ticket, someone(node_role::client, "anna"));
  CHECK(find_as(node_role::client, sut, first_ticket) == anna);
  CHECK(find_as(node_role::worker, sut, first_ticket) == nullptr);
  const auto why = not_admitted(node_role::worker);
  CHECK(why.code == core::errc::permission_denied);
  CHECK_THAT(why.message, Catch::Contains("worker") && Catch::Contains("ticket"));
}

TEST_CASE_METHOD(test::actor_fixture, "a connection reaches what it was opened to",
                 "[actors][admission]") {
  const auto some = caf::actor_cast<caf::strong_actor_ptr>(
      spawn([](caf::event_based_actor*) -> caf::behavior { return {[](int) {}}; }));
  admission sut(someone(node_role::client, "anna"));
  CHECK_FALSE(sut.reaches(some->id()));
  sut.open(some);
  CHECK(sut.reaches(some->id()));
  CHECK_FALSE(sut.reaches(some->id() + 1));
}
