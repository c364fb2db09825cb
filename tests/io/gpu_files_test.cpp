#include "maze/io/gpu_devices.hpp"
#include "support/scratch_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace maze;
using texts = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

/// A machine with GPUs whose places on the bus are in another order than their device files.
struct gpu_machine {
  gpu_machine() {
    fs::create_directories(root / "dev");
    for (const char* name : {"nvidia0", "nvidia1", "nvidia2", "nvidiactl", "nvidia-uvm", "null"})
      std::ofstream(root / "dev" / name);
  }
  void add(const std::string& place, const std::string& uuid, int minor) const {
    const auto folder = root / "proc/driver/nvidia/gpus" / place;
    fs::create_directories(folder);
    std::ofstream(folder / "information")
        << "Model: \t\t Some GPU\nGPU UUID: \t " << uuid << "\nBus Location: \t " << place
        << "\nDevice Minor: \t " << minor << "\n";
  }
  [[nodiscard]] io::gpu_devices find(texts ids, std::string order = "PCI_BUS_ID") const {
    io::gpu_devices out{.ids = std::move(ids), .order = std::move(order)};
    io::find_gpu_files(root.path(), out);
    return out;
  }
  [[nodiscard]] std::string dev(const std::string& name) const {
    return name.empty() ? name : (root / "dev" / name).native();
  }
  [[nodiscard]] texts files(texts ids, std::string order = "PCI_BUS_ID") const {
    return find(std::move(ids), std::move(order)).files;
  }

  test::scratch_dir root;
};

} // namespace

TEST_CASE("an index is a place on the bus, whose device file has a number of its own",
          "[io][gpu]") {
  const gpu_machine sut;
  sut.add("0000:3b:00.0", "GPU-aaaa-1", 2);
  sut.add("0000:17:00.0", "GPU-aabb-2", 1);
  CHECK(sut.files({"0", "1"}) == texts{sut.dev("nvidia1"), sut.dev("nvidia2")});
  CHECK(sut.files({"5"}) == texts{""});
  CHECK(sut.find({"0"}).common_files == texts{sut.dev("nvidiactl"), sut.dev("nvidia-uvm")});
}

TEST_CASE("a device is also known by its name, as long as that means one", "[io][gpu]") {
  const gpu_machine sut;
  sut.add("0000:3b:00.0", "GPU-aaaa-1", 2);
  sut.add("0000:17:00.0", "GPU-aabb-2", 1);
  CHECK(sut.files({"GPU-aabb", "GPU-aaaa-1"}) == texts{sut.dev("nvidia1"), sut.dev("nvidia2")});
  CHECK(sut.files({"GPU-aa"}) == texts{""});
  CHECK(sut.files({"MIG-aaaa"}) == texts{""});
}

TEST_CASE("where devices are counted by speed an index names no file, unless there is one device",
          "[io][gpu]") {
  const gpu_machine sut;
  sut.add("0000:17:00.0", "GPU-aabb-2", 1);
  CHECK(sut.files({"0"}, "FASTEST_FIRST") == texts{sut.dev("nvidia1")});
  sut.add("0000:3b:00.0", "GPU-aaaa-1", 2);
  CHECK(sut.files({"0"}, "FASTEST_FIRST") == texts{""});
  CHECK(sut.files({"GPU-aabb-2"}, "FASTEST_FIRST") == texts{sut.dev("nvidia1")});
}

TEST_CASE("without the driver's word an index is the number of a file that is there", "[io][gpu]") {
  const gpu_machine sut;
  CHECK(sut.files({"0", "2", "7"}) == texts{sut.dev("nvidia0"), sut.dev("nvidia2"), ""});
  CHECK(gpu_machine().find({}).files.empty());
}
