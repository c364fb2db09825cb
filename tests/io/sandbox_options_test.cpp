#include "maze/io/sandbox_options.hpp"

#include <catch2/catch.hpp>

using namespace maze;
using Catch::Contains;
using core::sandbox_part;

namespace {

core::sandbox_options options_in(const std::string& text) {
  const auto out = io::parse_sandbox_options(text);
  if (!out)
    FAIL(out.error().message);
  return *out;
}

std::string fault_in(const std::string& text) {
  const auto out = io::parse_sandbox_options(text);
  REQUIRE_FALSE(out);
  CHECK(out.error().code == core::errc::invalid_argument);
  return out.error().message;
}

} // namespace

TEST_CASE("options are parts of a sandbox as workflows write them", "[io][sandbox_options]") {
  const auto out = options_in("memory=1GiB, cpu_time=1m,level=seccomp,readable=[/opt/a, /opt/b],"
                              "syscalls=[\"@ipc\"]");
  CHECK(out.values.memory == core::byte_count{1U << 30});
  CHECK(out.values.cpu_time == core::duration(std::chrono::minutes(1)));
  CHECK(out.values.level == core::sandbox_level::seccomp);
  CHECK(out.values.readable == std::vector<std::string>{"/opt/a", "/opt/b"});
  CHECK(out.values.syscalls == std::vector<std::string>{"@ipc"});
  for (const auto part : {sandbox_part::memory, sandbox_part::cpu_time, sandbox_part::level,
                          sandbox_part::readable, sandbox_part::syscalls})
    CHECK(out.said.has(part));
  CHECK_FALSE(out.said.has(sandbox_part::timeout));
}

TEST_CASE("options have the words of other tools, and counts without units",
          "[io][sandbox_options]") {
  const auto out = options_in("max_memory_mb=512,max_cpu_time=5,processes=64,degrade=allow");
  CHECK(out.values.memory == core::byte_count{512U << 20});
  CHECK(out.values.cpu_time == core::duration(std::chrono::seconds(5)));
  CHECK(out.values.processes == 64U);
  CHECK(out.values.degrade);
  CHECK(out.said.has(sandbox_part::memory));
}

TEST_CASE("a wrong option names itself and what helps", "[io][sandbox_options]") {
  CHECK_THAT(fault_in("memory"), Contains("'memory' is not of the form memory=1GiB"));
  CHECK_THAT(fault_in("memory="), Contains("is not of the form"));
  CHECK_THAT(fault_in("=1"), Contains("is not of the form"));
  CHECK_THAT(fault_in(""), Contains("is not of the form"));
  CHECK_THAT(fault_in("memory=1GiB,"), Contains("is not of the form"));
  CHECK_THAT(fault_in("a: b=1"), Contains("is not of the form"));
  CHECK_THAT(fault_in("memroy=1GiB"), Contains("memroy") && Contains("memory"));
  CHECK_THAT(fault_in("memory=much"), Contains("memory: "));
  CHECK_THAT(fault_in("memory=1GiB,max_memory_mb=5"), Contains("mean the same"));
  CHECK_THAT(fault_in("readable=[/opt"), !Contains("is not of the form"));
  CHECK_THAT(fault_in("readable=[/opt]"), Contains("level: seccomp"));
  CHECK_THAT(fault_in("memory=1GiB\nprocesses=1"), Contains("one line"));
}
