// maze-init's decoder of launch requests: no input may read outside its bytes, and what is accepted
// is complete.
#include "maze/sandbox/init_protocol.hpp"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using namespace maze::sandbox;

void require(bool good) {
  if (!good)
    std::abort();
}

template <class Pointer>
void check_list(const std::vector<Pointer>& list) {
  require(!list.empty() && list.back() == nullptr);
  for (std::size_t i = 0; i + 1 < list.size(); ++i)
    require(std::strlen(list[i]) < protocol::body_max);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy of exactly this size, so that a read beyond it is seen.
  std::vector<char> bytes(data, data + size);
  protocol::launch_view request;
  if (!protocol::decode_launch(bytes.data(), bytes.size(), request))
    return 0;
  check_list(request.argv);
  check_list(request.environment);
  require(request.argv.size() >= 2);
  require(request.after != request.id);
  require(std::strlen(request.working_directory) <= size);
  require(!request.has_overlay || !request.lower.empty());
  require(!request.sandbox.wall_time || request.sandbox.wall_time->count() >= 0);
  return 0;
}
