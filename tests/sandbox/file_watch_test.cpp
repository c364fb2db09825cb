// What a child does with the files of its taskspace is seen from outside.
#include "maze/sandbox/file_watch.hpp"

#include "support/sealed.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <fcntl.h>
#include <sys/resource.h>

using namespace maze;
using namespace maze::sandbox;
using test::launcher_fixture;
using use = core::file_uses::use;

namespace {

using uses_map = std::map<std::string, use, std::less<>>;

/// A view of some files, and somebody who watches it.
struct watched_view {
  explicit watched_view(std::vector<std::string> names) {
    auto files = std::make_shared<core::file_map>();
    for (const char* name : {"lower", "upper", "work", "mount"})
      std::filesystem::create_directory(folder / name);
    for (const std::string& name : names) {
      const auto path = folder / "lower" / name;
      std::filesystem::create_directories(path.parent_path());
      test::write(path, "#!/bin/sh\n");
      std::filesystem::permissions(path, std::filesystem::perms(0755));
      // As trees have it, whose files are names of blobs.
      std::filesystem::create_hard_link(path, folder / std::to_string(files->size()));
      (*files)[name] = {};
    }
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    seen = std::move(files);
    if (!watch->prepare(seen))
      throw std::runtime_error("no table");
  }

  [[nodiscard]] launch_request request(const std::string& script, bool overlay = true) const {
    auto made = test::shell(script);
    made.working_directory = folder / (overlay ? "mount" : "lower");
    if (overlay)
      made.overlay =
          overlay_mount{{folder / "lower"}, folder / "upper", folder / "work", folder / "mount"};
    made.watch = watch;
    return made;
  }
  void give_to(std::uint32_t uid) const {
    for (const char* part : {"upper", "work"})
      REQUIRE(::chown((folder / part).c_str(), uid, uid) == 0);
  }

  test::scratch_dir folder;
  std::shared_ptr<const core::file_map> seen;
  std::shared_ptr<file_watch> watch = file_watch::make().value();
};

const std::vector<std::string> names{"cat",  "run",   "write", "move",
                                     "gone", "still", "mark",  "in/deep/b"};
const std::string use_most =
    "set -e; cat cat; ./run; echo x >write; cat write; mkdir new; mv move new/moved; rm gone;"
    "stat still; test -r still; ls in; chmod 755 mark; ln -s in/deep/b link; (cat link & wait)";
const uses_map used_most{{"cat", use::read},   {"run", use::read},      {"write", use::written},
                         {"move", use::read},  {"gone", use::replaced}, {"in/deep/b", use::read},
                         {"mark", use::marked}};

void check_run(const exit_report& report) {
  INFO(report.failure.message << report.standard_error.text);
  CHECK(report.cause == exit_cause::exited);
  CHECK(report.exit_code == 0);
}

} // namespace

TEST_CASE_METHOD(launcher_fixture, "what a child does with its files is seen at each level",
                 "[sandbox][file_watch]") {
  MAZE_NEEDS(test::needs_root());
  const auto level = GENERATE(core::sandbox_level::none, core::sandbox_level::subprocess);
  const bool overlay = GENERATE(true, false);
  watched_view where(names);
  auto request = where.request(use_most, overlay);
  request.sandbox.level = level;
  check_run(run(request));
  const auto told = where.watch->finish();
  CHECK(told.all() == used_most);
  CHECK(told.missed().empty());
}

TEST_CASE_METHOD(launcher_fixture, "a child with a user of its own, sealed or not, is seen too",
                 "[sandbox][file_watch]") {
  MAZE_NEEDS(test::needs_root());
  const auto level = GENERATE(core::sandbox_level::subprocess, core::sandbox_level::seccomp);
  if (level == core::sandbox_level::seccomp)
    MAZE_NEEDS(test::needs_sealed(*sut));
  watched_view where(names);
  where.give_to(test::sealed_uid);
  auto request = where.request(use_most);
  request.sandbox.level = level;
  request.user = child_user{test::sealed_uid, test::sealed_uid};
  check_run(run(request));
  const auto told = where.watch->finish();
  CHECK(told.all() == used_most);
  CHECK(told.missed().empty());
}

