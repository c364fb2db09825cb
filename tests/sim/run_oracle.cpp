#include "sim/run_oracle.hpp"

#include "sim/dice.hpp"

#include <algorithm>

namespace maze::sim {
using namespace core;
namespace {

bool ended_badly(const std::optional<task_state>& end) {
  return end && *end != task_state::completed;
}

bool is_folder(const std::optional<file_entry>& x) { return x && x->kind == file_kind::directory; }

bool lies_below(const std::string& path, const std::string& folder) {
  return path.size() > folder.size() && path.compare(0, folder.size(), folder) == 0
         && path[folder.size()] == '/';
}

} // namespace

run_oracle::run_oracle(std::shared_ptr<const graph> tasks, graph_run::options settings)
    : tasks_(std::move(tasks)),
      settings_(settings),
      is_ancestor_(tasks_->size(), std::vector<bool>(tasks_->size())),
      place_(tasks_->size()),
      at_(tasks_->size()) {
  std::size_t place = 0;
  for (const task_id task : tasks_->order()) {
    place_[task.value] = place++;
    auto& above = is_ancestor_[task.value];
    for (const task_id dependency : tasks_->dependencies(task)) {
      above[dependency.value] = true;
      for (std::size_t i = 0; i < above.size(); ++i)
        above[i] = above[i] || is_ancestor_[dependency.value][i];
    }
  }
}

void run_oracle::publication_sent(attempt_id attempt, const std::string& output,
                                  const manifest_delta& files) {
  sent_[attempt] = {output, files};
}

std::string run_oracle::name(std::size_t task) const { return tasks_->spec(task_id{task}).name; }

bool run_oracle::dependencies_completed(std::size_t task) const {
  const auto above = tasks_->dependencies(task_id{task});
  return std::all_of(above.begin(), above.end(),
                     [&](task_id x) { return at_[x.value].end == task_state::completed; });
}

bool run_oracle::is_ready(std::size_t task) const {
  const auto& at = at_[task];
  return !at.end && !at.out && !at.in_backoff && dependencies_completed(task);
}

std::size_t run_oracle::out() const {
  return static_cast<std::size_t>(
      std::count_if(at_.begin(), at_.end(), [](const progress& x) { return x.out; }));
}

void run_oracle::observe(const run_step& step, const graph_run& after,
                         std::set<attempt_id>& all_tokens) {
  for (const auto& fact : step.facts)
    std::visit([this](const auto& x) { take(x); }, fact);
  for (const auto& deed : step.todo) {
    if (const auto* offer = std::get_if<offer_task>(&deed))
      check(*offer, all_tokens);
    else if (const auto* told = std::get_if<acknowledge>(&deed))
      check(*told);
    else if (const auto* news = std::get_if<announce_task>(&deed))
      check_announcement(news->task);
    else if (const auto* stop = std::get_if<stop_attempt>(&deed)) {
      const auto& at = at_[stop->task.value];
      rule(user_cancelled_ || !at.out || at.current != stop->attempt,
           "only a user stops an attempt that goes on");
    } else if (const auto* last = std::get_if<announce_run>(&deed)) {
      rule(!run_announced_ && last->state == state_ && is_terminal(state_),
           "the end of a run is announced once");
      run_announced_ = true;
    }
  }
  check_state(after);
}

void run_oracle::take(const task_ended& fact) {
  auto& at = at_[fact.task.value];
  rule(!at.end, "task " + name(fact.task.value) + " ends once");
  rule(is_terminal(fact.state), "an end is final");
  if (fact.state == task_state::completed) {
    const auto sent = sent_.find(fact.attempt);
    rule(at.out && at.current == fact.attempt, "only the current attempt publishes");
    rule(sent != sent_.end() && sent->second.first == fact.output,
         "what is published is what was sent");
    auto files = sent->second.second;
    const auto& may_go = tasks_->spec(fact.task).deletes;
    std::erase_if(files.removed, [&](const std::string& path) {
      return std::find(may_go.begin(), may_go.end(), path) == may_go.end();
    });
    rule(files == fact.files, "files become visible whole, removals only as declared");
    rule(dependencies_completed(fact.task.value), "nothing completes before its dependencies");
    at.files = files;
    at.output = fact.output;
    at.accepted = fact.attempt;
    at.turn = ++turns_;
  } else {
    take_bad_end(fact);
  }
  at.end = fact.state;
  at.out = false;
  at.in_backoff = false;
}

void run_oracle::take_bad_end(const task_ended& fact) {
  const auto task = fact.task.value;
  const auto& at = at_[task];
  if (fact.reason.code == errc::upstream_failed) {
    bool blamed = false;
    for (std::size_t i = 0; i < at_.size(); ++i)
      blamed = blamed
               || (is_ancestor_[task][i] && ended_badly(at_[i].end)
                   && fact.reason.message.find('"' + name(i) + '"') != std::string::npos);
    rule(blamed && at.offers == 0 && fact.state == task_state::cancelled,
         name(task) + " is cancelled because of an ancestor that ended badly, by its name");
  } else if (fact.reason.code == errc::cancelled && user_cancelled_) {
    rule(fact.state == task_state::cancelled, "who is cancelled is cancelled");
  } else if (fact.reason.code == errc::file_conflict) {
    rule(fact.state == task_state::failed && at.offers == 0 && dependencies_completed(task)
             && !merged(publishers_above(task)),
         name(task) + " fails for a conflict that is one");
  } else {
    const auto late =
        fact.reason.code == errc::timeout_wall || fact.reason.code == errc::timeout_cpu;
    rule(at.out && fact.attempt == at.current, "only the current attempt ends its task");
    rule(fact.state == (late ? task_state::timeout : task_state::failed),
         "the state follows from the reason");
    rule(!may_retry(at, fact.reason, tasks_->spec(fact.task).retries),
         name(task) + " is not given up while it has attempts left");
  }
}

bool run_oracle::may_retry(const progress& at, const error& reason, std::uint32_t retries) const {
  const bool blameless = reason.code == errc::node_lost || reason.code == errc::worker_crash;
  return is_retryable(reason.code)
         && (at.charged < retries || (blameless && at.free < settings_.free_retries));
}

void run_oracle::take(const attempt_failed& fact) {
  auto& at = at_[fact.task.value];
  rule(!at.end && at.out && at.current == fact.attempt, "only the current attempt fails");
  rule(may_retry(at, fact.reason, tasks_->spec(fact.task).retries),
       name(fact.task.value) + " is tried no more often than allowed");
  const bool blameless =
      fact.reason.code == errc::node_lost || fact.reason.code == errc::worker_crash;
  ++(blameless && at.free < settings_.free_retries ? at.free : at.charged);
  at.out = false;
  at.in_backoff = fact.reason.code != errc::node_lost;
}

void run_oracle::take(const run_state_changed& fact) {
  rule(may_become(state_, fact.state), "a run takes the steps of the table");
  state_ = fact.state;
  if (!is_terminal(state_))
    return;
  bool failed = false;
  for (const auto& at : at_) {
    rule(at.end.has_value(), "a run ends after its last task");
    failed = failed || at.end == task_state::failed || at.end == task_state::timeout;
  }
  rule(state_
           == (user_cancelled_ ? run_state::cancelled
               : failed        ? run_state::failed
                               : run_state::completed),
       "a run ends as its tasks did");
}

void run_oracle::check(const offer_task& deed, std::set<attempt_id>& all_tokens) {
  const auto task = deed.task.value;
  auto& at = at_[task];
  rule(all_tokens.insert(deed.attempt).second, "a token is given out once");
  rule(!at.end && !at.out && dependencies_completed(task),
       name(task) + " is offered only when ready, and by one token at a time");
  rule(merged(publishers_above(task)).has_value(), name(task) + " is not offered with a conflict");
  rule(out() < settings_.offered_max, "no more is offered than the window holds");
  const auto before = [&](std::size_t a, std::size_t b) {
    const auto first = tasks_->spec(task_id{a}).priority;
    const auto second = tasks_->spec(task_id{b}).priority;
    return first != second ? first > second : place_[a] < place_[b];
  };
  for (std::size_t i = 0; i < at_.size(); ++i)
    rule(i == task || !is_ready(i) || before(task, i),
         name(task) + " is offered before " + name(i) + ", which comes first");
  at.current = deed.attempt;
  at.out = true;
  at.in_backoff = false;
  ++at.offers;
}

void run_oracle::check(const acknowledge& deed) const {
  rule(std::any_of(at_.begin(), at_.end(),
                   [&](const progress& x) { return x.accepted == deed.attempt; }),
       "only an accepted publication is acknowledged");
}

void run_oracle::check_announcement(task_id task) {
  auto& at = at_[task.value];
  rule(at.end && !at.announced, "the end of a task is announced once");
  at.announced = true;
}

void run_oracle::check_state(const graph_run& after) const {
  rule(after.state() == state_, "the run is in the state that its facts give");
  for (std::size_t i = 0; i < at_.size(); ++i) {
    const auto& at = at_[i];
    const auto now = after.state(task_id{i});
    rule(at.end ? now == *at.end : !is_terminal(now), "task " + name(i) + " is as its facts say");
    rule(at.announced == at.end.has_value(), "each end is announced in its step");
    rule(after.output(task_id{i}) == at.output, "an output is the published one");
    rule(after.attempts(task_id{i}) == at.offers, "attempts are counted");
    rule(!at.out || after.find(at.current) == task_id{i}, "a current token leads to its task");
    rule(state_ == run_state::accepted || !is_ready(i) || out() == settings_.offered_max,
         name(i) + " is ready and the window has room");
    for (std::size_t above = 0; above < at_.size(); ++above)
      rule(!is_ancestor_[i][above] || !ended_badly(at_[above].end) || at.end,
           "what depends on " + name(above) + " ends with it: " + name(i));
  }
}

std::vector<std::size_t> run_oracle::publishers_above(std::size_t task) const {
  std::vector<std::size_t> found;
  for (const auto i : all_publishers())
    if (is_ancestor_[task][i])
      found.push_back(i);
  return found;
}

std::vector<std::size_t> run_oracle::all_publishers() const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < at_.size(); ++i)
    if (!at_[i].files.written.empty() || !at_[i].files.removed.empty())
      found.push_back(i);
  return found;
}

