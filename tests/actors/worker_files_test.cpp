// Which files an attempt uses beyond what its task declares.
#include "support/needs.hpp"
#include "support/worker_fixture.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <set>

using namespace maze;
using namespace maze::actors;
using test::worker_fixture;
using told = test::told_attempt;

namespace {

using enum core::file_difference;

/// What a task may read undeclared, one way each; `by_ancestor` was published by another task.
const std::vector<std::string> seeds{"by_open",          "by_cat",     "by_mmap",   "by_run",
                                     "by_symlink",       "by_link",    "by_rename", "by_grandchild",
                                     "a/b/c/d/by_depth", "by_ancestor"};

const std::string read_all_seeds = R"(set -e; mkdir made
python3 -c 'open("by_open").read()'
cat by_cat
python3 -c 'import mmap, os; print(mmap.mmap(os.open("by_mmap", os.O_RDONLY), 0, prot=1)[:2])'
./by_run
ln -s ../by_symlink made/link; cat made/link
ln by_link made/name; cat made/name
mv by_rename made/moved; cat made/moved
sh -c 'sh -c "cat by_grandchild" & wait'
cat a/b/c/d/by_depth
cat by_ancestor
cat declared/in.txt
stat untouched; test -r untouched; ls -l . a
)";

core::task_spec reading(const std::string& script, core::file_report_mode mode) {
  auto out = test::shell("reads", script);
  out.files = {.reads = {"declared"}, .writes = {"made", "by_rename"}, .report = mode};
  return out;
}

core::file_entry content(io::blob_store& blobs, const std::string& text) {
  const auto blob = blobs.put_bytes(text).value();
  return {.hash = blob.hash, .size = blob.size, .mode = 0755};
}

struct seeded_worker : worker_fixture {
  /// What the run has, and what an ancestor published.
  void begin(core::task_spec spec) {
    core::file_map base;
    for (const std::string& path : seeds)
      base[path] = content(*blobs, "#!/bin/sh\n# " + path + "\n");
    published.written["by_ancestor"] = base.extract("by_ancestor").mapped();
    for (const char* path : {"declared/in.txt", "untouched", "gone"})
      base[path] = content(*blobs, path);
    start(std::move(spec), {}, std::move(base));
    order(1, {}, {}, published);
  }

  core::manifest_delta published;
};

std::set<std::string> paths(const core::file_report& report, core::file_difference what) {
  std::set<std::string> out;
  for (const core::file_finding& one : report.findings)
    if (one.what == what)
      out.insert(one.path);
  return out;
}

} // namespace

TEST_CASE_METHOD(seeded_worker, "each way to read an undeclared file is found, and nothing else",
                 "[actors][worker][file_report]") {
  overlays = GENERATE(true, false);
  begin(reading(read_all_seeds, core::file_report_mode::observe));
  const told seen = wait();
  static_cast<void>(test::stdout_of(seen));
  const core::file_report& report = seen.published->isolation.files;
  CHECK(report.mode == core::file_report_mode::observe);
  CHECK(report.complete);
  CHECK(paths(report, undeclared_read) == std::set<std::string>(seeds.begin(), seeds.end()));
  CHECK(report.findings.size() == seeds.size());
}

TEST_CASE_METHOD(seeded_worker, "a name that a file had for a while is found in an overlay",
                 "[actors][worker][file_report]") {
  MAZE_NEEDS(launcher->can().overlay ? std::nullopt
                                     : std::optional<std::string>("no overlays on this machine"));
  begin(reading("cat declared/*; ln by_link made; cat made; rm made; chmod 755 untouched; "
                "mkdir d; ln -s ../by_cat d/l; rm -r d",
                core::file_report_mode::observe));
  const told seen = wait();
  static_cast<void>(test::stdout_of(seen));
  CHECK(seen.published->isolation.files.findings
        == std::vector<core::file_finding>{{undeclared_read, "by_link"}});
}

TEST_CASE_METHOD(seeded_worker, "what is written and removed undeclared is found",
                 "[actors][worker][file_report]") {
  begin(reading("echo x > out.txt; mkdir made; echo y > made/y; rm gone; cat declared/*",
                core::file_report_mode::observe));
  const told seen = wait();
  static_cast<void>(test::stdout_of(seen));
  CHECK(seen.published->isolation.files.findings
        == std::vector<core::file_finding>{{undeclared_write, "out.txt"},
                                           {undeclared_removal, "gone"}});
}

TEST_CASE_METHOD(seeded_worker, "each attempt of a slot has a report of its own",
                 "[actors][worker][file_report]") {
  begin(reading("cat by_$(ls | grep -q ancestor && echo ancestor || echo cat) declared/*",
                core::file_report_mode::observe));
  CHECK(wait().published->isolation.files.findings
        == std::vector<core::file_finding>{{undeclared_read, "by_ancestor"}});
  // This one comes without what the ancestor published.
  order(2);
  CHECK(wait().published->isolation.files.findings
        == std::vector<core::file_finding>{{undeclared_read, "by_cat"}});
}

TEST_CASE_METHOD(seeded_worker, "what was declared and not read is found",
                 "[actors][worker][file_report]") {
  begin(reading("true", core::file_report_mode::observe));
  const told seen = wait();
  static_cast<void>(test::stdout_of(seen));
  CHECK(seen.published->isolation.files.findings
        == std::vector<core::file_finding>{{unused_read, "declared"}});
}

