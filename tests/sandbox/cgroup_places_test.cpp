#include "maze/sandbox/cgroup_places.hpp"

#include <catch2/catch.hpp>

using namespace maze::sandbox;
using texts = std::vector<std::string>;

TEST_CASE("a machine with version 2 alone has one place", "[sandbox][cgroup_places]") {
  const auto found = find_cgroup_places("0::/user.slice/user-1000.slice/session-3.scope\n",
                                        "25 30 0:23 / /sys rw,nosuid - sysfs sysfs rw\n"
                                        "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - "
                                        "cgroup2 cgroup2 rw,nsdelegate\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].unified);
  CHECK(found[0].controllers.empty());
  CHECK(found[0].folders
        == texts{"/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope",
                 "/sys/fs/cgroup/user.slice/user-1000.slice", "/sys/fs/cgroup/user.slice",
                 "/sys/fs/cgroup"});
}

TEST_CASE("version 1 has a place for each set of controllers, beside version 2",
          "[sandbox][cgroup_places]") {
  const auto found =
      find_cgroup_places("5:name=systemd:/\n4:memory:/api/7\n3:cpu,cpuacct:/\n2:pids:/\n0::/\n",
                         "31 30 0:27 / /cg/memory rw - cgroup cgroup rw,memory\n"
                         "32 30 0:28 / /cg/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                         "34 30 0:30 / /cg/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
                         "33 30 0:29 / /cg/unified rw - cgroup2 cgroup2 rw\n");
  REQUIRE(found.size() == 4);
  CHECK(found[0] == cgroup_place{false, {"name=systemd"}, {"/cg/systemd"}});
  CHECK(found[1]
        == cgroup_place{false, {"memory"}, {"/cg/memory/api/7", "/cg/memory/api", "/cg/memory"}});
  CHECK(found[2] == cgroup_place{false, {"cpu", "cpuacct"}, {"/cg/cpu,cpuacct"}});
  CHECK(found[3] == cgroup_place{true, {}, {"/cg/unified"}});
}

TEST_CASE("of version 2 the folders count that give the most together",
          "[sandbox][cgroup_places]") {
  using folders = std::vector<unified_folder>;
  CHECK(best_folders({}).empty());
  CHECK(best_folders({{"/a/b", 0}, {"/a", 0}}).empty());
  // The nearest of equals decides, even where another gives what it does not.
  CHECK(best_folders({{"/a/b", 4}, {"/a", 7}, {"/", 7}}) == folders{{"/a", 7}, {"/", 7}});
  CHECK(best_folders({{"/a/b", 5}, {"/a", 6}, {"/", 5}}) == folders{{"/a/b", 5}, {"/", 5}});
  CHECK(most_given({}) == 0);
  CHECK(most_given({{"/a/b", 4}, {"/a", 7}}) == 3);
}

TEST_CASE("in a container the mounted group is the top", "[sandbox][cgroup_places]") {
  const std::string_view mounts = "40 30 0:27 /docker/ab /sys/fs/cgroup/memory "
                                  "ro master:11 - cgroup cgroup rw,memory\n";
  CHECK(find_cgroup_places("4:memory:/docker/ab/job\n", mounts)[0].folders
        == texts{"/sys/fs/cgroup/memory/job", "/sys/fs/cgroup/memory"});
  CHECK(find_cgroup_places("4:memory:/docker/ab\n", mounts)[0].folders
        == texts{"/sys/fs/cgroup/memory"});
  // Another container's, whose name begins alike.
  CHECK(find_cgroup_places("4:memory:/docker/abc\n", mounts).empty());
  CHECK(find_cgroup_places("4:memory:/\n", mounts).empty());
}

TEST_CASE("groups outside of the namespace, odd lines and escapes", "[sandbox][cgroup_places]") {
  const std::string_view mounts = "40 30 0:27 / /my\\040cg rw - cgroup2 cgroup2 rw\n";
  CHECK(find_cgroup_places("0::/../other\n", mounts).empty());
  CHECK(find_cgroup_places("0::/a b\n", mounts)[0].folders == texts{"/my cg/a b", "/my cg"});
  CHECK(find_cgroup_places("0::/\n", "").empty());
  CHECK(find_cgroup_places("", mounts).empty());
  CHECK(find_cgroup_places("0::/", "no mount\n\n40 30\n40 30 0:27 / /x rw - cgroup2").size() == 1);
  CHECK(find_cgroup_places("nonsense\n::\n", mounts).empty());
}
