#include "maze/core/journal_event.hpp"

#include "maze/core/value.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

using namespace maze::core;
using Catch::Contains;

namespace {

manifest_delta some_files() {
  manifest_delta out;
  out.written["dir"] = {.kind = file_kind::directory, .mode = 0755};
  out.written["dir/a\xff.txt"] = {.hash = {1, 2}, .size = 3, .mode = 0644};
  out.written["link"] = {.kind = file_kind::symlink, .mode = 0777, .target = "dir"};
  out.removed = {"old", "older"};
  return out;
}

error some_error() {
  return {.code = errc::exit_nonzero,
          .message = "the command ended with status 3",
          .origin = "execute",
          .exit_code = 3,
          .evidence = "no such file"};
}

/// One of each alternative, full of content.
std::vector<journal_event> events() {
  run_accepted accepted{.run = {~std::uint64_t{0}},
                        .name = "wörter",
                        .client_id = "0123-4567",
                        .tasks = {"count", "draw"},
                        .base = {7, 8},
                        .context = {{"top", "\x01\x02"}},
                        .secrets = {"api_key"},
                        .at = wall_time{1'790'000'000'000'000'000}};
  const auto about = [](run_fact fact) { return run_progressed{run_id{5}, std::move(fact)}; };
  return {
      master_started{.epoch = 3, .incarnation = 0xfeed, .at = wall_time{-1}},
      accepted,
      about(task_ended{.task = {1}, .attempt = {3, 9}, .output = "xyz", .files = some_files()}),
      about(task_ended{.task = {2}, .state = task_state::failed, .reason = some_error()}),
      about(attempt_failed{.task = {3}, .attempt = {3, 10}, .reason = some_error()}),
      about(run_state_changed{run_state::failed}),
      node_joined{.node = {4}, .name = "left", .incarnation = 2, .total = {4000, {1 << 30}, 1}},
      node_left{.node = {4}, .reason = {.code = errc::node_lost, .message = "lease ended"}},
      run_forgotten{.run = {5}},
      calls_submitted{.run = {5}, .frame = "frame"},
      calls_ended{.run = {5}, .replies = "replies"},
  };
}

} // namespace

TEST_CASE("every fact comes back from its bytes", "[core][journal_event]") {
  for (const auto& event : events()) {
    INFO(name_of(event));
    const auto encoded = encode_journal_event(event);
    const auto back = decode_journal_event(encoded);
    REQUIRE(back);
    CHECK(*back == event);
    CHECK(encode_journal_event(*back) == encoded);
  }
}

TEST_CASE("the bytes of published facts never change", "[core][journal_event]") {
  // Written by hand from core/README.md: format, alternative, then the fields in order.
  CHECK(encode_journal_event(master_started{.epoch = 3, .incarnation = 300, .at = wall_time{-1}})
        == std::string("\x01\x00\x03\xac\x02\x01", 6));
  CHECK(encode_journal_event(run_progressed{{5}, run_state_changed{run_state::failed}})
        == std::string("\x01\x02\x05\x02\x05", 5));
  CHECK(encode_journal_event(node_left{.node = {4}})
        == std::string("\x01\x04\x04\x00\x00\x00\x01\x00\x00", 9));
  CHECK(encode_journal_event(run_forgotten{.run = {5}}) == "\x01\x05\x05");
  CHECK(encode_journal_event(calls_submitted{{5}, "f"})
        == "\x01\x06\x05\x01"
           "f");
  CHECK(encode_journal_event(calls_ended{{5}, "r"})
        == "\x01\x07\x05\x01"
           "r");
}

TEST_CASE("a fact knows its run, its kind and its name", "[core][journal_event]") {
  std::vector<std::string> names;
  std::vector<int> kinds;
  std::vector<std::uint64_t> runs;
  for (const auto& event : events()) {
    names.emplace_back(name_of(event));
    kinds.push_back(kind_of(event));
    runs.push_back(run_of(event).value);
  }
  CHECK(names
        == std::vector<std::string>{"master_started", "run_accepted", "task_ended", "task_ended",
                                    "attempt_failed", "run_state_changed", "node_joined",
                                    "node_left", "run_forgotten", "calls_submitted",
                                    "calls_ended"});
  CHECK(kinds == std::vector{1, 2, 3, 3, 3, 3, 4, 5, 6, 7, 8});
  CHECK(runs == std::vector<std::uint64_t>{0, ~std::uint64_t{0}, 5, 5, 5, 5, 0, 0, 5, 5, 5});
}

TEST_CASE("no secret of a context gets into a fact", "[core][journal_event]") {
  run_accepted fact{.context = {{"stale", "x"}}, .secrets = {"stale"}};
  const context_map context{{"top", {value(50), false}}, {"key", {value("hunter2"), true}}};
  REQUIRE(set_context(fact, context));
  CHECK(fact.context == std::map<std::string, std::string>{{"top", encode(value(50)).value()}});
  CHECK(fact.secrets == std::vector<std::string>{"key"});
  CHECK_THAT(encode_journal_event(journal_event(fact)), !Contains("hunter2"));
}

TEST_CASE("a context value that cannot be encoded is named", "[core][journal_event]") {
  value deep;
  for (int i = 0; i < 200; ++i)
    deep = value(list{deep});
  run_accepted fact;
  const auto kept = set_context(fact, {{"nest", {deep, false}}});
  REQUIRE(!kept);
  CHECK(kept.error().code == errc::limit_exceeded);
  CHECK_THAT(kept.error().message, Catch::StartsWith("context entry 'nest': "));
}

TEST_CASE("an event of a newer format is refused as such", "[core][journal_event]") {
  auto encoded = encode_journal_event(events()[0]);
  encoded[0] = 2;
  const auto newer = decode_journal_event(encoded);
  REQUIRE(!newer);
  CHECK(newer.error().code == errc::unsupported_operation);
  CHECK(newer.error().message == "journal event, byte 0: format 2, this maze reads format 1");
  encoded[0] = 0;
  CHECK(decode_journal_event(encoded).error().code == errc::malformed);
  CHECK(decode_journal_event("").error().code == errc::malformed);
}

TEST_CASE("damaged bytes are refused or are another event, never a crash",
          "[core][journal_event]") {
  std::mt19937 random(1);
  for (const auto& event : events()) {
    const auto encoded = encode_journal_event(event);
    for (std::size_t cut = 0; cut < encoded.size(); ++cut)
      CHECK(!decode_journal_event(std::string_view(encoded).substr(0, cut)));
    CHECK(!decode_journal_event(encoded + "x"));
    for (int i = 0; i < 200; ++i) {
      auto damaged = encoded;
      damaged[random() % damaged.size()] ^= static_cast<char>(1 << random() % 8);
      const auto back = decode_journal_event(damaged);
      if (back)
        CHECK(encode_journal_event(*back) == damaged);
    }
  }
}
