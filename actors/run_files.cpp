#include "maze/actors/run_files.hpp"

#include "maze/io/files.hpp"

#include <fmt/format.h>

namespace maze::actors {

run_files::run_files(run_bundle_ptr bundle, std::shared_ptr<io::blob_store> blobs,
                     const options& settings)
    : bundle_(std::move(bundle)),
      blobs_(blobs),
      logs_(settings.root / "logs"),
      views_(std::move(blobs), {.root = settings.root / "space", .overlay = settings.overlay}) {}

core::result<io::view_store*> run_files::views() {
  std::call_once(once_, [this] {
    std::error_code failed;
    std::filesystem::create_directories(logs_, failed);
    if (failed)
      prepared_ = core::fail(
          io::errno_error(fmt::format("make folder {}", logs_.string()), failed.value()));
    else if (auto sound = blobs_->check_seals(bundle_->files); !sound)
      prepared_ = core::fail(sound.error());
    else
      prepared_ = views_.set_base(bundle_->files);
  });
  if (!prepared_)
    return core::fail(prepared_.error());
  return &views_;
}

} // namespace maze::actors
