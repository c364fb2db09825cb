#include "maze/io/tls.hpp"

#include "maze/io/socket_bio.hpp"

#include <fmt/format.h>
#include <openssl/sslerr.h>

namespace maze::io {

namespace {

using core::errc;

/// A chain here is one certificate of about 700 bytes.
constexpr long chain_size_max = 16 << 10;

std::string refusal_of(X509_STORE_CTX* store) {
  const X509* shown = X509_STORE_CTX_get0_cert(store);
  const auto facts = shown != nullptr ? facts_of(*shown) : core::fail(errc::not_found, {});
  auto whose = facts ? fmt::format("the certificate of {}", to_string(facts->who))
                     : std::string("its certificate");
  const bool behind = X509_STORE_CTX_get_error_depth(store) > 0;
  const bool dated = facts && !behind;
  if (behind)
    whose = "the authority behind " + whose;
  switch (X509_STORE_CTX_get_error(store)) {
  case X509_V_ERR_CERT_HAS_EXPIRED:
    return dated ? fmt::format("{} expired on {}; make a new join file on the master", whose,
                               utc_text(facts->valid.until))
                 : whose + " has expired";
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return dated ? fmt::format("{} counts from {} only; check the clocks of both machines", whose,
                               utc_text(facts->valid.from))
                 : whose + " does not count yet";
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
  case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    return whose + " is of another cluster; use a join file of this one";
  default:
    return fmt::format("{} was refused: {}", whose,
                       X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
  }
}

int on_verified(int fine, X509_STORE_CTX* store) {
  if (fine == 1)
    return 1;
  const auto* session = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* fault = static_cast<std::string*>(SSL_get_app_data(session));
  if (fault != nullptr)
    *fault = refusal_of(store);
  return 0;
}

bool set_up(SSL_CTX* context, X509* authority, X509* certificate, EVP_PKEY* key) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // Both sides know the authority: nobody needs to send it.
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_ENABLE_PARTIAL_WRITE
                                | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context, chain_size_max);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verified);
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1
         && SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1
         && SSL_CTX_set_num_tickets(context, 0) == 1
         && X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority) == 1
         && SSL_CTX_use_certificate(context, certificate) == 1
         && SSL_CTX_use_PrivateKey(context, key) == 1;
}

/// Alerts of a peer that does not like what we showed.
std::string_view alert_text(int reason) {
  switch (reason) {
  case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
  case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
    return "it says that this node's certificate is of another cluster; use a join file of its own";
  case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    return "it says that this node's certificate has expired or does not count yet; check the "
           "clocks, or make a new join file on the master";
  case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    return "it wants a certificate of this node";
  case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
  case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
  case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
  case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    return "it refused this node's certificate; make a new join file on the master";
  default:
    return {};
  }
}

} // namespace

core::result<tls_context> tls_context::make(const credentials& own) {
  if (auto fine = check_pair(own.authority, own.own); !fine)
    return core::fail(fine.error());
  const auto authority = parse_certificate(own.authority);
  const auto certificate = parse_certificate(own.own.certificate);
  const auto key = parse_key(own.own.key);
  if (!authority || !certificate || !key)
    return core::fail(errc::malformed, "the credentials changed while they were read");
  ssl_ctx_ptr context(SSL_CTX_new(TLS_method()));
  if (!context || !set_up(context.get(), authority->get(), certificate->get(), key->get()))
    return core::fail(openssl_error("set up TLS"));
  auto shown = own;
  shown.own.key.clear();
  return tls_context(std::move(context), std::move(shown));
}

core::result<ssl_ptr> tls_context::session(int fd, tls_side side, std::string* fault) const {
  ssl_ptr made(SSL_new(context_.get()));
  bio_ptr socket = make_socket_bio(fd);
  if (!made || !socket)
    return core::fail(openssl_error("start a TLS session"));
  // One reference serves both directions: SSL_set_bio takes one when they are the same.
  BIO* both = socket.release();
  SSL_set_bio(made.get(), both, both);
  SSL_set_app_data(made.get(), fault);
  if (side == tls_side::accepts)
    SSL_set_accept_state(made.get());
  else
    SSL_set_connect_state(made.get());
  return made;
}

void tls_context::forget_fault(SSL& session) noexcept { SSL_set_app_data(&session, nullptr); }

core::result<certified_identity> peer_of(const SSL& session) {
  const X509* certificate = SSL_get0_peer_certificate(&session);
  if (certificate == nullptr || SSL_get_verify_result(&session) != X509_V_OK)
    return core::fail(errc::permission_denied, "it showed no certificate that counts");
  const auto facts = facts_of(*certificate);
  if (!facts)
    return core::fail(errc::permission_denied, facts.error().message);
  return certified_identity{.who = facts->who, .permitted = facts->permitted};
}

tls_fault explain_tls_failure(const std::string& refused) {
  const auto number = ERR_peek_error();
  const int reason = ERR_GET_LIB(number) == ERR_LIB_SSL ? ERR_GET_REASON(number) : 0;
  ERR_clear_error();
  if (!refused.empty())
    return {.certificate = true, .text = refused};
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
    return {.certificate = true, .text = "it showed no certificate; give it a join file"};
  if (const auto alert = alert_text(reason); !alert.empty())
    return {.certificate = true, .text = std::string(alert)};
  const char* name = reason != 0 ? ERR_reason_error_string(number) : nullptr;
  return {.certificate = false,
          .text = fmt::format("it does not speak TLS 1.3 as a maze node does ({})",
                              name != nullptr ? name : "no reason given")};
}

} // namespace maze::io
