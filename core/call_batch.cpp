#include "maze/core/call_batch.hpp"

#include "maze/core/codec.hpp"
#include "maze/core/ensure.hpp"
#include "maze/core/little_endian.hpp"

#include <fmt/format.h>

namespace maze::core {

namespace {

using little_endian::append;
using little_endian::load;

tl::unexpected<error> bad_frame(std::string message) {
  return fail(errc::malformed, "a frame of calls: " + std::move(message), "calls");
}

bool is_placeholder_of(std::string_view bytes, std::size_t at, call_number call) noexcept {
  return bytes[at] == '\x0a' && load<std::uint64_t>(bytes, at + 1) == placeholder_mark
         && load<std::uint64_t>(bytes, at + 9) == call;
}

/// Walks over one encoded value without making it.
class placeholder_search {
public:
  placeholder_search(std::string_view encoded, std::uint32_t depth_max)
      : in_(encoded, "arguments", depth_max) {}

  void walk() {
    const auto start = in_.offset();
    switch (in_.byte()) {
    case 0x00:
    case 0x01:
    case 0x02:
      return;
    case 0x03:
      static_cast<void>(in_.varint());
      return;
    case 0x04:
      static_cast<void>(in_.real());
      return;
    case 0x05:
    case 0x06:
      static_cast<void>(in_.text());
      return;
    case 0x07:
      return walk_all(false);
    case 0x08:
      return walk_all(true);
    case 0x09:
      static_cast<void>(in_.raw(16));
      static_cast<void>(in_.varint());
      static_cast<void>(in_.text());
      return;
    case 0x0a:
      return object(start);
    default:
      in_.refuse(start, "a tag that there is not");
    }
  }
  result<std::vector<call_dependency>> finish() {
    return in_.finish().map([this] { return std::move(found_); });
  }

private:
  void walk_all(bool keys) {
    const binary_reader::level deeper(in_);
    for (auto n = in_.count(); in_.ok() && n > 0; --n) {
      if (keys)
        static_cast<void>(in_.text());
      walk();
    }
  }
  void object(std::size_t start) {
    const auto high = in_.fixed64();
    const auto low = in_.fixed64();
    if (high != placeholder_mark || low > UINT32_MAX)
      return;
    if (start >= order_only)
      return in_.refuse(start, "a placeholder beyond 4 GiB", errc::limit_exceeded);
    found_.push_back({static_cast<call_number>(low), static_cast<std::uint32_t>(start)});
  }

  binary_reader in_;
  std::vector<call_dependency> found_;
};

} // namespace

result<call_batch_view> call_batch_view::of(std::string_view frame, std::uint32_t size_max) {
  if (frame.size() > size_max)
    return fail(
        errc::limit_exceeded,
        fmt::format("a frame of calls has {} bytes, at most {} are taken", frame.size(), size_max),
        "calls");
  if (frame.size() < batch_header_size || load<std::uint32_t>(frame, 0) != call_batch_magic)
    return bad_frame("these bytes are none");
  if (load<std::uint16_t>(frame, 4) != call_batch_version || load<std::uint16_t>(frame, 6) != 0)
    return bad_frame(fmt::format("version {} with flags {:#x} is not known",
                                 load<std::uint16_t>(frame, 4), load<std::uint16_t>(frame, 6)));
  if (load<std::uint32_t>(frame, 20) != frame.size() - batch_header_size)
    return bad_frame("it is not as long as it says");
  const auto out = trusted(frame);
  if (const auto checked = out.check(); !checked)
    return fail(checked.error());
  return out;
}

call_batch_view call_batch_view::trusted(std::string_view frame) noexcept {
  call_batch_view out;
  out.frame_ = frame;
  out.first_ = load<std::uint32_t>(frame, 8);
  out.count_ = load<std::uint32_t>(frame, 12);
  out.dependencies_ = load<std::uint32_t>(frame, 16);
  return out;
}

batch_entry call_batch_view::entry(std::uint32_t index) const noexcept {
  const std::size_t at = batch_header_size + std::size_t{index} * batch_entry_size;
  return {load<std::uint32_t>(frame_, at), load<std::uint32_t>(frame_, at + 4),
          load<std::uint32_t>(frame_, at + 8)};
}

call_dependency call_batch_view::dependency(std::uint32_t index) const noexcept {
  const std::size_t at = batch_header_size + std::size_t{count_} * batch_entry_size
                         + std::size_t{index} * batch_dependency_size;
  return {load<std::uint32_t>(frame_, at), load<std::uint32_t>(frame_, at + 4)};
}

result<void> call_batch_view::check() const {
  if (count_ == 0)
    return bad_frame("it has no calls");
  if (arguments_at() > frame_.size())
    return bad_frame("its tables are longer than itself");
  if (std::uint64_t{first_} + count_ > UINT32_MAX)
    return fail(errc::limit_exceeded, "a run takes at most 2^32 - 1 calls", "calls");
  const auto arguments = frame_.substr(arguments_at());
  std::uint64_t used = 0;
  std::uint64_t named = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    const auto each = entry(i);
    if (load<std::uint32_t>(frame_, batch_header_size + std::size_t{i} * batch_entry_size + 12)
        != 0)
      return bad_frame("bits that must be 0 are not");
    if (each.size > arguments.size() - used)
      return bad_frame("its arguments are shorter than its table says");
    if (each.dependencies > dependencies_ - named)
      return bad_frame("it has fewer dependencies than its table says");
    if (each.dependencies > 0)
      if (const auto checked =
              check_dependencies(i, static_cast<std::uint32_t>(named),
                                 arguments.substr(static_cast<std::size_t>(used), each.size));
          !checked)
        return checked;
    used += each.size;
    named += each.dependencies;
  }
  if (used != arguments.size() || named != dependencies_)
    return bad_frame("it is longer than its table says");
  return {};
}

