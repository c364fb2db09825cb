#include "maze/actors/cluster_client.hpp"

#include "maze/actors/document_reader.hpp"
#include "maze/actors/errors.hpp"
#include "maze/actors/type_ids.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/io/middleman.hpp>
#include <caf/logger.hpp>
#include <caf/scoped_actor.hpp>
#include <fmt/format.h>

#include <future>
#include <optional>
#include <set>

namespace maze::actors {

namespace {

struct client_config : caf::actor_system_config {
  client_config() {
    actors::add_message_types(*this);
    load<caf::io::middleman>();
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{1});
    set("middleman.workers", std::size_t{0});
  }
};

core::error connection_lost() {
  return {.code = core::errc::transfer_error,
          .message = "the connection to the cluster broke: it may have ended",
          .origin = "session"};
}

core::error in_words(const caf::error& failed, std::chrono::milliseconds timeout) {
  if (failed == caf::sec::request_timeout)
    return {.code = core::errc::transfer_error,
            .message =
                fmt::format("the cluster did not answer within {} s",
                            std::chrono::duration_cast<std::chrono::seconds>(timeout).count()),
            .origin = "session"};
  if (failed.category() != error_category)
    return connection_lost();
  return from_caf(failed);
}

/// CAF keeps the log of a system for as long as a thread remembers it that has spawned or asked there, and the system's
/// destructor waits for that: no caller's thread may take it along.
struct log_left_behind {
  log_left_behind() = default;
  log_left_behind(const log_left_behind&) = delete;
  log_left_behind& operator=(const log_left_behind&) = delete;
  ~log_left_behind() { caf::logger::set_current_actor_system(nullptr); }
};

/// A run whose report changes under the hands of many is tried so often.
constexpr int report_tries = 5;

} // namespace

struct cluster_client::data {
  client_config config;
  std::unique_ptr<caf::actor_system> system;
  connection_switch link;
  session_actor session;
  core::session_ticket ticket;
  options settings;
  session_opened opened;

  core::result<void> open(authenticated_socket socket);
  template <class Reply, class Question>
  core::result<Reply> ask(Question question, std::chrono::milliseconds timeout);
  template <class Reply, class Question>
  core::result<Reply> ask(Question question) {
    return ask<Reply>(std::move(question), settings.timeout);
  }
};

core::result<void> cluster_client::data::open(authenticated_socket socket) {
  const log_left_behind after;
  system = std::make_unique<caf::actor_system>(config);
  ticket = socket.ticket;
  auto made = prepare_outbound(*system, std::move(socket));
  link = std::move(made.link);
  core::result<void> out = core::fail(connection_lost());
  {
    caf::scoped_actor self{*system};
    self->request(basp(*system), settings.timeout, caf::connect_atom::value, std::move(made.stream),
                  exported_port)
        .receive(
            [&](const caf::node_id&, caf::strong_actor_ptr& found, const std::set<std::string>&) {
              if (found) {
                session = caf::actor_cast<session_actor>(found);
                out = {};
              }
            },
            [&](const caf::error& failed) {
              out = core::fail(in_words(failed, settings.timeout));
            });
  }
  if (!out)
    return out;
  auto greeted = ask<session_opened>(open_session{.client = settings.name, .ticket = ticket});
  if (!greeted)
    return core::fail(greeted.error());
  opened = std::move(*greeted);
  return {};
}

template <class Reply, class Question>
core::result<Reply> cluster_client::data::ask(Question question,
                                              std::chrono::milliseconds timeout) {
  const log_left_behind after;
  auto answer = std::make_shared<std::promise<core::result<Reply>>>();
  auto arriving = answer->get_future();
  // An actor for each question: a request on the wire hears nothing of a connection that breaks, so
  // somebody must watch both.
  system->spawn([answer, timeout, whom = session,
                 question = std::move(question)](caf::event_based_actor* self) {
    const auto settle = [self, answer](core::result<Reply> what) {
      answer->set_value(std::move(what));
      // The first to come counts.
      self->quit();
    };
    self->set_down_handler(
        [settle](const caf::down_msg&) { settle(core::fail(connection_lost())); });
    self->monitor(whom);
    self->request(whom, timeout, question)
        .then([settle](Reply& reply) { settle(std::move(reply)); },
              [settle, timeout](const caf::error& failed) {
                settle(core::fail(in_words(failed, timeout)));
              });
  });
  return arriving.get();
}

cluster_client::cluster_client(std::unique_ptr<data> state) : data_(std::move(state)) {}

cluster_client::~cluster_client() {
  data_->session = nullptr;
  data_->link.cut();
  data_->system.reset();
}

core::result<std::unique_ptr<cluster_client>> cluster_client::connect(authenticated_socket socket,
                                                                      options settings) {
  std::unique_ptr<cluster_client> out{new cluster_client(std::make_unique<data>())};
  out->data_->settings = std::move(settings);
  if (auto opened = out->data_->open(std::move(socket)); !opened)
    return core::fail(opened.error());
  return out;
}

