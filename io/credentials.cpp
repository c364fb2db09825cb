#include "maze/io/credentials.hpp"

#include "maze/core/value.hpp"
#include "maze/io/credential_fields.hpp"
#include "maze/io/files.hpp"
#include "maze/io/json.hpp"
#include "maze/io/private_files.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <cerrno>
#include <sys/file.h>

namespace maze::io {

namespace {

using core::errc;
using std::chrono::hours;

constexpr std::uint64_t file_size_max = 64 << 10;
/// The master's own certificate lies beside the authority's key: a shorter life would protect nothing.
constexpr hours cluster_life{24 * 3652};
/// Machines whose clocks differ a little shall still be let in.
constexpr hours clock_allowance{1};

validity from(wall_time now, hours life) {
  return {.from = now - clock_allowance, .until = now + life};
}

core::result<cluster_id> make_cluster_id() {
  std::uint64_t bits[2] = {};
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bits), sizeof bits) != 1)
    return core::fail(openssl_error("make a cluster id"));
  return cluster_id{{.high = bits[0], .low = bits[1]}};
}

core::error named(const std::filesystem::path& path, core::error what) {
  what.message = fmt::format("{}: {}", path.native(), what.message);
  return what;
}

core::result<void> check_time(std::string_view what, const validity& valid, wall_time now,
                              std::string_view remedy) {
  if (now > valid.until)
    return core::fail(errc::stale,
                      fmt::format("{} expired on {}; {}", what, utc_text(valid.until), remedy));
  if (now < valid.from)
    return core::fail(errc::stale,
                      fmt::format("{} counts from {} only; this machine's clock says {}: set it",
                                  what, utc_text(valid.from), utc_text(now)));
  return {};
}

/// Takes what all formats have and checks that the parts belong together.
credentials take_member(credential_fields& fields, const node_identity& claimed) {
  credentials x{.self = claimed,
                .authority = fields.text("authority"),
                .own = {.certificate = fields.text("certificate"), .key = fields.text("key")}};
  if (!fields.ok())
    return x;
  const auto facts = read_certificate(x.own.certificate);
  if (auto fine = parse_certificate(x.authority); !fine)
    fields.refuse("authority", "is damaged: " + fine.error().message);
  else if (!facts)
    fields.refuse("certificate", "is damaged: " + facts.error().message);
  else if (auto key = parse_key(x.own.key); !key)
    fields.refuse("key", "is damaged: " + key.error().message);
  else if (facts->who.cluster != claimed.cluster)
    fields.refuse("cluster", "is not the certificate's, " + to_string(facts->who.cluster));
  else if (facts->who.role != claimed.role)
    fields.refuse("role", fmt::format("is not the certificate's, {}", to_string(facts->who.role)));
  else if (facts->who.name != claimed.name)
    fields.refuse("name", fmt::format("is not the certificate's, {}", facts->who.name));
  else if (auto pair = check_pair(x.authority, x.own); !pair)
    fields.refuse("certificate", "does not fit: " + pair.error().message);
  return x;
}

node_identity take_identity(credential_fields& fields) {
  node_identity who;
  const auto cluster = cluster_id_from_string(fields.text("cluster"));
  const auto role = node_role_from_string(fields.text("role"));
  who.name = fields.text("name");
  if (!cluster)
    fields.refuse("cluster", "is no cluster id of 32 hexadecimal digits");
  else if (!role)
    fields.refuse("role", "is not master, worker or client");
  else if (auto fine = check_node_name(who.name); !fine)
    fields.refuse("name", "is wrong: " + fine.error().message);
  else
    who = {.role = *role, .name = std::move(who.name), .cluster = *cluster};
  return who;
}

core::dict fields_of(const credentials& x) {
  return {{"cluster", to_string(x.self.cluster)},
          {"role", to_string(x.self.role)},
          {"name", x.self.name},
          {"authority", x.authority},
          {"certificate", x.own.certificate},
          {"key", x.own.key}};
}

std::string to_json_text(core::dict fields) {
  // Texts that we made or checked: PEM, names, endpoints. None is too long or not UTF-8.
  return to_json(core::value(std::move(fields)), json_style::indented).value() + "\n";
}

core::result<cluster_credentials> parse_cluster(std::string_view text) {
  credential_fields fields(text, "cluster file", "maze_cluster",
                           "bring back a copy of it, or remove its folder and make new join files");
  auto master = take_member(fields, take_identity(fields));
  auto authority_key = fields.text("authority_key");
  if (fields.ok() && master.self.role != node_role::master)
    fields.refuse("role", "is not master");
  if (fields.ok())
    if (auto pair =
            check_pair(master.authority, {.certificate = master.authority, .key = authority_key});
        !pair)
      fields.refuse("authority_key", "does not fit: " + pair.error().message);
  if (auto fine = fields.finish(); !fine)
    return core::fail(fine.error());
  return cluster_credentials{.master = std::move(master),
                             .authority_key = std::move(authority_key)};
}

core::result<cluster_credentials> make_cluster(std::string_view name, wall_time now) {
  const auto cluster = make_cluster_id();
  if (!cluster)
    return core::fail(cluster.error());
  const node_identity self{
      .role = node_role::master, .name = std::string(name), .cluster = *cluster};
  const auto valid = from(now, cluster_life);
  auto authority = make_authority(*cluster, valid);
  if (!authority)
    return core::fail(authority.error());
  auto own = issue_certificate(*authority, {.who = self}, valid);
  if (!own)
    return core::fail(own.error());
  return cluster_credentials{
      .master = {.self = self, .authority = authority->certificate, .own = std::move(*own)},
      .authority_key = authority->key};
}