result<void> call_batch_view::check_dependencies(std::uint32_t index, std::uint32_t from,
                                                 std::string_view arguments) const {
  const auto own = first_ + index;
  std::uint64_t free_from = 0;
  for (auto i = from; i < from + entry(index).dependencies; ++i) {
    const auto each = dependency(i);
    if (each.call >= own)
      return bad_frame(
          fmt::format("call {} depends on call {}, which is not earlier", own, each.call));
    if (each.place == order_only) {
      free_from = order_only;
      continue;
    }
    if (each.place < free_from)
      return bad_frame(fmt::format("the places of call {} do not ascend", own));
    if (std::uint64_t{each.place} + placeholder_size > arguments.size()
        || !is_placeholder_of(arguments, each.place, each.call))
      return bad_frame(
          fmt::format("call {} has no placeholder for the result of call {} at byte {}", own,
                      each.call, each.place));
    free_from = std::uint64_t{each.place} + placeholder_size;
  }
  return {};
}

call_number call_batch_writer::add(std::uint32_t function, std::string_view arguments,
                                   std::span<const call_dependency> dependencies) {
  const auto number = first_ + count();
  append(table_, function);
  append(table_, static_cast<std::uint32_t>(arguments.size()));
  append(table_, static_cast<std::uint32_t>(dependencies.size()));
  append(table_, std::uint32_t{0});
  for (const auto& each : dependencies) {
    append(dependencies_, each.call);
    append(dependencies_, each.place);
  }
  arguments_ += arguments;
  return number;
}

std::string call_batch_writer::finish() {
  ensure(size() <= UINT32_MAX, "a frame of calls is within its bound");
  std::string out;
  out.reserve(size());
  const auto calls = count();
  append(out, call_batch_magic);
  append(out, call_batch_version);
  append(out, std::uint16_t{0});
  append(out, first_);
  append(out, calls);
  append(out, static_cast<std::uint32_t>(dependencies_.size() / batch_dependency_size));
  append(out, static_cast<std::uint32_t>(size() - batch_header_size));
  out += table_;
  out += dependencies_;
  out += arguments_;
  first_ += calls;
  table_.clear();
  dependencies_.clear();
  arguments_.clear();
  return out;
}

result<std::vector<call_dependency>> placeholders_in(std::string_view encoded,
                                                     const value_limits& limits) {
  if (encoded.size() > limits.size_max)
    return fail(
        errc::limit_exceeded,
        fmt::format("arguments of {} bytes, at most {} are taken", encoded.size(), limits.size_max),
        "calls");
  placeholder_search search(encoded, limits.depth_max);
  search.walk();
  return search.finish();
}

} // namespace maze::core
