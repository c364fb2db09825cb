#include "gateway/access.hpp"
#include "gateway/commands.hpp"
#include "gateway/web.hpp"
#include "maze/io/exclusive_folder.hpp"
#include "maze/io/folders.hpp"
#include "maze/io/private_files.hpp"
#include "node/commands.hpp"
#include "node/event_queue.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <iostream>
#include <unistd.h>

namespace maze::gateway {

namespace {

std::filesystem::path token_file_of(const node::options& what) {
  if (what.flags.gateway.token_file)
    return std::filesystem::absolute(*what.flags.gateway.token_file);
  return std::filesystem::absolute(what.values.dir) / "gateway.token";
}

/// A folder for what comes and goes with requests, which the next gateway removes if this one cannot; what is made for a
/// moment goes there from now on.
/// @note Before any thread.
core::result<io::exclusive_folder> make_room(const node::options& what) {
  const auto parent = std::filesystem::absolute(what.values.dir) / "gateway";
  if (auto made = io::make_folders(parent.parent_path()); !made)
    return core::fail(made.error());
  const auto folder = io::open_private_folder(parent);
  if (!folder)
    return core::fail(folder.error());
  auto room = io::exclusive_folder::make(folder->get(), "room");
  if (room)
    ::setenv("TMPDIR", (parent / room->name()).c_str(), 1);
  return room;
}

/// Says where everything is. The token itself is for a person at a terminal: what goes into a pipe may end in a log.
void announce(const node::options& what, const std::string& cluster, std::uint16_t port,
              const std::filesystem::path& file, const std::string& token) {
  const std::string base = fmt::format("http://127.0.0.1:{}", port);
  if (what.values.output == node::output_form::json) {
    std::cout << nlohmann::ordered_json{{"cluster", cluster},
                                        {"url", base + "/"},
                                        {"api", base + "/api/v1"},
                                        {"mcp", base + "/mcp"},
                                        {"token_file", file.string()},
                                        {"read_only", what.flags.gateway.read_only},
                                        {"pid", ::getpid()}}
                     .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
              << std::endl;
    return;
  }
  if (what.values.quiet)
    return;
  std::cout << fmt::format(
      "cluster '{}'{}\ndashboard  {}/{}\nAPI        {}/api/v1\nMCP        {}/mcp\n"
      "token      {}\n",
      cluster, what.flags.gateway.read_only ? ", to look at only" : "", base,
      ::isatty(STDOUT_FILENO) == 1 ? "#token=" + token : "", base, base, file.string())
            << std::flush;
}

bool is_end(const std::optional<node::node_event>& event) {
  return event
         && (std::holds_alternative<node::interruption>(*event)
             || std::holds_alternative<node::end_request>(*event));
}

} // namespace

int serve_web(const node::options& what) {
  // Before any thread.
  node::event_queue events;
  const auto room = make_room(what);
  if (!room)
    return node::refuse(what.values, room.error(), node::exit_code::refused);
  operator_desk desk({.what = what, .read_only = what.flags.gateway.read_only});
  const auto link = desk.line().get();
  if (!link)
    return node::refuse(what.values, link.error(), node::exit_code::refused);
  const auto file = token_file_of(what);
  const auto token = read_token(file);
  if (!token)
    return node::refuse(what.values, token.error(), node::exit_code::refused);
  auto server = io::http_server::open(what.flags.gateway.port, web_handlers(desk, *token));
  if (!server) {
    if (server.error().code == core::errc::already_exists)
      server.error().message += ": choose another with --port N, or any free one with --port 0";
    return node::refuse(what.values, server.error(), node::exit_code::refused);
  }
  announce(what, (*link)->session->cluster().name, (*server)->port(), file, *token);
  while (!is_end(events.wait(std::chrono::hours(1)))) {
  }
  desk.with().ends->store(true);
  events.release_signals();
  server->reset();
  return node::exit_code::done;
}

} // namespace maze::gateway
