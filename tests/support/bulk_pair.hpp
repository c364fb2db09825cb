#pragma once

#include "maze/io/bulk_client.hpp"
#include "maze/io/bulk_server.hpp"
#include "maze/io/hash.hpp"
#include "support/scratch_dir.hpp"
#include "support/stream_pair.hpp"

#include <string>
#include <vector>

namespace maze::test {

/// A server with its store, and a store for the other side.
struct bulk_pair {
  /// In memory: thousands of files, whatever else the disk is doing.
  scratch_dir dir{"/dev/shm"};
  std::shared_ptr<io::blob_store> there =
      io::blob_store::open(dir / "there", {.durable = false}).value();
  std::shared_ptr<io::blob_store> here =
      io::blob_store::open(dir / "here", {.durable = false}).value();
  std::unique_ptr<io::log> events = io::log::open({.file = dir / "log"}).value();
  io::bulk_rights rights{.may_put = true, .may_read_documents = true};
  io::bulk_server server{there, {}, events.get()};

  /// One end of a connection whose other end is served.
  std::unique_ptr<io::byte_stream> connect() {
    stream_pair ends;
    if (auto done = server.serve(std::move(ends.far), rights, "tester"); !done)
      throw std::runtime_error(describe(done.error()));
    return std::move(ends.near);
  }
  io::bulk_client client(io::bulk_client::options settings = {}) {
    return io::bulk_client(connect(), settings);
  }
  [[nodiscard]] std::string log_lines() const {
    events->flush();
    return io::read_file(dir / "log", 1 << 20).value();
  }

  static core::blob_id id_of(const std::string& content) {
    return {.hash = io::hash_bytes(content), .size = content.size()};
  }
  /// Content of `size` bytes that differs for each `seed`.
  static std::string content(std::size_t size, unsigned seed = 0) {
    std::string out(size, static_cast<char>('a' + seed % 26));
    for (std::size_t i = 0; i < size; i += 61)
      out[i] = static_cast<char>(i * 7 + seed);
    return out;
  }
  /// Blobs of all sizes that take different ways, in `store`.
  static std::vector<core::blob_id> fill(io::blob_store& store) {
    std::vector<core::blob_id> all;
    for (unsigned i = 0; i < 700; ++i)
      all.push_back(id_of("small " + std::to_string(i)));
    for (unsigned i = 0; i < 700; ++i)
      static_cast<void>(store.put_bytes("small " + std::to_string(i)).value());
    for (const std::size_t size : {0U, 1U, 65536U, 65537U, 262144U, 262145U, 9000000U, 3000000U}) {
      const auto bytes = content(size);
      static_cast<void>(store.put_bytes(bytes).value());
      all.push_back(id_of(bytes));
    }
    return all;
  }
  static bool all_good(io::blob_store& store, const std::vector<core::blob_id>& blobs) {
    for (const auto& blob : blobs)
      if (!store.has(blob) || !store.verify(blob.hash))
        return false;
    return true;
  }
};

} // namespace maze::test
