#include "maze/io/snapshot.hpp"

#include "maze/io/files.hpp"
#include "maze/io/hash.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace maze;
namespace fs = std::filesystem;

namespace {

struct snapshot_fixture {
  test::scratch_dir dir;
  std::shared_ptr<io::blob_store> store =
      io::blob_store::open(dir / "store", {.durable = false}).value();
  fs::path project = dir / "project";

  snapshot_fixture() {
    fs::create_directories(project / "data/sub/empty");
    put("plot.py", "code");
    put("data/a.gz", "a");
    put("data/b.txt", "b");
    put("data/sub/c.gz", "c");
    fs::permissions(project / "data/sub/c.gz", fs::perms(0750));
    fs::create_symlink("../b.txt", project / "data/sub/link");
  }
  void put(const std::string& path, const std::string& content) const {
    std::ofstream(project / path) << content;
  }
  core::result<io::snapshot> take(std::vector<core::file_source> sources) const {
    return io::take_snapshot(sources, project, *store);
  }
  std::vector<std::string> taken(std::vector<core::file_source> sources) const {
    const auto seen = take(std::move(sources));
    INFO((seen ? "" : seen.error().message));
    REQUIRE(seen);
    std::vector<std::string> paths;
    for (const auto& [path, entry] : seen->files)
      paths.push_back(path);
    return paths;
  }
  core::error refused(std::vector<core::file_source> sources) const {
    const auto seen = take(std::move(sources));
    REQUIRE_FALSE(seen);
    return seen.error();
  }
};

using strings = std::vector<std::string>;

} // namespace

TEST_CASE_METHOD(snapshot_fixture, "a source lies where its description says", "[io][snapshot]") {
  CHECK(taken({{.from = "plot.py"}}) == strings{"plot.py"});
  CHECK(taken({{.from = "plot.py", .to = "lib/"}}) == strings{"lib/plot.py"});
  CHECK(taken({{.from = "plot.py", .to = "x/y.py"}}) == strings{"x/y.py"});
  CHECK(taken({{.from = (project / "plot.py").native()}}) == strings{"plot.py"});
  const strings below{"a.gz", "b.txt", "sub", "sub/c.gz", "sub/empty", "sub/link"};
  const auto under = [&](const std::string& folder) {
    strings out{folder};
    for (const auto& path : below)
      out.push_back(folder + "/" + path);
    return out;
  };
  CHECK(taken({{.from = "data"}}) == under("data"));
  CHECK(taken({{.from = "./data/"}}) == under("data"));
  CHECK(taken({{.from = "data", .to = "in"}}) == under("in"));
  CHECK(taken({{.from = "data", .to = "in/"}}) == under("in/data"));
  CHECK(taken({{.from = "data", .match = "**/*.gz"}}) == strings{"a.gz", "sub/c.gz"});
  CHECK(taken({{.from = "data", .match = "*.gz", .to = "doc/"}})
        == strings{"doc/a.gz", "doc/sub/c.gz"});
  CHECK(taken({{.from = "data", .match = "sub"}})
        == strings{"sub", "sub/c.gz", "sub/empty", "sub/link"});
  CHECK(taken({{.from = "."}}).size() == 8);
}

TEST_CASE_METHOD(snapshot_fixture, "a snapshot keeps content, modes, links and empty folders",
                 "[io][snapshot]") {
  const auto seen = take({{.from = "data"}}).value();
  CHECK(seen.bytes == 3);
  const auto& c = seen.files.at("data/sub/c.gz");
  CHECK(c.mode == 0750);
  CHECK(c.size == 1);
  CHECK(c.hash == io::hash_bytes("c"));
  CHECK(seen.files.at("data/sub/link").target == "../b.txt");
  CHECK(seen.files.at("data/sub/empty").kind == core::file_kind::directory);
  put("data/b.txt", "changed afterwards");
  CHECK(io::read_file(store->path_of(seen.files.at("data/b.txt").hash), 10).value() == "b");
  CHECK(core::check_file_map(seen.files));
}

TEST_CASE_METHOD(snapshot_fixture, "a source that is a link itself is followed", "[io][snapshot]") {
  fs::create_symlink("data/b.txt", project / "alias");
  fs::create_directory_symlink("data", project / "folder");
  CHECK(take({{.from = "alias"}})->files.at("alias").kind == core::file_kind::file);
  CHECK(taken({{.from = "folder", .match = "*.txt"}}) == strings{"b.txt"});
}

