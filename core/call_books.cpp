#include "maze/core/call_books.hpp"

#include "maze/core/call_frames.hpp"
#include "maze/core/ensure.hpp"

#include <fmt/format.h>

#include <utility>

namespace maze::core {

namespace {

bool has_ended(call_state x) noexcept {
  return x == call_state::completed || x == call_state::failed;
}

} // namespace

result<void> call_books::check(const call_batch_view& frame) const {
  for (std::uint32_t i = 0; i < frame.dependencies(); ++i) {
    const auto wanted = frame.dependency(i).call;
    if (wanted < next_ && (!known(wanted) || at(wanted).read))
      return core::fail(
          errc::stale,
          fmt::format("a call depends on call {}, whose result has been read: put the "
                      "value into its arguments",
                      wanted),
          "calls");
  }
  return {};
}

bool call_books::known(call_number call) const noexcept {
  return call < next_ && call / chunk_size >= first_chunk_
         && chunks_[call / chunk_size - first_chunk_] != nullptr;
}

void call_books::add_record(call_number call, const call_record& x) {
  const auto index = call / chunk_size - first_chunk_;
  if (index == chunks_.size())
    chunks_.push_back(std::make_unique<chunk>());
  auto& into = *chunks_[index];
  into.records[call % chunk_size] = x;
  ++into.live;
}

std::vector<fallen_call> call_books::take(std::string incoming) {
  std::uint32_t home = 0;
  if (free_frames_.empty()) {
    home = static_cast<std::uint32_t>(frames_.size());
    frames_.emplace_back();
  } else {
    home = free_frames_.back();
    free_frames_.pop_back();
  }
  frames_[home].bytes = std::move(incoming);
  const auto frame = call_batch_view::trusted(frames_[home].bytes);
  frames_[home].live = frame.size();
  frame_bytes_ += frames_[home].bytes.size();

  std::vector<fallen_call> fallen;
  auto place = static_cast<std::uint32_t>(frame.arguments_at());
  std::uint32_t dependency = 0;
  for (std::uint32_t i = 0; i < frame.size(); ++i) {
    const auto each = frame.entry(i);
    const auto call = next_++;
    add_record(call, {.home = home, .at = place});
    ++counts_[static_cast<std::size_t>(call_state::waiting)];
    std::uint32_t failed = none;
    if (each.dependencies > 0)
      failed = connect(call, frame, dependency, each.dependencies);
    if (failed != none)
      fell(call, failed, fallen);
    else if (at(call).word == 0)
      make_ready(call);
    place += each.size;
    dependency += each.dependencies;
  }
  return fallen;
}

std::uint32_t call_books::connect(call_number call, const call_batch_view& frame,
                                  std::uint32_t from, std::uint32_t count) {
  link_of(call).dependencies_at = from;
  std::uint32_t failed = none;
  for (auto i = from; i < from + count; ++i) {
    const auto each = frame.dependency(i);
    if (each.place != order_only)
      ++link_of(each.call).uses;
    const auto& other = at(each.call);
    if (other.state == call_state::failed) {
      failed = other.word;
    } else if (other.state != call_state::completed) {
      ++at(call).word;
      add_edge(each.call, call);
    }
  }
  return failed;
}

void call_books::add_edge(call_number from, call_number to) {
  auto& head = link_of(from).first_edge;
  if (free_edge_ == none) {
    edges_.push_back({to, head});
    head = static_cast<std::uint32_t>(edges_.size() - 1);
    return;
  }
  const auto place = free_edge_;
  free_edge_ = edges_[place].next;
  edges_[place] = {to, head};
  head = place;
}

call_books::link& call_books::link_of(call_number call) {
  auto& in = *chunks_[call / chunk_size - first_chunk_];
  if (!in.links)
    in.links = std::make_unique<std::array<link, chunk_size>>();
  return (*in.links)[call % chunk_size];
}

call_books::link* call_books::find_link(call_number call) noexcept {
  auto& in = *chunks_[call / chunk_size - first_chunk_];
  return in.links ? &(*in.links)[call % chunk_size] : nullptr;
}

void call_books::move(call_record& x, call_state to) noexcept {
  --counts_[static_cast<std::size_t>(x.state)];
  ++counts_[static_cast<std::size_t>(to)];
  x.state = to;
}

void call_books::make_ready(call_number call) {
  move(at(call), call_state::ready);
  ready_.push(call);
}

call_number call_books::send_first() {
  const auto call = ready_.front();
  move(at(call), call_state::out);
  ready_.pop(is_ready());
  return call;
}

void call_books::send_back(call_number call, bool first) {
  move(at(call), call_state::ready);
  if (first)
    ready_.push_front(call);
  else
    ready_.push(call);
}

std::deque<call_number> call_books::take_ready() { return ready_.take(is_ready()); }

call_books::request call_books::what(call_number call) {
  const auto& x = at(call);
  const auto frame = frame_of(x);
  const auto entry = frame.entry(call - frame.first());
  const auto arguments = std::string_view(frames_[x.home].bytes).substr(x.at, entry.size);
  if (entry.dependencies == 0)
    return {entry.function, arguments};
  spliced_.clear();
  std::size_t done = 0;
  const auto from = find_link(call)->dependencies_at;
  for (auto i = from; i < from + entry.dependencies; ++i) {
    const auto each = frame.dependency(i);
    if (each.place == order_only)
      break;
    const auto& other = at(each.call);
    spliced_ += arguments.substr(done, each.place - done);
    spliced_ += results_.view({other.home, other.at}, other.word);
    done = each.place + placeholder_size;
  }
  spliced_ += arguments.substr(done);
  return {entry.function, spliced_};
}

std::uint64_t call_books::arguments_size(call_number call) {
  const auto& x = at(call);
  const auto frame = frame_of(x);
  const auto entry = frame.entry(call - frame.first());
  std::uint64_t out = entry.size;
  if (entry.dependencies == 0)
    return out;
  const auto from = find_link(call)->dependencies_at;
  for (auto i = from; i < from + entry.dependencies; ++i)
    if (const auto each = frame.dependency(i); each.place != order_only)
      out += at(each.call).word - std::uint64_t{placeholder_size};
  return out;
}

void call_books::let_go(call_number call) {
  const auto& x = at(call);
  const auto frame = frame_of(x);
  const auto entry = frame.entry(call - frame.first());
  if (entry.dependencies > 0) {
    const auto from = find_link(call)->dependencies_at;
    for (auto i = from; i < from + entry.dependencies; ++i)
      if (const auto each = frame.dependency(i); each.place != order_only)
        unuse(each.call);
  }
  auto& held = frames_[x.home];
  if (--held.live > 0)
    return;
  frame_bytes_ -= held.bytes.size();
  held.bytes = {};
  free_frames_.push_back(x.home);
}

void call_books::unuse(call_number call) {
  if (--find_link(call)->uses > 0 || !at(call).read)
    return;
  if (at(call).state == call_state::completed)
    results_.release(at(call).home);
  forget(call);
}

void call_books::visit_successors(call_number call, const auto& visit) {
  auto* const from = find_link(call);
  if (!from)
    return;
  for (auto each = std::exchange(from->first_edge, none); each != none;) {
    const auto [to, next] = edges_[each];
    edges_[each].next = std::exchange(free_edge_, each);
    each = next;
    visit(to);
  }
}

void call_books::complete(call_number call, call_results::place where, std::uint32_t size) {
  let_go(call);
  auto& x = at(call);
  move(x, call_state::completed);
  x.home = where.block;
  x.at = where.at;
  x.word = size;
  visit_successors(call, [&](call_number each) {
    // A record that is gone belongs to a call that had ended because of another dependency.
    if (known(each) && at(each).state == call_state::waiting && --at(each).word == 0)
      make_ready(each);
  });
}

void call_books::fell(call_number call, call_number root, std::vector<fallen_call>& fallen) {
  let_go(call);
  auto& x = at(call);
  move(x, call_state::failed);
  x.word = root;
  if (call != root)
    fallen.push_back({call, root});
}

void call_books::fail(call_number call, std::vector<fallen_call>& fallen) {
  const auto start = fallen.size();
  const bool was_ready = at(call).state == call_state::ready;
  fell(call, call, fallen);
  if (was_ready)
    ready_.one_ended(ready_count(), is_ready());
  const auto spread = [&](call_number each) {
    if (known(each) && at(each).state == call_state::waiting)
      fell(each, call, fallen);
  };
  visit_successors(call, spread);
  for (auto i = start; i < fallen.size(); ++i)
    visit_successors(fallen[i].call, spread);
}

void call_books::read(std::uint32_t block) {
  const auto message = call_message_view::of(results_.block(block));
  ensure(message.has_value(), "messages of results are well-formed");
  for (std::size_t i = 0; i < message->size(); ++i) {
    const auto call = static_cast<call_number>(message->entry(i).number);
    auto& x = at(call);
    x.read = true;
    const auto* const own = find_link(call);
    if (!own || own->uses == 0) {
      forget(call);
    } else if (x.state == call_state::completed) {
      const auto kept = results_.keep(results_.view({x.home, x.at}, x.word));
      x.home = kept.block;
      x.at = kept.at;
    }
  }
  results_.release(block);
}

void call_books::forget(call_number call) {
  auto& in = chunks_[call / chunk_size - first_chunk_];
  if (--in->live > 0 || next_ / chunk_size <= call / chunk_size)
    return;
  in.reset();
  while (!chunks_.empty() && !chunks_.front()) {
    chunks_.pop_front();
    ++first_chunk_;
  }
}

void call_books::check_invariants() const {
  call_counts counts = counts_;
  std::size_t live = 0;
  for (const auto& each : frames_)
    live += each.live;
  ensure(live == pending(), "frames count the calls that have not ended");
  std::size_t ready = 0;
  for (const auto call : ready_.all())
    ready += is_ready()(call) ? 1 : 0;
  ensure(ready == ready_count(), "the queue holds all ready calls");
  ensure(ready_.all().empty() || is_ready()(ready_.front()),
         "the first call of the queue is ready");
  for (auto call = lowest(); call < next_; ++call) {
    if (!known(call))
      continue;
    const auto& x = at(call);
    ensure(counts[static_cast<std::size_t>(x.state)]-- > 0, "each call is counted in its state");
    ensure((x.state == call_state::waiting) == (!has_ended(x.state) && x.word > 0),
           "calls wait while a dependency has not ended");
  }
  ensure(counts[0] == 0 && counts[1] == 0 && counts[2] == 0, "no more calls are counted");
}

} // namespace maze::core
