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
  /// Makes documents when somebody asks for them; asked for names that nobody put. May block, gives
  /// nothing for a name that it does not know, must be thread-safe and outlive the table's users.
  using maker = std::function<std::shared_ptr<const std::string>(std::string_view)>;
  void make_others_with(maker make) {
    const std::lock_guard lock(guard_);
    make_ = std::move(make);
  }
  /// Nothing where there is no such document.
  [[nodiscard]] std::shared_ptr<const std::string> find(std::string_view name) const {
    std::unique_lock lock(guard_);
    if (const auto found = documents_.find(name); found != documents_.end())
      return found->second;
    const maker make = make_;
    lock.unlock();
    return make ? make(name) : nullptr;
  }

private:
  mutable std::mutex guard_;
  std::map<std::string, std::shared_ptr<const std::string>, std::less<>> documents_;
  maker make_;
};

} // namespace maze::io
