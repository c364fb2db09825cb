#include "node/process_limits.hpp"

#include "support/in_child.hpp"

#include <catch2/catch.hpp>

#include <sys/resource.h>
#include <unistd.h>

using namespace maze;
using namespace maze::node;
using Catch::Matchers::Contains;

namespace {

std::string refused(const process_limits& seen, std::uint32_t tasks_max) {
  const auto sut = check_limits(seen, tasks_max);
  if (sut)
    return "accepted";
  CHECK(sut.error().code == core::errc::resource_exhausted);
  return sut.error().message;
}

} // namespace

TEST_CASE("limits that are too low are named with what is needed and what to do",
          "[tools][limits]") {
  CHECK(refused({.open_files = 1024, .open_files_max = 1024}, 4) == "accepted");
  CHECK(refused({.open_files = 16, .open_files_max = 4096}, 4) == "accepted");
  CHECK(
      refused({.open_files = 16, .open_files_max = 16}, 1)
      == "the limit on open files (ulimit -n) is 16, and a node that runs 1 task at once needs 68: "
         "raise it (ulimit -n 1024)");
  CHECK(
      refused({.open_files = 1024, .open_files_max = 1024, .memory = core::byte_count{204800000}},
              2)
      == "the limit on address space (ulimit -v) is 195 MiB, and a node that runs 2 tasks at once "
         "needs 624 MiB: raise it (ulimit -v unlimited), or run fewer at once with --jobs");
  CHECK(refused({.open_files = 1024,
                 .open_files_max = 1024,
                 .memory = core::byte_count{std::uint64_t{1} << 30}},
                2)
        == "accepted");
}

TEST_CASE("a node may open as many files as the hard limit allows", "[tools][limits]") {
  CHECK(test::in_child([] {
          rlimit limit{};
          ::getrlimit(RLIMIT_NOFILE, &limit);
          limit.rlim_cur = 80;
          ::setrlimit(RLIMIT_NOFILE, &limit);
          const auto before = prepare_process(1);
          rlimit now{};
          ::getrlimit(RLIMIT_NOFILE, &now);
          return before && before->open_files == 80 && now.rlim_cur == limit.rlim_max ? 0 : 1;
        })
        == 0);
}

TEST_CASE("threads that cannot be started are found missing before the node needs them",
          "[tools][limits]") {
  CHECK(test::in_child([] {
          // Nobody counts the processes of root.
          if (::geteuid() == 0 && ::setuid(60123) != 0)
            return 2;
          const rlimit processes{4, 4};
          ::setrlimit(RLIMIT_NPROC, &processes);
          const auto sut = prepare_process(1);
          return !sut && sut.error().message.find("ulimit -u") != std::string::npos ? 0 : 1;
        })
        == 0);
}
