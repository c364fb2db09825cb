#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace maze::io {

/// Documents by name, in memory and nowhere else: what may hold secrets and must not touch a disk.
///
/// @note Thread-safe.
class document_table {
public:
  /// Puts a document under `name`, in place of one that is there.
  void put(const std::string& name, std::string bytes) {
    auto kept = std::make_shared<const std::string>(std::move(bytes));
    const std::lock_guard lock(guard_);
    documents_.insert_or_assign(name, std::move(kept));
  }
  /// From now on nobody gets it; who reads it right now keeps it until then.
  void forget(std::string_view name) {
    const std::lock_guard lock(guard_);
    if (const auto found = documents_.find(name); found != documents_.end())
      documents_.erase(found);
  }
  /// Nothing where there is no such document.
  [[nodiscard]] std::shared_ptr<const std::string> find(std::string_view name) const {
    const std::lock_guard lock(guard_);
    const auto found = documents_.find(name);
    return found == documents_.end() ? nullptr : found->second;
  }

private:
  mutable std::mutex guard_;
  std::map<std::string, std::shared_ptr<const std::string>, std::less<>> documents_;
};

} // namespace maze::io
