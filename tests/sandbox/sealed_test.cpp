// Level seccomp seen from inside: what is there, what is not, and what ordinary programs do there.
#include "support/sealed.hpp"

#include "maze/io/memory_file.hpp"

#include <csignal>
#include <set>

using namespace maze;
using namespace maze::sandbox;
using core::sandbox_level;
using test::sealed_fixture;

TEST_CASE_METHOD(sealed_fixture, "a sealed child sees the system, its taskspace and nothing else",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  test::write(dir / "beside", "secret");
  test::write(taskspace / "in.txt", "input\n");
  CHECK(output_of("cat in.txt; ls ..; ls /dev | xargs; hostname")
        == "input\ntaskspace\nfd full null random shm stderr stdin stdout urandom zero\nmaze\n");
  std::set<std::string> expected{"bin",    "dev",  "etc",  "lib", "lib32", "lib64",
                                 "libx32", "proc", "sbin", "tmp", "usr"};
  expected.insert(std::next(taskspace.begin())->native());
  std::istringstream names(output_of("ls /"));
  for (std::string name; names >> name;) {
    INFO(name);
    CHECK(expected.count(name) == 1);
  }
}

TEST_CASE_METHOD(sealed_fixture, "a sealed child knows itself and none of its neighbours",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  CHECK(output_of("whoami; grep -cE '^' /etc/passwd") == "maze\n3\n");
  const auto status = output_of("grep -E '^(Seccomp|NoNewPrivs|Cap(Eff|Prm|Inh|Amb)):' "
                                "/proc/self/status");
  CHECK(status
        == "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
           "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
  CHECK(output_of("ls -d /proc/[0-9]* | wc -l").size() == 2);
  CHECK(output_of("tail -n +3 /proc/net/dev | grep -vc lo || :") == "0\n");
  CHECK(output_of("ls /proc/self/fd | xargs") == "0 1 2 3\n");
}

TEST_CASE_METHOD(sealed_fixture, "what a sealed child writes stays in its taskspace",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  output_of("echo out >out.txt; mkdir sub; echo x >/tmp/scratch; echo y >/dev/shm/scratch");
  CHECK(test::content_of(taskspace / "out.txt") == "out\n");
  CHECK(std::filesystem::is_directory(taskspace / "sub"));
  // The next one gets the same namespaces, and neither of these.
  CHECK(output_of("find /tmp /dev/shm -name scratch") == "");
  const auto refused = run(script("echo x >/usr/x"));
  CHECK(refused.exit_code != 0);
  CHECK(refused.standard_error.text.find("Read-only file system") != std::string::npos);
}

TEST_CASE_METHOD(sealed_fixture, "a sealed child may have an overlay for its taskspace",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const bool can = ::geteuid() == 0 ? sut->can().idmapped_overlay : sut->can().overlay;
  MAZE_NEEDS(can ? std::nullopt : std::optional<std::string>("needs overlays"));
  for (const char* name : {"lower", "upper", "work", "view"})
    std::filesystem::create_directory(dir / name);
  if (::geteuid() == 0)
    for (const char* name : {"upper", "work"})
      REQUIRE(::chown((dir / name).c_str(), test::sealed_uid, test::sealed_uid) == 0);
  test::write(dir / "lower/in.txt", "below");
  auto request = script("cat in.txt; echo new >out.txt; echo more >>in.txt");
  request.working_directory = dir / "view";
  request.overlay = overlay_mount{.lower = {dir / "lower"},
                                  .upper = dir / "upper",
                                  .work = dir / "work",
                                  .mount_point = dir / "view"};
  CHECK(output_of(std::move(request)) == "below");
  CHECK(test::content_of(dir / "upper/out.txt") == "new\n");
  CHECK(test::content_of(dir / "lower/in.txt") == "below");
}

TEST_CASE_METHOD(sealed_fixture,
                 "a sealed child without a taskspace can write to its own /tmp alone",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  auto request = script("ls /; touch /tmp/x && echo wrote; touch /x /usr/x 2>/dev/null || echo no");
  request.working_directory = "/";
  const auto text = output_of(std::move(request));
  CHECK(text.find("root\n") == std::string::npos);
  CHECK(text.find("usr\nwrote\nno\n") != std::string::npos);
}

TEST_CASE_METHOD(sealed_fixture, "paths that are asked for are shown, and no more of them",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const auto data = dir / "data", cache = dir / "cache";
  for (const auto& folder : {data, cache}) {
    std::filesystem::create_directory(folder);
    std::filesystem::permissions(folder, std::filesystem::perms(0777));
  }
  test::write(data / "model", "weights");
  auto request = script("cat ../data/model; echo x >../cache/y; echo x >../data/y");
  request.sandbox.readable = {data.native()};
  request.sandbox.writable = {cache.native()};
  const auto report = run(std::move(request));
  INFO(report.failure.message);
  CHECK(report.standard_output.text == "weights");
  CHECK(report.standard_error.text.find("Read-only file system") != std::string::npos);
  CHECK(test::content_of(cache / "y") == "x\n");
  CHECK_FALSE(std::filesystem::exists(data / "y"));
}

TEST_CASE_METHOD(sealed_fixture, "a path that is not there is named, and nothing runs",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  auto request = script("touch ran");
  request.sandbox.readable = {(dir / "nowhere").native()};
  const auto report = run(std::move(request));
  CHECK(report.cause == exit_cause::setup_failed);
  CHECK(report.failure.origin == "launch:root");
  CHECK(report.failure.message.find((dir / "nowhere").native()) != std::string::npos);
  CHECK(report.failure.message.find("readable") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(taskspace / "ran"));
}

TEST_CASE_METHOD(sealed_fixture, "a link that is asked for is what it leads to",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  std::filesystem::create_directory(dir / "real");
  test::write(dir / "real/file", "content");
  std::filesystem::create_symlink("real", dir / "link");
  for (const auto list : {&core::sandbox_spec::readable, &core::sandbox_spec::writable}) {
    auto request = script("cat ../link/file; ls ..");
    request.sandbox.*list = {(dir / "link").native()};
    CHECK(output_of(std::move(request)) == "contentlink\ntaskspace\n");
  }
}

TEST_CASE_METHOD(sealed_fixture, "what the child's user may not enter is not shown to it",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_root());
  MAZE_NEEDS(test::needs_sealed(*sut));
  std::filesystem::create_directories(dir / "private/inner");
  std::filesystem::permissions(dir / "private", std::filesystem::perms(0700));
  auto request = script("ls ../private/inner");
  request.sandbox.readable = {(dir / "private/inner").native()};
  const auto report = run(std::move(request));
  CHECK(report.cause == exit_cause::setup_failed);
  CHECK(report.failure.message.find("Permission denied") != std::string::npos);
}

