#include "node/private_cluster.hpp"

#include "node/cluster_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unistd.h>

namespace maze::node {

std::string private_cluster::own_name() { return fmt::format("run-{}", ::getpid()); }

worker_share share_of(const machine_offer& whole, std::optional<std::uint32_t> jobs,
                      std::uint32_t workers, std::uint32_t which) {
  worker_share out;
  const std::uint32_t cores = whole.total.cpu_millis;
  out.cpu_millis = std::max<std::uint32_t>(cores / workers, std::min<std::uint32_t>(cores, 1000));
  out.memory.value = whole.total.memory.value / workers;
  if (jobs)
    out.jobs = *jobs / workers + (which < *jobs % workers ? 1 : 0);
  const auto& gpus = whole.gpus.ids;
  const auto up_to = [&gpus, workers](std::size_t worker) {
    return gpus.begin() + static_cast<std::ptrdiff_t>(gpus.size() * worker / workers);
  };
  out.gpus.assign(up_to(which), up_to(which + std::size_t{1}));
  return out;
}

core::result<std::unique_ptr<private_cluster>>
private_cluster::open(const settings& values, std::uint32_t workers, actors::local_node& node,
                      const std::filesystem::path& folder, io::log& log,
                      std::function<void(const std::string& why)> on_hopeless) {
  auto place =
      cluster_place::claim(runtime_root(surroundings_of_this_process(), ::geteuid()), own_name());
  if (!place)
    return core::fail(place.error());
  std::unique_ptr<private_cluster> out{new private_cluster(std::move(*place))};
  auto credentials =
      io::open_cluster(folder / "credentials", own_name(), std::chrono::system_clock::now());
  if (!credentials)
    return core::fail(credentials.error());
  auto service = cluster_service::open(node, *credentials, out->place_.socket(), {}, log);
  if (!service)
    return core::fail(service.error());
  out->service_ = std::move(*service);
  if (auto told =
          out->place_.publish({.name = own_name(),
                               .pid = ::getpid(),
                               .state = folder,
                               .started = std::chrono::system_clock::now().time_since_epoch(),
                               .id = credentials->master.self.cluster,
                               .listens = {},
                               .passing = true});
      !told)
    return core::fail(told.error());
  const auto whole = offer_of(values);
  if (!whole)
    return core::fail(whole.error());
  // So that the user's own file does not count twice.
  const std::filesystem::path config = folder / "worker.yaml";
  if (auto written = io::replace_file(config, "{}\n", 0600); !written)
    return core::fail(written.error());
  std::vector<worker_processes::call> calls;
  for (std::uint32_t i = 0; i < workers; ++i) {
    const worker_share share = share_of(*whole, values.jobs, workers, i);
    worker_processes::call& one = calls.emplace_back();
    one.arguments = {"start",
                     "--role",
                     "worker",
                     "--until-eof",
                     "--quiet",
                     "--config",
                     config.string(),
                     "--cluster",
                     own_name(),
                     "--name",
                     fmt::format("worker-{}", i + 1),
                     "--dir",
                     folder.string(),
                     "--cpus",
                     fmt::format("{}.{:03}", share.cpu_millis / 1000, share.cpu_millis % 1000),
                     "--memory",
                     std::to_string(share.memory.value),
                     "--task-user",
                     values.task_user == task_user::slot ? "slot" : "same",
                     "--sandbox",
                     std::string(core::to_string(values.sandbox)),
                     "--log-level",
                     std::string(io::to_string(values.log_level)),
                     "--image-size",
                     core::to_string(values.image_size),
                     "--image-age",
                     core::to_string(values.image_age),
                     "--image-dir",
                     images_of(values).string(),
                     "--lease",
                     fmt::format("{}ns", values.lease.count())};
    if (!values.pass_env.empty())
      one.arguments.insert(one.arguments.end(),
                           {"--pass-env", fmt::format("{}", fmt::join(values.pass_env, ","))});
    for (const auto& [name, text] : values.labels)
      one.arguments.insert(one.arguments.end(), {"--label", fmt::format("{}={}", name, text)});
    if (share.jobs)
      one.arguments.insert(one.arguments.end(), {"--jobs", std::to_string(*share.jobs)});
    if (whole->gpus.told)
      one.environment = {{"CUDA_VISIBLE_DEVICES", fmt::format("{}", fmt::join(share.gpus, ","))},
                         {"CUDA_DEVICE_ORDER", whole->gpus.order}};
  }
  auto started = worker_processes::start(std::move(calls), log, std::move(on_hopeless));
  if (!started)
    return core::fail(started.error());
  out->workers_ = std::move(*started);
  return out;
}

private_cluster::~private_cluster() {
  // Those that let them in last longest.
  workers_.reset();
  service_.reset();
}

} // namespace maze::node
