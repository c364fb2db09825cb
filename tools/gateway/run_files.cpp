#include "gateway/run_files.hpp"

#include "maze/io/json.hpp"
#include "node/passing_store.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>

namespace maze::gateway {

core::result<actors::run_report> published_by(const request& in) {
  const auto run = in.session().find(in.text("run"));
  if (!run)
    return core::fail(run.error());
  auto told = in.session().report(run->run);
  if (!told)
    return core::fail(told.error());
  if (!in.flag("history") && told->conflict.code != core::errc::none)
    return core::fail(told->conflict);
  return told;
}

core::result<run_file> open_file(const request& in) {
  const auto told = published_by(in);
  if (!told)
    return core::fail(told.error());
  const std::string text = in.text("path");
  const auto name = io::file_name_from_text(text);
  const auto found = told->published.find(name ? *name : text);
  if (found == told->published.end())
    return core::fail(core::errc::not_found, fmt::format("the run published no file '{}'", text),
                      "gateway");
  if (found->second.kind != core::file_kind::file)
    return core::fail(core::errc::invalid_argument, fmt::format("'{}' is no file", text),
                      "gateway");
  auto store = node::passing_store::open();
  if (!store)
    return core::fail(store.error());
  const std::array blobs{core::blob_id{found->second.hash, found->second.size}};
  if (auto came = node::downloader_from(in.cluster->address)(blobs, store->blobs()); !came)
    return core::fail(came.error());
  const auto place = store->blobs().path_of(found->second.hash);
  run_file out{io::unique_fd(::open(place.c_str(), O_RDONLY | O_CLOEXEC)), found->second.size};
  if (!out.content)
    return core::fail(io::errno_error("open " + place.string(), errno));
  return out;
}

} // namespace maze::gateway
