#pragma once

#include "gateway/cluster_line.hpp"
#include "maze/io/workflow_file.hpp"
#include "node/listing.hpp"
#include "node/options.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace maze::gateway {

using nlohmann::ordered_json;

/// Why something is not done; with the faults of a workflow, where there are any.
struct refused {
  core::error why;
  std::vector<io::diagnostic> faults;
  /// There is no cluster to ask, or no way to it.
  bool unreachable = false;

  refused(core::error reason) : why(std::move(reason)) {}
  refused(core::errc code, std::string message)
      : why{.code = code, .message = std::move(message)} {}
  explicit refused(std::vector<io::diagnostic> found);
};

/// `{error, faults}`; without `faults` where there are none.
ordered_json view_of(const refused& why);

template <class T>
using outcome = tl::expected<T, refused>;

template <class T>
tl::unexpected<refused> refuse(T&& why) {
  return tl::unexpected<refused>(refused(std::forward<T>(why)));
}

/// What a gateway is started with.
struct gateway_settings {
  node::options what;
  /// Whatever changes the cluster is refused.
  bool read_only = false;
  /// Whoever asks is the user of this process: they may name its files and its environment.
  bool same_user = false;
  /// Set once the gateway is to end: what waits gives up.
  std::shared_ptr<std::atomic<bool>> ends = std::make_shared<std::atomic<bool>>(false);
};

enum class value_kind : std::uint8_t { text, number, flag, object };

struct parameter {
  std::string_view name;
  value_kind kind = value_kind::text;
  bool required = false;
  std::string_view help;
  /// Of a number; 0: no limit.
  std::uint64_t max = 0;
  /// Of a text: all that it may be; empty: anything.
  std::vector<std::string_view> choices = {};
};

/// What an operation does to the cluster.
enum class effect : std::uint8_t { reads, adds, removes };

/// What an operation is asked with; the arguments have been checked.
struct request {
  const gateway_settings& with;
  /// Of an operation that needs none: empty.
  std::shared_ptr<cluster_line::link> cluster;
  const nlohmann::json& arguments;

  /// Empty where it is not given.
  [[nodiscard]] std::string text(const std::string& name) const {
    return arguments.value(name, std::string());
  }
  [[nodiscard]] std::uint64_t number(const std::string& name, std::uint64_t otherwise) const {
    return arguments.value(name, otherwise);
  }
  [[nodiscard]] bool flag(const std::string& name) const { return arguments.value(name, false); }
  [[nodiscard]] actors::cluster_client& session() const { return *cluster->session; }
};

/// One thing that a gateway does, under whatever protocol it is asked for.
struct operation {
  std::string_view name;
  std::string_view title;
  std::string_view help;
  effect does = effect::reads;
  std::vector<parameter> parameters;
  outcome<ordered_json> (*carry_out)(const request& in) = nullptr;
  /// The same as the command line prints it; null where it has no such form.
  outcome<std::string> (*print)(const request& in) = nullptr;
  bool needs_cluster = true;
};

/// What is printed for a command line that is not there.
inline constexpr node::print_form printed{node::output_form::table, false};

std::vector<operation> cluster_operations();
std::vector<operation> run_operations();
std::vector<operation> task_operations();
std::vector<operation> submit_operations();

/// All of them.
std::span<const operation> operations();
/// Whether an operation takes these arguments. Fails with `invalid_argument` naming the parameter.
core::result<void> check_arguments(const operation& what, const nlohmann::json& arguments);
/// Null for none.
const operation* find_operation(std::string_view name);

/// Carries an operation out: checks its arguments, finds its cluster, and asks once more where reading met a session that
/// had broken.
/// @note Thread-safe; blocks.
class operator_desk {
public:
  explicit operator_desk(gateway_settings with)
      : with_(std::move(with)), line_(with_.what.values) {}

  outcome<ordered_json> carry_out(const operation& what, const nlohmann::json& arguments);
  /// Null `print` is not allowed.
  outcome<std::string> print(const operation& what, const nlohmann::json& arguments);
  [[nodiscard]] const gateway_settings& with() const noexcept { return with_; }
  [[nodiscard]] cluster_line& line() noexcept { return line_; }

private:
  template <class T>
  outcome<T> call(const operation& what, outcome<T> (*how)(const request&),
                  const nlohmann::json& arguments);

  gateway_settings with_;
  cluster_line line_;
};

} // namespace maze::gateway
