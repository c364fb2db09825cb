// What tasks do to the files they see, and what their owner does to the originals, as seen from outside.

#include "maze/io/hash.hpp"
#include "support/needs.hpp"
#include "support/process.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <fstream>
#include <map>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace maze;

namespace {

constexpr uid_t ordinary_user = 60123;

std::optional<std::string> is_root() {
  if (::geteuid() == 0)
    return std::nullopt;
  return "only root can start a node as root and as another user";
}

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A folder that any user may write to, for nodes under other users.
void open_to_all(const std::filesystem::path& folder) { ::chmod(folder.c_str(), 0777); }

/// Path -> hash of everything in the blob stores below `state`.
std::map<std::string, std::string> store_hashes(const std::filesystem::path& state) {
  std::map<std::string, std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(state))
    if (entry.is_regular_file()
        && entry.path().string().find("/store/blobs/") != std::string::npos) {
      const auto path = entry.path().string();
      out[path.substr(path.find("/store/"))] =
          core::to_string(io::hash_bytes(content_of(entry.path())));
    }
  return out;
}

/// Does everything to its inputs that a program can do to files it may write.
constexpr const char* abuse = R"(
      : > data/truncated; echo more >> data/appended; echo other > data/overwritten
      chmod 000 data/moded; mv data/renamed data/elsewhere; rm data/unlinked
      ln data/linked data/again; echo through-link >> data/again
      python3 -c 'import mmap; f=open("data/mapped","r+b"); m=mmap.mmap(f.fileno(),0); m[0:1]=b"X"; m.flush()' 2>/dev/null || dd if=/dev/zero of=data/mapped bs=1 count=1 conv=notrunc 2>/dev/null
      chmod -R u+w . ; rm -rf data/folder; ls -A data > /dev/null
)";

void write_inputs(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder / "data" / "folder");
  for (const char* name : {"truncated", "appended", "overwritten", "moded", "renamed", "unlinked",
                           "linked", "mapped", "folder/inner"})
    std::ofstream(folder / "data" / name) << "content of " << name << "\n";
}

std::string abuse_workflow() {
  // `keep` runs beside the abuser and `after` behind an unrelated task: both must see the snapshot.
  return std::string("maze: 1\nname: abuse\nfiles: [data]\ncollect: [seen-*]\n"
                     "defaults: { output: { run: dict } }\ntasks:\n  abuse:\n    shell: |")
         + abuse
         + "  other: { shell: 'true' }\n"
           "  after:\n    after: [other]\n    shell: |\n"
           "      find data -type f | LC_ALL=C sort | xargs cat > seen-after\n";
}

std::string expected_view(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "data"))
    if (entry.is_regular_file())
      files[std::filesystem::relative(entry.path(), folder)] = content_of(entry.path());
  std::string out;
  for (const auto& [path, text] : files)
    out += text;
  return out;
}

struct way_to_run {
  const char* name;
  std::optional<uid_t> user;
  std::vector<std::string> flags;
};

} // namespace

TEST_CASE("a task that abuses all its inputs changes no blob and no other view",
          "[system][files]") {
  MAZE_NEEDS(is_root());
  const way_to_run way =
      GENERATE(way_to_run{"root node, a user a slot", {}, {"--task-user", "slot"}},
               way_to_run{"root node, tasks as root", {}, {"--task-user", "same"}},
               way_to_run{"ordinary user", ordinary_user, {}});
  INFO(way.name);
  const test::scratch_dir folder;
  open_to_all(folder.path());
  write_inputs(folder.path());
  const std::string expected = expected_view(folder.path());
  std::ofstream(folder / "abuse.yaml") << abuse_workflow();
  std::vector<std::string> argv{
      MAZE_BIN_DIR "/maze-node", "run",   "abuse.yaml",  "--keep", "--quiet", "--dir",
      folder / "state",          "--out", folder / "out"};
  argv.insert(argv.end(), way.flags.begin(), way.flags.end());

  const auto result =
      test::run({.argv = argv, .working_directory = folder.path(), .user = way.user});
  INFO(result.standard_error);
  REQUIRE(result.status == 0);

  CHECK(content_of(folder / "out" / "seen-after") == expected);
  const auto blobs = store_hashes(folder / "state");
  CHECK(blobs.size() >= 9);
  for (const auto& [path, hash] : blobs)
    CHECK(std::filesystem::path(path).filename().string() == hash);
  CHECK(expected_view(folder.path()) == expected);
}