const session_opened& cluster_client::cluster() const noexcept { return data_->opened; }

core::result<core::run_id> cluster_client::submit(const core::submission_form& form) {
  const auto encoded = core::encode_submission(form);
  if (!encoded)
    return core::fail(encoded.error());
  submit_progress at;
  for (std::uint64_t offset = 0; offset < encoded->size(); offset = at.received) {
    auto sent =
        data_->ask<submit_progress>(submit_part{.client_id = form.client_id,
                                                .size = encoded->size(),
                                                .offset = offset,
                                                .bytes = encoded->substr(offset, document_part_max),
                                                .ticket = data_->ticket},
                                    data_->settings.submit_timeout);
    if (!sent)
      return core::fail(sent.error());
    at = *sent;
  }
  return at.run;
}

core::result<cluster_status> cluster_client::status() {
  return data_->ask<cluster_status>(ask_cluster{});
}

core::result<run_page> cluster_client::runs(std::uint64_t first, std::uint32_t count) {
  return data_->ask<run_page>(ask_runs{first, count});
}

core::result<run_row> cluster_client::find(const std::string& text) {
  return data_->ask<run_row>(ask_run{text});
}

core::result<task_page> cluster_client::tasks(core::run_id run, std::uint64_t first,
                                              std::uint32_t count) {
  return data_->ask<task_page>(of_run<list_tasks>{run, {first, count}});
}

core::result<run_news> cluster_client::news(core::run_id run, std::uint64_t seen,
                                            core::duration patience) {
  return data_->ask<run_news>(of_run<await_news>{run, {seen, std::min(patience, patience_max)}});
}

core::result<bool> cluster_client::follow(core::run_id run, core::duration interval,
                                          const std::function<bool(const run_news&)>& heard) {
  for (std::uint64_t seen = 0;;) {
    const auto news_so_far = news(run, seen, interval);
    if (!news_so_far)
      return core::fail(news_so_far.error());
    seen = news_so_far->next;
    const bool go_on = heard(*news_so_far);
    if (news_so_far->ended || !go_on)
      return news_so_far->ended;
  }
}

core::result<run_report> cluster_client::report(core::run_id run) {
  for (int tries = 0; tries < report_tries; ++tries) {
    auto part =
        data_->ask<report_part>(of_run<ask_report_part>{run, {}}, data_->settings.submit_timeout);
    if (!part)
      return core::fail(part.error());
    std::string encoded = std::move(part->bytes);
    const std::uint64_t size = part->size;
    const std::uint64_t version = part->version;
    while (encoded.size() < size) {
      part = data_->ask<report_part>(of_run<ask_report_part>{run, {encoded.size(), version}});
      if (!part)
        return core::fail(part.error());
      if (part->size != size || part->bytes.empty())
        break;
      encoded += part->bytes;
    }
    if (encoded.size() == size)
      return read_report(encoded);
  }
  return core::fail(core::errc::transfer_error,
                    "too many ask for reports at the same time: try again later", "session");
}

core::result<std::string> cluster_client::output(core::run_id run, const std::string& task) {
  return data_->ask<task_output>(of_run<ask_output>{run, {task}}).map([](task_output&& x) {
    return std::move(x.encoded);
  });
}

core::result<task_log> cluster_client::log(core::run_id run, const ask_log& what) {
  return data_->ask<task_log>(of_run<ask_log>{run, what});
}

core::result<bool> cluster_client::cancel(core::run_id run, core::error reason) {
  return data_->ask<bool>(of_run<actors::cancel_run>{run, {std::move(reason)}});
}

core::result<bool> cluster_client::cancel_task(core::run_id run, const std::string& task,
                                               core::error reason) {
  return data_->ask<bool>(of_run<actors::cancel_task>{run, {task, std::move(reason)}});
}

core::result<forgotten_runs> cluster_client::forget(forget_runs what) {
  return data_->ask<forgotten_runs>(std::move(what), data_->settings.submit_timeout);
}

core::result<std::unique_ptr<call_stream>>
cluster_client::open_calls(core::run_id run, call_stream::options settings) {
  const log_left_behind after;
  auto service = data_->ask<call_service>(enter_calls{run, data_->ticket});
  if (!service)
    return core::fail(service.error());
  return call_stream::open(*data_->system, service->hub, settings);
}

core::result<node_page> cluster_client::nodes() { return data_->ask<node_page>(ask_nodes{}); }

core::result<bool> cluster_client::drain(const std::string& node) {
  return data_->ask<bool>(drain_member{node});
}

core::result<bool> cluster_client::shut_down() { return data_->ask<bool>(actors::shut_down{}); }

} // namespace maze::actors