core::result<cluster_credentials> first_start(const std::filesystem::path& file,
                                              std::string_view name, wall_time now) {
  auto made = make_cluster(name, now);
  if (!made)
    return made;
  auto fields = fields_of(made->master);
  fields.emplace("maze_cluster", 1);
  fields.emplace("authority_key", made->authority_key);
  if (auto done = replace_file(file, to_json_text(std::move(fields)), 0600, true); !done)
    return core::fail(done.error());
  return made;
}

} // namespace

core::result<void> check_validity(const credentials& x, wall_time now) {
  const auto facts = read_certificate(x.own.certificate);
  const auto authority = read_validity(x.authority);
  if (!facts || !authority)
    return core::fail(facts ? authority.error() : facts.error());
  const auto fine = check_time("the cluster's certificate authority", *authority, now,
                               "start a new cluster and make new join files");
  return fine ? check_time(fmt::format("the certificate of {}", to_string(facts->who)),
                           facts->valid, now, "make a new join file on the master")
              : fine;
}

core::result<cluster_credentials> open_cluster(const std::filesystem::path& folder,
                                               std::string_view name, wall_time now) {
  const auto opened = open_private_folder(folder);
  if (!opened)
    return core::fail(opened.error());
  // Two first starts at once shall end up in one cluster.
  while (::flock(opened->get(), LOCK_EX) != 0)
    if (errno != EINTR)
      return core::fail(errno_error("lock the folder " + folder.native(), errno));
  const auto file = folder / "cluster.json";
  const auto text = read_private(file, file_size_max);
  if (!text && text.error().code == errc::not_found)
    return first_start(file, name, now);
  if (!text)
    return core::fail(text.error());
  auto parsed = parse_cluster(*text);
  if (!parsed)
    return core::fail(named(file, parsed.error()));
  if (auto fine = check_validity(parsed->master, now); !fine)
    return core::fail(named(file, fine.error()));
  return parsed;
}

core::result<join_file> make_join_file(const cluster_credentials& cluster,
                                       const join_request& wanted, wall_time now) {
  if (wanted.role == node_role::master || !is_known(wanted.role))
    return core::fail(errc::invalid_argument, "a join file is for a worker or a client");
  if (wanted.masters.empty() || wanted.masters.size() > credential_fields::texts_max)
    return core::fail(errc::invalid_argument,
                      fmt::format("a join file needs 1 to {} endpoints of the master, not {}",
                                  credential_fields::texts_max, wanted.masters.size()));
  for (const auto& master : wanted.masters)
    if (auto parsed = parse_endpoint(to_string(master)); !parsed)
      return core::fail(parsed.error());
  if (wanted.valid_for <= hours(0) || wanted.valid_for > cluster_life)
    return core::fail(errc::invalid_argument,
                      fmt::format("a join file is valid for 1 to {} hours, not {}",
                                  cluster_life.count(), wanted.valid_for.count()));
  const auto& master = cluster.master;
  join_file made{
      .member = {.self = {.role = wanted.role, .name = wanted.name, .cluster = master.self.cluster},
                 .authority = master.authority,
                 .own = {}},
      .masters = wanted.masters};
  auto own = issue_certificate({.certificate = master.authority, .key = cluster.authority_key},
                               {.who = made.member.self, .permitted = wanted.permitted},
                               from(now, wanted.valid_for));
  if (!own)
    return core::fail(own.error());
  made.member.own = std::move(*own);
  return made;
}

std::string to_text(const join_file& x) {
  auto fields = fields_of(x.member);
  fields.emplace("maze_join", 1);
  core::list masters;
  for (const auto& master : x.masters)
    masters.emplace_back(to_string(master));
  fields.emplace("masters", std::move(masters));
  return to_json_text(std::move(fields));
}

core::result<join_file> parse_join_file(std::string_view text) {
  credential_fields fields(text, "join file", "maze_join",
                           "ask for a new one: 'maze-node join-file NAME' on the master's machine");
  join_file x{.member = take_member(fields, take_identity(fields)), .masters = {}};
  if (fields.ok() && x.member.self.role == node_role::master)
    fields.refuse("role", "is not worker or client");
  for (const auto& master : fields.texts("masters")) {
    auto parsed = parse_endpoint(master);
    if (parsed)
      x.masters.push_back(std::move(*parsed));
    else
      fields.refuse("masters", "is wrong: " + parsed.error().message);
  }
  if (auto fine = fields.finish(); !fine)
    return core::fail(fine.error());
  return x;
}

core::result<void> write_join_file(const std::filesystem::path& path, const join_file& x) {
  return replace_file(path, to_text(x), 0600, true);
}

core::result<join_file> read_join_file(const std::filesystem::path& path, wall_time now) {
  const auto text = read_private(path, file_size_max);
  if (!text)
    return core::fail(text.error());
  auto parsed = parse_join_file(*text);
  if (!parsed)
    return core::fail(named(path, parsed.error()));
  if (auto fine = check_validity(parsed->member, now); !fine)
    return core::fail(named(path, fine.error()));
  return parsed;
}

} // namespace maze::io
