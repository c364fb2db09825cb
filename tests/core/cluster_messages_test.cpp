#include "maze/core/cluster_messages.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

using namespace maze::core;

namespace {

manifest_delta some_files() {
  manifest_delta out;
  out.written["dir"] = {.kind = file_kind::directory, .mode = 0755};
  out.written["dir/a\xff.txt"] = {.hash = {1, 2}, .size = 3};
  out.removed = {"old"};
  return out;
}

std::vector<to_node> downward() {
  const attempt_order order{.run = {7},
                            .task = {4},
                            .attempt = {2, 99},
                            .number = 3,
                            .needs = {.cpu_millis = 1500, .memory = {1 << 20}, .gpus = 2},
                            .files = some_files(),
                            .outputs = {{"top", std::string("\0\xff", 2)}}};
  return {
      run_orders{{order, {}}},
      stop_orders{{{1, 2}, {3, 4}}},
      open_run{{7}, 12, 4096},
      close_run{{7}},
      drain_node{},
      name_holders{{{{1}, "tcp:10.0.0.1:4242"}, {{2}, ""}}},
      drop_data{{{7}, {9}}, {{1, 2}, {3, 4}}},
  };
}

std::vector<to_master> upward() {
  phase_times phases;
  phases.at(phase::push) = {std::chrono::microseconds(3), std::chrono::hours(100)};
  return {
      order_entered{{7}, {2, 99}, phase::execute},
      order_published{{7},
                      {2, 99},
                      "\x08",
                      some_files(),
                      {"__pycache__/x.pyc"},
                      {{.stream = "stdout", .total = 9, .kept = 4, .log = "a.out"}},
                      phases,
                      {sandbox_level::seccomp, 0x1ff, true}},
      order_lost{{7},
                 {2, 99},
                 {.code = errc::exit_nonzero, .message = "status 3", .exit_code = 3},
                 {},
                 {},
                 {sandbox_level::none, 0, true}},
      orders_ended{{{2, 99}}, {.cpu_millis = 500}},
      orders_refused{{{2, 99}}, {.cpu_millis = 500}, true},
      free_reported{{.cpu_millis = 4000}},
      node_leaving{},
  };
}

} // namespace

TEST_CASE("every message between master and node comes back from its bytes",
          "[core][cluster_messages]") {
  REQUIRE(downward().size() == std::variant_size_v<to_node>);
  REQUIRE(upward().size() == std::variant_size_v<to_master>);
  for (const auto& message : downward()) {
    INFO("to a node, alternative " << message.index());
    const auto bytes = encode_to_node(message);
    const auto back = decode_to_node(bytes);
    REQUIRE(back);
    CHECK(*back == message);
  }
  for (const auto& message : upward()) {
    INFO("to the master, alternative " << message.index());
    const auto bytes = encode_to_master(message);
    const auto back = decode_to_master(bytes);
    REQUIRE(back);
    CHECK(*back == message);
  }
}

TEST_CASE("the bytes of messages between nodes never change", "[core][cluster_messages]") {
  CHECK(encode_to_node(stop_orders{{{1, 300}}}) == "\x01\x01\x01\xac\x02");
  CHECK(encode_to_node(drain_node{}) == "\x04");
  CHECK(encode_to_master(order_entered{{7}, {2, 9}, phase::execute})
        == std::string("\x00\x07\x02\x09\x03", 5));
  CHECK(encode_to_master(node_leaving{}) == "\x06");
}

TEST_CASE("a message that is cut short, padded or unknown is refused", "[core][cluster_messages]") {
  for (const auto& message : upward()) {
    const auto bytes = encode_to_master(message);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      CHECK_FALSE(decode_to_master(std::string_view(bytes).substr(0, size)));
    CHECK_FALSE(decode_to_master(bytes + '\0'));
  }
  for (const auto& message : downward()) {
    const auto bytes = encode_to_node(message);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      CHECK_FALSE(decode_to_node(std::string_view(bytes).substr(0, size)));
  }
  CHECK(decode_to_node("\x07").error().message.find("message to a node, byte 0") == 0);
  CHECK(decode_to_master("\x07").error().code == errc::malformed);
  CHECK_FALSE(decode_to_master(std::string("\x00\x07\x02\x09\x05", 5)));
}

TEST_CASE("paths that leave the view are refused before anybody acts on them",
          "[core][cluster_messages]") {
  order_published bad{{7}, {2, 99}, "", {}, {}};
  bad.files.written["../x"] = {};
  const auto written = decode_to_master(encode_to_master(bad));
  REQUIRE_FALSE(written);
  CHECK(written.error().message.find("../x") != std::string::npos);
  bad.files = {};
  bad.files.removed = {"/etc"};
  CHECK_FALSE(decode_to_master(encode_to_master(bad)));
  attempt_order order;
  order.files.removed = {"a/../../b"};
  CHECK_FALSE(decode_to_node(encode_to_node(run_orders{{order}})));
}

TEST_CASE("an endpoint has a bound", "[core][cluster_messages]") {
  CHECK(decode_to_node(encode_to_node(name_holders{{{{1}, std::string(256, 'x')}}})));
  const auto refused = decode_to_node(encode_to_node(name_holders{{{{1}, std::string(257, 'x')}}}));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::limit_exceeded);
  CHECK(refused.error().message.find("node 1 has 257 bytes") != std::string::npos);
}

TEST_CASE("a count that no bytes justify allocates nothing", "[core][cluster_messages]") {
  CHECK(decode_to_node("\x01\xff\xff\xff\xff\x0f").error().code == errc::malformed);
}

TEST_CASE("bytes with one change are refused or canonical", "[core][cluster_messages]") {
  std::mt19937 dice(5);
  for (const auto& message : downward())
    for (int i = 0; i < 2000; ++i) {
      auto bytes = encode_to_node(message);
      bytes[dice() % bytes.size()] = static_cast<char>(dice());
      if (const auto seen = decode_to_node(bytes))
        CHECK(encode_to_node(*seen) == bytes);
    }
}