TEST_CASE_METHOD(snapshot_fixture, "what cannot be taken is refused by name", "[io][snapshot]") {
  CHECK(refused({{.from = "absent"}}).code == core::errc::not_found);
  CHECK(refused({{.from = "plot.py"}, {.from = "absent"}})
            .message.starts_with("files[1] 'absent' is not there (looked for "));
  const auto unmatched = refused({{.from = "data", .match = "*.svg"}});
  CHECK(unmatched.code == core::errc::not_found);
  CHECK(unmatched.message.starts_with("files[0] 'data': nothing below it matches '*.svg': "));
  CHECK(refused({{.from = "plot.py", .match = "*"}}).code == core::errc::malformed);
  CHECK(refused({{.from = "plot.py", .to = "../x"}}).code == core::errc::malformed);
  CHECK(refused({{.from = "plot.py", .to = "/x"}}).code == core::errc::malformed);
  SECTION("a fifo") {
    REQUIRE(::mkfifo((project / "data/pipe").c_str(), 0600) == 0);
    CHECK(refused({{.from = "data"}}).message
          == "files[0] 'data': data/pipe is a device, socket or fifo; leave it out with {from: "
             "data, except: [\"pipe\"]}");
    CHECK(refused({{.from = "data/pipe"}}).code == core::errc::malformed);
    CHECK(taken({{.from = "data", .match = "*.txt"}}) == strings{"b.txt"});
  }
  SECTION("a link out of the tree") {
    fs::create_symlink("../plot.py", project / "data/out");
    const auto bad = refused({{.from = "data"}});
    CHECK(bad.code == core::errc::malformed);
    CHECK(
        bad.message
        == "files[0] 'data': symlink 'out' -> '../plot.py' leaves the taskspace: only links inside "
           "it are kept; leave it out with {from: data, except: [\"out\"]}");
  }
  SECTION("a link out of a tree that a pattern goes through") {
    fs::create_symlink("../../x", project / "data/out");
    const auto bad = refused({{.from = ".", .match = "data/**"}});
    CHECK(bad.message.find("symlink 'data/out' -> '../../x' leaves") != std::string::npos);
    CHECK(bad.message.ends_with("leave it out: add \"data/out\" to `except` of this entry"));
  }
  SECTION("an absolute link") {
    fs::create_symlink("/etc/passwd", project / "data/out");
    CHECK(refused({{.from = "data"}}).message.find("symlink 'out' -> '/etc/passwd' is absolute")
          != std::string::npos);
  }
}

TEST_CASE_METHOD(snapshot_fixture, "what `except` fits is left out", "[io][snapshot]") {
  const strings without_sub{"data", "data/a.gz", "data/b.txt"};
  CHECK(taken({{.from = "data", .except = {"sub"}}}) == without_sub);
  CHECK(taken({{.from = "data", .except = {"sub/*"}}})
        == strings{"data", "data/a.gz", "data/b.txt", "data/sub"});
  CHECK(taken({{.from = "data", .match = "*.gz", .except = {"sub/**"}}}) == strings{"a.gz"});
  CHECK(taken({{.from = "data", .match = "**", .except = {"*.gz", "link", "empty"}}})
        == strings{"b.txt", "sub"});
  fs::create_symlink("/etc/passwd", project / "data/out");
  fs::create_directory_symlink("../..", project / "data/sub/empty/up");
  CHECK(taken({{.from = "data", .except = {"out", "sub"}}}) == without_sub);
  CHECK(taken({{.from = "data", .match = "**/*", .except = {"out", "up", "c.gz", "link"}}})
        == strings{"a.gz", "b.txt", "sub", "sub/empty"});
  CHECK(refused({{.from = "plot.py", .except = {"*"}}}).message
        == "files[0] 'plot.py' is a file: remove `except`, or name a folder");
  const auto nothing = refused({{.from = "data", .match = "*.txt", .except = {"b.*"}}});
  CHECK(nothing.code == core::errc::not_found);
  CHECK(nothing.message.find("and is left by `except`") != std::string::npos);
}

TEST_CASE_METHOD(snapshot_fixture, "a pattern where a path belongs is told where it goes",
                 "[io][snapshot]") {
  const auto remedy = [&](const std::string& from) {
    const auto said = refused({{.from = from}});
    CHECK(said.code == core::errc::not_found);
    CHECK(said.message.starts_with("files[0] '" + from + "' is no file's name"));
    return said.message.substr(said.message.rfind('{'));
  };
  CHECK(remedy("*.txt") == R"({from: ., match: "*.txt"})");
  CHECK(remedy("data/*.gz") == R"({from: data, match: "*.gz"})");
  CHECK(remedy("data/s?b/*.gz") == R"({from: data, match: "s?b/*.gz"})");
  CHECK(remedy("/[x]/y") == R"({from: /, match: "[x]/y"})");
  put("[x].txt", "named so");
  CHECK(taken({{.from = "[x].txt"}}) == strings{"[x].txt"});
}

TEST_CASE_METHOD(snapshot_fixture, "two sources may agree on a path, not disagree",
                 "[io][snapshot]") {
  CHECK(taken({{.from = "plot.py"}, {.from = "plot.py"}}) == strings{"plot.py"});
  const auto conflict =
      refused({{.from = "plot.py", .to = "x"}, {.from = "data/b.txt", .to = "x"}});
  CHECK(conflict.code == core::errc::file_conflict);
  CHECK(conflict.message.find("files[0] 'plot.py' and files[1] 'data/b.txt' both give x")
        != std::string::npos);
  CHECK(conflict.message.ends_with("give one of them another `to`"));
  CHECK(refused({{.from = "plot.py", .to = "x"}, {.from = "data", .to = "x/y"}}).code
        == core::errc::file_conflict);
}

TEST_CASE_METHOD(snapshot_fixture,
                 "a file that changes while it is read is stored as its hash says",
                 "[io][snapshot]") {
  put("big", std::string(1 << 20, 'x'));
  std::atomic<bool> done{false};
  std::thread writer([&] {
    const io::unique_fd fd(::open((project / "big").c_str(), O_WRONLY | O_CLOEXEC));
    for (unsigned i = 0; !done; ++i)
      (void)!::pwrite(fd.get(), &i, sizeof i, (i * 4099) % (1 << 20));
  });
  for (int i = 0; i < 20; ++i) {
    const auto seen = take({{.from = "big"}});
    CHECK(seen.has_value());
    if (seen)
      CHECK(store->verify(seen->files.at("big").hash));
  }
  done = true;
  writer.join();
}
