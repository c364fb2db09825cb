#include "maze/io/certificate.hpp"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <array>
#include <ctime>

namespace maze::io {

namespace {

using core::errc;
using std::chrono::system_clock;

using general_names_ptr = std::unique_ptr<GENERAL_NAMES, openssl_free<GENERAL_NAMES_free>>;
using bignum_ptr = std::unique_ptr<BIGNUM, openssl_free<BN_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, openssl_free<X509_EXTENSION_free>>;

constexpr std::size_t pem_size_max = 16 << 10;

bio_ptr reader(std::string_view text) {
  return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string content(BIO* memory) {
  char* begin = nullptr;
  const long length = BIO_get_mem_data(memory, &begin);
  return {begin, static_cast<std::size_t>(length)};
}

core::result<std::string> to_pem(X509& certificate) {
  const bio_ptr out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_X509(out.get(), &certificate) != 1)
    return core::fail(openssl_error("write a certificate"));
  return content(out.get());
}

core::result<std::string> to_pem(EVP_PKEY& key) {
  const bio_ptr out(BIO_new(BIO_s_secmem()));
  if (!out
      || PEM_write_bio_PKCS8PrivateKey(out.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return core::fail(openssl_error("write a private key"));
  return content(out.get());
}

/// Encrypted keys would make OpenSSL ask on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

bool set_time(ASN1_TIME* to, wall_time x) {
  return ASN1_TIME_set(to, system_clock::to_time_t(x)) != nullptr;
}

bool set_serial(X509* certificate) {
  // Positive and at most 20 bytes, as RFC 5280 (4.1.2.2) wants it.
  const bignum_ptr number(BN_new());
  return number && BN_rand(number.get(), 159, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1
         && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_name(X509_NAME* name, std::string_view common_name) {
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.data());
  return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>("maze"), -1, -1, 0)
             == 1
         && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text,
                                       static_cast<int>(common_name.size()), -1, 0)
                == 1;
}

struct extension {
  int nid;
  std::string value;
};

struct plan {
  std::string common_name;
  validity valid;
  std::vector<extension> extensions;
};

/// What signs: nothing means the new key itself.
struct signer {
  X509* certificate = nullptr;
  EVP_PKEY* key = nullptr;
};

bool add_extensions(X509* certificate, X509* issuer, const plan& wanted) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  for (const auto& [nid, value] : wanted.extensions) {
    const extension_ptr made(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    if (!made || X509_add_ext(certificate, made.get(), -1) != 1)
      return false;
  }
  return true;
}

core::result<key_pair> make(const plan& wanted, signer by) {
  const pkey_ptr key(EVP_EC_gen("P-256"));
  const x509_ptr made(X509_new());
  if (!key || !made)
    return core::fail(openssl_error("make a key"));
  if (by.key == nullptr)
    by = {.certificate = made.get(), .key = key.get()};
  const bool filled =
      X509_set_version(made.get(), X509_VERSION_3) == 1 && set_serial(made.get())
      && set_time(X509_getm_notBefore(made.get()), wanted.valid.from)
      && set_time(X509_getm_notAfter(made.get()), wanted.valid.until)
      && set_name(X509_get_subject_name(made.get()), wanted.common_name)
      && X509_set_issuer_name(made.get(), X509_get_subject_name(by.certificate)) == 1
      && X509_set_pubkey(made.get(), key.get()) == 1
      && add_extensions(made.get(), by.certificate, wanted)
      && X509_sign(made.get(), by.key, EVP_sha256()) > 0;
  if (!filled)
    return core::fail(openssl_error("make a certificate"));
  auto certificate_text = to_pem(*made);
  auto key_text = to_pem(*key);
  if (!certificate_text || !key_text)
    return core::fail(certificate_text ? key_text.error() : certificate_text.error());
  return key_pair{.certificate = std::move(*certificate_text), .key = std::move(*key_text)};
}

core::result<wall_time> to_wall_time(const ASN1_TIME* x) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(x, &parts) != 1)
    return core::fail(errc::malformed, "the certificate's validity is no time");
  return system_clock::from_time_t(::timegm(&parts));
}

core::result<validity> validity_of(const X509& certificate) {
  const auto from = to_wall_time(X509_get0_notBefore(&certificate));
  const auto until = to_wall_time(X509_get0_notAfter(&certificate));
  if (!from || !until)
    return core::fail(from ? until.error() : from.error());
  return validity{.from = *from, .until = *until};
}

/// The only subject alternative name, if it is a URI of ours.
std::optional<certified_identity> identity_in(const X509& certificate) {
  const general_names_ptr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (!names || sk_GENERAL_NAME_num(names.get()) != 1)
    return std::nullopt;
  const GENERAL_NAME* only = sk_GENERAL_NAME_value(names.get(), 0);
  if (only->type != GEN_URI)
    return std::nullopt;
  const ASN1_IA5STRING* uri = only->d.uniformResourceIdentifier;
  return identity_from_uri({reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
                            static_cast<std::size_t>(ASN1_STRING_length(uri))});
}

std::string serial_of(const X509& certificate) {
  const bignum_ptr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
  const std::unique_ptr<char, decltype([](char* x) { OPENSSL_free(x); })> digits(
      number ? BN_bn2hex(number.get()) : nullptr);
  return digits ? digits.get() : "";
}

} // namespace

