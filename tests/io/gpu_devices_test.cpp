#include "maze/io/gpu_devices.hpp"

#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>

using namespace maze;
using Catch::Contains;
using ids = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

/// A machine of which the driver knows `known` GPUs, with `reachable` device files.
struct machine {
  machine(int known, int reachable) {
    fs::create_directories(root / "dev");
    for (int i = 0; i < known; ++i)
      fs::create_directories(root / "proc/driver/nvidia/gpus"
                             / ("0000:0" + std::to_string(i) + ":00.0"));
    for (int i = 0; i < reachable; ++i)
      std::ofstream(root / "dev" / ("nvidia" + std::to_string(i)));
    for (const char* other : {"nvidiactl", "nvidia-uvm", "nvidia-modeset", "null", "nvidia"})
      std::ofstream(root / "dev" / other);
  }
  io::offered_gpus offer(std::optional<std::uint32_t> wanted = {},
                         std::optional<std::string> visible = {},
                         std::optional<std::string> order = {}) const {
    auto out = io::offer_gpus({std::move(visible), std::move(order), root.path()}, wanted);
    if (!out)
      FAIL(core::describe(out.error()));
    // Which files they have is another matter.
    out->devices.files.clear();
    out->devices.common_files.clear();
    return *out;
  }

  test::scratch_dir root;
};

} // namespace

TEST_CASE("a node finds the GPUs that the driver shows", "[io][gpu]") {
  CHECK(io::count_gpus(machine(0, 0).root.path()) == 0);
  CHECK(io::count_gpus(machine(2, 2).root.path()) == 2);
  CHECK(io::count_gpus(machine(0, 3).root.path()) == 3);
  CHECK(io::count_gpus("/nowhere") == 0);
}

TEST_CASE("in a container only those GPUs count that it may use", "[io][gpu]") {
  CHECK(io::count_gpus(machine(8, 1).root.path()) == 1);
  CHECK(io::count_gpus(machine(1, 8).root.path()) == 1);
  // Device files appear when somebody first uses the driver.
  CHECK(io::count_gpus(machine(8, 0).root.path()) == 8);
}

TEST_CASE("a node offers all GPUs of its machine, or the first so many", "[io][gpu]") {
  const machine four(4, 4);
  const auto all = four.offer();
  CHECK(all.devices == io::gpu_devices{{"0", "1", "2", "3"}, "PCI_BUS_ID", true});
  CHECK(all.doubt.empty());
  CHECK(four.offer(2).devices.ids == ids{"0", "1"});
  CHECK(four.offer({}, {}, "FASTEST_FIRST").devices.order == "FASTEST_FIRST");
  // Whoever gets none must not see those that are there.
  CHECK(four.offer(0).devices == io::gpu_devices{{}, "PCI_BUS_ID", true});
}

TEST_CASE("a machine without GPUs tells its children nothing of any", "[io][gpu]") {
  const machine none(0, 0);
  CHECK(none.offer().devices == io::gpu_devices{});
  CHECK(none.offer(0).devices == io::gpu_devices{});
}

TEST_CASE("more GPUs can be offered than the driver shows, with a doubt", "[io][gpu]") {
  const auto declared = machine(0, 0).offer(2);
  CHECK(declared.devices == io::gpu_devices{{"0", "1"}, "PCI_BUS_ID", true});
  CHECK(declared.doubt
        == "2 GPUs to offer, but NVIDIA's driver shows 0 on this machine: tasks are given the "
           "indices 0 to 1 all the same");
  const auto more = machine(1, 1).offer(3);
  CHECK(more.devices.ids == ids{"0", "1", "2"});
  CHECK_THAT(more.doubt, Contains("shows 1 on this machine"));
}

