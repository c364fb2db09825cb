#include "maze/io/bulk_frames.hpp"

#include "support/scratch_dir.hpp"
#include "support/stream_pair.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <thread>

using namespace maze;
using namespace std::chrono_literals;
namespace bulk = core::bulk;
using test::soon;

namespace {

struct fixture : test::stream_pair {
  io::bulk_frame_writer out{*near};
  io::bulk_frame_reader in{*far};
  io::bulk_deadlines limits;

  std::string payload_of_next() {
    const auto got = in.next(limits);
    REQUIRE(got);
    REQUIRE(*got);
    return std::string((*got)->payload);
  }
};

} // namespace

TEST_CASE_METHOD(fixture, "frames of all sizes come out as they went in", "[io][bulk_frames]") {
  std::thread writer([&] {
    for (unsigned i = 0; i < 3000; ++i) {
      const auto length = i % 100 == 0 ? bulk::part_bytes_max : i;
      out.add_part_header(i, {.item = i, .offset = i}, length);
      if (length > 0)
        std::memset(out.room_for(length), static_cast<int>('a' + i % 26), length);
      static_cast<void>(out.flush_if_full(limits));
    }
    static_cast<void>(out.flush(limits));
    near->shut_down();
  });
  for (unsigned i = 0; i < 3000; ++i) {
    const auto got = in.next(limits);
    REQUIRE(got);
    REQUIRE(*got);
    CHECK((*got)->header.request == i);
    const auto part = bulk::decode_part((*got)->payload).value();
    CHECK(part.header == bulk::part_header{.item = i, .offset = i});
    CHECK(part.bytes
          == std::string(i % 100 == 0 ? bulk::part_bytes_max : i, static_cast<char>('a' + i % 26)));
  }
  CHECK_FALSE(in.next(limits).value());
  writer.join();
}

TEST_CASE_METHOD(fixture, "a file's bytes follow what was added before", "[io][bulk_frames]") {
  const test::scratch_dir dir;
  REQUIRE(io::replace_file(dir / "f", "0123456789"));
  const io::unique_fd file(::open((dir / "f").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(out.add(bulk::frame(1, bulk::document_size{5}), limits));
  out.add_part_header(1, {.item = 0}, 4);
  REQUIRE(out.send_file(file.get(), 3, 4, limits));
  CHECK(bulk::decode_document_size(payload_of_next()).value().size == 5);
  CHECK(bulk::decode_part(payload_of_next()).value().bytes == "3456");
}

TEST_CASE_METHOD(fixture, "an end between two frames is no fault, inside one it is",
                 "[io][bulk_frames]") {
  const auto frame = bulk::frame(1, bulk::document_name{"name"});
  REQUIRE(near->write_all(frame + frame.substr(0, 7), soon()));
  near->shut_down();
  CHECK(payload_of_next().size() == 5);
  CHECK(in.next(limits).error().code == core::errc::transfer_error);
}

TEST_CASE_METHOD(fixture, "a peer that goes drop by drop is given up", "[io][bulk_frames]") {
  limits = {.idle = 10s, .frame = 50ms};
  std::atomic<bool> over = false;
  std::thread drips([&] {
    const auto frame = bulk::frame(1, bulk::document_name{std::string(200, 'x')});
    // Each byte in itself would be in time: the first of many decides when the last is due.
    for (const char byte : frame) {
      const auto next = std::chrono::steady_clock::now() + 5ms;
      while (!over && std::chrono::steady_clock::now() < next)
        std::this_thread::yield();
      if (over || !near->write_all({&byte, 1}, soon()))
        break;
    }
  });
  CHECK(in.next(limits).error().code == core::errc::transfer_error);
  over = true;
  drips.join();
}

TEST_CASE_METHOD(fixture, "what is no frame is refused before its length is believed",
                 "[io][bulk_frames]") {
  REQUIRE(near->write_all(std::string("\x01\x11\0\0\0\0\0\0\0\0\0\x7f", 12), soon()));
  CHECK(in.next(limits).error().code == core::errc::limit_exceeded);
}
