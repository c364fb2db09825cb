#pragma once

#include "maze/io/folders.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace maze::test {

/// A fresh folder under $TMPDIR, else /tmp (or under `parent`), removed with everything in it at the end.
class scratch_dir {
public:
  explicit scratch_dir(
      const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    auto name = (parent / "maze-test-XXXXXX").native();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error("mkdtemp " + name + " failed");
    path_ = name;
  }
  scratch_dir(const scratch_dir&) = delete;
  scratch_dir& operator=(const scratch_dir&) = delete;
  ~scratch_dir() {
    // Overlays leave folders that keep their own owner out, which the standard library respects.
    static_cast<void>(io::remove_tree(AT_FDCWD, path_));
  }

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::filesystem::path& name) const {
    return path_ / name;
  }

private:
  std::filesystem::path path_;
};

} // namespace maze::test