std::string utc_text(wall_time x) {
  const std::time_t seconds = system_clock::to_time_t(x);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const auto length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return {text.data(), length};
}

core::result<key_pair> make_authority(const cluster_id& cluster, const validity& valid) {
  return make({.common_name = "cluster " + to_string(cluster),
               .valid = valid,
               .extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                              {NID_key_usage, "critical,keyCertSign"},
                              {NID_subject_key_identifier, "hash"}}},
              {});
}

core::result<key_pair> issue_certificate(const key_pair& authority, const certified_identity& of,
                                         const validity& valid) {
  if (auto fine = check_node_name(of.who.name); !fine)
    return core::fail(fine.error());
  const auto issuer = parse_certificate(authority.certificate);
  const auto key = parse_key(authority.key);
  if (!issuer || !key)
    return core::fail(issuer ? key.error() : issuer.error());
  return make({.common_name = of.who.name,
               .valid = valid,
               .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                              {NID_key_usage, "critical,digitalSignature"},
                              {NID_ext_key_usage, "serverAuth,clientAuth"},
                              {NID_subject_key_identifier, "hash"},
                              {NID_authority_key_identifier, "keyid:always"},
                              {NID_subject_alt_name, "URI:" + to_uri(of)}}},
              {.certificate = issuer->get(), .key = key->get()});
}

core::result<certificate_facts> facts_of(const X509& certificate) {
  auto named = identity_in(certificate);
  if (!named)
    return core::fail(errc::malformed, "the certificate is no maze node's: it has no single name "
                                       "of the form maze://cluster/role/name");
  const auto valid = validity_of(certificate);
  if (!valid)
    return core::fail(valid.error());
  return certificate_facts{.who = std::move(named->who),
                           .permitted = named->permitted,
                           .valid = *valid,
                           .serial = serial_of(certificate)};
}

core::result<certificate_facts> read_certificate(std::string_view pem) {
  const auto parsed = parse_certificate(pem);
  return parsed ? facts_of(**parsed) : core::fail(parsed.error());
}

core::result<validity> read_validity(std::string_view pem) {
  const auto parsed = parse_certificate(pem);
  return parsed ? validity_of(**parsed) : core::fail(parsed.error());
}

core::result<void> check_pair(std::string_view authority, const key_pair& own) {
  const auto issuer = parse_certificate(authority);
  const auto certificate = parse_certificate(own.certificate);
  const auto key = parse_key(own.key);
  if (!issuer || !certificate || !key)
    return core::fail(!issuer ? issuer.error() : !certificate ? certificate.error() : key.error());
  const bool belongs = X509_check_private_key(certificate->get(), key->get()) == 1;
  EVP_PKEY* issuer_key = X509_get0_pubkey(issuer->get());
  const bool is_signed = issuer_key != nullptr && X509_check_ca(issuer->get()) == 1
                         && X509_verify(certificate->get(), issuer_key) == 1;
  ERR_clear_error();
  if (!belongs)
    return core::fail(errc::malformed, "the private key does not belong to the certificate");
  if (!is_signed)
    return core::fail(errc::malformed, "the cluster's authority did not sign the certificate");
  return {};
}

core::result<x509_ptr> parse_certificate(std::string_view pem) {
  if (pem.size() > pem_size_max)
    return core::fail(errc::malformed,
                      fmt::format("a certificate of more than {} bytes", pem_size_max));
  const auto in = reader(pem);
  x509_ptr parsed(in ? PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr) : nullptr);
  ERR_clear_error();
  if (!parsed)
    return core::fail(errc::malformed, "no certificate in PEM form");
  return parsed;
}

core::result<pkey_ptr> parse_key(std::string_view pem) {
  if (pem.size() > pem_size_max)
    return core::fail(errc::malformed,
                      fmt::format("a private key of more than {} bytes", pem_size_max));
  const auto in = reader(pem);
  pkey_ptr parsed(in ? PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr)
                     : nullptr);
  ERR_clear_error();
  if (!parsed)
    return core::fail(errc::malformed, "no private key in PEM form");
  return parsed;
}

} // namespace maze::io
