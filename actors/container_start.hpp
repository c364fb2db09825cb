#pragma once

#include "maze/core/result.hpp"
#include "maze/io/files.hpp"
#include "maze/sandbox/container_command.hpp"
#include "maze/sandbox/enter_block.hpp"
#include "maze/sandbox/launcher.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace maze::actors {

/// The first descriptor behind the streams.
constexpr int first_inherited = 3;

/// The container, still without a name, of a child of level container: its image, what it sees, its working directory at the path that it has outside. Fails as
/// `sandbox::image_of` and `sandbox::shown_path` do.
/// @param programs  what the child needs to see of the node's own
/// @param enter  what is to be its first process
/// @param owner  the folder of the node
/// @param records  the folder with the records of images made of archives
core::result<sandbox::container_start>
make_container_start(const sandbox::launch_request& request,
                     const std::vector<sandbox::container_mount>& programs,
                     const std::filesystem::path& enter, const std::string& owner,
                     const std::filesystem::path& records);
/// The container that stays for all children that differ in nothing but their user, words and folder.
core::result<sandbox::container_start>
make_standing_start(const sandbox::launch_request& request,
                    const std::vector<sandbox::container_mount>& programs,
                    const std::filesystem::path& enter, const std::string& owner,
                    const std::filesystem::path& records);

/// How the child begins in its container. Takes the environment of `request`.
/// @param report  the descriptor where its report goes; -1: none
sandbox::enter::block take_block(sandbox::launch_request& request, std::vector<std::string> argv,
                                 std::string filter, int report);

/// What an engine's program itself needs: never a word of a task's.
std::vector<std::string> engine_environment();
/// Of a child, what is left for the program that runs in its place on the node.
void become_engines(sandbox::launch_request& request);

/// Where a child in a container leaves how it ended.
core::result<std::shared_ptr<const io::unique_fd>> make_report_file();
/// Nothing where it left nothing, or there is no such file.
std::optional<sandbox::enter::report> read_report(const std::shared_ptr<const io::unique_fd>& file);

} // namespace maze::actors
