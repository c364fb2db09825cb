#include "maze/io/hello.hpp"

#include "maze/core/codec.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>

using namespace maze;
using core::errc;
using io::hello;
using io::hello_kind;
using io::node_role;
using io::plane;
using io::refusal;

namespace {

const io::cluster_id cluster{{.high = 1, .low = 2}};
const hello master{.protocol = {.version = "0.1.0", .types = 77},
                   .purpose = plane::control,
                   .who = {.role = node_role::master, .name = "head", .cluster = cluster},
                   .incarnation = 3};
const hello worker{.protocol = {.version = "0.1.0", .types = 77},
                   .purpose = plane::control,
                   .who = {.role = node_role::worker, .name = "w1", .cluster = cluster},
                   .incarnation = 9};

std::string body_of(const std::string& frame) { return frame.substr(io::hello_header_size); }
std::string body_of(const hello& x) { return body_of(io::encode_hello(x, hello_kind::introduces)); }

io::hello_fault fault_of(const hello& x, const io::hello_rules& rules) {
  const auto judged = io::judge_hello(body_of(x), rules);
  REQUIRE_FALSE(judged);
  return judged.error();
}

} // namespace

TEST_CASE("a hello arrives as it was sent", "[io][hello]") {
  const auto frame = io::encode_hello(worker, hello_kind::introduces);
  const auto header = io::decode_header(frame.substr(0, io::hello_header_size));
  REQUIRE(header);
  CHECK(header->kind == hello_kind::introduces);
  CHECK(header->length == frame.size() - io::hello_header_size);
  const auto judged = io::judge_hello(body_of(frame), {.own = master, .certified = worker.who});
  REQUIRE(judged);
  CHECK(*judged == worker);
  CHECK(io::judge_hello(body_of(frame), {.own = master, .certified = std::nullopt}));
}

TEST_CASE("another build is refused with both versions, whatever follows", "[io][hello]") {
  auto other = worker;
  other.protocol = {.version = "0.2.0", .types = 78};
  const io::hello_rules rules{.own = master, .certified = std::nullopt};
  const auto fault = fault_of(other, rules);
  CHECK(fault.why == refusal::protocol);
  CHECK(fault.what.code == errc::stale);
  CHECK_THAT(fault.what.message,
             Catch::Contains("master head has maze 0.1.0 (message types 000000000000004d)")
                 && Catch::Contains("maze 0.2.0 (message types 000000000000004e)")
                 && Catch::Contains("install the same build"));
  other.protocol = {.version = "0.1.0", .types = 78};
  CHECK(fault_of(other, rules).why == refusal::protocol);
  // A later build may put anything behind its fingerprint.
  const auto later = core::to_binary(other.protocol) + "\xff\xff\xff what it likes";
  const auto judged = io::judge_hello(later, rules);
  REQUIRE_FALSE(judged);
  CHECK(judged.error().why == refusal::protocol);
}

TEST_CASE("a hello of another cluster, name or plane is refused", "[io][hello]") {
  const io::hello_rules rules{.own = master, .certified = worker.who};
  auto stranger = worker;
  stranger.who.cluster.bits.low = 3;
  CHECK(fault_of(stranger, rules).why == refusal::cluster);
  CHECK_THAT(fault_of(stranger, rules).what.message,
             Catch::Contains(to_string(cluster))
                 && Catch::Contains(to_string(stranger.who.cluster)));

  auto pretender = worker;
  pretender.who.role = node_role::master;
  CHECK(fault_of(pretender, rules).why == refusal::identity);
  CHECK_THAT(fault_of(pretender, rules).what.message,
             Catch::Contains("calls itself master w1, but its certificate names worker w1"));
  pretender = worker;
  pretender.who.name = "w2";
  CHECK(fault_of(pretender, rules).why == refusal::identity);

  const auto unserved =
      fault_of(worker, {.own = master, .certified = worker.who, .control = false});
  CHECK(unserved.why == refusal::plane);
  CHECK_THAT(unserved.what.message, Catch::Contains("does not serve the control plane"));
}

TEST_CASE("bytes that are no hello are refused", "[io][hello]") {
  const io::hello_rules rules{.own = master, .certified = std::nullopt};
  const auto whole = body_of(worker);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto judged = io::judge_hello(whole.substr(0, length), rules);
    REQUIRE_FALSE(judged);
    CHECK(judged.error().why == refusal::not_maze);
  }
  CHECK_FALSE(io::judge_hello(whole + "x", rules));
  auto nameless = worker;
  nameless.who.name = "a\nb";
  CHECK(fault_of(nameless, rules).why == refusal::not_maze);
  std::mt19937_64 random(5);
  for (int i = 0; i < 2000; ++i) {
    auto mutant = whole;
    mutant[random() % mutant.size()] = static_cast<char>(random());
    if (const auto judged = io::judge_hello(mutant, rules))
      CHECK(body_of(*judged) == mutant);
  }
}

TEST_CASE("a header announces at most 4 KiB and a known kind", "[io][hello]") {
  const auto frame = io::encode_hello(worker, hello_kind::accepts);
  const auto good = frame.substr(0, io::hello_header_size);
  CHECK(io::decode_header(good));
  const auto with = [&](std::size_t at, char x) {
    auto bytes = good;
    bytes[at] = x;
    return io::decode_header(bytes);
  };
  for (std::size_t i = 0; i < 4; ++i)
    CHECK_FALSE(with(i, 'x'));
  CHECK_FALSE(with(4, 0));
  CHECK_FALSE(with(4, 4));
  CHECK_FALSE(with(5, 2));
  CHECK_THAT(with(7, '\x10').error().message, Catch::Contains("4088 are allowed"));
  CHECK_FALSE(io::decode_header(""));
  CHECK_FALSE(io::decode_header(frame));
}

TEST_CASE("a refusal carries its reason, tamed", "[io][hello]") {
  const core::error why{.code = errc::stale, .message = "install the same build"};
  const auto frame = io::encode_refusal(why);
  CHECK(io::decode_header(frame.substr(0, io::hello_header_size))->kind == hello_kind::refuses);
  CHECK(*io::decode_refusal(body_of(frame)) == why);
  const auto nasty = io::decode_refusal(
      body_of(io::encode_refusal({.code = errc::none, .message = "a\n\x1b[31m"})));
  REQUIRE(nasty);
  CHECK(nasty->code == errc::permission_denied);
  CHECK(nasty->message == "a\\n\\x1b[31m");
  const auto longest =
      io::encode_refusal({.code = errc::stale, .message = std::string(1 << 20, 'x')});
  CHECK(longest.size() < 1100);
  CHECK_FALSE(io::decode_refusal("\xff"));
}

TEST_CASE("planes and kinds have known numbers only", "[io][hello]") {
  CHECK(to_string(plane::control) == "control");
  CHECK(to_string(plane::bulk) == "bulk");
  CHECK(to_string(plane{0}) == "unknown");
  CHECK_FALSE(is_known(plane{3}));
  CHECK_FALSE(is_known(hello_kind{0}));
}
