#include "maze/io/bulk_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_set>

namespace maze::io {

namespace bulk = core::bulk;

namespace {

// Up to here a blob is read into the batch that goes out in one write; beyond, sendfile.
constexpr std::uint64_t small_blob_max = std::uint64_t{64} << 10;

/// Those that `store` lacks, each once, in the order of `blobs`.
std::vector<core::blob_id> missing_in(const blob_store& store,
                                      std::span<const core::blob_id> blobs) {
  std::vector<core::blob_id> out;
  std::unordered_set<core::digest> seen;
  for (const auto& blob : blobs)
    if (seen.insert(blob.hash).second && !store.has(blob))
      out.push_back(blob);
  return out;
}

} // namespace

template <class Work>
auto bulk_client::stoppable(const std::stop_token& stop, Work work) -> decltype(work()) {
  const std::stop_callback ends(stop, [this] { peer_->stream->shut_down(); });
  auto done = work();
  if (!done && stop.stop_requested())
    return core::fail(core::errc::cancelled, "the transfer was stopped");
  return done;
}

bulk_client::bulk_client(std::unique_ptr<byte_stream> stream, options settings)
    : settings_(settings), peer_(std::make_unique<connection>(std::move(stream))) {}

void bulk_client::reconnect(std::unique_ptr<byte_stream> stream) {
  peer_ = std::make_unique<connection>(std::move(stream));
}

core::result<bulk_frame> bulk_client::next_frame(std::chrono::milliseconds idle) {
  const auto came = peer_->in.next({.idle = idle, .frame = settings_.limits.frame});
  if (!came)
    return core::fail(came.error());
  if (!*came)
    return core::fail(core::errc::transfer_error, "the peer ended the connection");
  return **came;
}

core::result<bulk_frame> bulk_client::next_answer(bulk::frame_kind kind, std::uint32_t request,
                                                  std::chrono::milliseconds idle) {
  auto came = next_frame(idle);
  if (!came)
    return came;
  if (came->header.kind == bulk::frame_kind::refused) {
    const auto why = bulk::decode_refusal(came->payload);
    return core::fail(why ? why->why : why.error());
  }
  if (came->header.kind != kind || came->header.request != request)
    return core::fail(core::errc::malformed,
                      fmt::format("the peer answered request {} with a frame of kind {} to "
                                  "request {}",
                                  request, static_cast<unsigned>(came->header.kind),
                                  came->header.request));
  return came;
}

core::result<void> bulk_client::send(const std::string& frame) {
  if (auto done = peer_->out.add(frame, settings_.limits); !done)
    return done;
  return peer_->out.flush(settings_.limits);
}

core::result<std::vector<bool>> bulk_client::ask(bulk::frame_kind kind, std::uint32_t request,
                                                 std::span<const core::blob_id> blobs) {
  if (auto done = send(bulk::frame(kind, request, bulk::blob_list{{blobs.begin(), blobs.end()}}));
      !done)
    return core::fail(done.error());
  const auto answer = next_answer(bulk::frame_kind::present, request, settings_.limits.idle);
  if (!answer)
    return core::fail(answer.error());
  auto known = bulk::decode_presence(answer->payload, blobs.size());
  if (!known)
    return core::fail(known.error());
  return std::move(known->there);
}

core::result<std::vector<bool>> bulk_client::have(std::span<const core::blob_id> blobs,
                                                  std::stop_token stop) {
  return stoppable(stop, [&]() -> core::result<std::vector<bool>> {
    std::vector<bool> all;
    for (auto left = blobs; !left.empty();) {
      const auto some = left.first(std::min(left.size(), bulk::request_blobs_max));
      const auto known = ask(bulk::frame_kind::have, next_request_++, some);
      if (!known)
        return core::fail(known.error());
      all.insert(all.end(), known->begin(), known->end());
      left = left.subspan(some.size());
    }
    return all;
  });
}

core::result<bulk_report> bulk_client::get(std::span<const core::blob_id> blobs, blob_store& into,
                                           std::stop_token stop) {
  auto missing = missing_in(into, blobs);
  if (missing.empty())
    return bulk_report{};
  bulk_fetch fetch(std::move(missing), into, settings_.fetch, std::exchange(partial_, {}));
  const auto done = stoppable(stop, [&] { return fetch_all(fetch); });
  auto report = fetch.take_report();
  bytes_received_ += report.bytes_moved;
  if (done)
    return report;
  partial_ = fetch.take_partial();
  return core::fail(done.error());
}

core::result<void> bulk_client::fetch_all(bulk_fetch& fetch) {
  while (!fetch.finished()) {
    while (const auto request = fetch.next_request(next_request_)) {
      if (auto done = send(bulk::frame(next_request_, *request)); !done)
        return core::fail(reason(done.error()));
      ++next_request_;
    }
    const auto answer = next_frame(settings_.limits.idle);
    if (!answer)
      return core::fail(answer.error());
    if (auto done = fetch.take(*answer); !done)
      return done;
  }
  return {};
}

/// What the peer said before it hung up, if it said anything; else `failure`.
core::error bulk_client::reason(core::error failure) {
  constexpr std::chrono::milliseconds already_sent{200};
  // Answers that were due come first.
  while (const auto last = next_frame(already_sent))
    if (last->header.kind == bulk::frame_kind::refused)
      if (const auto why = bulk::decode_refusal(last->payload))
        return why->why;
  return failure;
}

core::result<bulk_report> bulk_client::put(std::span<const core::blob_id> blobs, blob_store& from,
                                           std::stop_token stop) {
  bulk_report report;
  const auto done = stoppable(stop, [&]() -> core::result<void> {
    for (auto left = blobs; !left.empty();) {
      const auto some = left.first(std::min(left.size(), bulk::request_blobs_max));
      if (auto sent = put_some(some, from, report); !sent)
        return sent;
      left = left.subspan(some.size());
    }
    return {};
  });
  if (!done)
    return core::fail(done.error());
  return report;
}

core::result<void> bulk_client::put_some(std::span<const core::blob_id> blobs, blob_store& from,
                                         bulk_report& report) {
  const auto request = next_request_++;
  const auto known = ask(bulk::frame_kind::put, request, blobs);
  if (!known)
    return core::fail(known.error());
  const auto before = bytes_sent_;
  core::result<void> sent;
  for (std::uint32_t item = 0; sent && item < blobs.size(); ++item) {
    if ((*known)[item])
      continue;
    sent = send_blob(request, item, blobs[item], from);
    ++report.blobs_moved;
  }
  if (sent)
    sent = peer_->out.flush(settings_.limits);
  report.bytes_moved += bytes_sent_ - before;
  if (!sent)
    return core::fail(reason(sent.error()));
  const auto answer = next_answer(bulk::frame_kind::stored, request, settings_.flush);
  if (!answer)
    return core::fail(answer.error());
  auto result = bulk::decode_put_result(answer->payload);
  if (!result)
    return core::fail(result.error());
  for (auto& failure : result->failures) {
    if (failure.item >= blobs.size())
      return core::fail(core::errc::malformed, "the peer reports a blob that nobody sent");
    report.failures.push_back({.blob = blobs[failure.item], .why = std::move(failure.why)});
  }
  report.blobs_moved -= std::min<std::uint64_t>(report.blobs_moved, result->failures.size());
  return {};
}

core::result<void> bulk_client::send_blob(std::uint32_t request, std::uint32_t item,
                                          const core::blob_id& blob, blob_store& from) {
  auto& out = peer_->out;
  const auto file = from.open_blob(blob.hash);
  struct stat status {};
  core::error failure;
  if (!file)
    failure = file.error();
  else if (::fstat(file->get(), &status) != 0)
    failure = errno_error("fstat", errno);
  else if (static_cast<std::uint64_t>(status.st_size) != blob.size)
    failure = {.code = core::errc::object_lost,
               .message = fmt::format("blob {} has {} bytes instead of {} at its sender",
                                      to_string(blob.hash), status.st_size, blob.size)};
  if (failure.code != core::errc::none)
    return out.add(bulk::frame_absent(request, {.item = item, .why = failure}), settings_.limits);
  std::uint64_t sent = 0;
  do {
    const auto length =
        static_cast<std::size_t>(std::min<std::uint64_t>(blob.size - sent, bulk::part_bytes_max));
    out.add_part_header(request, {.item = item, .offset = sent}, length);
    core::result<void> done;
    if (blob.size > small_blob_max)
      done = out.send_file(file->get(), sent, length, settings_.limits);
    else if (length > 0
             && ::pread(file->get(), out.room_for(length), length, 0)
                    != static_cast<ssize_t>(length))
      done = core::fail(core::errc::io_error,
                        fmt::format("read blob {}: it is not whole", to_string(blob.hash)));
    if (done)
      done = out.flush_if_full(settings_.limits);
    if (!done)
      return done;
    sent += length;
    bytes_sent_ += length;
  } while (sent < blob.size);
  return {};
}

core::result<std::string> bulk_client::document(std::string_view name, std::stop_token stop) {
  return stoppable(stop, [&] { return fetch_document(name); });
}

core::result<std::string> bulk_client::fetch_document(std::string_view name) {
  const auto request = next_request_++;
  if (auto done = send(bulk::frame(request, bulk::document_name{std::string(name)})); !done)
    return core::fail(done.error());
  const auto answer = next_answer(bulk::frame_kind::document, request, settings_.limits.idle);
  if (!answer)
    return core::fail(answer.error());
  const auto size = bulk::decode_document_size(answer->payload);
  if (!size)
    return core::fail(size.error());
  if (size->size > settings_.document_max)
    return core::fail(core::errc::limit_exceeded,
                      fmt::format("document '{}' has {} bytes, the limit is {}", name, size->size,
                                  settings_.document_max));
  std::string out;
  while (out.size() < size->size) {
    const auto came = next_answer(bulk::frame_kind::part, request, settings_.limits.idle);
    if (!came)
      return core::fail(came.error());
    const auto part = bulk::decode_part(came->payload);
    if (!part)
      return core::fail(part.error());
    if (part->header != bulk::part_header{.item = 0, .offset = out.size()} || part->bytes.empty()
        || part->bytes.size() > size->size - out.size())
      return core::fail(core::errc::malformed, "the peer sent a part that was not due");
    out += part->bytes;
    bytes_received_ += part->bytes.size();
  }
  return out;
}

} // namespace maze::io
