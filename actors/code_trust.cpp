#include "maze/actors/code_trust.hpp"

#include "maze/io/base64.hpp"
#include "maze/io/hash.hpp"

#include <fmt/format.h>

namespace maze::actors {

namespace {

core::result<void> check_sum(const std::string& what, const core::result<std::string>& sum,
                             const io::trusted_code& trusted) {
  if (!sum)
    return core::fail(core::errc::object_lost,
                      fmt::format("{} cannot be read: {}", what, sum.error().message), "trust");
  if (trusted.has(*sum))
    return {};
  return core::fail(core::errc::untrusted_function,
                    fmt::format("{} with SHA-256 {} is not among the code that may be loaded here; "
                                "the owner adds it with --trusted-code",
                                what, io::hex(*sum)),
                    "trust");
}

} // namespace

core::result<void> check_trusted(const std::string& name, const core::library_ref& library,
                                 io::blob_store& blobs, const io::trusted_code* trusted) {
  if (trusted == nullptr)
    return {};
  return check_sum(fmt::format("the library '{}'", name), blobs.sha256_of(library.hash), *trusted);
}

core::result<void> check_trusted(const core::task_spec& task, const core::library_refs& libraries,
                                 io::blob_store& blobs, const io::trusted_code* trusted) {
  if (trusted == nullptr || !core::is_function(task))
    return {};
  for (const auto& [name, value] : task.environment)
    if (name.starts_with("LD_") || name == "GLIBC_TUNABLES")
      return core::fail(
          core::errc::untrusted_function,
          fmt::format("the variable {} could bring code into a function that may be "
                      "loaded here, where only trusted code may: take it out of `env`",
                      name),
          "trust");
  return check_trusted(task.action, libraries, blobs, trusted);
}

core::result<void> check_trusted(const core::task_action& action,
                                 const core::library_refs& libraries, io::blob_store& blobs,
                                 const io::trusted_code* trusted) {
  if (trusted == nullptr)
    return {};
  if (const auto* own = std::get_if<core::function_action>(&action)) {
    const auto found = libraries.find(own->library);
    return found == libraries.end() ? core::result<void>()
                                    : check_trusted(found->first, found->second, blobs, trusted);
  }
  const auto* python = std::get_if<core::python_action>(&action);
  if (python == nullptr || python->source != core::python_source::pickle)
    return {};
  const auto pickled = io::from_base64(python->text);
  if (!pickled)
    return core::fail(core::errc::malformed, "the pickled function is not base 64", "trust");
  return check_sum("the pickled function", io::sha256_bytes(*pickled), *trusted);
}

} // namespace maze::actors
