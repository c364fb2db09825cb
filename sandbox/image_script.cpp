#include "maze/sandbox/image_script.hpp"

#include <fmt/format.h>

namespace maze::sandbox {

namespace {

/// Of `maze-image`, where the archive is no image.
constexpr int reader_refuses = 1;

/// A saved image says what it is called, and could take the place of others; and what an archive unpacks to nobody knows. So an engine
/// sees no archive as it is. What it says of one that was not written to its end is of no use to anybody.
std::string import_words(const std::string& engine, const container_image& image,
                         const image_import& how, const std::filesystem::path& scratch) {
  return fmt::format(
      "{{ {0} <{1}; [ $? != {2} ] || : >{3}; }} | {4} load --quiet 2>{5}; got=$?; "
      "[ ! -e {3} ] || exit 1; [ $got = 0 ] || cat {5} >&2; exit $got",
      shell_words({how.reader.native(), image.name, image.written, core::to_string(how.size_max)}),
      shell_words({image.archive.native()}), reader_refuses, shell_words({scratch / "refused"}),
      engine, shell_words({scratch / "said"}));
}

} // namespace

std::string image_script(const container_engine& engine, const container_image& image,
                         const image_import& how, const std::filesystem::path& scratch) {
  const std::string program = engine_words(engine);
  const std::string name = shell_words({image.name});
  const std::string get = image.archive.empty() ? fmt::format("{} pull --quiet {}", program, name)
                                                : import_words(program, image, how, scratch);
  return fmt::format("{0} image inspect {1} >/dev/null 2>&1 || {{ mkdir -p {2} && "
                     "(export TMPDIR={2}; {3}) >/dev/null; got=$?; rm -rf {2}; "
                     "[ $got = 0 ] || exit {4}; }}; ",
                     program, name, shell_words({scratch.native()}), get, container_refused);
}

} // namespace maze::sandbox
