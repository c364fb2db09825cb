// A worker of a gearmand on this machine, by libgearman: `noop` hands its argument back. Ends when the
// server does.
//
//   gearman_worker PORT

#include <cstdio>
#include <cstdlib>
#include <libgearman/gearman.h>

namespace {

gearman_return_t hand_back(gearman_job_st* job, void*) {
  return gearman_job_send_complete(job, gearman_job_workload(job), gearman_job_workload_size(job));
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: gearman_worker PORT\n", stderr);
    return 2;
  }
  auto* worker = gearman_worker_create(nullptr);
  auto result =
      gearman_worker_add_server(worker, "127.0.0.1", static_cast<in_port_t>(std::atoi(argv[1])));
  if (gearman_success(result))
    result = gearman_worker_define_function(worker, "noop", 4, gearman_function_create(hand_back),
                                            0, nullptr);
  while (gearman_success(result))
    result = gearman_worker_work(worker);
  std::fprintf(stderr, "gearman_worker: %s\n", gearman_worker_error(worker));
  gearman_worker_free(worker);
  return 1;
}
