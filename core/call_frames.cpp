#include "maze/core/call_frames.hpp"

#include "maze/core/ensure.hpp"

#include <fmt/format.h>

namespace maze::core {

namespace {

template <class T>
T number_at(std::string_view bytes, std::size_t at) noexcept {
  T out = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    out = static_cast<T>(out << 8 | static_cast<unsigned char>(bytes[at + i]));
  return out;
}

template <class T>
void put(std::string& out, T x) {
  char bytes[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i)
    bytes[i] = static_cast<char>(static_cast<unsigned char>(x >> (8 * i)));
  out.append(bytes, sizeof(T));
}

call_entry entry_at(std::string_view table, std::size_t index) noexcept {
  const std::size_t at = index * call_entry_size;
  return {number_at<std::uint64_t>(table, at), number_at<std::uint32_t>(table, at + 8),
          number_at<std::uint32_t>(table, at + 12)};
}

void put_header(std::string& out, const call_header& x) {
  put(out, call_magic);
  put(out, static_cast<std::uint16_t>(x.kind));
  put(out, std::uint16_t{0});
  put(out, x.count);
  put(out, x.size);
  put(out, x.busy_ns);
}

void put_entry(std::string& out, const call_entry& x) {
  put(out, x.number);
  put(out, x.word);
  put(out, x.size);
}

} // namespace

result<call_header> read_call_header(std::string_view bytes, std::uint32_t size_max) {
  if (number_at<std::uint32_t>(bytes, 0) != call_magic)
    return fail(errc::malformed, "these bytes are no message of calls", "calls");
  const call_header out{.kind = static_cast<call_kind>(number_at<std::uint16_t>(bytes, 4)),
                        .count = number_at<std::uint32_t>(bytes, 8),
                        .size = number_at<std::uint32_t>(bytes, 12),
                        .busy_ns = number_at<std::uint64_t>(bytes, 16)};
  if (!is_known(out.kind) || number_at<std::uint16_t>(bytes, 6) != 0)
    return fail(errc::malformed, "a message of calls of a kind that there is not", "calls");
  if (out.size > size_max)
    return fail(
        errc::limit_exceeded,
        fmt::format("a message of calls has {} bytes, at most {} are taken", out.size, size_max),
        "calls");
  if (std::uint64_t{out.count} * call_entry_size > out.size)
    return fail(errc::malformed, "the table of a message of calls is longer than the message",
                "calls");
  return out;
}

result<call_message_view> call_message_view::of(std::string_view message, std::uint32_t size_max) {
  if (message.size() < call_header_size)
    return fail(errc::malformed, "a message of calls ends inside its header", "calls");
  const auto header = read_call_header(message, size_max);
  if (!header)
    return fail(header.error());
  if (message.size() - call_header_size != header->size)
    return fail(errc::malformed, "a message of calls is not as long as it says", "calls");
  call_message_view out;
  out.header_ = *header;
  const std::size_t table = std::size_t{header->count} * call_entry_size;
  out.table_ = message.substr(call_header_size, table);
  out.payloads_ = message.substr(call_header_size + table);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < header->count; ++i)
    sum += entry_at(out.table_, i).size;
  if (sum != out.payloads_.size())
    return fail(errc::malformed,
                "the payloads of a message of calls are not as long as its table says", "calls");
  return out;
}

call_entry call_message_view::entry(std::size_t index) const noexcept {
  return entry_at(table_, index);
}

void call_message_writer::add(std::uint64_t number, std::uint32_t word, std::string_view payload) {
  put_entry(table_, {number, word, static_cast<std::uint32_t>(payload.size())});
  payloads_.append(payload);
}

void call_message_writer::finish(call_kind kind, std::string& out, std::uint64_t busy_ns) {
  ensure(size() <= std::size_t{call_message_max} + call_header_size,
         "a message of calls is within its bound");
  out.reserve(out.size() + size());
  put_header(out, {.kind = kind,
                   .count = static_cast<std::uint32_t>(count()),
                   .size = static_cast<std::uint32_t>(table_.size() + payloads_.size()),
                   .busy_ns = busy_ns});
  out += table_;
  out += payloads_;
  table_.clear();
  payloads_.clear();
}

std::string call_message(call_kind kind, std::uint64_t number, std::uint32_t word,
                         std::string_view payload) {
  std::string out;
  call_message_writer writer;
  writer.add(number, word, payload);
  writer.finish(kind, out);
  return out;
}

result<std::string_view> call_message_reader::next() {
  const auto rest = std::string_view(buffer_).substr(at_);
  // Only when more must come: moving the rest for each of many small messages would cost more than they do.
  const auto need_more = [this]() -> result<std::string_view> {
    buffer_.erase(0, at_);
    at_ = 0;
    return std::string_view{};
  };
  if (rest.size() < call_header_size)
    return need_more();
  const auto header = read_call_header(rest, size_max_);
  if (!header)
    return fail(header.error());
  const std::size_t whole = call_header_size + header->size;
  if (rest.size() < whole)
    return need_more();
  const auto message = rest.substr(0, whole);
  if (const auto checked = call_message_view::of(message, size_max_); !checked)
    return fail(checked.error());
  at_ += whole;
  return message;
}

} // namespace maze::core