TEST_CASE("an ordinary user's child is seen too", "[sandbox][file_watch]") {
  CHECK(test::sealed_as_ordinary_user([](test::sealed_fixture& node) {
    for (const auto level : {core::sandbox_level::subprocess, core::sandbox_level::seccomp}) {
      if (level == core::sandbox_level::seccomp && !node.sut->can().sealed)
        continue;
      watched_view where(names);
      auto request = where.request(use_most);
      request.sandbox.level = level;
      const auto report = node.run(request);
      const auto told = where.watch->finish();
      if (report.exit_code != 0 || told.all() != used_most || !told.missed().empty())
        return false;
    }
    return true;
  }));
}

TEST_CASE_METHOD(launcher_fixture, "a child that is watched inherits nothing of that",
                 "[sandbox][file_watch]") {
  MAZE_NEEDS(test::needs_root());
  watched_view where({"a"});
  auto request = where.request("ls /proc/self/fd; cat <&3");
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  request.inherited.push_back(std::make_shared<const io::unique_fd>(ends[0]));
  { const io::unique_fd writer(ends[1]); }
  const auto report = run(request);
  check_run(report);
  // The last one is the folder that ls reads.
  CHECK(report.standard_output.text == "0\n1\n2\n3\n4\n");
}

TEST_CASE_METHOD(launcher_fixture, "more at once than the kernel keeps in mind is told as missing",
                 "[sandbox][file_watch]") {
  MAZE_NEEDS(test::needs_root());
  watched_view where({"a", "b"});
  // Each time it opens two files and closes them.
  const auto times =
      std::stoul(test::content_of("/proc/sys/fs/inotify/max_queued_events")) / 4 + 100;
  auto request = where.request("i=0; while [ $i -lt " + std::to_string(times)
                               + " ]; do : <a; : <b; i=$((i+1)); done; exec 3>&-");
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const io::unique_fd reader(ends[0]);
  request.inherited.push_back(std::make_shared<const io::unique_fd>(ends[1]));
  const auto report = launch(std::move(request));
  // Nobody listens until the child is done.
  char end = 0;
  CHECK(::read(reader.get(), &end, 1) == 0);
  wait_until([&] { return report->has_value(); });
  check_run(**report);
  const auto told = where.watch->finish();
  CHECK(told.missed().find("max_queued_events") != std::string::npos);
  CHECK(told.all() == uses_map{{"a", use::read}, {"b", use::read}});
}

TEST_CASE_METHOD(launcher_fixture, "a folder that cannot be watched is told as missing",
                 "[sandbox][file_watch]") {
  MAZE_NEEDS(test::needs_root());
  watched_view where({"a", "in/b"});
  std::filesystem::remove_all(where.folder / "lower/in");
  check_run(run(where.request("cat a")));
  const auto told = where.watch->finish();
  CHECK(told.missed() == "in cannot be watched: No such file or directory");
  CHECK(told.all() == uses_map{{"a", use::read}});
}

TEST_CASE_METHOD(launcher_fixture, "a watch serves one child after the other",
                 "[sandbox][file_watch]") {
  MAZE_NEEDS(test::needs_root());
  watched_view first({"a", "b"});
  check_run(run(first.request("cat a")));
  CHECK(first.watch->finish().all() == uses_map{{"a", use::read}});
  watched_view second({"a", "b"});
  second.watch = first.watch;
  REQUIRE(second.watch->prepare(second.seen));
  check_run(run(second.request("cat b")));
  const auto told = second.watch->finish();
  CHECK(told.all() == uses_map{{"b", use::read}});
  CHECK(told.missed().empty());
  CHECK(second.watch->finish().all().empty());
}

TEST_CASE("a watch that was never begun has seen nothing", "[sandbox][file_watch]") {
  const watched_view where({"a"});
  const auto told = where.watch->finish();
  CHECK(told.all().empty());
  CHECK_FALSE(told.missed().empty());
}

TEST_CASE("a node without descriptors says which limit it is", "[sandbox][file_watch]") {
  CHECK(test::as_ordinary_user(60334, [] {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_NOFILE, &none);
    const auto made = file_watch::make();
    return !made && made.error().code == core::errc::resource_exhausted
           && made.error().message.find("max_user_instances") != std::string::npos;
  }));
}
