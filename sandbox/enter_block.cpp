#include "maze/sandbox/enter_block.hpp"

#include <cstring>
#include <type_traits>

namespace maze::sandbox::enter {

namespace {

constexpr std::string_view mark = "maze-e1\n";
static_assert(mark.size() + sizeof(std::uint32_t) == block_head_size);

/// Both sides are programs of one machine and one build: numbers as it has them.
class writer {
public:
  template <class Number>
  requires std::is_arithmetic_v<Number>
  void operator()(Number x) { out_.append(reinterpret_cast<const char*>(&x), sizeof x); }
  void operator()(const std::string& x) {
    (*this)(static_cast<std::uint32_t>(x.size()));
    out_ += x;
  }
  void operator()(const limit& x) {
    (*this)(x.resource);
    (*this)(x.value);
  }
  template <class Item>
  void operator()(const std::vector<Item>& x) {
    (*this)(static_cast<std::uint32_t>(x.size()));
    for (const Item& each : x)
      (*this)(each);
  }
  std::string take() { return std::move(out_); }

private:
  std::string out_;
};

class reader {
public:
  explicit reader(std::string_view bytes) : left_(bytes) {}

  template <class Number>
  requires std::is_arithmetic_v<Number>
  void operator()(Number& x) {
    if constexpr (std::is_same_v<Number, bool>) {
      std::uint8_t byte = 0;
      (*this)(byte);
      good_ = good_ && byte <= 1;
      x = byte == 1;
    } else if (take(sizeof x)) {
      std::memcpy(&x, taken_.data(), sizeof x);
    }
  }
  void operator()(std::string& x) {
    std::uint32_t size = 0;
    (*this)(size);
    if (take(size))
      x = taken_;
  }
  void operator()(limit& x) {
    (*this)(x.resource);
    (*this)(x.value);
  }
  template <class Item>
  void operator()(std::vector<Item>& x) {
    std::uint32_t count = 0;
    (*this)(count);
    for (std::uint32_t i = 0; good_ && i < count; ++i)
      (*this)(x.emplace_back());
  }
  [[nodiscard]] bool whole() const { return good_ && left_.empty(); }

private:
  bool take(std::size_t size) {
    good_ = good_ && size <= left_.size();
    if (!good_)
      return false;
    taken_ = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }

  std::string_view left_;
  std::string_view taken_;
  bool good_ = true;
};

template <class Io, class Block>
requires std::is_same_v<std::remove_const_t<Block>, block>
void fields(Io& io, Block& x) {
  io(x.argv);
  io(x.environment);
  io(x.working_directory);
  io(x.limits);
  io(x.cpu_time);
  io(x.filter);
  io(x.report);
}

template <class Io, class Report>
requires std::is_same_v<std::remove_const_t<Report>, report>
void fields(Io& io, Report& x) {
  io(x.began);
  io(x.ended);
  io(x.step);
  io(x.exit_code);
  io(x.signal);
  io(x.cpu_passed);
  io(x.cpu_time);
  io(x.memory_peak);
  io(x.memory_kills);
  io(x.refused_processes);
}

template <class T>
std::optional<T> decode_as(std::string_view bytes) {
  T out;
  reader in(bytes);
  fields(in, out);
  if (!in.whole())
    return std::nullopt;
  return out;
}

} // namespace

std::string encode(const block& x) {
  writer out;
  fields(out, x);
  const std::string body = out.take();
  writer head;
  head(static_cast<std::uint32_t>(body.size()));
  return std::string(mark) + head.take() + body;
}

std::optional<std::uint64_t> size_behind(std::string_view head) {
  if (head.size() != block_head_size || !head.starts_with(mark))
    return std::nullopt;
  std::uint32_t size = 0;
  std::memcpy(&size, head.data() + mark.size(), sizeof size);
  if (size > block_size_max)
    return std::nullopt;
  return size;
}

std::optional<block> decode(std::string_view bytes) { return decode_as<block>(bytes); }

std::string encode(const report& x) {
  writer out;
  fields(out, x);
  return out.take();
}

std::optional<report> decode_report(std::string_view bytes) { return decode_as<report>(bytes); }

} // namespace maze::sandbox::enter