TEST_CASE_METHOD(sealed_fixture, "a child that never began leaves nothing to the next one",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  for (int i = 0; i < 4; ++i) {
    auto failing = script("true");
    failing.sandbox.readable = {"/etc/group-", "/opt", (dir / "nowhere").native()};
    CHECK(run(std::move(failing)).cause == exit_cause::setup_failed);
    auto never = sealed({"nonexistent-program"});
    never.sandbox.readable = {"/etc/hostname"};
    CHECK(run(std::move(never)).cause == exit_cause::setup_failed);
    CHECK(output_of("whoami; ls -d /etc/hostname /etc/group- /opt 2>/dev/null || echo none")
          == "maze\nnone\n");
  }
}

TEST_CASE_METHOD(sealed_fixture, "the machine's own users are never changed", "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const auto before = test::content_of("/etc/passwd");
  auto request = sealed({"/usr/bin/cat", "/etc/passwd"});
  request.sandbox.readable = {"/etc"};
  CHECK(output_of(std::move(request)) == before);
  CHECK(test::content_of("/etc/passwd") == before);
}

TEST_CASE_METHOD(sealed_fixture, "files in a child's memory are bounded by number too",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  CHECK(output_of("df --output=itotal /tmp /dev/shm | xargs") == "Inodes 65536 65536\n");
}

TEST_CASE_METHOD(sealed_fixture, "a sealed child is never root of the machine",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_root());
  MAZE_NEEDS(test::needs_sealed(*sut));
  auto request = script("touch ran");
  if (GENERATE(false, true))
    request.user = child_user{0, 0};
  else
    request.user.reset();
  const auto report = run(std::move(request));
  CHECK(report.cause == exit_cause::setup_failed);
  CHECK(report.failure.origin == "launch:user");
  CHECK(report.failure.message.find("may not be root") != std::string::npos);
}

TEST_CASE_METHOD(sealed_fixture,
                 "descriptors that a sealed child is given do not cost it its filter",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  auto request = script("ls /proc/self/fd | wc -l; cat <&18; grep ^Seccomp: /proc/self/status");
  for (std::size_t i = 0; i < inherited_max; ++i)
    request.inherited.push_back(std::make_shared<const io::unique_fd>(
        io::make_sealed_file("maze-test", "file " + std::to_string(i) + "\n").value()));
  CHECK(output_of(std::move(request)) == "20\nfile 15\nSeccomp:\t2\n");
}