TEST_CASE("the node's own environment says which GPUs it may give away", "[io][gpu]") {
  const machine eight(8, 8);
  const auto two = eight.offer({}, "5,3");
  CHECK(two.devices == io::gpu_devices{{"5", "3"}, "FASTEST_FIRST", true});
  CHECK(two.doubt.empty());
  CHECK(eight.offer({}, "5,3", "PCI_BUS_ID").devices.order == "PCI_BUS_ID");
  CHECK(eight.offer(1, "5,3").devices.ids == ids{"5"});
  CHECK(machine(0, 0).offer({}, "3,5").devices.ids == ids{"3", "5"});
  for (const char* none : {"", "-1"}) {
    const auto hidden = eight.offer({}, none);
    CHECK(hidden.devices == io::gpu_devices{{}, "FASTEST_FIRST", true});
    CHECK(hidden.doubt.empty());
  }
}

TEST_CASE("a node offers no GPU that its environment hides", "[io][gpu]") {
  const machine eight(8, 8);
  const auto refused = io::offer_gpus({"3,5", {}, eight.root.path()}, 3);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == core::errc::invalid_argument);
  CHECK(refused.error().message
        == "3 GPUs to offer, but CUDA_VISIBLE_DEVICES of this process is '3,5', which names 2: "
           "offer no more, or change the variable");
  CHECK_FALSE(io::offer_gpus({"", {}, eight.root.path()}, 1));
  CHECK(io::offer_gpus({"", {}, eight.root.path()}, 0));
}

TEST_CASE("a list of GPUs ends where CUDA would end it", "[io][gpu]") {
  CHECK(io::visible_gpus("0,2,-1,1", 4) == ids{"0", "2"});
  CHECK(io::visible_gpus("0,4,1", 4) == ids{"0"});
  CHECK(io::visible_gpus("0,4,1", 0) == ids{"0", "4", "1"});
  CHECK(io::visible_gpus(" 1 ,\t0", 4) == ids{"1", "0"});
  CHECK(io::visible_gpus("1,,0", 4) == ids{"1"});
  CHECK(io::visible_gpus("1,x,0", 4) == ids{"1"});
  CHECK(io::visible_gpus("99999999999", 0).empty());
  CHECK(io::visible_gpus("", 4).empty());
  CHECK(io::visible_gpus("GPU-8932f937,GPU-77aa", 4) == ids{"GPU-8932f937", "GPU-77aa"});
  CHECK(io::visible_gpus("MIG-GPU-8932/1/2", 4) == ids{"MIG-GPU-8932/1/2"});
  CHECK(io::visible_gpus("GPU-", 4).empty());
}

TEST_CASE("a list never names one GPU twice", "[io][gpu]") {
  CHECK(io::visible_gpus("1,0,1,2", 4) == ids{"1", "0"});
  CHECK(io::visible_gpus("1,01", 4) == ids{"1"});
  CHECK(io::visible_gpus("GPU-89,GPU-8932f937", 4) == ids{"GPU-89"});
  CHECK(io::visible_gpus("GPU-8932f937,GPU-89", 4) == ids{"GPU-8932f937"});
  // It may be the same.
  CHECK(io::visible_gpus("0,GPU-89", 4) == ids{"0"});
  CHECK(io::visible_gpus("GPU-89,MIG-GPU-89/1/0", 4) == ids{"GPU-89"});
}

TEST_CASE("a list that ends early is a doubt that shows it", "[io][gpu]") {
  CHECK_THAT(machine(2, 2).offer({}, "0,\x1b[7,1").doubt,
             Contains("'0,\\x1b[7,1', of which 1 GPU can be used"));
  CHECK_THAT(machine(2, 2).offer({}, "first").doubt, Contains("0 GPUs can be used"));
}

TEST_CASE("the environment of the process itself is read", "[io][gpu]") {
  const char* before = std::getenv("CUDA_VISIBLE_DEVICES");
  const std::optional<std::string> kept =
      before ? std::optional<std::string>(before) : std::nullopt;
  ::setenv("CUDA_VISIBLE_DEVICES", "6", 1);
  CHECK(io::gpu_surroundings::of_this_process().visible == "6");
  ::unsetenv("CUDA_VISIBLE_DEVICES");
  CHECK_FALSE(io::gpu_surroundings::of_this_process().visible);
  if (kept)
    ::setenv("CUDA_VISIBLE_DEVICES", kept->c_str(), 1);
}
