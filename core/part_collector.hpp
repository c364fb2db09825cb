#pragma once

#include "maze/core/graph_run.hpp"
#include "maze/core/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace maze::core {

/// Puts documents together that arrive in parts, from senders that may be slow, gone or hostile, in
/// bounded memory: what is kept is what has arrived, never what was announced.
/// @note Not thread-safe; knows no clock.
class part_collector {
public:
  struct limits {
    std::uint64_t document_max = std::uint64_t{256} << 20;
    /// Of all unfinished documents together.
    std::uint64_t open_bytes_max = std::uint64_t{512} << 20;
    std::uint64_t open_documents_max = 64;
    /// An unfinished document may be forgotten after so long without a part.
    instant idle = std::chrono::seconds(60);
  };

  struct part {
    std::string_view document;
    /// Bytes of the whole.
    std::uint64_t size = 0;
    /// 0 begins anew.
    std::uint64_t offset = 0;
    std::string_view bytes;
  };

  struct progress {
    /// Bytes that have arrived in order.
    std::uint64_t received = 0;
    /// The whole, once it is there; it is kept no longer then.
    std::optional<std::string> document;
  };

  explicit part_collector(const limits& bounds) : limits_(bounds) {}

  /// Fails with `stale` for a part that does not follow the last one (begin anew), with
  /// `invalid_argument` for one that contradicts the size, with `limit_exceeded`.
  result<progress> take(const part& arrived, instant now);

  [[nodiscard]] std::uint64_t open_bytes() const noexcept { return open_bytes_; }
  [[nodiscard]] std::size_t open_documents() const noexcept { return open_.size(); }

private:
  struct unfinished {
    std::uint64_t size = 0;
    std::string bytes;
    instant touched{};
  };
  using table = std::map<std::string, unfinished, std::less<>>;

  result<table::iterator> place_for(const part& arrived, instant now);
  void forget(table::iterator gone);
  void forget_idle(instant now);

  limits limits_;
  table open_;
  std::uint64_t open_bytes_ = 0;
};

} // namespace maze::core