TEST_CASE_METHOD(sealed_fixture, "the network of the machine is there only where it was asked for",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const std::string reach = "import socket\n"
                            "s = socket.socket()\n"
                            "s.bind(('127.0.0.1', 0))\n"
                            "s.listen()\n"
                            "socket.create_connection(s.getsockname())\n"
                            "print('reached', len(open('/proc/net/dev').readlines()) > 3)\n";
  auto request = sealed({"/usr/bin/python3", "-c", reach});
  auto refused = run(request);
  CHECK(refused.exit_code == 1);
  CHECK(refused.standard_error.text.find("PermissionError") != std::string::npos);
  request.sandbox.network = true;
  CHECK(output_of(std::move(request)) == "reached True\n");
}

TEST_CASE_METHOD(sealed_fixture, "a limit of open files is the child's own, however small",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  std::vector<std::shared_ptr<std::optional<exit_report>>> live;
  for (int i = 0; i < 24; ++i) {
    auto request = script("ulimit -n");
    request.sandbox.open_files = 5;
    live.push_back(launch(std::move(request)));
  }
  for (const auto& each : live) {
    wait_until([&] { return each->has_value(); });
    INFO((*each)->failure.message);
    CHECK((*each)->standard_output.text == "5\n");
  }
}

TEST_CASE_METHOD(sealed_fixture, "nothing of a sealed child's tree outlives it",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const auto mark = fmt::format("MAZE_TEST_MARK={}", dir.path().native());
  auto request = script("setsid sleep 1000 & setsid bash -c 'trap \"\" TERM; sleep 1000' & disown");
  request.environment.push_back(mark);
  output_of(std::move(request));
  CHECK(test::processes_with(mark).empty());
}

TEST_CASE_METHOD(sealed_fixture, "the report card of a child tells what stood around it",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  const auto level =
      GENERATE(sandbox_level::none, sandbox_level::subprocess, sandbox_level::seccomp);
  const bool network = GENERATE(false, true);
  auto request = script("exit 3");
  request.sandbox.level = level;
  if (network)
    request.sandbox.network = true;
  const auto known = sut->isolation_of(request);
  const auto card = run(std::move(request)).isolation;
  CHECK(card == known);
  CHECK(card.requested == level);
  CHECK(card.began);
  const bool sealed = level == sandbox_level::seccomp;
  for (const auto each : {core::fence::root, core::fence::names, core::fence::syscalls})
    CHECK(card.has(each) == sealed);
  CHECK(card.has(core::fence::network) == (sealed && !network));
  CHECK(card.has(core::fence::limits) == (level != sandbox_level::none));
  CHECK(card.has(core::fence::own_user) == (::geteuid() == 0));
  auto never = script("");
  never.argv = {"/nowhere"};
  CHECK_FALSE(run(std::move(never)).isolation.began);
}

