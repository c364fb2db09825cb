#include "maze/io/bulk_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace maze::io {

namespace bulk = core::bulk;

namespace {

// Up to here a range is read into the batch that goes out in one write; beyond, sendfile.
constexpr std::uint64_t small_range_max = std::uint64_t{64} << 10;

core::error shorter(const bulk::blob_range& wanted) {
  return core::error{.code = core::errc::object_lost,
                     .message = fmt::format("blob {} is shorter than {} bytes here",
                                            to_string(wanted.hash), wanted.offset + wanted.length)};
}

/// Whether the peer is at fault and should hear of it.
bool is_for_peer(core::errc code) {
  return code == core::errc::malformed || code == core::errc::limit_exceeded
         || code == core::errc::permission_denied || code == core::errc::not_found;
}

} // namespace

bulk_session::bulk_session(byte_stream& peer, blob_store& blobs, const document_table& documents,
                           bulk_rights rights, bulk_deadlines limits)
    : blobs_(blobs),
      documents_(documents),
      rights_(rights),
      limits_(limits),
      in_(peer),
      out_(peer) {}

core::result<void> bulk_session::serve() {
  for (;;) {
    const auto request = in_.next(limits_);
    if (request && !*request)
      return {};
    auto done = request ? answer(**request) : core::result<void>(core::fail(request.error()));
    if (done)
      done = out_.flush(limits_);
    if (done)
      continue;
    if (is_for_peer(done.error().code)) {
      // Whether it still listens does not matter: the connection is over either way.
      const auto number = request ? (*request)->header.request : 0;
      static_cast<void>(out_.add(bulk::frame(number, bulk::refusal{done.error()}), limits_));
      static_cast<void>(out_.flush(limits_));
    }
    return done;
  }
}

core::result<void> bulk_session::answer(const bulk_frame& request) {
  switch (request.header.kind) {
  case bulk::frame_kind::have:
    return have(request);
  case bulk::frame_kind::get:
    return get(request);
  case bulk::frame_kind::put:
    return put(request);
  case bulk::frame_kind::get_document:
    return get_document(request);
  default:
    return core::fail(core::errc::malformed,
                      fmt::format("a bulk frame of kind {} is no request",
                                  static_cast<unsigned>(request.header.kind)));
  }
}

bulk::presence bulk_session::presence_of(const bulk::blob_list& list) const {
  bulk::presence out;
  out.there.reserve(list.blobs.size());
  for (const auto& blob : list.blobs)
    out.there.push_back(blobs_.has(blob));
  return out;
}

core::result<void> bulk_session::have(const bulk_frame& request) {
  const auto asked = bulk::decode_blob_list(request.payload);
  if (!asked)
    return core::fail(asked.error());
  return out_.add(bulk::frame(request.header.request, presence_of(*asked)), limits_);
}

core::result<void> bulk_session::get(const bulk_frame& request) {
  const auto asked = bulk::decode_range_list(request.payload);
  if (!asked)
    return core::fail(asked.error());
  const auto number = request.header.request;
  std::uint32_t item = 0;
  for (const auto& wanted : asked->ranges)
    if (auto done = send_range(number, item++, wanted); !done)
      return done;
  return {};
}

core::result<void> bulk_session::send_range(std::uint32_t request, std::uint32_t item,
                                            const bulk::blob_range& wanted) {
  const auto absent = [&](core::error why) {
    return out_.add(bulk::frame_absent(request, {.item = item, .why = std::move(why)}), limits_);
  };
  const auto file = blobs_.open_blob(wanted.hash);
  if (!file)
    return absent(file.error());
  if (wanted.length > small_range_max) {
    struct stat status {};
    if (::fstat(file->get(), &status) != 0)
      return absent(errno_error("fstat", errno));
    if (static_cast<std::uint64_t>(status.st_size) < wanted.offset + wanted.length)
      return absent(shorter(wanted));
    return send_large(request, item, file->get(), wanted);
  }
  char bytes[small_range_max];
  const auto length = static_cast<std::size_t>(wanted.length);
  const auto got = ::pread(file->get(), bytes, length, static_cast<off_t>(wanted.offset));
  if (got < 0)
    return absent(errno_error(fmt::format("read blob {}", to_string(wanted.hash)), errno));
  if (static_cast<std::size_t>(got) != length)
    return absent(shorter(wanted));
  out_.add_part_header(request, {.item = item, .offset = wanted.offset}, length);
  if (length > 0)
    std::memcpy(out_.room_for(length), bytes, length);
  traffic_.bytes_sent += length;
  return out_.flush_if_full(limits_);
}

core::result<void> bulk_session::send_large(std::uint32_t request, std::uint32_t item, int file,
                                            const bulk::blob_range& wanted) {
  for (std::uint64_t sent = 0; sent < wanted.length;) {
    const auto offset = wanted.offset + sent;
    const auto length = static_cast<std::size_t>(
        std::min<std::uint64_t>(wanted.length - sent, bulk::part_bytes_max));
    out_.add_part_header(request, {.item = item, .offset = offset}, length);
    if (auto done = out_.send_file(file, offset, length, limits_); !done)
      return done;
    sent += length;
    traffic_.bytes_sent += length;
  }
  return {};
}

