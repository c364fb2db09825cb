#include "maze/actors/library_catalogue.hpp"
#include "maze/actors/reactor.hpp"
#include "maze/core/printable.hpp"
#include "maze/core/suggestion.hpp"
#include "maze/io/files.hpp"
#include "maze/io/hash.hpp"
#include "maze/io/library_folder.hpp"
#include "maze/io/run_sources.hpp"
#include "maze/sandbox/init_process.hpp"
#include "node/commands.hpp"
#include "node/follow.hpp"
#include "node/function_listing.hpp"
#include "node/private_node.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <iostream>
#include <unistd.h>

namespace maze::node {

namespace {

namespace fs = std::filesystem;

/// One file that may offer functions.
struct source {
  std::string name;
  fs::path path;
  bool python = false;
};

bool is_python(const fs::path& path) { return path.extension() == ".py"; }

/// The file itself, or the libraries and Python files of a folder.
core::result<std::vector<source>> sources_of(const fs::path& path, const settings& values) {
  std::error_code failed;
  const auto status = fs::status(path, failed);
  if (!fs::exists(status))
    return core::fail(core::errc::not_found,
                      fmt::format("there is no {}: write the path of a task library, a Python "
                                  "file or a folder of them",
                                  core::printable(path.native())),
                      "functions");
  if (!fs::is_directory(status)) {
    if (is_python(path))
      return std::vector{source{path.filename().string(), path, true}};
    auto name = io::library_name(path);
    if (!name)
      return core::fail(core::errc::invalid_argument,
                        fmt::format("{}: {}; give the file another name",
                                    core::printable(path.native()), name.error().message),
                        "functions");
    return std::vector{source{std::move(*name), path, false}};
  }
  auto libraries = io::list_libraries(path);
  if (!libraries)
    return core::fail(libraries.error());
  for (const std::string& each : libraries->warnings)
    warn(values, each);
  std::vector<source> out;
  for (const auto& [name, file] : libraries->files)
    out.push_back({name, path / file, false});
  std::vector<source> scripts;
  for (const auto& entry : fs::directory_iterator(path, failed))
    if (is_python(entry.path()) && entry.is_regular_file(failed))
      scripts.push_back({entry.path().filename().string(), entry.path(), true});
  std::sort(scripts.begin(), scripts.end(),
            [](const source& a, const source& b) { return a.name < b.name; });
  out.insert(out.end(), scripts.begin(), scripts.end());
  return out;
}

/// Reads libraries in children, each for itself.
class library_reader {
public:
  static core::result<std::unique_ptr<library_reader>> open(const settings& values) {
    auto folder = private_folder::make(values.dir, false);
    if (!folder)
      return core::fail(folder.error());
    auto users = claim_users(values);
    if (!users)
      return core::fail(users.error());
    std::unique_ptr<library_reader> out(
        new library_reader(values, std::move(*folder), std::move(*users)));
    auto store = io::blob_store::open(out->folder_.path() / "store", {.durable = false});
    if (!store)
      return core::fail(store.error());
    auto init = sandbox::default_init_executable();
    if (!init)
      return core::fail(init.error());
    auto started = sandbox::launcher::start(out->events_.context(), {.executable = *init});
    if (!started)
      return core::fail(started.error());
    out->blobs_ = std::move(*store);
    out->catalogue_.emplace(
        std::move(*started), out->blobs_,
        actors::library_catalogue::options{.programs = actors::host_programs::beside(*init),
                                           .user = out->task_user()});
    return out;
  }