TEST_CASE_METHOD(sealed_fixture, "ordinary programs work sealed", "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  SECTION("shells and the tools of files") {
    CHECK(output_of("for i in 3 1 2; do echo $i; done | sort | tee n | tac; wc -l <n; "
                    "diff <(sort n) n && cp n m && ln -s m l && readlink l; mkfifo p; "
                    "(echo through >p &) ; cat p; find . -type f | sort | xargs")
          == "3\n2\n1\n3\nm\nthrough\n./m ./n\n");
    CHECK(output_of("mkdir t; echo x >t/a; tar czf t.tgz t; rm -r t; tar xzf t.tgz; cat t/a; "
                    "sha256sum t/a | cut -c1-8; date -u -d @0 +%F; awk 'BEGIN{print 2^10}'; "
                    "sed s/x/y/ t/a; expr 2 + 3; id -un")
          == "x\n73cb3858\n1970-01-01\n1024\ny\n5\nmaze\n");
  }
  SECTION("a compiler and what it makes") {
    CHECK(output_of("printf '#include <iostream>\\n#include <thread>\\nint main(){int x=0;"
                    "std::thread([&]{x=42;}).join();std::cout<<x<<std::endl;}' >m.cpp; "
                    "g++ -O1 -pthread m.cpp -o m && ./m")
          == "42\n");
  }
  SECTION("make, and what it installs") {
    CHECK(output_of("printf 'all: a\\n\\techo made\\na:\\n\\ttouch a\\n' >Makefile; make -s; "
                    "install -m 755 "
                    "a b; cp -a b c; mv c /tmp/d; mv /tmp/d e; ls | xargs")
          == "made\nMakefile a b e\n");
  }
  SECTION("streams by their names") {
    const auto report = run(script("echo out >/dev/stdout; echo err >/dev/stderr; echo t | tee "
                                   "/dev/stderr; getent hosts localhost | cut -c1-3"));
    CHECK(report.standard_output.text == "out\nt\n::1\n");
    CHECK(report.standard_error.text == "err\nt\n");
  }
  SECTION("git") {
    CHECK(output_of("git init -q r && cd r && echo x >f && git add f && "
                    "git -c user.name=n -c user.email=e commit -qm first && git log --format=%s")
          == "first\n");
  }
  SECTION("perl") {
    CHECK(output_of("perl -e 'print join(\",\", map { $_ * 2 } 1..3), \"\\n\"'") == "2,4,6\n");
  }
  SECTION("films and pictures, as Debian ships what makes them") {
    CHECK(output_of("ffmpeg -v error -f lavfi -i testsrc=duration=1:size=160x120:rate=5 -f lavfi "
                    "-i sine=duration=1 -c:v libx264 -c:a aac f.mp4; ffmpeg -v error -i f.mp4 "
                    "-frames:v 1 f.png; ffprobe -v error -show_entries stream=codec_name -of "
                    "csv=p=0 f.mp4; /usr/bin/convert f.png -resize 50% -fill red -draw 'circle "
                    "20,20 30,30' s.jpg; /usr/bin/identify -format '%m %w %h' s.jpg")
          == "h264\naac\nJPEG 80 60");
  }
  SECTION("Python with threads, processes, a database and temporary files") {
    const std::string program =
        "import concurrent.futures as c, multiprocessing as m, os, sqlite3, subprocess, tempfile, "
        "threading, asyncio\n"
        "out = []\n"
        "t = threading.Thread(target=lambda: out.append('thread')); t.start(); t.join()\n"
        "with m.get_context('fork').Pool(2) as p: out.append(sum(p.map(abs, [-1, -2])))\n"
        "with c.ProcessPoolExecutor(2) as p: out.append(p.submit(pow, 2, 5).result())\n"
        "d = sqlite3.connect('d.db'); d.execute('create table t(x)'); d.execute('insert into t "
        "values(7)'); d.commit(); out.append(d.execute('select x from t').fetchone()[0])\n"
        "with tempfile.NamedTemporaryFile() as f: f.write(b'x'); out.append(f.name[:5])\n"
        "out.append(subprocess.run(['echo', 'hi'], capture_output=True, "
        "text=True).stdout.strip())\n"
        "async def go(): await asyncio.sleep(0); return 'async'\n"
        "out.append(asyncio.run(go()))\n"
        "out.append(len(os.urandom(4)))\n"
        "print(*out)\n";
    CHECK(output_of(sealed({"/usr/bin/python3", "-c", program}))
          == "thread 3 32 7 /tmp/ hi async 4\n");
  }
}

TEST_CASE("level seccomp holds where the node is not root", "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*test::launcher_fixture().sut));
  CHECK(test::sealed_as_ordinary_user([](sealed_fixture& node) {
    if (!node.sut->can().sealed)
      throw std::runtime_error(node.sut->can().sealed_failure.message);
    const auto report =
        node.run(node.script("echo in >file; whoami; hostname; ls -d /root /home 2>&1 | wc -l; "
                             "grep -E '^(Seccomp|NoNewPrivs|CapEff):' /proc/self/status; "
                             "python3 -c 'import socket; socket.socket()' 2>&1 | tail -n 1"));
    return report.standard_output.text
               == "maze\nmaze\n2\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"
                  "PermissionError: [Errno 1] Operation not permitted\n"
           && test::content_of(node.taskspace / "file") == "in\n";
  }));
}

TEST_CASE_METHOD(sealed_fixture,
                 "no link shows a sealed child the machine's own /proc, /dev or root",
                 "[sandbox][sealed]") {
  MAZE_NEEDS(test::needs_sealed(*sut));
  for (const char* target : {"/proc", "/proc/self", "/dev", "/dev/shm", "/"}) {
    const std::string link = dir / "link";
    std::filesystem::remove(link);
    std::filesystem::create_symlink(target, link);
    for (const bool writable : {false, true}) {
      INFO(target << (writable ? ", writable" : ", readable"));
      auto request = script("echo it began");
      (writable ? request.sandbox.writable : request.sandbox.readable) = {link};
      const auto report = run(std::move(request));
      CHECK(report.cause == exit_cause::setup_failed);
      CHECK(report.standard_output.text.empty());
      CHECK(report.failure.message.find(link) != std::string::npos);
    }
  }
}
