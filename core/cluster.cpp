#include "maze/core/cluster.hpp"

#include "maze/core/ensure.hpp"
#include "maze/core/printable.hpp"
#include "maze/core/reference.hpp"
#include "maze/core/run_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace maze::core {

namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): every seed gives a full-period sequence.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Short enough to type: eight base-32 digits.
constexpr std::uint64_t run_id_mask = (std::uint64_t{1} << 40) - 1;

constexpr std::size_t name_bytes_max = 64;

bool is_plain(char c) noexcept { return c > ' ' && c <= '~'; }

result<void> check(const node_application& asks) {
  if (asks.name.empty() || asks.name.size() > name_bytes_max
      || !std::all_of(asks.name.begin(), asks.name.end(), is_plain))
    return fail(errc::invalid_argument,
                fmt::format("node name '{}': give it 1 to {} printable ASCII characters without "
                            "spaces",
                            printable(asks.name), name_bytes_max),
                "join");
  if (asks.total.cpu_millis == 0)
    return fail(errc::invalid_argument,
                fmt::format("node '{}' offers no cores: give it at least 0.001", asks.name),
                "join");
  if (auto fine = check_labels(fmt::format("node '{}'", asks.name), asks.labels); !fine)
    return fail(fine.error().code, fine.error().message, "join");
  if (asks.offers.variables.size() > sandbox_variables_max)
    return fail(errc::invalid_argument,
                fmt::format("node '{}' lets out {} variables, {} are allowed", asks.name,
                            asks.offers.variables.size(), sandbox_variables_max),
                "join");
  for (const std::string& variable : asks.offers.variables)
    if (!is_name(variable))
      return fail(errc::invalid_argument,
                  fmt::format("node '{}', variable '{}': give it a name of letters, digits and `_`",
                              asks.name, printable(variable)),
                  "join");
  return {};
}

tl::unexpected<error> outdated(const node_application& asks, std::uint64_t last) {
  return fail(
      errc::stale,
      fmt::format("incarnation {} of node '{}' is over, {} came since: join under a newer one",
                  asks.incarnation, asks.name, last),
      "join");
}

} // namespace

result<cluster::submitted> cluster::submit(std::string_view name, std::string_view client_id) {
  if (const auto known = by_client_.find(client_id); known != by_client_.end()) {
    const run_record& first = runs_.at(known->second);
    if (first.name != name)
      return fail(
          errc::invalid_argument,
          fmt::format("the submit id '{}' belongs to a run of '{}', not of '{}': make a new "
                      "id for each run",
                      client_id, first.name, name),
          "submit");
    return submitted{known->second, false};
  }
  run_id run;
  do
    run.value = mix(mix(seed_) + ++minted_) & run_id_mask;
  while (run.value == 0 || runs_.contains(run));
  runs_.emplace(run, run_record{.name = std::string(name),
                                .client_id = std::string(client_id),
                                .number = runs_.size() + 1});
  if (!client_id.empty())
    by_client_.emplace(client_id, run);
  return submitted{run, true};
}

result<admission> cluster::join(const node_application& asks, instant now) {
  if (auto sound = check(asks); !sound)
    return fail(std::move(sound.error()));
  std::optional<departure> replaced;
  if (const auto found = by_name_.find(asks.name); found != by_name_.end()) {
    const auto at = members_.find(found->second);
    const member& here = at->second;
    if (here.incarnation == asks.incarnation)
      return admission{
          {at->first, here.name, here.incarnation, here.total}, here.session, true, {}};
    if (here.incarnation > asks.incarnation)
      return outdated(asks, here.incarnation);
    replaced = remove(at,
                      {.code = errc::already_exists,
                       .message = fmt::format("a newer start of node '{}' took its place: two "
                                              "machines may not share a --name",
                                              asks.name),
                       .origin = "cluster"},
                      true);
  }
  node_id node;
  if (const auto known = formers_.find(asks.name); known != formers_.end()) {
    if (known->second.incarnation >= asks.incarnation)
      return outdated(asks, known->second.incarnation);
    node = known->second.node.value_or(node_id{});
    formers_.erase(known);
  }
  if (node == node_id{})
    node = node_id{next_node_++};
  session_id session;
  do
    session.value = mix(mix(seed_) + ++minted_);
  while (session.value == 0 || by_session_.contains(session) || ended_.contains(session));
  by_name_.emplace(asks.name, node);
  by_session_.emplace(session, node);
  members_.emplace(node, member{asks.name, asks.total, asks.labels, asks.incarnation, session, now,
                                false, asks.offers});
  return admission{{node, asks.name, asks.incarnation, asks.total}, session, false, replaced};
}

std::optional<departure> cluster::lose(session_id session, const error& reason) {
  const auto found = by_session_.find(session);
  if (found == by_session_.end())
    return std::nullopt;
  return remove(members_.find(found->second), reason, true);
}

std::optional<departure> cluster::leave(node_id node) {
  const auto found = members_.find(node);
  if (found == members_.end())
    return std::nullopt;
  return remove(found, {}, false);
}