bool run_oracle::comes_after(std::size_t late, std::size_t early) const {
  return settings_.conflicts == conflict_policy::last_wins ? at_[late].turn > at_[early].turn
                                                           : is_ancestor_[late][early];
}

bool run_oracle::overrides(const change& late, const change& early) const {
  const bool same_task = late.task == early.task;
  if (!same_task && !comes_after(late.task, early.task))
    return false;
  if (late.path == early.path)
    return !same_task || (late.entry && !early.entry);
  if (lies_below(early.path, late.path))
    return !is_folder(late.entry) && (!same_task || (late.entry && !early.entry));
  return lies_below(late.path, early.path) && late.entry && early.entry && !is_folder(early.entry);
}

bool run_oracle::contradict(const change& a, const change& b) const {
  if (a.path == b.path)
    return a.entry != b.entry;
  if (lies_below(a.path, b.path))
    return contradict(b, a);
  if (!lies_below(b.path, a.path) || is_folder(a.entry) || !b.entry)
    return false;
  return a.task != b.task && !comes_after(b.task, a.task);
}

std::vector<run_oracle::change>
run_oracle::latest(const std::vector<std::size_t>& publishers) const {
  std::vector<change> all;
  for (const auto task : publishers) {
    for (const auto& path : at_[task].files.removed)
      all.push_back({task, path, std::nullopt});
    for (const auto& [path, entry] : at_[task].files.written)
      all.push_back({task, path, entry});
  }
  std::vector<change> left;
  for (const auto& early : all)
    if (std::none_of(all.begin(), all.end(),
                     [&](const change& late) { return overrides(late, early); }))
      left.push_back(early);
  return left;
}