core::result<void> bulk_session::get_document(const bulk_frame& request) {
  const auto asked = bulk::decode_document_name(request.payload);
  if (!asked)
    return core::fail(asked.error());
  if (!rights_.may_read_documents)
    return core::fail(core::errc::permission_denied, "this peer may not read documents");
  const auto number = request.header.request;
  const auto found = documents_.find(asked->name);
  if (!found)
    return core::fail(core::errc::not_found, fmt::format("no document '{}' here", asked->name));
  if (auto done = out_.add(bulk::frame(number, bulk::document_size{found->size()}), limits_); !done)
    return done;
  for (std::size_t sent = 0; sent < found->size();) {
    const auto length = std::min(found->size() - sent, bulk::part_bytes_max);
    out_.add_part_header(number, {.item = 0, .offset = sent}, length);
    std::memcpy(out_.room_for(length), found->data() + sent, length);
    if (auto done = out_.flush_if_full(limits_); !done)
      return done;
    sent += length;
    traffic_.bytes_sent += length;
  }
  return {};
}

core::result<void> bulk_session::put(const bulk_frame& request) {
  const auto offered = bulk::decode_blob_list(request.payload);
  if (!offered)
    return core::fail(offered.error());
  if (!rights_.may_put)
    return core::fail(core::errc::permission_denied, "this peer may not store blobs here");
  const auto number = request.header.request;
  const auto known = presence_of(*offered);
  auto done = out_.add(bulk::frame(number, known), limits_);
  if (done)
    done = out_.flush(limits_);
  bulk::put_result result;
  for (std::uint32_t item = 0; done && item < offered->blobs.size(); ++item) {
    if (known.there[item])
      continue;
    const auto stored = receive_blob(number, item, offered->blobs[item]);
    if (!stored)
      done = core::fail(stored.error());
    else if (*stored)
      result.failures.push_back({.item = item, .why = **stored});
  }
  if (done)
    done = blobs_.flush();
  return done ? out_.add(bulk::frame(number, result), limits_) : done;
}

core::result<bulk_session::arrival> bulk_session::receive_part(std::uint32_t request,
                                                               const bulk::part_header& expected,
                                                               std::uint64_t room) {
  const auto came = in_.next({.idle = limits_.frame, .frame = limits_.frame});
  if (!came)
    return core::fail(came.error());
  if (!*came)
    return core::fail(core::errc::transfer_error, "the peer ended inside a blob");
  const auto& header = (*came)->header;
  // The peer offered what it then could not read.
  if (header.kind == bulk::frame_kind::absent && header.request == request
      && expected.offset == 0) {
    auto failure = bulk::decode_item_failure((*came)->payload);
    if (!failure)
      return core::fail(failure.error());
    if (failure->item != expected.item)
      return core::fail(core::errc::malformed,
                        "a failure of another item than the one that is due");
    return arrival{.failure = std::move(failure->why), .bytes = {}};
  }
  if (header.kind != bulk::frame_kind::part || header.request != request)
    return core::fail(core::errc::malformed, "another frame where a part of a blob was due");
  const auto part = bulk::decode_part((*came)->payload);
  if (!part)
    return core::fail(part.error());
  if (part->header != expected || part->bytes.size() > room || (part->bytes.empty() && room > 0))
    return core::fail(core::errc::malformed,
                      fmt::format("{} bytes of item {} at {} came where {} of item {} at {} were "
                                  "due",
                                  part->bytes.size(), part->header.item, part->header.offset, room,
                                  expected.item, expected.offset));
  traffic_.bytes_received += part->bytes.size();
  return arrival{.failure = {}, .bytes = part->bytes};
}

core::result<bulk_session::item_error> bulk_session::receive_blob(std::uint32_t request,
                                                                  std::uint32_t item,
                                                                  const core::blob_id& expected) {
  item_error failure;
  const auto note = [&failure](const auto& done) {
    if (!done && !failure)
      failure = done.error();
  };
  std::optional<blob_writer> writer;
  std::uint64_t offset = 0;
  do {
    const auto part =
        receive_part(request, {.item = item, .offset = offset}, expected.size - offset);
    if (!part)
      return core::fail(part.error());
    if (part->failure)
      return part->failure;
    if (part->bytes.size() == expected.size) {
      note(blobs_.put_expected(expected, part->bytes));
      break;
    }
    if (offset == 0) {
      auto begun = blobs_.begin_put(expected);
      note(begun);
      if (begun)
        writer = std::move(*begun);
    }
    // What cannot be stored is read nevertheless: the items behind it can be.
    if (writer && !failure)
      note(writer->write(part->bytes));
    offset += part->bytes.size();
  } while (offset < expected.size);
  if (writer && !failure)
    note(writer->commit());
  if (!failure)
    ++traffic_.blobs_received;
  return failure;
}

} // namespace maze::io
