#include "maze/core/error.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace maze::core;

namespace {

struct row {
  int number;
  std::string name;
  bool retryable;
};

// Written by hand from the published taxonomy: numbers lie on disk, names in users' scripts.
const std::vector<row> table{
    {0, "none", false},
    {1, "user_exception", false},
    {2, "exit_nonzero", false},
    {3, "signalled", false},
    {4, "oom_killed", false},
    {5, "timeout_wall", true},
    {6, "timeout_cpu", true},
    {7, "sandbox_violation", false},
    {8, "invalid_payload", false},
    {9, "permission_denied", false},
    {10, "unsupported_operation", false},
    {11, "untrusted_function", false},
    {12, "input_missing", false},
    {13, "upstream_failed", false},
    {14, "file_conflict", false},
    {15, "transfer_error", true},
    {16, "resource_exhausted", true},
    {17, "node_lost", true},
    {18, "worker_crash", true},
    {19, "actor_died", false},
    {20, "object_lost", true},
    {21, "cancelled", false},
    {22, "scheduler_error", false},
    {64, "invalid_argument", false},
    {65, "not_found", false},
    {66, "already_exists", false},
    {67, "unschedulable", false},
    {68, "io_error", false},
    {69, "malformed", false},
    {70, "stale", false},
    {71, "limit_exceeded", false},
};

} // namespace

TEST_CASE("every error code has its number, name and retryability", "[core][error]") {
  const auto codes = all_errcs();
  REQUIRE(codes.size() == table.size());
  for (std::size_t i = 0; i < table.size(); ++i) {
    INFO(table[i].name);
    CHECK(static_cast<int>(codes[i]) == table[i].number);
    CHECK(to_string(codes[i]) == table[i].name);
    CHECK(errc_from_string(table[i].name) == codes[i]);
    CHECK(is_retryable(codes[i]) == table[i].retryable);
  }
}

TEST_CASE("numbers that are no error code are unknown and final", "[core][error]") {
  std::set<int> known;
  for (const auto& x : table)
    known.insert(x.number);
  for (int number = 0; number < 256; ++number) {
    if (known.count(number) != 0)
      continue;
    CHECK(to_string(static_cast<errc>(number)) == "unknown");
    CHECK_FALSE(is_retryable(static_cast<errc>(number)));
  }
  for (const auto* name : {"unknown", "", "Exit_nonzero", "exit_nonzero "})
    CHECK_FALSE(errc_from_string(name).has_value());
}

TEST_CASE("an error describes itself with the parts that are known", "[core][error]") {
  CHECK(describe({.code = errc::cancelled}) == "cancelled");
  CHECK(describe({.code = errc::not_found, .message = "no task `a`"}) == "not_found: no task `a`");
  CHECK(describe({.code = errc::exit_nonzero, .message = "m", .exit_code = 0})
        == "exit_nonzero: m (exit 0)");
  CHECK(describe({.code = errc::signalled,
                  .message = "m",
                  .origin = "execute",
                  .exit_code = 3,
                  .signal = 9,
                  .evidence = "long text"})
        == "signalled: m (execute; exit 3; signal 9)");
  CHECK(describe({.code = errc::signalled, .signal = 11}) == "signalled (signal 11)");
}