std::string run_oracle::seen_at(const change& x, const std::vector<change>& all) const {
  const auto thing = [](const change& y, const std::string& path) {
    return y.path == path && !is_folder(y.entry) ? y.entry : std::nullopt;
  };
  std::string out;
  for (std::size_t end = 0; end != std::string::npos;) {
    const auto begin = end;
    end = x.path.find('/', begin + 1);
    const auto here = x.path.substr(0, end);
    auto first = x.task;
    auto own = x.task;
    for (const change& other : all)
      if (other.entry && (other.path == here || lies_below(other.path, here))) {
        first = std::min(first, other.task);
        if (thing(other, here) == thing(x, here))
          own = std::min(own, other.task);
      }
    out += x.path.substr(begin, end == std::string::npos ? end : end - begin);
    if (own != first)
      out += '.' + name(own);
  }
  return out;
}

manifest_delta run_oracle::renamed(const std::vector<change>& left) const {
  manifest_delta out;
  std::set<std::string> removed;
  std::map<std::string, std::size_t> by;
  for (const change& x : left) {
    if (!x.entry) {
      removed.insert(x.path);
      continue;
    }
    const auto path = seen_at(x, left);
    if (const auto [known, fresh] = by.try_emplace(path, x.task); fresh || x.task < known->second) {
      known->second = x.task;
      out.written[path] = *x.entry;
    }
  }
  for (const auto& path : removed)
    if (const auto found = out.written.find(path);
        found == out.written.end() || is_folder(found->second))
      out.removed.push_back(path);
  return out;
}

std::optional<manifest_delta> run_oracle::merged(const std::vector<std::size_t>& publishers) const {
  manifest_delta out;
  std::set<std::string> removed;
  const auto left = latest(publishers);
  if (settings_.conflicts == conflict_policy::rename)
    return renamed(left);
  for (const auto& a : left) {
    for (const auto& b : left)
      if (contradict(a, b))
        return std::nullopt;
    if (a.entry)
      out.written[a.path] = *a.entry;
    else
      removed.insert(a.path);
  }
  out.removed.assign(removed.begin(), removed.end());
  return out;
}

void run_oracle::check_start(task_id task, const result<attempt_view>& view) const {
  rule(dependencies_completed(task.value), name(task.value) + " starts after its dependencies");
  const auto expected = merged(publishers_above(task.value));
  rule(view && expected && view->published == *expected,
       name(task.value) + " sees what its ancestors published, and nothing else");
  for (const auto& [source, output] : view->outputs)
    rule(output == at_[tasks_->find(source)->value].output, "a reference reads the output");
}

void run_oracle::check_end(const graph_run& run) const {
  rule(run_announced_, "every run ends");
  const auto expected = merged(all_publishers());
  const auto collected = run.collected();
  rule(collected.has_value() == expected.has_value(), "a conflict at the end is one");
  rule(!expected || *collected == expected->written, "what is collected is what was published");
}

} // namespace maze::sim
