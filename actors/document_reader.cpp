#include "maze/actors/document_reader.hpp"

#include "maze/actors/errors.hpp"
#include "maze/core/codec.hpp"
#include "maze/io/hash.hpp"

#include <caf/typed_event_based_actor.hpp>
#include <fmt/format.h>

#include <atomic>

namespace maze::actors {

namespace {

core::result<void> check_blobs(const core::file_map& files, const io::blob_store& blobs) {
  for (const auto& [path, entry] : files)
    if (entry.kind == core::file_kind::file && !blobs.has(entry.hash))
      return core::fail(
          core::errc::object_lost,
          fmt::format("the content of '{}' has not arrived: send its blob first", path), "submit");
  return {};
}

core::result<void> check_libraries(const core::library_refs& libraries,
                                   const io::blob_store& blobs) {
  for (const auto& [name, library] : libraries)
    if (!blobs.has(core::blob_id{library.hash, library.size}))
      return core::fail(core::errc::object_lost,
                        fmt::format("the library '{}' has not arrived: send its blob first", name),
                        "submit");
  return {};
}

core::result<void> check_archives(const core::archive_refs& archives, const io::blob_store& blobs) {
  for (const auto& [name, archive] : archives)
    if (!blobs.has(archive))
      return core::fail(core::errc::object_lost,
                        fmt::format("the archive '{}' has not arrived: send its blob first", name),
                        "submit");
  return {};
}

} // namespace

core::result<std::shared_ptr<const submission>> accept_form(core::submission_form form,
                                                            io::blob_store& blobs, io::log& log,
                                                            library_catalogue* libraries,
                                                            code_reading how) {
  if (form.base != io::hash_bytes(core::encode_manifest(form.files)))
    return core::fail(core::errc::malformed, "the hash of the snapshot does not fit its files",
                      "submit");
  if (auto there = check_blobs(form.files, blobs); !there)
    return core::fail(there.error());
  if (auto there = check_libraries(form.libraries, blobs); !there)
    return core::fail(there.error());
  if (auto there = check_archives(form.archives, blobs); !there)
    return core::fail(there.error());
  if (auto sound = blobs.check_seals(form.files); !sound)
    return core::fail(sound.error());
  if (libraries != nullptr) {
    if (auto sound = libraries->settle(form.tasks, form.libraries, form.context, how); !sound)
      return core::fail(sound.error());
    if (form.calls)
      if (auto sound = libraries->check(*form.calls, form.libraries, how); !sound)
        return core::fail(sound.error());
  }
  auto tasks = core::graph::build(std::move(form.tasks));
  if (!tasks)
    return core::fail(tasks.error());
  for (const auto& [name, entry] : form.context)
    if (const auto* text = entry.content.as<std::string>(); entry.secret && text != nullptr)
      log.secrets().hide(*text);
  auto out = std::make_shared<submission>();
  out->client_id = std::move(form.client_id);
  out->name = std::move(form.name);
  out->tasks = std::make_shared<const core::graph>(std::move(*tasks));
  out->context = std::move(form.context);
  out->files = std::move(form.files);
  out->base = form.base;
  out->result = std::move(form.result);
  out->collect = std::move(form.collect);
  out->rules = std::move(form.rules);
  if (form.calls)
    out->calls = std::make_shared<const core::call_plan>(std::move(*form.calls));
  out->libraries = std::move(form.libraries);
  out->archives = std::move(form.archives);
  return out;
}

namespace {

/// Actors for one submission each, at most; what is more waits in line.
constexpr std::size_t readers_max = 16;

struct reader_books {
  document_reader_setup setup;
  std::atomic<std::size_t> readers = 0;
};
using shared_books = std::shared_ptr<reader_books>;

caf::result<submit_run> judge(core::submission_form form, const core::submitter& by,
                              const document_reader_setup& setup) {
  if (auto within = core::hold_to(form, setup.rules, by); !within)
    return to_caf(within.error());
  auto work =
      accept_form(std::move(form), *setup.blobs, *setup.log, setup.libraries.get(),
                  core::must_seal(setup.rules, by) ? code_reading::sealed : code_reading::plain);
  if (!work)
    return to_caf(work.error());
  return submit_run{std::move(*work)};
}

shared_bytes encoded_report(const write_report& msg) {
  return std::make_shared<const std::string>(core::to_binary(*msg.report));
}

document_actor::behavior_type one_document(document_actor::pointer self,
                                           const shared_books& books) {
  return {
      [self, books](const read_submission& msg) -> caf::result<submit_run> {
        self->quit();
        auto form = core::decode_submission(*msg.encoded);
        auto out = form ? judge(std::move(*form), msg.by, books->setup)
                        : caf::result<submit_run>(to_caf(form.error()));
        --books->readers;
        return out;
      },
      [](const write_report& msg) { return encoded_report(msg); },
  };
}

} // namespace

document_actor::behavior_type document_reader(document_actor::pointer self,
                                              document_reader_setup setup) {
  auto books = std::make_shared<reader_books>();
  books->setup = std::move(setup);
  return {
      [self, books](const read_submission& msg) -> caf::result<submit_run> {
        auto form = core::decode_submission(*msg.encoded);
        if (!form)
          return to_caf(form.error());
        if (form->libraries.empty() || !books->setup.libraries || books->readers >= readers_max)
          return judge(std::move(*form), msg.by, books->setup);
        ++books->readers;
        return self->delegate(self->spawn<caf::detached>(one_document, books), msg);
      },
      [](const write_report& msg) { return encoded_report(msg); },
  };
}

core::result<run_report> read_report(std::string_view encoded) {
  return core::from_binary<run_report>(encoded, "report");
}

} // namespace maze::actors
