#pragma once

#include "maze/core/result.hpp"
#include "maze/io/files.hpp"

#include <string>

namespace maze::io {

/// A folder of one object's own beside those of others of its kind: named `<prefix>-<6 characters>`, locked as long as
/// the object lives, gone with it. One whose owner died without that is removed by the next to be made there.
class exclusive_folder {
public:
  exclusive_folder() = default;
  exclusive_folder(exclusive_folder&& other) noexcept;
  exclusive_folder& operator=(exclusive_folder&& other) noexcept;
  exclusive_folder(const exclusive_folder&) = delete;
  exclusive_folder& operator=(const exclusive_folder&) = delete;
  ~exclusive_folder();

  /// Makes one with mode 0700 in the open folder `parent`, of which a descriptor is kept. Waits while another is made or
  /// removed there.
  static core::result<exclusive_folder> make(int parent, const std::string& prefix);

  explicit operator bool() const { return static_cast<bool>(folder_); }
  [[nodiscard]] int fd() const { return folder_.get(); }
  [[nodiscard]] const std::string& name() const { return name_; }

private:
  unique_fd parent_;
  unique_fd folder_;
  std::string name_;
};

} // namespace maze::io
