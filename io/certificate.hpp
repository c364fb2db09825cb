#pragma once

#include "maze/core/result.hpp"
#include "maze/io/identity.hpp"
#include "maze/io/openssl.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace maze::io {

/// A moment on the wall clock: certificates know no other.
using wall_time = std::chrono::system_clock::time_point;

/// `2026-11-21 10:00:00 UTC`.
std::string utc_text(wall_time x);

/// When a certificate counts, both ends included, in whole seconds.
struct validity {
  wall_time from;
  wall_time until;
};

/// A certificate and the private key that belongs to it, both as PEM text. The key is a secret.
struct key_pair {
  std::string certificate;
  std::string key;
};

/// What a node's certificate says.
struct certificate_facts {
  node_identity who;
  /// See `certified_identity`.
  core::permission_set permitted = core::permission_set::all();
  validity valid;
  /// Hexadecimal digits.
  std::string serial;
};

/// A new cluster's certificate authority: EC P-256, signs nodes only (path length 0).
core::result<key_pair> make_authority(const cluster_id& cluster, const validity& valid);

/// A new key, and a certificate for it that `authority` signs: EC P-256, 159 random bits of serial,
/// the node's URI as its only subject alternative name. Fails with `invalid_argument` for a bad name.
core::result<key_pair> issue_certificate(const key_pair& authority, const certified_identity& of,
                                         const validity& valid);

/// What a certificate's PEM text says; `malformed` unless it is a maze node's.
core::result<certificate_facts> read_certificate(std::string_view pem);
/// The same for a certificate that OpenSSL has read, for example a peer's.
core::result<certificate_facts> facts_of(const X509& certificate);

/// Fails with `malformed` unless `authority` (PEM) signed the pair's certificate and the key belongs
/// to it. Says nothing about time.
core::result<void> check_pair(std::string_view authority, const key_pair& own);
/// The validity of any certificate, an authority's too.
core::result<validity> read_validity(std::string_view pem);

/// The certificate in a PEM text of at most 16 KiB; `malformed` otherwise.
core::result<x509_ptr> parse_certificate(std::string_view pem);
/// The private key in a PEM text of at most 16 KiB, not encrypted; `malformed` otherwise.
core::result<pkey_ptr> parse_key(std::string_view pem);

} // namespace maze::io
