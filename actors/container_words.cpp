#include "maze/actors/container_words.hpp"

#include "maze/sandbox/machine_libraries.hpp"

namespace maze::actors {

core::result<container_words> words_inside(std::vector<std::string> argv,
                                           const host_programs& here) {
  container_words out;
  if (argv.front() == here.libraries) {
    auto own = sandbox::libraries_for(here.libraries);
    if (!own)
      return core::fail(own.error());
    out.argv = std::move(own->command);
    out.mounts = std::move(own->mounts);
    out.argv.insert(out.argv.end(), argv.begin() + 1, argv.end());
    return out;
  }
  out.argv = std::move(argv);
  for (std::string& each : out.argv)
    if (each == here.python) {
      each = "python3";
    } else if (each == here.runner) {
      each = sandbox::container_folder / here.runner.filename();
      for (const auto& shown : {here.runner, here.runner.parent_path() / "maze_runner"})
        out.mounts.push_back({shown, sandbox::container_folder / shown.filename(), false});
    }
  return out;
}

} // namespace maze::actors
