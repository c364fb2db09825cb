#pragma once

#include "node/cluster_session.hpp"
#include "node/listing.hpp"
#include "node/options.hpp"

namespace maze::node {

/// A session that a command talks over.
struct command_session {
  const options& what;
  const cluster_address& address;
  actors::cluster_client& cluster;

  /// The word number `index`, or nothing where it was left out.
  [[nodiscard]] std::string word(std::size_t index) const {
    return index < what.words.size() ? what.words[index] : std::string();
  }
  [[nodiscard]] print_form form() const;
};

// Each gives the exit code, or why the command was not carried out.
core::result<int> submit_workflow(const command_session& in);
core::result<int> print_logs(const command_session& in);
core::result<int> print_result(const command_session& in);
core::result<int> print_files(const command_session& in);

/// Brings what `report` published and `globs` choose into `destination`; gives back what was written.
core::result<core::file_map> bring_home(const command_session& in, const actors::run_report& report,
                                        const std::vector<std::string>& globs,
                                        const std::filesystem::path& destination);

} // namespace maze::node
