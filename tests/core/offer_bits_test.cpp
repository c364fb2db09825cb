#include "maze/core/offer_bits.hpp"

#include <catch2/catch.hpp>

using namespace maze::core;

namespace {

bool serves(std::uint64_t node, std::uint64_t task) { return (task & ~node) == 0; }

} // namespace

TEST_CASE("a node serves a task whose every part it offers", "[core][offers]") {
  offer_bits sut;
  const auto node = sut.of({.sealed = true, .variables = {"TOKEN"}});
  CHECK(serves(node, sut.of({})));
  CHECK(serves(node, sut.of({.sealed = true})));
  CHECK(serves(node, sut.of({.sealed = true, .variables = {"TOKEN"}})));
  CHECK_FALSE(serves(node, sut.of({.cpu_shares = true})));
  CHECK_FALSE(serves(node, sut.of({.container = true})));
  CHECK_FALSE(serves(node, sut.of({.variables = {"OTHER"}})));
  permission_set network;
  network.add(permission::network_access);
  CHECK_FALSE(serves(node, sut.of({.permissions = network})));
  CHECK(serves(sut.of({.permissions = permission_set::all()}), sut.of({.permissions = network})));
}

TEST_CASE("what a node lacks is named", "[core][offers]") {
  offer_bits sut;
  const sandbox_offer asked{.sealed = true,
                            .cpu_shares = true,
                            .container = true,
                            .variables = {"A", "B"},
                            .permissions = permission_set::all()};
  sut.of(asked);
  CHECK(sut.missing(asked, 0) == asked);
  CHECK(sut.missing(asked, sut.of(asked)) == sandbox_offer{});
  permission_set files;
  files.add(permission::read_files);
  const auto some = sut.of({.cpu_shares = true, .variables = {"A"}, .permissions = files});
  const auto left = sut.missing(asked, some);
  CHECK(left.sealed);
  CHECK(left.container);
  CHECK_FALSE(left.cpu_shares);
  CHECK(left.variables == std::vector<std::string>{"B"});
  CHECK(left.permissions == permission_set::all().without(files));
}

TEST_CASE("variables beyond the last bit share it, and none that is offered is missed",
          "[core][offers]") {
  offer_bits sut;
  sandbox_offer many;
  for (int i = 0; i < 200; ++i)
    many.variables.push_back("V" + std::to_string(i));
  const auto all = sut.of(many);
  const auto early = sut.of({.variables = {"V0"}});
  const auto late = sut.of({.variables = {"V150"}});
  for (const std::string& each : many.variables)
    CHECK(serves(all, sut.of({.variables = {each}})));
  CHECK_FALSE(serves(late, early));
  CHECK_FALSE(serves(early, late));
  CHECK(serves(late, sut.of({.variables = {"V199"}})));
  CHECK(early != 0);
}
