#include "maze/sandbox/image_script.hpp"

#include "maze/core/sandbox_spec.hpp"
#include "maze/io/hash.hpp"

#include <fmt/format.h>

#include <chrono>

namespace maze::sandbox {

namespace {

/// Of `maze-image`, where the archive is no image.
constexpr int reader_refuses = 1;
constexpr std::size_t prefix_digits = 16;

/// What an engine calls the images of maze without their tags.
std::string_view repository() {
  return core::imported_images.substr(0, core::imported_images.size() - 1);
}

std::string record_of(const container_image& image, const image_import& how) {
  return shell_words({how.records / image.name.substr(core::imported_images.size())});
}

/// A saved image says what it is called, and could take the place of others; and what an archive unpacks to nobody knows. So an engine
/// sees no archive as it is. What it says of one that was not written to its end is of no use to anybody.
std::string import_words(const std::string& engine, const container_image& image,
                         const image_import& how, const std::filesystem::path& scratch) {
  return fmt::format("{{ {0} <{1}; [ $? != {2} ] || : >{3}; }} | {4} load --quiet 2>{5}; got=$?; "
                     "[ ! -e {3} ] || exit 1; [ $got = 0 ] || cat {5} >&2; exit $got",
                     shell_words({how.reader.native(), image.name, image.written,
                                  core::to_string(how.size_max), how.records.native()}),
                     shell_words({image.archive.native()}), reader_refuses,
                     shell_words({scratch / "refused"}), engine, shell_words({scratch / "said"}));
}

/// Looks for the image, and has it made by `get` where it is missing.
std::string look_words(const std::string& engine, const std::string& name, const std::string& get,
                       const std::filesystem::path& scratch) {
  return fmt::format("{0} image inspect {1} >/dev/null 2>&1 || {{ mkdir -p {2} && "
                     "(export TMPDIR={2}; {3}) >/dev/null; got=$?; rm -rf {2}; "
                     "[ $got = 0 ] || exit {4}; }}; ",
                     engine, shell_words({name}), shell_words({scratch.native()}), get,
                     container_refused);
}

} // namespace

std::string image_prefix(const std::filesystem::path& records) {
  return fmt::format("{}{}-", core::imported_images,
                     to_string(io::hash_bytes(records.native())).substr(0, prefix_digits));
}

std::string image_script(const container_engine& engine, const container_image& image,
                         const image_import& how, const image_errand& errand) {
  const std::string program = engine_words(engine);
  if (image.archive.empty())
    return errand.known
               ? std::string()
               : look_words(program, image.name,
                            fmt::format("{} pull --quiet {}", program, shell_words({image.name})),
                            errand.scratch);
  // Whoever removes an image has the lock alone and takes the record away with it, so another file may be there when the
  // lock is had. A record with something in it is one of an image that is there.
  return fmt::format(
      "mkdir -p {0} || exit {1}; while exec {2}<>{3}; flock --shared {2} || exit {1}; "
      "! [ {3} -ef /dev/fd/{2} ]; do :; done; {4}{5}echo >{3}; ",
      shell_words({how.records.native()}), container_refused, errand.lock, record_of(image, how),
      errand.known ? fmt::format("[ -s {} ] || ", record_of(image, how)) : std::string(),
      look_words(program, image.name,
                 fmt::format("{}; {}", image_sweep_script(engine, how),
                             import_words(program, image, how, errand.scratch)),
                 errand.scratch));
}

std::string image_sweep_script(const container_engine& engine, const image_import& how) {
  const std::string program = engine_words(engine);
  const std::string records = shell_words({how.records.native()});
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(how.age_max).count();
  // Looked at again with the lock: somebody may have begun to use it.
  const std::string unused = fmt::format(
      "[ -n \"$(find \"$each\" -maxdepth 0 -type f ! -newermt '{} seconds ago')\" ]", seconds);
  const std::string prefix = image_prefix(how.records).substr(core::imported_images.size());
  return fmt::format(
      "(for each in {0}/*; do ({1} && exec 9<\"$each\" && flock --exclusive --nonblock 9 && {1} || "
      "exit; name={2}\"${{each##*/}}\"; {3} rmi \"$name\"; {3} image inspect \"$name\" || "
      "rm -f \"$each\"); done; "
      "{3} images --filter reference={4} --format {5} | while read -r tag; do case $tag in {6}*) "
      "[ -e {0}/\"$tag\" ] || : >{0}/\"$tag\"; continue ;; esac; "
      "folder=$({3} image inspect --format {7} {2}\"$tag\") && ! [ -d \"$folder\" ] && "
      "{3} rmi {2}\"$tag\"; done) </dev/null >/dev/null 2>&1",
      records, unused, core::imported_images, program, repository(), shell_words({"{{.Tag}}"}),
      prefix, shell_words({"{{index .Config.Labels \"maze.images\"}}"}));
}

} // namespace maze::sandbox