result<void> cluster::drain(node_id node) {
  const auto found = members_.find(node);
  if (found == members_.end())
    return fail(errc::not_found, fmt::format("node {} is not a member", node.value), "cluster");
  found->second.draining = true;
  return {};
}

departure cluster::remove(std::map<node_id, member>::iterator found, error reason,
                          bool may_return) {
  const node_id node = found->first;
  const member gone = std::move(found->second);
  members_.erase(found);
  by_name_.erase(gone.name);
  by_session_.erase(gone.session);
  formers_[gone.name] = {gone.incarnation, may_return ? std::optional(node) : std::nullopt,
                         gone.session};
  remember(gone.session, {gone.name, reason});
  return {{node, std::move(reason)}, gone.session};
}

void cluster::remember(session_id session, ended_session ended) {
  ended_.emplace(session, std::move(ended));
  ended_order_.push_back(session);
  while (ended_order_.size() > options_.departed_max) {
    const auto oldest = ended_.find(ended_order_.front());
    if (const auto name = formers_.find(oldest->second.name);
        name != formers_.end() && name->second.last_session == oldest->first)
      formers_.erase(name);
    ended_.erase(oldest);
    ended_order_.pop_front();
  }
}

std::optional<node_id> cluster::find(session_id session) const {
  const auto found = by_session_.find(session);
  return found == by_session_.end() ? std::nullopt : std::optional(found->second);
}

error cluster::verdict(session_id session) const {
  const auto found = ended_.find(session);
  if (found == ended_.end())
    return {.code = errc::stale,
            .message = "the master does not know this session: it began anew since",
            .origin = "cluster"};
  if (found->second.reason.code == errc::none)
    return {.code = errc::stale, .message = "the node left", .origin = "cluster"};
  return found->second.reason;
}

void cluster::check_invariants() const {
  ensure(members_.size() == by_name_.size() && members_.size() == by_session_.size(),
         "one name and one session a member");
  for (const auto& [node, each] : members_) {
    ensure(by_name_.at(each.name) == node, "a member is found by its name");
    ensure(by_session_.at(each.session) == node, "a member is found by its session");
    ensure(!ended_.contains(each.session), "a session that is over has no member");
    ensure(!formers_.contains(each.name), "a member's name has no former holder");
    ensure(node.value < next_node_, "a member's number was given out");
  }
  ensure(ended_.size() == ended_order_.size() && ended_.size() <= options_.departed_max,
         "no more ended sessions are remembered than allowed");
  ensure(formers_.size() <= ended_.size(), "a name is forgotten with its last session");
}

result<void> cluster::run_changed(run_id run, run_state state) {
  const auto found = runs_.find(run);
  if (found == runs_.end())
    return fail(errc::not_found, fmt::format("there is no run {:x}", run.value), "master");
  if (!may_become(found->second.state, state))
    return fail(errc::stale,
                fmt::format("run {:x} is {} and cannot become {}", run.value,
                            to_string(found->second.state), to_string(state)),
                "master");
  found->second.state = state;
  return {};
}

bool cluster::forget(run_id run) {
  const auto found = runs_.find(run);
  if (found == runs_.end() || !is_terminal(found->second.state))
    return false;
  if (!found->second.client_id.empty())
    by_client_.erase(found->second.client_id);
  runs_.erase(found);
  return true;
}

result<run_id> cluster::select_run(std::string_view text) const {
  if (const auto exact = parse_run_id(text); exact && runs_.contains(*exact))
    return *exact;
  const std::pair<const run_id, run_record>* youngest = nullptr;
  std::vector<std::string> begin_so;
  run_id only;
  for (const auto& entry : runs_) {
    if ((text == "last" || entry.second.name == text)
        && (youngest == nullptr || youngest->second.number < entry.second.number))
      youngest = &entry;
    if (auto id = to_string(entry.first); !text.empty() && id.starts_with(text)) {
      only = entry.first;
      begin_so.push_back(std::move(id));
    }
  }
  if (youngest != nullptr)
    return youngest->first;
  if (begin_so.size() == 1)
    return only;
  if (begin_so.empty())
    return fail(errc::not_found,
                text == "last" ? std::string("there is no run yet")
                               : fmt::format("there is no run '{}'", text),
                "master");
  constexpr std::size_t shown_max = 10;
  if (begin_so.size() > shown_max)
    begin_so.resize(shown_max);
  return fail(errc::invalid_argument,
              fmt::format("'{}' may mean several runs: {}", text, fmt::join(begin_so, ", ")),
              "master");
}

result<node_id> cluster::select_node(std::string_view text) const {
  for (const auto& [node, known] : members_)
    if (std::to_string(node.value) == text)
      return node;
  for (const auto& [node, known] : members_)
    if (known.name == text)
      return node;
  std::vector<std::string_view> names;
  for (const auto& [node, known] : members_)
    names.push_back(known.name);
  return fail(errc::not_found,
              fmt::format("there is no node '{}'; the nodes are: {}", text, fmt::join(names, ", ")),
              "master");
}

} // namespace maze::core