  core::result<found_library> read(const source& from) {
    found_library out{from.name, from.path.string(), from.python, {}, {}};
    if (from.python) {
      const io::unique_fd file(::open(from.path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!file)
        return core::fail(io::errno_error(fmt::format("open {}", from.path.native()), errno));
      const auto content = io::hash_file(file.get());
      if (!content)
        return core::fail(content.error());
      out.hash = content->hash;
      std::string printed;
      auto described = catalogue_->describe_python(from.path, &printed);
      // Its own words are its own business; ours are for whoever asks.
      constexpr std::string_view ours = "maze: ";
      for (std::size_t at = 0; at < printed.size();) {
        const auto end = std::min(printed.find('\n', at), printed.size());
        if (const auto line = std::string_view(printed).substr(at, end - at);
            line.starts_with(ours))
          warn(values_, fmt::format("{}: {}", from.path.native(), line.substr(ours.size())));
        at = end + 1;
      }
      if (!described)
        return core::fail(described.error());
      out.description = std::move(*described);
      return out;
    }
    auto file = io::open_library(from.name, from.path);
    if (!file)
      return core::fail(file.error());
    const auto blob = blobs_->put_copy(file->fd.get(), {});
    if (!blob)
      return core::fail(blob.error());
    out.hash = blob->hash;
    auto described = catalogue_->describe(from.name, blob->hash);
    if (!described)
      return core::fail(described.error());
    out.description = **described;
    for (const std::string& each : out.description.warnings)
      warn(values_, fmt::format("{}: {}", from.path.native(), each));
    return out;
  }

private:
  library_reader(const settings& values, private_folder folder, std::optional<user_range> users)
      : values_(values), folder_(std::move(folder)), users_(std::move(users)) {}

  [[nodiscard]] std::optional<sandbox::child_user> task_user() const {
    if (!users_)
      return std::nullopt;
    return sandbox::child_user{users_->first(), users_->first()};
  }

  const settings& values_;
  private_folder folder_;
  std::optional<user_range> users_;
  actors::reactor events_;
  std::shared_ptr<io::blob_store> blobs_;
  std::optional<actors::library_catalogue> catalogue_;
};

/// The functions that a person means by `name`: the function's own name, or that with its library.
int show_one(const std::vector<found_library>& all, const std::string& name, const options& what) {
  std::vector<found_library> meant;
  std::vector<std::string> names;
  for (const found_library& library : all)
    for (const core::function_signature& each : library.description.functions) {
      names.push_back(each.name);
      if (name != each.name && name != full_name(library, each))
        continue;
      found_library one = library;
      one.description.functions = {each};
      meant.push_back(std::move(one));
    }
  if (meant.empty()) {
    const std::vector<std::string_view> known(names.begin(), names.end());
    return refuse(
        what.values,
        {.code = core::errc::not_found,
         .message = fmt::format("no function is named '{}': {}", core::printable(name),
                                known.empty() ? "there is none at all"
                                              : core::did_you_mean(name, known, "there are")),
         .origin = "functions"},
        exit_code::wrong_use);
  }
  if (what.values.output == output_form::json) {
    std::cout << show(meant, {output_form::json, false});
    return exit_code::done;
  }
  const bool color = wants_color(what.values, STDOUT_FILENO);
  for (const found_library& each : meant)
    std::cout << (&each == &meant.front() ? "" : "\n")
              << show_function(each, each.description.functions.front(), color);
  return exit_code::done;
}

} // namespace

int list_functions(const options& what) {
  const fs::path path = what.words.at(0);
  auto sources = sources_of(path, what.values);
  if (!sources)
    return refuse(what.values, sources.error(), exit_code::wrong_use);
  auto reader = library_reader::open(what.values);
  if (!reader)
    return refuse(what.values, reader.error(), exit_code_of(reader.error().code));
  std::vector<found_library> all;
  for (const source& each : *sources) {
    auto read = (*reader)->read(each);
    if (read)
      all.push_back(std::move(*read));
    else if (sources->size() == 1)
      return refuse(what.values, read.error(), exit_code::wrong_use);
    else
      // One that is broken hides none of the others.
      warn(what.values, read.error().message);
  }
  if (what.words.size() > 1)
    return show_one(all, what.words[1], what);
  std::cout << show(all, {what.values.output, wants_color(what.values, STDOUT_FILENO)});
  const bool none = std::all_of(all.begin(), all.end(),
                                [](const auto& x) { return x.description.functions.empty(); });
  if (none && what.values.output != output_form::json && !what.values.quiet)
    std::cerr << "maze-node: no functions in " << core::printable(path.native()) << '\n';
  return exit_code::done;
}

} // namespace maze::node