TEST_CASE_METHOD(seeded_worker, "a strict task finds what it declares, and nothing else",
                 "[actors][worker][file_report]") {
  overlays = GENERATE(true, false);
  begin(reading("find . -mindepth 1 | sort; mkdir made; ln declared/in.txt made/x; cat made/x",
                core::file_report_mode::strict));
  const told seen = wait();
  CHECK(test::stdout_of(seen) == "./declared\n./declared/in.txt\ndeclared/in.txt");
  const core::file_report& report = seen.published->isolation.files;
  CHECK(report.findings.empty());
  CHECK(report.complete);
  CHECK(report.withheld.total == seeds.size() + 2);
}

TEST_CASE_METHOD(seeded_worker, "a strict task that declares no reads finds nothing",
                 "[actors][worker][file_report]") {
  auto spec = reading("find . -mindepth 1", core::file_report_mode::strict);
  spec.files.reads.clear();
  begin(std::move(spec));
  CHECK(test::stdout_of(wait()).empty());
}

TEST_CASE_METHOD(seeded_worker, "a strict task that misses an undeclared file is told of it",
                 "[actors][worker][file_report]") {
  begin(reading("cat declared/* by_rename", core::file_report_mode::strict));
  const told seen = wait();
  REQUIRE(seen.lost);
  CHECK(seen.lost->reason.code == core::errc::exit_nonzero);
  CHECK(seen.lost->reason.message
        == "the command ended with exit status 1; its `file_report` is strict and no `reads` fits "
           "by_rename, a/b/c/d/by_depth, by_ancestor, by_cat, by_grandchild and 7 more, so those "
           "were kept from it");
  const core::file_report& report = seen.lost->isolation.files;
  CHECK(report.mode == core::file_report_mode::strict);
  CHECK_FALSE(report.complete);
  CHECK(report.withheld.paths.front() == "by_rename");
}

TEST_CASE_METHOD(seeded_worker, "a program that is not declared cannot begin, and that is told",
                 "[actors][worker][file_report]") {
  auto spec = reading("", core::file_report_mode::strict);
  spec.action = core::command_action{{core::input_expression{core::value("./by_run")}}};
  begin(std::move(spec));
  const told seen = wait();
  REQUIRE(seen.lost);
  CHECK(seen.lost->reason.code == core::errc::invalid_payload);
  CHECK(seen.lost->reason.message.find("no `reads` fits by_run, ") != std::string::npos);
}

TEST_CASE_METHOD(seeded_worker, "a strict task writes anew what it declares as written",
                 "[actors][worker][file_report]") {
  overlays = GENERATE(true, false);
  begin(reading("mkdir made; echo x >> by_rename; cat declared/* > made/in",
                core::file_report_mode::strict));
  const told seen = wait();
  static_cast<void>(test::stdout_of(seen));
  CHECK(seen.published->files.removed.empty());
  CHECK(seen.published->files.written.at("by_rename").size == 2);
}

TEST_CASE_METHOD(seeded_worker,
                 "a strict task writes nothing undeclared in a folder it was not shown",
                 "[actors][worker][file_report]") {
  overlays = GENERATE(true, false);
  begin(reading("mkdir -p a/b; cat declared/* > a/b/new", core::file_report_mode::strict));
  const told seen = wait();
  REQUIRE(seen.lost);
  CHECK(seen.lost->isolation.files.findings
        == std::vector<core::file_finding>{{undeclared_write, "a/b/new"}});
}

TEST_CASE_METHOD(seeded_worker, "a strict task removes what it declares, and may not read it",
                 "[actors][worker][file_report]") {
  overlays = GENERATE(true, false);
  const auto script = GENERATE("rm gone", "cat gone; rm gone");
  auto spec = reading(script, core::file_report_mode::strict);
  spec.deletes = {"gone"};
  begin(std::move(spec));
  const told seen = wait();
  if (std::string(script) == "rm gone") {
    static_cast<void>(test::stdout_of(seen));
    CHECK(seen.published->files.removed == std::vector<std::string>{"gone"});
    return;
  }
  REQUIRE(seen.lost);
  CHECK(seen.lost->reason.code == core::errc::permission_denied);
  CHECK(seen.lost->reason.message.find("read gone, beyond") != std::string::npos);
}

TEST_CASE_METHOD(seeded_worker, "a strict task that writes undeclared publishes nothing",
                 "[actors][worker][file_report]") {
  begin(reading("echo x > out.txt", core::file_report_mode::strict));
  const told seen = wait();
  REQUIRE(seen.lost);
  CHECK(seen.lost->reason.code == core::errc::permission_denied);
  CHECK(seen.lost->reason.message.find("wrote out.txt, beyond") != std::string::npos);
}

TEST_CASE_METHOD(seeded_worker, "a strict task that does as declared is published",
                 "[actors][worker][file_report]") {
  begin(reading("mkdir made; cat declared/* > made/out; cat made/out",
                core::file_report_mode::strict));
  const told seen = wait();
  static_cast<void>(test::stdout_of(seen));
  const core::file_report& report = seen.published->isolation.files;
  CHECK(report.mode == core::file_report_mode::strict);
  CHECK(report.complete);
  CHECK(report.findings.empty());
}

TEST_CASE_METHOD(seeded_worker, "nobody looks where no report is wanted",
                 "[actors][worker][file_report]") {
  begin(reading("cat by_cat; echo x > out.txt", core::file_report_mode::none));
  const told seen = wait();
  static_cast<void>(test::stdout_of(seen));
  CHECK(seen.published->isolation.files == core::file_report{});
}

TEST_CASE_METHOD(worker_fixture, "a task without files has a report of what it writes",
                 "[actors][worker][file_report]") {
  start(reading("echo x > out.txt", core::file_report_mode::observe));
  order();
  const told seen = wait();
  static_cast<void>(test::stdout_of(seen));
  CHECK(
      seen.published->isolation.files.findings
      == std::vector<core::file_finding>{{undeclared_write, "out.txt"}, {unused_read, "declared"}});
}
