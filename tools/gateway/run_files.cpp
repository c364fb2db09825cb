#include "gateway/run_files.hpp"

#include "gateway/text_parts.hpp"
#include "maze/core/utf8.hpp"
#include "maze/io/json.hpp"
#include "node/passing_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

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

core::result<std::string> read_part(const run_file& file, std::uint64_t offset,
                                    std::uint64_t most) {
  std::string out(std::min(most, file.size - std::min(offset, file.size)), '\0');
  for (std::size_t have = 0; have < out.size();) {
    const auto got = ::pread(file.content.get(), out.data() + have, out.size() - have,
                             static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return core::fail(io::errno_error("read a file of the run", got < 0 ? errno : EIO));
    have += static_cast<std::size_t>(got);
  }
  if (offset + out.size() < file.size)
    out.resize(out.size() - unfinished(out));
  if (!core::is_utf8(out))
    return core::fail(
        core::errc::unsupported_operation,
        "the file is no text there: fetch it with 'maze-node files RUN --out DIR', or "
        "over HTTP",
        "gateway");
  return out;
}

} // namespace maze::gateway