TEST_CASE("what happens to the user's files after submit changes nothing", "[system][files]") {
  const test::scratch_dir folder;
  open_to_all(folder.path());
  std::filesystem::create_directory(folder / "data");
  std::ofstream(folder / "data" / "edited") << "first\n";
  std::ofstream(folder / "data" / "deleted") << "present\n";
  for (const char* name : {"begun", "go"}) {
    REQUIRE(::mkfifo((folder / name).c_str(), 0666) == 0);
    REQUIRE(::chmod((folder / name).c_str(), 0666) == 0);
  }
  const std::string at = folder.path();
  std::ofstream(folder / "w.yaml")
      << "maze: 1\nname: w\nfiles: [data]\ndefaults: { output: { run: dict } }\ntasks:\n"
         "  wait: { shell: 'echo x > "
             + at + "/begun; head -c 1 " + at
             + "/go' }\n"
               "  read: { after: [wait], shell: 'cat data/edited data/deleted' }\n"
               "result: read.output.run.stdout\n";

  test::process node(
      {.argv = {MAZE_BIN_DIR "/maze-node", "run", "w.yaml", "--quiet", "--dir", folder / "state"},
       .working_directory = folder.path()});
  // Open for both, so that the reader does not wait for a node that failed to start.
  const io::unique_fd begun{::open((folder / "begun").c_str(), O_RDWR | O_CLOEXEC)};
  pollfd watched{begun.get(), POLLIN, 0};
  REQUIRE(::poll(&watched, 1, 30'000) == 1);
  std::ofstream(folder / "data" / "edited") << "second\n";
  std::filesystem::remove(folder / "data" / "deleted");
  const io::unique_fd go{::open((folder / "go").c_str(), O_RDWR | O_CLOEXEC)};
  REQUIRE(::write(go.get(), "x", 1) == 1);

  const auto result = node.wait();
  INFO(result.standard_error);
  CHECK(result.status == 0);
  CHECK(result.standard_output == "first\npresent\n");
}

TEST_CASE("slots that rest and go again hinder nobody", "[system][files]") {
  MAZE_NEEDS(is_root());
  const test::scratch_dir folder;
  open_to_all(folder.path());
  std::string tasks, names;
  for (int i = 0; i < 12; ++i) {
    const std::string number = std::to_string(i);
    // The slot that starts last also rests last, and is the first to be given up for its users.
    tasks += "  a" + number + ": { shell: \"sleep " + std::to_string(0.5 + 0.15 * i) + "; echo "
             + number + " > a" + number + "\" }\n";
    names += (i == 0 ? "a" : ", a") + number;
  }
  std::ofstream(folder / "slots.yaml")
      << "maze: 1\nname: slots\ndefaults: { output: { run: dict }, cpus: 0.1 }\ntasks:\n"
      << tasks << "  z: { shell: \"cat a* | wc -l\", after: [" << names
      << "] }\nresult: z.output.run.stdout\n";
  const auto ended = test::run({.argv = {MAZE_BIN_DIR "/maze-node", "run", "slots.yaml", "--dir",
                                         folder / "state", "--task-user", "slot", "--cpus", "2"},
                                .working_directory = folder.path()});
  INFO(ended.standard_error);
  CHECK(ended.status == 0);
  CHECK(ended.standard_output == "12\n");
}
