#include "maze/io/sandbox_reader.hpp"

#include "support/read_document.hpp"

#include <catch2/catch.hpp>

#include <chrono>

using namespace maze;
using namespace std::chrono_literals;
using core::sandbox_level;
using core::sandbox_spec;
using texts = std::vector<std::string>;

namespace {

struct sandbox_document : test::read_document {
  explicit sandbox_document(const std::string& text) : read_document(text) {}

  sandbox_spec spec(sandbox_spec base = {}) {
    io::read_sandbox(read, root, field, base, said);
    return base;
  }

  core::sandbox_parts said;
};

} // namespace

TEST_CASE("limits of a sandbox are read with their units", "[io][workflow]") {
  sandbox_document doc(
      "{timeout: 2m, cpu_time: 1500ms, cpu_share: 150%, memory: 512MiB, "
      "address_space: 2GB, file_size: 1KB, disk: 2KB, open_files: 9, processes: 4, "
      "environment: [HTTP_PROXY], imports: [json, math]}");
  const auto out = doc.spec();
  CHECK(doc.codes().empty());
  CHECK(out.wall_time == core::duration(2min));
  CHECK(out.cpu_time == core::duration(1500ms));
  CHECK(out.cpu_share == 150U);
  CHECK(out.memory == core::byte_count{512U << 20});
  CHECK(out.address_space == core::byte_count{2'000'000'000});
  CHECK(out.file_size == core::byte_count{1000});
  CHECK(out.disk == core::byte_count{2000});
  CHECK(out.open_files == 9U);
  CHECK(out.processes == 4U);
  CHECK(out.variables == texts{"HTTP_PROXY"});
  CHECK(out.imports == texts{"json", "math"});
}

TEST_CASE("a container has an image and a bound for its /tmp, and may stay", "[io][workflow]") {
  for (const char* word : {"image", "docker_image"}) {
    sandbox_document doc(std::string("{level: docker, temporary: 1MiB, reuse: true, ") + word
                         + ": 'debian:12'}");
    const auto out = doc.spec();
    CHECK(doc.codes().empty());
    CHECK(out.level == sandbox_level::container);
    CHECK(out.image == "debian:12");
    CHECK(out.temporary == core::byte_count{1U << 20});
    CHECK(out.reuse == true);
  }
}

TEST_CASE("the words of Lattice mean the same", "[io][workflow]") {
  sandbox_document doc("{level: seccomp, timeout: 300, max_memory_mb: 2048, max_cpu_time: 300, "
                       "allowed_imports: [json], network_enabled: false, "
                       "mount_paths: {/data: /data}, allowed_syscalls: [ptrace, 9]}");
  const auto out = doc.spec();
  CHECK(doc.codes().empty());
  CHECK(out.wall_time == core::duration(300s));
  CHECK(out.memory == core::byte_count{std::uint64_t{2} << 30});
  CHECK(out.cpu_time == core::duration(300s));
  CHECK(out.imports == texts{"json"});
  CHECK(out.network == false);
  CHECK(out.readable == texts{"/data"});
  CHECK(out.syscalls == texts{"ptrace", "9"});
}

TEST_CASE("the words of Retire-Cluster mean the same", "[io][workflow]") {
  sandbox_document doc("{level: seccomp, allow_network: false, allow_filesystem: true, "
                       "allowed_paths: [/tmp, /data], max_file_size: 100MB, "
                       "max_execution_time: 300, memory_limit: 2GB, cpu_limit: 80}");
  const auto out = doc.spec();
  CHECK(doc.codes().empty());
  CHECK(out.network == false);
  // A task has a /tmp of its own.
  CHECK(out.writable == texts{"/data"});
  CHECK(out.file_size == core::byte_count{100'000'000});
  CHECK(out.wall_time == core::duration(300s));
  CHECK(out.memory == core::byte_count{2'000'000'000});
  CHECK(out.cpu_share == 80U);
}

TEST_CASE("each other word stands for a part that there is", "[io][workflow]") {
  for (const io::sandbox_spelling& each : io::sandbox_spellings()) {
    CHECK(io::find_key(io::workflow_section::sandbox, each.word) != nullptr);
    if (!each.key.empty())
      CHECK(io::find_key(io::workflow_section::sandbox, each.key) != nullptr);
  }
}

TEST_CASE("two words for one part are told", "[io][workflow]") {
  sandbox_document doc("{memory: 1GB, max_memory_mb: 5}");
  CHECK(doc.spec().memory == core::byte_count{1'000'000'000});
  CHECK(doc.codes() == "bad_sandbox");
}

TEST_CASE("what cannot be promised is refused", "[io][workflow]") {
  const auto codes = [](const char* text) {
    sandbox_document doc(text);
    doc.spec();
    return doc.codes();
  };
  CHECK(codes("{level: none, memory: 1GB}") == "bad_sandbox");
  CHECK(codes("{level: none, max_cpu_time: 3}") == "bad_sandbox");
  CHECK(codes("{allow_filesystem: false}") == "bad_sandbox");
  CHECK(codes("{level: seccomp, allow_filesystem: false}").empty());
  CHECK(codes("{level: seccomp, allow_filesystem: false, readable: [/opt]}") == "bad_sandbox");
  CHECK(codes("{level: seccomp, mount_paths: {/data: /elsewhere}}") == "bad_sandbox");
  CHECK(codes("{level: seccomp, mount_paths: {/data/: /data}, allow_filesystem: null}").empty());
  CHECK(codes("{environment: [MAZE_RUN]}") == "bad_sandbox");
  CHECK(codes("{level: seccomp, degrade: perhaps}") == "unknown_choice");
  CHECK(sandbox_document("{level: seccomp, degrade: allow}").spec().degrade);
  CHECK_FALSE(sandbox_document("{level: seccomp, degrade: refuse}").spec().degrade);
  CHECK(codes("{violation: kill}") == "bad_sandbox");
  CHECK(codes("{level: docker, violation: kill}") == "bad_sandbox");
  CHECK(codes("{level: docker, violation: refuse}").empty());
  CHECK(codes("{level: seccomp, violation: killed}") == "unknown_choice");
  CHECK(sandbox_document("{level: seccomp, violation: kill}").spec().kill_on_violation);
  CHECK_FALSE(sandbox_document("{level: seccomp, violation: refuse}").spec().kill_on_violation);
  CHECK(codes("{cpu_share: 0%}") == "bad_sandbox");
  CHECK(codes("{memory: 0}") == "bad_sandbox");
  CHECK(codes("{environment: [\"A=B\"]}") == "bad_sandbox");
  CHECK(codes("{imports: [\"os.path\"]}") == "bad_sandbox");
  CHECK(codes("{max_memory_mb: 0}") == "out_of_range");
}

TEST_CASE("what the defaults promise of the file system holds for a lower level, too",
          "[io][workflow]") {
  sandbox_document all("{level: seccomp, allow_filesystem: false}");
  const auto base = all.spec();
  CHECK(all.codes().empty());
  sandbox_document lower("subprocess");
  lower.spec(base);
  CHECK(lower.codes() == "bad_sandbox");
  sandbox_document lifted("{level: subprocess, allow_filesystem: null}");
  lifted.spec(base);
  CHECK(lifted.codes().empty());
}

TEST_CASE("null takes away what the defaults say", "[io][workflow]") {
  sandbox_spec base;
  base.memory = core::byte_count{7};
  base.cpu_share = 50;
  base.imports = texts{"json"};
  base.variables = {"A"};
  base.kill_on_violation = true;
  sandbox_document doc("{memory_limit: null, cpu_share: null, imports: null, environment: null, "
                       "violation: null}");
  const auto out = doc.spec(base);
  CHECK(doc.codes().empty());
  CHECK(out == sandbox_spec{});
}
