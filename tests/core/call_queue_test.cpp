#include "maze/core/call_queue.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace maze::core;

TEST_CASE("ready calls go out in order, those that ended meanwhile do not", "[core][call_queue]") {
  std::set<call_number> ended;
  const auto is_ready = [&](call_number each) { return ended.count(each) == 0; };
  call_queue sut;
  for (call_number each = 1; each <= 5; ++each)
    sut.push(each);
  sut.push_front(0);
  CHECK(sut.front() == 0);
  ended = {1, 2, 4};
  sut.one_ended(3, is_ready);
  CHECK(sut.front() == 0);
  sut.pop(is_ready);
  CHECK(sut.front() == 3);
  CHECK(sut.take(is_ready) == std::deque<call_number>{3, 5});
  CHECK(sut.all().empty());
}

TEST_CASE("the front of a queue is ready after it ended there", "[core][call_queue]") {
  call_queue sut;
  sut.push(1);
  sut.push(2);
  sut.one_ended(1, [](call_number each) { return each != 1; });
  CHECK(sut.front() == 2);
}

TEST_CASE("a queue does not grow with calls that ended in it", "[core][call_queue]") {
  std::set<call_number> ready{0};
  const auto is_ready = [&](call_number each) { return ready.count(each) > 0; };
  call_queue sut;
  sut.push(0);
  for (call_number each = 1; each < 100'000; ++each) {
    ready.insert(each);
    sut.push(each);
    ready.erase(each);
    sut.one_ended(ready.size(), is_ready);
    REQUIRE(sut.all().size() <= 5000);
  }
  CHECK(sut.take(is_ready) == std::deque<call_number>{0});
}
