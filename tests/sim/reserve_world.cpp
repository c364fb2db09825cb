#include "sim/reserve_world.hpp"

namespace maze::sim {

namespace {

/// How often the owner of a reserve looks.
constexpr std::chrono::milliseconds beat{200};

core::lane_reserve::limits draw_limits(dice& from) {
  const auto seconds = [&](std::uint32_t most) {
    return std::chrono::seconds(1 + from.below(most));
  };
  return {.lanes_min = 1 + from.below(4),
          .losses_max = 1 + from.below(5),
          .slot_patience = seconds(3),
          .pause = seconds(6),
          .client_patience = seconds(60),
          .absence_max = seconds(6)};
}

} // namespace

reserve_world::reserve_world(std::uint64_t seed)
    : dice_(seed),
      limits_(draw_limits(dice_)),
      now_(std::chrono::seconds(dice_.below(100'000))),
      sut_(limits_, now_),
      alone_since_(now_) {}

void reserve_world::live() {
  for (int i = 0; i < 400; ++i)
    tick();
  // Nothing stands in the way any more: all that are to be kept are there soon.
  faults_ = false;
  room_ = true;
  calls_wait_ = false;
  if (!client_)
    sut_.client_came();
  client_ = true;
  sut_.answered();
  deaths_ = 0;
  const auto soon = limits_.pause + limits_.slot_patience + beat * (2 * limits_.lanes_min + 2);
  for (const core::instant until = now_ + soon; now_ < until;)
    tick();
  if (takes_calls_)
    rule(lanes_ >= limits_.lanes_min, "all lanes are ready when nothing stands in their way");
}

void reserve_world::tick() {
  now_ += beat;
  if (faults_) {
    client();
    nodes();
    children();
  }
  if (asked_)
    sut_.waited(now_ - *asked_, demand(), now_);
  const bool wanted = sut_.wants_lane(demand(), now_);
  check(wanted);
  if (!wanted) {
    if (asked_ && !calls_wait_ && now_ - *asked_ >= limits_.slot_patience) {
      left_ = now_;
      ++tally_.in_vain;
    }
    asked_.reset();
  } else if (!asked_) {
    asked_ = now_;
  }
  if (asked_ && room_) {
    asked_.reset();
    ++lanes_;
    ++tally_.kept;
  }
}

void reserve_world::client() {
  if (!client_ && dice_.percent(2)) {
    sut_.client_came();
    client_ = client_came_ = true;
  } else if (client_ && dice_.percent(1)) {
    sut_.client_gone(now_);
    client_ = false;
    alone_since_ = now_;
    ++tally_.absent;
  }
  if (dice_.percent(3))
    calls_wait_ = client_ && !calls_wait_;
  if (dice_.below(2000) == 0)
    takes_calls_ = false;
}

void reserve_world::nodes() {
  if (dice_.percent(5))
    room_ = !room_;
  if (lanes_ > 0 && dice_.percent(2)) {
    --lanes_;
    sut_.gave_back(now_);
    left_ = now_;
    ++tally_.given_back;
  }
}

void reserve_world::children() {
  if (lanes_ > 0 && dice_.percent(4)) {
    --lanes_;
    sut_.lost_unanswered();
    if (++deaths_ == limits_.losses_max)
      ++tally_.deadly;
  }
  if (lanes_ > 0 && dice_.percent(2)) {
    sut_.answered();
    deaths_ = 0;
  }
}

void reserve_world::check(bool wanted) {
  if (calls_wait_)
    return rule(wanted, "calls that wait for a lane get one");
  if (!wanted)
    return;
  rule(lanes_ < limits_.lanes_min, "no more lanes are kept than were asked for");
  rule(takes_calls_, "no lane is kept when no more calls come");
  rule(deaths_ < limits_.losses_max, "no lane is kept whose child dies again and again");
  const auto alone = client_came_ ? limits_.absence_max : limits_.client_patience;
  rule(client_ || now_ - alone_since_ < alone, "no lane is kept for a client that is not there");
  rule(!left_ || now_ - *left_ >= limits_.pause, "a slot that others wanted is left to them");
  rule(!asked_ || now_ - *asked_ < limits_.slot_patience + beat,
       "a lane that is only to be kept stands in nobody's way for long");
}

} // namespace maze::sim
